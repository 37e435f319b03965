// The tables of flags against the messages of the API: every flag sets a field
// that exists, and --set reaches every other.
import { create, type DescMessage, toJson } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { BACKEND_FLAGS } from "../../src/cli/backend.ts";
import { ExitError } from "../../src/cli/exit.ts";
import { type FieldFlag, fieldsOf, maskOf, optionOf } from "../../src/cli/field-flags.ts";
import { LISTENER_FLAGS } from "../../src/cli/listener.ts";
import { ROUTE_FLAGS } from "../../src/cli/route.ts";
import { resourceFields, setPaths } from "../../src/cli/set-flag.ts";
import { SYSTEM_FLAGS } from "../../src/cli/system.ts";
import { UPSTREAM_FLAGS } from "../../src/cli/upstream.ts";
import {
  BackendSchema,
  ListenerSchema,
  ResourceKind,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";

const TABLES: readonly (readonly [string, DescMessage, readonly FieldFlag[]])[] = [
  ["listener", ListenerSchema, LISTENER_FLAGS],
  ["route", RouteSchema, ROUTE_FLAGS],
  ["upstream", UpstreamSchema, UPSTREAM_FLAGS],
  ["backend", BackendSchema, BACKEND_FLAGS],
  ["system", SystemSchema, SYSTEM_FLAGS],
];

/** Paths of the fields, those of Matches one by one. */
function paths(schema: DescMessage): string[] {
  return schema.fields.flatMap((field) => {
    if (field.name === "id") return [];
    if (field.fieldKind === "message" && field.message.name === "Matches") {
      return paths(field.message).map((path) => `${field.name}.${path}`);
    }
    return [field.name];
  });
}

test.each(TABLES)("the flags of a %s are its fields", (_, schema, rows) => {
  const known = paths(schema);
  expect(rows.map(({ field }) => field).filter((field) => !known.includes(field))).toEqual([]);
});

const TEXTS: Readonly<Record<string, string>> = {
  number: "7",
  time: "1500ms",
  condition: "X-A: b",
};

test.each(TABLES)("each flag of a %s sets its field", (_, schema, rows) => {
  for (const row of rows) {
    const option = optionOf(row);
    const name = /<(\w+)>/.exec(row.flags)?.[1];
    const text = option.argChoices?.[0] ?? TEXTS[name ?? ""] ?? "a.example:1";
    const given = name === undefined ? true : row.isList === true ? [text] : text;
    const message = fieldsOf([row], { [option.attributeName()]: given });
    const json = toJson(schema, create(schema, message)) as Record<string, unknown>;
    let value: unknown = json;
    for (const part of row.field.split(".")) {
      const local = part.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
      value = (value as Record<string, unknown>)[local];
    }
    expect([row.flags, value]).not.toEqual([row.flags, undefined]);
  }
});

test("a mask names what is set and what is cleared", () => {
  const options = { upstream: "api", host: ["a"], clear: ["priority", "matches.methods", "path-prefix"] };
  expect(fieldsOf(ROUTE_FLAGS, options)).toEqual({ upstream: "api", matches: { hosts: ["a"] } });
  expect(maskOf(ROUTE_FLAGS, options)).toEqual({
    updateMask: {
      paths: ["upstream", "matches.hosts", "priority", "matches.methods", "matches.path_prefixes"],
    },
  });
  expect(maskOf(ROUTE_FLAGS, { upstream: "api" })).toEqual({});
});

test("--set reaches fields at any depth, with text or JSON, members of a oneof among them", () => {
  const set = ["health_check.interval=10s", "health_check.expectedStatus=[200,204]", "slow_start=1.5s"];
  expect(resourceFields(ResourceKind.UPSTREAM, [], { set })).toMatchObject({
    healthCheck: { interval: { seconds: 10n }, expectedStatus: [200, 204] },
    slowStart: { seconds: 1n, nanos: 500_000_000 },
  });
  const cors = { set: ['cors={"max_age":"5s"}'], clear: ["log"] };
  expect(resourceFields(ResourceKind.FILTER, [], cors)).toMatchObject({
    type: { case: "cors", value: { maxAge: { seconds: 5n } } },
  });
  expect(maskOf([], cors, setPaths(cors))).toEqual({ updateMask: { paths: ["cors", "log"] } });
  expect(resourceFields(ResourceKind.LIMITS, [], {})).toEqual({});
  for (const wrong of [
    ["nonsense=1"],
    ["priority"],
    ["priority=x"],
    ["priority=1", "priority=2"],
    ["priority=1", "priority.x=2"],
  ])
    expect(() => resourceFields(ResourceKind.ROUTE, [], { set: wrong })).toThrow(ExitError);
  const both = { set: ["upstream=a"], upstream: "b" };
  expect(() => resourceFields(ResourceKind.ROUTE, ROUTE_FLAGS, both)).toThrow(
    /upstream is set by another flag/,
  );
});

test("both flags for conditions on headers, or on parameters, fill one list", () => {
  const query = { query: ["a=b=c", "d"], notQuery: ["e="] };
  expect(fieldsOf(ROUTE_FLAGS, query)).toEqual({
    matches: {
      queryParams: [{ name: "a", value: "b=c" }, { name: "d" }, { name: "e", value: "", invert: true }],
    },
  });
  const options = { header: ["X-A: b", "X-B", "X-C:"], notHeader: ["X-D: e: f"] };
  expect(fieldsOf(ROUTE_FLAGS, options)).toEqual({
    matches: {
      headers: [
        { name: "X-A", value: "b" },
        { name: "X-B" },
        { name: "X-C", value: "" },
        { name: "X-D", value: "e: f", invert: true },
      ],
    },
  });
});
