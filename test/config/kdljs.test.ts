// The second opinion: kdljs must read our fixtures, the compatibility suite and
// documents made at random as our parser does, and a difference must be seen.
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { secondOpinion } from "../../src/config/second-reader.ts";

const GOLDEN = fileURLToPath(new URL("./golden/", import.meta.url));
const SUITE = fileURLToPath(new URL("../../../shared/compat/", import.meta.url));
const files = (folder: string) => globSync("**/*.kdl", { cwd: folder }).map((name) => folder + name);

test.each([...files(GOLDEN), ...(existsSync(SUITE) ? files(SUITE) : [])])("%s", async (path) => {
  expect(await secondOpinion(readFileSync(path, "utf8"))).toBeUndefined();
});

/** Documents with everything that our files may have; what kdljs is known to get wrong is left out. */
const name = fc.constantFrom("a", "route", "x-y", '"q r"', "_1", "ü");
const value = fc.oneof(
  fc.constantFrom(
    "#true",
    "#false",
    "#null",
    "word",
    '"s"',
    '"\\n\\u{e9}"',
    '#"\\raw"#',
    '"""\n  m\n   n\n  """',
    // With a space, since our parser takes ";" for a digit; see the test in robust.test.ts.
    "0x1f ",
    "1_000",
    "-0",
    "#inf",
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((one) => one.toFixed(3)),
);
const space = fc.constantFrom(" ", "  ", "\t", " /* c */ ", " \\\n ");
const entry = fc.tuple(
  space,
  fc.oneof(
    value,
    fc.tuple(name, value).map(([key, one]) => `${key}=${one}`),
  ),
);
const end = fc.constantFrom("\n", ";", " // c\n", "\n\n", "\r\n");
const { document } = fc.letrec<{ document: string; node: string }>((tie) => ({
  node: fc
    .tuple(name, fc.array(entry, { maxLength: 4 }), fc.option(tie("document"), { depthSize: "small" }), end)
    .map(([head, entries, children, last]) => {
      const block = children === null ? "" : ` {\n${children}}`;
      return `${head}${entries.map((one) => one.join("")).join("")}${block}${last}`;
    }),
  document: fc.array(tie("node"), { maxLength: 4 }).map((nodes) => nodes.join("")),
}));

test("documents at random", async () => {
  await fc.assert(
    fc.asyncProperty(document, async (text) => {
      expect(await secondOpinion(text)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("a difference is seen", async () => {
  // kdljs loses this name, which JavaScript objects have already.
  expect(await secondOpinion("a __proto__=1")).toMatch(/other nodes/);
  // What kdljs is known not to read is no difference.
  expect(await secondOpinion("a foo{bar}")).toBeUndefined();
});
