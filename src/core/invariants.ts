// What must hold of every state (L8): no dangling reference, unique addresses,
// no two routes that can never be told apart, limits on numbers. Checked after
// the last command of a diff, only for what the diff touched, through the
// reverse indexes; `checkAll` in the tests compares with a full check.
import type { Backend, Listener, Route } from "../gen/sentinel/v1/resources_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { overlaps, parseBindAddress } from "./address.ts";
import { subjectOf } from "./commands/shared.ts";
import { DEFAULT_PRIORITY, MAX_PRIORITY_WITHOUT_CONDITIONS } from "./defaults.ts";
import type { Draft, Fault, Touch } from "./draft.ts";
import { quote } from "./error.ts";
import { MAX_BACKENDS, MAX_LISTENERS, MAX_ROUTES, MAX_UPSTREAMS } from "./limits.ts";
import { indexIds } from "./multi-index.ts";
import { keyText } from "./resource.ts";

/** Records every violation among the resources that the draft has touched. */
export function checkTouched(draft: Draft): void {
  for (const touch of draft.touched.values()) {
    if (draft.isFull) break;
    switch (touch.key.kind) {
      case ResourceKind.SYSTEM:
        break;
      case ResourceKind.LISTENER:
        checkListenerAddress(draft, touch);
        break;
      case ResourceKind.ROUTE:
        checkRouteReferences(draft, touch);
        break;
      case ResourceKind.UPSTREAM:
        checkReferrers(draft, touch);
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

function checkRouteReferences(draft: Draft, touch: Touch): void {
  const entry = draft.routes.get(touch.key.id);
  if (entry === undefined) return;
  const route = entry.value;
  const upstreamKey = keyText({ kind: ResourceKind.UPSTREAM, upstream: "", id: route.upstream! });
  if (!draft.upstreams.has(route.upstream!) && !draft.failed.has(upstreamKey)) {
    report(draft, touch, "upstream", {
      code: "conflict",
      rule: "unknown-upstream",
      message: `Route ${quote(route.id)} references unknown upstream ${quote(route.upstream!)}`,
      hint: draft.hintFor(route.upstream!, draft.upstreams.keys()) || "add the upstream in the same diff",
      field: "route.upstream",
    });
  }
  if (route.enabled === false) return;
  if (!hasConditions(route) && (route.priority ?? DEFAULT_PRIORITY) > MAX_PRIORITY_WITHOUT_CONDITIONS) {
    report(draft, touch, "matches", {
      code: "invalid",
      rule: "no-conditions",
      message: `Route ${quote(route.id)} has no match conditions`,
      hint: `add a condition or set a priority of at most ${MAX_PRIORITY_WITHOUT_CONDITIONS} ("low")`,
      field: "route.matches",
    });
  }
  const twins = idsOf(draft.routesBySignature, entry.signature).filter(
    (id) => id !== route.id && !isLaterTouch(draft, id, touch, ResourceKind.ROUTE),
  );
  if (twins.length === 0) return;
  report(draft, touch, "matches", {
    code: "conflict",
    rule: "same-route",
    message: `Route ${quote(route.id)} has the same priority and conditions as route ${quote(least(twins))} and would never be chosen`,
    hint: "change its priority or conditions",
    field: "route.matches",
  });
}

/** An upstream that is gone must not be referenced; routes that the diff touched report it themselves. */
function checkReferrers(draft: Draft, touch: Touch): void {
  const id = touch.key.id;
  if (draft.upstreams.has(id)) return;
  const referrers = idsOf(draft.routesByUpstream, id).filter(
    (route) => !draft.touched.has(keyText({ kind: ResourceKind.ROUTE, upstream: "", id: route })),
  );
  if (referrers.length === 0) return;
  const names = referrers.sort().slice(0, 10).map(quote).join(", ");
  report(draft, touch, undefined, {
    code: "conflict",
    rule: "referenced",
    message: `upstream ${quote(id)} is used by route ${names}${referrers.length > 10 ? ` and ${referrers.length - 10} more` : ""}`,
    hint: "change or remove the route in the same diff, or set cascade",
    field: "upstream_id",
  });
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
