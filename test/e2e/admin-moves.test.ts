// One address that goes from a listener of the main thread to one of the workers, and
// back, in one change: of a command list, and of a reload.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/load.ts";
import { commands as commandsOf } from "../core/build.ts";
import { cleanUp, FILE, newFolder, start } from "./app-in-folder.ts";

afterEach(cleanUp);

/** An address that nobody has. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** What serves an address: the admin endpoints, the routes (whose backend is not there), or nobody. */
async function servedBy(address: string): Promise<string> {
  const response = await fetch(`http://${address}/nothing`, { headers: { connection: "close" } }).catch(
    () => undefined,
  );
  if (response === undefined) return "nobody";
  await response.text();
  return response.status === 404 ? "admin" : response.status === 502 ? "routes" : String(response.status);
}

/** The file with the admin endpoints at the one address and a listener for routes at the other. */
const fileOf = (admin: string, routes: string) =>
  FILE.replace(
    "listeners {",
    `listeners { listener "admin" { address "${admin}" }; listener "web" { address "${routes}" };`,
  );

async function onDisk(text: string) {
  const dir = newFolder();
  const file = join(dir, "sentinel.kdl");
  writeFileSync(file, text);
  const config = loadConfig({ kind: "file", path: file });
  const one = await start(join(dir, "state"), "", { config, configFile: file });
  return { ...one, edit: (next: string) => writeFileSync(file, next) };
}

test("a reload swaps their addresses, and swaps them back", async () => {
  const [one, other] = [await freeAddress(), await freeAddress()];
  const { control, edit } = await onDisk(fileOf(one, other));
  expect([await servedBy(one), await servedBy(other)]).toEqual(["admin", "routes"]);
  for (const [admin, routes] of [
    [other, one],
    [one, other],
  ] as const) {
    edit(fileOf(admin, routes));
    const { result } = await control.call("reloadConfig", {});
    expect(result).toMatchObject({ changed: true, applied: true });
    expect([await servedBy(admin), await servedBy(routes)]).toEqual(["admin", "routes"]);
  }
});

test("a diff gives the address of one that goes to one that comes, both ways", async () => {
  const [at, elsewhere] = [await freeAddress(), await freeAddress()];
  const { control } = await onDisk(FILE);
  const apply = async (...commands: readonly JsonObject[]) => {
    const diff = { commands: commandsOf(...commands) };
    expect((await control.call("applyDiff", diff)).result).toMatchObject({ changed: true });
  };
  const add = (id: string, address: string) => ({ addListener: { listener: { id, address } } });
  const remove = (listenerId: string) => ({ removeListener: { listenerId } });
  await apply(add("admin", at));
  expect(await servedBy(at)).toBe("admin");
  await apply(remove("admin"), add("web", at));
  expect(await servedBy(at)).toBe("routes");
  await apply(remove("web"), add("admin", at));
  expect(await servedBy(at)).toBe("admin");
  // It is free again for whoever comes next.
  await apply({ updateListener: { listener: { id: "admin", address: elsewhere } } });
  expect([await servedBy(at), await servedBy(elsewhere)]).toEqual(["nobody", "admin"]);
});
