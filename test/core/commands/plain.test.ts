// Table tests of the commands of filters, agents, namespaces and services, and of
// the singletons that may be absent. The laws hold on each row (checkDiff).
import type { JsonObject } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { applyDiff, findResource } from "../../../src/core/index.ts";
import { ResourceKind } from "../../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, type Given, stateOf, upstream } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

const agent = (id: string, more = {}) => ({
  addAgent: { agent: { id, unixSocket: { path: "/a.sock" }, failureMode: "FAILURE_MODE_OPEN", ...more } },
});
const cors = (id: string, more = {}) => ({ addFilter: { filter: { id, cors: more } } });
const BEFORE: readonly Given[] = [
  { addNamespace: { namespace: { id: "n" } } },
  { addService: { service: { id: "n:s" } } },
  upstream("u"),
  upstream("n:u", "a@a:80"),
  agent("a"),
  cors("c", { maxAge: "5s", allowedOrigins: ["https://a.test"] }),
  { addRoute: { route: { id: "n:s:r", upstream: "n:u", agents: ["a"], matches: { paths: ["/a"] } } } },
];
const WARNED = ["not-implemented"];

function check(diff: readonly Given[], expected: Expected, more: readonly Given[] = []): void {
  checkDiff(stateOf(...BEFORE, ...more), diff, expected);
}

test("Add", () => {
  check([cors("d")], { effects: ["+ filter d"], warnings: WARNED });
  check([cors("c", { maxAge: "5s", allowedOrigins: ["https://a.test"] })], { effects: [] });
  check([cors("c")], { errors: ["already_exists duplicate-filter commands[0].add_filter.filter.id"] });
  check([{ addFilter: { filter: { id: "f" } } }], {
    errors: ["invalid missing-key commands[0].add_filter.filter"],
  });
  check([{ addAgent: {} }], { errors: ["invalid missing-key commands[0].add_agent.agent"] });
  check([{ addNamespace: { namespace: { id: "x:y" } } }], {
    errors: ["invalid bad-id commands[0].add_namespace.namespace.id"],
  });
  check([{ addService: { service: { id: "n" } } }], {
    errors: ["invalid bad-id commands[0].add_service.service.id"],
  });
  check([{ addService: { service: { id: "m:s" } } }], {
    errors: ["conflict unknown-namespace commands[0].add_service.service.id"],
  });
  check([upstream("n:t:u")], { errors: ["conflict unknown-service commands[0].add_upstream.upstream.id"] });
  check([cors("m:c"), { addNamespace: { namespace: { id: "m" } } }], {
    effects: ["+ filter m:c", "+ namespace m"],
    warnings: WARNED,
  });
});

test("Update: a mask reaches into a member of a oneof, another member takes its place", () => {
  const update = (filter: object, more = {}) => ({
    updateFilter: { filter: { id: "c", ...filter }, ...more },
  });
  check([update({ cors: { maxAge: "6s" } })], { effects: ["~ filter c cors"], warnings: WARNED });
  check([update({ cors: {} }, { updateMask: "cors.maxAge" })], {
    effects: ["~ filter c cors"],
    warnings: WARNED,
  });
  check([update({ headers: { remove: ["X"] } })], { effects: ["~ filter c headers,cors"], warnings: WARNED });
  check([update({}, { updateMask: "headers.remove" })], { effects: [] });
  check([update({}, { updateMask: "cors" })], {
    errors: ["invalid missing-key commands[0].update_filter.filter"],
  });
  check([{ updateAgent: { agent: { id: "b" } } }], {
    errors: ["not_found unknown-agent commands[0].update_agent.agent.id"],
  });
  check([{ updateAgent: { agent: { id: "a", config: '{"b": 1, "a": 2}' } } }], {
    effects: ["~ agent a config"],
    warnings: WARNED,
  });
});

test("what a merge leaves of a member of a oneof", () => {
  const [one] = commands({ updateFilter: { filter: { id: "c", cors: { maxAge: "6s" } } } });
  const applied = applyDiff(stateOf(...BEFORE), [one!]);
  const found =
    applied.ok && findResource(applied.state, { kind: ResourceKind.FILTER, upstream: "", id: "c" });
  expect(found).toMatchObject({
    value: { type: { case: "cors", value: { allowedOrigins: ["https://a.test"], maxAge: { seconds: 6n } } } },
  });
});

test("Remove: not while something refers to it or is in it", () => {
  check([{ removeAgent: { agentId: "a" } }], {
    errors: ["conflict referenced commands[0].remove_agent.agent_id"],
  });
  check([{ removeFilter: { filterId: "c" } }], { effects: ["- filter c"] });
  check([{ removeFilter: { filterId: "d" } }], {
    errors: ["not_found unknown-filter commands[0].remove_filter.filter_id"],
  });
  check([{ removeFilter: { filterId: "d", allowMissing: true } }], { effects: [] });
  check([{ removeNamespace: { namespaceId: "n" } }], {
    errors: ["conflict referenced commands[0].remove_namespace.namespace_id"],
  });
  check([{ removeService: { serviceId: "n:s" } }], {
    errors: ["conflict referenced commands[0].remove_service.service_id"],
  });
  check([{ removeService: { serviceId: "n:s", cascade: true } }], {
    effects: ["- route n:s:r", "- service n:s"],
  });
  check([{ removeNamespace: { namespaceId: "n", cascade: true } }], {
    effects: ["- backend n:u/a", "- upstream n:u", "- route n:s:r", "- service n:s", "- namespace n"],
  });
  // Whatever was removed before it in the same diff.
  check([{ removeService: { serviceId: "n:s" } }, { removeNamespace: { namespaceId: "n", cascade: true } }], {
    effects: ["- service n:s", "- backend n:u/a", "- upstream n:u", "- route n:s:r", "- namespace n"],
  });
  const outside = { addRoute: { route: { id: "o", upstream: "n:u", matches: { paths: ["/o"] } } } };
  check(
    [{ removeNamespace: { namespaceId: "n", cascade: true } }],
    { errors: ["conflict referenced commands[0].remove_namespace"] },
    [outside],
  );
});

test("exports", () => {
  const update = (...upstreams: string[]) => ({
    updateNamespace: { namespace: { id: "n", exports: { upstreams } } },
  });
  check([update("n:u")], { effects: ["~ namespace n exports"] });
  check([update("n:v")], {
    errors: ["conflict bad-export commands[0].update_namespace.namespace.exports.upstreams[0]"],
  });
  check([update("u")], {
    errors: ["invalid bad-export commands[0].update_namespace.namespace.exports.upstreams[0]"],
  });
});

test("a singleton is absent until something of it is set, and again when nothing is", () => {
  const limits = (value: JsonObject, more: JsonObject = {}) => ({
    updateLimits: { limits: value, ...more },
  });
  const idle = { maxIdleConnectionsPerUpstream: 7 };
  check([limits(idle)], { effects: ["+ limits"], warnings: WARNED });
  check([limits({})], { effects: [] });
  check([limits({ ...idle, maxHeaderCount: 7 })], {
    errors: ["invalid not-implemented commands[0].update_limits.limits.max_header_count"],
  });
  const clear = limits({}, { updateMask: "maxIdleConnectionsPerUpstream" });
  check([clear], { effects: ["- limits"] }, [limits(idle)]);
  check([clear], { effects: [] });
  check([{ updateObservability: { observability: { logging: { level: "LOG_LEVEL_WARN" } } } }], {
    effects: ["+ observability"],
  });
  check([{ updateRateLimits: { rateLimits: { defaultRps: 1 } } }], {
    errors: ["invalid not-implemented commands[0].update_rate_limits.rate_limits"],
  });
  check([{ updateWaf: { waf: { mode: "WAF_MODE_OFF" } } }], { effects: ["+ waf"] });
  check([{ updateCache: {} }], { errors: ["invalid missing-key commands[0].update_cache.cache"] });
});

test("routes: references, actions, defaults of listeners", () => {
  const route = (more: object) => ({ addRoute: { route: { id: "x", matches: { paths: ["/x"] }, ...more } } });
  check([route({ upstream: "u", agents: ["b"] })], {
    errors: [
      "invalid not-implemented commands[0].add_route.route.agents",
      "conflict unknown-agent commands[0].add_route.route.agents[0]",
    ],
  });
  check([route({ upstream: "u", shadow: { upstream: "v" } })], {
    errors: ["conflict unknown-upstream commands[0].add_route.route.shadow.upstream"],
  });
  check([route({ builtinHandler: "BUILTIN_HANDLER_HEALTH" })], { effects: ["+ route x"] });
  const any = { addRoute: { route: { id: "any", upstream: "u" } } };
  const listener = { addListener: { listener: { id: "l", address: "127.0.0.1:1", defaultRoute: "any" } } };
  check([any], { errors: ["invalid no-conditions commands[0].add_route.route.matches"] });
  check([any, listener], { effects: ["+ route any", "+ listener l"] });
  check(
    [{ updateListener: { listener: { id: "l" }, updateMask: "defaultRoute" } }],
    { errors: ["conflict no-conditions commands[0].update_listener.listener"] },
    [any, listener],
  );
  check(
    [{ removeRoute: { routeId: "any" } }],
    { errors: ["conflict referenced commands[0].remove_route.route_id"] },
    [any, listener],
  );
});
