// The schema knows every key of the format: fixtures/config/format-keys.json
// lists [key, other spellings, class] of every table of the specification.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { allSpecs, keyHint, rowFor } from "../../src/config/keys.ts";
import type { Row } from "../../src/config/schema/row.ts";

type Key = readonly [key: string, also: readonly string[], classes: string];
const TABLES: readonly { readonly block: string; readonly keys: readonly Key[] }[] = JSON.parse(
  readFileSync(new URL("../fixtures/config/format-keys.json", import.meta.url), "utf8"),
);

function rowsOf(block: string, key: string): Row[] {
  const path = block.replace(" (additions)", "");
  return allSpecs()
    .filter((spec) => spec.path === path)
    .flatMap((spec) => rowFor(spec, key) ?? []);
}

describe("every key of every table", () => {
  test.each(TABLES)("$block is known", ({ block, keys }) => {
    expect(keys.length).toBeGreaterThan(0);
    for (const [key, also] of keys) {
      const canonical = rowsOf(block, key).map((row) => row.key);
      expect({ block, key, canonical: canonical.length > 0 }).toEqual({ block, key, canonical: true });
      for (const spelling of also) {
        expect({ block, spelling, row: rowsOf(block, spelling)[0]?.key }).toEqual({
          block,
          spelling,
          row: canonical[0],
        });
      }
    }
  });
});

/** Blocks that are judged as a whole, so that the class of one key inside adds nothing. */
const JUDGED_AS_A_WHOLE = [
  "agents/agent",
  "filters/filter",
  "filters/filter[agent]",
  "filters/filter[geo]",
  "namespace",
  "namespace/service",
  "waf",
];
/** Keys that may still be refused, and are live here. */
const LIVE_ALREADY = [
  "routes/route/matches host-regex",
  "/ namespace",
  "listeners/listener default-route",
  "listeners/listener namespace",
  "listeners/listener/tls max-version",
  "listeners/listener/tls ca-file",
  "listeners/listener/tls client-auth",
  "listeners/listener/tls cipher-suite",
  "listeners/listener/tls session-resumption",
  "system auto-reload",
  "system pid-file",
  "system user",
  "system group",
  "system working-directory",
];
/** Blocks whose entities are judged one by one. */
const JUDGED_BELOW = ["filters", "namespaces"];

describe("the class of every key", () => {
  test.each(TABLES.filter(({ block }) => !JUDGED_AS_A_WHOLE.includes(block)))("$block", ({ block, keys }) => {
    for (const [key, , classes] of keys) {
      if (LIVE_ALREADY.includes(`${block} ${key}`)) continue;
      const expected = classes.endsWith("/E") ? "error" : classes.endsWith("/W") ? "warning" : undefined;
      const actual = rowsOf(block, key)[0]?.ignored;
      if (expected === undefined || typeof actual === "function" || JUDGED_BELOW.includes(key)) continue;
      expect({ block, key, ignored: actual }).toEqual({ block, key, ignored: expected });
    }
  });
});

test("no table has two rows for one spelling", () => {
  for (const spec of allSpecs()) {
    const spellings = spec.rows.flatMap((row) => [row.key, ...row.also]);
    expect({ path: spec.path, twice: spellings.filter((one, i) => spellings.indexOf(one) !== i) }).toEqual({
      path: spec.path,
      twice: [],
    });
  }
});

test("every argument key, property key and near miss leads to a row", () => {
  for (const spec of allSpecs()) {
    for (const key of [
      ...spec.args,
      ...Object.values(spec.properties),
      ...(spec.rest === undefined ? [] : [spec.rest]),
    ]) {
      expect({ path: spec.path, key, known: rowFor(spec, key) !== undefined }).toEqual({
        path: spec.path,
        key,
        known: true,
      });
    }
    for (const miss of Object.keys(spec.misses)) expect(rowFor(spec, miss)).toBeUndefined();
  }
});

describe("near misses of section 20", () => {
  test.each([
    ["listeners/listener/tls", "cert", "cert-file"],
    ["listeners/listener/tls", "cert_path", "cert-file"],
    ["listeners/listener/tls", "key", "key-file"],
    ["listeners/listener/tls", "key-path", "key-file"],
    ["listeners/listener/tls", "ca-cert", "ca-file"],
    ["agents/agent", "socket", "unix-socket"],
    ["agents/agent", "pool-size", "connections"],
    ["agents/agent", "fail-mode", "failure-mode"],
    ["agents/agent", "max-concurrent", "max-concurrent-calls"],
    ["filters/filter", "requests-per-second", "max-rps"],
    ["listeners/listener", "port", "address"],
    ["listeners/listener", "listen", "address"],
    ["observability/metrics", "port", "address"],
    ["upstreams/upstream", "load-balancer", "load-balancing"],
    ["upstreams/upstream", "lb", "load-balancing"],
    ["routes/route", "mirror", "shadow"],
    ["routes/route", "timeout-secs", "policies"],
    ["routes/route", "max-body-size", "policies"],
    ["routes/route", "failure-mode", "policies"],
    ["routes/route", "path-prefix", "matches"],
    ["routes/route/retry-policy", "retry-on", "retryable-status-codes"],
    ["routes/route/static-files", "compression", "compress"],
    ["upstreams/upstream/health-check", "interval", "interval-secs"],
    ["routes/route", "max-idle", "'max-idle' belongs in 'connection-pool'"],
    ["upstreams/upstream", "max-idle", "'max-idle' belongs in 'connection-pool'"],
  ])("%s: %s → %s", (path, written, expected) => {
    const spec = allSpecs().find((one) => one.path === path);
    expect(spec === undefined ? "" : keyHint(spec, written)).toContain(expected);
  });
});
