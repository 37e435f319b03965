// A virtual data-plane worker: the real Replica, behind the rules of
// src/worker/thread.ts, with a routing table that is kept up incrementally.
// Oracles: L9 and L7 after every message, and that a snapshot is asked for only
// when the link has done something wrong.
import {
  addHash,
  digestHex,
  emptyDigest,
  encodeResource,
  keyText,
  type Resource,
  resources,
} from "../../src/core/index.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { finish } from "../../src/proxy/steps.ts";
import { printTable, RoutingTable } from "../../src/routing/index.ts";
import type { FromWorker } from "../../src/worker/messages.ts";
import { type Received, Replica } from "../../src/worker/replica.ts";
import type { History } from "./history.ts";
import { matchesOf, trialsOf } from "./requests.ts";
import type { World } from "./world.ts";

type Update = (Received & { readonly ok: true })["updates"][number];

/** What of ToWorker is about state. */
export interface Feed {
  readonly type: "snapshot" | "change";
  readonly bytes: Uint8Array;
}

/** See the head of this file. */
export class VirtualWorker {
  readonly #world: World;
  readonly #name: string;
  readonly #history: History;
  readonly #replica = new Replica();
  readonly #table = new RoutingTable();
  /** Every resource as the data plane was told of it. */
  readonly #resources = new Map<string, { readonly update: Update; readonly value: Resource }>();
  #isAwaitingSnapshot = false;
  #isExcused = false;

  constructor(world: World, name: string, history: History) {
    this.#world = world;
    this.#name = name;
    this.#history = history;
  }

  /** Takes a message; the answer to the primary, or "ends": this worker cannot go on. */
  receive({ type, bytes }: Feed, isExcused: boolean): FromWorker | "ends" | undefined {
    this.#isExcused ||= isExcused;
    if (type === "snapshot") return this.#take(finish(this.#replica.snapshot(bytes)), type);
    // What is already on its way when a snapshot is asked for is in that snapshot.
    if (this.#isAwaitingSnapshot) return undefined;
    return this.#take(finish(this.#replica.change(bytes)), type);
  }

  #take(received: Received, type: Feed["type"]): FromWorker | "ends" {
    this.#isAwaitingSnapshot = !received.ok;
    if (!received.ok) {
      const { reason } = received;
      this.#world.check(
        this.#replica.revision < 0n,
        "L9",
        () => `${this.#name} is lost and claims a revision`,
      );
      this.#world.check(
        this.#isExcused,
        "Reliable feed",
        () => `${this.#name}, over a sound link: ${reason}`,
      );
      this.#world.count(`resync: ${reason.replace(/[-\d]+/g, "n")}`);
      this.#world.log(this.#name, `cannot go on: ${reason}`);
      return type === "snapshot" ? "ends" : { type: "resync", reason };
    }
    if (type === "snapshot") {
      this.#isExcused = false;
      this.#forgetOthers(received.updates);
    }
    for (const update of received.updates) this.#apply(update);
    const { revision, digest } = this.#replica;
    this.#world.log(this.#name, `has ${revision}${type === "snapshot" ? " by snapshot" : ""}`);
    const isSame = digest === this.#history.digestAt(revision);
    this.#world.check(isSame, "L9", () => `${this.#name} at ${revision} has another digest`);
    if (received.updates.some(({ kind }) => kind === "route")) this.#checkTable(revision);
    if (this.#world.random.chance(type === "snapshot" ? 0.3 : 0.03)) this.checkResources();
    return { type: "applied", revision, digest };
  }

  /** L7. */
  #checkTable(revision: bigint): void {
    const table = this.#table;
    const { printed, matches, built } = this.#history.tableAt(revision);
    const another = (what: string) => () => `${this.#name} at ${revision} has other ${what}`;
    this.#world.check(printTable(table) === printed, "L7", another("routes"));
    this.#world.check(matchesOf(table) === matches, "L7", another("matches"));
    if (!this.#world.random.chance(0.1)) return;
    this.#world.check(trialsOf(table) === trialsOf(built), "L7", another("trials"));
  }

  /** What the data plane was told is what the digest is of. */
  checkResources(): void {
    const digest = emptyDigest();
    for (const { update, value } of this.#resources.values()) {
      addHash(digest, encodeResource(keyOf(update), value).hash);
    }
    // Of what the data plane does not use, it is told nothing.
    for (const { key, hash } of resources(this.#history.stateAt(this.#replica.revision)!)) {
      if (!USED.has(key.kind)) addHash(digest, hash);
    }
    const isSame = digestHex(digest) === this.#replica.digest;
    this.#world.check(isSame, "L9", () => `${this.#name} told its data plane something else`);
  }

  /** As DataPlane.reset: what is not in the snapshot goes. */
  #forgetOthers(updates: readonly Update[]): void {
    const kept = new Set(updates.map((update) => keyText(keyOf(update))));
    for (const [key, { update }] of [...this.#resources]) {
      if (!kept.has(key)) this.#apply({ ...update, value: undefined } as Update);
    }
  }

  #apply(update: Update): void {
    const key = keyText(keyOf(update));
    if (update.value === undefined) this.#resources.delete(key);
    else this.#resources.set(key, { update, value: update.value });
    if (update.kind !== "route") return;
    if (update.value === undefined) this.#table.remove(update.id);
    else this.#table.upsert(update.value);
  }
}

const KINDS = {
  system: ResourceKind.SYSTEM,
  listener: ResourceKind.LISTENER,
  route: ResourceKind.ROUTE,
  upstream: ResourceKind.UPSTREAM,
  backend: ResourceKind.BACKEND,
} as const;
const USED: ReadonlySet<number> = new Set(Object.values(KINDS));

function keyOf(update: Update) {
  const upstream = update.kind === "backend" ? update.upstream : "";
  return { kind: KINDS[update.kind], upstream, id: update.kind === "system" ? "" : update.id } as const;
}
