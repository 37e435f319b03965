// What refers to what, by name.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import {
  parseReference,
  referencesOf,
  referenceText,
  referrerNames,
  scopeName,
  scopeOf,
} from "../../src/core/references.ts";
import type { Kind } from "../../src/core/resource.ts";
import {
  FilterSchema,
  NamespaceSchema,
  ResourceKind,
  RouteSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";

const { ROUTE, FILTER, AGENT, NAMESPACE, SERVICE, UPSTREAM, BACKEND } = ResourceKind;
const texts = (kind: Kind, value: Parameters<typeof referencesOf>[1]) =>
  referencesOf(kind, value).map((one) => `${one.field} ${one.kind} ${one.id}`);

test("a route refers from everywhere", () => {
  const init: MessageInitShape<typeof RouteSchema> = {
    id: "n:s:r",
    upstream: "u1",
    agents: ["a1"],
    filters: ["f1", "f2"],
    shadow: { upstream: "u2" },
    fallback: { fallbackUpstream: [{ upstream: "u3" }] },
    inference: {
      modelRouting: { defaultUpstream: "u4", model: [{ pattern: "*", upstream: "u5" }] },
      guardrails: { promptInjection: { agent: "a2" }, piiDetection: { agent: "a3" } },
    },
  };
  expect(texts(ROUTE, create(RouteSchema, init))).toEqual([
    `id ${SERVICE} n:s`,
    `upstream ${UPSTREAM} u1`,
    `agents[0] ${AGENT} a1`,
    `filters[0] ${FILTER} f1`,
    `filters[1] ${FILTER} f2`,
    `shadow.upstream ${UPSTREAM} u2`,
    `fallback.fallback_upstream[0].upstream ${UPSTREAM} u3`,
    `inference.model_routing.default_upstream ${UPSTREAM} u4`,
    `inference.model_routing.model[0].upstream ${UPSTREAM} u5`,
    `inference.guardrails.prompt_injection.agent ${AGENT} a2`,
    `inference.guardrails.pii_detection.agent ${AGENT} a3`,
  ]);
});

test("filters, exports, and nothing", () => {
  const filter = create(FilterSchema, { id: "f", type: { case: "agent", value: { agent: "a" } } });
  expect(texts(FILTER, filter)).toEqual([`agent.agent ${AGENT} a`]);
  const exports = { upstreams: ["n:u"], agents: ["n:a"], filters: ["n:f"] };
  expect(texts(NAMESPACE, create(NamespaceSchema, { id: "n", exports }))).toEqual([
    `exports.upstreams[0] ${UPSTREAM} n:u`,
    `exports.agents[0] ${AGENT} n:a`,
    `exports.filters[0] ${FILTER} n:f`,
  ]);
  expect(texts(ROUTE, undefined)).toEqual([]);
});

test("the scope that a name says", () => {
  expect(scopeOf(ROUTE, "r")).toBeUndefined();
  expect(scopeOf(ROUTE, "n:r")).toMatchObject({ kind: NAMESPACE, id: "n" });
  expect(scopeOf(ROUTE, "n:s:r")).toMatchObject({ kind: SERVICE, id: "n:s" });
  expect(scopeOf(SERVICE, "n:s")).toMatchObject({ kind: NAMESPACE, id: "n" });
  expect(scopeOf(BACKEND, "10.0.0.1:80")).toBeUndefined();
  expect(["r", "n:r", "n:s:r"].map(scopeName)).toEqual(["", "n", "n:s"]);
});

test("texts of the index, and the names of referrers", () => {
  expect(parseReference(referenceText(ROUTE, "a b"))).toEqual({ kind: ROUTE, id: "a b" });
  const routes = Array.from({ length: 11 }, (_, i) => referenceText(ROUTE, `r${i}`));
  expect(referrerNames(routes.slice(0, 2))).toBe("route 'r0', 'r1'");
  expect(referrerNames([referenceText(FILTER, "f"), referenceText(ROUTE, "r")])).toBe(
    "route 'r' and filter 'f'",
  );
  expect(referrerNames(routes)).toMatch(/^route 'r0', 'r1', 'r10', .* and 1 more$/);
});
