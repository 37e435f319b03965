// Golden files: golden/NAME.kdl in, golden/NAME.txt out (every diagnostic as
// printed, then the state if the file loads). UPDATE_GOLDEN=1 rewrites them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { formatDiagnostics } from "../../src/config/diagnostic.ts";
import { loadConfigText, validLine } from "../../src/config/load.ts";
import { ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { said } from "./check.ts";

const FOLDER = new URL("./golden/", import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".kdl"))
  .map((name) => name.slice(0, -4));

test.each(NAMES)("%s", (name) => {
  const file = `/etc/sentinel/${name}.kdl`;
  const loaded = loadConfigText(file, readFileSync(new URL(`${name}.kdl`, FOLDER), "utf8"), {
    skipFiles: true,
  });
  const parts = [formatDiagnostics(said(loaded), loaded.sources)];
  if (loaded.config !== undefined) {
    parts.push(`${validLine(file, loaded.counts)}\n`);
    parts.push(`${JSON.stringify(toJson(ConfigStateSchema, loaded.config), null, 2)}\n`);
  }
  if (loaded.settings.control.length > 0 || loaded.settings.logLevel !== undefined) {
    parts.push(`settings ${JSON.stringify(loaded.settings, null, 2)}\n`);
  }
  const text = parts.filter((part) => part !== "").join("\n");
  const golden = new URL(`${name}.txt`, FOLDER);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, "utf8"));
});
