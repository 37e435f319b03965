// What a reload is told of files that are wrong from top to bottom.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { emptyState } from "../../src/core/index.ts";
import { readBase } from "../../src/reload/base.ts";
import { readFiles } from "../../src/reload/reading.ts";
import { encodeBase } from "../../src/store/record.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-reading-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const path = join(folder, "sentinel.kdl");
  writeFileSync(path, text);
  const request = { skipFiles: false, isBaseChecked: true, entry: { kind: "file", path } as const };
  return readFiles(request, readBase(encodeBase(emptyState())));
}

test("of thousands of problems a thousand are told, and how many are not", () => {
  const { diagnostics, edited } = read("x\n".repeat(3_000));
  expect(edited).toBeUndefined();
  expect(diagnostics).toHaveLength(1_001);
  expect(diagnostics[0]?.severity).toBe("error");
  expect(diagnostics.at(-1)).toMatchObject({ code: "too-many", severity: "warning" });
  expect(diagnostics.at(-1)?.message).toMatch(/^20\d\d more problems/);
});

test("blocks in blocks without end are refused in our words", () => {
  const { diagnostics } = read("a {".repeat(50_000));
  expect(diagnostics).toMatchObject([
    { code: "syntax", message: expect.stringMatching(/^nodes are nested/) },
  ]);
});
