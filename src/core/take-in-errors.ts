// Why a file cannot be taken in, as errors. They have no path, since the user
// wrote no commands; their subject says which resource and field, so that a
// shell can point into the file. Called by core/take-in.ts.
import { ResourceKind, type Route } from "../gen/sentinel/v1/resources_pb.ts";
import { subjectOf } from "./commands/shared.ts";
import type { Difference } from "./diff.ts";
import { type ConfigError, quote } from "./error.ts";
import { type FileDiff, hasUpstream } from "./file-diff.ts";
import { indexIds } from "./multi-index.ts";
import { parseReference, referencesOf, referenceText, referrerNames } from "./references.ts";
import { isSingleton, KIND_NAMES, keyText, type ResourceKey } from "./resource.ts";
import type { State } from "./state.ts";
import type { Conflict } from "./take-in-report.ts";

/** A conflict under the policy "refuse". */
export function conflictError(conflict: Conflict): ConfigError {
  return {
    code: "conflict",
    rule: "run-time-conflict",
    path: "",
    message: conflictText(conflict),
    hint: "write the run-time value into the file, or set reload-conflicts to file",
    subject: subjectOf(conflict.key, conflict.field),
  };
}

function conflictText({ key, change, field, base, file, live }: Conflict): string {
  const name = nameOf(key);
  const atRunTime = `at run time (${shown(base)} → ${shown(live)})`;
  switch (change) {
    case "add":
      return `${name} was added in the file and at run time, with another ${quote(field)}: ${shown(file)} in the file, ${shown(live)} at run time`;
    case "update":
      return `${quote(field)} of ${name} was changed in the file (${shown(base)} → ${shown(file)}) and ${atRunTime}`;
    case "remove":
      if (field === "")
        return `the file removes upstream ${quote(key.upstream)}, but ${name} was added at run time`;
      return `the file removes ${name}, but its ${quote(field)} was changed ${atRunTime}`;
  }
}

function shown(value: string | undefined): string {
  return value ?? "unset";
}

/** What the file removes while something uses it after the merge, each with that. */
export function referencedErrors(live: State, changes: ReadonlyMap<string, Difference>): ConfigError[] {
  const errors: ConfigError[] = [];
  for (const { key, after } of changes.values()) {
    if (after !== undefined || key.kind === ResourceKind.BACKEND || isSingleton(key.kind)) continue;
    const { kind, id } = key;
    const referrers = [...indexIds(live.referrers, referenceText(kind, id))].filter((text) => {
      const source = { ...parseReference(text), upstream: "" };
      const change = changes.get(keyText(source));
      if (change === undefined) return true;
      return referencesOf(source.kind, change.after).some((one) => one.kind === kind && one.id === id);
    });
    if (referrers.length === 0) continue;
    const name = KIND_NAMES[kind];
    const first = KIND_NAMES[parseReference(referrers.sort()[0]!).kind];
    errors.push({
      code: "conflict",
      rule: "referenced",
      path: "",
      message: `the file removes ${nameOf(key)}, which is used at run time by ${referrerNames(referrers)}`,
      hint: `change or remove the ${first} first, or keep the ${name} in the file`,
      subject: subjectOf(key),
    });
  }
  return errors.sort((a, b) => (nameText(a) < nameText(b) ? -1 : 1));
}

function nameText({ subject }: ConfigError): string {
  return `${subject!.id} ${subject!.kind}`;
}

/** There is no order key for a route. */
export function noRoomError(id: string): ConfigError {
  const key = { kind: ResourceKind.ROUTE, upstream: "", id } as const;
  return {
    code: "conflict",
    rule: "bad-order",
    path: "",
    message: `there is no room for ${nameOf(key)} at the end of the order`,
    hint: "give the last routes new values of route.order",
    subject: subjectOf(key, "order"),
  };
}

/** The errors of the merged state, without paths into commands that nobody wrote. */
export function applyErrors(
  errors: readonly ConfigError[],
  changes: ReadonlyMap<string, Difference>,
  diff: FileDiff,
): ConfigError[] {
  return errors.map((error) => {
    const bare = { ...error, path: "" };
    if (error.rule !== "unknown-upstream" || error.subject?.kind !== "route") return bare;
    const key = { kind: ResourceKind.ROUTE, upstream: "", id: error.subject.id } as const;
    const route = changes.get(keyText(key))?.after as Route | undefined;
    if (route?.upstream === undefined || !hasUpstream(diff, route.upstream)) return bare;
    return { ...bare, hint: "it was removed at run time: add it again, or take the route out of the file" };
  });
}

function nameOf({ kind, upstream, id }: ResourceKey): string {
  if (isSingleton(kind)) return `the ${KIND_NAMES[kind]}`;
  return `${KIND_NAMES[kind]} ${quote(id)}${upstream === "" ? "" : ` in upstream ${quote(upstream)}`}`;
}
