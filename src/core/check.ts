// Shape checks: what can be said about one resource without looking at any
// other. References, duplicates and limits on numbers of resources are checked
// on the whole result (core/invariants.ts). The rules of single fields are data
// (core/field-tables), applied by core/field-rules.ts.
import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  type Backend,
  BackendSchema,
  type Listener,
  ListenerSchema,
  ResourceKind,
  type Route,
  RouteSchema,
  type Upstream,
  UpstreamSchema,
} from "../gen/sentinel/v1/resources_pb.ts";
import { parseBackendAddress, parseBindAddress } from "./address.ts";
import { checkMatches } from "./check-matches.ts";
import { hasControl, quote } from "./error.ts";
import { type Fields, fieldValue } from "./field.ts";
import { checkFields } from "./field-rules.ts";
import type { Problem } from "./field-tables/table.ts";
import { MAX_ID_LENGTH } from "./limits.ts";
import { isOrderKey } from "./order.ts";
import {
  isSingleton,
  KIND_NAMES,
  type PlainKind,
  type SingletonKind,
  schemaOf,
  type ValueOf,
} from "./resource.ts";

export type { Problem } from "./field-tables/table.ts";

/** How many parts a canonical name may have: of one, all but "ns:id" and "ns:svc:id". */
type Parts = readonly [min: number, max: number];
const SCOPED: Parts = [1, 3];

/**
 * Problems of an id; `what` names the resource, `field` the field it came from.
 * Without `parts` it must not contain ":".
 */
export function checkId(what: string, field: string, id: string, [min, max]: Parts = [1, 1]): Problem[] {
  if (id === "") {
    return [
      problem(field, "missing-id", `${what} needs an id`, `set ${field}, 1 to ${MAX_ID_LENGTH} characters`),
    ];
  }
  const parts = id.split(":");
  if (parts.some((part) => part.length > MAX_ID_LENGTH)) {
    const message = `${what} id ${quote(id)} is longer than ${MAX_ID_LENGTH} characters`;
    return [problem(field, "bad-id", message, "shorten it")];
  }
  if (hasControl(id) || !id.isWellFormed() || (max === 1 && parts.length > 1)) {
    const message = `${what} id ${quote(id)} contains ":" or a control character`;
    return [problem(field, "bad-id", message, "use another id")];
  }
  if (parts.length < min || parts.length > max || parts.includes("")) {
    const hint = min === 2 ? 'write "ns:svc"' : 'write "id", "ns:id" or "ns:svc:id"';
    return [problem(field, "bad-id", `${what} id ${quote(id)} is not a canonical name`, hint)];
  }
  return [];
}

/** Problems of a singleton, filter, agent, namespace or service. */
export function checkResource<K extends SingletonKind | PlainKind>(kind: K, value: ValueOf<K>): Problem[] {
  const schema = schemaOf(kind);
  const found = isSingleton(kind)
    ? []
    : checkId(KIND_NAMES[kind], "id", (value as { id: string }).id, PARTS[kind as PlainKind]);
  found.push(...checkUnknown(schema, value), ...checkFields(schema, value as unknown as Fields));
  return found;
}

const PARTS: Readonly<Record<PlainKind, Parts>> = {
  [ResourceKind.FILTER]: SCOPED,
  [ResourceKind.AGENT]: SCOPED,
  [ResourceKind.NAMESPACE]: [1, 1],
  [ResourceKind.SERVICE]: [2, 2],
};

/** Problems of a listener. */
export function checkListener(listener: Listener): Problem[] {
  const found = [
    ...checkId("listener", "id", listener.id, SCOPED),
    ...checkUnknown(ListenerSchema, listener),
  ];
  const name = quote(listener.id);
  const hint = "expected host:port, for instance 0.0.0.0:8080";
  if (listener.address === undefined) {
    found.push(problem("address", "missing-key", `listener ${name} needs an 'address'`, hint));
  } else if (parseBindAddress(listener.address) === undefined) {
    const message = `Invalid socket address ${quote(listener.address)} in listener ${name}`;
    found.push(problem("address", "bad-address", message, hint));
  }
  found.push(...fieldsOf(ListenerSchema, listener, ["address"]));
  return found;
}

/** Problems of an upstream's own fields. */
export function checkUpstream(upstream: Upstream): Problem[] {
  const own = upstream.backends.length === 0 ? upstream : { ...upstream, backends: [] };
  const found = [...checkId("upstream", "id", upstream.id, SCOPED), ...checkUnknown(UpstreamSchema, own)];
  found.push(...fieldsOf(UpstreamSchema, own, ["backends"]));
  return found;
}

/** Problems of a backend whose id has been filled in. */
export function checkBackend(upstreamId: string, backend: Backend): Problem[] {
  const found = checkUnknown(BackendSchema, backend);
  const hint = "expected host:port without scheme";
  if (backend.address === undefined || backend.address === "") {
    found.push(problem("address", "missing-key", `backend ${quote(backend.id)} needs an 'address'`, hint));
  } else if (parseBackendAddress(backend.address) === undefined) {
    const where = `of a backend in upstream ${quote(upstreamId)}`;
    found.push(
      problem("address", "bad-target", `Invalid socket address ${quote(backend.address)} ${where}`, hint),
    );
  } else if (parseBackendAddress(backend.id) === undefined) {
    // An id that was an address stays one when the address changes.
    found.push(...checkId("backend", "id", backend.id));
  }
  found.push(...fieldsOf(BackendSchema, backend, ["address"]));
  return found;
}

/** Problems of a route. */
export function checkRoute(route: Route): Problem[] {
  const found = [...checkId("route", "id", route.id, SCOPED), ...checkUnknown(RouteSchema, route)];
  found.push(...fieldsOf(RouteSchema, route, ["order", "matches"]));
  if (route.order !== undefined && !isOrderKey(route.order)) {
    const hint = "leave it unset to append the route, or use before/after";
    found.push(problem("order", "bad-value", `invalid order key ${quote(route.order)}`, hint));
  }
  if (route.matches !== undefined) found.push(...checkMatches(route.id, route.matches));
  return found;
}

function fieldsOf(schema: DescMessage, value: object, except: readonly string[]): Problem[] {
  return checkFields(schema, value as unknown as Fields, "", except);
}

/**
 * A field number this build does not know, in the message or in one inside it,
 * would be ignored silently; it is refused instead.
 */
export function checkUnknown(schema: DescMessage, message: object, at = ""): Problem[] {
  const found: Problem[] = [];
  const unknown = (message as Message).$unknown?.[0];
  if (unknown !== undefined) {
    const text = `unknown field number ${unknown.no} in ${schema.name}`;
    found.push(problem(at, "unknown-key", text, "this Sentinel is older than the client's .proto files"));
  }
  for (const field of schema.fields) {
    const { message: inner } = field;
    const value = inner && fieldValue(message as Fields, field);
    if (inner === undefined || value === undefined) continue;
    const path = at === "" ? field.name : `${at}.${field.name}`;
    if (!Array.isArray(value)) found.push(...checkUnknown(inner, value as object, path));
    else value.forEach((item, i) => void found.push(...checkUnknown(inner, item, `${path}[${i}]`)));
  }
  return found;
}

function problem(field: string, rule: string, message: string, hint: string): Problem {
  return { field, rule, message, hint };
}
