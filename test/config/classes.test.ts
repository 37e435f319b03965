// What a key does in this build is said twice: by the rows of the schema, for files,
// and by the core's table, for commands. Where both are constants they are the
// same; where one depends on values both are tried with values.
import type { DescField } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { enumNumber, fieldOf } from "../../src/config/decode/field.ts";
import { Report } from "../../src/config/diagnostic.ts";
import { readKdl } from "../../src/config/kdl-source.ts";
import { reportNotImplemented } from "../../src/config/not-implemented.ts";
import { printKdl } from "../../src/config/print.ts";
import { readTree } from "../../src/config/read.ts";
import { ROOT } from "../../src/config/schema/root.ts";
import { type BlockSpec, type Row, specOf, table } from "../../src/config/schema/row.ts";
import { ignoredIn, KIND_NAMES, type Kind, type Resource, schemaOf } from "../../src/core/index.ts";
import { LIVENESS, type Rule } from "../../src/core/liveness-table.ts";
import type { ConfigState } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { configs, decode, MESSAGES } from "./tables.ts";

/** A row and the rule of what it fills. */
interface Pair {
  /** "PATH KEY" of the row. */
  readonly name: string;
  readonly row: Row;
  /** Undefined: the row fills a message as a whole. */
  readonly field: DescField | undefined;
  readonly rule: Rule | undefined;
}

/** Every row that fills a field, or a resource. */
function pairs(): Pair[] {
  const found = new Map<string, Pair>();
  const visit = (spec: BlockSpec, message: (typeof MESSAGES)[number][1]): void => {
    const rules = LIVENESS[message.name];
    const look = (rows: readonly Row[], path: string): void => {
      for (const row of rows) {
        const inner = specOf(row.shape);
        if (row.inline && inner !== undefined) look(inner.rows, inner.path);
        const field = fieldOf(row, message);
        if (field === undefined || row.key === "id") continue;
        const name = `${path} ${row.key}`;
        const known = `${name} ${message.name}`;
        if (found.has(known)) continue;
        found.set(known, { name, row, field, rule: rules?.[field.name] ?? rules?.["*"] });
        if (inner !== undefined && field.message !== undefined) visit(inner, field.message);
      }
    };
    const variants = Object.entries(spec.variants?.specs ?? {});
    const inVariant = new Set(variants.flatMap(([, rows]) => rows));
    look(
      spec.rows.filter((row) => !inVariant.has(row)),
      spec.path,
    );
    for (const [word, rows] of variants) {
      const field = message.fields.find(({ name }) => name === word.replaceAll("-", "_"));
      if (field?.message !== undefined) visit(table(`${spec.path}[${word}]`, rows), field.message);
    }
  };
  for (const [spec, message] of MESSAGES) {
    const row = ROOT.rows.find((one) => specOf(one.shape) === spec);
    if (row !== undefined) {
      found.set(row.key, { name: row.key, row, field: undefined, rule: LIVENESS[message.name]?.[""] });
    }
    visit(spec, message);
  }
  return [...found.values()];
}

/** The values of a row that ask for nothing, as the core has them. */
function sameOf({ row, field }: Pair): unknown[] {
  return row.same.map((value) => {
    if (field?.enum !== undefined) return enumNumber(field.enum, String(value));
    return field?.message?.typeName === "google.protobuf.Duration" ? Number(value) / 1000 : value;
  });
}

const OPEN = 'agent "open" { unix-socket "/s"; failure-mode "open" }; ';
const CLOSED = 'agent "closed" { unix-socket "/s"; failure-mode "closed" }; ';
const route = (text: string) => `route "r" { match path="/"; ${text} }`;
const filter = (text: string) => `filter "f" { ${text} }`;
const rail = (text: string) =>
  `${OPEN}${route(`inference { guardrails { prompt-injection { agent "open"; ${text} }; pii-detection { agent "open"; ${text} } } }`)}`;
const inScope = (agents: string, text: string) =>
  `agent "a" { unix-socket "/s"; failure-mode "closed" }; namespace "n" { ${agents}${text} }`;
const OPEN_A = 'agent "a" { unix-socket "/s"; failure-mode "open" }; ';

/** Rows whose class depends on values, with texts in which it does. */
const BY_VALUE: Readonly<Record<string, readonly string[]>> = {
  "listeners/listener protocol": ["http", "https", "h2", "h3"].flatMap((word) => [
    `listener "l" { address "127.0.0.1:1"; protocol "${word}" }`,
    `listener "l" { address "127.0.0.1:1"; protocol "${word}"; tls { cert-file "c"; key-file "k" } }`,
  ]),
  "listeners/listener tls": ["l", "admin"].map(
    (id) => `listener "${id}" { address "127.0.0.1:1"; tls { cert-file "c"; key-file "k" } }`,
  ),
  "routes/route agents": [
    `${OPEN}${route('agents "open"')}`,
    `${CLOSED}${route('agents "closed"')}`,
    `${OPEN}${CLOSED}${route('agents "open" "closed"')}`,
    inScope(OPEN_A, route('agents "a"')),
    inScope(OPEN_A, `service "s" { ${route('agents "a"')} }`),
    inScope(OPEN_A, route('agents ":a"')),
    inScope("", route('agents "a"')),
    `namespace "n" { ${OPEN_A}exports { agents "a" } }; ${route('agents "a"')}`,
    `namespace "n" { ${OPEN_A} }; ${route('agents "n:a"')}`,
  ],
  "routes/route builtin-handler": [
    "health",
    "status",
    "not-found",
    "config",
    "cache-stats",
    "cache-purge",
  ].map((word) => route(`builtin-handler "${word}"`)),
  "routes/route waf-enabled": ["", 'waf { mode "off" }; ', "waf { mode detection }; ", "waf { }; "].flatMap(
    (waf) => [`${waf}${route("waf-enabled #true")}`, `${waf}${route("waf-enabled #false")}`],
  ),
  "routes/route/inference/guardrails prompt-injection": [
    ...["", "enabled #false", "enabled #true", 'action "block"'].map(rail),
    ...["block", "redact", "log", "warn"].flatMap((action) =>
      ["open", "closed"].map((mode) => rail(`enabled #true; action "${action}"; failure-mode "${mode}"`)),
    ),
  ],
  "routes/route/inference/guardrails pii-detection": [rail("enabled #true")],
  "upstreams/upstream/load-balancing algorithm": [
    ...[
      "round_robin",
      "least_connections",
      "random",
      "ip_hash",
      "consistent_hash",
      "p2c",
      "sticky",
      "maglev",
    ],
    ...["peak_ewma", "adaptive", "locality_aware", "deterministic_subset", "least_tokens_queued", "weighted"],
  ].map((word) => `upstream "u" { target "h:1"; load-balancing "${word}" }`),
  filter: [
    ...["rate-limit", "headers", "cors", "compress", "timeout", "log"].map((word) =>
      filter(`type "${word}"`),
    ),
    ...["redirect", "url-rewrite"].map((word) => filter(`type "${word}"`)),
    ...["block", "allow", "log-only"].map((word) =>
      filter(`type "geo"; database-path "/d"; countries "DE"; action "${word}"`),
    ),
    filter('type "geo"; database-path "/d"'),
    ...["open", "closed"].flatMap((agent) =>
      ["", 'failure-mode "open"', 'failure-mode "closed"'].map(
        (mode) => `${OPEN}${CLOSED}${filter(`type "agent"; agent "${agent}"; ${mode}`)}`,
      ),
    ),
    inScope(OPEN_A, filter('type "agent"; agent "a"')),
    inScope(OPEN_A, filter('type "agent"; agent ":a"')),
  ],
  agent: [OPEN, CLOSED, 'agent "a" { unix-socket "/s" }'],
  waf: ["waf { }", ...["off", "detection", "prevention"].map((mode) => `waf { mode "${mode}" }`)],
};

const all = pairs();

test("constants are the same in both", () => {
  expect(all.length).toBeGreaterThan(500);
  const differing = all
    .filter(({ row, rule }) => typeof row.ignored !== "function" && typeof rule?.ignored !== "function")
    .map((pair) => ({ ...pair, mine: [pair.row.ignored, sameOf(pair)] }))
    .filter(({ mine, rule }) => JSON.stringify(mine) !== JSON.stringify([rule?.ignored, rule?.same ?? []]))
    .map(({ name, mine, rule }) => [name, mine, rule]);
  expect(differing).toEqual([]);
});

test("what depends on values is tried below, and nothing else", () => {
  const judged = all.filter(({ row, rule }) =>
    [row.ignored, rule?.ignored].some((one) => typeof one === "function"),
  );
  expect([...new Set(judged.map(({ name }) => name))].sort()).toEqual(Object.keys(BY_VALUE).sort());
});

/** Warnings and errors of a text: what the file's pass says, and what the core says of what it decodes to. */
function verdicts(text: string): { file: string[]; core: string[] } {
  const report = new Report();
  const root = readTree("t.kdl", readKdl("t.kdl", text, report) ?? [], report);
  reportNotImplemented(root, report);
  const file = report.sorted(["t.kdl"]).filter(({ code }) => code === "not-implemented");
  const { config, problems } = decode(text);
  expect(problems).not.toMatch(/error\[/);
  const resources = resourcesOf(config);
  const find = (kind: Kind, id: string) => resources.find((one) => one.kind === kind && one.id === id)?.value;
  const core = resources.flatMap(({ kind, id, value }) =>
    ignoredIn({ kind, upstream: "", id }, value, "it", find),
  );
  return {
    file: file.map(({ severity }) => severity).sort(),
    core: core.map(({ severity }) => severity).sort(),
  };
}

function resourcesOf(config: ConfigState): { kind: Kind; id: string; value: Resource }[] {
  const fields = config as unknown as Readonly<Record<string, unknown>>;
  const byMessage = new Map(
    Object.keys(KIND_NAMES).map((kind) => [schemaOf(Number(kind) as Kind).typeName, Number(kind)]),
  );
  return Object.values(fields)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .flatMap((value) => [value, ...((value as { backends?: unknown[] } | undefined)?.backends ?? [])])
    .flatMap((value) => {
      const { $typeName = "", id = "" } = (value ?? {}) as { $typeName?: string; id?: string };
      const kind = byMessage.get($typeName) as Kind | undefined;
      return kind === undefined ? [] : [{ kind, id, value: value as Resource }];
    });
}

describe("by value", () => {
  test.each(Object.entries(BY_VALUE).flatMap(([name, texts]) => texts.map((text) => [name, text] as const)))(
    "%s: %s",
    (_name, text) => {
      const { file, core } = verdicts(text);
      expect(file).toEqual(core);
    },
  );

  test.each(Object.entries(BY_VALUE))("%s has texts with different results", (_name, texts) => {
    const results = new Set(texts.map((text) => verdicts(text).core.join()));
    expect(results.size).toBeGreaterThan(texts.length > 1 ? 1 : 0);
  });
});

test("whatever a file says, both say as much about it", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const { file, core } = verdicts(printKdl(config));
      expect(file).toEqual(core);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
