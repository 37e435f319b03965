// Which routes a listener serves (config-format.md §16): a routing table per
// domain. A *scope* is what stands in front of a name ("" for global ones, "ns",
// "ns:svc"); a scope that a listener serves is a *domain*, and so is the global
// one. The routes of any other scope are in the domain of what surrounds it. So
// each route is in one table, and each listener looks into one.
//
// Changes are staged, swapped and swept as in table.ts: a listener that makes a
// scope a domain, or ends it, moves that scope's routes within the same swap.
// Owned by proxy/data-plane.ts, and by whoever explains what that does.
import { isAdminListener, scopeName } from "../core/index.ts";
import type { Listener, Route } from "../gen/sentinel/v1/resources_pb.ts";
import type { MatchRequest } from "./conditions.ts";
import { PatternPool } from "./pattern-pool.ts";
import { RoutingTable } from "./table.ts";

/** The global scope, which is always a domain. */
const GLOBAL = "";

/** A scope other than the global one that has routes. */
interface Scope {
  /** Whose table the routes are in after the next swap. */
  domain: string;
  readonly routeIds: Set<string>;
}

/** See the head of this file. Tables are as of the last swap, everything else as of the next. */
export class Domains {
  readonly #patterns = new PatternPool();
  readonly #tables = new Map([[GLOBAL, new RoutingTable(this.#patterns)]]);
  /** By id, without those that serve no routes. */
  readonly #listeners = new Map<string, Listener>();
  /** Scope → how many listeners serve it. */
  readonly #claims = new Map<string, number>();
  readonly #scopes = new Map<string, Scope>();
  /** Namespace → its services that have routes. */
  readonly #services = new Map<string, Set<string>>();
  /** Scopes whose listeners have changed → whether they were domains before. */
  readonly #touched = new Map<string, boolean>();
  /** Tables with something to swap or to sweep. */
  readonly #dirty = new Set<RoutingTable>();
  /** Domains that the next swap ends. */
  readonly #ending = new Set<string>();

  /** Prepares what a listener is to be; undefined: removed. All of a change before `stageMoves`. */
  stageListener(id: string, listener: Listener | undefined): void {
    const scope = listener && servedScope(listener);
    const old = this.#listeners.get(id);
    if (old !== undefined) this.#claim(servedScope(old)!, -1);
    if (scope === undefined) this.#listeners.delete(id);
    else {
      this.#listeners.set(id, listener!);
      this.#claim(scope, 1);
    }
  }

  /** Prepares the moves that follow from the staged listeners, a route a step. Before any `stageRoute`. */
  *stageMoves(): Generator<void, void> {
    for (const [scope, was] of this.#touched) {
      const is = this.#claims.has(scope);
      if (scope === GLOBAL || was === is) continue;
      if (is) this.#tables.set(scope, new RoutingTable(this.#patterns));
      else this.#ending.add(scope);
    }
    for (const [scope, was] of this.#touched) {
      if (was === this.#claims.has(scope)) continue;
      yield* this.#stageMove(scope);
      for (const service of this.#services.get(scope) ?? []) yield* this.#stageMove(service);
    }
    this.#touched.clear();
  }

  /** Prepares what a route is to be after the next swap; undefined: removed. */
  stageRoute(id: string, route: Route | undefined): void {
    const table = this.#tables.get(this.#place(id, route !== undefined))!;
    table.stage(id, route);
    this.#dirty.add(table);
  }

  /** Makes everything staged visible, in all tables in this one step. */
  swap(): void {
    for (const table of this.#dirty) table.swap();
    for (const domain of this.#ending) this.#tables.delete(domain);
    this.#ending.clear();
  }

  /** Takes one of the routes that were replaced, removed or moved out of its index; false if there is none. */
  sweepOne(): boolean {
    for (const table of this.#dirty) {
      if (table.sweepOne()) return true;
      this.#dirty.delete(table);
    }
    return false;
  }

  /** Takes a change in at once. Neither a listener nor a route may be in it twice. */
  apply(
    listeners: Iterable<readonly [id: string, listener: Listener | undefined]>,
    routes: Iterable<readonly [id: string, route: Route | undefined]>,
  ): void {
    for (const [id, listener] of listeners) this.stageListener(id, listener);
    const moves = this.stageMoves();
    while (moves.next().done !== true);
    for (const [id, route] of routes) this.stageRoute(id, route);
    this.swap();
    while (this.sweepOne());
  }

  /** Where requests to this listener are matched; undefined: nowhere (it serves no routes, or is gone). */
  tableOf(listener: Listener): RoutingTable | undefined {
    const scope = servedScope(listener);
    return scope === undefined ? undefined : this.#tables.get(scope);
  }

  /**
   * The route of a request to this listener: the first that matches, else the
   * listener's default route, whose conditions are not consulted and which may
   * be of any scope. Undefined: none.
   */
  match(listener: Listener, request: MatchRequest): Route | undefined {
    const table = this.tableOf(listener);
    return table && (table.match(request) ?? this.defaultOf(listener));
  }

  /** The route for what no other matches; undefined if there is none, or it is disabled. */
  defaultOf({ defaultRoute }: Listener): Route | undefined {
    const route = defaultRoute === undefined ? undefined : this.get(defaultRoute);
    return route?.enabled === false ? undefined : route;
  }

  /** The route of this id, also if disabled. */
  get(routeId: string): Route | undefined {
    // While a change is staged a route can still be in the domain that it is about to leave.
    for (let domain = scopeName(routeId); ; domain = scopeName(domain)) {
      const route = this.#tables.get(domain)?.get(routeId);
      if (route !== undefined || domain === GLOBAL) return route;
    }
  }

  /** Ids of all routes, in no particular order. */
  *ids(): Generator<string, void> {
    for (const table of this.#tables.values()) yield* table.ids();
  }

  /** The domain that the routes of a scope are in. */
  domainOf(scope: string): string {
    let domain = scope;
    while (domain !== GLOBAL && !this.#claims.has(domain)) domain = scopeName(domain);
    return domain;
  }

  /** Each domain in the order of names, with its table and the listeners that serve it. */
  list(): { domain: string; table: RoutingTable; listeners: Listener[] }[] {
    const listeners = Map.groupBy(this.#listeners.values(), (listener) => servedScope(listener)!);
    return [...this.#tables]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([domain, table]) => ({ domain, table, listeners: listeners.get(domain) ?? [] }));
  }

  #claim(scope: string, by: 1 | -1): void {
    const count = this.#claims.get(scope) ?? 0;
    if (!this.#touched.has(scope)) this.#touched.set(scope, count > 0);
    if (count + by === 0) this.#claims.delete(scope);
    else this.#claims.set(scope, count + by);
  }

  /** Moves the visible routes of a scope to where they belong now. */
  *#stageMove(name: string): Generator<void, void> {
    const scope = this.#scopes.get(name);
    const domain = this.domainOf(name);
    if (scope === undefined || scope.domain === domain) return;
    const from = this.#tables.get(scope.domain)!;
    const to = this.#tables.get(domain)!;
    scope.domain = domain;
    this.#dirty.add(from).add(to);
    for (const id of scope.routeIds) {
      to.stage(id, from.get(id));
      from.stage(id, undefined);
      yield;
    }
  }

  /** The domain a route is in, with the scope's list of routes brought up to date. */
  #place(id: string, isThere: boolean): string {
    const name = scopeName(id);
    if (name === GLOBAL) return GLOBAL;
    let scope = this.#scopes.get(name);
    if (scope === undefined) {
      const domain = this.domainOf(name);
      if (!isThere) return domain;
      scope = { domain, routeIds: new Set() };
      this.#scopes.set(name, scope);
      addTo(this.#services, scopeName(name), name);
    }
    if (isThere) scope.routeIds.add(id);
    else scope.routeIds.delete(id);
    if (scope.routeIds.size === 0) {
      this.#scopes.delete(name);
      removeFrom(this.#services, scopeName(name), name);
    }
    return scope.domain;
  }
}

/** The scope that a listener serves; undefined: none, it serves the admin endpoints. */
export function servedScope(listener: Listener): string | undefined {
  return isAdminListener(listener) ? undefined : (listener.namespace ?? scopeName(listener.id));
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  if (key === GLOBAL) return;
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}

function removeFrom(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  values?.delete(value);
  if (values?.size === 0) index.delete(key);
}
