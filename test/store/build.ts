// What tests of the store share: a store on an empty state with everything that
// can be watched of it, and short ways to make attempts.
import { emptyState, type ResourceChange, type State } from "../../src/core/index.ts";
import type { Accepted, Attempt, Rejected } from "../../src/store/attempt.ts";
import type { Participant, Prepared } from "../../src/store/participant.ts";
import { type AttemptRecord, memoryPersistence, type Persistence } from "../../src/store/persistence.ts";
import { Store, type StoreOptions } from "../../src/store/store.ts";
import { commands, type Given, upstream } from "../core/build.ts";

/** An attempt of the commands. */
export function attempt(given: readonly Given[], more: Partial<Attempt> = {}): Attempt {
  return { commands: commands(...given), source: "grpc", actor: "local", ...more };
}

/** Adds backend `id` to upstream "u", with an address of its own. */
export function addBackend(id: string, weight = 1): Given {
  const address = `h${Buffer.from(id).toString("hex")}:80`;
  return { addBackend: { upstream: "u", backend: { id, address, weight } } };
}

/** A persistence in memory with another append. */
export function journal(append: Persistence["append"]): Persistence {
  return Object.assign(memoryPersistence(), { append });
}

/** A store with upstream "u" at revision 1, and what it told of later attempts. */
export interface Watched {
  readonly store: Store;
  readonly persistence: Persistence;
  readonly told: (Accepted | Rejected)[];
  readonly bugs: unknown[];
  /** Revisions of the groups that were appended. */
  readonly groups: bigint[][];
}

/** Makes a store; `more` overrides its options. */
export async function watchedStore(more: Partial<StoreOptions> = {}): Promise<Watched> {
  const told: (Accepted | Rejected)[] = [];
  const bugs: unknown[] = [];
  const groups: bigint[][] = [];
  const memory = memoryPersistence();
  const append = memory.append.bind(memory);
  const persistence = Object.assign(memory, {
    append: (records: readonly AttemptRecord[]) => {
      groups.push(records.map(({ revision }) => revision));
      return append(records);
    },
  });
  const store = new Store({
    state: emptyState(),
    revision: 0n,
    historyId: "h1",
    persistence,
    clock: () => new Date(1_000),
    onAttempt: (_attempt, outcome) => told.push(outcome),
    onBug: (error) => bugs.push(error),
    ...more,
  });
  const first = await store.commit(attempt([upstream("u")]));
  if (!first.ok) throw new Error("the first commit failed");
  told.length = 0;
  groups.length = 0;
  return { store, persistence, told, bugs, groups };
}

/** "revision 3", "plan 2", or the codes of a refusal. */
export function summary(outcome: Accepted | Rejected): string {
  return outcome.ok ? `revision ${outcome.revision}` : outcome.errors.map(({ code }) => code).join(" ");
}

/** Ids of the backends of "u". */
export function backendIds(state: State): string[] {
  return [...state.upstreams.get("u")!.backends.keys()].sort();
}

/** A participant that writes down what is asked of it. */
export class Recorder implements Participant {
  readonly calls: string[];
  readonly #name: string;
  readonly #answer: () => Prepared | readonly [] | Promise<Prepared>;
  refuse = false;
  fail = false;

  constructor(name: string, calls: string[]) {
    this.#name = name;
    this.calls = calls;
    this.#answer = () => ({ release: () => void calls.push(`${name} release`) });
  }

  concerns(changes: readonly ResourceChange[]): boolean {
    return changes.length > 0;
  }

  async prepare(): ReturnType<Participant["prepare"]> {
    this.calls.push(`${this.#name} prepare`);
    if (this.fail) throw new Error("a bug of a participant");
    if (!this.refuse) return this.#answer();
    return [{ code: "conflict", rule: "test", path: "", message: `${this.#name} refuses`, hint: "" }];
  }
}
