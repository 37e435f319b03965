// `sentinel status`: what the process is doing.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  WorkerStatus_Progress,
} from "../gen/sentinel/v1/control_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";

const PROGRESS: Readonly<Record<number, string>> = {
  [WorkerStatus_Progress.STARTING]: "starting",
  [WorkerStatus_Progress.SNAPSHOT]: "snapshot",
  [WorkerStatus_Progress.LIVE]: "live",
  [WorkerStatus_Progress.GONE]: "gone",
};
const KINDS: Readonly<Record<number, string>> = {
  [ResourceKind.LISTENER]: "listener",
  [ResourceKind.ROUTE]: "route",
  [ResourceKind.UPSTREAM]: "upstream",
  [ResourceKind.BACKEND]: "backend",
};

/** Adds `status`. */
export function addStatusCommand(program: Command): void {
  withClientOptions(program.command("status").description("show revision, workers and listeners")).action(
    (options: ClientOptions) =>
      withClient(options, async (client) => {
        const status = await client.call("getStatus", {});
        const text =
          options.json === true ? `${toJsonString(GetStatusResponseSchema, status)}\n` : statusText(status);
        process.stdout.write(text);
      }),
  );
}

function statusText(status: GetStatusResponse): string {
  const started = status.startTime === undefined ? "" : timestampDate(status.startTime).toISOString();
  const counts = status.counts
    .map(({ kind, count }) => `${count} ${KINDS[kind] ?? "?"}${count === 1 ? "" : "s"}`)
    .join(", ");
  const lines = [
    `sentinel ${status.version}, ${status.ready ? "ready" : "not ready"}, started ${started}`,
    `revision ${status.revision}, history ${status.historyId}, digest ${status.digest.slice(0, 16)}`,
    counts,
  ];
  for (const { worker, progress, revision, digest } of status.workers) {
    const same = digest === status.digest ? "" : ", digest differs";
    lines.push(`worker ${worker}: ${PROGRESS[progress] ?? "?"} at revision ${revision}${same}`);
  }
  for (const { id, address, boundAddress } of status.listeners) {
    const bound =
      boundAddress === "" ? "not bound" : boundAddress === address ? "bound" : `bound to ${boundAddress}`;
    lines.push(`listener ${id}: ${address}, ${bound}`);
  }
  return `${lines.join("\n")}\n`;
}
