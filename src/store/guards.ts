// What refuses changes for a while: freezes, which people set against writers,
// and changes that wait to be confirmed. A value that the store carries along
// with the state, and that is stored with the attempt that changes it.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  applyDiff,
  type ConfigError,
  keyText,
  limits,
  type ResourceChange,
  referencesOf,
  type State,
} from "../core/index.ts";
import { type StoredGuards, StoredGuardsSchema } from "../gen/sentinel/internal/v1/storage_pb.ts";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { Attempt } from "./attempt.ts";
import type { SourceVersion } from "./sources.ts";

/** Writers that may not write until a time. */
export interface Freeze {
  /** Whoever knows it may write, and end the freeze. */
  readonly id: string;
  /** Actors and sources that are refused; empty: all. */
  readonly names: readonly string[];
  readonly reason: string;
  /** The actor who set it. */
  readonly by: string;
  readonly until: Date;
}

/** A change that is reverted unless it is confirmed in time. */
export interface Unconfirmed {
  readonly revision: bigint;
  readonly deadline: Date;
  /** Keys (keyText) of what it changed. */
  readonly keys: ReadonlySet<string>;
  /** What reverts it. */
  readonly inverse: readonly Command[];
}

/** See the head of this file. */
export interface Guards {
  readonly freezes: readonly Freeze[];
  /** Oldest first. */
  readonly unconfirmed: readonly Unconfirmed[];
}

/** What an attempt does to the guards, in place of commands. */
export type GuardAction =
  | { readonly do: "freeze"; readonly freeze: Freeze }
  | { readonly do: "unfreeze"; readonly id: string }
  | { readonly do: "confirm"; readonly revision: bigint };

/** Nothing is refused. */
export const NO_GUARDS: Guards = { freezes: [], unconfirmed: [] };

/** The guards without freezes that are over. */
export function currentGuards(guards: Guards, now: Date): Guards {
  const freezes = guards.freezes.filter(({ until }) => until > now);
  return freezes.length === guards.freezes.length ? guards : { ...guards, freezes };
}

/** The freeze that refuses an attempt, as an error. What reverts an unconfirmed change is never refused. */
export function checkFrozen(guards: Guards, attempt: Attempt, now: Date): ConfigError | undefined {
  if (attempt.reverts !== undefined || attempt.guard !== undefined) return undefined;
  // A configuration file that did not change is no reason to complain at a start.
  if (attempt.commands.length === 0) return undefined;
  const { actor, sourceName = "", freezeId = "" } = attempt;
  const freeze = currentGuards(guards, now).freezes.find(
    ({ names, id }) =>
      id !== freezeId && (names.length === 0 || names.includes(actor) || names.includes(sourceName)),
  );
  if (freeze === undefined) return undefined;
  const until = freeze.until.toISOString();
  const why = freeze.reason === "" ? "" : `: ${freeze.reason}`;
  return {
    code: "frozen",
    rule: "frozen",
    path: "",
    message: `changes are frozen by ${freeze.by} until ${until}${why}`,
    hint: "wait, or ask who froze them; options.freeze_id lets a change through",
    info: { until, by: freeze.by },
  };
}

/** The guards after an action, or why it cannot be done. */
export function applyGuard(guards: Guards, action: GuardAction): Guards | ConfigError {
  switch (action.do) {
    case "freeze":
      if (guards.freezes.length >= limits.MAX_FREEZES) {
        return tooMany(`there are ${limits.MAX_FREEZES} freezes already`, "end one of them");
      }
      return { ...guards, freezes: [...guards.freezes, action.freeze] };
    case "unfreeze": {
      const freezes = guards.freezes.filter(({ id }) => id !== action.id);
      if (freezes.length < guards.freezes.length) return { ...guards, freezes };
      return notThere("freeze_id", `there is no freeze '${action.id}'`, "GetStatus lists them");
    }
    case "confirm": {
      const unconfirmed = guards.unconfirmed.filter(({ revision }) => revision !== action.revision);
      if (unconfirmed.length < guards.unconfirmed.length) return { ...guards, unconfirmed };
      return notWaiting(action.revision);
    }
  }
}

/** Refuses a change that can no longer wait, and a revert of one that does not: it was confirmed. */
export function checkWaiting(
  { unconfirmed }: Guards,
  { reverts, confirmWithinMs }: Attempt,
): ConfigError | undefined {
  if (confirmWithinMs !== undefined && unconfirmed.length >= limits.MAX_UNCONFIRMED) {
    return tooMany(`${unconfirmed.length} changes wait to be confirmed already`, "confirm them, or wait");
  }
  if (reverts === undefined || unconfirmed.some(({ revision }) => revision === reverts)) return undefined;
  return notWaiting(reverts);
}

/**
 * Refuses what would keep an unconfirmed change from being reverted: a change to
 * what it touched, a new reference to that, or whatever else its inverse would
 * then be refused for. The revert of another may touch the same: it was there first.
 */
export function checkUnconfirmed(
  guards: Guards,
  attempt: Attempt,
  next: State,
  changes: readonly ResourceChange[],
): ConfigError | undefined {
  for (const waiting of guards.unconfirmed) {
    if (waiting.revision === attempt.reverts) continue;
    const isTouched = attempt.reverts === undefined && changes.some((change) => touches(waiting, change));
    if (!isTouched && applyDiff(next, waiting.inverse).ok) continue;
    const deadline = waiting.deadline.toISOString();
    return {
      code: "unconfirmed",
      rule: "unconfirmed",
      path: "",
      message: `revision ${waiting.revision} waits to be confirmed until ${deadline}, and this would be in the way of its revert`,
      hint: "confirm it, or wait",
      info: { revision: String(waiting.revision), deadline },
    };
  }
  return undefined;
}

/** Adds a change that waits. */
export function addUnconfirmed(guards: Guards, waiting: Unconfirmed): Guards {
  return { ...guards, unconfirmed: [...guards.unconfirmed, waiting] };
}

/** The guards without a change that was reverted. */
export function withoutUnconfirmed(guards: Guards, revision: bigint): Guards {
  return { ...guards, unconfirmed: guards.unconfirmed.filter((one) => one.revision !== revision) };
}

/** What a change waits for. */
export function unconfirmedOf(
  revision: bigint,
  deadline: Date,
  changes: readonly ResourceChange[],
  inverse: readonly Command[],
): Unconfirmed {
  return { revision, deadline, keys: new Set(changes.map(({ key }) => keyText(key))), inverse };
}

/** The guards as they are stored, with the versions of sources: of an unconfirmed change only where it is. */
export function encodeGuards(
  { freezes, unconfirmed }: Guards,
  sources: readonly SourceVersion[],
): Uint8Array {
  const message = create(StoredGuardsSchema, {
    freezes: freezes.map((one) => ({ ...one, names: [...one.names], until: timestampFromDate(one.until) })),
    unconfirmed: unconfirmed.map(({ revision, deadline }) => ({
      revision,
      deadline: timestampFromDate(deadline),
    })),
    sources: sources.map(({ source, version, revision }) => ({ source, version, revision })),
  });
  return toBinary(StoredGuardsSchema, message);
}

/** The freezes of stored guards. */
export function freezesOf({ freezes }: StoredGuards): Freeze[] {
  return freezes.map(({ id, names, reason, by, until }) => ({
    id,
    names,
    reason,
    by,
    until: until === undefined ? new Date(0) : timestampDate(until),
  }));
}

function touches({ keys }: Unconfirmed, { key, before, after }: ResourceChange): boolean {
  if (keys.has(keyText(key))) return true;
  // A backend belongs to its upstream.
  if (key.kind === ResourceKind.BACKEND) return keys.has(upstreamKey(key.upstream));
  const old = referencesOf(key.kind, before);
  return referencesOf(key.kind, after).some(
    ({ kind, id }) =>
      !old.some((one) => one.kind === kind && one.id === id) && keys.has(keyText({ kind, upstream: "", id })),
  );
}

function upstreamKey(id: string): string {
  return keyText({ kind: ResourceKind.UPSTREAM, upstream: "", id });
}

function notWaiting(revision: bigint): ConfigError {
  const hint = "it was confirmed or reverted before, or never waited";
  return notThere("revision", `revision ${revision} does not wait to be confirmed`, hint);
}

function tooMany(message: string, hint: string): ConfigError {
  return { code: "limit", rule: "limit", path: "", message, hint };
}

function notThere(path: string, message: string, hint: string): ConfigError {
  return { code: "not_found", rule: "not-found", path, message, hint };
}
