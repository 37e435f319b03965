// The server as clients see it: mutations and what they are refused for, bugs
// that stay where they are, health, reflection, and an orderly end.
import { readdirSync } from "node:fs";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import { MAX_RESPONSE_BYTES, MAX_RESULT_DETAIL_BYTES } from "../../src/control/limits.ts";
import { startControlServer } from "../../src/control/server.ts";
import { limits } from "../../src/core/index.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import {
  AddBackendRequestSchema,
  ApplyDiffRequestSchema,
  CommitOptionsSchema,
  ControlService,
  GetStateResponseSchema,
  Wait,
  type WatchChangesResponse,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import { serviceDefinition } from "../../src/grpc/service-definition.ts";
import { commands } from "../core/build.ts";
import { refusalOf } from "../e2e/proxy-process.ts";
import { addBackend, attempt } from "../store/build.ts";
import { DONE, dependencies, type Running, socketFolder, startServer } from "./harness.ts";

const open: Running[] = [];
const clients: grpc.Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const one of open.splice(0)) await one.close();
});

async function start(...given: Parameters<typeof startServer>): Promise<Running> {
  const running = await startServer(...given);
  open.push(running);
  return running;
}

/** A client of another service on the same socket. */
function clientOf(running: Running, service: Parameters<typeof serviceDefinition>[0], path?: string) {
  const definition = serviceDefinition(service);
  const named =
    path === undefined
      ? definition
      : { serverReflectionInfo: { ...definition["serverReflectionInfo"]!, path } };
  const Client = grpc.makeClientConstructor(named, service.typeName);
  const client = new Client(running.address, grpc.credentials.createInsecure());
  clients.push(client);
  return client as grpc.Client & Record<string, (...given: unknown[]) => unknown>;
}

const BACKEND = { upstream: "u", backend: { id: "a", address: "a:1" } };

test("a handler that throws is answered INTERNAL with a correlation id, and the server lives", async () => {
  const secret = new Error("secret");
  const dataPlane = {
    ...DONE,
    boundListeners: () => {
      throw secret;
    },
  };
  const { control, bugs } = await start({}, { dataPlane });
  const refusal = await control.refused("getStatus", {});
  expect(refusal).toMatchObject({ code: "INTERNAL", reason: "internal" });
  expect(bugs).toEqual([
    { rpc: "GetStatus", correlationId: refusal.metadata["correlation_id"], error: secret },
  ]);
  expect(JSON.stringify(refusal)).not.toContain("secret");
  expect((await control.call("getState", {})).revision).toBe(1n);
});

test("a bug while a change is decided is INTERNAL, too, and is in the audit record", async () => {
  const { control, store, bugs, attempts } = await start();
  const bug = new Error("a bug of a participant");
  store.addParticipant({ concerns: () => true, prepare: () => Promise.reject(bug) });
  const refusal = await control.refused("addBackend", BACKEND);
  expect(refusal.code).toBe("INTERNAL");
  expect(bugs).toMatchObject([
    { rpc: "AddBackend", correlationId: refusal.metadata["correlation_id"], error: bug },
  ]);
  expect(attempts).toMatchObject([{ outcome: { ok: false, errors: [{ code: "internal" }] } }]);
});

test("a reporter that throws does not keep the caller from an answer", async () => {
  const more = {
    dataPlane: { ...DONE, boundListeners: () => Promise.reject(new Error("bug")) },
    onInternalError: () => {
      throw new Error("reporter");
    },
  };
  const { control } = await start({}, more);
  expect((await control.refused("getStatus", {})).code).toBe("INTERNAL");
});

test("every refused option is told with its path, and is an attempt in the audit record", async () => {
  const { control, store, attempts } = await start();
  const long = "x".repeat(limits.MAX_REASON_LENGTH + 1);
  const options = { reason: long, wait: 7 as Wait, waitTimeout: { seconds: 61n } };
  const refusal = await control.refused("addBackend", { ...BACKEND, options });
  expect(refusal.code).toBe("INVALID_ARGUMENT");
  expect(refusal.violations.map(({ field }) => field)).toEqual([
    "options.reason",
    "options.wait",
    "options.wait_timeout",
  ]);
  expect(attempts).toMatchObject([{ attempt: { rpc: "AddBackend" }, outcome: { ok: false, revision: 1n } }]);
  const negative = { waitTimeout: { seconds: 0n, nanos: -1 } };
  expect((await control.refused("addBackend", { ...BACKEND, options: negative })).code).toBe(
    "INVALID_ARGUMENT",
  );
  const many = Array.from({ length: limits.MAX_COMMANDS_PER_DIFF + 1 }, () => commands(addBackend("a"))[0]!);
  expect((await control.refused("applyDiff", { commands: many })).code).toBe("RESOURCE_EXHAUSTED");
  expect([attempts.length, store.revision]).toEqual([3, 1n]);
});

test("a field that this version does not know is refused, never ignored", async () => {
  const { control } = await start();
  const unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }];
  const options = Object.assign(create(CommitOptionsSchema), { $unknown: unknown });
  const inOptions = await control.refused("addBackend", { ...BACKEND, options });
  expect(inOptions.violations).toMatchObject([{ field: "options", reason: "unknown-key" }]);
  const request = Object.assign(create(AddBackendRequestSchema, BACKEND), { $unknown: unknown });
  const inCommand = await control.refused("addBackend", request);
  expect(inCommand.violations).toMatchObject([{ reason: "unknown-key" }]);
  const diff = create(ApplyDiffRequestSchema, { commands: commands(addBackend("a")) });
  const inDiff = await control.refused("applyDiff", Object.assign(diff, { $unknown: unknown }));
  expect(inDiff.violations).toMatchObject([{ reason: "unknown-key" }]);
});

test("wait: what is asked of the workers, and what the answer says", async () => {
  const waits: [bigint, number][] = [];
  const dataPlane = {
    ...DONE,
    waitApplied: (revision: bigint, timeoutMs: number) => {
      waits.push([revision, timeoutMs]);
      return Promise.resolve(timeoutMs > 100);
    },
  };
  const { control } = await start({}, { dataPlane });
  const add = (id: string, options: object) =>
    control.call("addBackend", { upstream: "u", backend: { id, address: `${id}:1` }, options });
  expect((await add("a", {})).result).toMatchObject({ revision: 2n, applied: true });
  expect((await add("b", { waitTimeout: { nanos: 50_000_000 } })).result).toMatchObject({ applied: false });
  expect((await add("c", { wait: Wait.COMMITTED })).result).toMatchObject({ revision: 4n, applied: false });
  expect((await add("d", { validateOnly: true })).result).toMatchObject({
    revision: 4n,
    applied: false,
    changed: true,
  });
  expect(waits).toEqual([
    [2n, 5_000],
    [3n, 50],
    [4n, 0],
  ]);
});

test("an answer leaves out what is large, even if it is a single resource", async () => {
  const { control } = await start();
  const paths = Array.from({ length: 900 }, (_, i) => `/${"x".repeat(400)}${i}`);
  const added = await control.call("addRoute", { route: { id: "r", upstream: "u", matches: { paths } } });
  expect(added.result).toMatchObject({ truncated: false, effects: [{ id: "r" }] });
  const removed = await control.call("removeRoute", { routeId: "r" });
  expect(paths.join("").length).toBeGreaterThan(MAX_RESULT_DETAIL_BYTES);
  expect(removed.result).toMatchObject({ changed: true, truncated: true, effects: [], inverse: [] });
});

test("no page of GetState exceeds a message, provenance included", async () => {
  const { control, store } = await start();
  const id = "x".repeat(100);
  const given = Array.from({ length: 6_000 }, (_, i) => ({
    addBackend: { upstream: "u", backend: { id: `${id}${i}`, address: `h${i}:80` } },
  }));
  const origin = () => `/a/rather/long/path/${"y".repeat(100)}.kdl:12345`;
  expect((await store.commit(attempt(given, { origin }))).ok).toBe(true);
  let count = 0;
  let pageToken = "";
  do {
    const page = await control.call("getState", { pageSize: 10_000, pageToken, withProvenance: true });
    expect(toBinary(GetStateResponseSchema, page).length).toBeLessThanOrEqual(MAX_RESPONSE_BYTES);
    count += page.resources.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(count).toBe(6_002);
});

test("health: check, list, watch, and NOT_SERVING at the end", async () => {
  const running = await start();
  const health = clientOf(running, Health);
  const check = (service: string) =>
    new Promise<unknown>((resolve) =>
      health["check"]!({ service }, (error: grpc.ServiceError | null, answer: { status: Serving }) =>
        resolve(error === null ? answer.status : refusalOf(error).code),
      ),
    );
  expect(await check("")).toBe(Serving.SERVING);
  expect(await check(ControlService.typeName)).toBe(Serving.SERVING);
  expect(await check("no.such.Service")).toBe("NOT_FOUND");
  const listed = await new Promise<{ statuses: object }>((resolve) =>
    health["list"]!({}, (_error: unknown, answer: { statuses: object }) => resolve(answer)),
  );
  expect(Object.keys(listed.statuses).sort()).toEqual(["", ControlService.typeName]);
  const watched = ["", "no.such.Service"].map((service) => {
    const stream = health["watch"]!({ service }) as grpc.ClientReadableStream<{ status: Serving }>;
    const seen: Serving[] = [];
    stream.on("data", ({ status }) => seen.push(status));
    const first = new Promise((resolve) => stream.once("data", resolve));
    const end = new Promise<grpc.StatusObject>((resolve) => stream.once("status", resolve));
    return { seen, first, end };
  });
  await Promise.all(watched.map(({ first }) => first));
  await running.server.stop(5_000);
  expect((await Promise.all(watched.map(({ end }) => end))).map(({ code }) => code)).toEqual([0, 0]);
  expect(watched.map(({ seen }) => seen)).toEqual([
    [Serving.SERVING, Serving.NOT_SERVING],
    [Serving.SERVICE_UNKNOWN, Serving.NOT_SERVING],
  ]);
});

const V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1ALPHA = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/** Asks reflection one question after the other on one stream. */
async function reflect(running: Running, path: string, questions: readonly object[]): Promise<Reflected[]> {
  const client = clientOf(running, ServerReflection, path);
  const stream = client["serverReflectionInfo"]!() as grpc.ClientDuplexStream<object, Reflected>;
  const answers: Reflected[] = [];
  const ended = new Promise<void>((resolve, reject) => stream.on("end", resolve).on("error", reject));
  stream.on("data", (answer) => answers.push(answer));
  for (const messageRequest of questions) stream.write({ host: "", messageRequest });
  stream.end();
  await ended;
  return answers;
}

interface Reflected {
  readonly messageResponse: { readonly case: string; readonly value: Record<string, unknown> };
}

test.each([V1, V1ALPHA])("reflection answers on %s, comments included", async (path) => {
  const running = await start();
  const answers = await reflect(running, path, [
    { case: "listServices", value: "" },
    { case: "fileContainingSymbol", value: "sentinel.v1.ControlService" },
    { case: "fileContainingSymbol", value: "sentinel.v1.ControlService.AddBackend" },
    { case: "fileContainingSymbol", value: "sentinel.v1.WorkerStatus.Progress" },
    { case: "fileByFilename", value: "sentinel/v1/resources.proto" },
    { case: "fileContainingSymbol", value: "sentinel.v1.Nothing" },
    { case: "fileByFilename", value: "nothing.proto" },
    { case: "fileContainingExtension", value: { containingType: "x", extensionNumber: 1 } },
    { case: "allExtensionNumbersOfType", value: "sentinel.v1.Route" },
    { case: undefined },
  ]);
  expect(answers.map(({ messageResponse }) => messageResponse.case)).toEqual([
    "listServicesResponse",
    ...Array(4).fill("fileDescriptorResponse"),
    ...Array(3).fill("errorResponse"),
    "allExtensionNumbersResponse",
    "errorResponse",
  ]);
  const services = answers[0]!.messageResponse.value["service"] as { name: string }[];
  expect(services.map(({ name }) => name)).toEqual([
    "sentinel.v1.ControlService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
  ]);
  const files = (answers[1]!.messageResponse.value["fileDescriptorProto"] as Uint8Array[]).map(
    (bytes): FileDescriptorProto => fromBinary(FileDescriptorProtoSchema, bytes),
  );
  // What is sent is complete in itself, and explains itself.
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(files) }));
  expect(registry.getService("sentinel.v1.ControlService")?.methods).toHaveLength(
    ControlService.methods.length,
  );
  const comments = files
    .filter(({ name }) => name.startsWith("sentinel/"))
    .flatMap(({ sourceCodeInfo }) => sourceCodeInfo?.location ?? [])
    .map(({ leadingComments }) => leadingComments);
  expect(comments).toContain(" Adds a backend to an upstream.\n");
});

/** Every file after those that it imports. */
function importsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const sorted = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto) => {
    for (const name of file.dependency) visit(files.find((other) => other.name === name)!);
    sorted.add(file);
  };
  files.forEach(visit);
  return [...sorted];
}

test("the services that are listed can be described", async () => {
  const running = await start();
  const names = [ControlService.typeName, Health.typeName, ServerReflection.typeName];
  const questions = names.map((value) => ({ case: "fileContainingSymbol", value }));
  const answers = await reflect(running, V1, questions);
  expect(answers.map(({ messageResponse }) => messageResponse.case)).toEqual(
    names.map(() => "fileDescriptorResponse"),
  );
});

test("a client that asks reflection and does not read is not answered without end", async () => {
  const running = await start();
  const client = clientOf(running, ServerReflection);
  const stream = client["serverReflectionInfo"]!() as grpc.ClientDuplexStream<object, Reflected>;
  stream.pause();
  const count = 60;
  const question = { case: "fileContainingSymbol", value: "sentinel.v1.ControlService" };
  for (let i = 0; i < count; i++) stream.write({ host: "", messageRequest: question });
  stream.end();
  // It gets what it asked for when it reads, and the server did other things meanwhile.
  expect((await running.control.call("getStatus", {})).version).toBe("1.2.3");
  let answers = 0;
  stream.on("data", () => answers++);
  const ended = new Promise((resolve) => stream.once("end", resolve));
  stream.resume();
  await ended;
  expect(answers).toBe(count);
});

test("stop() ends watches, says why, and is fast although clients stay connected", async () => {
  const running = await start();
  const { control, server } = running;
  const stream = control.stream("watchChanges", {});
  await new Promise<WatchChangesResponse>((resolve) => stream.once("data", resolve));
  const ended = new Promise<grpc.ServiceError>((resolve) =>
    stream.once("error", resolve as (e: Error) => void),
  );
  const started = performance.now();
  await server.stop(60_000);
  expect(performance.now() - started).toBeLessThan(20_000);
  const refusal = refusalOf(await ended);
  expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "unavailable" });
  expect(readdirSync(running.folder)).toEqual([]);
});

test("a call that does not end is cut when the time is over", async () => {
  const dataPlane = { ...DONE, waitApplied: () => new Promise<boolean>(() => {}) };
  const { control, server, store } = await start({}, { dataPlane });
  const reached = new Promise((resolve) => store.subscribe(resolve));
  const call = control.call("addBackend", BACKEND).catch((error: grpc.ServiceError) => error.code);
  await reached;
  await server.stop(10);
  expect([grpc.status.CANCELLED, grpc.status.UNAVAILABLE]).toContain(await call);
});

test("if one address cannot be bound, none is, and no watch is left behind", async () => {
  const folder = socketFolder();
  const deps = await dependencies();
  const where = [{ address: `unix:${folder}/a.sock` }, { address: "127.0.0.1:1", insecure: false }];
  await expect(startControlServer(deps, where)).rejects.toThrow(/insecure/);
  expect(readdirSync(folder)).toEqual([]);
});
