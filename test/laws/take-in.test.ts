// Random files and run-time changes against the naive model of a take-in, and
// the laws that need no model. SIM_LONG=1 runs for minutes; LAWS_SEED repeats a
// run.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  applyDiff,
  type ConfigError,
  emptyState,
  KIND_NAMES,
  type ResourceKey,
  type State,
  takeIn,
  toConfigState,
} from "../../src/core/index.ts";
import { assertLaws } from "../core/check-diff.ts";
import { same, sameData } from "../core/same.ts";
import { configText } from "./model.ts";
import { anyThreeStates, applied, parsed, type ThreeStates } from "./take-in-arbitrary.ts";
import { type Flat, flatText, flatten, mergeNaively } from "./take-in-model.ts";

const IS_LONG = process.env["SIM_LONG"] === "1";
const SEED = Number(process.env["LAWS_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = IS_LONG ? 50_000 : 500;
const OPTIONS = { numRuns: RUNS, seed: SEED };
const TIMEOUT = IS_LONG ? 3_600_000 : 60_000;

const tally = { taken: 0, refused: 0, referenced: 0, conflicts: 0, orderConflicts: 0, kept: 0, moves: 0 };

test(
  `${RUNS} take-ins agree with the model (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(anyThreeStates, (states) => {
        const [base, file, live] = [states.base, states.file, states.live].map(flat) as [Flat, Flat, Flat];
        const expected = mergeNaively(base, file, live);
        const result = takeIn(states, "file");
        sameData(result.kept.map(({ key, change }) => `${change} ${nameOf(key)}`).sort(), expected.kept);
        const conflicts = result.conflicts.map(
          ({ key, change, field }) => `${change} ${nameOf(key)} ${field}`,
        );
        sameData(conflicts.sort(), expected.conflicts);
        sameData(result.ok ? [] : rulesOf(result.errors), expected.broken);
        if (result.ok) {
          const after = assertLaws(states.live, result.commands, IS_LONG);
          if (!after.ok) throw new Error("a take-in does not apply");
          same(flatText(flat(after.state)), flatText(expected.state));
        }
        checkRefusing(states, result);
        count(result, live, expected.state);
      }),
      OPTIONS,
    );
    if (process.env["LAWS_TALLY"] === "1") process.stderr.write(`${JSON.stringify(tally)}\n`);
    // A generator that seldom makes one of these tests little.
    expect(tally.taken).toBeGreaterThan(RUNS / 2);
    for (const number of Object.values(tally)) expect(number).toBeGreaterThan(RUNS / 250);
  },
  TIMEOUT,
);

test(
  `a file that did not change takes nothing in (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(anyThreeStates, ({ base, live }) => {
        for (const file of [base, parsed(base)]) {
          sameData(takeIn({ base, file, live }, "refuse"), {
            ok: true,
            commands: [],
            kept: [],
            conflicts: [],
          });
        }
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);

test(
  `without run-time changes, or without a base, the result is the file (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(anyThreeStates, ({ base, file, live }) => {
        checkIsFile({ base, file, live: base });
        checkIsFile({ base: live, file, live });
        checkIsFile({ base: parsed(live), file, live });
        checkIsFile({ base: emptyState(), file, live: emptyState() });
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);

test(
  `what was taken in is not taken in again (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(anyThreeStates, ({ base, file, live }) => {
        const result = takeIn({ base, file, live }, "file");
        if (!result.ok) return;
        const after = applied(live, result.commands);
        for (const last of [base, file]) {
          const again = takeIn({ base: last, file, live: after }, "refuse");
          sameData([again.ok && again.commands, again.conflicts], [[], []]);
        }
      }),
      OPTIONS,
    );
  },
  TIMEOUT,
);

/** "refuse" differs from "file" only in that every conflict is an error, before the others. */
function checkRefusing(states: ThreeStates, result: ReturnType<typeof takeIn>): void {
  const refusing = takeIn(states, "refuse");
  same(refusing.ok, result.ok && result.conflicts.length === 0);
  sameData([refusing.kept, refusing.conflicts], [result.kept, result.conflicts]);
  if (refusing.ok) return sameData(refusing.commands, result.ok && result.commands);
  const errors = refusing.errors.slice(result.conflicts.length);
  sameData(errors, result.ok ? [] : result.errors);
  const named = refusing.errors.slice(0, result.conflicts.length);
  for (const [i, { rule, subject }] of named.entries()) {
    const { key, field } = result.conflicts[i]!;
    sameData([rule, subject?.id, subject?.field ?? ""], ["run-time-conflict", key.id, field]);
  }
}

function checkIsFile(states: ThreeStates): void {
  const result = takeIn(states, "refuse");
  if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join("; "));
  sameData([result.kept, result.conflicts], [[], []]);
  const after = applyDiff(states.live, result.commands);
  if (!after.ok) throw new Error(after.errors.map(({ message }) => message).join("; "));
  same(configText(toConfigState(after.state)), configText(toConfigState(states.file)));
}

function count(result: ReturnType<typeof takeIn>, live: Flat, after: Flat): void {
  tally[result.ok ? "taken" : "refused"]++;
  if (!result.ok && result.errors.some(({ rule }) => rule === "referenced")) tally.referenced++;
  if (result.conflicts.length > 0) tally.conflicts++;
  if (result.conflicts.some(({ field }) => field === "order")) tally.orderConflicts++;
  if (result.kept.length > 0) tally.kept++;
  const common = (a: Flat, b: Flat) => a.routes.filter((id) => b.routes.includes(id)).join();
  if (result.ok && common(live, after) !== common(after, live)) tally.moves++;
}

function rulesOf(errors: readonly ConfigError[]): string[] {
  for (const { path } of errors) same(path, "");
  const names = errors.map(({ rule, subject }) => (rule === "referenced" ? `${rule} ${subject!.id}` : rule));
  return [...new Set(names)].sort();
}

function nameOf({ kind, upstream, id }: ResourceKey): string {
  return `${KIND_NAMES[kind]}/${upstream}/${id}`;
}

function flat(state: State): Flat {
  return flatten(toConfigState(state));
}
