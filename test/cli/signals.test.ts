// How a proxy ends: a signal, a second one, a signal of another kind, and what
// is left behind.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { configOf, get, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";

let backend: Server | undefined;
let proxy: RunningProxy | undefined;

afterEach(async () => {
  await proxy?.stop();
  backend?.close();
  backend?.closeAllConnections();
});

/** A proxy with a request in flight that its backend answers when it is told to. */
async function busyProxy(): Promise<{ proxy: RunningProxy; answer: () => void; answered: Promise<number> }> {
  backend = createServer().listen(0, "127.0.0.1");
  await once(backend, "listening");
  const { port } = backend.address() as AddressInfo;
  proxy = await startProxy(configOf({ api: [`127.0.0.1:${port}`] }));
  const arrival = once(backend, "request");
  const answered = get(proxy.listeners["http"]!, "/").then(
    ({ status }) => status,
    () => 0,
  );
  const [, response] = (await arrival) as [unknown, ServerResponse];
  return { proxy, answered, answer: () => response.end("late") };
}

/** Resolves when the proxy has said that it stops. */
async function stopping({ log, process: child }: RunningProxy): Promise<void> {
  while (!log.some(({ message }) => message === "stopping")) await once(child.stdout!, "data");
}

test("SIGTERM: the request in flight is finished, exit code 0, the socket is gone", async () => {
  const { proxy: running, answer, answered } = await busyProxy();
  const exited = once(running.process, "exit");
  running.process.kill("SIGTERM");
  await stopping(running);
  answer();
  expect(await answered).toBe(200);
  expect(await exited).toEqual([0, null]);
  expect(existsSync(running.socket)).toBe(false);
  expect(running.log.at(-1)).toMatchObject({ message: "stopped" });
});

test("SIGINT and SIGTERM together are one request to stop", async () => {
  const { proxy: running, answer, answered } = await busyProxy();
  const exited = once(running.process, "exit");
  running.process.kill("SIGINT");
  running.process.kill("SIGTERM");
  await stopping(running);
  answer();
  expect(await answered).toBe(200);
  expect(await exited).toEqual([0, null]);
});

test("a second SIGTERM ends it at once", async () => {
  const { proxy: running, answered } = await busyProxy();
  const exited = once(running.process, "exit");
  running.process.kill("SIGTERM");
  await stopping(running);
  running.process.kill("SIGTERM");
  expect(await exited).toEqual([2, null]);
  expect(await answered).toBe(0);
});
