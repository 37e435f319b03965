// docs/configuration.md against the code: its example loads, and every key that
// is live is in it.
import { expect, test } from "@jest/globals";
import { loadConfigText } from "../../src/config/load.ts";
import { ROOT as SCHEMA } from "../../src/config/schema/root.ts";
import type { BlockSpec } from "../../src/config/schema/row.ts";
import { documents, fences, read } from "./documents.ts";

const DOCUMENT = "docs/configuration.md";
/** Blocks that are accepted, but in which nothing is live; and other places for the same things. */
const EMPTY = [
  "filters",
  "agents",
  "limits",
  "namespaces",
  "listener",
  "route",
  "upstream",
  "filter",
  "agent",
];

test("the example in the document has nothing that is ignored", () => {
  const [example] = fences(DOCUMENT).filter(({ language }) => language === "kdl");
  const { config, diagnostics } = loadConfigText("example.kdl", example!.text);
  const said = diagnostics.filter(({ severity }) => severity !== "note");
  expect(said.map(({ code }) => code)).toEqual(["insecure"]);
  expect(config).toBeDefined();
});

test("every KDL text in a document loads", () => {
  const texts = documents()
    .flatMap(fences)
    .filter(({ language }) => language === "kdl");
  expect(texts.length).toBeGreaterThan(0);
  for (const { text } of texts) {
    const { diagnostics } = loadConfigText("example.kdl", text, { skipFiles: true });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  }
});

test("every live key is documented", () => {
  const text = read(DOCUMENT);
  const keys = new Set(liveKeys({ ...SCHEMA, rows: SCHEMA.rows.filter(({ key }) => !EMPTY.includes(key)) }));
  expect(keys.size).toBeGreaterThan(30);
  // All that is live in `policies` is the failure mode of agents and filters, which are not.
  for (const key of ["policies", "failure-mode"]) keys.delete(key);
  const missing = [...keys].filter((key) => !new RegExp(`(?<![\\w-])${key}(?![\\w-])`).test(text));
  expect(missing).toEqual([]);
});

/** Names of keys that do something, in this block and those in it. */
function liveKeys(spec: BlockSpec): string[] {
  return spec.rows.flatMap(({ key, ignored, shape }) => {
    if (ignored !== undefined) return [];
    return [key, ...(shape.shape === "block" ? liveKeys(shape.spec) : [])];
  });
}
