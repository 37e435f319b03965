// References between entities (config-format.md §16): every value of a `ref`
// type, also in blocks that are not live, must name something that is defined.
// Reports what leads nowhere or to several things, and gives the decoder the
// canonical names. Called by load.ts.
import { suggestion } from "../core/index.ts";
import type { Report, Span } from "./diagnostic.ts";
import { KINDS } from "./duplicates.ts";
import { Names, type Prefix } from "./names.ts";
import type { RefKind } from "./schema/row.ts";
import { scopesOf } from "./scopes.ts";
import { type Block, blocksOf, describe, entitiesOf, idOf, markBroken, values } from "./tree.ts";

/** The names that a file defines and exports. */
export function namesIn(root: Block): Names {
  const names = new Names();
  for (const { block, prefix } of scopesOf(root)) {
    for (const [plural, singular] of KINDS) {
      for (const one of entitiesOf(block, plural, singular)) {
        const id = idOf(one);
        if (id !== undefined && singular !== "listener") names.define(singular, prefix, id);
      }
    }
    for (const [kind, { value }] of exportsOf(block)) names.export(kind, prefix, String(value));
  }
  for (const one of entitiesOf(root, "namespaces", "namespace"))
    names.define("namespace", "", idOf(one) ?? "");
  return names;
}

const EXPORTED: readonly RefKind[] = ["upstream", "agent", "filter"];

function exportsOf(namespace: Block) {
  return blocksOf(namespace, "exports").flatMap((exports) =>
    EXPORTED.flatMap((kind) => values(exports, `${kind}s`).map((value) => [kind, value] as const)),
  );
}

/** Reports every reference that leads nowhere; the others as "kind canonical-name". */
export function reportReferences(root: Block, names: Names, report: Report): Set<string> {
  const used = new Set<string>();
  const hints = new Hints(names);
  for (const { block: scope, prefix } of scopesOf(root)) {
    for (const [kind, { value, at }] of exportsOf(scope)) {
      used.add(`${kind} ${prefix}${value}`);
      if (names.has(kind, prefix, String(value))) continue;
      const message = `${describe(scope)} exports unknown ${kind} '${value}'`;
      report.error("bad-export", at, message, {
        hints: ["only what the namespace itself defines can be exported"],
      });
      markBroken(scope);
    }
    visit(scope, (kind, name, at, block) => {
      const found = check({ names, hints, prefix, kind, name, at, block }, report);
      if (found !== undefined) used.add(`${kind} ${found}`);
    });
  }
  return used;
}

type Visitor = (kind: RefKind, name: string, at: Span, block: Block) => void;

/** Every reference in a scope, without the scopes inside it and without what is exported. */
function visit(block: Block, found: Visitor): void {
  for (const [key, occurrences] of block.fields) {
    const isScope = ["namespaces", "service", "services", "exports"].includes(key);
    for (const item of occurrences) {
      if (isScope || (key === "namespace" && item.block !== undefined)) continue;
      const { shape } = item.row;
      if ("type" in shape && shape.type.kind === "ref") {
        for (const { value, at } of item.values) found(shape.type.to, String(value), at, block);
      }
      if (item.block !== undefined) visit(item.block, found);
    }
  }
}

/** References that lead nowhere for which the nearest name is looked for. */
const MAX_HINTS = 1_000;

/** What to write instead of unknown names. */
class Hints {
  readonly #names: Names;
  readonly #visible = new Map<string, ReadonlySet<string>>();
  #given = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  /** "" if nothing is known, and where there are so many mistakes that looking for each would take minutes. */
  hint(kind: RefKind, prefix: Prefix, name: string): string {
    if (++this.#given > MAX_HINTS) return "";
    const key = `${kind} ${prefix}`;
    let visible = this.#visible.get(key);
    if (visible === undefined) {
      visible = this.#names.visible(kind, prefix);
      this.#visible.set(key, visible);
    }
    return suggestion(name, visible);
  }
}

interface Reference {
  readonly names: Names;
  readonly hints: Hints;
  readonly prefix: Prefix;
  readonly kind: RefKind;
  readonly name: string;
  readonly at: Span;
  readonly block: Block;
}

/** The canonical name of what is referred to. */
function check(
  { names, hints, prefix, kind, name, at, block }: Reference,
  report: Report,
): string | undefined {
  const found = names.resolve(kind, prefix, name);
  if (found !== undefined && "name" in found) return found.name;
  const owner = ownerOf(block);
  if (found !== undefined) {
    const qualified = found.ambiguous.map((exporter) => `'${exporter}${name}'`).join(" or ");
    const message = `${kind} '${name}' of ${owner.charAt(0).toLowerCase()}${owner.slice(1)} is exported by several namespaces`;
    report.error("ambiguous-ref", at, message, { hints: [`qualify it: ${qualified}`] });
  } else {
    const hint = agentHint(names, prefix, kind, name) ?? hints.hint(kind, prefix, name);
    report.error(`unknown-${kind}`, at, `${owner} references unknown ${kind} '${name}'`, { hints: [hint] });
  }
  markBroken(block);
  return undefined;
}

/** A filter that names an agent is a common mistake. */
function agentHint(names: Names, prefix: Prefix, kind: RefKind, name: string): string | undefined {
  if (kind !== "filter" || names.resolve("agent", prefix, name) === undefined) return undefined;
  return `there is an agent '${name}'; use agents "${name}" or define a filter of type agent`;
}

/** The entity around a reference: "Route 'api'". */
function ownerOf(block: Block): string {
  let owner: Block = block;
  while (owner.parent !== undefined && idOf(owner) === undefined) owner = owner.parent;
  const text = describe(owner);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
