// What the primary has of key material: everything that the listeners of the state
// and of changes under way need, read once and read again when it is asked for.
// A reference that nobody needs any more is dropped, with a new key for session
// tickets, so that no session outlives its certificate. Told to the workers by
// whoever owns it.
import { randomBytes } from "node:crypto";
import type { ConfigError } from "../core/index.ts";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";
import { cipherErrors } from "./ciphers.ts";
import { type Material, type MaterialSource, sourcesOf } from "./material.ts";
import { readMaterial } from "./read-material.ts";

/** Length that OpenSSL wants. */
const TICKET_KEY_BYTES = 48;

/** What a worker is to know. */
export interface MaterialUpdate {
  /** New ones, and those that replace what was there. */
  readonly add: readonly Material[];
  /** References. */
  readonly drop: readonly string[];
  /** The same in all workers, so that a session can be resumed in another one. */
  readonly ticketKeys: Uint8Array;
}

/** What came of reading everything again. */
export interface Reread {
  readonly replaced: readonly Extract<Material, { kind: "pair" }>[];
  /** What cannot be served; what was there before goes on. */
  readonly errors: readonly ConfigError[];
}

/** See the head of this file. */
export class Materials {
  readonly #known = new Map<string, Material>();
  /** Where they were read from, for the first listener that asked. */
  readonly #sources = new Map<string, { readonly source: MaterialSource; readonly listener: string }>();
  readonly #clock: () => Date;
  readonly #tell: (update: MaterialUpdate) => Promise<void>;
  #ticketKeys: Uint8Array = randomBytes(TICKET_KEY_BYTES);
  /** Of changes that are prepared and neither committed nor released: by token, then by listener, what it needs. */
  readonly #pending = new Map<number, Map<string, readonly string[]>>();
  /** Whether there may be something to drop. */
  #isStale = false;

  /** `tell` reaches every worker, in order with the changes that need it; resolves when all have it, does not reject. */
  constructor(clock: () => Date, tell: (update: MaterialUpdate) => Promise<void>) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Everything, for a worker that starts. */
  all(): MaterialUpdate {
    return { add: [...this.#known.values()], drop: [], ticketKeys: this.#ticketKeys };
  }

  /** Reads what listeners need and nobody has read yet; all errors, or none. */
  async prepare(token: number, listeners: readonly Listener[]): Promise<readonly ConfigError[]> {
    const needed = listeners.flatMap((listener) =>
      sourcesOf(listener).map((source) => ({ source, listener: listener.id })),
    );
    const refsOf = (listener: Listener) => sourcesOf(listener).map(({ ref }) => ref);
    this.#pending.set(token, new Map(listeners.map((listener) => [listener.id, refsOf(listener)])));
    const errors = listeners.flatMap(cipherErrors);
    const add: Material[] = [];
    for (const { source, listener } of needed) {
      if (this.#known.has(source.ref) || add.some(({ ref }) => ref === source.ref)) continue;
      const read = await readMaterial(source, listener, this.#clock());
      if (read.ok) add.push(read.material);
      else errors.push(...read.errors);
      if (read.ok) this.#sources.set(source.ref, { source, listener });
    }
    if (errors.length > 0) {
      this.release(token);
      return errors;
    }
    for (const material of add) this.#known.set(material.ref, material);
    if (add.length > 0) void this.#tell({ add, drop: [], ticketKeys: this.#ticketKeys });
    return [];
  }

  /** The change of this token is given up. */
  release(token: number): void {
    this.#pending.delete(token);
    this.#isStale = true;
  }

  /** A change of this listener is committed: the one that was prepared first. */
  commit(listener: string): void {
    this.#isStale = true;
    for (const [token, listeners] of this.#pending) {
      if (!listeners.delete(listener)) continue;
      if (listeners.size === 0) this.#pending.delete(token);
      return;
    }
  }

  /** Drops what neither these listeners nor changes under way need. Costs nothing unless a listener has changed. */
  settle(listeners: Iterable<readonly [string, { readonly value: Listener }]>): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    const needed = new Set([...this.#pending.values()].flatMap((refs) => [...refs.values()].flat()));
    for (const [, { value }] of listeners) for (const { ref } of sourcesOf(value)) needed.add(ref);
    const drop = [...this.#known.keys()].filter((ref) => !needed.has(ref));
    for (const ref of [...this.#sources.keys()]) if (!needed.has(ref)) this.#sources.delete(ref);
    if (drop.length === 0) return;
    for (const ref of drop) this.#known.delete(ref);
    this.#ticketKeys = randomBytes(TICKET_KEY_BYTES);
    void this.#tell({ add: [], drop, ticketKeys: this.#ticketKeys });
  }

  /** Reads every file again, and what could not be read so far for these listeners. */
  async reread(listeners: Iterable<Listener>): Promise<Reread> {
    for (const listener of listeners) {
      for (const source of sourcesOf(listener)) {
        if (!this.#sources.has(source.ref)) this.#sources.set(source.ref, { source, listener: listener.id });
      }
    }
    const errors: ConfigError[] = [];
    const add: Material[] = [];
    for (const { source, listener } of [...this.#sources.values()]) {
      const read = await readMaterial(source, listener, this.#clock());
      if (!read.ok) errors.push(...read.errors);
      else if (!isSame(this.#known.get(source.ref), read.material)) add.push(read.material);
    }
    if (add.length > 0) {
      for (const material of add) this.#known.set(material.ref, material);
      this.#ticketKeys = randomBytes(TICKET_KEY_BYTES);
      await this.#tell({ add, drop: [], ticketKeys: this.#ticketKeys });
    }
    return { replaced: add.filter((material) => material.kind === "pair"), errors };
  }
}

function isSame(a: Material | undefined, b: Material): boolean {
  if (a?.kind === "pair" && b.kind === "pair") return a.cert === b.cert && a.key === b.key;
  return a?.kind === "authorities" && b.kind === "authorities" && a.certs === b.certs;
}
