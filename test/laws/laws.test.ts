// Random sequences of diffs against the model: the same answer, the same state,
// and the laws L1 to L5 and L8 on every step. SIM_LONG=1 runs for minutes;
// LAWS_SEED repeats a run.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { applyDiff, diffStates, emptyState, type State, toConfigState } from "../../src/core/index.ts";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { assertLaws, expectEqual } from "../core/check-diff.ts";
import { same, sameData } from "../core/same.ts";
import { anyDiff, firstDiff } from "./arbitrary.ts";
import { applyToModel, configText, emptyModel, learnKeys, type Model, modelText } from "./model.ts";

const IS_LONG = process.env["SIM_LONG"] === "1";
const SEED = Number(process.env["LAWS_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = IS_LONG ? 20_000 : 200;
const anySequence = fc.array(anyDiff, { minLength: 15, maxLength: IS_LONG ? 60 : 25 });
const tally = { accepted: 0, refused: 0, undecided: 0, unchanged: 0 };

test(
  `${RUNS} sequences of diffs agree with the model (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(anySequence, (sequence) => {
        let state = emptyState();
        let model = emptyModel();
        for (const diff of [firstDiff, ...sequence]) [state, model] = step(state, model, diff);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // A generator that is mostly refused, or mostly undecided, tests little.
    const all = tally.accepted + tally.refused + tally.undecided;
    if (process.env["LAWS_TALLY"] === "1") process.stderr.write(`${JSON.stringify(tally)}\n`);
    expect(tally.accepted - tally.unchanged).toBeGreaterThan(all / 5);
    expect(tally.refused).toBeGreaterThan(all / 20);
    expect(tally.undecided).toBeLessThan(all / 50);
  },
  IS_LONG ? 3_600_000 : 60_000,
);

test(
  `diffStates leads from any state to any other (L3, seed ${SEED})`,
  () => {
    const anyState = fc
      .array(anyDiff, { minLength: 5, maxLength: 15 })
      .map((diffs) => diffs.reduce(applied, applied(emptyState(), firstDiff)));
    fc.assert(
      fc.property(anyState, anyState, (a, b) => {
        expectEqual(applied(a, diffStates(a, b)), b);
        expectEqual(applied(emptyState(), diffStates(emptyState(), b)), b);
      }),
      { numRuns: IS_LONG ? 5_000 : 100, seed: SEED },
    );
  },
  IS_LONG ? 600_000 : 60_000,
);

test(
  `one by one or at once: a sequence that is accepted is also accepted as one diff (seed ${SEED})`,
  () => {
    fc.assert(
      fc.property(fc.array(anyDiff, { minLength: 2, maxLength: 12 }), (sequence) => {
        let state = emptyState();
        const all: Command[] = [];
        for (const diff of sequence) {
          const next = applyDiff(state, diff);
          if (!next.ok) continue;
          state = next.state;
          all.push(...diff);
        }
        expectEqual(applied(emptyState(), all), state);
      }),
      { numRuns: IS_LONG ? 5_000 : 100, seed: SEED },
    );
  },
  IS_LONG ? 600_000 : 60_000,
);

function applied(state: State, diff: readonly Command[]): State {
  const result = applyDiff(state, diff);
  return result.ok ? result.state : state;
}

/** One diff on both; what the model cannot decide is left out on both. */
function step(state: State, model: Model, diff: readonly Command[]): [State, Model] {
  const verdict = applyToModel(model, diff);
  tally[verdict.is]++;
  const result = assertLaws(state, diff, IS_LONG);
  if (verdict.is === "undecided") return [state, model];
  const rules = result.ok ? [] : result.errors.map((error) => error.rule);
  const is = result.ok ? "accepted" : "refused";
  if (is !== verdict.is) expect({ is, rules }).toEqual(verdict);
  if (verdict.is === "refused" || !result.ok) {
    if (verdict.is === "refused") compareRules(rules, verdict.rules, verdict.all);
    return [state, model];
  }
  const config = toConfigState(result.state);
  same(modelText(verdict.model), configText(config));
  same(
    result.state === state,
    modelText(model) === modelText(verdict.model) && sameKeys(state, result.state),
  );
  learnKeys(verdict.model, config);
  if (result.state === state) tally.unchanged++;
  return [result.state, verdict.model];
}

/** A reference that leads nowhere is reported where it is or at the removal, whichever the diff touched. */
function compareRules(rules: readonly string[], expected: readonly string[], all: boolean): void {
  const found = new Set(
    rules.map((rule) => (/^(unknown-[a-z]+|bad-export|referenced)$/.test(rule) && all ? "dangling" : rule)),
  );
  // Whether a route's agents let it go unprotected cannot be told of one that is not there.
  const isOpen = (rule: string) => rule === "not-implemented" && expected.includes("dangling");
  for (const rule of expected) {
    if (!found.has(rule) && !isOpen(rule)) expect([...found]).toContain(rule);
  }
  const certain = (rules: Iterable<string>) => [...rules].filter((rule) => !isOpen(rule)).sort();
  if (all) sameData(certain(found), certain(expected));
}

function sameKeys(a: State, b: State): boolean {
  return JSON.stringify(a.routeOrder.flat()) === JSON.stringify(b.routeOrder.flat());
}
