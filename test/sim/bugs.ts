// The test hook for deliberate bugs: wraps what sends items of a sequence, and
// now and then does silently what a bug of the product could do: leaves one out,
// gives one the digest of its predecessor, sends two in the wrong order.
import type { WatchChangesResponse } from "../../src/gen/sentinel/v1/control_pb.ts";
import type { CommittedChange } from "../../src/store/change-log.ts";
import { encodeChange } from "../../src/worker/feed.ts";
import type { History } from "./history.ts";
import type { BugPlace } from "./plan.ts";
import type { World } from "./world.ts";

/** How often an item is affected. */
const RATE = 0.1;

type Event = WatchChangesResponse["event"];

/** Encodes changes for one worker, with the bug if this is its place. */
export function feedBug(world: World, history: History): (change: CommittedChange) => readonly Uint8Array[] {
  return spoiled(world, "feed", encodeChange, (change) =>
    encodeChange({ ...change, state: history.stateAt(change.revision - 1n)! }),
  );
}

/** Passes the events of one watch on, with the bug if this is its place. */
export function watchBug(world: World, history: History): (event: Event) => readonly Event[] {
  const stale = (event: Event): Event => {
    if (event.case !== "change") return event;
    const { change } = event.value;
    const digest = history.digestAt(change!.revision - 1n)!;
    return { case: "change", value: { ...event.value, change: { ...change!, digest } } };
  };
  const spoil = spoiled<Event, Event>(world, "watch", (event) => event, stale);
  return (event) => (event.case === "change" ? spoil(event) : [event]);
}

/**
 * Turns an item into what is sent for it: mostly `send(item)`; with a bug at
 * this place now and then nothing, `stale(item)`, or two items, swapped.
 */
function spoiled<I, O>(
  world: World,
  place: BugPlace,
  send: (item: I) => O,
  stale: (item: I) => O,
): (item: I) => readonly O[] {
  const { bug } = world.plan;
  if (bug?.place !== place) return (item) => [send(item)];
  let held: O | undefined;
  return (item) => {
    const isHit = world.random.chance(RATE);
    const behind = held;
    if (behind !== undefined) {
      held = undefined;
      return [send(item), behind];
    }
    if (!isHit) return [send(item)];
    switch (bug.kind) {
      case "drop-change":
        return [];
      case "stale-digest":
        return [stale(item)];
      case "reorder":
        held = send(item);
        return [];
    }
  };
}
