// What works on a state folder instead of a running proxy, or beside one: which
// folder, its past, and how what is wrong with it becomes an exit code.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { effectsOf, inverseOf } from "../core/index.ts";
import { StoredAttempt_Result } from "../gen/sentinel/internal/v1/storage_pb.ts";
import {
  ChangeFilter,
  GetChangeResponseSchema,
  type ListChangesResponse,
  ListChangesResponseSchema,
} from "../gen/sentinel/v1/control_pb.ts";
import { attemptRecord, changeRecord, headOf } from "../store/records.ts";
import { type Offline, openOffline } from "../store/sqlite/offline.ts";
import type { Read } from "../store/storage-error.ts";
import { changesOf, commandsIn } from "../store/stored.ts";
import { type ClientOptions, withClient } from "./client.ts";
import { ExitError } from "./exit.ts";
import { isOfChanges, type Past, type PastQuery, pastOf } from "./past.ts";

/** Options of what reads a state folder. */
export interface FolderOptions {
  readonly stateDir?: string;
}

/** Options of what asks a proxy or, with --offline, a state folder. */
export interface OfflineOptions extends ClientOptions, FolderOptions {
  readonly offline?: boolean;
}

/** Adds --state-dir. */
export function withFolderOption(command: Command): Command {
  return command.option("--state-dir <dir>", "the state folder (or SENTINEL_STATE_DIR)");
}

/** Adds --offline and --state-dir. */
export function withOfflineOptions(command: Command): Command {
  return withFolderOption(
    command.optionsGroup("Without a proxy:").option("--offline", "read the state folder instead of a proxy"),
  );
}

/** Whether a folder is to be read; a folder that is named for nothing is a mistake. */
export function isOffline({ offline = false, stateDir }: OfflineOptions): boolean {
  if (!offline && stateDir !== undefined) throw new ExitError(2, "--state-dir is for --offline");
  return offline;
}

/** Uses the past that the options name. */
export function withPast<T>(options: OfflineOptions, use: (past: Past) => Promise<T>): Promise<T> {
  if (!isOffline(options)) return withClient(options, (client) => use(pastOf(client)));
  return withFolder(options, (folder) => use(pastOfFolder(folder)));
}

/** Opens the folder, and closes it afterwards. */
export async function withFolder<T>(
  options: FolderOptions,
  use: (folder: Offline) => T | Promise<T>,
): Promise<T> {
  const folder = readOrExit(openOffline(stateDirOf(options)));
  try {
    return await use(folder);
  } finally {
    folder.close();
  }
}

/** --state-dir, SENTINEL_STATE_DIR, else the default folder that has a state. */
export function stateDirOf({ stateDir }: FolderOptions): string {
  const named = stateDir ?? process.env["SENTINEL_STATE_DIR"];
  if (named !== undefined && named !== "") return named;
  const [system, own] = ["/var/lib/sentinel", join(homedir(), ".local/state/sentinel")];
  return existsSync(join(own, "state.db")) && !existsSync(join(system, "state.db")) ? own : system;
}

/** The value, or an ExitError with message and hint. */
export function readOrExit<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  const { message, hint } = read.error;
  throw new ExitError(1, hint === "" ? message : `${message}\n  hint: ${hint}`);
}

/** The past in a folder, as a proxy on it would tell it. */
export function pastOfFolder({ reader }: Offline): Past {
  return {
    list: async (query, limit) => {
      const whole = create(ListChangesResponseSchema);
      let before: bigint | undefined;
      do {
        const page = pageOf(reader, query, limit - whole.changes.length, before);
        whole.changes.push(...page.changes);
        before = page.next;
      } while (before !== undefined && whole.changes.length < limit);
      whole.nextPageToken = before === undefined ? "" : String(before);
      const { historyId, changes } = readOrExit(reader.meta());
      return Object.assign(whole, { historyId, oldestRevision: changes.revision });
    },
    change: async (revision) => {
      const stored = readOrExit(reader.change(revision));
      const changes = changesOf(stored);
      const [commands, effects] = [commandsIn(stored), effectsOf(changes)];
      const change = Object.assign(headOf(stored), { commands, effects });
      return create(GetChangeResponseSchema, { change, inverse: inverseOf(changes), rpc: stored.rpc });
    },
  };
}

function pageOf(
  reader: Offline["reader"],
  query: PastQuery,
  limit: number,
  before: bigint | undefined,
): Pick<ListChangesResponse, "changes"> & { readonly next: bigint | undefined } {
  const { filter, since, until, actor, kind, id, upstream } = query;
  const place = {
    limit,
    ...(before === undefined ? {} : { before }),
    ...(since === undefined ? {} : { since: timestampDate(since) }),
    ...(until === undefined ? {} : { until: timestampDate(until) }),
    ...(actor === undefined ? {} : { actor }),
  };
  if (isOfChanges(query)) {
    const resource = {
      ...(kind === undefined ? {} : { kind }),
      ...(id === undefined ? {} : { id }),
      ...(upstream === undefined ? {} : { upstream }),
    };
    const { rows, next } = readOrExit(reader.changes({ ...place, ...resource }));
    return { changes: rows.map(changeRecord), next };
  }
  const result = filter === ChangeFilter.REFUSED ? { result: StoredAttempt_Result.REFUSED } : {};
  const { rows, next } = readOrExit(reader.attempts({ ...place, ...result }));
  return { changes: rows.map(({ sequence, attempt }) => attemptRecord(sequence, attempt)), next };
}
