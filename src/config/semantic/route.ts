// Rules about routes: what serves them, conditions that contradict each other, and
// blocks of theirs whose keys do not fit together.
import { contradictionIn } from "../../core/index.ts";
import type { Route } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import type { Place } from "../places.ts";
import { isAdmin } from "../schema/listener.ts";
import { type Block, blocksOf, describe, idOf, items, markBroken, textOf, value } from "../tree.ts";
import { isLoopback } from "./addresses.ts";
import { atMostOne } from "./fit.ts";

/** What serves a route: at most one; with none the core asks for an upstream. */
export function checkAction(route: Block, report: Report): void {
  const found = actionsOf(route);
  if (found.length > 1) {
    const key = found.at(-1) ?? "";
    const message = `Route '${idOf(route)}' has both ${found.map((one) => `'${one}'`).join(" and ")}`;
    const hints = ["a route has exactly one of upstream, static-files and builtin-handler"];
    report.error("route-action", items(route, key)[0]?.at ?? route.at, message, { hints });
    markBroken(route);
  }
}

function actionsOf(route: Block): string[] {
  const hasUpstream =
    items(route, "upstream").length > 0 || blocksOf(route, "back-to").some((one) => value(one, "upstream"));
  const others = ["static-files", "builtin-handler"].filter((key) => items(route, key).length > 0);
  return hasUpstream ? ["upstream", ...others] : others;
}

/** A stated type must fit what the route does. */
export function checkServiceType(route: Block, report: Report): void {
  const type = value(route, "service-type");
  if (type === undefined) return;
  const name = `Route '${idOf(route)}'`;
  const needs: Readonly<Record<string, string>> = { static: "static-files", builtin: "builtin-handler" };
  const needed = needs[String(type.value)];
  if (needed !== undefined && items(route, needed).length === 0) {
    const message = `${name} is of type ${type.value} but names no ${needed}`;
    report.error("service-type", type.at, message, { hints: [`add ${needed}, or remove service-type`] });
    markBroken(route);
  }
  for (const [fitting, key] of Object.entries(needs)) {
    if (type.value === fitting || items(route, key).length === 0) continue;
    const message = `${name} is of type ${type.value} but has '${key}'`;
    report.error("service-type", type.at, message, { hints: [`write service-type "${fitting}"`] });
    markBroken(route);
  }
}

/** What the core calls a contradiction, in the words of the file. */
export function checkContradiction(route: Route, place: Place | undefined, report: Report): void {
  const found = contradictionIn(route);
  if (found === undefined) return;
  const [what, one, other] = found;
  const at = place?.fields.get(`matches.${other}`) ?? place?.at;
  if (at === undefined) return;
  const reason =
    other === "path_prefixes"
      ? "no 'path' of it is under one of its 'path-prefix'"
      : `no ${what} satisfies both its '${KEYS[one]}' and its '${KEYS[other]}'`;
  report.warning("never-matches", at, `Route '${route.id}' can never match: ${reason}`, {
    hints: [`remove one of the two, or put the ${what}s into a route of their own`],
  });
}

const KEYS = {
  paths: "path",
  path_prefixes: "path-prefix",
  path_regexes: "path-regex",
  hosts: "host",
  host_regexes: "host-regex",
} as const;

/** A ceiling below what it limits. */
export function checkBackoff(retry: Block, report: Report): void {
  const backoff = value(retry, "backoff");
  const ceiling = value(retry, "max-backoff");
  if (backoff === undefined || ceiling === undefined || Number(ceiling.value) >= Number(backoff.value))
    return;
  const message = `'max-backoff' of ${describe(retry)} is smaller than 'backoff'`;
  report.error("bad-value", ceiling.at, message, { hints: ["raise max-backoff, or leave it out"] });
}

/** A schema is a file or inline. */
export function checkSchemaSource(schema: Block, report: Report): void {
  atMostOne(schema, ["schema-file", "schema-content"], report);
}

/** A budget limits something. */
export function checkBudget(budget: Block, report: Report): void {
  const keys = ["limit", "hourly-limit", "daily-limit", "monthly-limit"];
  if (keys.some((key) => items(budget, key).length > 0)) return;
  const hints = ["add limit, or hourly-limit, daily-limit or monthly-limit"];
  report.error("missing-key", budget.at, `${describe(budget)} needs 'limit'`, { hints });
}

/** What the live configuration is shown to, if its handler is reachable from elsewhere. */
export function checkExposedHandler(route: Block, listeners: readonly Block[], report: Report): void {
  const handler = value(route, "builtin-handler");
  if (handler?.value !== "config") return;
  const open = listeners.find((listener) => !isAdmin(listener) && !isLoopback(textOf(listener, "address")));
  if (open === undefined) return;
  const message = `Route '${idOf(route)}' shows the configuration on listener '${idOf(open)}', which is not on a loopback address`;
  const hints = ["guard it with conditions or agents, or bind the listener to 127.0.0.1"];
  report.warning("exposed-handler", handler.at, message, { hints });
}
