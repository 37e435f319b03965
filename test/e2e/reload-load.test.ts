// SIGHUP to a real process under load: one route of many has changed, and that is
// all that changes; no request fails, and backends keep their connections.
// `npm run -s bench -- reload` has the times.
// Alone: it needs both processors itself.

import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import {
  type Backend,
  Control,
  get,
  keepAliveAgent,
  type RunningProxy,
  startBackend,
  startProxy,
} from "./proxy-process.ts";

const ROUTES = 2_000;
const CLIENTS = 6;

let proxy: RunningProxy | undefined;
let backend: Backend | undefined;
afterEach(async () => {
  await proxy?.stop();
  await backend?.close();
});

test("one route of many", async () => {
  backend = await startBackend("here");
  const open = new Set<Socket>();
  backend.server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  const running = await startProxy(configOf(backend.address, 100));
  proxy = running;
  const control = new Control(`unix:${running.socket}`);
  const agents = Array.from({ length: CLIENTS }, keepAliveAgent);
  const answers: number[] = [];
  let isDone = false;
  const ask = async (agent: (typeof agents)[0]) => {
    const { status } = await get(running.listeners["http"]!, "/", agent);
    answers.push(status);
  };
  await Promise.all(agents.map(ask));
  const before = [...open];
  expect(before.length).toBeGreaterThan(0);
  const asking = agents.map(async (agent) => {
    while (!isDone) await ask(agent);
  });
  writeFileSync(join(running.stateDir, "sentinel.kdl"), configOf(backend.address, 200));
  running.process.kill("SIGHUP");
  const line = await lineOf(running);
  const { changes } = await control.call("listChanges", { pageSize: 1 });
  isDone = true;
  await Promise.all(asking);
  for (const agent of agents) agent.destroy();
  control.close();
  expect(line).toMatchObject({
    message: "reload-applied",
    applied: true,
    change_count: 1,
    trigger: "signal",
  });
  expect(changes[0]).toMatchObject({
    source: "file",
    effects: [{ id: `r${ROUTES / 2}`, fields: ["priority"] }],
  });
  expect(new Set(answers)).toEqual(new Set([200]));
  // The same sockets; beside them there may be more.
  expect(before.filter((socket) => !open.has(socket))).toEqual([]);
});

/** The line of the log that says what came of the reload. */
async function lineOf({ process: child, log }: RunningProxy) {
  for (;;) {
    const line = log.find(({ message }) => message.startsWith("reload-"));
    if (line !== undefined) return line;
    await new Promise((resolve) => child.stdout!.once("data", resolve));
  }
}

function configOf(address: string, priority: number): string {
  const routes = Array.from(
    { length: ROUTES },
    (_, i) =>
      `route "r${i}" { priority ${i === ROUTES / 2 ? priority : 100}; matches { path "/r${i}" }; upstream "u" }`,
  );
  return `system { worker-threads 2 }
listeners { listener "http" { address "127.0.0.1:0" } }
upstreams { upstream "u" { target "${address}" } }
routes {
${routes.join("\n")}
route "all" { priority "low"; matches { path-prefix "/" }; upstream "u" }
}`;
}
