// States as values: reading them resource by resource and as a message.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import {
  appendResource,
  eachResource,
  emptyState,
  findResource,
  keyText,
  resources,
  toConfigState,
} from "../../src/core/index.ts";
import { ConfigStateSchema, ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { listener, route, stateOf, upstream } from "./build.ts";
import { checkState } from "./check-state.ts";

const STATE = stateOf(
  upstream("v", "b@b:80", "a@a:80"),
  upstream("u"),
  listener("m", "127.0.0.1:2"),
  listener("l", "127.0.0.1:1"),
  route("z"),
  route("a"),
);

test("the empty state has a system and nothing else", () => {
  const state = emptyState();
  checkState(state);
  expect([...resources(state)].map(({ key }) => keyText(key))).toEqual(["1\0\0"]);
  expect(emptyState().digest).toEqual(state.digest);
});

test("resources come in the order in which they are read", () => {
  checkState(STATE);
  expect([...resources(STATE)].map(({ key }) => keyText(key).replaceAll("\0", "/"))).toEqual([
    "1//",
    "2//l",
    "2//m",
    "3//z",
    "3//a",
    "4//u",
    "4//v",
    "5/v/a",
    "5/v/b",
  ]);
});

test("eachResource visits the same resources, in whatever order", () => {
  const state = stateOf(
    upstream("u", "a@a:80", "b@b:80"),
    route("r"),
    listener("l", "127.0.0.1:1"),
    { addNamespace: { namespace: { id: "n" } } },
    { addAgent: { agent: { id: "a", unixSocket: { path: "/a" }, failureMode: "FAILURE_MODE_OPEN" } } },
    { updateCache: { cache: { maxSize: "1" } } },
  );
  const seen = new Map<string, object>();
  eachResource(state, (key, value) => seen.set(keyText(key), value));
  const all = [...resources(state)].map(({ key, value }) => [keyText(key), value] as const);
  expect(seen.size).toBe(all.length);
  for (const [key, value] of all) expect(seen.get(key)).toBe(value);
});

test("findResource", () => {
  for (const { key, value, hash } of resources(STATE)) {
    const found = findResource(STATE, key)!;
    expect(found.value).toBe(value);
    expect(found.hash).toBe(hash);
  }
  const { BACKEND, LISTENER, ROUTE, UPSTREAM } = ResourceKind;
  for (const kind of [LISTENER, ROUTE, UPSTREAM] as const) {
    expect(findResource(STATE, { kind, upstream: "", id: "constructor" })).toBeUndefined();
  }
  expect(findResource(STATE, { kind: BACKEND, upstream: "x", id: "a" })).toBeUndefined();
  expect(findResource(STATE, { kind: BACKEND, upstream: "v", id: "x" })).toBeUndefined();
});

test("toConfigState holds everything and shares no list with the state", () => {
  const config = toConfigState(STATE);
  expect(config.listeners.map(({ id }) => id)).toEqual(["l", "m"]);
  expect(config.routes.map(({ id }) => id)).toEqual(["z", "a"]);
  expect(config.upstreams.map(({ id, backends }) => [id, backends.map((backend) => backend.id)])).toEqual([
    ["u", []],
    ["v", ["a", "b"]],
  ]);
  config.upstreams[1]!.backends.pop();
  config.routes.pop();
  checkState(STATE);
  expect(toConfigState(STATE).upstreams[1]!.backends.length).toBe(2);
  expect(STATE.upstreams.get("v")!.value.backends).toEqual([]);
});

test("appendResource: the pages of a state put together are the state", () => {
  const all = [...resources(STATE)];
  for (const size of [1, 2, 3, 7]) {
    const ids: string[] = [];
    for (let at = 0; at < all.length; at += size) {
      const page = create(ConfigStateSchema);
      for (const { key, value } of all.slice(at, at + size)) appendResource(page, key, value);
      for (const { id, backends } of page.upstreams)
        ids.push(...backends.map((backend) => `${id}/${backend.id}`));
    }
    expect(ids).toEqual(["v/a", "v/b"]);
  }
});
