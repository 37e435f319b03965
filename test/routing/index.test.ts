// The public surface of routing: a change here is a change for its callers.
import { expect, test } from "@jest/globals";
import * as routing from "../../src/routing/index.ts";

test("routing exports what its callers use", () => {
  expect(Object.keys(routing).sort()).toEqual([
    "Balancer",
    "DEFAULT_PRIORITY",
    "Domains",
    "MAX_TARGET",
    "RoutingTable",
    "changesWhenNormalized",
    "checkTarget",
    "compareRanks",
    "handlerName",
    "hasPathPrefix",
    "matchesHost",
    "normalizeHost",
    "normalizePath",
    "parseHostPattern",
    "printDomains",
    "printTable",
    "printTrials",
    "rankOf",
    "servedScope",
    "specificityOf",
    "splitTarget",
  ]);
});
