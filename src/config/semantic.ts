// Rules about a file that the core does not know, because they are about how
// something is written, or about blocks that no resource keeps (config-format.md
// §18). One function per rule; they look at the checked tree and report. What the
// core refuses is turned into diagnostics in core-errors.ts. Called by load.ts.
import { contradictionIn } from "../core/index.ts";
import type { ConfigState, Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "./diagnostic.ts";
import type { Place, Places } from "./places.ts";
import { isRedirect } from "./schema/filter.ts";
import { scopesOf } from "./scopes.ts";
import { type Block, blocksOf, entitiesOf, idOf, items, markBroken, value, values } from "./tree.ts";

/** Runs every rule on a file and what it decodes to. */
export function checkSemantics(root: Block, config: ConfigState, places: Places, report: Report): void {
  for (const { block } of scopesOf(root)) {
    for (const listener of entitiesOf(block, "listeners", "listener")) checkProtocol(listener, report);
    for (const route of entitiesOf(block, "routes", "route")) {
      checkServiceType(route, report);
      checkAction(route, report);
    }
  }
  for (const route of config.routes) {
    checkContradiction(route, places.get("route", "", route.id), report);
  }
}

/** `http` with a tls block contradicts itself, https and h2 need one. */
function checkProtocol(listener: Block, report: Report): void {
  const protocol = value(listener, "protocol");
  const tls = items(listener, "tls")[0];
  if (protocol === undefined) return;
  const name = `listener '${idOf(listener)}'`;
  if (protocol.value === "http" && tls !== undefined) {
    const hints = ['write protocol "https", or remove the tls block'];
    report.error("tls-missing", protocol.at, `${name} has a tls block but uses protocol http`, { hints });
  } else if ((protocol.value === "https" || protocol.value === "h2") && tls === undefined) {
    const hints = ["add tls { cert-file …; key-file … }"];
    report.error("tls-missing", protocol.at, `${name} uses ${protocol.value} but has no tls block`, {
      hints,
    });
  }
}

/** What serves a route: at most one; with none the core asks for an upstream. */
function checkAction(route: Block, report: Report): void {
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

/** Whether anything but an upstream serves a route, so that it needs none. */
export function isServedWithoutUpstream(route: Block, root: Block): boolean {
  const found = actionsOf(route);
  return !found.includes("upstream") && (found.length > 0 || isRedirected(route, root));
}

function isRedirected(route: Block, root: Block): boolean {
  const named = new Set(values(route, "filters").map(({ value: name }) => name));
  return entitiesOf(root, "filters", "filter").some((one) => named.has(idOf(one) ?? "") && isRedirect(one));
}

/** A stated type must fit what the route does. */
function checkServiceType(route: Block, report: Report): void {
  const type = value(route, "service-type");
  if (type === undefined) {
    // Written as a block: the key was refused, and a static type is what was meant.
    return;
  }
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
function checkContradiction(route: Route, place: Place | undefined, report: Report): void {
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
