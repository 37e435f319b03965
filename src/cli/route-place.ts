// Where a route is moved to: an order key between the neighbours that
// `--before` or `--after` names. The answer holds for one revision, which the
// caller has to expect.
import { keyBetween } from "../core/index.ts";
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { ControlClient } from "./client.ts";
import { ExitError } from "./exit.ts";
import { byOrder } from "./route-order.ts";
import { readLive } from "./state.ts";

/** The key, and the state it was computed from. */
export interface RoutePlace {
  readonly order: string;
  readonly revision: bigint;
  readonly historyId: string;
}

/** The place of route `id` directly before or after a neighbour. */
export async function placeBeside(
  client: ControlClient,
  id: string,
  beside: { readonly before: string | undefined; readonly after: string | undefined },
): Promise<RoutePlace> {
  const { config, revision, historyId } = await readLive(client);
  const order = orderBeside(config.routes, id, beside);
  return { order, revision, historyId };
}

/** The key among these routes; throws if the neighbour is not one of them. */
export function orderBeside(
  routes: readonly Route[],
  id: string,
  { before, after }: { readonly before: string | undefined; readonly after: string | undefined },
): string {
  const others = routes.filter((route) => route.id !== id).sort(byOrder);
  const name = before ?? after;
  const at = others.findIndex((route) => route.id === name);
  if (at < 0) throw new ExitError(1, `there is no other route '${name}' to move '${id}' to`);
  const low = before === undefined ? at : at - 1;
  const order = keyBetween(others[low]?.order, others[low + 1]?.order);
  if (order === undefined) throw new ExitError(1, `there is no room for a route beside '${name}'`);
  return order;
}
