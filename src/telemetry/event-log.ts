// The events of one life of the process, numbered from 1: a bounded window in
// memory, from which watchers read at their own pace. Written by the recorder
// only; knows nothing of what the events are about.
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { limits } from "../core/index.ts";
import { type Event, EventSchema } from "../gen/sentinel/v1/events_pb.ts";

/** An event before it has its place. */
export interface NewEvent extends Pick<Event, "name" | "severity" | "subject" | "message" | "revision"> {
  readonly time: Date;
  readonly details: JsonObject;
}

/** Events of one name in one second. */
interface Rate {
  second: number;
  count: number;
  leftOut: number;
}

/** See the head of this file. Invariant: sequences in it are consecutive. */
export class EventLog {
  /** Identifies this log. */
  readonly id: string;
  readonly #rates = new Map<string, Rate>();
  readonly #listeners = new Set<() => void>();
  #events: Event[] = [];
  /** Sequence of the first of #events, less one. */
  #start = 0n;

  constructor(id: string) {
    this.id = id;
  }

  /** Number of the newest event; 0 before the first. */
  get sequence(): bigint {
    return this.#start + BigInt(this.#events.length);
  }

  /** The number after which every event is kept. */
  get oldest(): bigint {
    const { sequence } = this;
    const kept = BigInt(limits.MAX_KEPT_EVENTS);
    return sequence - this.#start > kept ? sequence - kept : this.#start;
  }

  /** The event of a number, if it is kept. */
  at(sequence: bigint): Event | undefined {
    return sequence > this.oldest ? this.#events[Number(sequence - this.#start) - 1] : undefined;
  }

  /** Adds an event, unless there are too many of its name. */
  push({ time, details, ...event }: NewEvent): void {
    const leftOut = this.#leaveOut(event.name, time);
    if (leftOut === undefined) return;
    const added = leftOut === 0 ? {} : { left_out: leftOut };
    const sequence = this.sequence + 1n;
    this.#events.push(
      create(EventSchema, {
        ...event,
        sequence,
        time: timestampFromDate(time),
        details: { ...bounded(details), ...added },
      }),
    );
    if (this.#events.length >= 2 * limits.MAX_KEPT_EVENTS) {
      this.#events = this.#events.slice(-limits.MAX_KEPT_EVENTS);
      this.#start = sequence - BigInt(this.#events.length);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after every later event; returns how to stop it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many of this name were left out since the last one; undefined if this one is, too. */
  #leaveOut(name: string, time: Date): number | undefined {
    const second = Math.floor(time.getTime() / 1_000);
    let rate = this.#rates.get(name);
    if (rate === undefined) {
      rate = { second, count: 0, leftOut: 0 };
      this.#rates.set(name, rate);
    }
    if (rate.second !== second) Object.assign(rate, { second, count: 0 });
    if (rate.count >= limits.MAX_SAME_EVENTS_PER_SECOND) {
      rate.leftOut++;
      return undefined;
    }
    rate.count++;
    const { leftOut } = rate;
    rate.leftOut = 0;
    return leftOut;
  }
}

/** The details, without the longest ones where they are too long together. */
function bounded(details: JsonObject): JsonObject {
  const sizes = Object.entries(details).map(([key, value]) => ({ key, size: sizeOf(key, value) }));
  let total = sizes.reduce((sum, { size }) => sum + size, 0);
  if (total <= limits.MAX_EVENT_BYTES) return details;
  const shorter = { ...details };
  for (const { key, size } of sizes.sort((a, b) => b.size - a.size)) {
    if (total <= limits.MAX_EVENT_BYTES) break;
    const note = `(${size} bytes, see the log)`;
    shorter[key] = note;
    total += sizeOf(key, note) - size;
  }
  return shorter;
}

function sizeOf(key: string, value: JsonValue): number {
  return Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value));
}
