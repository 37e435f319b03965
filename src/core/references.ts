// What a resource refers to: other resources by their canonical names, and the
// namespace or service that its own name says it is in. The state keeps the
// reverse of it, so that a removal finds who refers to what goes in O(those).
import {
  type Filter,
  type Listener,
  type Namespace,
  ResourceKind,
  type Route,
} from "../gen/sentinel/v1/resources_pb.ts";
import { quote } from "./error.ts";
import { KIND_NAMES, type Kind, type Resource } from "./resource.ts";

/** One reference. */
export interface Reference {
  /** Field path in the resource, for example "upstream"; "id" for the scope that its name says. */
  readonly field: string;
  readonly kind: Kind;
  readonly id: string;
}

/** Names of referrers in one message; the others are counted. */
const MAX_NAMES = 10;
const NONE: readonly Reference[] = [];

/** Everything that a resource refers to. A backend refers to nothing: it is in its upstream. */
export function referencesOf(kind: Kind, value: Resource | undefined): readonly Reference[] {
  if (value === undefined || !("id" in value) || kind === ResourceKind.BACKEND) return NONE;
  const found: Reference[] = [];
  const scope = scopeOf(kind, value.id);
  if (scope !== undefined) found.push(scope);
  const add = (field: string, to: Kind, id: string | undefined) => {
    if (id !== undefined) found.push({ field, kind: to, id });
  };
  switch (kind) {
    case ResourceKind.LISTENER:
      add("default_route", ResourceKind.ROUTE, (value as Listener).defaultRoute);
      add("namespace", ResourceKind.NAMESPACE, (value as Listener).namespace);
      break;
    case ResourceKind.ROUTE:
      addOfRoute(value as Route, add);
      break;
    case ResourceKind.FILTER: {
      const { type } = value as Filter;
      if (type.case === "agent") add("agent.agent", ResourceKind.AGENT, type.value.agent);
      break;
    }
    case ResourceKind.NAMESPACE: {
      const { upstreams = [], agents = [], filters = [] } = (value as Namespace).exports ?? {};
      upstreams.forEach((id, i) => void add(`exports.upstreams[${i}]`, ResourceKind.UPSTREAM, id));
      agents.forEach((id, i) => void add(`exports.agents[${i}]`, ResourceKind.AGENT, id));
      filters.forEach((id, i) => void add(`exports.filters[${i}]`, ResourceKind.FILTER, id));
    }
  }
  return found;
}

type Add = (field: string, to: Kind, id: string | undefined) => void;

function addOfRoute(route: Route, add: Add): void {
  add("upstream", ResourceKind.UPSTREAM, route.upstream);
  route.agents.forEach((id, i) => void add(`agents[${i}]`, ResourceKind.AGENT, id));
  route.filters.forEach((id, i) => void add(`filters[${i}]`, ResourceKind.FILTER, id));
  add("shadow.upstream", ResourceKind.UPSTREAM, route.shadow?.upstream);
  route.fallback?.fallbackUpstream.forEach((one, i) => {
    add(`fallback.fallback_upstream[${i}].upstream`, ResourceKind.UPSTREAM, one.upstream);
  });
  const { modelRouting, guardrails } = route.inference ?? {};
  const routing = "inference.model_routing";
  add(`${routing}.default_upstream`, ResourceKind.UPSTREAM, modelRouting?.defaultUpstream);
  modelRouting?.model.forEach((one, i) => {
    add(`${routing}.model[${i}].upstream`, ResourceKind.UPSTREAM, one.upstream);
  });
  const rails = "inference.guardrails";
  add(`${rails}.prompt_injection.agent`, ResourceKind.AGENT, guardrails?.promptInjection?.agent);
  add(`${rails}.pii_detection.agent`, ResourceKind.AGENT, guardrails?.piiDetection?.agent);
}

/** The namespace of "ns:id" and of a service, the service of "ns:svc:id"; undefined for a global name. */
export function scopeOf(kind: Kind, id: string): Reference | undefined {
  const end = id.lastIndexOf(":");
  if (end < 0 || kind === ResourceKind.NAMESPACE || kind === ResourceKind.BACKEND) return undefined;
  const scope = id.slice(0, end);
  const isService = scope.includes(":") && kind !== ResourceKind.SERVICE;
  return { field: "id", kind: isService ? ResourceKind.SERVICE : ResourceKind.NAMESPACE, id: scope };
}

/** The scope of a canonical name: "", "ns" or "ns:svc". */
export function scopeName(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(":")));
}

/** A resource with an id as key and entry of the index of references. */
export function referenceText(kind: Kind, id: string): string {
  return `${kind} ${id}`;
}

/** What `referenceText` made a text of. */
export function parseReference(text: string): { readonly kind: Kind; readonly id: string } {
  const space = text.indexOf(" ");
  return { kind: Number(text.slice(0, space)) as Kind, id: text.slice(space + 1) };
}

/** Referrers for a message: "route 'a', 'b' and filter 'c'". */
export function referrerNames(texts: readonly string[]): string {
  const sorted = [...texts].sort();
  const shown = sorted.slice(0, MAX_NAMES).map(parseReference);
  const groups = Map.groupBy(shown, ({ kind }) => kind);
  const names = [...groups].map(
    ([kind, all]) => `${KIND_NAMES[kind]} ${all.map(({ id }) => quote(id)).join(", ")}`,
  );
  const more = sorted.length > MAX_NAMES ? ` and ${sorted.length - MAX_NAMES} more` : "";
  return `${names.join(" and ")}${more}`;
}

/** Whether a filter answers with a redirect, so that a route with it needs nothing else to serve. */
export function isRedirect(filter: Filter | undefined): boolean {
  return filter?.type.case === "redirect";
}
