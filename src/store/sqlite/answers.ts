// The answers that are kept, by actor and request id: in memory without their
// bytes, so that a repeated request is recognised without waiting for the disk.
// Expired ones are forgotten here and dropped from the database by compaction.
import type { DatabaseSync } from "node:sqlite";
import { answerKey } from "../memory.ts";
import type { KnownAnswer } from "../persistence.ts";
import type { Read } from "../storage-error.ts";
import type { Retention } from "./compact.ts";
import { damaged } from "./damage.ts";
import { answerCrc } from "./rows.ts";

/** An answer and where its bytes are. */
export interface NumberedAnswer extends KnownAnswer {
  readonly number: bigint;
}

/** See the head of this file. Invariant: in the order of their numbers. */
export class Answers {
  readonly #byKey = new Map<string, NumberedAnswer>();
  readonly #retention: Pick<Retention, "maxAnswers" | "maxAnswerAgeMs">;
  readonly #clock: () => Date;
  #next = 1n;

  constructor(
    known: Iterable<NumberedAnswer>,
    retention: Pick<Retention, "maxAnswers" | "maxAnswerAgeMs">,
    clock: () => Date,
  ) {
    this.#retention = retention;
    this.#clock = clock;
    for (const answer of known) {
      this.add(answer);
      this.#next = answer.number + 1n;
    }
  }

  /** A number for the next answer. */
  takeNumber(): bigint {
    return this.#next++;
  }

  /** Adds an answer that is stored. */
  add(answer: NumberedAnswer): void {
    const key = answerKey(answer.actor, answer.requestId);
    this.#byKey.delete(key);
    this.#byKey.set(key, answer);
    for (const [oldest, { time }] of this.#byKey) {
      if (this.#byKey.size <= this.#retention.maxAnswers && this.#isFresh(time)) return;
      this.#byKey.delete(oldest);
    }
  }

  find(actor: string, requestId: string): NumberedAnswer | undefined {
    const found = this.#byKey.get(answerKey(actor, requestId));
    return found !== undefined && this.#isFresh(found.time) ? found : undefined;
  }

  #isFresh(time: Date): boolean {
    return time.getTime() >= this.#clock().getTime() - this.#retention.maxAnswerAgeMs;
  }
}

/** Every answer that is stored, oldest first, checked but for its bytes. */
export function readAnswers(db: DatabaseSync, path: string): Read<NumberedAnswer[]> {
  const statement = db.prepare(
    `SELECT number, time, actor, request_id, revision, content_hash, answer_hash, crc
     FROM idempotency ORDER BY number`,
  );
  statement.setReadBigInts(true);
  const answers: NumberedAnswer[] = [];
  for (const row of statement.iterate()) {
    const [actor, requestId] = [row["actor"] as string, row["request_id"] as string];
    const [revision, time] = [row["revision"] as bigint, row["time"] as bigint];
    const contentHash = row["content_hash"] as Uint8Array;
    const crc = answerCrc(actor, requestId, revision, time, contentHash, row["answer_hash"] as Uint8Array);
    if (BigInt(crc) !== row["crc"]) return damaged(path, `answer ${row["number"]} is not what was written`);
    const number = row["number"] as bigint;
    answers.push({ number, actor, requestId, contentHash, revision, time: new Date(Number(time)) });
  }
  return { ok: true, value: answers };
}
