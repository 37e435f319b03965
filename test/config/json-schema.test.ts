// The JSON Schema of `sentinel schema`, with a validator of others: what loads is
// valid, mistakes are not, and it is a schema itself.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { configSchema } from "../../src/config/json-schema.ts";

const COMPAT = new URL("../../../shared/compat/page/", import.meta.url);
const validate = new Ajv2020({ allErrors: true, strict: false }).compile(configSchema());

const LISTENER = { id: "http", address: "0.0.0.0:8080" };

describe("what is valid", () => {
  test.each<[string, unknown]>([
    ["nothing but a listener", { listeners: [LISTENER] }],
    [
      "a map by id, and the key in kebab case",
      { listeners: { http: { address: "a:1" } }, "rate-limits": { "default-rps": 5 } },
    ],
    [
      "both forms of matches",
      {
        routes: [
          {
            id: "a",
            matches: [{ path_prefix: "/" }, { PathRegex: "x" }, { method: ["GET"] }],
            upstream: "u",
            priority: "high",
          },
          { id: "b", matches: { path: ["/x", "/y"], header: [{ name: "X" }] }, upstream: "u", priority: 7 },
        ],
      },
    ],
    [
      "targets as words and as objects, and durations in all forms",
      {
        upstreams: {
          u: {
            targets: ["a:1", { address: "b:2", weight: 3 }],
            load_balancing: "round_robin",
            health_check: { type: { http: { path: "/h", expected_status: 200 } }, interval_secs: "5s" },
            timeouts: { connect_secs: 1.5 },
            circuit_breaker: null,
          },
        },
      },
    ],
    [
      "transports",
      {
        agents: [
          { id: "a", unix_socket: "/x" },
          { id: "b", transport: { grpc: { address: "h:1" } } },
        ],
      },
    ],
    [
      "free-form data",
      { agents: { a: { unix_socket: { path: "/x" }, config: { any: [1, { thing: null }] } } } },
    ],
    ["a tracing backend", { observability: { tracing: { backend: { otlp: { endpoint: "http://x" } } } } }],
    ["namespaces", { namespaces: { n: { services: { s: { listener: { address: "a:1" } } } } } }],
  ])("%s", (_name, value) => {
    validate(value);
    expect(validate.errors ?? []).toEqual([]);
  });

  const files = existsSync(COMPAT) ? ["sample.json", "completed.json"] : [];
  test("the files of the compatibility suite, if they are here", () => {
    for (const file of files) {
      validate(JSON.parse(readFileSync(new URL(file, COMPAT), "utf8")));
      expect({ file, errors: validate.errors ?? [] }).toEqual({ file, errors: [] });
    }
  });
});

describe("what is not", () => {
  test.each<[string, unknown]>([
    ["an unknown key", { listeners: [{ ...LISTENER, adress: "x" }] }],
    ["an unknown block", { upstreems: [] }],
    ["a word that is none", { upstreams: { u: { load_balancing: "fastest" } } }],
    ["a number out of range", { system: { worker_threads: 5000 } }],
    ["a wrong type", { system: { max_connections: [1] } }],
    ["no duration", { listeners: [{ ...LISTENER, request_timeout_secs: "5 weeks" }] }],
    ["two kinds of health check", { upstreams: { u: { health_check: { type: { http: {}, tcp: {} } } } } }],
  ])("%s", (_name, value) => {
    expect(validate(value)).toBe(false);
  });
});
