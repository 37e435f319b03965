// What is told becomes a line and an event of the same name; the catalogue of
// names is what the code writes, and what the documentation says.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { limits } from "../../src/core/index.ts";
import { Event_Severity } from "../../src/gen/sentinel/v1/events_pb.ts";
import { EventLog } from "../../src/telemetry/event-log.ts";
import { EVENTS, type EventMeaning, NOT_EVENTS } from "../../src/telemetry/event-names.ts";
import { RecentLines } from "../../src/telemetry/recent-lines.ts";
import { Recorder } from "../../src/telemetry/recorder.ts";
import { prose, ROOT } from "../docs/documents.ts";

function recorder() {
  const lines: unknown[] = [];
  const events = new EventLog("a");
  const log = {
    write: (level: string, name: string, fields = {}) => lines.push([level, name, fields]),
    close: () => Promise.resolve(),
  };
  const kept = new RecentLines();
  const options = { log, events, lines: kept, clock: () => new Date(5_000) };
  return { lines, events, kept, recorder: new Recorder(options) };
}

test("one call is a line and an event, with what it is about and why", () => {
  const { lines, events, recorder: told } = recorder();
  told.write("error", "worker-gone", { worker: 3, reason: "it hung", revision: 7n, gone: undefined });
  expect(lines).toEqual([
    ["error", "worker-gone", { worker: 3, reason: "it hung", revision: 7n, gone: undefined }],
  ]);
  expect(events.at(1n)).toMatchObject({
    sequence: 1n,
    time: { seconds: 5n },
    severity: Event_Severity.ERROR,
    name: "worker-gone",
    subject: "worker 3",
    message: "a worker has ended and is replaced: it hung",
    revision: 7n,
    details: { worker: 3, reason: "it hung", revision: "7" },
  });
  const errors = [
    { code: "invalid", message: "no" },
    { code: "limit", message: "neither" },
  ];
  told.write("warn", "change-refused", { revision: "8", errors });
  told.write("error", "revert-refused", { reverts: 2n, errors: ["a", "b"] });
  expect([2n, 3n].map((sequence) => events.at(sequence))).toMatchObject([
    { message: "an attempt to change something was refused: no", subject: "", revision: 8n },
    { subject: "revision 2", message: expect.stringMatching(/again: a$/), revision: 0n },
  ]);
});

test("what was committed is a line only", () => {
  const { lines, events, recorder: told } = recorder();
  told.write("info", "change", { revision: "1" });
  expect([lines.length, events.sequence]).toEqual([1, 0n]);
});

test("the newest lines are kept, as the log has them", () => {
  const { kept, recorder: told } = recorder();
  const total = 2 * limits.MAX_KEPT_LINES + 3;
  for (let worker = 0; worker < total; worker++) {
    told.write("info", "worker-live", { worker, revision: 7n, nested: { big: 1n } });
  }
  const lines = [...kept.newestFirst()].map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ worker }) => worker)).toEqual(
    Array.from({ length: limits.MAX_KEPT_LINES }, (_, i) => total - 1 - i),
  );
  expect(lines[0]).toEqual({
    worker: total - 1,
    revision: "7",
    nested: { big: "1" },
    level: "info",
    message: "worker-live",
    timestamp: "1970-01-01T00:00:05.000Z",
  });
});

test("lines say where the audit chain is, once there is one", () => {
  const { lines, recorder: told } = recorder();
  told.write("info", "stopped");
  const hash = Uint8Array.from({ length: 40 }, (_, i) => i).subarray(8);
  told.follow({ auditHead: { row: 9n, hash } });
  told.write("info", "stopped", { a: 1 });
  told.follow({ auditHead: undefined });
  told.write("info", "stopped");
  expect(lines.map((line) => (line as unknown[])[2])).toEqual([
    {},
    { a: 1, audit_row: 9n, audit_head: "08090a0b0c0d0e0f" },
    {},
  ]);
});

test("every name of the catalogue is written somewhere, and documented with what it means", () => {
  const code = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !["event-names.ts", "api.binpb"].includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
  const names = Object.keys(EVENTS);
  expect(names.filter((name) => !new RegExp(`write\\(\\s*"[a-z]+",\\s*"${name}"`).test(code))).toEqual([]);
  const rows = [
    ...prose("docs/operations.md").matchAll(/^\| `([a-z-]+)` \| (info|warning|error) \| (.*) \| (.*) \|$/gm),
  ].map(([, ...row]) => row);
  const expected = Object.entries<EventMeaning>(EVENTS)
    .filter(([name]) => !(NOT_EVENTS as ReadonlySet<string>).has(name))
    .map(([name, { level, subject = "", text }]) => [
      name,
      level === "warn" ? "warning" : level,
      subject,
      text,
    ]);
  expect(rows.sort()).toEqual(expected.sort());
});
