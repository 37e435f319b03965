// `sentinel debug bundle`: everything that helps to understand a problem, in one
// file, without secrets; of a running proxy or, with --offline, a state folder.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { type Bundle, bundleOfFolder, bundleOfProxy } from "./bundle.ts";
import { withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { isOffline, type OfflineOptions, stateDirOf, withFolder, withOfflineOptions } from "./offline.ts";
import { tarOf } from "./tar.ts";

interface BundleOptions extends OfflineOptions {
  readonly out?: string;
}

/** Adds `debug bundle`. */
export function addDebugCommands(program: Command): void {
  const debug = program.command("debug").description("what helps to understand a problem");
  const bundle = debug
    .command("bundle")
    .description("write status, state, changes, refusals, events and log into one file, without secrets")
    .option("--out <file>", "where to; an existing file is kept (default: sentinel-debug-TIME.tar.gz)");
  withClientOptions(withOfflineOptions(bundle)).action(async (options: BundleOptions) => {
    const time = new Date();
    const made = await gather(options, time);
    const { problems } = made;
    const file = options.out ?? `sentinel-debug-${time.toISOString().replace(/[-:]|\.\d+/g, "")}.tar.gz`;
    const bytes = gzipSync(tarOf(made.files, time));
    write(file, bytes);
    const files = made.files.map(({ name }) => name);
    const report = { file, sizeBytes: bytes.length, files, problems };
    const lines = [
      `${file}: ${bytes.length} bytes: ${files.join(", ")}`,
      ...problems.map((one) => `  ${one}`),
    ];
    process.stdout.write(`${options.json === true ? JSON.stringify(report) : lines.join("\n")}\n`);
  });
}

function gather(options: BundleOptions, time: Date): Promise<Bundle> {
  if (!isOffline(options)) return withClient(options, (client) => bundleOfProxy(client, time));
  return withFolder(options, (folder) => bundleOfFolder(folder, stateDirOf(options), time));
}

/** For its owner only. */
function write(file: string, bytes: Buffer): void {
  try {
    writeFileSync(file, bytes, { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw new ExitError(1, error instanceof Error ? error.message : String(error));
  }
}
