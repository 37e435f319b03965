// The core's public surface: what it exports exists, and it exports nothing mutable.
import { expect, test } from "@jest/globals";
import * as core from "../../src/core/index.ts";

test("every export is a function, a class or a constant", () => {
  for (const [name, value] of Object.entries(core)) {
    const isData =
      typeof value === "number" || /^[A-Z_]+$/.test(name) || name === "limits" || name === "COMMAND_FIELDS";
    expect([name, isData || typeof value === "function"]).toEqual([name, true]);
  }
  for (const name of [
    "applyDiff",
    "diffStates",
    "invertDiff",
    "emptyState",
    "toConfigState",
    "stateFromConfig",
  ]) {
    expect(core).toHaveProperty(name);
  }
});
