// A state that is built from its encoded resources is the state, with all that
// is derived; anything missing, added or changed is said.
import { expect, test } from "@jest/globals";
import {
  digestBytes,
  encodeResource,
  type Image,
  resources,
  type State,
  stateFromImages,
} from "../../src/core/index.ts";
import { listener, route, stateOf, upstream } from "./build.ts";
import { checkState } from "./check-state.ts";

const STATE = stateOf(
  upstream("u", "a@h1:80", "b@h2:80", "c@h3:80"),
  upstream("v"),
  route("r1"),
  route("r2", { enabled: false }),
  listener("l", "127.0.0.1:8080"),
  listener("m", "127.0.0.1:0"),
  { updateSystem: { system: { workerThreads: 2 } } },
);

function imagesOf(state: State): Image[] {
  return [...resources(state)].map(({ key, value, hash }) => {
    return { ...key, value: encodeResource(key, value).bytes, hash };
  });
}

/** The reason why these images are no state. */
function reasonOf(images: readonly Image[]): string {
  const built = stateFromImages(images, digestBytes(STATE.digest));
  return built.ok ? "" : built.reason;
}

test("all resources in any order are the state, with its indexes", () => {
  for (const images of [imagesOf(STATE), imagesOf(STATE).reverse()]) {
    const built = stateFromImages(images, digestBytes(STATE.digest));
    if (!built.ok) throw new Error(built.reason);
    checkState(built.state);
    expect(imagesOf(built.state)).toEqual(imagesOf(STATE));
    const { listenersByPort, referrers, routesBySignature, backendCount } = built.state;
    expect(backendCount).toBe(3);
    for (const [mine, theirs] of [
      [listenersByPort, STATE.listenersByPort],
      [referrers, STATE.referrers],
      [routesBySignature, STATE.routesBySignature],
      [built.state.upstreams.get("u")!.backendsByAddress, STATE.upstreams.get("u")!.backendsByAddress],
    ] as const) {
      expect(mine.equals(theirs)).toBe(true);
    }
  }
});

test("what is no state is said", () => {
  const images = imagesOf(STATE);
  const without = (kind: number, id: string) => images.filter((one) => one.kind !== kind || one.id !== id);
  expect(reasonOf(without(1, ""))).toMatch(/system resource is missing/);
  expect(reasonOf(without(4, "u"))).toMatch(/upstream 'u' is missing/);
  expect(reasonOf(without(5, "a"))).toMatch(/do not add up/);
  expect(reasonOf([...images, { ...images[0]!, kind: 99 }])).toMatch(/kind \(99\)/);
  expect(reasonOf([...images, { ...images[0]!, value: Uint8Array.of(255) }])).toMatch(/cannot be decoded/);
  const bare = { ...images.find(({ kind }) => kind === 3)!, id: "bare", value: new Uint8Array() };
  expect(reasonOf([...images, bare])).toMatch(/route 'bare' has no order/);
});
