// Events of a real process: what the log says, sentinel events and the client's
// watch say too; across a restart, with its gap named.
import { afterEach, expect, test } from "@jest/globals";
import { Event_Severity, SentinelClient, type WatchedEvent } from "../../src/client/client.ts";
import { NOT_EVENTS } from "../../src/telemetry/event-names.ts";
import { invoke } from "../cli/invoke.ts";
import { cleanUp, newFolder, start } from "./app-in-folder.ts";
import { configOf, startProxy } from "./proxy-process.ts";

afterEach(cleanUp);

test("events and lines of the log have the same names, in the same order", async () => {
  const proxy = await startProxy(configOf({ api: [] }));
  try {
    const at = ["--control", `unix:${proxy.socket}`];
    expect(await invoke("backend", "add", "none", "a:1", "--reason", "why", ...at)).toMatchObject({
      code: 1,
    });
    await invoke("snapshot", "save", ...at);
    const { code, stdout, stderr } = await invoke("events", "--json", ...at);
    expect([code, stderr]).toEqual([0, ""]);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; sequence: string; details: object });
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, i) => i + 1));
    const names = events.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["state-opened", "worker-live", "started"]));
    expect(names.slice(-2)).toEqual(["change-refused", "snapshot-written"]);
    const lines = proxy.log
      .map(({ message }) => message)
      .filter((name) => !(NOT_EVENTS as ReadonlySet<string>).has(name));
    expect(lines.slice(0, names.length)).toEqual(names.slice(0, lines.length));
    expect(events.at(-2)).toMatchObject({
      severity: "SEVERITY_WARNING",
      revision: "1",
      details: { actor: "local", reason: "why", rpc: "AddBackend" },
    });
    const since = await invoke("events", "--since", String(events.length - 1), ...at);
    expect(since.stdout).toMatch(/^\d+ \S+Z info snapshot-written path \S+: a snapshot file was written\n$/);
    const chosen = await invoke("events", "--name", "state", "change", "--severity", "warning", ...at);
    expect(chosen.stdout.match(/change-refused|state-opened/g)).toEqual(["change-refused"]);
  } finally {
    await proxy.stop();
  }
}, 60_000);

test("the client's watch tells of freezes, confirmations and reverts, and of a restart as a gap", async () => {
  const dir = newFolder();
  const first = await start(dir);
  const client = new SentinelClient(`unix:${dir}/control.sock`);
  const watched = client.watchEvents({ names: ["freeze", "change", "started"], includeKept: true });
  const next = async (count: number): Promise<string[]> => {
    const told: WatchedEvent[] = [];
    while (told.length < count) told.push((await watched.next()).value as WatchedEvent);
    return told.map((item) =>
      item.type === "gap" ? "gap" : `${item.event.name} ${item.event.subject}`.trim(),
    );
  };
  const add = (id: string, seconds: bigint) =>
    client.call("addBackend", {
      upstream: "api",
      backend: { id, address: `${id}:1` },
      options: { confirmWithin: { seconds } },
    });
  expect(await next(1)).toEqual(["started"]);
  const { result } = await add("kept", 3_600n);
  const { historyId, revision } = result!;
  await client.call("confirmChange", { historyId, revision });
  await add("dropped", 1n);
  expect(await next(4)).toEqual([
    `change-unconfirmed revision ${revision}`,
    `change-confirmed revision ${revision}`,
    `change-unconfirmed revision ${revision + 1n}`,
    `change-reverted revision ${revision + 1n}`,
  ]);
  const { freezeId } = await client.call("freeze", { ttl: { seconds: 60n }, reason: "holidays" });
  await expect(add("frozen", 1n)).rejects.toMatchObject({ refusal: { reason: "frozen" } });
  await client.call("unfreeze", { freezeId });
  expect(await next(3)).toEqual(["freeze-set", "change-refused", "freeze-ended"]);
  expect(first.events()).not.toContain(freezeId);

  await first.end();
  await start(dir);
  expect(await next(2)).toEqual(["gap", "started"]);
  client.close();
  expect((await watched.next()).done).toBe(true);
  expect(Event_Severity.ERROR).toBeGreaterThan(Event_Severity.WARNING);
}, 60_000);
