// The sockets of admin listeners: bound by the main thread, so that a busy data plane
// cannot starve them, and never by workers. A participant of commits, like the
// workers: what a change brings is bound before it commits, and serves when it has.
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createProbe } from "node:net";
import {
  type ConfigError,
  isAdminListener,
  joinBindAddress,
  overlaps,
  parseBindAddress,
  type ResourceChange,
  type SocketAddress,
} from "../core/index.ts";
import { type Listener, ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { Participant, Prepared } from "../store/participant.ts";
import type { Store } from "../store/store.ts";
import { limitConnections } from "./connections.ts";

/** How often an address that is taken at a start is tried again. */
const RETRY_MS = 1_000;
/** Connections to one listener; probes and people. */
const MAX_CONNECTIONS = 100;
const TIMEOUT_MS = 10_000;
/** How often connections are looked for that have sent no whole request in time. */
const LOOK_MS = 1_000;
/** Requests of one connection; who pipelines has all of them answered at the same time. */
const MAX_REQUESTS = 16;

/** What it needs. */
export interface AdminListenersOptions {
  readonly store: Store;
  readonly handler: RequestListener;
  /** Whether several sockets may share a port here, so that one passes from workers to us and back. */
  readonly reusePort: boolean;
  readonly onError: (id: string, message: string) => void;
}

interface Bound {
  readonly id: string;
  readonly address: string;
  readonly server: Server;
}

/** See the head of this file. */
export class AdminListeners implements Participant {
  readonly #options: AdminListenersOptions;
  /** By id, of committed listeners. */
  readonly #bound = new Map<string, Bound>();
  /** Of changes that are not decided. */
  readonly #pending = new Set<Bound>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #closed = false;
  readonly #unsubscribe: () => void;

  constructor(options: AdminListenersOptions) {
    this.#options = options;
    this.#unsubscribe = options.store.subscribe(({ changes }) => {
      for (const change of changes) if (isOfListener(change)) this.#committed(change);
    });
    options.store.addParticipant(this);
  }

  /** Binds those that are there already; what is taken is tried again. */
  async adopt(listeners: readonly Listener[]): Promise<void> {
    await Promise.all(listeners.filter(isAdminListener).map((listener) => this.#adopt(listener)));
  }

  /** Those that are bound. */
  bound(): { id: string; address: string; boundAddress: string }[] {
    return [...this.#bound.values()].map(({ id, address, server }) => {
      const at = server.address();
      const port = at !== null && typeof at === "object" ? at.port : 0;
      return { id, address, boundAddress: joinBindAddress(parseBindAddress(address)!, port) };
    });
  }

  /** Whether every one is. */
  get isAllBound(): boolean {
    return this.#retries.size === 0;
  }

  concerns(changes: readonly ResourceChange[]): boolean {
    return changes.some((change) => wantedBy(change) !== undefined);
  }

  async prepare(changes: readonly ResourceChange[]): Promise<Prepared | readonly ConfigError[]> {
    const wanted = changes.map(wantedBy).filter((one) => one !== undefined);
    const missing = wanted.filter(({ id, address }) => this.#bound.get(id)?.address !== address);
    const results = await Promise.all(missing.map((one) => this.#bind(one, this.#isOurs(one))));
    const ready = results.filter((one): one is Bound => "server" in one);
    for (const one of ready) this.#pending.add(one);
    const release = () => {
      for (const one of ready) if (this.#pending.delete(one)) void close(one);
    };
    const errors = results.filter((one): one is ConfigError => !("server" in one));
    if (errors.length === 0) return { release };
    release();
    return errors;
  }

  /** Closes all, and everything that is connected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    for (const timer of this.#retries.values()) clearTimeout(timer);
    await Promise.all([...this.#bound.values(), ...this.#pending].map(close));
  }

  #committed({ key: { id }, after }: ResourceChange): void {
    const wanted =
      after !== undefined && isAdminListener(after as Listener) ? (after as Listener) : undefined;
    clearTimeout(this.#retries.get(id));
    this.#retries.delete(id);
    const now = this.#bound.get(id);
    if (now !== undefined && now.address === wanted?.address) return;
    this.#bound.delete(id);
    // What is answered already goes on; the socket takes nothing new.
    if (now !== undefined) void close(now);
    const ready = [...this.#pending].find((one) => one.id === id && one.address === wanted?.address);
    if (ready === undefined) return;
    this.#pending.delete(ready);
    this.#bound.set(id, ready);
  }

  async #adopt(listener: Listener): Promise<void> {
    const { id } = listener;
    const result = await this.#bind(listener, false);
    const isWanted = this.#options.store.state.listeners.get(id)?.value.address === listener.address;
    if ("server" in result) {
      if (this.#closed || !isWanted || this.#bound.has(id)) return void close(result);
      this.#bound.set(id, result);
      this.#retries.delete(id);
    } else if (!this.#closed && isWanted) {
      this.#options.onError(id, result.message);
      this.#retries.set(id, setTimeout(() => void this.#adopt(listener), RETRY_MS).unref());
    }
  }

  async #bind({ id, address = "" }: Listener, isOurs: boolean): Promise<Bound | ConfigError> {
    const { handler, reusePort } = this.#options;
    const parsed = parseBindAddress(address)!;
    const timeouts = {
      requestTimeout: TIMEOUT_MS,
      headersTimeout: TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_MS,
    };
    const server = createServer(timeouts, handler);
    limitConnections(server, MAX_CONNECTIONS);
    server.maxRequestsPerSocket = MAX_REQUESTS;
    try {
      // With a shared port the kernel would let somebody else's process have it, too.
      if (reusePort && !isOurs) await probe(parsed);
      await listening(server, parsed, reusePort);
      return { id, address, server };
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      return unavailable(id, address, code, message);
    }
  }

  /** Whether the address is one of ours, which passes from one listener to another. */
  #isOurs({ address = "" }: Listener): boolean {
    const parsed = parseBindAddress(address)!;
    if (parsed.port === 0) return false;
    const configured = [...this.#options.store.state.listeners.values()].map(({ value }) => value.address!);
    const ours = [...configured, ...this.bound().map(({ boundAddress }) => boundAddress)];
    return ours.some((one) => overlaps(parsed, parseBindAddress(one)!));
  }
}

function isOfListener({ key }: ResourceChange): boolean {
  return key.kind === ResourceKind.LISTENER;
}

/** The admin listener that a change leads to. */
function wantedBy(change: ResourceChange): Listener | undefined {
  const { after } = change;
  return isOfListener(change) && after !== undefined && isAdminListener(after as Listener)
    ? (after as Listener)
    : undefined;
}

async function probe(address: SocketAddress): Promise<void> {
  const server = createProbe();
  await listening(server, address, false);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function listening(
  server: Server | ReturnType<typeof createProbe>,
  { host, port }: SocketAddress,
  reusePort: boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: true, reusePort, exclusive: true }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

async function close({ server }: Bound): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), RETRY_MS).unref();
  await closed;
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process has the port: stop it or use another port",
  EACCES: "ports below 1024 need privileges",
  EADDRNOTAVAIL: "no interface of this machine has the address",
};

function unavailable(id: string, address: string, code: string, reason: string): ConfigError {
  return {
    code: "conflict",
    rule: "address-unavailable",
    path: "listener.address",
    message: `listener '${id}' cannot bind ${address}: ${reason}`,
    hint: HINTS[code] ?? "",
    subject: { kind: "listener", id, field: "address" },
  };
}
