// What is counted of the control side, as Prometheus text. Values are looked up when
// they are asked for; nothing is collected in between.
import { Counter, Gauge, Registry } from "prom-client";

/** Where the values are. */
export interface MetricsSource {
  readonly version: string;
  readonly startTime: Date;
  readonly revision: () => bigint;
  readonly isFileValid: () => boolean;
  /** Reloads by result. */
  readonly reloads: () => Readonly<Record<string, number>>;
  /** Attempts to change something by result. */
  readonly changes: () => Readonly<Record<string, number>>;
  readonly workers: () => readonly {
    readonly worker: number;
    readonly progress: string;
    readonly revision: bigint;
  }[];
  readonly resources: () => Readonly<Record<string, number>>;
}

const PROGRESS = ["starting", "snapshot", "live", "gone"];
const MICROSECONDS = 1e6;

/** A registry of them; `metrics()` of it is the text. */
export function metricsOf(source: MetricsSource): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge("sentinel_revision", "The committed revision", () => Number(source.revision()));
  gauge("sentinel_bootstrap_file_valid", "Whether the configuration files could be taken in last time", () =>
    Number(source.isFileValid()),
  );
  counts(registry, "sentinel_reloads_total", "Reloads of the configuration files", source.reloads);
  counts(registry, "sentinel_changes_total", "Attempts to change the configuration", source.changes);
  labelled(registry, "sentinel_resources", "Resources of the configuration", "kind", source.resources);
  labelled(registry, "sentinel_workers", "Data-plane workers", "progress", () => {
    const states = source.workers().map(({ progress }) => progress);
    return Object.fromEntries(PROGRESS.map((one) => [one, states.filter((state) => state === one).length]));
  });
  labelled(registry, "sentinel_worker_revision", "The revision a worker has applied", "worker", () =>
    Object.fromEntries(
      source.workers().map(({ worker, revision }) => [String(worker), Math.max(0, Number(revision))]),
    ),
  );
  labelled(registry, "sentinel_info", "The version that runs", "version", () => ({ [source.version]: 1 }));
  gauge("process_start_time_seconds", "Start of the process, in seconds since 1970", () =>
    Math.round(source.startTime.getTime() / 1_000),
  );
  gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
  counts(
    registry,
    "process_cpu_seconds_total",
    "CPU time of all threads",
    () => {
      const { user, system } = process.cpuUsage();
      return { user: user / MICROSECONDS, system: system / MICROSECONDS };
    },
    "mode",
  );
  return registry;
}

function counts(
  registry: Registry,
  name: string,
  help: string,
  values: () => Readonly<Record<string, number>>,
  label = "result",
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of Object.entries(values())) this.inc({ [label]: key }, value);
    },
  });
}

function labelled(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: () => Readonly<Record<string, number>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of Object.entries(values())) this.set({ [label]: key }, value);
    },
  });
}
