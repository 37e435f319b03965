// The guard against a diff that removes by mistake what it should not: a
// controller with an empty cache, a file that lost its second half. Judged on
// what the diff does, not on how it is written; `force` passes it.
import {
  COLLECTION_FIELDS,
  type ConfigError,
  isSingleton,
  KIND_NAMES,
  type ResourceChange,
  type State,
} from "../core/index.ts";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";

/** `max-removal-percent` when unset. */
export const DEFAULT_MAX_REMOVAL_PERCENT = 50;
/** Of so few, any number may be removed. */
const UNGUARDED = 4;
const HINT = "set options.force if this is meant";

/** A diff that is judged. */
export interface Removal {
  readonly before: State;
  readonly changes: readonly ResourceChange[];
  readonly commands: readonly Command[];
  /** Whether the diff was computed from a desired state, so that nobody has named what goes. */
  readonly isDeclarative: boolean;
  /** 1 to 100. */
  readonly maxPercent: number;
}

/** What the diff removes too much of, if anything. */
export function checkRemovals(removal: Removal): ConfigError[] {
  const { before, changes, maxPercent } = removal;
  const removed = new Map<string, { kind: ResourceChange["key"]["kind"]; upstream: string; count: number }>();
  for (const { key, after } of changes) {
    if (after !== undefined) continue;
    const name = key.kind === ResourceKind.BACKEND ? `backend ${key.upstream}` : String(key.kind);
    const counted = removed.get(name) ?? { kind: key.kind, upstream: key.upstream, count: 0 };
    counted.count++;
    removed.set(name, counted);
  }
  const goneUpstreams = new Set<string>();
  for (const { key, after } of changes) {
    if (key.kind === ResourceKind.UPSTREAM && after === undefined) goneUpstreams.add(key.id);
  }
  const lists = listedUpstreams(removal);
  const errors: ConfigError[] = [];
  for (const { kind, upstream, count } of removed.values()) {
    // With its upstream goes what was in it: that is counted as one upstream.
    if (kind === ResourceKind.BACKEND && goneUpstreams.has(upstream)) continue;
    const total = countOf(before, kind, upstream);
    const whose = kind === ResourceKind.BACKEND ? ` of upstream '${upstream}'` : "";
    if (kind === ResourceKind.BACKEND && lists(upstream) && isEmptied(removal, upstream, total - count)) {
      const message = `the list empties upstream '${upstream}': all ${total} backends would go`;
      errors.push({ code: "conflict", rule: "empties-upstream", path: "", message, hint: HINT });
    } else if (total > UNGUARDED && count * 100 > total * maxPercent) {
      const names = `${KIND_NAMES[kind]}s`;
      const message = `${count} of ${total} ${names}${whose} would be removed, more than ${maxPercent} % (max-removal-percent)`;
      errors.push({ code: "conflict", rule: "too-many-removals", path: "", message, hint: HINT });
    }
  }
  return errors;
}

/** Whether an upstream's backends were given as a list. */
function listedUpstreams({ commands, isDeclarative }: Removal): (upstream: string) => boolean {
  if (isDeclarative) return () => true;
  const listed = new Set<string>();
  for (const { command } of commands) {
    if (command.case === "replaceBackends") listed.add(command.value.upstream);
    else if (command.case === "updateUpstream") listed.add(command.value.upstream?.id ?? "");
  }
  return (upstream) => listed.has(upstream);
}

/** Whether nothing is left of an upstream's backends, of which `left` of the old ones stay. */
function isEmptied({ changes }: Removal, upstream: string, left: number): boolean {
  if (left > 0) return false;
  const isAdded = ({ key, before, after }: ResourceChange) =>
    key.kind === ResourceKind.BACKEND &&
    key.upstream === upstream &&
    before === undefined &&
    after !== undefined;
  return !changes.some(isAdded);
}

function countOf(state: State, kind: ResourceChange["key"]["kind"], upstream: string): number {
  if (kind === ResourceKind.BACKEND) return state.upstreams.get(upstream)?.backends.size ?? 0;
  return isSingleton(kind) ? 1 : state[COLLECTION_FIELDS[kind]].size;
}
