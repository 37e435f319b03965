// docs/errors.md is the table of codes, every example has its problem, every code
// is used, and every rule of the core that a file can break has one.
// UPDATE_GOLDEN=1 writes the document.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { CODES, type CodeInfo } from "../../src/config/codes.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { ROOT } from "../e2e/proxy-process.ts";

const DOCUMENT = join(ROOT, "docs/errors.md");
const TABLE: readonly (readonly [string, CodeInfo])[] = Object.entries(CODES);
/** Rules of commands, which no file can break. */
const COMMANDS_ONLY = ["no-command", "stale-etag", "bad-mask", "unknown-route"];
/** Codes of checks that are not there yet. */
const LATER = [
  "unused-value",
  "exposed-handler",
  "ambiguous-ref",
  "bad-export",
  "shadowed",
  "unused",
  "tls-file",
  "sni-ambiguous",
  "acme-invalid",
  "file-missing",
  "limits-conflict",
];

function document(): string {
  const parts = TABLE.map(([code, { severity, meaning, example }]) => {
    const text = example === undefined ? "" : `\n\`\`\`text\n${example}\n\`\`\`\n`;
    return `## ${code}\n\n*${severity}.* ${meaning}\n${text}`;
  });
  return `# Messages about configuration files

Every message has a code, in brackets after its severity; \`--diagnostics json\` has it as \`code\`. Codes stay
the same, wording may improve. Errors refuse the configuration, warnings do not
(unless \`--deny-warnings\` says so), notes are told with \`--verbose\`. The examples have the problem, in KDL; JSON and
TOML have the same ones.

This page is made from \`src/config/codes.ts\`.

${parts.join("\n")}`;
}

test("the document is the table", () => {
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(DOCUMENT, document());
  expect(readFileSync(DOCUMENT, "utf8")).toBe(document());
});

const EXAMPLES = TABLE.flatMap(([code, { severity, example }]) =>
  example === undefined ? [] : [[code, severity, example] as const],
);

test.each(EXAMPLES)("the example of %s", (code, severity, example) => {
  const { diagnostics } = loadConfigText(join(ROOT, "example.kdl"), example);
  const found = diagnostics.filter((one) => one.code === code);
  expect({ code, all: diagnostics.map((one) => one.code), found: found.length > 0 }).toMatchObject({
    found: true,
  });
  for (const one of found) expect(severity).toContain(one.severity);
});

const source = (pattern: string) =>
  globSync(pattern, { cwd: ROOT })
    .filter((path) => !path.endsWith("config/codes.ts"))
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");

test("every code is used, or waits for its check", () => {
  const text = source("src/{config,core,cli,reload}/**/*.ts");
  const unused = TABLE.map(([code]) => code).filter((code) => !text.includes(`"${code}"`));
  // Those of references are put together of "unknown-" and the kind.
  const isBuilt = (code: string) => code === "invalid" || /^unknown-(filter|agent|namespace)$/.test(code);
  expect(unused.filter((code) => !isBuilt(code) && !LATER.includes(code))).toEqual([]);
});

test("every rule of the core that a file can break has a code", () => {
  const rules = [...source("src/core/**/*.ts").matchAll(/\brule: "([a-z-]+)"/g)].map(
    ([, rule]) => rule ?? "",
  );
  expect(rules.length).toBeGreaterThan(10);
  expect(rules.filter((rule) => !(rule in CODES) && !COMMANDS_ONLY.includes(rule))).toEqual([]);
});
