// Duplicate ids of one kind in one scope: the file, each namespace and each
// service is a scope of its own. The second one is reported and left out.
import { firstHere, type Report } from "./diagnostic.ts";
import { listenerId } from "./schema/listener.ts";
import { scopesOf } from "./scopes.ts";
import { type Block, entitiesOf, idOf, value } from "./tree.ts";

/** Plural and singular key of every kind of entity. */
export const KINDS = [
  ["listeners", "listener"],
  ["routes", "route"],
  ["upstreams", "upstream"],
  ["filters", "filter"],
  ["agents", "agent"],
] as const;

/** Reports every duplicate below `root`. */
export function reportDuplicates(root: Block, report: Report): void {
  for (const { block } of scopesOf(root)) {
    for (const [plural, singular] of KINDS) checkKind(entitiesOf(block, plural, singular), singular, report);
  }
  checkKind(entitiesOf(root, "namespaces", "namespace"), "namespace", report);
  for (const namespace of entitiesOf(root, "namespaces", "namespace")) {
    checkKind(entitiesOf(namespace, "services", "service"), "service", report);
  }
}

function checkKind(entities: readonly Block[], kind: string, report: Report): void {
  const first = new Map<string, Block>();
  for (const one of entities) {
    const id = kind === "listener" ? listenerId(one) : idOf(one);
    if (id === undefined) continue;
    const earlier = first.get(id);
    if (earlier === undefined) {
      first.set(id, one);
      continue;
    }
    const related = [firstHere(value(earlier, "id")?.at ?? earlier.at)];
    report.error("duplicate-id", value(one, "id")?.at ?? one.at, `Duplicate ${kind} ID '${id}'`, { related });
  }
}
