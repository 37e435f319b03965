// A Sentinel that serves while something is wrong with its storage: what clients
// of all kinds get from it, and what of their changes has to be there afterwards.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type * as grpc from "@grpc/grpc-js";
import { expect } from "@jest/globals";
import { digestHex } from "../../src/core/index.ts";
import { ChangeFilter, type WatchChangesResponse } from "../../src/gen/sentinel/v1/control_pb.ts";
import { folderOf } from "../../src/store/sqlite/folder.ts";
import { type Inspected, inspect } from "../../src/store/sqlite/inspect.ts";
import { type Started, type StartOptions, startMain } from "./faulty-proxy.ts";
import { Control, get } from "./proxy-process.ts";

/** gRPC's UNAVAILABLE. */
const UNAVAILABLE = 14;

/** A configuration whose only route leads to a backend at this address; upstream "idle" gets no traffic. */
export function configFor(backend: string): string {
  return `
system { worker-threads 1; graceful-shutdown-timeout-secs 1; health-listen "127.0.0.1:0" }
listeners { listener "http" { address "127.0.0.1:0" } }
control { listen "127.0.0.1:0" { insecure #true } }
upstreams {
  upstream "u" { target id="first" "${backend}" }
  upstream "idle" { target id="none" "127.0.0.1:9" }
}
routes { route "all" { priority "low"; matches { path-prefix "/" }; upstream "u" } }`;
}

/** A backend that answers "here"; ends with `close`. */
export async function backend(): Promise<{ address: string; close: () => void }> {
  const server = createServer((_, response) => response.end("here"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** See the head of this file. */
export class Serving {
  readonly proxy: Started;
  readonly control: Control;
  /** Ids of backends that were added, in the order of their answers. */
  readonly acknowledged: string[] = ["first", "none"];
  /** Ids of backends whose adding was refused. */
  readonly refused: string[] = [];
  /** Revisions that a watch has seen; "ended" if it did not go on. */
  readonly watched: (bigint | "ended")[] = [];
  /** Of the last change that was acknowledged. */
  revision = 1n;
  readonly #watch: grpc.ClientReadableStream<WatchChangesResponse>;

  private constructor(proxy: Started) {
    this.proxy = proxy;
    this.control = new Control(proxy.control);
    this.#watch = this.control.stream("watchChanges", {});
    this.#watch.on("data", ({ event }: WatchChangesResponse) => {
      if (event.case === "change") this.watched.push(event.value.change!.revision);
    });
    this.#watch.on("error", () => this.watched.push("ended"));
  }

  /** Starts the program; in a new folder, or after another one that ended. */
  static async start(options: StartOptions, before?: Serving): Promise<Serving> {
    const serving = new Serving(await startMain(options));
    if (before !== undefined) {
      serving.acknowledged.splice(0, 2, ...before.acknowledged);
      serving.revision = before.revision;
    }
    await new Promise<void>((resolve) => serving.#watch.once("data", () => resolve()));
    return serving;
  }

  /** Adds backends, as one change, that get no traffic; undefined, or why it was refused: UNAVAILABLE. */
  async add(...ids: readonly string[]): Promise<string | undefined> {
    const commands = ids.map((id) => ({
      command: {
        case: "addBackend" as const,
        value: { upstream: "idle", backend: { id, address: `${id}:80` } },
      },
    }));
    try {
      const { result } = await this.control.call("applyDiff", { commands });
      this.revision = result!.revision;
      this.acknowledged.push(...ids);
      return undefined;
    } catch (error) {
      const { code, details } = error as grpc.ServiceError;
      expect([code, details]).toEqual([UNAVAILABLE, expect.stringMatching(/could not be stored/)]);
      this.refused.push(...ids);
      return details;
    }
  }

  /**
   * Traffic, health, reads and the watch are as ever, and tell of what was acknowledged
   * and of nothing else. `history` false: the past is not asked for.
   */
  async goesOn({ history = true } = {}): Promise<void> {
    const { listeners, health } = this.proxy;
    for (let i = 0; i < 10; i++) expect((await get(listeners["http"]!, "/")).body).toBe("here");
    expect((await get(health, "/health")).status).toBe(200);
    expect((await get(health, "/ready")).status).toBe(200);
    expect(await this.#backends()).toEqual(this.acknowledged.toSorted());
    expect(this.watched.includes("ended")).toBe(false);
    if (!history) return;
    const { changes } = await this.control.call("listChanges", { filter: ChangeFilter.ALL });
    expect(changes.length).toBeGreaterThan(0);
  }

  /** Whether changes can be stored, and why not. */
  async storage(): Promise<{ writable: boolean; reason: string }> {
    const { storage } = await this.control.call("getStatus", {});
    return { writable: storage!.writable, reason: storage!.reason };
  }

  /** Ends it, if the caller does not. */
  async end(how: () => Promise<number | null> = this.proxy.end): Promise<number | null> {
    this.#watch.removeAllListeners("error").on("error", () => {});
    this.#watch.cancel();
    this.control.close();
    return await how();
  }

  async #backends(): Promise<string[]> {
    const ids: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await this.control.call("getState", { pageToken });
      for (const { backends } of page.state!.upstreams) ids.push(...backends.map(({ id }) => id));
      pageToken = page.nextPageToken;
      if (pageToken === "") return ids.sort();
    }
  }
}

/** What a folder that nobody has open holds; it has to be right. */
export function contentOf(dir: string): { revision: bigint; digest: string; backends: string[] } {
  const { found } = rightOf(inspect(folderOf(dir)));
  const { revision, state } = found;
  const backends = [...state.upstreams.values()].flatMap((upstream) => [...upstream.backends.keys()]).sort();
  return { revision, digest: digestHex(state.digest), backends };
}

function rightOf(inspected: Inspected): Inspected & { readonly is: "right" } {
  if (inspected.is === "wrong") throw new Error(inspected.error.message);
  if (inspected.is === "new") throw new Error("there is nothing");
  return inspected;
}
