// print(state) loads back to the same state, byte for byte and without a word.
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Report } from "../../src/config/diagnostic.ts";
import { readKdl } from "../../src/config/kdl-source.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { printKdl, quoteKdl } from "../../src/config/print.ts";
import { applyDiff, commandsFor, emptyState } from "../../src/core/index.ts";
import {
  AdminState,
  type ConfigState,
  ConfigStateSchema,
  LoadBalancing,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { said } from "./check.ts";

const id = fc
  .string({ unit: "binary", minLength: 1, maxLength: 12 })
  .map((text) => text.replace(/[:\p{Cc}\p{Cs}]|\$\{/gu, "_"))
  .filter((text) => text !== "");
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const path = fc.stringMatching(/^\/[!"%-;=@-Z\\a-z|~]{0,10}$/).filter((text) => !text.includes("${"));
const few = { maxLength: 3 };

const matches = fc.record(
  {
    paths: fc.array(path, few),
    hosts: fc.array(fc.constantFrom("a.example", "*.b.example", "*.*.c", "[::1]", "D"), few),
    methods: fc.array(fc.constantFrom("GET", "POST", "M-SEARCH"), few),
    headers: fc.array(
      fc.record(
        {
          name: fc.constantFrom("X-A", "x-b", "~"),
          value: fc.constantFrom("", "v", 'q"uo\\te', "é", "a  b", "#true"),
          invert: fc.boolean(),
        },
        { requiredKeys: ["name"] },
      ),
      few,
    ),
    hostRegexes: fc.array(fc.constantFrom(".", '"|\\\\|.', "[^\\x00]", '^|#"#'), few),
    queryParams: fc.array(
      fc.record(
        {
          name: fc.constantFrom("q", "Q", "a b", "\u0000", "é"),
          value: fc.constantFrom("", "v", '"\\', "\n", "\u2028", "#null"),
          invert: fc.boolean(),
        },
        { requiredKeys: ["name"] },
      ),
      few,
    ),
  },
  { requiredKeys: [] },
);

const backend = fc.record(
  {
    weight: fc.oneof(
      fc.double({ min: 0, max: 65_535, noNaN: true }).map((weight) => weight + 0),
      fc.integer({ min: 0, max: 65_535 }),
    ),
    adminState: fc.constantFrom(AdminState.ENABLED, AdminState.DRAINING, AdminState.DISABLED),
    id,
  },
  { requiredKeys: [] },
);

const upstream = fc.record(
  {
    loadBalancing: fc.constantFrom(LoadBalancing.ROUND_ROBIN, LoadBalancing.LEAST_CONNECTIONS),
    backends: fc.uniqueArray(
      fc.tuple(fc.constantFrom("a", "10.0.0.1", "[::1]"), fc.integer({ min: 1, max: 9 }), backend),
      {
        maxLength: 4,
        selector: ([host, port]) => `${host}:${port}`,
      },
    ),
  },
  { requiredKeys: ["backends"] },
);

const order = fc.stringMatching(/^1000000[0-3]([0-9a-z]{0,2}[1-9a-z])?$/);
const route = fc.record(
  { priority: fc.integer({ min: -1_000_000, max: 1_000_000 }), enabled: fc.boolean(), matches, order },
  { requiredKeys: ["order"] },
);

const system = fc.record(
  {
    // More than one worker is not implemented, and says so.
    workerThreads: fc.integer({ min: 0, max: 1 }),
    maxConnections: fc.integer({ min: 1, max: 4_294_967_295 }),
    gracefulShutdownTimeout: fc
      .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999_999 }))
      .map(([seconds, nanos]) => create(DurationSchema, { seconds: BigInt(seconds), nanos })),
  },
  { requiredKeys: [] },
);

const named = <T>(arbitrary: fc.Arbitrary<T>, minLength = 0) =>
  fc.uniqueArray(fc.tuple(id, arbitrary), { minLength, maxLength: 4, selector: ([name]) => name });

/** Configurations that the core accepts. */
const configs: fc.Arbitrary<ConfigState> = fc
  .record({
    system,
    listeners: named(fc.constant(undefined), 1),
    routes: named(route, 1),
    upstreams: named(upstream, 1),
    prefix: word,
  })
  .map(({ system: settings, listeners, routes, upstreams, prefix }) =>
    create(ConfigStateSchema, {
      system: settings,
      listeners: listeners.map(([name], index) => ({ id: name, address: `127.0.0.1:${8000 + index}` })),
      routes: routes
        .map(([name, { matches: conditions, ...rest }], index) => ({
          ...rest,
          id: name,
          upstream: upstreams[index % upstreams.length]?.[0] ?? "",
          // Routes that can be told apart, and never contradict themselves.
          matches: {
            ...conditions,
            pathRegexes: index % 2 === 0 ? [`^/.*\\Q"|\\E|${prefix}${index}\\d*`] : [],
            pathPrefixes: conditions?.paths?.length ? [] : [`/${prefix}${index}`],
            paths: conditions?.paths?.length ? [...conditions.paths, `/${prefix}${index}`] : [],
          },
        }))
        .sort((a, b) => (a.order < b.order ? -1 : 1)),
      upstreams: upstreams.map(([name, { backends, ...rest }]) => ({
        ...rest,
        id: name,
        backends: backends.map(([host, port, { id: own, ...fields }], index) => ({
          ...fields,
          address: `${host}:${port}`,
          id: own === undefined ? `${host}:${port}` : `${own}${index}`,
        })),
      })),
    }),
  )
  .filter((config) => applyDiff(emptyState(), commandsFor(config)).ok);

test("print, then load", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const text = printKdl(config);
      const loaded = loadConfigText("printed.kdl", text);
      expect(said(loaded)).toEqual([]);
      expect(loaded.config && toJson(ConfigStateSchema, loaded.config)).toEqual(
        toJson(ConfigStateSchema, config),
      );
      expect(toBinary(ConfigStateSchema, loaded.config ?? create(ConfigStateSchema))).toEqual(
        toBinary(ConfigStateSchema, config),
      );
    }),
    { numRuns: 300 },
  );
});

test("any string can be written and read", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
      const report = new Report();
      const nodes = readKdl("t", `node ${quoteKdl(text)}`, report);
      expect(nodes?.[0]?.args[0]?.value).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test("only what is set and only what differs is printed", () => {
  const config = create(ConfigStateSchema, {
    system: {},
    listeners: [{ id: "http", address: "127.0.0.1:8080" }],
    routes: [
      {
        id: "a",
        upstream: "u",
        order: "10000000",
        matches: { pathPrefixes: ["/a"], methods: ["GET", "POST"] },
      },
      { id: "b", upstream: "u", order: "10000000i", priority: 10 },
      {
        id: "c",
        upstream: "u",
        order: "10000001",
        enabled: false,
        matches: {
          headers: [{ name: "X", invert: true }],
          pathRegexes: ["^/v\\d+/", '"'],
          hostRegexes: ["^a"],
          queryParams: [{ name: "q" }, { name: "page", value: "1", invert: false }],
        },
      },
    ],
    upstreams: [
      {
        id: "u",
        loadBalancing: LoadBalancing.LEAST_CONNECTIONS,
        backends: [
          { id: "a:1", address: "a:1" },
          { id: "x", address: "a:2", weight: 1.5, adminState: AdminState.DRAINING },
        ],
      },
      { id: "empty" },
    ],
  });
  expect(printKdl(config)).toBe(`schema-version "1.0"

listeners {
    listener "http" {
        address "127.0.0.1:8080"
    }
}

routes {
    route "a" {
        matches {
            path-prefix "/a"
            method "GET" "POST"
        }
        upstream "u"
    }
    route "b" {
        priority 10
        upstream "u"
        order "10000000i"
    }
    route "c" {
        enabled #false
        matches {
            path-regex "^/v\\\\d+/"
            path-regex "\\""
            host-regex "^a"
            header "X" invert=#true
            query-param "q"
            query-param "page" "1" invert=#false
        }
        upstream "u"
    }
}

upstreams {
    upstream "u" {
        target "a:1"
        target "a:2" id="x" weight=1.5 state="draining"
        load-balancing "least_connections"
    }
    upstream "empty" {
        targets { }
    }
}
`);
});
