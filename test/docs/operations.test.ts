// docs/operations.md: what it says of storage that fails is what is tested.
import { expect, test } from "@jest/globals";
import { read } from "./documents.ts";

test("every case of failing storage is a test, and every such test is documented", () => {
  const section = read("docs/operations.md").split("\n## When storage fails\n")[1]!.split("\n## ")[0]!;
  const cases = [...section.matchAll(/^\| ([^|]+?) \|/gm)].map(([, name]) => name!).slice(1);
  const sources = ["test/e2e/faults.test.ts", "test/e2e/damage.test.ts"].map(read).join("\n");
  const names = [...sources.matchAll(/^(?:test|onFaultyDisk|onOwnMount)\(\s*"([^"]+)"/gm)].map(
    ([, name]) => name!,
  );
  expect(cases.length).toBeGreaterThan(5);
  expect(cases.toSorted()).toEqual(names.toSorted());
});
