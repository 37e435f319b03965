// Real configuration files start a proxy that serves traffic. The files are
// third-party and not part of this repository: where they are not beside it, one
// line says so. Only ports are changed, so that the test disturbs nobody.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { type Backend, get, ROOT, startBackend, startProxy } from "./proxy-process.ts";

const COMPAT = join(ROOT, "../shared/compat");

/** File → path → port of the upstream that has to answer. */
const FILES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "docs/docs-getting-started-quick-start-1.kdl": { "/api/users": 3000, "/": 3001, "/api": 3001 },
  "docs/docs-configuration-routes-1.kdl": { "/api/v1": 3001, "/api/v1/x": 3001, "/api/v1x": 3000, "/": 3000 },
  "docs/docs-deployment-monitoring-2.kdl": { "/": 3000, "/anything": 3000 },
  "page/data-types.kdl": { "/": 3000 },
};

if (!existsSync(COMPAT)) {
  test("real files start and serve", () => {
    console.log("the compatibility suite is not beside this repository: not tried");
  });
} else {
  test.each(Object.entries(FILES))("%s starts and serves", async (file, expected) => {
    const upstreams = new Map<number, Backend>();
    for (const port of [3000, 3001]) upstreams.set(port, await startBackend(String(port)));
    let text = readFileSync(join(COMPAT, file), "utf8").replaceAll("0.0.0.0:8080", "127.0.0.1:0");
    for (const [port, { address }] of upstreams) text = text.replaceAll(`127.0.0.1:${port}"`, `${address}"`);
    const proxy = await startProxy(text);
    try {
      for (const [path, port] of Object.entries(expected)) {
        expect([path, await get(proxy.listeners["http"]!, path)]).toMatchObject([
          path,
          { status: 200, body: String(port) },
        ]);
      }
    } finally {
      expect(await proxy.stop()).toBe(0);
      for (const upstream of upstreams.values()) await upstream.close();
    }
  });
}
