// What every mutating sub-command shares: its options, how they become
// CommitOptions, and the call that prints its result.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { type CommitOptionsSchema, type CommitResult, Wait } from "../gen/sentinel/v1/control_pb.ts";
import {
  type ClientOptions,
  type ControlClient,
  type Methods,
  type Unary,
  withClient,
  withClientOptions,
} from "./client.ts";
import { ExitError } from "./exit.ts";
import { collect, type FieldFlag, maskOf, type ParsedOptions } from "./field-flags.ts";
import { KINDS, type KindName } from "./kind.ts";
import { readDuration, readRevision, readWhole } from "./read-value.ts";
import { printResult } from "./result.ts";
import { resourceFields, setPaths } from "./set-flag.ts";

/** Parsed options of a mutating sub-command; the others are those of its fields. */
export interface MutationOptions extends ClientOptions, ParsedOptions {
  readonly reason?: string;
  readonly expectedRevision?: string;
  readonly expectedHistory?: string;
  readonly expectedEtag?: string;
  readonly validateOnly?: boolean;
  readonly force?: boolean;
  readonly wait?: keyof typeof WAITS;
  readonly waitTimeout?: string;
  readonly allowMissing?: boolean;
  readonly requestId?: string;
  readonly source?: string;
  readonly sourceVersion?: string;
  readonly label?: readonly string[];
}

const WAITS = { applied: Wait.APPLIED, committed: Wait.COMMITTED } as const;

/** The rpcs that change something. */
export type Mutation = {
  [K in keyof Methods]: "result" extends keyof MessageInitShape<Unary<K>["output"]> ? K : never;
}[keyof Methods];

/** Adds what every mutation takes, --control and --json included. */
export function withMutationOptions(command: Command): Command {
  command
    .optionsGroup("Commit:")
    .option("--reason <text>", "why; goes into the audit record")
    .option("--label <key=value>", "for the audit record; repeatable", collect)
    .option("--source <name>", "what feeds this, for example registry-sync; `status` shows each")
    .option("--source-version <number>", "which of its own versions the source is at")
    .option("--request-id <id>", "the same call under the same id takes effect once")
    .option("--expected-revision <revision>", "refuse unless this is the current revision")
    .option("--expected-history <id>", "refuse unless this is the history_id")
    .option("--force", "accept a diff that removes more than max-removal-percent of a kind")
    .option("--validate-only", "check everything and show what would change, but change nothing")
    .addOption(
      new Option("--wait <state>", "what to wait for (default: applied)").choices(Object.keys(WAITS)),
    )
    .option("--wait-timeout <time>", "how long to wait, for example 500ms or 10s (default: 5s)");
  return withClientOptions(command);
}

/** Adds what goes with commands that update or remove one resource; what --allow-missing means is for the caller to say. */
export function withTargetOptions(command: Command, allowMissing: string): Command {
  return withExpectedEtag(command).option("--allow-missing", allowMissing);
}

/** Adds --expected-etag. */
export function withExpectedEtag(command: Command): Command {
  return command
    .optionsGroup("Commit:")
    .option("--expected-etag <etag>", "refuse unless the resource has this etag (GetState tells it)");
}

/** The options as the API takes them. */
export function commitOptionsOf(options: MutationOptions): MessageInitShape<typeof CommitOptionsSchema> {
  const {
    reason,
    expectedRevision: revision,
    expectedHistory: history,
    wait,
    waitTimeout: timeout,
    sourceVersion,
  } = options;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(revision === undefined ? {} : { expectedRevision: readRevision(revision, "--expected-revision") }),
    ...(history === undefined ? {} : { expectedHistoryId: history }),
    ...(options.expectedEtag === undefined ? {} : { expectedEtag: options.expectedEtag }),
    ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(sourceVersion === undefined ? {} : { sourceVersion: readWhole(sourceVersion, "--source-version") }),
    ...(options.label === undefined ? {} : { labels: Object.fromEntries(options.label.map(labelOf)) }),
    ...(options.force === true ? { force: true } : {}),
    ...(options.validateOnly === true ? { validateOnly: true } : {}),
    ...(wait === undefined ? {} : { wait: WAITS[wait] }),
    ...(timeout === undefined ? {} : { waitTimeout: readDuration(timeout, "--wait-timeout") }),
  };
}

function labelOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new ExitError(2, `--label: '${text}' is not KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Makes one mutating call and prints its result. `request` is what is special about it. */
export function mutate(
  name: Mutation,
  request: Readonly<Record<string, unknown>>,
  options: MutationOptions,
): Promise<void> {
  const commit = commitOptionsOf(options);
  return withClient(options, async (client) => {
    printResult(await callMutation(client, name, { ...request, options: commit }), options.json);
  });
}

/** Makes one mutating call; all of them answer with a CommitResult. */
export async function callMutation(
  client: ControlClient,
  name: Mutation,
  request: Readonly<Record<string, unknown>>,
): Promise<CommitResult | undefined> {
  // The tables of flags are checked against the messages in test/cli/fields.test.ts.
  const answer = await client.call(name, request as MessageInitShape<Unary<Mutation>["input"]>);
  return (answer as { readonly result?: CommitResult }).result;
}

/** The part of an update's request that is the same for every kind: resource, mask, allow_missing. */
export function updateOf(
  kind: KindName,
  id: Readonly<Record<string, string>>,
  rows: readonly FieldFlag[],
  options: MutationOptions,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const fields = { ...resourceFields(KINDS[kind], rows, options), ...more };
  const mask = maskOf(rows, options, setPaths(options));
  const { allowMissing = false } = options;
  if (Object.keys(fields).length === 0 && mask.updateMask === undefined && !allowMissing) {
    throw new ExitError(2, `nothing to update: say what of the ${kind} to change (see --help)`);
  }
  const field = kind === "rate-limits" ? "rateLimits" : kind;
  return { [field]: { ...id, ...fields }, ...mask, ...(allowMissing ? { allowMissing } : {}) };
}
