// The second opinion: kdljs must read our fixtures as the same documents.
import { readdirSync, readFileSync } from "node:fs";
import { type Document, parse as parseFirst } from "@bgotink/kdl";
import { expect, test } from "@jest/globals";

const FOLDER = new URL("./golden/", import.meta.url);
/** Files that are not KDL 2. */
const NOT_KDL2 = /^(?:syntax-.*|kdl-v1)\.kdl$/;
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".kdl") && !NOT_KDL2.test(name));

interface SecondNode {
  readonly name: string;
  readonly values: readonly unknown[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly children: readonly SecondNode[];
}
type Canonical = readonly [
  string,
  readonly unknown[],
  readonly (readonly [string, unknown])[],
  readonly Canonical[],
];

const scalar = (value: unknown) => (typeof value === "number" ? String(value) : value);
const sorted = (properties: readonly (readonly [string, unknown])[]) =>
  [...properties].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, scalar(value)] as const);

function canonicalSecond(nodes: readonly SecondNode[]): Canonical[] {
  return nodes.map(({ name, values, properties, children }) => [
    name,
    values.map(scalar),
    sorted(Object.entries(properties)),
    canonicalSecond(children),
  ]);
}

function canonicalFirst(nodes: Document["nodes"]): Canonical[] {
  return nodes.map((node) => [
    node.getName(),
    node.getArgumentEntries().map((entry) => scalar(entry.getValue())),
    sorted([...node.getPropertyEntryMap()].map(([name, entry]) => [name, entry.getValue()] as const)),
    canonicalFirst(node.children?.nodes ?? []),
  ]);
}

test.each(FILES)("%s", async (name) => {
  const text = readFileSync(new URL(name, FOLDER), "utf8");
  const second = (await import("kdljs")).parse(text);
  expect(second.errors).toEqual([]);
  expect(canonicalSecond(second.output as unknown as SecondNode[])).toEqual(
    canonicalFirst(parseFirst(text).nodes),
  );
});
