// The scopes of a checked tree: the file, its namespaces and their services, each
// with the prefix of the canonical names in it.
import type { Prefix } from "./names.ts";
import { type Block, entitiesOf, idOf } from "./tree.ts";

/** A block that defines entities. */
export interface Scope {
  readonly block: Block;
  readonly prefix: Prefix;
}

/** The prefix of the scope that a block is in. */
export function prefixAround(block: Block): Prefix {
  let prefix = "";
  for (let outer = block.parent; outer !== undefined; outer = outer.parent) {
    const { path } = outer.spec;
    if (path === "namespace" || path === "namespace/service") prefix = `${idOf(outer)}:${prefix}`;
  }
  return prefix;
}

/** All scopes, outer ones first. */
export function scopesOf(root: Block): Scope[] {
  const scopes: Scope[] = [{ block: root, prefix: "" }];
  for (const namespace of entitiesOf(root, "namespaces", "namespace")) {
    const prefix = `${idOf(namespace)}:`;
    scopes.push({ block: namespace, prefix });
    for (const service of entitiesOf(namespace, "services", "service")) {
      scopes.push({ block: service, prefix: `${prefix}${idOf(service)}:` });
    }
  }
  return scopes;
}
