// What the admin endpoints and the built-in handlers of workers answer, put together
// from the parts of a Sentinel. Part of the composition root.
import { setImmediate as turn } from "node:timers/promises";
import type { JsonValue } from "@bufbuild/protobuf";
import { AdminListeners } from "./admin/admin-listeners.ts";
import { type AdminSource, adminHandler } from "./admin/handler.ts";
import { jsonChunks, messageFields, shown } from "./admin/json-chunks.ts";
import { metricsOf } from "./admin/metrics.ts";
import type { Answer, Progress } from "./admin/readiness.ts";
import { diagnosticJson } from "./config/diagnostic.ts";
import { scopeName, toConfigState } from "./core/index.ts";
import {
  ConfigStateSchema,
  type Listener,
  type Route,
  RouteSchema,
  type Upstream,
  UpstreamSchema,
} from "./gen/sentinel/v1/resources_pb.ts";
import type { Document, PrimaryDocument } from "./proxy/builtin.ts";
import { type FileStatus, nameIn, namesIn } from "./reload/outcome.ts";
import type { Reloader } from "./reload/reloader.ts";
import { compareRanks, rankOf, servedScope } from "./routing/index.ts";
import type { Accepted, Attempt, Rejected } from "./store/attempt.ts";
import type { Store } from "./store/store.ts";
import type { Teller } from "./telemetry/recorder.ts";
import { HAS_REUSE_PORT, type WorkerPool } from "./worker/pool.ts";

/** The parts. */
export interface AdminParts {
  readonly store: Store;
  readonly pool: WorkerPool;
  readonly log: Teller;
  readonly version: string;
  readonly startTime: Date;
  readonly isReady: () => boolean;
  readonly changes: ChangeCounts;
  /** Undefined until the files have been taken in for the first time. */
  readonly reloader: () => Reloader | undefined;
}

/** Attempts to change something, by result. */
export class ChangeCounts {
  readonly values = { committed: 0, unchanged: 0, valid: 0, refused: 0 };

  count({ validateOnly }: Attempt, outcome: Accepted | Rejected): void {
    if (!outcome.ok) this.values.refused++;
    else if (validateOnly === true) this.values.valid++;
    else if (outcome.changed) this.values.committed++;
    else this.values.unchanged++;
  }
}

/** How far this Sentinel is, for /ready. */
export function progressOf({
  store,
  pool,
  isReady,
}: Pick<AdminParts, "store" | "pool" | "isReady">): Progress {
  const serving = pool.states().filter(({ progress }) => progress === "live" || progress === "snapshot");
  const applied = serving.map(({ revision }) => revision).sort((a, b) => (a < b ? -1 : 1));
  return {
    isReady: isReady(),
    historyId: store.historyId,
    revision: store.revision,
    applied: applied[0] ?? -1n,
    source: (name) => store.sources.all().find(({ source }) => source === name),
  };
}

/** The admin listeners, as a participant of the store; what they tell is there for workers from now on, too. */
export function adminListeners(parts: AdminParts): AdminListeners {
  const source = sourceOf(parts, () => listeners);
  parts.pool.answerWith((what) => documentOf(parts, source, what));
  const listeners: AdminListeners = new AdminListeners({
    store: parts.store,
    handler: adminHandler(source),
    reusePort: HAS_REUSE_PORT,
    onError: (listener, error) => parts.log.write("error", "listener-error", { listener, error }),
  });
  return listeners;
}

function sourceOf(parts: AdminParts, admin: () => AdminListeners): AdminSource {
  const { store, pool, log, version, startTime, reloader } = parts;
  const registry = metricsOf({
    version,
    startTime,
    revision: () => store.revision,
    isFileValid: () => reloader()?.status.valid ?? false,
    reloads: () => reloader()?.counts ?? {},
    changes: () => parts.changes.values,
    workers: () => pool.states(),
    resources: () => countsOf(store),
  });
  return {
    progress: () => progressOf(parts),
    version: () => ({ version, node: process.version }),
    status: async () => ({
      version,
      ready: parts.isReady(),
      uptime_secs: Math.floor((Date.now() - startTime.getTime()) / 1_000),
      ...revisionOf(store),
      digest: store.digest,
      workers: pool
        .states()
        .map(({ worker, progress, revision }) => ({ worker, progress, revision: String(revision) })),
      listeners: [...(await pool.boundListeners()), ...admin().bound()].map(
        ({ id, address, boundAddress }) => {
          return { id, address, bound_address: boundAddress };
        },
      ),
      resources: countsOf(store),
      config_file: fileStatus(reloader()?.status),
    }),
    config: () => ({ ...revisionOf(store), ...messageFields(ConfigStateSchema, toConfigState(store.state)) }),
    routes: () => ({ ...revisionOf(store), routes: routesOf(store) }),
    upstreams: () => ({ ...revisionOf(store), upstreams: upstreamsOf(store) }),
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    reload: async (options) => {
      const known = reloader();
      if (known === undefined)
        return { status: 503, body: { status: "unavailable", reason: "still starting" } };
      return reloadAnswer(await known.reload({ trigger: "admin", ...options }), options.validateOnly);
    },
    onBug: (error) =>
      log.write("error", "internal-error", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  };
}

/** What a built-in handler of a worker answers; undefined if it cannot be made, which is told. */
async function documentOf(
  { store, pool, version, startTime }: AdminParts,
  source: AdminSource,
  what: PrimaryDocument,
): Promise<Document | undefined> {
  try {
    switch (what) {
      case "metrics": {
        const { contentType, text } = await source.metrics();
        return { contentType, body: text };
      }
      case "config":
        return await jsonDocument(source.config());
      case "status":
        return await jsonDocument({
          status: "ok",
          version,
          uptime_secs: Math.floor((Date.now() - startTime.getTime()) / 1_000),
          workers: pool.states().filter(({ progress }) => progress === "live").length,
          config_version: Number(store.revision),
          timestamp: new Date().toISOString(),
        });
    }
  } catch (error) {
    source.onBug(error);
    return undefined;
  }
}

async function jsonDocument(fields: Parameters<typeof jsonChunks>[0]): Promise<Document> {
  let body = "";
  for (const chunk of jsonChunks(fields)) {
    body += chunk;
    await turn();
  }
  return { contentType: "application/json", body };
}

function reloadAnswer(result: Awaited<ReturnType<Reloader["reload"]>>, dryRun: boolean): Answer {
  if (!result.ok) {
    const isPassing = result.errors.every(({ code }) => code === "unavailable" || code === "limit");
    const diagnostics = result.diagnostics.map(diagnosticJson);
    return { status: isPassing ? 503 : 422, body: { status: "rejected", diagnostics } };
  }
  const { outcome, kept, conflicts, warnings } = result;
  const body = {
    status: outcome.changed ? "applied" : "unchanged",
    ...(dryRun ? { dry_run: true } : {}),
    revision: Number(outcome.revision),
    ...namesIn(outcome),
    kept: kept.map(({ key, change }) => ({ resource: nameIn(key), change })),
    conflicts: conflicts.map(({ key, ...conflict }) => ({ resource: nameIn(key), ...conflict })),
    warnings: [...warnings.map(diagnosticJson), ...outcome.warnings.map((message) => ({ message }))],
  };
  return { status: 200, body };
}

function fileStatus(status: FileStatus | undefined): JsonValue {
  if (status === undefined) return null;
  const { file, valid, time, trigger, result, revision } = status;
  return { file, valid, time: time.toISOString(), trigger, result, revision: String(revision) };
}

function revisionOf({ historyId, revision }: Store) {
  return { history_id: historyId, revision: String(revision) };
}

function countsOf({ state }: Store) {
  return {
    listener: state.listeners.size,
    route: state.routes.size,
    upstream: state.upstreams.size,
    backend: state.backendCount,
    filter: state.filters.size,
    agent: state.agents.size,
    namespace: state.namespaces.size,
    service: state.services.size,
  };
}

/** Domain by domain ("" is the global one), each in the order in which its routes are tried. */
function* routesOf({ state }: Store): Generator<JsonValue> {
  const listeners = [...state.listeners.values()].map(({ value }) => value as Listener);
  const domains = new Set(listeners.map(servedScope));
  const domainOf = (id: string) => {
    let domain = scopeName(id);
    while (domain !== "" && !domains.has(domain)) domain = scopeName(domain);
    return domain;
  };
  const ranked = [...state.routes.values()].map(({ value }) => ({
    value,
    rank: rankOf(value as Route),
    domain: domainOf(value.id),
  }));
  ranked.sort((a, b) => (a.domain < b.domain ? -1 : a.domain > b.domain ? 1 : compareRanks(a.rank, b.rank)));
  for (const { value, rank, domain } of ranked) {
    const { priority, specificity } = rank;
    const enabled = value.enabled ?? true;
    yield { domain, priority, specificity, enabled, route: shown(RouteSchema, value) };
  }
}

function* upstreamsOf({ state }: Store): Generator<JsonValue> {
  for (const { value, backends } of state.upstreams.values()) {
    const whole: Upstream = { ...value, backends: [...backends.values()].map((one) => one.value) };
    yield shown(UpstreamSchema, whole);
  }
}
