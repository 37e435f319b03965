// What of the system only the files say.
import { expect, test } from "@jest/globals";
import type { Given } from "../core/build.ts";
import { attempt, watchedStore } from "./build.ts";

const SYSTEM: Given = {
  updateSystem: {
    system: {
      autoReload: true,
      pidFile: "/a",
      user: "u",
      group: "g",
      workingDirectory: "/",
      maxConnections: 7,
    },
  },
};

async function warningsOf(source: "grpc" | "file", ...given: readonly Given[]): Promise<readonly string[]> {
  const { store } = await watchedStore();
  const outcome = await store.commit(attempt(given, { source }));
  if (!outcome.ok) throw new Error(outcome.errors[0]!.message);
  return outcome.warnings;
}

test("a command that sets what only the files say is told so, field by field", async () => {
  const fields = (await warningsOf("grpc", SYSTEM)).map((text) => /^file-only: '(\w+)'/.exec(text)?.[1]);
  expect(fields).toEqual(["auto_reload", "pid_file", "user", "group", "working_directory"]);
});

test("of the files nothing is said, nor of what anybody may change", async () => {
  expect(await warningsOf("file", SYSTEM)).toEqual([]);
  expect(await warningsOf("grpc", { updateSystem: { system: { maxConnections: 7 } } })).toEqual([]);
});
