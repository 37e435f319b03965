// Every way to write a target and a balancing algorithm (config-format.md §10).
import { describe, expect, test } from "@jest/globals";
import { AdminState, LoadBalancing } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { checkCodes, load, loadClean, withUpstream } from "./check.ts";

type Row = readonly [address: string, weight?: number];

function checkTargets(contents: string, expected: readonly Row[]): void {
  const { upstreams } = loadClean(withUpstream(contents));
  expect(upstreams[0]?.backends.map(({ id, address, weight }) => [id, address, weight])).toEqual(
    expected.map(([address, weight]) => [address, address, weight]),
  );
}

describe("targets", () => {
  test.each<[string, readonly Row[]]>([
    ['target "10.0.0.1:80" weight=3', [["10.0.0.1:80", 3]]],
    ['target weight=3 "10.0.0.1:80"', [["10.0.0.1:80", 3]]],
    ['target address="10.0.0.1:80" weight=3', [["10.0.0.1:80", 3]]],
    ['target { address "10.0.0.1:80"; weight 3 }', [["10.0.0.1:80", 3]]],
    ['target { address "10.0.0.1:80" weight=3 }', [["10.0.0.1:80", 3]]],
    ['target "10.0.0.1:80" { weight 3 }', [["10.0.0.1:80", 3]]],
    [
      'targets { target "10.0.0.1:80"; target "10.0.0.2:80" weight=2 }',
      [["10.0.0.1:80"], ["10.0.0.2:80", 2]],
    ],
    ['targets "10.0.0.1:80" "b.example:81"', [["10.0.0.1:80"], ["b.example:81"]]],
    ['targets "10.0.0.1:80"; target "10.0.0.2:80"', [["10.0.0.1:80"], ["10.0.0.2:80"]]],
    ['target "10.0.0.2:80"; targets { target "10.0.0.1:80" }', [["10.0.0.2:80"], ["10.0.0.1:80"]]],
    ['address "10.0.0.1:80"', [["10.0.0.1:80"]]],
    ['server address="10.0.0.1:80" weight=2', [["10.0.0.1:80", 2]]],
    ['server "10.0.0.1:80" weight=2', [["10.0.0.1:80", 2]]],
    ['target "10.0.0.1:80" weight=1.5', [["10.0.0.1:80", 1.5]]],
    ['target "10.0.0.1:80" weight=0', [["10.0.0.1:80", 0]]],
    ['target "[::1]:80"', [["[::1]:80"]]],
    ["targets { }", []],
    ["targets", []],
    ['/- target "10.0.0.9:80"\ntarget "10.0.0.1:80" /- weight=3', [["10.0.0.1:80"]]],
    ['target "10.0.0.1:80" weight=#null', [["10.0.0.1:80"]]],
    ['target "10.0.0.1:80"; health-check #null; circuit-breaker #null', [["10.0.0.1:80"]]],
  ])("%s", checkTargets);

  test("the short form as a property of the upstream", () => {
    const { upstreams } = loadClean(
      'listener "l" address="127.0.0.1:1"\nupstream "u" address="h:1"\nroute "r" { match host="a"; upstream "u"; }',
    );
    expect(upstreams[0]?.backends[0]?.address).toBe("h:1");
  });

  test("id and state", () => {
    const { upstreams } = loadClean(withUpstream('target "10.0.0.1:80" id="a" state="draining"'));
    expect(upstreams[0]?.backends[0]).toMatchObject({
      id: "a",
      address: "10.0.0.1:80",
      adminState: AdminState.DRAINING,
    });
  });

  test.each([
    ['target "10.0.0.1"', "10.0.0.1:80"],
    ['target "::1"', "[::1]:80"],
    ['target "[::1]"', "[::1]:80"],
  ])("%s gets port 80", (contents, address) => {
    const loaded = load(withUpstream(contents));
    expect(loaded.diagnostics.map((one) => one.code)).toEqual(["default-port"]);
    expect(loaded.config?.upstreams[0]?.backends[0]?.address).toBe(address);
  });

  test.each<[string, readonly string[]]>([
    ['target "web"', ['error[bad-target] "web"']],
    ['target "http://a:80"', ['error[bad-target] "http://a:80"']],
    ['target "a:80/x"', ['error[bad-target] "a:80/x"']],
    ['target "a:443"', ['warning[plain-443] "a:443"']],
    ['target "a:80"; target "a:80"', ['error[duplicate-target] "a:80"']],
    ['target "a:80" id="x"; target "b:80" id="x"', ['error[duplicate-id] "x"']],
    ['target "a:80" id="x"; target "a:80" id="y"', ['error[duplicate-target] "a:80"']],
    ['target "a:80" address="b:80"', ["error[duplicate-key] address"]],
    ['target "a:80" weight=1 weight=2', ["error[duplicate-key] weight"]],
    ['target "a:80" weight=-1', ["error[bad-value] -1"]],
    ['target "a:80" weight="3"', ['warning[quoted-value] "3"']],
    ['target "a:80" weight=#true', ["error[bad-type] #true"]],
    ["target weight=1", ["error[missing-key] target"]],
    ['target "a:80" { weight 1; wieght 2 }', ["error[unknown-key] wieght"]],
    ["", ["error[no-targets] upstream"]],
    ['discovery "dns" { hostname "a"; port 80 }', ["warning[not-implemented] discovery"]],
  ])("%s → %j", (contents, expected) => checkCodes(withUpstream(contents), expected));
});

describe("load-balancing", () => {
  const { ROUND_ROBIN, LEAST_CONNECTIONS } = LoadBalancing;
  test.each([
    ...["round_robin", "round-robin", "RoundRobin", "weighted_round_robin", "weighted"].map(
      (name) => [name, ROUND_ROBIN] as const,
    ),
    ...[
      "least_connections",
      "least-connections",
      "leastconnections",
      "least_conn",
      "weighted_least_connections",
      "weighted_least_conn",
      "WLC",
    ].map((name) => [name, LEAST_CONNECTIONS] as const),
  ])("%s", (name, expected) => {
    expect(
      loadClean(withUpstream(`target "a:80"; load-balancing "${name}"`)).upstreams[0]?.loadBalancing,
    ).toBe(expected);
  });

  test.each([
    "random",
    "ip_hash",
    "consistent_hash",
    "p2c",
    "sticky",
    "maglev",
    "ewma",
    "adaptive",
    "locality",
    "subset",
    "least_tokens",
  ])("%s falls back, with a warning that says to what", (name) => {
    const loaded = load(withUpstream(`target "a:80"; load-balancing "${name}"`));
    // The state keeps what is written; what balances takes its place.
    expect(loaded.config?.upstreams[0]?.loadBalancing).toBeGreaterThan(LEAST_CONNECTIONS);
    expect(loaded.diagnostics).toMatchObject([{ code: "not-implemented", severity: "warning" }]);
    expect(loaded.diagnostics[0]?.message).toContain("'least_connections' is used");
  });

  test("an unknown name is an error with a suggestion", () => {
    const { diagnostics } = load(withUpstream('target "a:80"; load-balancing "rond-robin"'));
    expect(diagnostics).toMatchObject([{ code: "bad-value", severity: "error" }]);
    expect(diagnostics[0]?.hints[0]).toContain("did you mean 'round_robin'?");
  });
});
