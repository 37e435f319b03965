// `sentinel status`: what the process is doing, and where it keeps what changes.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { plural } from "../config/diagnostic.ts";
import { KIND_NAMES } from "../core/index.ts";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  type StorageStatus,
  WorkerStatus_Progress,
} from "../gen/sentinel/v1/control_pb.ts";
import type { ConfigFileStatus } from "../gen/sentinel/v1/reload_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { type Paint, painter } from "./paint.ts";

const PROGRESS: Readonly<Record<number, string>> = {
  [WorkerStatus_Progress.STARTING]: "starting",
  [WorkerStatus_Progress.SNAPSHOT]: "snapshot",
  [WorkerStatus_Progress.LIVE]: "live",
  [WorkerStatus_Progress.GONE]: "gone",
};

/** Adds `status`. */
export function addStatusCommand(program: Command): void {
  withClientOptions(program.command("status").description("show revision, workers and listeners")).action(
    (options: ClientOptions) =>
      withClient(options, async (client) => {
        const status = await client.call("getStatus", {});
        const text =
          options.json === true
            ? `${toJsonString(GetStatusResponseSchema, status)}\n`
            : statusText(status, painter(process.stdout));
        process.stdout.write(text);
      }),
  );
}

function statusText(status: GetStatusResponse, paint: Paint): string {
  const started = status.startTime === undefined ? "" : timestampDate(status.startTime).toISOString();
  const counts = status.counts
    .map(({ kind, count }) => plural(count, KIND_NAMES[kind as keyof typeof KIND_NAMES] ?? "?"))
    .join(", ");
  const lines = [
    `sentinel ${status.version}, ${status.ready ? paint("good", "ready") : paint("bad", "not ready")}, started ${started}`,
    `${paint("strong", `revision ${status.revision}`)}, history ${status.historyId}, digest ${status.digest.slice(0, 16)}`,
    counts,
  ];
  for (const { worker, progress, revision, digest } of status.workers) {
    const same = digest === status.digest ? "" : paint("bad", ", digest differs");
    const word = PROGRESS[progress] ?? "?";
    const at = progress === WorkerStatus_Progress.LIVE ? word : paint("bad", word);
    lines.push(`worker ${worker}: ${at} at revision ${revision}${same}`);
  }
  for (const { id, address, boundAddress } of status.listeners) {
    const bound =
      boundAddress === ""
        ? paint("bad", "not bound")
        : boundAddress === address
          ? "bound"
          : `bound to ${boundAddress}`;
    lines.push(`listener ${id}: ${address}, ${bound}`);
  }
  if (status.storage !== undefined) lines.push(`storage: ${storageText(status.storage, paint)}`);
  if (status.configFile !== undefined) lines.push(...fileLines(status.configFile, paint));
  for (const { source, version, revision } of status.sources) {
    lines.push(`source ${source}: version ${version} at revision ${revision}`);
  }
  return `${lines.join("\n")}\n`;
}

function fileLines(
  { file, valid, trigger, result, time, problems }: ConfigFileStatus,
  paint: Paint,
): string[] {
  const when = time === undefined ? "" : ` at ${timestampDate(time).toISOString()}`;
  const word = valid ? result : paint("bad", result);
  const found = problems.map((problem) => {
    const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
    return `  ${place}: ${problem.message}`;
  });
  return [`file ${file}: ${word} (${trigger})${when}`, ...found];
}

function storageText(storage: StorageStatus, paint: Paint): string {
  const { durable, writable, reason, unwritableSince: since, oldestRevision } = storage;
  const kept = `${durable ? "durable" : "in memory only"}, every change after revision ${oldestRevision} is kept`;
  if (writable) return kept;
  const when = since === undefined ? "" : ` since ${timestampDate(since).toISOString()}`;
  return `${kept}; ${paint("bad", `not writable${when}: ${reason}`)}`;
}
