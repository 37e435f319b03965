// A process that appends groups to a state folder until it is killed, usually by
// the fault it is given, and says which revisions were acknowledged. Run by the
// tests as `node crash-child.ts DIR JSON`.
import { writeSync } from "node:fs";
import type { OpenOptions } from "../../../src/store/sqlite/open-state.ts";
import { groupOf, Line, open, TestClock } from "./build.ts";

/** What the child does. */
export interface CrashPlan extends Pick<OpenOptions, "faults" | "retention" | "snapshots"> {
  readonly groups: number;
  /** Asks for a snapshot after this group. */
  readonly snapshotAfter?: number;
  /** In the end: closes, waits to be killed, or kills itself (default). */
  readonly end?: "close" | "wait";
}

const [dir = "", json = "{}"] = process.argv.slice(2);
const plan = JSON.parse(json) as CrashPlan;
const clock = new TestClock();
const opened = open(dir, plan, clock);
const line = new Line(opened, clock);
say(`open ${opened.revision}`);
for (let group = 0; group < plan.groups; group++) {
  await opened.persistence.append(groupOf(line, group)).then(
    () => say(`ack ${line.revision}`),
    (error: Error) => say(`fail ${error.message}`),
  );
  clock.ms += 1_000;
  if (plan.snapshotAfter === group) {
    const saved = await opened.persistence.saveSnapshot();
    say(saved.ok ? "saved" : `not saved: ${saved.error.message}`);
  }
}
if (plan.end === "close") {
  await opened.persistence.close();
  say("closed");
} else if (plan.end === "wait") {
  say("waiting");
  setInterval(() => {}, 1_000);
} else {
  // Time for what runs between groups.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 300);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
