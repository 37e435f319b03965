// The routing table: which route serves a request. Routes are indexed by host,
// then by path, so that a lookup costs the same with ten routes and with
// 50,000, and a change costs O(the change). Only routes with patterns that could
// match any path, or any host, are tried one by one, after the others.
//
// A change is staged (compiled and indexed, unseen), becomes visible whole by
// swap, and what it replaced is swept out of the index. Staging and sweeping can
// be spread over many turns of the event loop; the swap costs next to nothing.
// The table is mutated in place by its one owner (proxy/data-plane.ts); a Route
// value is never mutated.
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";
import { type Bucket, type Candidate, candidateOf } from "./candidate.ts";
import { describeFailure, failingCondition, type MatchRequest } from "./conditions.ts";
import { hostTail, parseHostPattern } from "./host.ts";
import { PathIndex } from "./path-index.ts";
import { PatternPool } from "./pattern-pool.ts";
import { QueryReader } from "./query.ts";
import { compareRanks } from "./rank.ts";

/** One line of an explanation: a route that was tried, and what came of it. */
export interface RouteTrial {
  readonly routeId: string;
  readonly matched: boolean;
  /** "all conditions hold", or the first condition that does not. */
  readonly reason: string;
  readonly priority: number;
  readonly specificity: number;
}

/** Key of the index of routes without a host condition; no host or pattern is empty. */
const ANY_HOST = "";
/** Key of the index of routes whose only host condition is patterns; no host contains a space. */
const HOST_PATTERNS = " ";

/** Routes, indexed for matching. */
export class RoutingTable {
  /** The visible ones. */
  readonly #routes = new Map<string, Candidate>();
  /** In the index, to become visible with the next swap; undefined: to be removed. */
  #staged = new Map<string, Candidate | undefined>();
  /** In the index, but visible no more. */
  readonly #replaced: Candidate[] = [];
  /** By exact host, by pattern text ("*.example.com"), and ANY_HOST. No request host contains "*". */
  readonly #hosts = new Map<string, PathIndex>();
  /** Number of "*" labels → how many host conditions have that many. */
  readonly #wildcards = new Map<number, number>();
  /** Reused by every lookup, so that a match allocates nothing but this once. */
  readonly #found: Bucket[] = [];
  /** Like #found: buckets to try after those, whose candidates each cost a search. */
  readonly #late: Bucket[] = [];
  readonly #patterns: PatternPool;
  readonly #queries = new QueryReader();

  /** Tables that share a pool compile each pattern once. */
  constructor(patterns = new PatternPool()) {
    this.#patterns = patterns;
  }

  /** Adds a route, or replaces the one of the same id, at once. */
  upsert(route: Route): void {
    this.stage(route.id, route);
    this.#settle();
  }

  /** Removes a route at once; nothing happens if there is none. */
  remove(routeId: string): void {
    this.stage(routeId, undefined);
    this.#settle();
  }

  /**
   * Prepares what a route is to be after the next swap; undefined: removed. A
   * route without an upstream and a built-in handler is left out: this build
   * cannot serve it.
   */
  stage(routeId: string, given: Route | undefined): void {
    const route = given?.upstream === undefined && given?.builtinHandler === undefined ? undefined : given;
    const candidate = route && candidateOf(route, (text) => this.#patterns.acquire(text));
    const superseded = this.#staged.get(routeId);
    if (superseded !== undefined) this.#unindex(superseded);
    this.#staged.set(routeId, candidate);
    if (candidate !== undefined) this.#index(candidate);
  }

  /** Makes everything staged visible, all of it in this one step. */
  swap(): void {
    for (const [routeId, candidate] of this.#staged) {
      const old = this.#routes.get(routeId);
      if (old !== undefined) {
        old.isVisible = false;
        this.#replaced.push(old);
      }
      if (candidate === undefined) {
        this.#routes.delete(routeId);
        continue;
      }
      candidate.isVisible = true;
      this.#routes.set(routeId, candidate);
    }
    this.#staged = new Map();
  }

  /** Takes one of the routes that were replaced or removed out of the index; false if there is none. */
  sweepOne(): boolean {
    const old = this.#replaced.pop();
    if (old !== undefined) this.#unindex(old);
    return old !== undefined;
  }

  /** The first route in rank order whose conditions hold. */
  match(request: MatchRequest): Route | undefined {
    this.#collect(request);
    const best = this.#best(this.#late, request, this.#best(this.#found, request, undefined));
    this.#found.length = 0;
    this.#late.length = 0;
    return best?.route;
  }

  /** Every route whose host and path could match, in the order tried, up to and including the winner. */
  explain(request: MatchRequest): RouteTrial[] {
    this.#collect(request);
    const found = [...this.#found, ...this.#late].flat();
    const candidates = [...new Set(found)]
      .filter(({ isVisible }) => isVisible)
      .sort((a, b) => compareRanks(a.rank, b.rank));
    this.#found.length = 0;
    this.#late.length = 0;
    const trials: RouteTrial[] = [];
    for (const { rank, conditions } of candidates) {
      const failing = failingCondition(conditions, request, this.#queries);
      trials.push({
        routeId: rank.id,
        matched: failing === undefined,
        reason: failing === undefined ? "all conditions hold" : describeFailure(failing, request),
        priority: rank.priority,
        specificity: rank.specificity,
      });
      if (failing === undefined) break;
    }
    return trials;
  }

  /** All routes, also disabled ones, in rank order. Costs O(n log n): for printing, not for requests. */
  routes(): Route[] {
    return [...this.#routes.values()]
      .sort((a, b) => compareRanks(a.rank, b.rank))
      .map((candidate) => candidate.route);
  }

  /** The route of this id, also if disabled. */
  get(routeId: string): Route | undefined {
    return this.#routes.get(routeId)?.route;
  }

  /** Ids of all routes, in no particular order. */
  ids(): Iterable<string> {
    return this.#routes.keys();
  }

  /** Number of routes, disabled ones included. */
  get size(): number {
    return this.#routes.size;
  }

  /** The first in rank order of `best` and the candidates in `buckets` whose conditions hold. */
  #best(
    buckets: readonly Bucket[],
    request: MatchRequest,
    best: Candidate | undefined,
  ): Candidate | undefined {
    for (const bucket of buckets) {
      for (const candidate of bucket) {
        if (!candidate.isVisible) continue;
        if (best !== undefined && compareRanks(best.rank, candidate.rank) <= 0) break;
        if (failingCondition(candidate.conditions, request, this.#queries) !== undefined) continue;
        best = candidate;
        break;
      }
    }
    return best;
  }

  /** Fills #found and #late with the buckets whose host and path can match. */
  #collect({ host, path }: MatchRequest): void {
    const found = this.#found;
    const late = this.#late;
    this.#hosts.get(ANY_HOST)?.collect(path, found, late);
    if (host === "") return;
    this.#hosts.get(HOST_PATTERNS)?.collect(path, late, late);
    this.#hosts.get(host)?.collect(path, found, late);
    for (const labels of this.#wildcards.keys()) {
      const tail = hostTail(host, labels);
      if (tail === undefined) continue;
      const stars = "*.".repeat(labels);
      this.#hosts.get(tail === "" ? stars.slice(0, -1) : stars + tail)?.collect(path, found, late);
    }
  }

  #settle(): void {
    this.swap();
    while (this.sweepOne());
  }

  #index(candidate: Candidate): void {
    const { route } = candidate;
    if (route.enabled === false) return;
    for (const key of hostKeys(route)) {
      let index = this.#hosts.get(key);
      if (index === undefined) {
        index = new PathIndex();
        this.#hosts.set(key, index);
      }
      index.add(candidate);
      this.#countWildcard(key, 1);
    }
  }

  #unindex(candidate: Candidate): void {
    const { route } = candidate;
    for (const text of patternsOf(route)) this.#patterns.release(text);
    if (route.enabled === false) return;
    for (const key of hostKeys(route)) {
      const index = this.#hosts.get(key);
      index?.remove(candidate);
      if (index?.isEmpty) this.#hosts.delete(key);
      this.#countWildcard(key, -1);
    }
  }

  #countWildcard(key: string, by: 1 | -1): void {
    const { wildcards } = parseHostPattern(key);
    if (wildcards === 0) return;
    const count = (this.#wildcards.get(wildcards) ?? 0) + by;
    if (count === 0) this.#wildcards.delete(wildcards);
    else this.#wildcards.set(wildcards, count);
  }
}

/** The keys a route is indexed under, without duplicates. */
function hostKeys(route: Route): Iterable<string> {
  const { hosts = [], hostRegexes = [] } = route.matches ?? {};
  if (hosts.length === 0) return [hostRegexes.length === 0 ? ANY_HOST : HOST_PATTERNS];
  return new Set(hosts.map((host) => parseHostPattern(host).text));
}

/** The patterns of a route, as often as they were acquired. */
function patternsOf({ matches }: Route): readonly string[] {
  return matches === undefined ? [] : [...matches.pathRegexes, ...matches.hostRegexes];
}
