// The processes that a benchmark starts beside Sentinel's: where a program is, which version, until
// it answers, its end, the ports it may have. Knows none of them; peers.ts does.
import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A process that does not answer by then counts as one that does not work. */
const PATIENCE_MS = 30_000;

/** Resolves once the condition holds, asked every `everyMs`; rejects after half a minute, or with what it throws. */
export async function until(
  what: string,
  everyMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await holds()); await pause(everyMs)) {
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
  }
}

/** Resolves once `answers` does; rejects with what the process said if it ends, or after half a minute. */
export async function started(child: ChildProcess, answers: () => Promise<unknown>): Promise<void> {
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    said = (said + text).slice(-500);
  });
  let end: string | undefined;
  child.once("error", (error) => {
    end = error.message;
  });
  child.once("exit", (code, signal) => {
    end = `ended with ${code ?? signal}: ${said.trim()}`;
  });
  let failure = "";
  const isUp = async () => {
    if (end !== undefined) throw new Error(end);
    try {
      await answers();
      return true;
    } catch (error) {
      failure = (error as Error).message;
      return false;
    }
  };
  await until("an answer", 20, isUp).catch((error: Error) => {
    throw new Error(end ?? `${error.message}: ${failure}`);
  });
}

/** Ends it, and waits for that: SIGTERM, after ten seconds SIGKILL. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}

/** Rejects while nobody listens on this port of loopback. */
export async function reachable(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

/** Ports of loopback that nobody has; they are free until somebody else takes them. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Where a program is: in the PATH, or where daemons are that only root has in it. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The first thing that looks like a version: "2.6.12". */
export function versionOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? "unknown";
}
