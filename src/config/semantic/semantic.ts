// Rules about a file that the core does not know, because they are about how
// something is written, about settings that no resource keeps, or about several
// blocks (config-format.md §18). What the core refuses is turned into diagnostics in
// core-errors.ts. Called by load.ts.
import type { ConfigState } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import type { Places } from "../places.ts";
import { scopesOf } from "../scopes.ts";
import { type Block, blocksOf, entitiesOf } from "../tree.ts";
import { checkAddresses } from "./addresses.ts";
import { checkBlocks } from "./block.ts";
import { checkAcmeDomains, checkAdmin, checkProtocol } from "./listener.ts";
import { checkAction, checkContradiction, checkExposedHandler, checkServiceType } from "./route.ts";
import { noteShadowed, noteUnused } from "./unused.ts";

/** What the rules look at. */
export interface Subject {
  readonly root: Block;
  readonly config: ConfigState;
  readonly places: Places;
  /** "kind canonical-name" of everything that is referred to. */
  readonly used: ReadonlySet<string>;
}

/** Runs every rule. */
export function checkSemantics({ root, config, places, used }: Subject, report: Report): void {
  const scopes = scopesOf(root).map(({ block }) => block);
  const listeners = scopes.flatMap((scope) => entitiesOf(scope, "listeners", "listener"));
  for (const listener of listeners) {
    checkProtocol(listener, report);
    checkAdmin(listener, report);
  }
  checkAcmeDomains(listeners.flatMap(acmeBlocks), report);
  checkAddresses(root, listeners, report);
  for (const route of scopes.flatMap((scope) => entitiesOf(scope, "routes", "route"))) {
    checkServiceType(route, report);
    checkAction(route, report);
    checkExposedHandler(route, listeners, report);
  }
  for (const route of config.routes) {
    checkContradiction(route, places.get("route", "", route.id), report);
  }
  checkBlocks(root, report);
  // Notes are for files in which nothing is wrong.
  if (report.errors > 0) return;
  noteUnused(config, used, places, report);
  noteShadowed(config.routes, places, report);
}

function acmeBlocks(listener: Block): Block[] {
  return blocksOf(listener, "tls").flatMap((tls) => [
    ...blocksOf(tls, "acme"),
    ...blocksOf(tls, "sni").flatMap((sni) => blocksOf(sni, "acme")),
  ]);
}
