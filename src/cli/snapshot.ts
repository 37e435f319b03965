// `sentinel snapshot save` asks a proxy for a snapshot file; `list`, `inspect` and
// `restore` work on files, without a proxy.
import { randomUUID } from "node:crypto";
import { toJsonString } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { plural } from "../config/diagnostic.ts";
import { KIND_NAMES } from "../core/index.ts";
import { SaveSnapshotResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ListedSnapshot, listSnapshots, readSnapshot } from "../store/snapshot/files.ts";
import type { Snapshot } from "../store/snapshot/format.ts";
import { folderOf } from "../store/sqlite/folder.ts";
import { restoreSnapshot } from "../store/sqlite/restore.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { type FolderOptions, readOrExit, stateDirOf, withFolderOption } from "./offline.ts";

interface FileOptions extends FolderOptions {
  readonly json?: boolean;
}

/** Adds `snapshot save|list|inspect|restore`. */
export function addSnapshotCommands(program: Command): void {
  const snapshot = program.command("snapshot").description("snapshot files of the state");
  withClientOptions(
    snapshot.command("save").description("have the proxy write a snapshot into its state folder"),
  ).action((options: ClientOptions) =>
    withClient(options, async (client) => {
      const answer = await client.call("saveSnapshot", {});
      const { path, revision, sizeBytes } = answer;
      print(
        options.json === true
          ? toJsonString(SaveSnapshotResponseSchema, answer)
          : `${path}: revision ${revision}, ${sizeBytes} bytes`,
      );
    }),
  );
  withFolderOption(snapshot.command("list").description("list the snapshots of a state folder, newest first"))
    .option("--json", "print JSON")
    .action((options: FileOptions) => {
      const listed = listSnapshots(folderOf(stateDirOf(options)).snapshots);
      if (options.json === true) print(JSON.stringify({ snapshots: listed.map(listedJson) }));
      else print(listed.map(listedText).join("\n") || "no snapshots");
    });
  snapshot
    .command("inspect <file>")
    .description("check a snapshot file and say what is in it")
    .option("--json", "print JSON")
    .action((file: string, { json }: FileOptions) => {
      const read = readOrExit(readSnapshot(file));
      print(json === true ? JSON.stringify(snapshotJson(read)) : snapshotText(file, read));
    });
  snapshot
    .command("restore <file>")
    .description("make a state folder from a snapshot: the same state, a new history")
    .requiredOption("--state-dir <dir>", "the folder to make; one that has a state is refused")
    .option("--json", "print JSON")
    .action((file: string, options: FileOptions & { readonly stateDir: string }) => {
      const { stateDir: dir } = options;
      const read = readOrExit(readSnapshot(file));
      const made = readOrExit(restoreSnapshot(dir, read, { clock: () => new Date(), newId: randomUUID }));
      const { revision, historyId } = made;
      print(
        options.json === true
          ? JSON.stringify({ stateDir: dir, revision: String(revision), historyId })
          : `${dir} is at revision ${revision} of the new history ${historyId}`,
      );
    });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function listedJson({ path, revision, historyId, sizeBytes, time }: ListedSnapshot) {
  return { path, revision: String(revision), historyId, sizeBytes: String(sizeBytes), time };
}

function listedText({ path, revision, historyId, sizeBytes, time }: ListedSnapshot): string {
  return `${path}: revision ${revision}, history ${historyId}, ${time.toISOString()}, ${sizeBytes} bytes`;
}

function snapshotJson(snapshot: Snapshot) {
  const { revision, historyId, time } = snapshot;
  const digest = Buffer.from(snapshot.digest).toString("hex");
  return { revision: String(revision), historyId, time, digest, counts: countsOf(snapshot), valid: true };
}

function snapshotText(file: string, snapshot: Snapshot): string {
  const counts = Object.entries(countsOf(snapshot)).map(([name, count]) => plural(count, name));
  return [
    `${file}: revision ${snapshot.revision}, history ${snapshot.historyId}, written ${snapshot.time.toISOString()}`,
    counts.join(", "),
    `digest ${Buffer.from(snapshot.digest).toString("hex")}`,
    "valid: its content is what was written, and adds up to the digest",
  ].join("\n");
}

/** Resources by name of the kind. */
function countsOf({ images }: Snapshot): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of images) {
    const name = KIND_NAMES[kind as keyof typeof KIND_NAMES] ?? `kind ${kind}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
