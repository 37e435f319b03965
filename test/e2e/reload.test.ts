// Reloads of a running Sentinel: what is taken in, what stays, what is refused and
// where it is said; of a signal, the rpc, and of files that change by themselves.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import type { AppOptions } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { WatchEventsResponse } from "../../src/gen/sentinel/v1/control_pb.ts";
import { cleanUp, FILE, idsOf, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

const FIRST = "127.0.0.1:1";
const SECOND = FILE.replace(`target "${FIRST}"`, `target "${FIRST}"; target "127.0.0.1:3"`);

/** A Sentinel whose configuration is on the disk; `edit` replaces it, `sees` waits for a line of the log. */
async function onDisk(text = FILE, path?: string, more: Partial<AppOptions> = {}) {
  const dir = newFolder();
  const file = path ?? join(dir, "sentinel.kdl");
  if (path === undefined) writeFileSync(file, text);
  const config = loadConfig({ kind: "file", path: file });
  const one = await start(join(dir, "state"), "", { config, configFile: file, ...more });
  return {
    ...one,
    file,
    edit: (next: string) => writeFileSync(file, next),
    sees: (name: string, where: (details: Record<string, unknown>) => boolean = () => true) =>
      seen(one.control, name, where),
  };
}

type Running = Awaited<ReturnType<typeof start>>;

/** Resolves with the details of the first event of a name. */
async function seen(
  control: Running["control"],
  name: string,
  where: (details: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  const stream = control.stream("watchEvents", { names: [name], includeKept: true });
  try {
    for await (const { message } of stream as AsyncIterable<WatchEventsResponse>) {
      if (message.case !== "event") continue;
      const details = (message.value.details ?? {}) as Record<string, unknown>;
      if (message.value.name === name && where(details)) return details;
    }
  } finally {
    stream.on("error", () => {});
    stream.cancel();
  }
  throw new Error(`no ${name}`);
}

test("only what was edited is taken in, as one change; the answer says what", async () => {
  const { app, control, edit, file } = await onDisk();
  await control.call("addBackend", { upstream: "api", backend: { id: "b2", address: "127.0.0.1:2" } });
  await control.call("updateRoute", { route: { id: "all", enabled: false } });
  const { revision } = app.store;
  edit(`// a line more\n${SECOND}`);
  const planned = await control.call("reloadConfig", { validateOnly: true });
  expect(planned.result).toMatchObject({ changed: true, validateOnly: true, revision });
  expect(app.store.revision).toBe(revision);
  const { result, kept, conflicts, warnings } = await control.call("reloadConfig", { reason: "because" });
  expect(result).toMatchObject({ revision: revision + 1n, changed: true, applied: true });
  expect(result!.effects.map(({ id }) => id)).toEqual(["127.0.0.1:3"]);
  expect([kept, conflicts, warnings]).toEqual([[], [], []]);
  expect(idsOf(app)).toEqual([FIRST, "127.0.0.1:3", "b2"]);
  expect(app.store.state.routes.get("all")!.value.enabled).toBe(false);
  const { changes } = await control.call("listChanges", { pageSize: 1 });
  expect(changes[0]).toMatchObject({ source: "file", actor: "local", reason: "because" });
  const { resources } = await control.call("getState", { withProvenance: true });
  expect(resources.find(({ id }) => id === "127.0.0.1:3")?.origin).toBe(`${file}:4`);
  // The same again is nothing.
  const again = await control.call("reloadConfig", {});
  expect(again.result).toMatchObject({ changed: false, revision: revision + 1n });
  const { configFile } = await control.call("getStatus", {});
  expect(configFile).toMatchObject({ file, valid: true, result: "unchanged", trigger: "grpc" });
});

test("the base is what was last taken in, also after a restart", async () => {
  const { app, control, edit, file, end } = await onDisk();
  edit(SECOND);
  await control.call("reloadConfig", {});
  await control.call("removeBackend", { upstream: "api", backendId: "127.0.0.1:3" });
  const { revision } = app.store;
  const dir = join(file, "../state");
  await end();
  const second = await start(dir, "", { config: loadConfig({ kind: "file", path: file }), configFile: file });
  // Not edited since: what was removed at run time stays removed.
  expect([idsOf(second.app), second.app.store.revision]).toEqual([[FIRST], revision]);
  const { result } = await second.control.call("reloadConfig", {});
  expect(result!.changed).toBe(false);
});

test("a file that is wrong changes nothing, and that is said everywhere", async () => {
  const { app, control, edit, file, sees } = await onDisk();
  const { revision } = app.store;
  edit(FILE.replace("routes {", "rutes {").replace('priority "low"', 'prioritty "low"'));
  const refusal = await control.refused("reloadConfig", {});
  expect(refusal).toMatchObject({ code: "INVALID_ARGUMENT", reason: "invalid" });
  expect(refusal.violations.map(({ field, reason }) => [field, reason])).toContainEqual([
    `${file}:4:1`,
    "unknown-block",
  ]);
  const details = await sees("reload-rejected");
  const problem = { severity: "error", code: "unknown-block", file, line: 4, column: 1 };
  expect(details["diagnostics"]).toContainEqual(expect.objectContaining(problem));
  const { configFile } = await control.call("getStatus", {});
  expect(configFile).toMatchObject({ valid: false, result: "rejected", problems: [{ line: 4 }] });
  expect(app.store.revision).toBe(revision);
  const { attempts } = await refusedAttempts(control);
  expect(attempts).toContain("unknown-block");
  edit(SECOND);
  const { result } = await control.call("reloadConfig", {});
  expect(result!.revision).toBe(revision + 1n);
  expect((await control.call("getStatus", {})).configFile).toMatchObject({ valid: true, problems: [] });
});

test.each([false, true])(
  "files that it names are checked as at the start (skipFiles: %s)",
  async (skipFiles) => {
    const { control, edit } = await onDisk(FILE, undefined, { skipFiles });
    edit(FILE.replace('upstream "api" }', 'static-files { root "/nowhere" } }'));
    const { violations } = await control.refused("reloadConfig", {});
    const codes = violations.map(({ reason }) => reason);
    // Refused in any case: they are not implemented.
    expect(codes).toContain("not-implemented");
    expect(codes.includes("file-missing")).toBe(!skipFiles);
  },
);

test("what both sides changed: the file wins and it is named, or it is refused", async () => {
  const { control, edit, sees } = await onDisk();
  await control.call("updateRoute", { route: { id: "all", priority: 7 } });
  edit(FILE.replace('"low"', '"high"'));
  const { conflicts } = await control.call("reloadConfig", {});
  expect(conflicts).toMatchObject([{ id: "all", field: "priority", live: "7" }]);
  expect(await sees("run-time-change-overwritten")).toMatchObject({ field: "priority", live: "7" });
  await control.call("updateRoute", { route: { id: "all", priority: 8 } });
  edit(`control { reload-conflicts "refuse" }\n${FILE.replace('"low"', '"normal"')}`);
  const refusal = await control.refused("reloadConfig", {});
  expect(refusal).toMatchObject({
    code: "FAILED_PRECONDITION",
    violations: [{ reason: "run-time-conflict" }],
  });
});

test("what is kept is named; the guard rail holds, unless it is forced", async () => {
  const many = (n: number) =>
    Array.from({ length: n }, (_, i) => `upstream "u${i}" { target "127.0.0.1:${i + 9}" }`);
  const file = (n: number, more = "") =>
    FILE.replace("upstreams {", `upstreams { ${many(n).join("\n")}\n${more}\n`);
  const { app, control, edit } = await onDisk(file(10, 'upstream "gone" { target "127.0.0.1:5" }'));
  await control.call("removeUpstream", { upstreamId: "gone" });
  edit(file(10, 'upstream "gone" { target "127.0.0.1:6" }'));
  const { result, kept } = await control.call("reloadConfig", {});
  expect([result!.changed, kept.map(({ id }) => id)]).toEqual([false, ["127.0.0.1:6", "127.0.0.1:5"].sort()]);
  edit(file(2));
  const refusal = await control.refused("reloadConfig", {});
  expect(refusal).toMatchObject({ violations: [{ reason: "too-many-removals" }] });
  await control.call("reloadConfig", { force: true });
  expect(app.store.state.upstreams.size).toBe(3);
});

test("a listener that cannot be bound fails the reload as a whole", async () => {
  const taken = await onDisk();
  const [bound] = await taken.app.workers.boundListeners();
  const { app, control, edit } = await onDisk();
  const { revision } = app.store;
  edit(SECOND.replace("listeners {", `listeners { listener "more" { address "${bound!.boundAddress}" };`));
  const refusal = await control.refused("reloadConfig", {});
  expect(refusal.violations).toMatchObject([{ reason: "address-unavailable" }]);
  expect([app.store.revision, idsOf(app)]).toEqual([revision, [FIRST]]);
});

test("a reload in the midst of other changes misses none, and is never stale", async () => {
  const { app, control, edit } = await onDisk();
  edit(SECOND);
  let isDone = false;
  const reload = control.call("reloadConfig", {}).finally(() => {
    isDone = true;
  });
  let added = 0;
  for (; !isDone || added < 20; added++) {
    const backend = { id: `b${added}`, address: `127.0.0.1:${1000 + added}` };
    await control.call("addBackend", { upstream: "api", backend });
  }
  expect((await reload).result).toMatchObject({ changed: true });
  expect(idsOf(app)).toHaveLength(added + 2);
});

test("signals that come together are one reload", async () => {
  const { app, control, edit, sees } = await onDisk();
  for (let i = 3; i < 8; i++) {
    edit(FILE.replace(`target "${FIRST}"`, `target "${FIRST}"; target "127.0.0.1:${i}"`));
    app.reload();
  }
  await sees("reload-applied", ({ trigger }) => trigger === "signal");
  await control.call("reloadConfig", {});
  expect(idsOf(app)).toEqual([FIRST, "127.0.0.1:7"]);
  // The one that had begun, and one for all after it.
  const { changes } = await control.call("listChanges", {});
  expect(changes.filter(({ source }) => source === "file").length).toBeLessThanOrEqual(3);
});

test("what takes effect at the next start is said", async () => {
  const { control, edit } = await onDisk();
  edit(FILE.replace("worker-threads 1", 'worker-threads 2; health-listen "127.0.0.1:0"'));
  const { result, warnings } = await control.call("reloadConfig", {});
  expect(result!.changed).toBe(true);
  expect(warnings.map(({ code, message }) => [code, message.split("'")[1]])).toEqual([
    ["next-start", "worker-threads"],
    ["next-start", "health-listen"],
  ]);
});

const AUTO = FILE.replace("system {", "system { auto-reload #true;");

test("auto-reload: a file that is written, or replaced by another one; off again", async () => {
  const { app, edit, file, sees } = await onDisk(AUTO);
  const isAuto = ({ trigger }: Record<string, unknown>) => trigger === "auto-reload";
  const target = (port: number) => AUTO.replace(`"${FIRST}"`, `"127.0.0.1:${port}"`);
  edit(target(2));
  const first = await sees("reload-applied", isAuto);
  expect(idsOf(app)).toEqual(["127.0.0.1:2"]);
  // As editors do it.
  writeFileSync(`${file}.new`, target(3));
  renameSync(`${file}.new`, file);
  const second = await sees("reload-applied", (one) => isAuto(one) && one["revision"] !== first["revision"]);
  expect(idsOf(app)).toEqual(["127.0.0.1:3"]);
  edit("nonsense {");
  await sees("reload-rejected", isAuto);
  edit(target(4).replace("#true", "#false"));
  await sees("reload-applied", (one) => isAuto(one) && Number(one["revision"]) > Number(second["revision"]));
  expect(idsOf(app)).toEqual(["127.0.0.1:4"]);
});

test("auto-reload: all files of a ConfigMap, replaced at once by a link", async () => {
  const dir = newFolder();
  const version = (name: string, text: string) => {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, "sentinel.kdl"), text);
  };
  version("..v1", AUTO);
  symlinkSync("..v1", join(dir, "..data"));
  symlinkSync("..data/sentinel.kdl", join(dir, "sentinel.kdl"));
  const { app, sees } = await onDisk("", join(dir, "sentinel.kdl"));
  for (const port of [2, 3]) {
    version(`..v${port}`, AUTO.replace(`"${FIRST}"`, `"127.0.0.1:${port}"`));
    symlinkSync(`..v${port}`, join(dir, "..data_tmp"));
    renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
    rmSync(join(dir, `..v${port - 1}`), { recursive: true });
    await sees("reload-applied", ({ revision }) => Number(revision) === port);
    expect(idsOf(app)).toEqual([`127.0.0.1:${port}`]);
  }
});

test("auto-reload: a file that is new in a folder of which all are read", async () => {
  const dir = newFolder();
  mkdirSync(join(dir, "conf.d"));
  writeFileSync(join(dir, "sentinel.kdl"), `include "conf.d/*.kdl"\n${AUTO}`);
  const { app, sees } = await onDisk("", join(dir, "sentinel.kdl"));
  writeFileSync(join(dir, "conf.d/more.kdl"), 'upstreams { upstream "more" { target "127.0.0.1:9" } }');
  await sees("reload-applied");
  expect([...app.store.state.upstreams.keys()].sort()).toEqual(["api", "more"]);
});

/** The refused attempts of the audit trail, as text. */
async function refusedAttempts(control: Running["control"]) {
  const { changes } = await control.call("listChanges", { filter: 2 });
  return {
    attempts: JSON.stringify(changes, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
  };
}
