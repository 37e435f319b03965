// What proxy tests share: a data plane with one listener, backends that are raw
// sockets and record every byte, and a raw client. Not a test.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BackendSchema as BackendMessage,
  type BackendSchema,
  ListenerSchema,
  type LoadBalancing,
  type MatchesSchema,
  RouteSchema,
  SystemSchema,
  UpstreamSchema,
} from "../../src/gen/sentinel/v1/resources_pb.ts";
import { DataPlane, type DataPlaneOptions, type ResourceUpdate } from "../../src/proxy/data-plane.ts";

export const systemOf = (maxConnections: number): ResourceUpdate => ({
  kind: "system",
  value: create(SystemSchema, { maxConnections }),
});
export const listenerOf = (id: string, address?: string): ResourceUpdate => ({
  kind: "listener",
  id,
  value: address === undefined ? undefined : create(ListenerSchema, { id, address }),
});
export const routeOf = (
  id: string,
  upstream: string | undefined,
  matches: MessageInitShape<typeof MatchesSchema> = {},
): ResourceUpdate => ({
  kind: "route",
  id,
  value: upstream === undefined ? undefined : create(RouteSchema, { id, upstream, matches }),
});
export const upstreamOf = (id: string, loadBalancing?: LoadBalancing): ResourceUpdate => ({
  kind: "upstream",
  id,
  value: create(UpstreamSchema, { id, ...(loadBalancing && { loadBalancing }) }),
});
export const noUpstream = (id: string): ResourceUpdate => ({ kind: "upstream", id, value: undefined });
export const backendOf = (
  upstream: string,
  id: string,
  value?: MessageInitShape<typeof BackendSchema>,
): ResourceUpdate => ({
  kind: "backend",
  upstream,
  id,
  value: value === undefined ? undefined : create(BackendMessage, { id, ...value }),
});

/** A request as a raw backend received it. */
export interface Received {
  /** Head and body, byte for byte (latin1). */
  readonly text: string;
  readonly socket: Socket;
}

/** Decides the bytes of an answer; undefined: no answer from here. */
export type Answer = (received: Received) => string | undefined;

/** A raw backend: parses just enough to find the end of a request. */
export interface RawBackend {
  readonly address: string;
  readonly received: Received[];
  /** Every octet that came, on all connections, complete request or not (latin1). */
  octets: string;
  readonly sockets: Set<Socket>;
  answer: Answer;
  /** Resolves when `count` requests have been received in all. */
  waitFor(count: number): Promise<void>;
  close(): void;
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Starts a raw backend on a free loopback port. */
export async function startBackend(answer: Answer = () => OK): Promise<RawBackend> {
  const waiting: { count: number; resolve: () => void }[] = [];
  const server: Server = createServer({ noDelay: true });
  const backend: RawBackend = {
    address: "",
    received: [],
    octets: "",
    sockets: new Set(),
    answer,
    waitFor: (count) =>
      new Promise((resolve) => {
        if (backend.received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: () => {
      server.close();
      for (const socket of backend.sockets) socket.destroy();
    },
  };
  server.on("connection", (socket) => {
    backend.sockets.add(socket);
    socket.on("close", () => backend.sockets.delete(socket)).on("error", () => {});
    let buffered = "";
    socket.on("data", (chunk) => {
      buffered += chunk.toString("latin1");
      backend.octets += chunk.toString("latin1");
      for (let end = endOfRequest(buffered); end > 0; end = endOfRequest(buffered)) {
        const received = { text: buffered.slice(0, end), socket };
        buffered = buffered.slice(end);
        backend.received.push(received);
        for (const each of waiting) if (backend.received.length >= each.count) each.resolve();
        const bytes = backend.answer(received);
        if (bytes !== undefined) socket.write(bytes, "latin1");
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(backend, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Where the first request in `text` ends; 0 if it is not complete. */
function endOfRequest(text: string): number {
  const head = text.indexOf("\r\n\r\n") + 4;
  if (head < 4) return 0;
  const fields = text.slice(0, head).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(fields)?.[1];
  if (length !== undefined) return text.length >= head + Number(length) ? head + Number(length) : 0;
  if (!fields.includes("\r\ntransfer-encoding: chunked")) return head;
  const end = /(?:^|\r\n)0+\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(head));
  return end === null ? 0 : head + end.index + end[0].length;
}

/** A raw client connection that collects what it gets. */
export interface RawClient {
  readonly socket: Socket;
  /** All bytes so far (latin1). */
  readonly text: () => string;
  send(bytes: string): void;
  /** Forgets the bytes so far. */
  clear(): void;
  /** Resolves when the text fulfils the condition; rejects with the text if the connection closes before. */
  until(condition: (text: string) => boolean): Promise<string>;
  /** Resolves with all bytes when the connection is closed. */
  closed(): Promise<string>;
}

/** Connects to "IP:PORT". */
export async function openClient(address: string): Promise<RawClient> {
  const at = address.lastIndexOf(":");
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), noDelay: true });
  let text = "";
  const watchers = new Set<() => void>();
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    for (const watch of watchers) watch();
  });
  const closed = new Promise<string>((resolve) => {
    socket.once("close", () => {
      resolve(text);
      for (const watch of watchers) watch();
    });
  });
  await once(socket, "connect");
  return {
    socket,
    text: () => text,
    send: (bytes) => socket.write(bytes, "latin1"),
    closed: () => closed,
    clear: () => {
      text = "";
    },
    until: (condition) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (condition(text)) resolve(text);
          else if (socket.destroyed) reject(new Error(`closed before, after: ${JSON.stringify(text)}`));
          else return;
          watchers.delete(watch);
        };
        watchers.add(watch);
        watch();
      }),
  };
}

/** Sends bytes on a fresh connection and resolves with all that comes until it is closed. */
export async function exchange(address: string, bytes: string): Promise<string> {
  const client = await openClient(address);
  client.send(bytes);
  return client.closed();
}

export const GET = (path: string, ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

/** A data plane with a listener "main" on a free port and a route for everything to upstream "u". */
export interface Setup {
  readonly plane: DataPlane;
  readonly address: string;
  addressOf(listener: string): string;
}

const cleanups: (() => unknown)[] = [];

/** Registers what `cleanUp` is to do, last first. */
export function onCleanUp(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** For afterEach: stops everything that was started here. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Starts a data plane in front of these backends. */
export async function startPlane(
  backends: readonly RawBackend[],
  options: DataPlaneOptions = {},
): Promise<Setup> {
  const plane = new DataPlane(options);
  onCleanUp(async () => {
    await plane.shutdown(0);
    for (const backend of backends) backend.close();
  });
  const failures = await plane.prepare(0, [{ id: "main", address: "127.0.0.1:0" }]);
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  plane.apply([
    listenerOf("main", "127.0.0.1:0"),
    routeOf("all", "u"),
    upstreamOf("u"),
    ...backends.map((backend, i) => backendOf("u", `b${i}`, { address: backend.address })),
  ]);
  const addressOf = (id: string) =>
    plane.status().listeners.find((each) => each.id === id)?.boundAddress ?? "";
  return { plane, addressOf, address: addressOf("main") };
}

/** Resolves when a socket is closed, properly or by a reset. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** Lets the event loop take in and hand on everything that is on loopback sockets already. */
export async function settle(rounds = 5): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve));
}
