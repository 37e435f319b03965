// `sentinel history`: what was changed, when, by whom and why; with --refused or
// --all what was tried, too. Newest first.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import { ChangeFilter, ListChangesResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ChangeRecord, ChangeRecord_Result } from "../gen/sentinel/v1/events_pb.ts";
import { withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { KINDS, type KindName } from "./kind.ts";
import { type OfflineOptions, withOfflineOptions, withPast } from "./offline.ts";
import { type Paint, painter } from "./paint.ts";
import type { PastQuery } from "./past.ts";
import { readInteger, readMoment } from "./read-value.ts";
import { effectText, sourceText } from "./result.ts";

interface HistoryOptions extends OfflineOptions {
  readonly since?: string;
  readonly until?: string;
  readonly actor?: string;
  readonly kind?: KindName;
  readonly id?: string;
  readonly upstream?: string;
  readonly refused?: boolean;
  readonly all?: boolean;
  readonly number: string;
}

/** Effects and errors that are shown of one change; `show` has all. */
const MAX_LINES = 5;

/** Adds `history`. */
export function addHistoryCommand(program: Command): void {
  const history = program
    .command("history")
    .description("list changes, newest first")
    .option("--since <moment>", "only from then on: 2h, which is two hours ago, or 2026-01-31T12:00:00Z")
    .option("--until <moment>", "only before then")
    .option("--actor <actor>", "only what this actor did")
    .addOption(
      new Option("--kind <kind>", "only what touched resources of this kind").choices(Object.keys(KINDS)),
    )
    .option("--id <id>", "with --kind: only this resource")
    .option("--upstream <upstream>", "with --kind backend: only backends of this upstream")
    .addOption(new Option("--refused", "what was refused, instead of changes").conflicts(["all", "kind"]))
    .addOption(new Option("--all", "every attempt, also what changed nothing").conflicts("kind"))
    .option("-n, --number <number>", "how many at most", "20");
  withClientOptions(withOfflineOptions(history)).action((options: HistoryOptions) => {
    const limit = readInteger(options.number, "--number");
    if (limit < 1) throw new ExitError(2, "--number: at least 1");
    const query = queryOf(options);
    return withPast(options, async (past) => {
      const list = await past.list(query, limit);
      if (options.json === true) {
        process.stdout.write(`${toJsonString(ListChangesResponseSchema, list)}\n`);
        return;
      }
      const paint = painter(process.stdout);
      const lines = list.changes.map((record) => recordText(record, paint));
      if (list.changes.length === 0) lines.push("nothing");
      else if (list.nextPageToken !== "") lines.push("older ones are kept: more with -n");
      process.stdout.write(`${lines.join("\n")}\n`);
    });
  });
}

function queryOf(options: HistoryOptions): PastQuery {
  const { since, until, actor, kind, id, upstream, refused, all } = options;
  if (kind === undefined && (id ?? upstream) !== undefined) {
    throw new ExitError(2, "--id and --upstream go with --kind");
  }
  const filter = refused === true ? ChangeFilter.REFUSED : ChangeFilter.ALL;
  return {
    ...(refused === true || all === true ? { filter } : {}),
    ...(since === undefined ? {} : { since: timestampFromDate(readMoment(since, "--since")) }),
    ...(until === undefined ? {} : { until: timestampFromDate(readMoment(until, "--until")) }),
    ...(actor === undefined ? {} : { actor }),
    ...(kind === undefined ? {} : { kind: KINDS[kind] }),
    ...(id === undefined ? {} : { id }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

/** A head line, and what it did or why it was refused, indented. */
function recordText(record: ChangeRecord, paint: Paint): string {
  const { effects, effectCount, errors, commands } = record;
  const told = [
    ...commands.map((command) => paint("faint", command)),
    ...effects.map((effect) => effectText(effect, paint)),
    ...errors.map((error) => paint("bad", error)),
  ];
  const total = told.length + Math.max(0, effectCount - effects.length);
  const shown = told.slice(0, MAX_LINES).map((line) => `  ${line}`);
  if (total > shown.length) shown.push(`  …and ${total - shown.length} more`);
  return [recordHead(record, paint), ...shown].join("\n");
}

/** "revision 7 TIME local grpc AddBackend (why)". */
function recordHead(record: ChangeRecord, paint: Paint): string {
  const { result, revision, time, actor, rpc, reason, labels, count } = record;
  const isRefused = result === ChangeRecord_Result.REFUSED;
  const start = isRefused
    ? `${paint("bad", count > 1 ? `refused ${count} times` : "refused")} at revision ${revision}`
    : `${paint("strong", `revision ${revision}`)}${result === ChangeRecord_Result.UNCHANGED ? " unchanged" : ""}`;
  const parts = [
    start,
    time === undefined ? "" : timestampDate(time).toISOString(),
    actor,
    sourceText(record),
    rpc,
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    reason === "" ? "" : `(${reason})`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}
