// Who last changed each resource: beside the state, and gone with it.

import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import type { Resource, ResourceChange, ResourceKey } from "../../src/core/index.ts";
import { BackendSchema, ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { Provenance } from "../../src/store/provenance.ts";
import { addBackend, attempt, watchedStore } from "./build.ts";

const upstream: ResourceKey = { kind: ResourceKind.UPSTREAM, upstream: "", id: "u" };
const backend = (id: string): ResourceKey => ({ kind: ResourceKind.BACKEND, upstream: "u", id });

test("a resource is the work of whoever wrote it last; what goes with it is forgotten", async () => {
  const { store } = await watchedStore();
  const { provenance } = store;
  expect(provenance.of(upstream)).toEqual({ revision: 1n, text: "local" });
  expect(provenance.of(backend("a"))).toBeUndefined();
  const origin = ({ id }: ResourceKey) => `sentinel.kdl:${id === "a" ? 3 : 4}`;
  await store.commit(attempt([addBackend("a"), addBackend("b")], { source: "file", actor: "file", origin }));
  expect(provenance.of(backend("a"))).toEqual({ revision: 2n, text: "sentinel.kdl:3" });
  expect(provenance.of(backend("b"))).toEqual({ revision: 2n, text: "sentinel.kdl:4" });
  await store.commit(
    attempt([{ updateBackend: { upstream: "u", backend: { id: "a", weight: 2 } } }], { actor: "alice" }),
  );
  expect(provenance.of(backend("a"))).toEqual({ revision: 3n, text: "alice" });
  expect(provenance.of(backend("b"))).toEqual({ revision: 2n, text: "sentinel.kdl:4" });
  // A change without effect is nobody's work.
  await store.commit(attempt([addBackend("b")], { actor: "bob" }));
  expect(provenance.of(backend("b"))?.text).toBe("sentinel.kdl:4");
  await store.commit(attempt([{ removeUpstream: { upstreamId: "u" } }]));
  for (const key of [upstream, backend("a"), backend("b")]) expect(provenance.of(key)).toBeUndefined();
});

test("a refused attempt leaves no trace", async () => {
  const { store } = await watchedStore();
  const given = [addBackend("a"), { removeBackend: { upstream: "u", backendId: "none" } }];
  expect((await store.commit(attempt(given))).ok).toBe(false);
  expect(store.provenance.of(backend("a"))).toBeUndefined();
});

test("what is restored gives way to what happened since, whenever it is filed", () => {
  const provenance = new Provenance();
  const old = (id: string) => [backend(id), { revision: 1n, text: `old ${id}` }] as const;
  provenance.restore([old("a"), old("b"), old("c"), old("d")]);
  expect(provenance.settle(1)).toBe(true);
  const change = (id: string, after: Resource | undefined) => ({ key: backend(id), after }) as ResourceChange;
  const value = create(BackendSchema, {});
  provenance.record(2n, [change("a", value), change("b", undefined), change("d", undefined)], () => "new");
  expect(provenance.settle(1)).toBe(true);
  expect(["a", "b", "c", "d"].map((id) => provenance.of(backend(id))?.text)).toEqual([
    ...["new", undefined, "old c", undefined],
  ]);
  expect(provenance.settle(1)).toBe(false);
});
