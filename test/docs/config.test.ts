// docs/config.md is what `npm run config-docs` writes, and says something about
// every key.
import { expect, test } from "@jest/globals";
import { generateConfigDocs } from "../../scripts/generate-config-docs.ts";
import { allSpecs } from "../../src/config/keys.ts";
import { read } from "./documents.ts";

test("it is up to date: run `npm run config-docs` after a change of the tables", () => {
  expect(read("docs/config.md")).toBe(generateConfigDocs());
});

test("every key has a meaning of one line", () => {
  const rows = allSpecs().flatMap((spec) =>
    spec.rows.map((row) => ({ key: `${spec.path} ${row.key}`, row })),
  );
  expect(rows.length).toBeGreaterThan(500);
  const wrong = rows.filter(
    ({ row: { doc } }) => !/^\S.*[^.\s]$/.test(doc.meaning) || doc.meaning.length > 120,
  );
  expect(wrong.map(({ key }) => key)).toEqual([]);
});

test("every table has a section, and no link leads nowhere", () => {
  const page = generateConfigDocs();
  const headings = new Set(
    [...page.matchAll(/^## (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target!);
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter((target) => !headings.has(target))).toEqual([]);
  for (const { path } of allSpecs()) if (path !== "/") expect(page).toContain(`\n## ${path}\n`);
});
