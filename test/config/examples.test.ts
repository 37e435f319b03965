// Every example loads without a word, whatever its format, and those in several
// files are the same whether the main file or the folder is named.
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/load.ts";

const FOLDER = fileURLToPath(new URL("../../examples/", import.meta.url));
const NAMES = readdirSync(FOLDER);
const FILES = NAMES.filter((name) => /[.](kdl|json|toml)$/.test(name));
const FOLDERS = NAMES.filter((name) => statSync(FOLDER + name).isDirectory());

test.each(FILES)("%s", (name) => {
  const { config, diagnostics } = loadConfig({ kind: "file", path: FOLDER + name });
  // How to reach the control API without encryption is shown on purpose.
  expect(diagnostics.filter(({ code }) => code !== "insecure")).toEqual([]);
  expect(config).toBeDefined();
});

test.each(FOLDERS.filter((name) => existsSync(`${FOLDER}${name}/sentinel.kdl`)))("%s", (name) => {
  const file = loadConfig({ kind: "file", path: `${FOLDER}${name}/sentinel.kdl` });
  const folder = loadConfig({ kind: "directory", path: FOLDER + name });
  expect([...file.diagnostics, ...folder.diagnostics]).toEqual([]);
  expect(file.config).toBeDefined();
  expect(folder.config).toEqual(file.config);
  expect(folder.files).toEqual(file.files);
  expect(folder.files.length).toBeGreaterThan(2);
});

test("the same in JSON and TOML", () => {
  const [json, toml] = ["json", "toml"].map((format) =>
    loadConfig({ kind: "file", path: `${FOLDER}quickstart.${format}` }),
  );
  expect(json?.config).toBeDefined();
  expect(toml?.config).toEqual(json?.config);
});
