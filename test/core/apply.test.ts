// applyDiff as a whole: total for whatever can be decoded (L1), bounded in
// errors and in time, and nothing left over from what a diff took back.
import { fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { applyDiff, COMMAND_FIELDS } from "../../src/core/apply.ts";
import { emptyState, limits, type State } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { anyDiff, firstDiff } from "../laws/arbitrary.ts";
import { command, commands, listener, route, stateOf, upstream } from "./build.ts";
import { assertLaws, checkDiff } from "./check-diff.ts";

const FUZZ_RUNS = process.env["SIM_LONG"] === "1" ? 2_000_000 : 10_000;
/** What damaged commands are applied to. */
const FUZZED = stateOf(...firstDiff, route("a", { upstream: "a" }), listener("a", "127.0.0.1:1"));
const $unknown = [{ no: 77, wireType: 2, data: new Uint8Array([1, 65]) }];

/** Decodes what can be decoded. */
function decode(bytes: Uint8Array): Command | undefined {
  try {
    return fromBinary(CommandSchema, bytes);
  } catch {
    return undefined;
  }
}

test("every kind of command has its field name", () => {
  const oneof = CommandSchema.oneofs[0]!.fields;
  expect(Object.fromEntries(oneof.map((field) => [field.localName, field.name]))).toEqual(COMMAND_FIELDS);
});

test("a command that is not set, and fields that this build does not know", () => {
  checkDiff(emptyState(), [], { effects: [] });
  checkDiff(emptyState(), [{}], { errors: ["invalid no-command commands[0]"] });
  const future = fromBinary(CommandSchema, new Uint8Array([0xfa, 0x06, 0x00]));
  checkDiff(emptyState(), [future], { errors: ["invalid no-command commands[0]"] });
  for (const name of Object.keys(COMMAND_FIELDS) as (keyof typeof COMMAND_FIELDS)[]) {
    const init = { case: name, value: {} } as NonNullable<MessageInitShape<typeof CommandSchema>["command"]>;
    const made = command(init);
    made.command.value!.$unknown = $unknown;
    checkDiff(emptyState(), [made], { errors: [`invalid unknown-key commands[0].${COMMAND_FIELDS[name]}`] });
  }
});

test("random bytes never make it throw", () => {
  const oneCommand = fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.uint8Array({ maxLength: 40 }))
    .map(
      ([field, inner]) =>
        new Uint8Array([(field << 3) | 2, ...(field > 15 ? [1] : []), inner.length, ...inner]),
    );
  let decoded = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(oneCommand, fc.uint8Array({ maxLength: 60 })), { maxLength: 3 }),
      (wire) => {
        const diff = wire.map(decode).filter((one) => one !== undefined);
        decoded += diff.length;
        const applied = applyDiff(FUZZED, diff);
        if (!applied.ok) expect(applied.errors.length).toBeGreaterThan(0);
        else if (applied.changes.length > 0) assertLaws(FUZZED, diff);
      },
    ),
    { numRuns: FUZZ_RUNS },
  );
  expect(decoded).toBeGreaterThan(FUZZ_RUNS / 20);
});

test("damaged commands never make it throw, and keep the laws when they are accepted", () => {
  const anyDamage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  let accepted = 0;
  fc.assert(
    fc.property(anyDiff, anyDamage, (diff, damage) => {
      const damaged = diff.map((one) => {
        const bytes = toBinary(CommandSchema, one);
        for (const [at, byte] of damage) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return decode(bytes);
      });
      const applied = assertLaws(
        FUZZED,
        damaged.filter((one) => one !== undefined),
        false,
      );
      if (applied.ok) accepted++;
    }),
    { numRuns: FUZZ_RUNS / 20 },
  );
  expect(accepted).toBeGreaterThan(FUZZ_RUNS / 400);
});

test("odd text of every kind is refused or kept, but never thrown at", () => {
  const odd = fc.oneof(
    fc.constantFrom(
      "",
      "\u0000",
      "\ud800",
      "\udc00x",
      "é",
      "😀".repeat(40),
      "x".repeat(100_000),
      "__proto__",
      "a:b",
      "\u202e",
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  const texts = fc.record({ a: odd, b: odd, c: odd });
  fc.assert(
    fc.property(texts, ({ a, b, c }) => {
      const matches = {
        paths: [c],
        pathPrefixes: [b],
        hosts: [c],
        methods: [b],
        headers: [{ name: c, value: b }],
      };
      const diff = [
        command({
          case: "addUpstream",
          value: {
            upstream: {
              id: a,
              backends: [
                { id: b, address: c },
                { id: c, address: b },
              ],
            },
          },
        }),
        command({ case: "addRoute", value: { route: { id: b, upstream: a, order: c, matches }, before: c } }),
        command({ case: "addListener", value: { listener: { id: a, address: b } } }),
        command({
          case: "updateBackend",
          value: { upstream: b, backend: { id: a }, updateMask: { paths: [c] } },
        }),
        command({ case: "updateRoute", value: { route: { id: "a" }, updateMask: { paths: [a, b] } } }),
        command({ case: "removeUpstream", value: { upstreamId: c } }),
      ];
      for (const one of diff) checkTotal([one]);
      checkTotal(diff);
    }),
    { numRuns: 100 },
  );
});

/** Applies, and asserts what must hold of any answer. */
function checkTotal(diff: readonly Command[]): void {
  const applied = applyDiff(FUZZED, diff);
  if (applied.ok) assertLaws(FUZZED, diff);
  else {
    for (const { message, hint } of applied.errors) {
      expect(message.length).toBeLessThan(1_000);
      expect(message.isWellFormed() && hint.isWellFormed()).toBe(true);
    }
  }
}

test("text that is not well formed has no bytes of its own, so it is refused", () => {
  for (const id of ["\ud800", "a\udc00"]) {
    const add = command({ case: "addUpstream", value: { upstream: { id } } });
    const applied = applyDiff(emptyState(), [add]);
    expect(applied.ok ? [] : applied.errors.map(({ rule }) => rule)).toEqual(["bad-id"]);
    const matches = { headers: [{ name: "x", value: id }] };
    const header = command({ case: "addRoute", value: { route: { id: "r", upstream: "a", matches } } });
    const refused = applyDiff(FUZZED, [header]);
    expect(refused.ok ? [] : refused.errors.map(({ rule }) => rule)).toEqual(["bad-value"]);
  }
});

test("at most MAX_ERRORS are reported, the first ones", () => {
  const many = Array.from({ length: 250 }, (_, i) => ({ removeRoute: { routeId: `r${i}` } }));
  const applied = applyDiff(emptyState(), commands(...many));
  expect(applied.ok ? [] : applied.errors.map(({ path }) => path)).toEqual(
    many.slice(0, limits.MAX_ERRORS).map((_, i) => `commands[${i}].remove_route.route_id`),
  );
  const applied2 = applyDiff(emptyState(), commands(...many, route("r", { upstream: "x" })));
  expect(applied2.ok ? 0 : applied2.errors.length).toBe(limits.MAX_ERRORS);
});

test("a diff full of mistakes costs no more than one that is right", () => {
  // Each of these took 10 to 20 seconds when every resource was compared with every other.
  const numbers = Array.from({ length: 4_000 }, (_, i) => i);
  const routes = numbers.map((i) => route(`r${i}`, { matches: { paths: ["/same"] } }));
  const backends = numbers.map((i) => ({ id: `b${i}`, address: "a:80" }));
  const upstreams = stateOf(...numbers.slice(0, 200).map((i) => upstream(`upstream-${i}`)));
  const rows: [State, Command[]][] = [
    [emptyState(), commands(upstream("u"), ...routes)],
    [emptyState(), commands({ addUpstream: { upstream: { id: "u", backends } } })],
    [emptyState(), commands(...numbers.map((i) => listener(`l${i}`, `10.0.${i >> 8}.${i & 255}:80`)))],
    [upstreams, commands(...numbers.map((i) => ({ removeUpstream: { upstreamId: `upstraem-${i}` } })))],
    [upstreams, commands(...numbers.map((i) => route(`r${i}`, { upstream: `upstraem-${i}` })))],
  ];
  for (const [state, diff] of rows) {
    const start = performance.now();
    const applied = applyDiff(state, diff);

    expect(applied.ok).toBe(false);
    expect(performance.now() - start).toBeLessThan(12_000);
  }
});

test("a state is built once and shared: no change copies what it does not touch", () => {
  const before = stateOf(upstream("u", "a@a:80"), upstream("v"), route("r"), listener("l", "127.0.0.1:1"));
  const applied = applyDiff(
    before,
    commands({ addBackend: { upstream: "v", backend: { id: "b", address: "b:80" } } }),
  );
  if (!applied.ok) throw new Error("refused");
  expect(applied.state.listeners).toBe(before.listeners);
  expect(applied.state.routes).toBe(before.routes);
  expect(applied.state.routeOrder).toBe(before.routeOrder);
  expect(applied.state.upstreams.get("u")).toBe(before.upstreams.get("u"));
});
