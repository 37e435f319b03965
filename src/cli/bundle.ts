// What is in a debug bundle: gathered from a running proxy, or from a state
// folder as far as it can be read, and redacted. What cannot be had is named in
// the bundle instead; only a proxy that cannot be reached at all is an error.
import { readdirSync, statSync } from "node:fs";
import { release } from "node:os";
import { join, relative } from "node:path";
import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { printKdl } from "../config/print.ts";
import { redactMessage, redactText, toConfigState } from "../core/index.ts";
import {
  ChangeFilter,
  GetStatusResponseSchema,
  ListChangesResponseSchema,
} from "../gen/sentinel/v1/control_pb.ts";
import { EventSchema } from "../gen/sentinel/v1/events_pb.ts";
import { type ConfigState, ConfigStateSchema } from "../gen/sentinel/v1/resources_pb.ts";
import type { Offline } from "../store/sqlite/offline.ts";
import { sentinelVersion } from "../version.ts";
import type { ControlClient } from "./client.ts";
import { pastOfFolder } from "./offline.ts";
import { type Past, pastOf } from "./past.ts";
import { redact } from "./redact.ts";
import { readState } from "./state.ts";
import type { TarFile } from "./tar.ts";

/** Changes, and refused attempts, that a bundle has. */
const MAX_ROWS = 200;

const README = `A debug bundle of Sentinel.

about.json    when, where from, versions, and what could not be had
status.json   revision, workers, listeners, storage, sources, guards
state.kdl     the configuration; state.json is the same
changes.json  the last ${MAX_ROWS} changes: who, when, what, why
refused.json  the last ${MAX_ROWS} refused attempts
events.jsonl  the events that the process keeps
log.jsonl     the lines of the log that the process keeps
folder.json   the files of the state folder, its snapshots, its audit chain

Of these, a bundle of a state folder has no status, events and log; one of a
proxy has no folder. Secrets were taken out by name and by shape: [redacted].
Addresses, host names, paths, ids, actors and reasons are in it. Look before you
send it to anybody.
`;

/** Collects files, and what went wrong. */
class Collector {
  readonly files: TarFile[] = [{ name: "README.txt", content: Buffer.from(README) }];
  readonly problems: string[] = [];

  /** Adds files; one that cannot be made is a problem, and the others go on. */
  async add(name: string, make: () => Promise<JsonValue | string> | JsonValue | string): Promise<void> {
    try {
      const made = await make();
      const text = typeof made === "string" ? made : `${JSON.stringify(redact(made), undefined, 2)}\n`;
      this.files.push({ name, content: Buffer.from(text) });
    } catch (error) {
      this.problems.push(redactText(`${name}: ${error instanceof Error ? error.message : String(error)}`));
    }
  }

  /** Everything, with what is known about the bundle itself. */
  whole(of: JsonValue, time: Date): readonly TarFile[] {
    const { problems } = this;
    const about = {
      time: time.toISOString(),
      of,
      sentinel: sentinelVersion(),
      node: process.version,
      platform: `${process.platform} ${process.arch} ${release()}`,
      problems,
    };
    const content = Buffer.from(`${JSON.stringify(redact(about), undefined, 2)}\n`);
    return [{ name: "about.json", content }, ...this.files];
  }
}

/** The files of a bundle, and what is missing in it. */
export interface Bundle {
  readonly files: readonly TarFile[];
  readonly problems: readonly string[];
}

/** Of a running proxy. Rejects with an ExitError if it cannot be reached. */
export async function bundleOfProxy(client: ControlClient, time: Date): Promise<Bundle> {
  const status = await client.call("getStatus", {});
  const collector = new Collector();
  await collector.add("status.json", () => jsonOf(GetStatusResponseSchema, status));
  await addState(collector, () => readState(client));
  await addPast(collector, pastOf(client));
  await collector.add("events.jsonl", () => eventsOf(client));
  await collector.add("log.jsonl", async () => {
    const { lines } = await client.call("getLog", {});
    return linesOf(lines.map((line) => JSON.parse(line) as JsonValue));
  });
  const files = collector.whole({ proxy: status.version, historyId: status.historyId }, time);
  return { files, problems: collector.problems };
}

/** Of a state folder. Reads only. */
export async function bundleOfFolder(folder: Offline, dir: string, time: Date): Promise<Bundle> {
  const collector = new Collector();
  const inspected = folder.inspect();
  const found = inspected.is === "new" ? undefined : inspected.found;
  if (inspected.is === "wrong") collector.problems.push(redactText(inspected.error.message));
  if (found !== undefined) await addState(collector, () => Promise.resolve(toConfigState(found.state)));
  await addPast(collector, pastOfFolder(folder));
  await collector.add("folder.json", () => {
    const audit = folder.reader.verifyAudit();
    return {
      files: filesIn(dir),
      snapshots: folder.snapshots().map(({ path, revision, sizeBytes, historyId, time: written }) => {
        return { path, revision: String(revision), sizeBytes, historyId, time: written.toISOString() };
      }),
      audit: audit.ok
        ? { rows: audit.value.rows, changes: audit.value.changes, anchor: String(audit.value.anchor) }
        : { error: audit.error.message },
      auditHead: found === undefined ? null : Buffer.from(found.chain).toString("hex"),
    };
  });
  const meta = folder.reader.meta();
  const historyId = meta.ok ? meta.value.historyId : "";
  return { files: collector.whole({ folder: dir, historyId }, time), problems: collector.problems };
}

async function addState(collector: Collector, read: () => Promise<ConfigState>): Promise<void> {
  let state: ConfigState;
  await collector.add("state.json", async () => {
    state = redactMessage(ConfigStateSchema, await read());
    return `${JSON.stringify(toJson(ConfigStateSchema, state), undefined, 2)}\n`;
  });
  await collector.add("state.kdl", () => printKdl(state));
}

async function addPast(collector: Collector, past: Past): Promise<void> {
  const list = async (filter: ChangeFilter) =>
    jsonOf(ListChangesResponseSchema, await past.list({ filter }, MAX_ROWS));
  await collector.add("changes.json", () => list(ChangeFilter.COMMITTED));
  await collector.add("refused.json", () => list(ChangeFilter.REFUSED));
}

async function eventsOf(client: ControlClient): Promise<string> {
  const events: JsonValue[] = [];
  for await (const { message } of client.stream("watchEvents", { includeKept: true })) {
    if (message.case === "heartbeat") break;
    if (message.case === "event") events.push(jsonOf(EventSchema, message.value));
  }
  return linesOf(events);
}

function linesOf(values: readonly JsonValue[]): string {
  return values.map((value) => `${JSON.stringify(redact(value))}\n`).join("");
}

function jsonOf<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue {
  return toJson(schema, redactMessage(schema, message)) as JsonValue;
}

/** Names and sizes, without what is in them. */
function filesIn(dir: string): JsonValue[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtime } = statSync(path);
      return { name: relative(dir, path), sizeBytes: size, modified: mtime.toISOString() };
    });
}
