// The guard against diffs that remove too much.
import { expect, test } from "@jest/globals";
import { applyDiff } from "../../src/core/index.ts";
import { checkRemovals } from "../../src/store/removals.ts";
import { commands, type Given, route, stateOf, upstream } from "../core/build.ts";
import { attempt, summary, watchedStore } from "./build.ts";

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const backends = (count: number) => names(count, "b").map((id, i) => `${id}@10.0.0.${i}:80`);
const removals = (count: number): Given[] =>
  names(count, "b").map((backendId) => ({ removeBackend: { upstream: "u", backendId } }));
const list = (count: number, from = 0): Given => ({
  replaceBackends: {
    upstream: "u",
    backends: names(count, "x").map((id, i) => ({ id, address: `10.0.${from}.${i}:80` })),
  },
});

interface Row {
  readonly name: string;
  readonly before: readonly Given[];
  readonly diff: readonly Given[];
  readonly isDeclarative?: boolean;
  readonly maxPercent?: number;
  readonly expected: readonly string[];
}

const ROWS: readonly Row[] = [
  { name: "half of ten", before: [upstream("u", ...backends(10))], diff: removals(5), expected: [] },
  {
    name: "more than half of ten",
    before: [upstream("u", ...backends(10))],
    diff: removals(6),
    expected: [
      "too-many-removals: 6 of 10 backends of upstream 'u' would be removed, more than 50 % (max-removal-percent)",
    ],
  },
  {
    name: "a stricter share",
    before: [upstream("u", ...backends(10))],
    diff: removals(2),
    maxPercent: 10,
    expected: [
      "too-many-removals: 2 of 10 backends of upstream 'u' would be removed, more than 10 % (max-removal-percent)",
    ],
  },
  {
    name: "all of four, one by one",
    before: [upstream("u", ...backends(4))],
    diff: removals(4),
    expected: [],
  },
  {
    name: "a list that empties an upstream of two",
    before: [upstream("u", ...backends(2))],
    diff: [{ replaceBackends: { upstream: "u", backends: [] } }],
    expected: ["empties-upstream: the list empties upstream 'u': all 2 backends would go"],
  },
  {
    name: "a list with others in place of two",
    before: [upstream("u", ...backends(2))],
    diff: [list(1, 9)],
    expected: [],
  },
  {
    name: "a list with others in place of six",
    before: [upstream("u", ...backends(6))],
    diff: [list(6, 9)],
    expected: [
      "too-many-removals: 6 of 6 backends of upstream 'u' would be removed, more than 50 % (max-removal-percent)",
    ],
  },
  {
    name: "a desired state that empties an upstream",
    before: [upstream("u", ...backends(2))],
    diff: removals(2),
    isDeclarative: true,
    expected: ["empties-upstream: the list empties upstream 'u': all 2 backends would go"],
  },
  {
    name: "an upstream goes with its backends",
    before: [upstream("u", ...backends(9)), upstream("v")],
    diff: [{ removeUpstream: { upstreamId: "u" } }],
    expected: [],
  },
  {
    name: "most routes",
    before: [upstream("u"), ...names(8, "r").map((id, i) => route(id, { matches: { paths: [`/${i}`] } }))],
    diff: names(5, "r").map((routeId) => ({ removeRoute: { routeId } })),
    expected: ["too-many-removals: 5 of 8 routes would be removed, more than 50 % (max-removal-percent)"],
  },
  {
    name: "backends are counted per upstream",
    before: [
      upstream("u", ...backends(10)),
      upstream("v", ...names(90, "v").map((id, i) => `${id}@10.1.0.${i}:80`)),
    ],
    diff: removals(9),
    expected: [
      "too-many-removals: 9 of 10 backends of upstream 'u' would be removed, more than 50 % (max-removal-percent)",
    ],
  },
];

test.each(ROWS)("$name", ({ before, diff, isDeclarative = false, maxPercent = 50, expected }) => {
  const state = stateOf(...before);
  const applied = applyDiff(state, commands(...diff));
  if (!applied.ok) throw new Error(JSON.stringify(applied.errors));
  const given = {
    before: state,
    changes: applied.changes,
    commands: commands(...diff),
    isDeclarative,
    maxPercent,
  };
  expect(checkRemovals(given).map(({ rule, message }) => `${rule}: ${message}`)).toEqual(expected);
});

test("the store refuses such a diff, and commits it with force", async () => {
  const { store } = await watchedStore({ maxRemovalPercent: 20 });
  await store.commit(
    attempt([
      {
        replaceBackends: {
          upstream: "u",
          backends: names(10, "b").map((id, i) => ({ id, address: `10.0.0.${i}:80` })),
        },
      },
    ]),
  );
  const refused = await store.commit(attempt(removals(3)));
  expect(summary(refused)).toBe("conflict");
  expect(refused).toMatchObject({
    errors: [{ rule: "too-many-removals", hint: "set options.force if this is meant" }],
  });
  expect(store.revision).toBe(2n);
  expect(summary(await store.commit(attempt(removals(2))))).toBe("revision 3");
  expect(summary(await store.commit(attempt(removals(5).slice(2), { force: true })))).toBe("revision 4");
});
