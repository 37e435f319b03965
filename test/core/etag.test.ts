// expected_etag of single commands.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { applyDiff, etagOf, findResource, type ResourceKey } from "../../src/core/index.ts";
import { CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { commands, type Given, listener, route, stateOf, upstream } from "./build.ts";

const BEFORE = stateOf(
  listener("http", "127.0.0.1:80"),
  upstream("u", "a@10.0.0.1:80"),
  upstream("v"),
  route("r"),
);

const of = (kind: ResourceKey["kind"], id: string, upstreamId = ""): ResourceKey => ({
  kind,
  upstream: upstreamId,
  id,
});
const etagAt = (key: ResourceKey) => etagOf(findResource(BEFORE, key)!.hash);

function attempt(given: Given, expectedEtag: string): readonly string[] {
  const command = create(CommandSchema, { ...commands(given)[0]!, expectedEtag });
  const applied = applyDiff(BEFORE, [command]);
  return applied.ok
    ? applied.changes.map(({ key }) => key.id)
    : applied.errors.map(({ code, rule, path, info }) => `${code} ${rule} ${path} ${info?.["etag"]}`);
}

test.each<readonly [Given, ResourceKey]>([
  [{ updateSystem: { system: { maxConnections: 7 } } }, of(ResourceKind.SYSTEM, "")],
  [
    { updateListener: { listener: { id: "http", address: "127.0.0.1:81" } } },
    of(ResourceKind.LISTENER, "http"),
  ],
  [{ removeListener: { listenerId: "http" } }, of(ResourceKind.LISTENER, "http")],
  [{ updateRoute: { route: { id: "r", priority: 7 } } }, of(ResourceKind.ROUTE, "r")],
  [{ removeRoute: { routeId: "r" } }, of(ResourceKind.ROUTE, "r")],
  [{ removeUpstream: { upstreamId: "v" } }, of(ResourceKind.UPSTREAM, "v")],
  [{ updateBackend: { upstream: "u", backend: { id: "a", weight: 7 } } }, of(ResourceKind.BACKEND, "a", "u")],
  [{ removeBackend: { upstream: "u", backendId: "a" } }, of(ResourceKind.BACKEND, "a", "u")],
])("%j passes with the etag of its resource, and with no other", (given, key) => {
  expect(attempt(given, etagAt(key))).toEqual([key.id]);
  expect(attempt(given, "0123456789abcdef")).toEqual([
    `stale_etag stale-etag commands[0].expected_etag ${etagAt(key)}`,
  ]);
});

test("what is not there has no etag, even where it may be missing", () => {
  const given = { removeRoute: { routeId: "gone", allowMissing: true } };
  expect(attempt(given, "")).toEqual([]);
  expect(attempt(given, "0123456789abcdef")).toEqual(["stale_etag stale-etag commands[0].expected_etag "]);
});

test.each<Given>([
  { addRoute: { route: { id: "n", upstream: "u" } } },
  { addBackend: { upstream: "u", backend: { address: "10.0.0.9:80" } } },
  { replaceBackends: { upstream: "u", backends: [] } },
])("%j takes none", (given) => {
  expect(attempt(given, "0123456789abcdef")).toEqual([
    "invalid bad-value commands[0].expected_etag undefined",
  ]);
});

test("an etag is of the state before the diff: a diff may change a resource twice", () => {
  const etag = etagAt(of(ResourceKind.ROUTE, "r"));
  const twice = commands(
    { updateRoute: { route: { id: "r", priority: 7 } } },
    { updateRoute: { route: { id: "r", enabled: false } } },
  ).map((command) => create(CommandSchema, { ...command, expectedEtag: etag }));
  expect(applyDiff(BEFORE, twice).ok).toBe(true);
});
