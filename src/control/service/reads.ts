// The reading rpcs: GetState, GetStatus, DiffStates. They see committed state
// only and never wait for a commit.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  appendResource,
  COLLECTION_FIELDS,
  differences,
  diffStates,
  digestHex,
  effectsOf,
  etagOf,
  type Located,
  PLAIN_KINDS,
  resourceBytes,
  resources,
  type State,
  stateFromConfig,
} from "../../core/index.ts";
import { type Command, CommandSchema } from "../../gen/sentinel/v1/commands_pb.ts";
import {
  type DiffStatesRequest,
  type GetLogRequest,
  type GetStateRequest,
  GetStateResponseSchema,
  GetStatusResponseSchema,
  type StateSource,
  WorkerStatus_Progress,
} from "../../gen/sentinel/v1/control_pb.ts";
import { type Effect, EffectSchema } from "../../gen/sentinel/v1/events_pb.ts";
import { type ConfigState, ConfigStateSchema, ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Guards } from "../../store/guards.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { MAX_GIVEN_RESOURCES, MAX_RESPONSE_BYTES } from "../limits.ts";
import { Pages } from "../pages.ts";
import { oldestOf, pastState } from "../past.ts";
import { failure, statusOf } from "../status.ts";
import { unary } from "../unary.ts";
import { configFileOf } from "./reload.ts";

const PROGRESS = {
  starting: WorkerStatus_Progress.STARTING,
  snapshot: WorkerStatus_Progress.SNAPSHOT,
  live: WorkerStatus_Progress.LIVE,
  gone: WorkerStatus_Progress.GONE,
} as const;

/** Size of a ResourceInfo without its texts: kind, etag, revision, lengths. */
const INFO_BYTES = 48;

/** What a line of the log has beside its text in a message. */
const LINE_BYTES = 5;

/** Kinds whose number is told even if it is 0. */
const ALWAYS_COUNTED: readonly ResourceKind[] = [
  ResourceKind.LISTENER,
  ResourceKind.ROUTE,
  ResourceKind.UPSTREAM,
  ResourceKind.BACKEND,
];

interface StateInfo {
  readonly revision: bigint;
  readonly digest: string;
}

type Step = { readonly command: Command } | { readonly effect: Effect };

/** Handlers of the reading rpcs, and how to release what their page tokens pin. */
export function readHandlers(deps: ControlDependencies, watcherCount: () => number) {
  const statePages = new Pages<Located, StateInfo>(({ key, value }) => resourceBytes(key.kind, value).length);
  const diffPages = new Pages<Step, undefined>((step) =>
    "command" in step
      ? toBinary(CommandSchema, step.command).length
      : toBinary(EffectSchema, step.effect).length,
  );
  return {
    close: () => {
      statePages.close();
      diffPages.close();
    },
    handlers: {
      getState: unary(deps, "GetState", (request: GetStateRequest) => getState(deps, statePages, request)),
      getLog: unary(deps, "GetLog", (request: GetLogRequest) => getLog(deps, request)),
      getStatus: unary(deps, "GetStatus", () => getStatus(deps, watcherCount())),
      diffStates: unary(deps, "DiffStates", async (request: DiffStatesRequest) => {
        const isFirst = request.pageToken === "";
        const from = isFirst ? await stateOf(deps, request.from, "from.") : deps.store.state;
        const to = isFirst ? await stateOf(deps, request.to, "to.") : deps.store.state;
        const page = diffPages.page(request, () => {
          const commands = diffStates(from, to).map((command) => ({ command }));
          const changes = differences(from, to).map((change) => ({ ...change, bytes: undefined }));
          return {
            items: [...commands, ...effectsOf(changes).map((effect) => ({ effect }))],
            info: undefined,
          };
        });
        return {
          commands: page.items.flatMap((step) => ("command" in step ? [step.command] : [])),
          effects: page.items.flatMap((step) => ("effect" in step ? [step.effect] : [])),
          nextPageToken: page.nextPageToken,
        };
      }),
    },
  };
}

function getState(deps: ControlDependencies, pages: Pages<Located, StateInfo>, request: GetStateRequest) {
  const { store } = deps;
  const read = () => {
    const { state, revision } = store;
    const items = [...resources(state)].filter((resource) => isWanted(resource, request));
    return { items, info: { revision, digest: digestHex(state.digest) } };
  };
  const infoOf = ({ key, hash }: Located) => {
    const origin = store.provenance.of(key);
    return { ...key, etag: etagOf(hash), revision: origin?.revision ?? 0n, origin: origin?.text ?? "" };
  };
  const infoSize = (item: Located) => {
    const { id, upstream, origin } = infoOf(item);
    return Buffer.byteLength(id) + Buffer.byteLength(upstream) + Buffer.byteLength(origin) + INFO_BYTES;
  };
  const page = request.withProvenance ? pages.page(request, read, infoSize) : pages.page(request, read);
  const state = create(ConfigStateSchema);
  for (const { key, value } of page.items) appendResource(state, key, value);
  return create(GetStateResponseSchema, {
    historyId: store.historyId,
    ...page.info,
    state,
    resources: request.withProvenance ? page.items.map(infoOf) : [],
    nextPageToken: page.nextPageToken,
  });
}

function isWanted({ key }: Located, { kinds, idPrefix }: GetStateRequest): boolean {
  if (kinds.length > 0 && !kinds.includes(key.kind)) return false;
  if (idPrefix === "") return true;
  return (key.kind === ResourceKind.BACKEND ? key.upstream : key.id).startsWith(idPrefix);
}

async function getStatus(deps: ControlDependencies, watchers: number) {
  const { store, dataPlane } = deps;
  const listeners = await dataPlane.boundListeners();
  const { state } = store;
  const counts = [
    { kind: ResourceKind.LISTENER, count: state.listeners.size },
    { kind: ResourceKind.ROUTE, count: state.routes.size },
    { kind: ResourceKind.UPSTREAM, count: state.upstreams.size },
    { kind: ResourceKind.BACKEND, count: state.backendCount },
    ...PLAIN_KINDS.map((kind) => ({ kind, count: state[COLLECTION_FIELDS[kind]].size })),
  ].filter(({ kind, count }) => count > 0 || ALWAYS_COUNTED.includes(kind));
  return create(GetStatusResponseSchema, {
    version: deps.version,
    historyId: store.historyId,
    revision: store.revision,
    digest: store.digest,
    startTime: timestampFromDate(deps.startTime),
    ready: deps.isReady(),
    workers: dataPlane.states().map(({ worker, progress, revision, digest }) => ({
      worker,
      progress: PROGRESS[progress],
      revision: revision < 0n ? 0n : revision,
      digest,
    })),
    listeners: [...state.listeners.values()].map(({ value }) => ({
      id: value.id,
      address: value.address!,
      boundAddress: listeners.find(({ id }) => id === value.id)?.boundAddress ?? "",
    })),
    counts,
    watchers,
    storage: storageOf(deps),
    sources: store.sources.all(),
    ...guardsOf(store.guards),
    configFile: configFileOf(deps.configFiles),
  });
}

/** The newest lines that fit an answer, oldest first. */
function getLog({ logLines }: ControlDependencies, { maxLines }: GetLogRequest) {
  const lines: string[] = [];
  let bytes = 0;
  for (const line of logLines()) {
    bytes += Buffer.byteLength(line) + LINE_BYTES;
    if (bytes > MAX_RESPONSE_BYTES || (maxLines > 0 && lines.length === maxLines)) break;
    lines.push(line);
  }
  return { lines: lines.reverse() };
}

function guardsOf({ freezes, unconfirmed }: Guards) {
  return {
    freezes: freezes.map(({ id, names, by, reason, until }) => {
      return { freezeId: id, names: [...names], by, reason, until: timestampFromDate(until) };
    }),
    unconfirmed: unconfirmed.map(({ revision, deadline }) => {
      return { revision, deadline: timestampFromDate(deadline) };
    }),
  };
}

function storageOf({ persistence, store }: ControlDependencies) {
  const { status, durable } = persistence;
  const oldestRevision = oldestOf({ persistence, store });
  if (status.state === "ok") return { durable, writable: true, oldestRevision };
  const { reason, since } = status;
  return { durable, writable: false, oldestRevision, reason, unwritableSince: timestampFromDate(since) };
}

/** The state that a source names; throws what is wrong with it. */
async function stateOf(
  deps: ControlDependencies,
  named: StateSource | undefined,
  prefix: string,
): Promise<State> {
  const source = named?.source;
  switch (source?.case) {
    case undefined:
      return deps.store.state;
    case "revision":
      return pastState(deps, source.value);
    case "state": {
      const size = resourceCount(source.value);
      if (size > MAX_GIVEN_RESOURCES) {
        throw failure("limit", `${prefix}state has ${size} resources, more than ${MAX_GIVEN_RESOURCES}`);
      }
      const built = stateFromConfig(source.value);
      if (built.ok) return built.state;
      const errors = built.errors.map((error) => ({ ...error, path: `${prefix}state: ${error.path}` }));
      throw statusOf(errors);
    }
  }
}

/** Resources of a state that a client sends, singletons aside. */
export function resourceCount(config: ConfigState): number {
  const lists = Object.values(COLLECTION_FIELDS).map((field) => config[field].length);
  return [...lists, ...config.upstreams.map(({ backends }) => backends.length)].reduce((a, b) => a + b, 0);
}
