// The process behind crash.test.ts and power-loss.test.ts: a whole Sentinel whose
// storage dies where it is told to. Arguments: configuration file, state folder,
// what is different about its storage as JSON. Keeps little history, so that
// compaction goes on all the time. Ends with its parent.
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { startApp } from "../../src/app.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { MIGRATIONS } from "../../src/store/sqlite/migrate.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { FROM_0 } from "../store/sqlite/format-zero.ts";

const [configFile = "", stateDir = "", storage = "{}"] = process.argv.slice(2);
const app = await startApp({
  config: loadConfigText(configFile, readFileSync(configFile, "utf8")),
  configFile,
  stateDir,
  control: [],
  version: "test",
  log: createLog("error", new PassThrough().resume()),
  storage: {
    retention: { maxChanges: 200, maxAttempts: 300 },
    snapshots: { everyChanges: 40, everyMs: 3_600_000, keep: 2 },
    migrations: [FROM_0, ...MIGRATIONS],
    ...JSON.parse(storage),
  },
});
process.once("disconnect", () => void app.stop());
process.send!("started");
