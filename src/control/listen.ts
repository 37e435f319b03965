// Binds the control API. A unix socket gets its mode before anybody can
// connect; a stale socket file is removed, one that answers is somebody else's.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { type ControlAddress, checkControlAddress, unixPath } from "./address.ts";

const DEFAULT_MODE = 0o600;

/** Binds one address; resolves to how clients reach it. Rejects with a message that names the address. */
export async function bindControl(server: grpc.Server, where: ControlAddress): Promise<string> {
  const problem = checkControlAddress(where);
  if (problem !== undefined) throw new Error(problem);
  if (where.address.startsWith("unix:")) return bindUnix(server, where);
  const port = await bind(server, where.address);
  return where.address.replace(/:\d+$/, `:${port}`);
}

async function bindUnix(server: grpc.Server, where: ControlAddress): Promise<string> {
  const path = unixPath(where.address);
  await removeStale(path);
  const mode = where.mode ?? DEFAULT_MODE;
  // The umask is process-wide: this runs before anything else creates files.
  const old = process.umask(0o177);
  try {
    await bind(server, `unix:${path}`);
  } finally {
    process.umask(old);
  }
  if (where.group !== undefined) await chown(path, -1, await groupId(where.group));
  if (mode !== DEFAULT_MODE) await chmod(path, mode);
  return `unix:${path}`;
}

async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket`);
  // Only a refusal says that nobody listens: a full backlog or missing rights do not.
  const code = await probe(path);
  if (code === "ENOENT") return;
  if (code !== "ECONNREFUSED") throw new Error(`${path}: another process is listening`);
  await rm(path, { force: true });
}

/** The code of the error that connecting ends with; "" if it succeeds or takes too long. */
async function probe(path: string): Promise<string> {
  const socket = connect(path);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(500) });
    return "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  } finally {
    socket.destroy();
  }
}

async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const { stdout } = await promisify(execFile)("getent", ["group", group]).catch(() => ({ stdout: "" }));
  const id = Number(stdout.split(":")[2]);
  if (stdout === "" || Number.isNaN(id)) throw new Error(`unknown group '${group}' for the control socket`);
  return id;
}

function bind(server: grpc.Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(new Error(`control address ${address} cannot be bound: ${error.message}`));
      else resolve(port);
    });
  });
}
