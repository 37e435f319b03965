// The oracle's record of one life of the primary: every committed change in
// order, each replayed by the core from the start (L6), independently of what
// the store says its states are.
import { toBinary } from "@bufbuild/protobuf";
import { applyDiff, digestHex, effectsOf, type State, toConfigState } from "../../src/core/index.ts";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { printTable, RoutingTable } from "../../src/routing/index.ts";
import type { CommittedChange } from "../../src/store/change-log.ts";
import { matchesOf } from "./requests.ts";
import { Violation, type World } from "./world.ts";

/** A revision as the oracle knows it. */
interface Known {
  /** Undefined for the state that the life began with. */
  readonly change: CommittedChange | undefined;
  readonly state: State;
  readonly digest: string;
  table?: BuiltTable;
  effects?: string;
}

/** A routing table with how it prints and what it chooses. */
interface BuiltTable {
  readonly built: RoutingTable;
  readonly printed: string;
  readonly matches: string;
}

/** See the head of this file. */
export class History {
  readonly id: string;
  readonly first: bigint;
  readonly #world: World;
  readonly #known: Known[];
  readonly #commands = new Set<readonly Command[]>();

  constructor(world: World, id: string, first: bigint, state: State) {
    this.#world = world;
    this.id = id;
    this.first = first;
    this.#known = [{ change: undefined, state, digest: digestHex(state.digest) }];
  }

  /** The last committed revision. */
  get last(): bigint {
    return this.first + BigInt(this.#known.length - 1);
  }

  /** The state at the last revision, by replay. */
  get state(): State {
    return this.#known.at(-1)!.state;
  }

  get digest(): string {
    return this.#known.at(-1)!.digest;
  }

  /** Takes the next committed change in. */
  record(change: CommittedChange): void {
    const { revision } = change;
    this.#world.check(revision === this.last + 1n, "consecutive", () => `${revision} after ${this.last}`);
    const before = this.#known.at(-1)!;
    const replayed = applyDiff(before.state, change.commands);
    if (!replayed.ok) return this.#world.fail(new Violation("L6", `revision ${revision} cannot be replayed`));
    const { state } = replayed;
    const digest = digestHex(state.digest);
    this.#world.check(
      digest === digestHex(change.state.digest),
      "L6",
      () => `replaying ${revision} gives ${digest}, not ${digestHex(change.state.digest)}`,
    );
    const time = before.change?.time ?? change.time;
    this.#world.check(
      change.time >= time,
      "time",
      () => `revision ${revision} is older than its predecessor`,
    );
    this.#known.push({ change, state, digest });
    this.#commands.add(change.commands);
  }

  /** The change that made a revision, if it is committed. */
  change(revision: bigint): CommittedChange | undefined {
    return this.#at(revision)?.change;
  }

  stateAt(revision: bigint): State | undefined {
    return this.#at(revision)?.state;
  }

  digestAt(revision: bigint): string | undefined {
    return this.#at(revision)?.digest;
  }

  /** Whether a diff was committed: this very one, not one that is equal. */
  isCommitted(commands: readonly Command[]): boolean {
    return this.#commands.has(commands);
  }

  /** The routing table of a revision, built from scratch (L7). */
  tableAt(revision: bigint): BuiltTable {
    const known = this.#at(revision)!;
    known.table ??= tableOf(known.state);
    return known.table;
  }

  /** What a change did, as text. */
  effectsAt(revision: bigint): string {
    const known = this.#at(revision)!;
    known.effects ??= effectsText(effectsOf(known.change!.changes));
    return known.effects;
  }

  /** L6: what all committed diffs made of the first state is this one, byte for byte. */
  checkReplay(current: State): void {
    const same = Buffer.compare(bytesOf(this.state), bytesOf(current)) === 0;
    this.#world.check(same, "L6", () => "the replayed state has other bytes than the current one");
  }

  #at(revision: bigint): Known | undefined {
    return revision < this.first ? undefined : this.#known[Number(revision - this.first)];
  }
}

/** Text of effects that is equal when they are. */
export function effectsText(effects: ReturnType<typeof effectsOf>): string {
  return JSON.stringify(
    effects.map(({ kind, upstream, id, action, fields }) => [kind, upstream, id, action, ...fields]),
  );
}

function tableOf(state: State): BuiltTable {
  const built = new RoutingTable();
  state.routes.forEach(({ value }) => {
    built.upsert(value);
  });
  return { built, printed: printTable(built), matches: matchesOf(built) };
}

function bytesOf(state: State): Uint8Array {
  return toBinary(ConfigStateSchema, toConfigState(state));
}
