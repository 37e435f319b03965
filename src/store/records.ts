// What is stored of changes and attempts, as the messages that tell of them:
// the same for ListChanges and for who reads a state folder offline.
import { create } from "@bufbuild/protobuf";
import { effectsOf } from "../core/index.ts";
import {
  type StoredAttempt,
  StoredAttempt_Result,
  type StoredChange,
} from "../gen/sentinel/internal/v1/storage_pb.ts";
import {
  type Change,
  type ChangeRecord,
  ChangeRecord_Result,
  ChangeRecordSchema,
  ChangeSchema,
} from "../gen/sentinel/v1/events_pb.ts";
import { changesOf } from "./stored.ts";

/** Effects that one row of a list shows. */
const MAX_SHOWN = 20;

/** A stored change as a message, without its commands and effects. */
export function headOf(change: StoredChange): Change {
  const { revision, time, sourceName, source, sourceVersion, actor, reason, digest } = change;
  return create(ChangeSchema, {
    revision,
    ...(time === undefined ? {} : { commitTime: time }),
    source: sourceName || source,
    sourceVersion,
    actor,
    reason,
    digest: Buffer.from(digest).toString("hex"),
  });
}

/** A stored change as a row of a list. */
export function changeRecord(change: StoredChange): ChangeRecord {
  const effects = effectsOf(changesOf({ ...change, differences: change.differences.slice(0, MAX_SHOWN) }));
  return create(ChangeRecordSchema, {
    revision: change.revision,
    ...(change.time === undefined ? {} : { time: change.time }),
    result: ChangeRecord_Result.COMMITTED,
    source: change.sourceName || change.source,
    sourceVersion: change.sourceVersion,
    actor: change.actor,
    rpc: change.rpc,
    requestId: change.requestId,
    reason: change.reason,
    labels: Object.fromEntries(change.labels.map(({ key, value }) => [key, value])),
    effects,
    effectCount: change.differences.length,
  });
}

const RESULTS: Readonly<Record<StoredAttempt_Result, ChangeRecord_Result>> = {
  [StoredAttempt_Result.UNSPECIFIED]: ChangeRecord_Result.UNSPECIFIED,
  [StoredAttempt_Result.ACCEPTED]: ChangeRecord_Result.COMMITTED,
  [StoredAttempt_Result.REFUSED]: ChangeRecord_Result.REFUSED,
  [StoredAttempt_Result.NO_OP]: ChangeRecord_Result.UNCHANGED,
};

/** A stored attempt as a row of a list. */
export function attemptRecord(sequence: bigint, attempt: StoredAttempt): ChangeRecord {
  return create(ChangeRecordSchema, {
    sequence,
    revision: attempt.revision,
    ...(attempt.time === undefined ? {} : { time: attempt.time }),
    result: RESULTS[attempt.result] ?? ChangeRecord_Result.UNSPECIFIED,
    source: attempt.sourceName || attempt.source,
    actor: attempt.actor,
    rpc: attempt.rpc,
    requestId: attempt.requestId,
    reason: attempt.reason,
    labels: Object.fromEntries(attempt.labels.map(({ key, value }) => [key, value])),
    sourceVersion: attempt.sourceVersion,
    commands: attempt.commands.map(({ name, count }) => (count === 1 ? name : `${name} ${count}`)),
    errors: attempt.errors.map(({ rule, path, message }) => `${rule} ${path}: ${message}`),
    count: attempt.count,
  });
}
