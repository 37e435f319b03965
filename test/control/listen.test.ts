// Where the control API listens: rights of the socket, what is in its place,
// and what is refused.
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { checkControlAddress, unixPath } from "../../src/control/address.ts";
import { bindControl } from "../../src/control/listen.ts";
import { startControlServer } from "../../src/control/server.ts";
import { dependencies, socketFolder } from "./harness.ts";

// What it says on standard error, the error that is thrown says better.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

let folder: string;
let path: string;
const open: { close(): void }[] = [];

beforeEach(() => {
  folder = socketFolder();
  path = join(folder, "control.sock");
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  rmSync(folder, { recursive: true, force: true });
});

function server(): grpc.Server {
  const made = new grpc.Server();
  open.push({ close: () => made.forceShutdown() });
  return made;
}

async function listening(at: string): Promise<Server> {
  const other = createServer().listen(at);
  await once(other, "listening");
  open.push(other);
  return other;
}

test.each<readonly [number | undefined, number]>([
  [undefined, 0o600],
  [0o660, 0o660],
  [0o666, 0o666],
])("a socket with mode %p has mode %p, whatever the umask", async (mode, expected) => {
  const old = process.umask(0);
  try {
    const address = await bindControl(server(), { address: `unix:${path}`, ...(mode && { mode }) });
    expect(address).toBe(`unix:${path}`);
  } finally {
    expect(process.umask(old)).toBe(0);
  }
  expect(statSync(path).mode & 0o777).toBe(expected);
  expect(statSync(path).isSocket()).toBe(true);
});

test("a group is given by number or name; an unknown one is refused, and nothing is left", async () => {
  const gid = process.getgid!();
  await bindControl(server(), { address: `unix:${path}`, group: String(gid), mode: 0o660 });
  expect(statSync(path)).toMatchObject({ gid });
  const other = join(folder, "other.sock");
  const where = [
    { address: `unix:${join(folder, "a.sock")}` },
    { address: `unix:${other}`, group: "no-such-group" },
  ];
  const started = startControlServer(await dependencies(), where);
  await expect(started).rejects.toThrow("unknown group 'no-such-group'");
  expect(readdirSync(folder)).toEqual(["control.sock"]);
});

test("a socket that nobody listens on is replaced", async () => {
  const other = await listening(path);
  // Closing would remove the file: it is put back as a crash leaves it.
  const kept = join(folder, "kept.sock");
  linkSync(path, kept);
  other.close();
  await once(other, "close");
  linkSync(kept, path);
  await expect(once(connect(path), "connect")).rejects.toThrow("ECONNREFUSED");
  await bindControl(server(), { address: `unix:${path}` });
  const client = connect(path);
  await once(client, "connect");
  client.destroy();
});

test("a socket that answers is somebody else's", async () => {
  await listening(path);
  await expect(bindControl(server(), { address: `unix:${path}` })).rejects.toThrow(
    `${path}: another process is listening`,
  );
  expect(existsSync(path)).toBe(true);
});

test("what is no socket is not removed", async () => {
  writeFileSync(path, "precious");
  await expect(bindControl(server(), { address: `unix:${path}` })).rejects.toThrow(
    `${path} exists and is not a socket`,
  );
  rmSync(path);
  mkdirSync(path);
  await expect(bindControl(server(), { address: `unix:${path}` })).rejects.toThrow("not a socket");
  rmSync(path, { recursive: true });
  symlinkSync(join(folder, "nowhere"), path);
  await expect(bindControl(server(), { address: `unix:${path}` })).rejects.toThrow(/cannot be bound/);
});

test("a folder that is missing is named", async () => {
  const missing = join(folder, "missing", "control.sock");
  await expect(bindControl(server(), { address: `unix:${missing}` })).rejects.toThrow(missing);
});

test("TCP on loopback, asked for: the port that was given is known", async () => {
  const address = await bindControl(server(), { address: "127.0.0.1:0", insecure: true });
  expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  const again = bindControl(server(), { address, insecure: true });
  await expect(again).rejects.toThrow(`control address ${address} cannot be bound`);
});

test.each<readonly [string, boolean, RegExp | undefined]>([
  ["127.0.0.1:9901", true, undefined],
  ["127.9.9.9:9901", true, undefined],
  ["[::1]:9901", true, undefined],
  ["localhost:9901", true, undefined],
  ["127.0.0.1:9901", false, /insecure #true/],
  ["localhost:9901", false, /insecure #true/],
  ["0.0.0.0:9901", true, /not loopback/],
  ["[::]:9901", true, /not loopback/],
  ["[::ffff:127.0.0.1]:9901", true, /not loopback|invalid/],
  ["10.0.0.1:9901", true, /not loopback/],
  ["10.0.0.1:9901", false, /not loopback/],
  ["example.com:9901", true, /invalid control address/],
  ["9901", true, /invalid control address/],
  ["", true, /invalid control address/],
  ["unix:", false, /needs a path/],
  [`unix:/${"x".repeat(106)}`, false, undefined],
  [`unix:/${"x".repeat(107)}`, false, /has 108 bytes/],
  [`unix:/${"é".repeat(54)}`, false, /has 109 bytes/],
])("%s with insecure %p", (address, insecure, problem) => {
  const found = checkControlAddress({ address, insecure });
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});

test("an address that is refused is not bound", async () => {
  const where = { address: "0.0.0.0:0", insecure: true };
  await expect(bindControl(server(), where)).rejects.toThrow("plaintext TCP is refused there");
});

test("unix:///path is unix:/path", () => {
  expect([unixPath("unix:///a/b"), unixPath("unix:/a/b"), unixPath("unix:a")]).toEqual(["/a/b", "/a/b", "a"]);
});
