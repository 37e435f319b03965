// Cost of making a change durable: one change with images of 2 KB at 100 and at
// 100,000 resources, groups of 64, opening a folder of 100,000 resources; beside
// it what the disk's own fdatasync takes. Writes to a folder of the system's
// temporary directory, or to SENTINEL_BENCH_DIR.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { applyDiff, type State } from "../../src/core/index.ts";
import { type Command, CommandSchema } from "../../src/gen/sentinel/v1/commands_pb.ts";
import type { AttemptRecord } from "../../src/store/persistence.ts";
import { recordOf } from "../../src/store/record.ts";
import { type OpenedState, openState } from "../../src/store/sqlite/open-state.ts";
import { printTable, quantile, round } from "./table.ts";

const SAMPLES = 1_000;
const WARM_UP = 200;
const GROUPS = 50;
const GROUP = 64;
/** A route of about 2 KB: hosts to match. */
const HOSTS = Array.from({ length: 60 }, (_, i) => `host-${i}.some-longer-name.example.com`);

/** Runs the case. */
export async function run(): Promise<void> {
  const parent = mkdtempSync(join(process.env["SENTINEL_BENCH_DIR"] ?? tmpdir(), "sentinel-bench-"));
  try {
    await measure(parent);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function measure(parent: string): Promise<void> {
  const sizes = [100, 100_000].map((backends) => new Folder(join(parent, `s${backends}`), backends));
  for (const folder of sizes) await folder.fill();
  const disk = new Disk(join(parent, "raw"));
  const raw: number[] = [];
  // The sizes alternate, and the disk alone with them, so that noise hits them alike.
  for (let i = 0; i < SAMPLES + WARM_UP; i++) {
    const syncMs = disk.sync();
    if (i >= WARM_UP) raw.push(syncMs);
    for (const folder of sizes) {
      const ms = await folder.append([folder.change(i)]);
      if (i >= WARM_UP) folder.single.push(ms);
    }
  }
  disk.close();
  for (let i = 0; i < GROUPS; i++) {
    for (const folder of sizes) {
      const group = Array.from({ length: GROUP }, (_, k) => folder.change(i * GROUP + k));
      folder.grouped.push(await folder.append(group));
    }
  }
  const loadMs: number[] = [];
  for (let i = 0; i < 3; i++) loadMs.push(await sizes[1]!.reopen());
  for (const { opened } of sizes) await opened.persistence.close();
  report(raw, sizes, loadMs);
}

function report(raw: readonly number[], sizes: readonly Folder[], loadMs: readonly number[]): void {
  const row = (name: string, samples: readonly number[]) => [
    name,
    ...[0.5, 0.9, 0.99].map((q) => quantile(samples, q).toFixed(3)),
  ];
  printTable(
    ["durable (ms)", "p50", "p90", "p99"],
    [
      row("fdatasync of 4 KB alone", raw),
      ...sizes.map(({ backends, single }) => row(`one change, ${backends} resources`, single)),
      ...sizes.map(({ backends, grouped }) => row(`group of ${GROUP}, ${backends} resources`, grouped)),
      row("open and check, 100,000 resources", loadMs),
    ],
  );
  const [small, large] = [sizes[0]!, sizes[1]!];
  const perSecond = ({ grouped }: Folder) => round((GROUP * 1000) / quantile(grouped, 0.5), 0);
  const sync = quantile(raw, 0.5);
  console.log(
    JSON.stringify({
      case: "persist",
      fdatasync_p50_ms: round(sync, 3),
      p50_ms_100: round(quantile(small.single, 0.5), 3),
      p99_ms_100: round(quantile(small.single, 0.99), 3),
      p50_ms_100k: round(quantile(large.single, 0.5), 3),
      p99_ms_100k: round(quantile(large.single, 0.99), 3),
      above_fdatasync_ms: round(quantile(large.single, 0.5) - sync, 3),
      changes_per_s_100: perSecond(small),
      changes_per_s_100k: perSecond(large),
      load_ms_100k: round(quantile(loadMs, 0.5), 0),
    }),
  );
}

/** A state folder with that many backends and one large route, and what was measured of it. */
class Folder {
  readonly backends: number;
  readonly single: number[] = [];
  readonly grouped: number[] = [];
  readonly #dir: string;
  opened: OpenedState;
  #state: State;
  #revision = 0n;

  constructor(dir: string, backends: number) {
    this.#dir = dir;
    this.backends = backends;
    this.opened = this.#open();
    this.#state = this.opened.state;
  }

  async fill(): Promise<void> {
    const setup = [command({ case: "addUpstream", value: { upstream: { id: "u" } } })];
    for (let b = 0; b < this.backends; b++) {
      const address = `10.${(b >> 16) & 255}.${(b >> 8) & 255}.${b & 255}:8080`;
      const backend = { id: `b${b}`, address };
      setup.push(command({ case: "addBackend", value: { upstream: "u", backend } }));
    }
    const matches = { hosts: HOSTS };
    setup.push(command({ case: "addRoute", value: { route: { id: "r", upstream: "u", matches } } }));
    await this.append([this.#record(setup)]);
  }

  /** A change of the large route. */
  change(i: number): AttemptRecord {
    const hosts = [...HOSTS, `n${i}.example.com`];
    return this.#record([
      command({ case: "updateRoute", value: { route: { id: "r", matches: { hosts } } } }),
    ]);
  }

  /** Milliseconds that the append of records took. */
  async append(records: readonly AttemptRecord[]): Promise<number> {
    const started = performance.now();
    await this.opened.persistence.append(records);
    return performance.now() - started;
  }

  /** Milliseconds that opening takes. */
  async reopen(): Promise<number> {
    await this.opened.persistence.close();
    const started = performance.now();
    this.opened = this.#open();
    return performance.now() - started;
  }

  #open(): OpenedState {
    const snapshots = { keep: 0 };
    const opened = openState(this.#dir, { clock: () => new Date(), newId: () => "bench", snapshots });
    if (!opened.ok) throw new Error(opened.error.message);
    return opened;
  }

  #record(commands: readonly Command[]): AttemptRecord {
    const attempt = { commands, source: "grpc", actor: "bench" };
    const applied = applyDiff(this.#state, commands);
    if (!applied.ok) throw new Error(applied.errors[0]!.message);
    const { changes, warnings, state } = applied;
    this.#state = state;
    const revision = ++this.#revision;
    const time = new Date();
    const outcome = { ok: true as const, revision, changed: true, changes, warnings, time, timings: NO_TIME };
    return recordOf(attempt, outcome, { change: { ...attempt, reason: "", revision, time, changes, state } });
  }
}

const NO_TIME = { validateUs: 0, persistUs: 0 };

/** Appends of 4 KB to a file, each made durable. */
class Disk {
  readonly #fd: number;
  readonly #block = Buffer.alloc(4096, 1);
  constructor(path: string) {
    this.#fd = openSync(path, "w");
  }
  /** Milliseconds of one. */
  sync(): number {
    const started = performance.now();
    writeSync(this.#fd, this.#block);
    fdatasyncSync(this.#fd);
    return performance.now() - started;
  }
  close(): void {
    closeSync(this.#fd);
  }
}

function command(value: MessageInitShape<typeof CommandSchema>["command"]): Command {
  return create(CommandSchema, { command: value! });
}
