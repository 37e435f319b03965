// Which listener is served on which bound address. Addresses are prepared
// before a change is committed and taken over when it is applied; an address
// that is bound already passes from one listener to another without being
// closed. Knows no HTTP. Owned by data-plane.ts.
import type { Socket } from "node:net";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";
import { Binding } from "./binding.ts";
import type { Limits } from "./limits.ts";

/** A listener that could not be bound. */
export interface BindFailure {
  readonly id: string;
  /** The system's code, for example EADDRINUSE. */
  readonly code: string;
  readonly message: string;
}

/** A listener and its address as configured. */
export interface ListenerAddress {
  readonly id: string;
  readonly address: string;
  /** What to bind where the address says port 0: the port that all workers share. */
  readonly bindAddress?: string;
}

/** Where connections and errors go. */
export interface ListenersOptions {
  readonly limits: Limits;
  /** Whether other workers listen on the same addresses. */
  readonly reusePort: boolean;
  /** Whether to accept no more, at once. */
  readonly isEnding: () => boolean;
  readonly onConnection: (socket: Socket, binding: Binding) => void;
  /** A listener could not be bound in the background (it is tried again), or accepting failed. */
  readonly onError: (id: string, error: Error) => void;
  /** The address is no longer served: its connections are to be drained. */
  readonly onClosed: (binding: object) => void;
}

interface Entry {
  readonly binding: Binding;
  /** Pending preparations that count on it. */
  readonly tokens: Set<number>;
  /** The listener served on it; undefined while it is only prepared. */
  owner: ListenerAddress | undefined;
  /** The attempt to bind it for a preparation. */
  preparing: Promise<BindFailure | undefined> | undefined;
  /** Set between attempts to bind it for a live listener. */
  retry: NodeJS.Timeout | undefined;
  isBound: boolean;
}

/** See the head of this file. */
export class Listeners {
  readonly #options: ListenersOptions;
  /** By address, or by address and listener id for port 0. */
  readonly #entries = new Map<string, Entry>();
  /** Listeners as applied, by id. */
  readonly #wanted = new Map<string, Listener>();
  /** By key of an entry: what to bind in place of its address. */
  readonly #pins = new Map<string, string>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /**
   * Binds what is not bound yet and holds what arrives there. Resolves with the
   * listeners that failed; then nothing of this token stays bound.
   */
  async prepare(token: number, listeners: readonly ListenerAddress[]): Promise<BindFailure[]> {
    this.pin(listeners);
    const attempts: Promise<BindFailure | undefined>[] = [];
    for (const listener of listeners) {
      const known = this.#entries.get(keyOf(listener));
      if (known === undefined) {
        const entry = this.#add(keyOf(listener));
        entry.tokens.add(token);
        entry.preparing = this.#bind(entry, listener);
        attempts.push(entry.preparing);
        continue;
      }
      known.tokens.add(token);
      // Being bound for an earlier token: both have the same result. For a live
      // listener that is being tried again and again there is nothing to wait for.
      if (known.preparing !== undefined)
        attempts.push(known.preparing.then((failure) => failure && { ...failure, id: listener.id }));
    }
    const failures = (await Promise.all(attempts)).filter((failure) => failure !== undefined);
    if (failures.length > 0) this.release(token);
    return failures;
  }

  /** Closes what was bound for this token and has not gone live. */
  release(token: number): void {
    for (const [key, entry] of this.#entries) {
      if (!entry.tokens.delete(token)) continue;
      if (entry.tokens.size > 0 || entry.owner !== undefined) continue;
      this.#entries.delete(key);
      if (entry.isBound) entry.binding.close(); // else when it is bound, see #bind
    }
  }

  /** Notes the ports that other workers already have for listeners on port 0. */
  pin(listeners: readonly ListenerAddress[]): void {
    for (const { id, address, bindAddress } of listeners)
      if (bindAddress !== undefined) this.#pins.set(keyOf({ id, address }), bindAddress);
  }

  /** Notes what a listener should be; undefined: gone. `settle` makes it so. */
  set(id: string, listener: Listener | undefined): void {
    if (listener?.address === undefined) this.#wanted.delete(id);
    else this.#wanted.set(id, listener);
  }

  /** Serves exactly the listeners noted. Bound addresses change hands; the rest is closed or bound. */
  settle(): void {
    const owners = new Map<string, ListenerAddress & { readonly listener: Listener }>();
    for (const [id, listener] of this.#wanted) {
      const address = listener.address!;
      owners.set(keyOf({ id, address }), { id, address, listener });
    }
    for (const [key, entry] of this.#entries)
      if (entry.owner !== undefined && !owners.has(key)) this.#giveUp(key, entry);
    for (const [key, { listener, ...owner }] of owners) {
      const entry = this.#entries.get(key) ?? this.#bindInBackground(key, owner);
      const isNew = entry.owner === undefined;
      entry.owner = owner;
      entry.binding.listener = listener;
      entry.tokens.clear();
      if (isNew && entry.isBound) entry.binding.serve();
    }
  }

  /** Stops accepting everywhere. */
  close(): void {
    this.#wanted.clear();
    for (const [key, entry] of this.#entries) this.#close(key, entry);
  }

  /** Ids of the listeners noted. */
  ids(): string[] {
    return [...this.#wanted.keys()];
  }

  /** The listeners; an empty boundAddress means that it is still being bound. */
  status(): { id: string; address: string; boundAddress: string }[] {
    return [...this.#entries.values()].flatMap(({ owner, binding, isBound }) =>
      owner === undefined ? [] : [{ ...owner, boundAddress: isBound ? binding.boundAddress : "" }],
    );
  }

  async #bind(entry: Entry, listener: ListenerAddress): Promise<BindFailure | undefined> {
    const key = keyOf(listener);
    try {
      const address = this.#pins.get(key) ?? listener.address;
      await entry.binding.bind(address, (error) => this.#onAcceptError(entry, error));
      entry.isBound = true;
      // Released while binding: nobody waits for it any more.
      if (this.#entries.get(key) !== entry) entry.binding.close();
      // Made live while binding, by a snapshot: serve now.
      else if (entry.owner !== undefined) entry.binding.serve();
      return undefined;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      const { code, message } = error as NodeJS.ErrnoException;
      return { id: listener.id, code: code ?? "UNKNOWN", message };
    }
  }

  /** For listeners that were not prepared, as after a restart: binds, again and again if need be. */
  #bindInBackground(key: string, owner: ListenerAddress): Entry {
    const entry = this.#add(key);
    const { limits, onError } = this.#options;
    const attempt = (pauseMs: number): void => {
      entry.retry = undefined;
      entry.binding
        .bind(this.#pins.get(key) ?? owner.address, (error) => this.#onAcceptError(entry, error))
        .then(
          () => {
            entry.isBound = true;
            if (this.#entries.get(key) !== entry) entry.binding.close();
            else if (entry.owner !== undefined) entry.binding.serve();
          },
          (error: Error) => {
            if (this.#entries.get(key) !== entry) return;
            onError(entry.owner?.id ?? owner.id, error);
            entry.retry = setTimeout(attempt, pauseMs, Math.min(pauseMs * 2, limits.bindRetryMaxMs));
          },
        );
    };
    attempt(limits.bindRetryMs);
    return entry;
  }

  #add(key: string): Entry {
    const { onConnection, limits, reusePort, isEnding } = this.#options;
    const entry: Entry = {
      binding: new Binding(onConnection, { maxHeld: limits.heldConnections, reusePort, isEnding }),
      tokens: new Set(),
      owner: undefined,
      preparing: undefined,
      retry: undefined,
      isBound: false,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Nobody is served on it any more; it stays bound for a coming change that counts on it. */
  #giveUp(key: string, entry: Entry): void {
    if (entry.tokens.size === 0) return this.#close(key, entry);
    entry.owner = undefined;
    this.#options.onClosed(entry.binding);
  }

  #close(key: string, entry: Entry): void {
    clearTimeout(entry.retry);
    this.#entries.delete(key);
    this.#pins.delete(key);
    if (entry.isBound) entry.binding.close();
    this.#options.onClosed(entry.binding);
  }

  #onAcceptError(entry: Entry, error: Error): void {
    if (entry.owner !== undefined) this.#options.onError(entry.owner.id, error);
  }
}

/** Port 0 means "a free port for this listener": such addresses are never shared. */
function keyOf({ id, address }: ListenerAddress): string {
  return address.endsWith(":0") ? `${address} ${id}` : address;
}
