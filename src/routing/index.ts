// Everything the rest of Sentinel may use of routing. Pure: no I/O, clock or
// randomness in this folder.
export { DEFAULT_PRIORITY } from "../core/index.ts";
export { type BalancePolicy, Balancer } from "./balance.ts";
export type { MatchRequest } from "./conditions.ts";
export { Domains, servedScope } from "./domains.ts";
export { type HostPattern, matchesHost, normalizeHost, parseHostPattern } from "./host.ts";
export { changesWhenNormalized, hasPathPrefix, normalizePath } from "./path.ts";
export { handlerName, printDomains, printTable, printTrials } from "./print.ts";
export { compareRanks, type Rank, rankOf, specificityOf } from "./rank.ts";
export { type RouteTrial, RoutingTable } from "./table.ts";
export { checkTarget, MAX_TARGET, splitTarget, type TargetParts, type TargetRefusal } from "./target.ts";
