// Table tests of AddListener, UpdateListener and RemoveListener.
import { test } from "@jest/globals";
import { type Given, listener, stateOf } from "../build.ts";
import { checkDiff, type Expected } from "../check-diff.ts";

function checkListeners(diff: readonly Given[], expected: Expected): void {
  checkDiff(stateOf(listener("a", "127.0.0.1:80"), listener("b", "127.0.0.1:81")), diff, expected);
}

const update = (id: string, address?: string, more = {}) => ({
  updateListener: { listener: { id, ...(address === undefined ? {} : { address }) }, ...more },
});
const remove = (listenerId: string, more = {}) => ({ removeListener: { listenerId, ...more } });
const CLASH = "conflict address-clash commands[0].add_listener.listener.address";

test("AddListener", () => {
  checkListeners([listener("c", "127.0.0.1:82")], { effects: ["+ listener c"] });
  checkListeners([listener("a", "127.0.0.1:80")], { effects: [] });
  checkListeners([listener("a", "127.0.0.1:82")], {
    errors: ["already_exists duplicate-listener commands[0].add_listener.listener.id"],
  });
  checkListeners([{ addListener: {} }], {
    errors: ["invalid missing-key commands[0].add_listener.listener"],
  });
  checkListeners([{ addListener: { listener: { id: "c" } } }], {
    errors: ["invalid missing-key commands[0].add_listener.listener.address"],
  });
  checkListeners([listener("", "example.com:80")], {
    errors: [
      "invalid missing-id commands[0].add_listener.listener.id",
      "invalid bad-address commands[0].add_listener.listener.address",
    ],
  });
});

test("addresses must not overlap", () => {
  for (const address of ["127.0.0.1:80", "0.0.0.0:80", "localhost:80", "LOCALHOST:080"]) {
    checkListeners([listener("c", address)], { errors: [CLASH] });
  }
  for (const address of ["127.0.0.2:80", "[::1]:80", "[::]:80", "127.0.0.1:0"]) {
    checkListeners([listener("c", address)], { effects: ["+ listener c"] });
  }
  checkListeners([listener("c", "[::]:90"), listener("d", "[0:0::1]:90")], {
    errors: ["conflict address-clash commands[1].add_listener.listener.address"],
  });
  checkListeners([listener("c", "127.0.0.1:0"), listener("d", "127.0.0.1:0")], {
    effects: ["+ listener c", "+ listener d"],
  });
  // An overlap is reported once, at the later of the two.
  checkListeners([update("a", "0.0.0.0:90"), update("b", "127.0.0.9:90")], {
    errors: ["conflict address-clash commands[1].update_listener.listener.address"],
  });
});

test("UpdateListener", () => {
  checkListeners([update("a", "127.0.0.1:90")], { effects: ["~ listener a address"] });
  checkListeners([update("a")], { effects: [] });
  checkListeners([update("a", undefined, { updateMask: "address" })], {
    errors: ["invalid missing-key commands[0].update_listener.listener.address"],
  });
  checkListeners([update("x", "127.0.0.1:90")], {
    errors: ["not_found unknown-listener commands[0].update_listener.listener.id"],
  });
  checkListeners([update("x", "127.0.0.1:90", { allowMissing: true })], { effects: ["+ listener x"] });
  checkListeners([update("a", "127.0.0.1:90", { updateMask: "adress" })], {
    errors: ["invalid bad-mask commands[0].update_listener.update_mask"],
  });
  checkListeners([{ updateListener: {} }], {
    errors: ["invalid missing-key commands[0].update_listener.listener"],
  });
});

test("the addresses of two listeners are swapped in one diff", () => {
  checkListeners([update("a", "127.0.0.1:81"), update("b", "127.0.0.1:80")], {
    effects: ["~ listener a address", "~ listener b address"],
  });
  checkListeners([update("a", "127.0.0.1:81")], {
    errors: ["conflict address-clash commands[0].update_listener.listener.address"],
  });
});

test("RemoveListener", () => {
  checkListeners([remove("a")], { effects: ["- listener a"] });
  checkListeners([remove("x")], {
    errors: ["not_found unknown-listener commands[0].remove_listener.listener_id"],
  });
  checkListeners([remove("x", { allowMissing: true })], { effects: [] });
  checkListeners([remove("a"), listener("a", "127.0.0.1:80")], { effects: [] });
  checkListeners([listener("c", "127.0.0.1:80"), remove("a")], { effects: ["+ listener c", "- listener a"] });
});
