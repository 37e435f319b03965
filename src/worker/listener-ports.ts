// What the primary knows about bound addresses: which port each listener on
// port 0 has been given, and which addresses are ours already. Workers that
// start later bind the same ports. Owned by the pool.
import { overlaps, parseBindAddress, type SocketAddress } from "../core/index.ts";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";
import type { BindFailure, ListenerAddress } from "./messages.ts";
import { probeAddress } from "./probe.ts";

/** See the head of this file. */
export class ListenerPorts {
  /** Listener id → its address and what is bound for it, of committed listeners. */
  readonly #bound = new Map<string, Required<ListenerAddress>>();
  /** Preparations that are not decided yet, by token. */
  readonly #pending = new Map<number, readonly Required<ListenerAddress>[]>();

  /**
   * Finds out what to bind for the listeners of a coming change. An address that
   * overlaps one of ours is not probed: it passes from one listener to another.
   */
  async prepare(
    token: number,
    listeners: readonly Listener[],
  ): Promise<readonly Required<ListenerAddress>[] | readonly BindFailure[]> {
    const results = await Promise.all(listeners.map(({ id, address }) => this.#find(id, address!)));
    const failures = results.filter((result) => "code" in result);
    if (failures.length > 0) return failures;
    const ready = results.filter((result) => "bindAddress" in result);
    this.#pending.set(token, ready);
    return ready;
  }

  /** Forgets a preparation. */
  release(token: number): void {
    this.#pending.delete(token);
  }

  /** A listener is as committed now; undefined: gone. */
  commit(id: string, address: string | undefined): void {
    if (address === undefined) {
      this.#bound.delete(id);
      return;
    }
    for (const [token, listeners] of this.#pending) {
      const prepared = listeners.find((one) => one.id === id && one.address === address);
      if (prepared === undefined) continue;
      this.#bound.set(id, prepared);
      const rest = listeners.filter((one) => one !== prepared);
      if (rest.length === 0) this.#pending.delete(token);
      else this.#pending.set(token, rest);
      return;
    }
    if (this.#bound.get(id)?.address !== address) this.#bound.set(id, { id, address, bindAddress: address });
  }

  /** What listeners on port 0 have been given, for a worker that starts. */
  pins(): readonly ListenerAddress[] {
    return [...this.#bound.values()].filter(({ address, bindAddress }) => address !== bindAddress);
  }

  async #find(id: string, address: string): Promise<Required<ListenerAddress> | BindFailure> {
    const known = this.#bound.get(id);
    if (known?.address === address) return known;
    if (this.#isOurs(parseBindAddress(address)!)) return { id, address, bindAddress: address };
    const probed = await probeAddress(id, address);
    return probed.ok ? { id, address, bindAddress: probed.bindAddress } : probed.failure;
  }

  #isOurs(address: SocketAddress): boolean {
    for (const { bindAddress } of this.#bound.values()) {
      if (overlaps(address, parseBindAddress(bindAddress)!)) return true;
    }
    return false;
  }
}
