// What of a real request reaches the routing table: host, normalised path and
// query, in every form of target. Conditions themselves: test/routing.
import { afterEach, expect, test } from "@jest/globals";
import {
  backendOf,
  cleanUp,
  exchange,
  OK,
  onCleanUp,
  routeOf,
  startBackend,
  startPlane,
  upstreamOf,
} from "./harness.ts";

afterEach(cleanUp);

test("patterns and query parameters decide on what the client sent", async () => {
  const backend = await startBackend(() => OK);
  const other = await startBackend(() => OK.replace("\r\n\r\nok", "\r\n\r\nno"));
  onCleanUp(() => other.close());
  const { plane, address } = await startPlane([backend]);
  const second = (matches: Parameters<typeof routeOf>[2]) =>
    plane.apply([
      upstreamOf("v"),
      backendOf("v", "b", { address: other.address }),
      routeOf("v", "v", matches),
    ]);
  const bodyOf = async (target: string, host = "a.test") => {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await exchange(address, bytes);
    return answer.slice(answer.indexOf("\r\n\r\n") + 4) || answer.split("\r\n")[0];
  };
  second({ queryParams: [{ name: "to be", value: "é+" }] });
  expect(await bodyOf("/?to+be=%C3%A9%2b")).toBe("no");
  expect(await bodyOf("/?x=1&to%20be=0&to%20be=%c3%a9%2B")).toBe("no");
  expect(await bodyOf("http://a.test?to+be=%C3%A9%2B")).toBe("no");
  expect(await bodyOf("/?to+be=%C3%A9+")).toBe("ok");
  expect(await bodyOf("/to+be=%C3%A9%2b")).toBe("ok");
  expect(await bodyOf("/")).toBe("ok");
  second({ pathRegexes: ["^/a/[0-9]+$"], hostRegexes: ["^[a-z]\\.test$"] });
  expect(await bodyOf("/a/12", "B.Test.:80")).toBe("no");
  expect(await bodyOf("/a/12?x=/b")).toBe("no");
  expect(await bodyOf("/a/12", "bb.test")).toBe("ok");
  expect(await bodyOf("/a/x?/a/12")).toBe("ok");
  // The raw path would take the other route, so none is taken (L45).
  expect(await bodyOf("/a/b/../12")).toMatch(/^HTTP\/1\.1 400|bad/i);
  plane.apply([{ kind: "route", id: "v", value: undefined }]);
  expect(await bodyOf("/a/12")).toBe("ok");
});
