// References between entities (config-format.md §16): every value of a `ref`
// type, also in blocks that are not live, must name something that is defined.
// The upstream of a live route is left to the core, unless namespaces make the
// names mean something the core does not know. Called by load.ts.
import { suggestion } from "../core/index.ts";
import type { Report, Span } from "./diagnostic.ts";
import { KINDS } from "./duplicates.ts";
import type { RefKind } from "./schema/row.ts";
import { type Block, blocksOf, describe, entitiesOf, idOf, items, markBroken, values } from "./tree.ts";

/** The names that a reference of one scope may use, innermost first. */
interface Scope {
  readonly block: Block;
  /** Canonical prefix: "", "ns:" or "ns:svc:". */
  readonly prefix: string;
  /** Prefixes of the scopes around, ending with the exports and the file. */
  readonly outer: readonly string[];
}

/** Reports every reference that leads nowhere. */
export function reportReferences(root: Block, report: Report): void {
  // What an include that is not read would have defined is not known.
  if (items(root, "include").length > 0) return;
  const scopes = allScopes(root);
  const names = new Names(scopes, root);
  const hasNamespaces = scopes.length > 1;
  for (const scope of scopes) {
    visit(scope.block, (kind, name, at, isLive, block) => {
      if (isLive && kind === "upstream" && !hasNamespaces) return;
      names.check(scope, kind, name, at, block, report);
    });
  }
}

function allScopes(root: Block): Scope[] {
  const scopes: Scope[] = [{ block: root, prefix: "", outer: ["", "*"] }];
  for (const namespace of entitiesOf(root, "namespaces", "namespace")) {
    const prefix = `${idOf(namespace)}:`;
    scopes.push({ block: namespace, prefix, outer: [prefix, "*", ""] });
    for (const service of entitiesOf(namespace, "services", "service")) {
      const inner = `${prefix}${idOf(service)}:`;
      scopes.push({ block: service, prefix: inner, outer: [inner, prefix, "*", ""] });
    }
  }
  return scopes;
}

type Visitor = (kind: RefKind, name: string, at: Span, isLive: boolean, block: Block) => void;

/** Every reference in a scope, without the scopes inside it and without what is exported. */
function visit(block: Block, found: Visitor): void {
  for (const [key, occurrences] of block.fields) {
    if (["namespace", "namespaces", "service", "services", "exports"].includes(key)) continue;
    for (const item of occurrences) {
      const { shape, ignored } = item.row;
      if ("type" in shape && shape.type.kind === "ref") {
        for (const { value, at } of item.values)
          found(shape.type.to, String(value), at, ignored === undefined, block);
      }
      if (item.block !== undefined) visit(item.block, found);
    }
  }
}

/** The defined names by kind and canonical prefix; "*" holds what namespaces export. */
class Names {
  readonly #names = new Map<string, Set<string>>();

  constructor(scopes: readonly Scope[], root: Block) {
    for (const { block, prefix } of scopes) {
      for (const [plural, singular] of KINDS) {
        for (const one of entitiesOf(block, plural, singular)) this.#add(singular, prefix, idOf(one));
      }
      for (const exports of blocksOf(block, "exports")) {
        for (const [plural, singular] of KINDS) {
          for (const { value } of values(exports, plural)) this.#add(singular, "*", String(value));
        }
      }
    }
    for (const one of entitiesOf(root, "namespaces", "namespace")) this.#add("namespace", "", idOf(one));
  }

  check(scope: Scope, kind: RefKind, name: string, at: Span, block: Block, report: Report): void {
    if (this.#resolves(scope, kind, name)) return;
    const defined = scope.outer.flatMap((prefix) => [...this.#of(kind, prefix)]);
    const owner = ownerOf(block);
    const hint = this.#hint(scope, kind, name) ?? suggestion(name, new Set(defined));
    report.error(`unknown-${kind}`, at, `${owner} references unknown ${kind} '${name}'`, { hints: [hint] });
    markBroken(block);
  }

  #resolves(scope: Scope, kind: RefKind, name: string): boolean {
    const colon = name.lastIndexOf(":");
    if (colon >= 0) return this.#of(kind, name.slice(0, colon + 1)).has(name.slice(colon + 1));
    return scope.outer.some((prefix) => this.#of(kind, prefix).has(name));
  }

  /** A filter that names an agent is a common mistake. */
  #hint(scope: Scope, kind: RefKind, name: string): string | undefined {
    if (kind !== "filter" || !this.#resolves(scope, "agent", name)) return undefined;
    return `there is an agent '${name}'; use agents "${name}" or define a filter of type agent`;
  }

  #of(kind: string, prefix: string): ReadonlySet<string> {
    return this.#names.get(`${kind} ${prefix}`) ?? new Set();
  }

  #add(kind: string, prefix: string, id: string | undefined): void {
    if (id === undefined) return;
    const key = `${kind} ${prefix}`;
    const known = this.#names.get(key);
    if (known === undefined) this.#names.set(key, new Set([id]));
    else known.add(id);
  }
}

/** The entity around a reference: "Route 'api'". */
function ownerOf(block: Block): string {
  let owner: Block = block;
  while (owner.parent !== undefined && idOf(owner) === undefined) owner = owner.parent;
  const text = describe(owner);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
