// AddRoute, UpdateRoute, RemoveRoute.
import type { AddRoute, RemoveRoute, UpdateRoute } from "../../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind, type Route, RouteSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import { canonical } from "../canonical.ts";
import { checkRoute } from "../check.ts";
import type { Draft, Place } from "../draft.ts";
import { quote } from "../error.ts";
import { keyAfter, keyBetween } from "../order.ts";
import { last, next, previous } from "../sorted-list.ts";
import {
  admitNew,
  mergeUpdate,
  reject,
  rejectMissing,
  rejectProblems,
  rejectUnset,
  type Target,
} from "./shared.ts";

/** Adds a route: at `route.order`, before or after a neighbour, or at the end. */
export function addRoute(draft: Draft, place: Place, command: AddRoute): void {
  if (command.route === undefined) return rejectUnset(draft, place, "route");
  const route = canonical(RouteSchema, command.route);
  const target = targetOf(draft, place, route.id, "route");
  if (rejectProblems(target, checkRoute(route))) return;
  const existing = draft.routes.get(route.id)?.value;
  const ignored = route.order === undefined ? ["order"] : [];
  if (!admitNew(target, RouteSchema, existing, route, ignored)) return;
  const order = orderOf(target, route, command.before, command.after);
  if (order !== undefined) draft.setRoute({ ...route, order }, place);
}

/** Changes a route; adds it with `allow_missing`. */
export function updateRoute(draft: Draft, place: Place, command: UpdateRoute): void {
  const { allowMissing, updateMask } = command;
  if (command.route === undefined) return rejectUnset(draft, place, "route");
  const route = canonical(RouteSchema, command.route);
  const target = targetOf(draft, place, route.id, "route");
  const existing = draft.routes.get(route.id)?.value;
  if (existing === undefined && !allowMissing) return rejectMissing(target, "route.id", draft.routes.keys());
  const merged =
    existing === undefined ? route : mergeUpdate(target, RouteSchema, existing, route, updateMask);
  if (merged === undefined || rejectProblems(target, checkRoute(merged))) return;
  // A route keeps its place unless the update gives it another: clearing `order` does not move it.
  const order = merged.order ?? existing?.order ?? orderOf(target, merged, "", "");
  if (order !== undefined) draft.setRoute({ ...merged, order }, place);
}

/** Removes a route. */
export function removeRoute(draft: Draft, place: Place, command: RemoveRoute): void {
  if (draft.routes.has(command.routeId)) return draft.deleteRoute(command.routeId, place);
  if (command.allowMissing) return;
  rejectMissing(targetOf(draft, place, command.routeId, "route_id"), "route_id", draft.routes.keys());
}

/** The order key of a new route, or undefined after recording why there is none. */
function orderOf(target: Target, route: Route, before: string, after: string): string | undefined {
  const { draft } = target;
  if ([before, after, route.order ?? ""].filter((value) => value !== "").length > 1) {
    const message = "only one of 'before', 'after' and 'route.order' can be set";
    reject(target, {
      code: "invalid",
      rule: "bad-order",
      message,
      hint: "",
      field: before === "" ? "after" : "before",
    });
    return undefined;
  }
  if (route.order !== undefined) return route.order;
  const name = before === "" ? after : before;
  let key: string | undefined;
  if (name === "") key = keyAfter(last(draft.routeOrder)?.order);
  else {
    const neighbour = draft.routes.get(name);
    if (neighbour === undefined) {
      const hint = draft.hintFor(name, draft.routes.keys());
      const field = before === "" ? "after" : "before";
      const message = `route ${quote(name)} does not exist`;
      reject(target, { code: "not_found", rule: "unknown-route", message, hint, field });
      return undefined;
    }
    const at = { order: neighbour.value.order!, id: name };
    key =
      before === ""
        ? keyBetween(at.order, next(draft.routeOrder, at)?.order)
        : keyBetween(previous(draft.routeOrder, at)?.order, at.order);
  }
  if (key === undefined) {
    const message = `there is no room for a route ${name === "" ? "at the end" : `beside ${quote(name)}`}`;
    reject(target, {
      code: "conflict",
      rule: "bad-order",
      message,
      hint: "give the routes around it new values of route.order",
    });
  }
  return key;
}

function targetOf(draft: Draft, place: Place, id: string, field: string): Target {
  return { draft, place, key: { kind: ResourceKind.ROUTE, upstream: "", id }, field };
}
