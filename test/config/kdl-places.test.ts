// Places by walking are the parser's own, in every document that has them; and
// where a walk cannot come out even it says so.

import { globSync, readFileSync } from "node:fs";
import { type Document, type Node, parse } from "@bgotink/kdl";
import { expect, test } from "@jest/globals";
import { Report } from "../../src/config/diagnostic.ts";
import { storedPlaces, WalkedPlaces } from "../../src/config/kdl-places.ts";
import { readKdl } from "../../src/config/kdl-source.ts";
import type { SourceNode } from "../../src/config/source.ts";

const TEXTS = [
  ...globSync(`${import.meta.dirname}/golden/*.kdl`).map((path) => readFileSync(path, "utf8")),
  'a 1;b 2\r\nc\n\n  d /- 1 2 /* x\ny */ 3 \\\n 4 {/-e;f "😀" g="ü"  h = #"r"#}\n"q r" x = """\n  m\n  n\n  """ { }\n',
  '😀 1 😀=2\u2028b "\u0085"; c',
  "a(t)1 b=(u)2",
  "(t)a (u)1",
];

/** Name, values and places of every node, by the parser's bookkeeping. */
function stored(document: Document): unknown[] {
  const places = storedPlaces("t");
  return document.nodes.map((node: Node) => [
    places.span(node.name, undefined),
    node.entries.map((entry) => [
      entry.name && places.span(entry.name, undefined),
      places.span(entry.value, undefined),
    ]),
    node.children === null ? undefined : stored(node.children),
  ]);
}

function walked(nodes: readonly SourceNode[], document: Document): unknown[] {
  return nodes.map((node, index) => {
    const written = document.nodes[index];
    const args = [...node.args];
    const properties = [...node.properties];
    const entries = written?.entries.map((entry) => {
      if (entry.name === null) return [null, args.shift()?.at];
      const property = properties.shift();
      return [property?.nameAt, property?.value.at];
    });
    const { children } = written ?? {};
    return [node.at, entries, children ? walked(node.children ?? [], children) : undefined];
  });
}

test("the same places, whichever way", () => {
  let compared = 0;
  for (const text of TEXTS) {
    let document: Document;
    try {
      document = parse(text, { storeLocations: true });
    } catch {
      continue;
    }
    compared++;
    const nodes = readKdl("t", text, new Report()) ?? [];
    expect(walked(nodes, document)).toEqual(stored(document));
  }
  expect(compared).toBeGreaterThan(10);
});

test("a walk that does not come out even says so", () => {
  const node = parse("a").nodes[0]!;
  const even = new WalkedPlaces("t", "a b");
  even.span(node.name, "a");
  even.skip(" ");
  expect(even.isEven).toBe(false);
  even.span(node.name, "b");
  expect(even.isEven).toBe(true);
  const off = new WalkedPlaces("t", "a b");
  off.span(node.name, "c");
  off.skip(" b");
  expect(off.isEven).toBe(false);
});
