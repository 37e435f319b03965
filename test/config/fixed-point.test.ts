// print → parse → print is a fixed point for the files of the compatibility suite, our
// examples and the golden files, and for states that random diffs lead to. A file that
// is refused only for what this build does not do is decoded all the same; what cannot
// be looked at is said with the reason.
import { existsSync, globSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { toJson } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeConfig } from "../../src/config/decode/config.ts";
import { Report } from "../../src/config/diagnostic.ts";
import { FileSet } from "../../src/config/include.ts";
import { loadConfig, loadConfigText } from "../../src/config/load.ts";
import { Places } from "../../src/config/places.ts";
import { printKdl } from "../../src/config/print.ts";
import { readTree } from "../../src/config/read.ts";
import { namesIn, reportReferences } from "../../src/config/references.ts";
import { applyDiff, emptyState, type State, toConfigState } from "../../src/core/index.ts";
import { type ConfigState, ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { anyDiff, firstDiff } from "../laws/arbitrary.ts";

const SUITE = fileURLToPath(new URL("../../../shared/compat/", import.meta.url));
const OWN = ["../../examples/", "./golden/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
const PATTERN = "**/*.{kdl,json,toml}";

/** The files of a folder; what is read by others of them is looked at with those, too. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = globSync(PATTERN, { cwd: folder }).filter((name) => !/fixtures|expected\.json/.test(name));
  return files.sort().map((name) => folder + name);
}

/** What the reader makes of a file or a text, with all of its errors. */
function decoded(path: string, text?: string): { readonly config: ConfigState; readonly errors: string[] } {
  const report = new Report();
  const files = new FileSet(report);
  const root = readTree(path, text === undefined ? files.read(path) : files.parse(path, text), report);
  const names = namesIn(root);
  reportReferences(root, names, report);
  const config = decodeConfig({ root, names, places: new Places(), report });
  const all = report.sorted([...files.sources.keys()]);
  return { config, errors: all.filter(({ severity }) => severity === "error").map(({ message }) => message) };
}

/** Asserts that what is printed decodes to the same, and is printed the same. */
function checkFixed(config: ConfigState): void {
  const text = printKdl(config);
  const again = decoded("printed.kdl", text);
  expect({ text, errors: again.errors }).toEqual({ text, errors: [] });
  expect(printKdl(again.config)).toBe(text);
  expect(byId(again.config)).toEqual(byId(config));
}

/** The printer puts the resources of a namespace where their scope is; routes keep their order keys. */
function byId(config: ConfigState): unknown {
  const json = toJson(ConfigStateSchema, config) as Record<string, { id?: string }[]>;
  for (const kind of ["listeners", "routes", "upstreams", "filters", "agents", "services"]) {
    json[kind]?.sort((a, b) => ((a.id ?? "") < (b.id ?? "") ? -1 : 1));
  }
  return json;
}

/** Whether a file has no errors but those of what this build does not do. */
function isRight(path: string): boolean {
  const { diagnostics } = loadConfig({ kind: "file", path }, { skipFiles: true });
  return diagnostics.every(({ severity, code }) => severity !== "error" || code === "not-implemented");
}

const FILES = [...filesIn(SUITE), ...OWN.flatMap(filesIn)];
/** Files of which some part could not be read, or names nothing. */
const LEFT_OUT = FILES.flatMap((path) => {
  const [reason] = decoded(path).errors;
  return reason === undefined ? [] : [{ path, reason }];
});
const COVERED = FILES.filter((path) => !LEFT_OUT.some((one) => one.path === path));
const shown = (path: string) => relative(`${SUITE}../..`, path);

test.each(COVERED.map((path) => [shown(path), path]))("%s", (_name, path) => {
  checkFixed(decoded(path).config);
});

test("what is covered", () => {
  const lines = LEFT_OUT.map(({ path, reason }) => `  not ${shown(path)}: ${reason}`);
  const compat = COVERED.filter((path) => path.startsWith(SUITE)).length;
  process.stdout.write(
    `fixed point: ${COVERED.length} of ${FILES.length} files, ${compat} of the compatibility suite; no state has\n${lines.join("\n")}\n`,
  );
  // What is wrong by itself has no state; everything else has one.
  expect(LEFT_OUT.filter(({ path }) => isRight(path))).toEqual([]);
  expect(COVERED.length).toBeGreaterThanOrEqual(existsSync(SUITE) ? 60 : 5);
});

test("states that diffs lead to", () => {
  let kinds = 0;
  fc.assert(
    fc.property(fc.array(anyDiff, { minLength: 10, maxLength: 40 }), (diffs) => {
      let state: State = emptyState();
      for (const diff of [firstDiff, ...diffs]) {
        const result = applyDiff(state, diff);
        if (result.ok) state = result.state;
      }
      const config = toConfigState(state);
      if (config.namespaces.length > 0 && config.filters.length > 0) kinds++;
      checkFixed(config);
      const loaded = loadConfigText("printed.kdl", printKdl(config), { skipFiles: true });
      const errors = loaded.diagnostics.filter(({ severity }) => severity === "error");
      // A state may be without listeners; a file may not.
      expect(errors.filter(({ code }) => code !== "no-listeners")).toEqual([]);
    }),
    { numRuns: 100 },
  );
  expect(kinds).toBeGreaterThan(0);
});
