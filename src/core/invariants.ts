// What must hold of every state (L8): no dangling reference, unique addresses,
// no two routes that can never be told apart, limits on numbers; and that nothing
// is ignored that would be unsafe to ignore. Checked after the last command of a
// diff, only for what the diff touched, through the reverse indexes; `checkState`
// in the tests compares with a full check.
import type { Backend, Filter, Listener, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { overlaps, parseBindAddress } from "./address.ts";
import { subjectOf } from "./commands/shared.ts";
import { DEFAULT_PRIORITY, MAX_PRIORITY_WITHOUT_CONDITIONS } from "./defaults.ts";
import type { Draft, Fault, Touch } from "./draft.ts";
import { quote } from "./error.ts";
import {
  MAX_AGENTS,
  MAX_BACKENDS,
  MAX_FILTERS,
  MAX_LISTENERS,
  MAX_NAMESPACES,
  MAX_ROUTES,
  MAX_SERVICES,
  MAX_UPSTREAMS,
} from "./limits.ts";
import { ignoredIn, resourceName } from "./liveness.ts";
import { indexIds } from "./multi-index.ts";
import {
  isRedirect,
  parseReference,
  type Reference,
  referencesOf,
  referenceText,
  referrerNames,
} from "./references.ts";
import { KIND_NAMES, type Kind, keyText } from "./resource.ts";

/** Records every violation among the resources that the draft has touched. */
export function checkTouched(draft: Draft): void {
  for (const touch of draft.touched.values()) {
    if (draft.isFull) break;
    checkLiveness(draft, touch);
    if (touch.after === undefined) checkReferrers(draft, touch);
    else checkReferences(draft, touch);
    switch (touch.key.kind) {
      case ResourceKind.LISTENER:
        checkListenerAddress(draft, touch);
        checkFormerDefault(draft, touch);
        break;
      case ResourceKind.ROUTE:
        checkRouteConditions(draft, touch);
        break;
      case ResourceKind.FILTER:
        checkRedirected(draft, touch);
        break;
      case ResourceKind.BACKEND:
        checkBackendAddress(draft, touch);
    }
  }
  checkCounts(draft);
}

function checkListenerAddress(draft: Draft, touch: Touch): void {
  // Far too many are refused by their number; comparing each with each would take minutes.
  if (draft.listeners.size > MAX_LISTENERS) return;
  const listener = draft.listeners.get(touch.key.id)?.value;
  const address = listener && parseBindAddress(listener.address!);
  if (listener === undefined || address === undefined || address.port === 0) return;
  const rivals = idsOf(draft.listenersByPort, String(address.port)).filter((id) => {
    // A pair that the diff wrote on both sides is reported once, at the later one.
    const other: Listener = draft.listeners.get(id)!.value;
    return (
      id !== listener.id &&
      overlaps(address, parseBindAddress(other.address!)!) &&
      !isLaterTouch(draft, id, touch)
    );
  });
  if (rivals.length === 0) return;
  const other = draft.listeners.get(least(rivals))!.value;
  report(draft, touch, "address", {
    code: "conflict",
    rule: "address-clash",
    message: `address ${listener.address} of listener ${quote(listener.id)} overlaps ${other.address} of listener ${quote(other.id)}`,
    hint: "use another port",
    field: "listener.address",
  });
}

/** What this build ignores: class E is refused, class W is a warning. */
function checkLiveness(draft: Draft, { key, before, after, hash, place }: Touch): void {
  if (after === undefined || (before !== undefined && hash !== undefined && before.hash === hash)) return;
  const kind = KIND_NAMES[key.kind];
  const where = key.upstream === "" ? "" : ` of upstream ${quote(key.upstream)}`;
  const name = `${resourceName(kind, key.id)}${where}`;
  for (const one of ignoredIn(key, after, name, (of, id) => draft.find(of, id))) {
    if (one.severity === "warning") {
      draft.warnings.push(`not-implemented: ${one.message}`);
      continue;
    }
    const path = place.resource ?? kind;
    draft.fail(place, {
      code: "invalid",
      rule: "not-implemented",
      message: one.message,
      hint: one.hint,
      field: one.field === "" ? path : `${path}.${one.field}`,
      subject: subjectOf(key, one.field),
    });
  }
}

/** Everything that a resource refers to must exist. */
function checkReferences(draft: Draft, touch: Touch): void {
  const { key, after } = touch;
  for (const reference of referencesOf(key.kind, after)) {
    const { kind, id, field } = reference;
    if (draft.find(kind, id) !== undefined) continue;
    if (draft.failed.has(keyText({ kind, upstream: "", id }))) continue;
    report(draft, touch, field, {
      code: "conflict",
      ...unknownReference(draft, key.kind, key.id, reference),
      field: `${KIND_NAMES[key.kind]}.${field}`,
    });
  }
  // A redirect needs nothing else to serve, which only the filters know.
  if (key.kind === ResourceKind.ROUTE) checkAction(draft, touch, after as Route, touch.key.id);
}

function unknownReference(
  draft: Draft,
  from: Kind,
  fromId: string,
  { kind, id, field }: Reference,
): Pick<Fault, "rule" | "message" | "hint"> {
  const [what, name] = [`${KIND_NAMES[from]} ${quote(fromId)}`, `${KIND_NAMES[kind]} ${quote(id)}`];
  const ids = draft.map(kind as Parameters<Draft["map"]>[0]).keys();
  const agent = kind === ResourceKind.FILTER && draft.find(ResourceKind.AGENT, id) !== undefined;
  const hint = agent
    ? `there is an agent ${quote(id)}; name it in agents, or add a filter of type agent`
    : draft.hintFor(id, ids) || `add the ${KIND_NAMES[kind]} in the same diff`;
  if (field === "id") {
    return { rule: `unknown-${KIND_NAMES[kind]}`, message: `${what} is in unknown ${name}`, hint };
  }
  if (from === ResourceKind.NAMESPACE) {
    return { rule: "bad-export", message: `${what} exports unknown ${name}`, hint };
  }
  const message = `${what[0]!.toUpperCase()}${what.slice(1)} references unknown ${name}`;
  return { rule: `unknown-${KIND_NAMES[kind]}`, message, hint };
}

/** What is gone must not be referred to; what the diff touched reports it itself. */
function checkReferrers(draft: Draft, touch: Touch): void {
  const { kind, id } = touch.key;
  if (kind === ResourceKind.BACKEND || draft.find(kind, id) !== undefined) return;
  const referrers = idsOf(draft.referrers, referenceText(kind, id)).filter((text) => {
    const key = { ...parseReference(text), upstream: "" };
    return !draft.touched.has(keyText(key));
  });
  if (referrers.length === 0) return;
  const name = `${KIND_NAMES[kind]} ${quote(id)}`;
  const isScope = kind === ResourceKind.NAMESPACE || kind === ResourceKind.SERVICE;
  const cascades = isScope || kind === ResourceKind.UPSTREAM;
  const first = KIND_NAMES[parseReference(referrers.sort()[0]!).kind];
  report(draft, touch, undefined, {
    code: "conflict",
    rule: "referenced",
    message: `${name} is used by ${referrerNames(referrers)}`,
    hint: `change or remove the ${first} in the same diff${cascades ? ", or set cascade" : ""}`,
    field: touch.place.path.endsWith(`.remove_${KIND_NAMES[kind]}`) ? `${KIND_NAMES[kind]}_id` : "",
  });
}

/** A route without anything to serve needs a filter that redirects. */
function checkAction(draft: Draft, touch: Touch, route: Route, id: string): void {
  if (route.upstream !== undefined || route.staticFiles !== undefined || route.builtinHandler !== undefined)
    return;
  const filters = route.filters.map((name) => draft.find(ResourceKind.FILTER, name) as Filter | undefined);
  // One that does not exist has its own error.
  if (filters.some((filter) => filter === undefined || isRedirect(filter))) return;
  const isOwn = touch.key.kind === ResourceKind.ROUTE;
  report(draft, touch, isOwn ? "upstream" : undefined, {
    code: isOwn ? "invalid" : "conflict",
    rule: "route-action",
    message: `Route ${quote(id)} has nothing to serve the request`,
    hint: "set upstream, or name a filter of type redirect",
    field: isOwn ? "route.upstream" : KIND_NAMES[touch.key.kind],
  });
}

/** Routes that need this filter to redirect; those that the diff touched are checked themselves. */
function checkRedirected(draft: Draft, touch: Touch): void {
  if (touch.after === undefined || isRedirect(touch.after as Filter)) return;
  if (!isRedirect(touch.before?.value as Filter | undefined)) return;
  for (const text of idsOf(draft.referrers, referenceText(ResourceKind.FILTER, touch.key.id))) {
    const { kind, id } = parseReference(text);
    if (kind !== ResourceKind.ROUTE || draft.touched.has(keyText({ kind, upstream: "", id }))) continue;
    checkAction(draft, touch, draft.routes.get(id)!.value, id);
  }
}

function checkRouteConditions(draft: Draft, touch: Touch): void {
  const entry = draft.routes.get(touch.key.id);
  if (entry === undefined || entry.value.enabled === false) return;
  const route = entry.value;
  if (needsConditions(draft, route)) report(draft, touch, "matches", noConditions(route, "route.matches"));
  const twins = idsOf(draft.routesBySignature, entry.signature).filter(
    (id) => id !== route.id && !isLaterTouch(draft, id, touch, ResourceKind.ROUTE),
  );
  if (twins.length > 0) report(draft, touch, "matches", sameRoute(route, least(twins)));
}

function sameRoute({ id }: Route, twin: string): Fault {
  return {
    code: "conflict",
    rule: "same-route",
    message: `Route ${quote(id)} has the same priority and conditions as route ${quote(twin)} and would never be chosen`,
    hint: "change its priority or conditions",
    field: "route.matches",
  };
}

/** A route that was a listener's default may need conditions now. */
function checkFormerDefault(draft: Draft, touch: Touch): void {
  const id = (touch.before?.value as Listener | undefined)?.defaultRoute;
  if (id === undefined || draft.touched.has(keyText({ kind: ResourceKind.ROUTE, upstream: "", id }))) return;
  const route = draft.routes.get(id)?.value;
  if (route === undefined || route.enabled === false || !needsConditions(draft, route)) return;
  report(draft, touch, undefined, { ...noConditions(route, "listener"), code: "conflict" });
}

/** Whether a route without conditions has too high a priority; the default route of a listener may have any. */
function needsConditions(draft: Draft, route: Route): boolean {
  if (hasConditions(route) || (route.priority ?? DEFAULT_PRIORITY) <= MAX_PRIORITY_WITHOUT_CONDITIONS)
    return false;
  const referrers = idsOf(draft.referrers, referenceText(ResourceKind.ROUTE, route.id));
  return !referrers.some((text) => parseReference(text).kind === ResourceKind.LISTENER);
}

function noConditions({ id }: Route, field: string): Fault {
  return {
    code: "invalid",
    rule: "no-conditions",
    message: `Route ${quote(id)} has no match conditions`,
    hint: `add a condition or set a priority of at most ${MAX_PRIORITY_WITHOUT_CONDITIONS} ("low")`,
    field,
  };
}

function checkBackendAddress(draft: Draft, touch: Touch): void {
  const upstream = draft.upstream(touch.key.upstream);
  const backend: Backend | undefined = upstream?.backends.get(touch.key.id)?.value;
  if (upstream === undefined || backend === undefined) return;
  const rivals = idsOf(upstream.byAddress, backend.address!).filter((id) => {
    const key = keyText({ kind: ResourceKind.BACKEND, upstream: touch.key.upstream, id });
    return id !== backend.id && !isLater(draft.touched.get(key), touch);
  });
  if (rivals.length === 0) return;
  report(draft, touch, "address", {
    code: "conflict",
    rule: "duplicate-target",
    message: `address ${quote(backend.address!)} is listed twice in upstream ${quote(touch.key.upstream)}: backends ${quote(least(rivals))} and ${quote(backend.id)}`,
    hint: "one address is one backend; give it a weight instead",
    field: `${touch.place.resource ?? "backend"}.address`,
  });
}

function checkCounts(draft: Draft): void {
  const added = [...draft.touched.values()].filter((t) => t.key.kind === ResourceKind.BACKEND);
  const backends =
    draft.base.backendCount + added.reduce((n, t) => n + (t.hash ? 1 : 0) - (t.before ? 1 : 0), 0);
  const counts: readonly (readonly [string, number, number])[] = [
    ["listeners", draft.listeners.size, MAX_LISTENERS],
    ["routes", draft.routes.size, MAX_ROUTES],
    ["upstreams", draft.upstreams.size, MAX_UPSTREAMS],
    ["backends", backends, MAX_BACKENDS],
    ["filters", draft.map(ResourceKind.FILTER).size, MAX_FILTERS],
    ["agents", draft.map(ResourceKind.AGENT).size, MAX_AGENTS],
    ["namespaces", draft.map(ResourceKind.NAMESPACE).size, MAX_NAMESPACES],
    ["services", draft.map(ResourceKind.SERVICE).size, MAX_SERVICES],
  ];
  for (const [what, count, max] of counts) {
    if (count <= max) continue;
    const message = `the state would have ${count} ${what}, more than ${max}`;
    draft.errors.push({ code: "limit", rule: "too-many", path: "", message, hint: "" });
  }
}

function hasConditions(route: Route): boolean {
  const m = route.matches;
  if (m === undefined) return false;
  return [
    m.paths,
    m.pathPrefixes,
    m.pathRegexes,
    m.hosts,
    m.hostRegexes,
    m.methods,
    m.headers,
    m.queryParams,
  ].some((values) => values.length > 0);
}

function idsOf(index: Draft["listenersByPort"], key: string): string[] {
  return [...indexIds(index.current, key)];
}

/** The first in the order of ids, so that errors do not depend on the order of an index. */
function least(ids: readonly string[]): string {
  let first = ids[0]!;
  for (const id of ids) if (id < first) first = id;
  return first;
}

function isLaterTouch(
  draft: Draft,
  id: string,
  touch: Touch,
  kind: typeof ResourceKind.LISTENER | typeof ResourceKind.ROUTE = ResourceKind.LISTENER,
): boolean {
  return isLater(draft.touched.get(keyText({ kind, upstream: "", id })), touch);
}

/** Whether `other` was written by a later command than `touch`, or later in the order of ids by the same. */
function isLater(other: Touch | undefined, touch: Touch): boolean {
  if (other === undefined) return false;
  if (other.place.index !== touch.place.index) return other.place.index > touch.place.index;
  return other.key.id > touch.key.id;
}

function report(draft: Draft, touch: Touch, field: string | undefined, fault: Fault): void {
  draft.fail(touch.place, { ...fault, subject: subjectOf(touch.key, field) });
}
