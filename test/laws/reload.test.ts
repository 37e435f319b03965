// Random interleavings of edits of the file, changes at run time, also while the file
// is being read, and reloads, on a real store, against the naive model of a take-in:
// the same state after every step, and every conflict reported. SIM_LONG=1 runs for
// minutes; LAWS_SEED repeats a run.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  diffStates,
  emptyState,
  fileDiffOf,
  KIND_NAMES,
  type ResourceKey,
  type State,
  stateFromConfigNear,
  type TakeInPolicy,
  toConfigState,
} from "../../src/core/index.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { encodeBaseAfter, readBase, stateOfBase } from "../../src/reload/base.ts";
import { encodeDiff } from "../../src/reload/diff-bytes.ts";
import type { Reading, ReadRequest } from "../../src/reload/reading.ts";
import { Reloader } from "../../src/reload/reloader.ts";
import { memoryPersistence } from "../../src/store/persistence.ts";
import { encodeBase } from "../../src/store/record.ts";
import { Store } from "../../src/store/store.ts";
import { same, sameData } from "../core/same.ts";
import { anyEdits, applied, type Edit, parsed, START } from "./take-in-arbitrary.ts";
import { type Flat, flatText, flatten, mergeNaively } from "./take-in-model.ts";

const IS_LONG = process.env["SIM_LONG"] === "1";
const SEED = Number(process.env["LAWS_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = IS_LONG ? 20_000 : 500;
const TIMEOUT = IS_LONG ? 3_600_000 : 90_000;

/** One step. */
type Step =
  | { readonly is: "file"; readonly edits: readonly Edit[] }
  | { readonly is: "live"; readonly edits: readonly Edit[] }
  | ReloadStep;

interface ReloadStep {
  readonly is: "reload";
  readonly during: readonly Edit[];
  readonly policy: TakeInPolicy;
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: anyEdits(5).map((edits) => ({ is: "file", edits }) as const) },
  { weight: 3, arbitrary: anyEdits(5).map((edits) => ({ is: "live", edits }) as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant("reload" as const),
      during: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyEdits(3) }),
      policy: fc.constantFrom<TakeInPolicy>("file", "file", "file", "refuse"),
    }),
  },
);

const tally = { applied: 0, unchanged: 0, rejected: 0, conflicts: 0, kept: 0, during: 0, near: 0 };

test(
  `${RUNS} interleavings of edits, changes and reloads agree with the model (seed ${SEED})`,
  async () => {
    const anySteps = fc.array(anyStep, { minLength: 4, maxLength: 14, size: "max" });
    await fc.assert(
      fc.asyncProperty(anySteps, (steps) => new Interleaving().run(steps)),
      { numRuns: RUNS, seed: SEED },
    );
    if (process.env["LAWS_TALLY"] === "1") process.stderr.write(`${JSON.stringify(tally)}\n`);
    // A generator that seldom makes one of these tests little.
    for (const number of Object.values(tally)) expect(number).toBeGreaterThan(RUNS / 50);
  },
  TIMEOUT,
);

/** A file, a store, and what the model knows of them. */
class Interleaving {
  readonly #persistence = memoryPersistence();
  readonly #store: Store;
  readonly #reloader: Reloader;
  #file: State;
  /** The file as it was last taken in. */
  #base: Flat;
  #isTaken = false;
  #during: readonly Edit[] = [];
  #policy: TakeInPolicy = "file";

  constructor() {
    const state = applied(emptyState(), START);
    this.#file = parsed(state);
    this.#base = flat(state);
    const clock = () => new Date(0);
    this.#store = new Store({ state, revision: 1n, historyId: "h", persistence: this.#persistence, clock });
    this.#reloader = new Reloader({
      entry: { kind: "file", path: "test.kdl" },
      store: this.#store,
      log: { write: () => {} },
      clock,
      waitApplied: () => Promise.resolve(true),
      base: encodeBase(this.#file),
      started: {},
      status: {
        file: "test.kdl",
        valid: true,
        time: new Date(0),
        trigger: "start",
        result: "applied",
        revision: 1n,
        problems: [],
      },
      reader: {
        read: (request, base) => this.#read(request, base),
        prepare: () => {},
        discard: () => {},
      },
    });
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.is === "file") this.#file = parsed(edited(this.#file, step.edits));
      else if (step.is === "live") await this.#change(step.edits);
      else await this.#reload(step);
    }
    const stored = await this.#persistence.base();
    if (!this.#isTaken || !stored.ok || stored.value === undefined) return;
    same(flatText(flat(stateOfBase(stored.value)!)), flatText(this.#base));
  }

  /** Changes what runs, as a client does. */
  async #change(edits: readonly Edit[]): Promise<void> {
    const { state } = this.#store;
    const commands = diffStates(state, edited(state, edits));
    const outcome = await this.#store.commit({ commands, source: "grpc", actor: "local", force: true });
    same(outcome.ok, true);
  }

  async #reload({ during, policy }: ReloadStep): Promise<void> {
    this.#during = during;
    this.#policy = policy;
    const result = await this.#reloader.reload({ trigger: "grpc", force: true });
    const live = this.#live!;
    const file = flat(this.#file);
    const expected = mergeNaively(this.#base, file, live);
    const isRefused = expected.broken.length > 0 || (policy === "refuse" && expected.conflicts.length > 0);
    same(result.ok, !isRefused);
    tally[this.#reloader.status.result]++;
    if (during.length > 0) tally.during++;
    if (!result.ok) return same(flatText(flat(this.#store.state)), flatText(live));
    same(flatText(flat(this.#store.state)), flatText(expected.state));
    sameData(result.kept.map(({ key, change }) => `${change} ${nameOf(key)}`).sort(), expected.kept);
    const conflicts = result.conflicts.map(({ key, change, field }) => `${change} ${nameOf(key)} ${field}`);
    sameData(conflicts.sort(), expected.conflicts);
    if (expected.conflicts.length > 0) tally.conflicts++;
    if (expected.kept.length > 0) tally.kept++;
    this.#base = file;
    this.#isTaken = true;
  }

  #live: Flat | undefined;

  /** What the thread does, but for the text of the file; changes go on meanwhile. */
  async #read({ isBaseChecked }: ReadRequest, base: Uint8Array): Promise<Reading> {
    const last = readBase(base);
    const near = isBaseChecked ? stateFromConfigNear(written(this.#file), last.state) : undefined;
    if (near !== undefined) tally.near++;
    const next = near ?? this.#file;
    const diff = encodeDiff(fileDiffOf(last.state, next));
    await this.#change(this.#during);
    this.#live = flat(this.#store.state);
    return structuredClone({
      paths: { files: [], folders: [] },
      settings: { control: [], policy: { reloadConflicts: this.#policy } },
      startSettings: {},
      diagnostics: [],
      edited: { diff, origins: new Map(), base: encodeBaseAfter(last, next) },
    });
  }
}

function edited(state: State, edits: readonly Edit[]): State {
  return edits.reduce((now, edit) => edit(now), state);
}

/** The configuration as a file says it: with routes in order, and without the keys of it. */
function written(state: State) {
  const config = toConfigState(state);
  return create(ConfigStateSchema, {
    ...config,
    routes: config.routes.map(({ order: _, ...route }) => route),
  });
}

function flat(state: State): Flat {
  return flatten(toConfigState(state));
}

function nameOf({ kind, upstream, id }: ResourceKey): string {
  return `${KIND_NAMES[kind]}/${upstream}/${id}`;
}
