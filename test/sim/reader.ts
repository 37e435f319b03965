// What a watching client makes of the messages it gets, and the oracle for the
// six guarantees of WatchChanges: Ordered, Unique, Atomic, Reliable, Resumable,
// Bookmarkable. A client that asked for the state reconstructs it and compares.
import {
  applyDiff,
  digestHex,
  KIND_NAMES,
  type Kind,
  type State,
  stateFromConfig,
} from "../../src/core/index.ts";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type { WatchChangesResponse } from "../../src/gen/sentinel/v1/control_pb.ts";
import type { ChangePart, Effect, Heartbeat, SnapshotComplete } from "../../src/gen/sentinel/v1/events_pb.ts";
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { effectsText, type History } from "./history.ts";
import { appendChunk } from "./snapshot-chunk.ts";
import type { World } from "./world.ts";

/** A change of which not all parts are here. */
interface Partial {
  readonly revision: bigint;
  readonly commands: Command[];
  readonly effects: Effect[];
  parts: number;
}

/** See the head of this file. */
export class Reader {
  readonly #world: World;
  readonly #name: string;
  readonly #kinds: readonly Kind[];
  #historyId = "";
  /** Everything up to here has been received; -1: nothing to resume from. */
  #bookmark = -1n;
  /** As it was, for what is still being resumed. */
  #state: State | undefined;
  #snapshot: ConfigState | undefined;
  #isInSnapshot = false;
  #partial: Partial | undefined;

  /** `kinds` empty: all. */
  constructor(world: World, name: string, kinds: readonly Kind[]) {
    this.#world = world;
    this.#name = name;
    this.#kinds = kinds;
  }

  get historyId(): string {
    return this.#historyId;
  }

  get bookmark(): bigint {
    return this.#bookmark;
  }

  get isInSnapshot(): boolean {
    return this.#isInSnapshot;
  }

  /** For messages. */
  get place(): string {
    return `${this.#bookmark} of ${this.#historyId === "" ? "no history" : this.#historyId}`;
  }

  /** Whether it has everything that is committed, and the same. */
  isAt({ id, last, digest }: History): boolean {
    if (this.#historyId !== id || this.#bookmark !== last || this.#isInSnapshot) return false;
    return this.#state === undefined || this.#kinds.length > 0 || digestHex(this.#state.digest) === digest;
  }

  /** The first change up to `to` that it was to be told of and has not received. */
  missed(to: bigint, history: History): bigint | undefined {
    return this.#firstWanted(this.#bookmark + 1n, to, history);
  }

  /** A new stream: what was received in part is received again. */
  start({ id }: History, includeState: boolean, fromRevision: bigint): void {
    this.#partial = undefined;
    this.#snapshot = undefined;
    this.#isInSnapshot = includeState;
    if (fromRevision > 0n) return;
    // What it had of this history stays known: time must not go back.
    if (this.#historyId !== id) this.#bookmark = -1n;
    this.#historyId = id;
    this.#state = undefined;
    if (this.#bookmark >= 0n && !includeState) this.#bookmark = -1n;
  }

  /** The bookmark is of no use any more. */
  forget(): void {
    this.#bookmark = -1n;
    this.#historyId = "";
    this.#state = undefined;
  }

  /** Takes one message. */
  take(event: WatchChangesResponse["event"], history: History): void {
    switch (event.case) {
      case "snapshot":
        return this.#takeChunk(event.value);
      case "snapshotComplete":
        return this.#completeSnapshot(event.value, history);
      case "change":
        return this.#takePart(event.value, history);
      case "heartbeat":
        return this.#takeHeartbeat(event.value, history);
      default:
        return this.#check(false, "Atomic", "an empty message");
    }
  }

  #takeChunk(chunk: ConfigState): void {
    this.#check(this.#isInSnapshot, "Atomic", "a snapshot that was not asked for");
    if (this.#snapshot === undefined) {
      this.#snapshot = chunk;
      return;
    }
    this.#world.count("snapshots in parts");
    appendChunk(this.#snapshot, chunk);
  }

  #completeSnapshot({ historyId, revision, digest }: SnapshotComplete, history: History): void {
    this.#check(this.#isInSnapshot && this.#snapshot !== undefined, "Atomic", "an end without a snapshot");
    const made = stateFromConfig(this.#snapshot!);
    this.#check(made.ok, "state", `the snapshot of ${revision} is not valid`);
    const state = (made as { state: State }).state;
    const isSame = digestHex(state.digest) === digest && history.digestAt(revision) === digest;
    this.#check(isSame && historyId === history.id, "state", `the snapshot of ${revision} is another state`);
    this.#check(revision >= this.#bookmark, "Ordered", `snapshot ${revision} after ${this.#bookmark}`);
    this.#isInSnapshot = false;
    this.#snapshot = undefined;
    this.#state = state;
    this.#bookmark = revision;
    this.#world.log(this.#name, `has the state of ${revision}`);
  }

  #takePart({ part, last, change }: ChangePart, history: History): void {
    const { revision, commands, effects, digest } = change!;
    this.#check(!this.#isInSnapshot, "Atomic", `change ${revision} inside the snapshot`);
    const isNext = part === (this.#partial?.parts ?? 0) && revision === (this.#partial?.revision ?? revision);
    this.#check(isNext, "Atomic", `part ${part} of ${revision} after ${this.#partial?.parts ?? "none"}`);
    if (part === 0) this.#checkPlace(revision, history);
    const partial = this.#partial ?? { revision, commands: [], effects: [], parts: 0 };
    partial.commands.push(...commands);
    partial.effects.push(...effects);
    partial.parts++;
    this.#partial = last ? undefined : partial;
    if (!last) return;
    if (partial.parts > 1) this.#world.count("changes in parts");
    this.#check(digest === history.digestAt(revision), "state", `change ${revision} has another digest`);
    const isWhole = effectsText(partial.effects) === history.effectsAt(revision);
    this.#check(isWhole, "Atomic", `change ${revision} has other effects`);
    this.#reconstruct(partial, digest);
    this.#bookmark = revision;
    this.#world.log(this.#name, `has ${revision}`);
  }

  /** Ordered, Unique, Reliable: the change is the next one that is wanted. */
  #checkPlace(revision: bigint, history: History): void {
    const bookmark = this.#bookmark;
    this.#check(bookmark >= 0n, "Bookmarkable", `change ${revision} before a place was told`);
    this.#check(revision !== bookmark, "Unique", `change ${revision} comes twice`);
    this.#check(revision > bookmark, "Ordered", `change ${revision} after ${bookmark}`);
    this.#check(history.change(revision) !== undefined, "committed only", `${revision} is not committed`);
    this.#check(this.#isWanted(revision, history), "kinds", `change ${revision} was not asked for`);
    const missed = this.missed(revision - 1n, history);
    this.#check(missed === undefined, "Reliable", `change ${missed} is missing before ${revision}`);
  }

  #takeHeartbeat({ historyId, revision }: Heartbeat, history: History): void {
    const isBetween = !this.#isInSnapshot && this.#partial === undefined;
    this.#check(isBetween, "Atomic", `a heartbeat inside of revision ${revision}`);
    this.#check(
      historyId === history.id && revision <= history.last,
      "Bookmarkable",
      `heartbeat ${revision}`,
    );
    this.#world.count("heartbeats");
    if (this.#bookmark >= 0n) {
      this.#check(revision >= this.#bookmark, "Ordered", `heartbeat ${revision} after ${this.#bookmark}`);
      const missed = this.missed(revision, history);
      this.#check(missed === undefined, "Bookmarkable", `heartbeat ${revision} without change ${missed}`);
    }
    this.#bookmark = revision;
  }

  /** What the commands make of the state that it has is the state of the revision. */
  #reconstruct({ revision, commands }: Partial, digest: string): void {
    if (this.#state === undefined || this.#kinds.length > 0) return;
    const applied = applyDiff(this.#state, commands);
    const isSame = applied.ok && digestHex(applied.state.digest) === digest;
    this.#check(isSame, "state", `the commands of ${revision} give another state`);
    this.#state = (applied as { state: State }).state;
  }

  #isWanted(revision: bigint, history: History): boolean {
    const { changes } = history.change(revision)!;
    return this.#kinds.length === 0 || changes.some(({ key }) => this.#kinds.includes(key.kind));
  }

  #firstWanted(from: bigint, to: bigint, history: History): bigint | undefined {
    for (let revision = from; revision <= to; revision++) {
      if (this.#isWanted(revision, history)) return revision;
    }
    return undefined;
  }

  #check(holds: boolean, guarantee: string, detail: string): void {
    const kinds = this.#kinds.map((kind) => KIND_NAMES[kind]).join(" ");
    this.#world.check(holds, guarantee, () => `${this.#name} [${kinds}]: ${detail}`);
  }
}
