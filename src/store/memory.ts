// The persistence that keeps nothing across a restart: bounded windows of
// changes, attempts and answers, oldest dropped first, so that history and
// repeated requests work in the same way as with a state folder.
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { digestBytes, emptyState } from "../core/index.ts";
import {
  type StoredAttempt,
  type StoredBase,
  StoredBaseSchema,
  type StoredChange,
} from "../gen/sentinel/internal/v1/storage_pb.ts";
import { type Page, pageSize } from "./page.ts";
import type {
  Answer,
  AttemptQuery,
  AttemptRecord,
  AuditReport,
  AuditRow,
  ChangeQuery,
  KnownAnswer,
  LastChange,
  PastValue,
  PastValues,
  Persistence,
  PersistenceStatus,
  SnapshotFile,
} from "./persistence.ts";
import { failed, type Read } from "./storage-error.ts";

/** What the windows hold; the bytes of a change are in the memory of its state anyway. */
const MAX_CHANGES = 4_096;
const MAX_ATTEMPTS = 4_096;
const MAX_ANSWERS = 4_096;

/** See the head of this file. Invariant: revisions in #changes are consecutive. */
export class MemoryPersistence implements Persistence {
  readonly durable = false;
  readonly status: PersistenceStatus = { state: "ok" };
  readonly auditHead = undefined;
  readonly #answers = new Map<string, KnownAnswer & Answer>();
  #changes: StoredChange[] = [];
  #attempts: AuditRow[] = [];
  #sequence = 0n;
  #oldest = 0n;
  /** Digest of the state at #oldest. What lives in memory starts with the empty state. */
  #oldestDigest: Uint8Array = digestBytes(emptyState().digest);
  #base: Uint8Array | undefined;

  get oldestRevision(): bigint {
    return this.#oldest;
  }

  append(records: readonly AttemptRecord[]): Promise<void> {
    for (const { attempt, change, answer, base, revision } of records) {
      this.appendLater(attempt);
      if (change !== undefined) this.#push(change);
      if (answer !== undefined) this.#remember(attempt, revision, answer);
      if (base !== undefined) this.#base = base;
    }
    return Promise.resolve();
  }

  appendLater(attempt: StoredAttempt): void {
    this.#attempts.push({ sequence: ++this.#sequence, attempt });
    if (this.#attempts.length >= 2 * MAX_ATTEMPTS) this.#attempts = this.#attempts.slice(-MAX_ATTEMPTS);
  }

  findAnswer(actor: string, requestId: string): KnownAnswer | undefined {
    return this.#answers.get(answerKey(actor, requestId));
  }

  answerBytes({ actor, requestId }: KnownAnswer): Promise<Read<Uint8Array>> {
    const known = this.#answers.get(answerKey(actor, requestId));
    return found(known?.bytes, "compacted", "the answer");
  }

  change(revision: bigint): Promise<Read<StoredChange>> {
    if (revision <= this.#oldest)
      return found<StoredChange>(undefined, "compacted", `the change of revision ${revision}`);
    const change = this.#changes[Number(revision - this.#oldest) - 1];
    return found(change, "not_found", `the change of revision ${revision}`);
  }

  changes(query: ChangeQuery): Promise<Read<Page<StoredChange>>> {
    const rows = this.#changes.filter((change) => isAsked(change, query)).reverse();
    return page(rows, query.limit, ({ revision }) => revision);
  }

  attempts(query: AttemptQuery): Promise<Read<Page<AuditRow>>> {
    const { actor, result, before } = query;
    const rows = this.#attempts.filter(
      ({ sequence, attempt }) =>
        (before === undefined || sequence < before) &&
        (actor === undefined || attempt.actor === actor) &&
        (result === undefined || attempt.result === result) &&
        isInTime(attempt, query),
    );
    return page(rows.reverse(), query.limit, ({ sequence }) => sequence);
  }

  valuesAt(revision: bigint): Promise<Read<PastValues>> {
    const later = this.#changes.filter((change) => change.revision > revision);
    const at = this.#changes.find((change) => change.revision === revision);
    const digest = at?.digest ?? (revision === this.#oldest ? this.#oldestDigest : undefined);
    if (digest === undefined) return found<PastValues>(undefined, "compacted", `revision ${revision}`);
    return found({ revision, digest, values: valuesBefore(later) }, "not_found", "");
  }

  lastChangeOf(key: { kind: number; upstream: string; id: string }): Promise<Read<LastChange | undefined>> {
    const change = this.#changes.findLast(({ differences }) => differences.some((one) => isKey(one, key)));
    const difference = change?.differences.find((one) => isKey(one, key));
    if (change === undefined || difference === undefined) {
      return Promise.resolve({ ok: true, value: undefined });
    }
    const { origin, after } = difference;
    const value = { revision: change.revision, text: origin, deleted: after === undefined };
    return Promise.resolve({ ok: true, value });
  }

  base(): Promise<Read<StoredBase | undefined>> {
    return Promise.resolve({ ok: true, value: this.#base && fromBinary(StoredBaseSchema, this.#base) });
  }

  verifyAudit(): Promise<Read<AuditReport>> {
    const rows = this.#attempts.length;
    const anchor = this.#sequence - BigInt(rows);
    return Promise.resolve({ ok: true, value: { rows, anchor, changes: this.#changes.length } });
  }

  saveSnapshot(): Promise<Read<SnapshotFile>> {
    const hint = "start Sentinel with --state-dir";
    return Promise.resolve(failed("unreadable", "there is no state folder to write a snapshot to", hint));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #push(change: StoredChange): void {
    if (this.#changes.length === 0) this.#oldest = change.revision - 1n;
    this.#changes.push(change);
    if (this.#changes.length < 2 * MAX_CHANGES) return;
    const last = this.#changes[MAX_CHANGES - 1]!;
    this.#oldest = last.revision;
    this.#oldestDigest = last.digest;
    this.#changes = this.#changes.slice(MAX_CHANGES);
  }

  #remember({ actor, requestId, time }: StoredAttempt, revision: bigint, answer: Answer): void {
    const key = answerKey(actor, requestId);
    const at = new Date(time === undefined ? 0 : timestampMs(time));
    this.#answers.delete(key);
    this.#answers.set(key, { ...answer, actor, requestId, revision, time: at });
    if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value!);
  }
}

/** The values of everything that `later` changed, as they were before it. Oldest first. */
export function valuesBefore(later: Iterable<StoredChange>): PastValue[] {
  const values = new Map<string, PastValue>();
  for (const { differences } of later) {
    for (const { kind, upstream, id, before } of differences) {
      const key = `${kind}\0${upstream}\0${id}`;
      if (!values.has(key)) values.set(key, { kind, upstream, id, value: before });
    }
  }
  return [...values.values()];
}

/** The key of an answer: no two pairs share one, whatever characters they have. */
export function answerKey(actor: string, requestId: string): string {
  return `${actor.length}:${actor}${requestId}`;
}

function isAsked(change: StoredChange, query: ChangeQuery): boolean {
  const { fromRevision, toRevision, actor, kind, upstream, id, before } = query;
  if (before !== undefined && change.revision >= before) return false;
  if (fromRevision !== undefined && change.revision < fromRevision) return false;
  if (toRevision !== undefined && change.revision > toRevision) return false;
  if (actor !== undefined && change.actor !== actor) return false;
  if (!isInTime(change, query)) return false;
  if (kind === undefined) return true;
  return change.differences.some(
    (one) =>
      one.kind === kind &&
      (upstream === undefined || one.upstream === upstream) &&
      (id === undefined || one.id === id),
  );
}

function isInTime({ time }: StoredChange | StoredAttempt, { since, until }: ChangeQuery): boolean {
  const at = time === undefined ? 0 : timestampMs(time);
  return (since === undefined || at >= since.getTime()) && (until === undefined || at < until.getTime());
}

function isKey(
  one: { kind: number; upstream: string; id: string },
  key: { kind: number; upstream: string; id: string },
): boolean {
  return one.kind === key.kind && one.upstream === key.upstream && one.id === key.id;
}

function page<T>(
  rows: readonly T[],
  limit: number | undefined,
  position: (row: T) => bigint,
): Promise<Read<Page<T>>> {
  const size = pageSize(limit);
  const some = rows.slice(0, size);
  const next = rows.length > size ? position(some.at(-1)!) : undefined;
  return Promise.resolve({ ok: true, value: { rows: some, next } });
}

function found<T>(value: T | undefined, code: "compacted" | "not_found", what: string): Promise<Read<T>> {
  if (value !== undefined) return Promise.resolve({ ok: true, value });
  const reason = code === "compacted" ? "is not kept any more" : "does not exist";
  return Promise.resolve(failed(code, `${what} ${reason}`));
}
