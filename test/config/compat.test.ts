// The compatibility suite beside the repository, if it is there: what must
// load loads or is refused only because something is not implemented, no known
// key is called unknown, and required diagnostics appear.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { Diagnostic } from "../../src/config/diagnostic.ts";
import { loadConfig } from "../../src/config/load.ts";

const SUITE = new URL("../../../shared/compat/", import.meta.url);

interface Expected {
  readonly code: string;
  readonly line?: number;
  readonly column?: number;
}
interface Case {
  readonly file: string;
  readonly expect: "loads" | "warns" | "refused";
  readonly diagnostics: readonly Expected[];
  readonly needs: readonly string[];
}

/** These use nothing but what is live, or what may warn. */
const MUST_LOAD = [
  "docs/docs-getting-started-quick-start-1.kdl",
  "docs/docs-configuration-routes-1.kdl",
  "docs/docs-deployment-monitoring-2.kdl",
  "page/data-types.kdl",
  "page/sample.json",
  "page/sample.toml",
  "page/completed.json",
  "page/completed.toml",
];

/** What cases need and this build has. */
const LIVE: ReadonlySet<string> = new Set(["listener tls", "tls.cipher-suite", "namespaces"]);

function isAt(one: Diagnostic, { code, line, column }: Expected): boolean {
  return (
    one.code === code &&
    (line === undefined || one.line === line) &&
    (column === undefined || one.column === column)
  );
}

function checkCase(one: Case): void {
  const path = fileURLToPath(new URL(one.file, SUITE));
  const { diagnostics, config } = loadConfig({ kind: "file", path }, { skipFiles: true });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const unknown = errors.filter(({ code }) => code === "unknown-key" || code === "unknown-block");
  expect(unknown.filter((found) => !one.diagnostics.some((listed) => isAt(found, listed)))).toEqual([]);
  if (one.expect !== "refused") {
    expect(errors.filter(({ code }) => code !== "not-implemented")).toEqual([]);
    if (MUST_LOAD.includes(one.file)) expect(errors).toEqual([]);
  }
  if (one.expect === "refused" || one.needs.some((need) => !LIVE.has(need))) expect(config).toBeUndefined();
  for (const required of one.diagnostics) {
    expect({ ...required, found: diagnostics.some((found) => isAt(found, required)) }).toEqual({
      ...required,
      found: true,
    });
  }
}

describe("compatibility suite", () => {
  if (!existsSync(new URL("expected.json", SUITE))) {
    test("is not here", () => {
      process.stdout.write("compat: ../shared/compat is not here; nothing checked\n");
    });
    return;
  }
  const cases: readonly Case[] = JSON.parse(readFileSync(new URL("expected.json", SUITE), "utf8"));
  test.each(cases.map((one) => [one.file, one] as const))("%s", (_file, one) => checkCase(one));
});
