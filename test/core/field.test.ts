// Fields by their descriptors, members of a oneof among them.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { emptyMessage, type Fields, fieldValue, isPresent, withField } from "../../src/core/field.ts";
import { FilterSchema, RouteSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

const member = (name: string) => FilterSchema.fields.find((field) => field.name === name)!;
const plain = (name: string) => RouteSchema.fields.find((field) => field.name === name)!;

test("a member of a oneof takes the place of the others, and is cleared only if it is set", () => {
  const [cors, log] = [member("cors"), member("log")];
  const filter = create(FilterSchema, { id: "f", type: { case: "cors", value: {} } }) as unknown as Fields;
  expect(fieldValue(filter, cors)).toBeDefined();
  expect(fieldValue(filter, log)).toBeUndefined();
  expect(withField(filter, log, undefined)).toBe(filter);
  const logging = withField(filter, log, { a: 1 });
  expect([fieldValue(logging, log), fieldValue(logging, cors)]).toEqual([{ a: 1 }, undefined]);
  expect(fieldValue(withField(logging, log, undefined), log)).toBeUndefined();
});

test("a cleared field is absent, a cleared list empty, and -0 is not 0", () => {
  const route = { ...create(RouteSchema, { id: "r", priority: 0, agents: ["a"] }) } as unknown as Fields;
  const [priority, agents] = [plain("priority"), plain("agents")];
  expect(Object.keys(withField(route, priority, undefined))).not.toContain("priority");
  expect(withField(route, agents, undefined)["agents"]).toEqual([]);
  expect(withField(route, priority, 0)).toBe(route);
  expect(withField(route, priority, -0)).not.toBe(route);
  expect([isPresent(agents, []), isPresent(agents, ["a"]), isPresent(priority, 0)]).toEqual([
    false,
    true,
    true,
  ]);
});

test("an empty message has what a created one has", () => {
  expect(emptyMessage(FilterSchema)).toEqual({ $typeName: FilterSchema.typeName, type: { case: undefined } });
});
