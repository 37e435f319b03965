// Rows and fields find each other: every row fills a field of resources.proto or
// says why not, every field is filled by a row, and what is printed decodes to
// the same message, for everything that a file can say.
import type { DescMessage } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { constructOf } from "../../src/config/decode/constructs.ts";
import { fieldOf } from "../../src/config/decode/field.ts";
import { printKdl } from "../../src/config/print.ts";
import { type BlockSpec, type Row, specOf, table } from "../../src/config/schema/row.ts";
import {
  type ConfigState,
  ConfigStateSchema,
  LimitsSchema,
  WafSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { filled } from "./messages.ts";
import { configs, decode, MESSAGES, specAt } from "./tables.ts";

/** Rows that fill no field by themselves, with what does. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "system state-dir": "a setting of the process: where the state is cannot be in the state",
  "upstreams/upstream target": "backends are resources of their own",
  "upstreams/upstream targets": "the same",
  "upstreams/upstream server": "the same",
  "upstreams/upstream address": "the same",
  "upstreams/upstream/tls verify": "the opposite of insecure-skip-verify",
  "routes/route/error-pages pages": "a status in the place of a key",
  "routes/route/fallback upstream": "short form of a fallback-upstream",
  "routes/route/fallback model-mapping": "short form of a fallback-upstream",
  "routes/route/policies cache": "the route's own cache",
  "filters/filter type": "selects the member of the oneof",
  "upstreams/upstream/discovery type": "selects the member of the oneof",
  "filters/filter[rate-limit]/backend url": "redis-url or memcached-url",
  "filters/filter[rate-limit]/backend key-prefix": "redis-prefix or memcached-prefix",
  "filters/filter[rate-limit]/backend pool-size": "redis-pool-size or memcached-pool-size",
  "filters/filter[rate-limit]/backend timeout-ms": "redis-timeout-ms or memcached-timeout-ms",
  "filters/filter[rate-limit]/backend ttl-secs": "memcached-ttl",
  "filters/filter[rate-limit]/backend fallback-local": "redis-fallback or memcached-fallback",
  "agents/agent transport": "unix-socket, grpc or http",
  "agents/agent max-body-bytes": "sets two fields",
  "agents/agent connections": "pool { connections }",
  "upstreams/upstream/load-balancing cookie-name": "sticky-session",
  "upstreams/upstream/load-balancing cookie-ttl": "sticky-session",
  "upstreams/upstream/load-balancing cookie-path": "sticky-session",
  "upstreams/upstream/load-balancing cookie-secure": "sticky-session",
  "upstreams/upstream/load-balancing cookie-same-site": "sticky-session",
  "upstreams/upstream/load-balancing fallback": "sticky-session",
};
/** Blocks of entities in a scope, which are resources with canonical ids. */
const ENTITIES = /^namespace(?:\/service)? (?:(?:listener|route|upstream|filter|agent|service)s?)$/;

/** Rows without a field, and fields without a row, below a table and its message. */
function mismatches(spec: BlockSpec, desc: DescMessage): { rows: string[]; fields: string[] } {
  const rows: string[] = [];
  const fields: string[] = [];
  const seen = new Set<string>();
  const visit = (block: BlockSpec, message: DescMessage): void => {
    if (seen.has(`${block.path} ${message.typeName}`)) return;
    seen.add(`${block.path} ${message.typeName}`);
    const inVariant = new Set(Object.values(block.variants?.specs ?? {}).flat());
    const covered = new Set(constructOf(message)?.printed ?? []);
    // The short form `#null`.
    covered.add("disabled");
    const look = (all: readonly Row[], path: string): void => {
      for (const row of all) {
        if (inVariant.has(row)) continue;
        const field = fieldOf(row, message);
        const inner = specOf(row.shape);
        if (row.inline && inner !== undefined) look(inner.rows, inner.path);
        else if (field === undefined) rows.push(`${path} ${row.key}`);
        else {
          covered.add(field.name);
          if (inner !== undefined && field.message !== undefined) visit(inner, field.message);
        }
      }
    };
    look(block.rows, block.path);
    for (const [word, own] of Object.entries(block.variants?.specs ?? {})) {
      const field = message.fields.find(({ name }) => name === word.replaceAll("-", "_"));
      if (field?.message === undefined) rows.push(`${block.path} ${word}`);
      else {
        covered.add(field.name);
        visit(table(`${block.path}[${word}]`, own), field.message);
      }
    }
    fields.push(
      ...message.fields.filter(({ name }) => !covered.has(name)).map(({ name }) => `${message.name}.${name}`),
    );
  };
  visit(spec, desc);
  return { rows, fields };
}

describe("rows and fields", () => {
  test.each(MESSAGES.map(([spec, desc]) => [desc.name, spec, desc] as const))("%s", (_name, spec, desc) => {
    const { rows, fields } = mismatches(spec, desc);
    expect(rows.filter((row) => !(row in ELSEWHERE) && !ENTITIES.test(row))).toEqual([]);
    expect(fields).toEqual([]);
  });

  test("no exception is out of date", () => {
    const all = new Set(MESSAGES.flatMap(([spec, desc]) => mismatches(spec, desc).rows));
    expect(Object.keys(ELSEWHERE).filter((row) => !all.has(row))).toEqual([]);
  });

  test("the comparison can fail", () => {
    expect(mismatches(specAt("limits"), WafSchema).rows).toContain("limits max-header-count");
    expect(filled(specAt("limits"), LimitsSchema).length).toBeGreaterThan(20);
  });
});

/** The printer puts namespaced resources where their scope is. */
function byScope(config: ConfigState): unknown {
  const json = toJson(ConfigStateSchema, config) as Record<string, { id?: string; order?: string }[]>;
  for (const kind of ["listeners", "upstreams", "filters", "agents", "routes"]) {
    json[kind]?.sort((a, b) => ((a.id ?? "") < (b.id ?? "") ? -1 : 1));
  }
  return json;
}

test("everything that a file can say prints as what decodes to it", () => {
  fc.assert(
    fc.property(configs, (config) => {
      const text = printKdl(config);
      const { config: again, problems } = decode(text);
      expect(problems.split("\n").filter((line) => / error\[/.test(line))).toEqual([]);
      expect(byScope(again)).toEqual(byScope(config));
      expect(printKdl(again)).toBe(text);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
