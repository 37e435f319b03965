// From a decided attempt to what is stored of it: the audit row, and the change
// with every resource before and after. Costs O(the change). The store calls it
// for what it commits, app.ts for refusals.
import { hash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  COMMAND_FIELDS,
  digestBytes,
  type ResourceChange,
  type ResourceKey,
  resourceBytes,
  resources,
  type State,
  schemaOf,
} from "../core/index.ts";
import {
  StoredAnswerSchema,
  type StoredAttempt,
  StoredAttempt_Result,
  type StoredBase,
  StoredBaseSchema,
  type StoredChange,
  type StoredDifference,
  StoredImageSchema,
} from "../gen/sentinel/internal/v1/storage_pb.ts";
import { type Command, CommandSchema } from "../gen/sentinel/v1/commands_pb.ts";
import type { Accepted, Attempt, Rejected } from "./attempt.ts";
import type { CommittedChange } from "./change-log.ts";
import type { Answer, AttemptRecord } from "./persistence.ts";

/** The errors of a refusal that are kept; the first ones say what it is about. */
const MAX_STORED_ERRORS = 20;

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The record of an accepted attempt; `change` is what it commits, if it does. */
export function recordOf(
  attempt: Attempt,
  outcome: Accepted,
  more: { readonly change?: CommittedChange | undefined } = {},
): AttemptRecord {
  const { change } = more;
  const { revision, time } = outcome;
  const commands = encoded(attempt.commands);
  const answer = answerOf(attempt, outcome);
  return {
    revision,
    attempt: attemptOf(attempt, outcome, time, commands),
    ...(change === undefined ? {} : { change: changeOf(attempt, change, commands) }),
    ...(answer === undefined ? {} : { answer }),
    ...(attempt.base === undefined ? {} : { base: attempt.base }),
  };
}

/** Whether an attempt has to be stored before it is answered, although it changes nothing. */
export function isKept(attempt: Attempt): boolean {
  return attempt.validateOnly !== true && (hasRequestId(attempt) || attempt.base !== undefined);
}

function hasRequestId({ requestId = "" }: Attempt): boolean {
  return requestId !== "";
}

/** SHA-256 of what an attempt asks for, by which a repetition is told from another request. */
export function contentHashOf({ content, commands }: Attempt): Uint8Array {
  return hash("sha256", content ?? Buffer.concat(encoded(commands)), "buffer");
}

function answerOf(attempt: Attempt, outcome: Accepted): Answer | undefined {
  if (!hasRequestId(attempt)) return undefined;
  const { revision, changes, warnings, time } = outcome;
  const answer = create(StoredAnswerSchema, {
    revision,
    changed: changes.length > 0,
    time: timestampFromDate(time),
    warnings: [...warnings],
  });
  return { contentHash: contentHashOf(attempt), bytes: toBinary(StoredAnswerSchema, answer) };
}

/** The audit row of an attempt; `commands` are its commands, if they are encoded already. */
export function attemptOf(
  attempt: Attempt,
  outcome: Accepted | Rejected,
  time: Date,
  commands: readonly Uint8Array[] = encoded(attempt.commands),
): StoredAttempt {
  const errors = outcome.ok ? [] : outcome.errors;
  return {
    $typeName: "sentinel.internal.v1.StoredAttempt",
    time: timestampFromDate(time),
    actor: attempt.actor,
    peer: attempt.peer ?? "",
    source: attempt.source,
    rpc: attempt.rpc ?? "",
    requestId: attempt.requestId ?? "",
    reason: attempt.reason ?? "",
    labels: labelsOf(attempt),
    ...sourceOf(attempt),
    result: resultOf(attempt, outcome),
    errors: errors.slice(0, MAX_STORED_ERRORS).map(({ code, rule, path, message }) => {
      const text = message.toWellFormed();
      return { $typeName: "sentinel.internal.v1.StoredError" as const, code, rule, path, message: text };
    }),
    errorCount: errors.length,
    revision: outcome.revision,
    validateUs: outcome.timings.validateUs,
    commands: countsOf(attempt.commands),
    commandsHash: hash("sha256", commands.length === 1 ? commands[0]! : Buffer.concat(commands), "buffer"),
    changeHash: NO_BYTES,
    count: 0,
  };
}

/** The file's state as it is kept as the base of the next reload. */
export function encodeBase(state: State): Uint8Array {
  return toBinary(StoredBaseSchema, baseOf(state));
}

/** The same as a message. */
export function baseOf(state: State): StoredBase {
  const images = [...resources(state)].map(({ key, value }) =>
    create(StoredImageSchema, { ...key, value: resourceBytes(key.kind, value) }),
  );
  return create(StoredBaseSchema, { images, digest: digestBytes(state.digest) });
}

function changeOf(attempt: Attempt, change: CommittedChange, commands: readonly Uint8Array[]): StoredChange {
  const { revision, time, source, actor, reason, changes, state } = change;
  return {
    $typeName: "sentinel.internal.v1.StoredChange",
    revision,
    time: timestampFromDate(time),
    source,
    actor,
    reason,
    rpc: attempt.rpc ?? "",
    requestId: attempt.requestId ?? "",
    labels: labelsOf(attempt),
    ...sourceOf(attempt),
    commands: [...commands],
    differences: changes.map((one) => differenceOf(one, attempt)),
    digest: digestBytes(state.digest),
  };
}

function differenceOf({ key, before, bytes }: ResourceChange, attempt: Attempt): StoredDifference {
  const { kind, upstream, id } = key;
  const origin = originOf(key, attempt);
  const $typeName = "sentinel.internal.v1.StoredDifference";
  const difference: StoredDifference = { $typeName, kind, upstream, id, origin };
  if (before !== undefined) difference.before = toBinary(schemaOf(key.kind), before);
  if (bytes !== undefined) difference.after = bytes;
  return difference;
}

/** The actor, too, where `origin` throws: a bug that the store reports, and that undoes no commit. */
function originOf(key: ResourceKey, { origin, actor }: Attempt): string {
  try {
    return origin?.(key) ?? actor;
  } catch {
    return actor;
  }
}

function resultOf(attempt: Attempt, outcome: Accepted | Rejected): StoredAttempt_Result {
  if (!outcome.ok) return StoredAttempt_Result.REFUSED;
  const isChange = outcome.changes.length > 0 && attempt.validateOnly !== true;
  return isChange ? StoredAttempt_Result.ACCEPTED : StoredAttempt_Result.NO_OP;
}

function sourceOf({ sourceName = "", sourceVersion }: Attempt) {
  return { sourceName, sourceVersion: sourceVersion === undefined ? "" : String(sourceVersion) };
}

function labelsOf({ labels = {} }: Attempt) {
  return Object.keys(labels)
    .sort()
    .map((key) => ({ $typeName: "sentinel.internal.v1.StoredLabel" as const, key, value: labels[key]! }));
}

function countsOf(commands: readonly Command[]) {
  const counts = new Map<string, number>();
  for (const { command } of commands) {
    const name = command.case === undefined ? "unknown" : COMMAND_FIELDS[command.case];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => ({
    $typeName: "sentinel.internal.v1.StoredCommandCount" as const,
    name,
    count,
  }));
}

function encoded(commands: readonly Command[]): Uint8Array[] {
  return commands.map((one) => toBinary(CommandSchema, one));
}
