// Canonical names (config-format.md §16): `id`, `ns:id`, `ns:svc:id`, and what a
// reference means in a scope. Knows neither files nor states; filled from a
// checked tree (references.ts) or from a state to print (print.ts).
import type { RefKind } from "./schema/row.ts";

/** Canonical prefix of a scope: "" is the file, "ns:" a namespace, "ns:svc:" a service. */
export type Prefix = string;

/** What a reference leads to. */
export type Resolved =
  | { readonly name: string }
  /** Exported by several namespaces; their prefixes. */
  | { readonly ambiguous: readonly Prefix[] }
  | undefined;

/** The defined and the exported names of a configuration. */
export class Names {
  readonly #defined = new Map<string, Set<string>>();
  readonly #exporters = new Map<string, Prefix[]>();

  /** An entity `id` in the scope `prefix`. */
  define(kind: RefKind, prefix: Prefix, id: string): void {
    const key = `${kind} ${prefix}`;
    const known = this.#defined.get(key);
    if (known === undefined) this.#defined.set(key, new Set([id]));
    else known.add(id);
  }

  /** The namespace `prefix` exports `id`. */
  export(kind: RefKind, prefix: Prefix, id: string): void {
    const key = `${kind} ${id}`;
    const known = this.#exporters.get(key);
    if (known === undefined) this.#exporters.set(key, [prefix]);
    else if (!known.includes(prefix)) known.push(prefix);
  }

  /** Whether a scope itself defines an id. */
  has(kind: RefKind, prefix: Prefix, id: string): boolean {
    return this.#defined.get(`${kind} ${prefix}`)?.has(id) ?? false;
  }

  /** What `reference` means in the scope: service, namespace, exports, file; the file before exports in itself. */
  resolve(kind: RefKind, scope: Prefix, reference: string): Resolved {
    const colon = reference.lastIndexOf(":");
    if (colon >= 0) {
      // A leading colon names something of the file that an inner name hides.
      const [prefix, id] = [colon === 0 ? "" : reference.slice(0, colon + 1), reference.slice(colon + 1)];
      return this.has(kind, prefix, id) ? { name: prefix + id } : undefined;
    }
    if (scope === "" && this.has(kind, "", reference)) return { name: reference };
    for (const prefix of enclosing(scope)) {
      if (prefix !== "" && this.has(kind, prefix, reference)) return { name: prefix + reference };
    }
    const exporters = this.#exporters.get(`${kind} ${reference}`) ?? [];
    if (exporters.length > 1) return { ambiguous: exporters };
    if (exporters[0] !== undefined) return { name: exporters[0] + reference };
    return this.has(kind, "", reference) ? { name: reference } : undefined;
  }

  /** The shortest reference that means `canonical` in the scope. */
  shortest(kind: RefKind, scope: Prefix, canonical: string): string {
    const id = canonical.slice(canonical.lastIndexOf(":") + 1);
    const found = this.resolve(kind, scope, id);
    if (found !== undefined && "name" in found && found.name === canonical) return id;
    return canonical.includes(":") ? canonical : `:${canonical}`;
  }

  /** What may be named without qualification in the scope. */
  visible(kind: RefKind, scope: Prefix): ReadonlySet<string> {
    const names = enclosing(scope).flatMap((prefix) => [...(this.#defined.get(`${kind} ${prefix}`) ?? [])]);
    const exported = [...this.#exporters.keys()].filter((key) => key.startsWith(`${kind} `));
    return new Set([...names, ...exported.map((key) => key.slice(kind.length + 1))]);
  }
}

/** The scope and those around it, innermost first. */
function enclosing(scope: Prefix): Prefix[] {
  if (scope === "") return [""];
  const [namespace, service] = scope.split(":");
  return service === "" ? [scope, ""] : [scope, `${namespace}:`, ""];
}

/** "ns:svc:" of "ns:svc:id". */
export function prefixOf(canonical: string): Prefix {
  return canonical.slice(0, canonical.lastIndexOf(":") + 1);
}
