// Requests that are sent again: the same request id of the same actor gets the
// first answer, also after a restart; while the first is under way, a second one
// waits for it. Looked up before everything else, so that a repetition of what
// was committed is never refused for what has changed since.
import { fromBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ConfigError } from "../core/index.ts";
import { StoredAnswerSchema } from "../gen/sentinel/internal/v1/storage_pb.ts";
import type { Accepted, Attempt, Rejected } from "./attempt.ts";
import { answerKey } from "./memory.ts";
import type { Journal, KnownAnswer } from "./persistence.ts";
import { contentHashOf } from "./record.ts";
import { messageOf } from "./storage-error.ts";
import { changesOf } from "./stored.ts";

interface UnderWay {
  readonly contentHash: Uint8Array;
  readonly outcome: Promise<Accepted | Rejected>;
}

/** See the head of this file. */
export class Repetitions {
  readonly #journal: Journal;
  readonly #refuse: (attempt: Attempt, error: ConfigError) => Rejected;
  readonly #underWay = new Map<string, UnderWay>();

  constructor(journal: Journal, refuse: (attempt: Attempt, error: ConfigError) => Rejected) {
    this.#journal = journal;
    this.#refuse = refuse;
  }

  /** The first answer to this request, or what `decide` makes of it if it is the first. */
  answer(attempt: Attempt, decide: () => Promise<Accepted | Rejected>): Promise<Accepted | Rejected> {
    const { actor, requestId = "", validateOnly = false } = attempt;
    if (requestId === "" || validateOnly) return decide();
    const key = answerKey(actor, requestId);
    const contentHash = contentHashOf(attempt);
    const underWay = this.#underWay.get(key);
    const first = underWay ?? this.#journal.findAnswer(actor, requestId);
    if (first !== undefined && !isEqual(first.contentHash, contentHash)) {
      return Promise.resolve(this.#refuse(attempt, reused(requestId)));
    }
    if (underWay !== undefined) return underWay.outcome;
    if (first !== undefined) return this.#recall(attempt, first as KnownAnswer);
    const outcome = decide();
    this.#underWay.set(key, { contentHash, outcome });
    void outcome.then(() => this.#underWay.delete(key));
    return outcome;
  }

  async #recall(attempt: Attempt, known: KnownAnswer): Promise<Accepted | Rejected> {
    const bytes = await this.#journal.answerBytes(known);
    if (!bytes.ok) return this.#refuse(attempt, unreadable(bytes.error.message));
    try {
      const { revision, changed, time, warnings } = fromBinary(StoredAnswerSchema, bytes.value);
      const change = changed ? await this.#journal.change(revision) : undefined;
      return {
        ok: true,
        revision,
        changed,
        // What the change did is told as long as it is kept.
        changes: change?.ok === true ? changesOf(change.value) : [],
        warnings,
        time: time === undefined ? known.time : timestampDate(time),
        timings: { validateUs: 0, persistUs: 0 },
        isRepeated: true,
      };
    } catch (error) {
      return this.#refuse(attempt, unreadable(messageOf(error)));
    }
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function reused(requestId: string): ConfigError {
  return {
    code: "invalid",
    rule: "request-id-reused",
    path: "options.request_id",
    message: `request id '${requestId}' was used for another request`,
    hint: "make a new id for every new request, and send the same request again under its own",
  };
}

function unreadable(reason: string): ConfigError {
  const message = `the first answer to this request cannot be read: ${reason}`;
  return { code: "unavailable", rule: "unavailable", path: "", message, hint: "try again" };
}
