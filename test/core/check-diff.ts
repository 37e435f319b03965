// checkDiff: one row of a table test. Whatever the row expects, the laws of the
// core (architecture.md §3) are asserted on it: L1 to L5 and L8.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect } from "@jest/globals";
import {
  type Applied,
  applyDiff,
  type ConfigError,
  differences,
  diffStates,
  digestHex,
  effectsOf,
  inverseOf,
  invertDiff,
  KIND_NAMES,
  keyText,
  limits,
  type Refused,
  resources,
  type State,
  stateFromConfig,
  toConfigState,
} from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { Effect_Action } from "../../src/gen/sentinel/v1/events_pb.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, errorText, type Given } from "./build.ts";
import { checkState } from "./check-state.ts";
import { checkPath } from "./field-path.ts";
import { plainText, same, sameData } from "./same.ts";

/** What a row expects: effects like "+ route a", "~ backend u/b weight", "- upstream u"; or errors. */
export type Expected =
  | { readonly effects: readonly string[]; readonly warnings?: readonly string[] }
  | { readonly errors: readonly string[] };

/** Applies a diff, compares with what is expected and asserts the laws. Returns the state afterwards. */
export function checkDiff(before: State, diff: readonly Given[], expected: Expected): State {
  const applied = assertLaws(before, commands(...diff));
  if ("errors" in expected) {
    expect(applied.ok ? ["accepted"] : applied.errors.map(errorText)).toEqual(expected.errors);
    return before;
  }
  if (!applied.ok)
    throw new Error(`refused: ${applied.errors.map((e) => `${errorText(e)}: ${e.message}`).join("; ")}`);
  expect(effectTexts(applied)).toEqual(expected.effects);
  expect(applied.warnings.map((text) => text.split(":")[0])).toEqual(expected.warnings ?? []);
  return applied.state;
}

/** The effects of an applied diff as text. */
export function effectTexts({ changes }: Applied): string[] {
  const signs: Record<number, string> = {
    [Effect_Action.ADDED]: "+",
    [Effect_Action.UPDATED]: "~",
    [Effect_Action.REMOVED]: "-",
  };
  return effectsOf(changes).map(({ kind, id, upstream, action, fields }) => {
    const name = KIND_NAMES[kind as keyof typeof KIND_NAMES];
    return [signs[action], name, upstream === "" ? id : `${upstream}/${id}`, fields.join(",")]
      .filter((part) => part !== "")
      .join(" ");
  });
}

/** Asserts L1 to L5 and L8 for one diff on one state. `thorough` false leaves out what costs O(the state) twice. */
export function assertLaws(before: State, diff: readonly Command[], thorough = true): Applied | Refused {
  const photo = photograph(before);
  const wire = diff.map((one) => toBinary(CommandSchema, one));
  const applied = applyDiff(before, diff);
  const decoded = wire.map((bytes) => fromBinary(CommandSchema, bytes));
  const again = applyDiff(before, decoded);
  same(photograph(before), photo); // L2
  sameData(
    diff.map((one) => Buffer.from(toBinary(CommandSchema, one))),
    wire.map((b) => Buffer.from(b)),
  );
  same(again.ok, applied.ok); // L1
  if (!applied.ok) {
    sameData((again as Refused).errors, applied.errors);
    checkErrors(applied.errors, diff.length);
    return applied;
  }
  expectEqual((again as Applied).state, applied.state);
  sameData(effectTexts(again as Applied), effectTexts(applied));
  checkApplied(before, diff, applied);
  checkState(applied.state); // L5, L8
  if (thorough) {
    const fresh = stateFromConfig(toConfigState(applied.state));
    if (!fresh.ok)
      throw new Error(`a state does not describe itself: ${fresh.errors.map(errorText).join("; ")}`);
    expectEqual(fresh.state, applied.state);
    checkHistory(before, diff, applied);
  }
  return applied;
}

/** L1: effects depend on the state alone, not on how it came about. */
function checkHistory(before: State, diff: readonly Command[], applied: Applied): void {
  const fresh = stateFromConfig(toConfigState(before));
  const again = fresh.ok ? applyDiff(fresh.state, diff) : fresh;
  if (!again.ok) throw new Error(again.errors.map(errorText).join("; "));
  expectEqual(again.state, applied.state);
  sameData(effectTexts(again), effectTexts(applied));
}

/** L3 and L4, and that `changes` says exactly what is different. */
function checkApplied(before: State, diff: readonly Command[], applied: Applied): void {
  const { state, changes } = applied;
  same(state === before, changes.length === 0);
  same(digestHex(state.digest) === digestHex(before.digest), changes.length === 0);
  sameData(
    differences(before, state)
      .map(({ key }) => keyText(key))
      .sort(),
    changes.map(({ key }) => keyText(key)).sort(),
  );
  expectEqual(applyOk(before, diffStates(before, state)), state);
  expectEqual(applyOk(state, diffStates(state, before)), before);
  sameData(diffStates(state, state), []);
  const inverse = inverseOf(changes);
  expectEqual(applyOk(state, inverse), before);
  const inverted = invertDiff(before, diff);
  same(inverted.ok && plainText(inverted.commands), plainText(inverse));
  const images = new Map([...resources(before)].map(({ key, value }) => [keyText(key), plainText(value)]));
  for (const { key, before: old, after } of changes) {
    same(images.get(keyText(key)), old && plainText(old));
    if (after === undefined) images.delete(keyText(key));
    else images.set(keyText(key), plainText(after));
  }
  const now = [...resources(state)].map(({ key, value }) => [keyText(key), plainText(value)] as const);
  sameData([...images].sort(), [...now].sort());
}

function checkErrors(errors: readonly ConfigError[], diffLength: number): void {
  same(errors.length > 0 && errors.length <= limits.MAX_ERRORS + 4, true);
  for (const { rule, path, message, hint } of errors) {
    same(/^[a-z]+(-[a-z]+)*$/.test(rule) && message !== "", true);
    same(
      [message, hint, path].every((text) => text.isWellFormed()),
      true,
    );
    if (path !== "") checkPath(path, diffLength);
  }
}

function applyOk(state: State, diff: readonly Command[]): State {
  const applied = applyDiff(state, diff);
  if (!applied.ok) throw new Error(`a derived diff is refused: ${applied.errors.map(errorText).join("; ")}`);
  return applied.state;
}

/** Two states are equal: same bytes in the same order, same digest. */
export function expectEqual(a: State, b: State): void {
  if (a === b) return;
  same(digestHex(a.digest), digestHex(b.digest));
  same(Buffer.compare(bytesOf(a), bytesOf(b)), 0);
}

function bytesOf(state: State): Uint8Array {
  return toBinary(ConfigStateSchema, toConfigState(state));
}

/** Everything there is in a state, as text, in the order in which it is held. */
function photograph(state: State): string {
  const entry = ({ value, hash }: { value: unknown; hash: string }) => [value, hash];
  const index = (map: Iterable<[string, unknown]>) => [...map];
  return plainText([
    [...state.digest],
    entry(state.system),
    [state.limits, state.observability, state.cache, state.rateLimits, state.waf].map(
      (one) => one && entry(one),
    ),
    [state.filters, state.agents, state.namespaces, state.services].map((map) =>
      [...(map as Iterable<[string, { value: unknown; hash: string }]>)].map(([id, one]) => [id, entry(one)]),
    ),
    state.backendCount,
    state.routeOrder,
    [...state.listeners].map(([id, one]) => [id, entry(one)]),
    [...state.routes].map(([id, one]) => [id, entry(one), one.signature]),
    [...state.upstreams].map(([id, one]) => [
      id,
      entry(one),
      [...one.backends].map(([backend, inner]) => [backend, entry(inner)]),
      index(one.backendsByAddress),
    ]),
    index(state.referrers),
    index(state.routesBySignature),
    index(state.listenersByPort),
  ]);
}
