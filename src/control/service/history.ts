// History: ListChanges, GetChange, GetBlame, Rollback's target, SaveSnapshot.
// What is recent comes from memory, the rest from the journal; the answer is the
// same.
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  changedFields,
  effectsOf,
  findResource,
  inverseOf,
  KIND_NAMES,
  type Kind,
  type ResourceKey,
  schemaOf,
} from "../../core/index.ts";
import { StoredAttempt_Result, type StoredChange } from "../../gen/sentinel/internal/v1/storage_pb.ts";
import { type Command, CommandSchema } from "../../gen/sentinel/v1/commands_pb.ts";
import {
  ChangeFilter,
  type FieldBlame,
  FieldBlameSchema,
  type GetBlameRequest,
  type GetChangeRequest,
  type ListChangesRequest,
} from "../../gen/sentinel/v1/control_pb.ts";
import {
  type Change,
  type ChangeRecord,
  type Effect,
  EffectSchema,
} from "../../gen/sentinel/v1/events_pb.ts";
import { ResourceKind } from "../../gen/sentinel/v1/resources_pb.ts";
import { attemptRecord, changeRecord, headOf } from "../../store/records.ts";
import { changesOf, commandsIn } from "../../store/stored.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { Pages } from "../pages.ts";
import { oldestOf, valueFrom } from "../past.ts";
import { failure } from "../status.ts";
import { unary } from "../unary.ts";

/** Rows of a list. */
const DEFAULT_ROWS = 100;
const MAX_ROWS = 1_000;
const MAX_VALUE_LENGTH = 256;

type Item = { readonly command: Command } | { readonly effect: Effect } | { readonly inverse: Command };

/** Handlers of the rpcs about history, and how to release what their page tokens pin. */
export function historyHandlers(deps: ControlDependencies) {
  const pages = new Pages<Item, { readonly head: Change; readonly rpc: string }>((item) =>
    "effect" in item
      ? toBinary(EffectSchema, item.effect).length
      : toBinary(CommandSchema, "command" in item ? item.command : item.inverse).length,
  );
  return {
    close: () => pages.close(),
    handlers: {
      listChanges: unary(deps, "ListChanges", (request: ListChangesRequest) => listChanges(deps, request)),
      getChange: unary(deps, "GetChange", (request: GetChangeRequest) => getChange(deps, pages, request)),
      getBlame: unary(deps, "GetBlame", (request: GetBlameRequest) => getBlame(deps, request)),
      saveSnapshot: unary(deps, "SaveSnapshot", async () => {
        const { path, revision, sizeBytes } = valueFrom(await deps.persistence.saveSnapshot());
        return { path, revision, sizeBytes: BigInt(sizeBytes) };
      }),
    },
  };
}

async function listChanges({ persistence, store }: ControlDependencies, request: ListChangesRequest) {
  const { filter, since, until, actor, kind, id, upstream, pageSize, pageToken } = request;
  if (pageSize > MAX_ROWS) {
    throw failure("invalid", `page_size ${pageSize} is above ${MAX_ROWS}`, "leave it unset");
  }
  if (!/^\d{0,18}$/.test(pageToken)) throw failure("invalid", "this is no page token of ListChanges");
  const isOfChanges = filter === ChangeFilter.UNSPECIFIED || filter === ChangeFilter.COMMITTED;
  if (!isOfChanges && kind !== ResourceKind.UNSPECIFIED) {
    throw failure("invalid", "kind, id and upstream select committed changes", "leave filter unset");
  }
  const query = {
    limit: pageSize === 0 ? DEFAULT_ROWS : pageSize,
    ...(pageToken === "" ? {} : { before: BigInt(pageToken) }),
    ...(since === undefined ? {} : { since: timestampDate(since) }),
    ...(until === undefined ? {} : { until: timestampDate(until) }),
    ...(actor === "" ? {} : { actor }),
  };
  const result = filter === ChangeFilter.REFUSED ? { result: StoredAttempt_Result.REFUSED } : {};
  const resource = {
    ...(kind === ResourceKind.UNSPECIFIED ? {} : { kind }),
    ...(id === "" ? {} : { id }),
    ...(upstream === "" ? {} : { upstream }),
  };
  const page = isOfChanges
    ? recordsOf(valueFrom(await persistence.changes({ ...query, ...resource })), changeRecord)
    : recordsOf(valueFrom(await persistence.attempts({ ...query, ...result })), ({ sequence, attempt }) =>
        attemptRecord(sequence, attempt),
      );
  return {
    ...page,
    historyId: store.historyId,
    oldestRevision: oldestOf({ store, persistence }),
  };
}

function recordsOf<T>(
  { rows, next }: { readonly rows: readonly T[]; readonly next: bigint | undefined },
  recordOf: (row: T) => ChangeRecord,
) {
  return { changes: rows.map(recordOf), nextPageToken: next === undefined ? "" : String(next) };
}

async function getChange(
  { persistence }: ControlDependencies,
  pages: Pages<Item, { readonly head: Change; readonly rpc: string }>,
  request: GetChangeRequest,
) {
  const stored = request.pageToken === "" ? valueFrom(await persistence.change(request.revision)) : undefined;
  const page = pages.page(request, () => {
    const changes = changesOf(stored!);
    const items: Item[] = [
      ...commandsIn(stored!).map((command) => ({ command })),
      ...effectsOf(changes).map((effect) => ({ effect })),
      ...inverseOf(changes).map((inverse) => ({ inverse })),
    ];
    return { items, info: { head: headOf(stored!), rpc: stored!.rpc } };
  });
  const { head, rpc } = page.info;
  return {
    change: {
      ...head,
      commands: page.items.flatMap((item) => ("command" in item ? [item.command] : [])),
      effects: page.items.flatMap((item) => ("effect" in item ? [item.effect] : [])),
    },
    inverse: page.items.flatMap((item) => ("inverse" in item ? [item.inverse] : [])),
    rpc,
    nextPageToken: page.nextPageToken,
  };
}

/** Walks back through the changes of one resource until every field that is set has been found. */
async function getBlame({ persistence, store }: ControlDependencies, request: GetBlameRequest) {
  const key: ResourceKey = { kind: request.kind as Kind, upstream: request.upstream, id: request.id };
  if (KIND_NAMES[key.kind] === undefined) throw failure("invalid", "kind is not set", "name a kind");
  const found = findResource(store.state, key);
  if (found === undefined) {
    throw failure("not_found", `there is no ${KIND_NAMES[key.kind]} '${key.id}'`);
  }
  const schema = schemaOf(key.kind);
  const value = found.value as unknown as Record<string, unknown>;
  const json = toJson(schema, found.value) as Record<string, unknown>;
  const open = new Map<string, FieldBlame>();
  const blames: FieldBlame[] = [];
  for (const field of schema.fields) {
    if (field.name === "id" || json[field.jsonName] === undefined || value[field.localName] === undefined)
      continue;
    const text = JSON.stringify(json[field.jsonName]);
    const shown = text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 3)}...` : text;
    const blame = create(FieldBlameSchema, { field: field.name, value: shown.toWellFormed() });
    blames.push(blame);
    open.set(field.name, blame);
  }
  let before: bigint | undefined;
  while (open.size > 0) {
    const query = {
      kind: key.kind,
      id: key.id,
      upstream: key.upstream,
      ...(before === undefined ? {} : { before }),
    };
    const page = valueFrom(await persistence.changes(query));
    for (const change of page.rows) settle(change, key, open);
    if (page.next === undefined) break;
    before = page.next;
  }
  return { fields: blames };
}

/** Blames a change for the fields that it was the last to touch. */
function settle(change: StoredChange, key: ResourceKey, open: Map<string, FieldBlame>): void {
  const difference = changesOf(change).find(
    ({ key: one }) => one.id === key.id && one.kind === key.kind && one.upstream === key.upstream,
  );
  if (difference?.after === undefined) return;
  const fields =
    difference.before === undefined
      ? [...open.keys()]
      : changedFields(schemaOf(key.kind), difference.before, difference.after);
  const stored = change.differences.find(
    (one) => one.id === key.id && one.kind === key.kind && one.upstream === key.upstream,
  );
  for (const field of fields) {
    const blame = open.get(field);
    if (blame === undefined) continue;
    blame.revision = change.revision;
    if (change.time !== undefined) blame.time = change.time;
    blame.actor = change.actor;
    blame.origin = change.source === "file" ? (stored?.origin ?? "") : change.rpc;
    blame.reason = change.reason;
    open.delete(field);
  }
}
