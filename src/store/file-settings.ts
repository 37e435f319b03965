// What of the system a process takes from its configuration files and from nowhere
// else. A command may set it, since the state holds what the file can say; that it
// does nothing is said in the answer.
import { changedFields, type ResourceChange, schemaOf } from "../core/index.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import type { Attempt } from "./attempt.ts";

const FIELDS = ["auto_reload", "pid_file", "user", "group", "working_directory"];

/** A warning for each such field that an attempt changes and that does not come from the files. */
export function fileOnlyWarnings(
  { source }: Pick<Attempt, "source">,
  changes: readonly ResourceChange[],
): string[] {
  if (source === "file") return [];
  const system = changes.find(({ key }) => key.kind === ResourceKind.SYSTEM);
  if (system?.before === undefined || system.after === undefined) return [];
  const changed = changedFields(schemaOf(ResourceKind.SYSTEM), system.before, system.after);
  return FIELDS.filter((field) => changed.includes(field)).map(
    (field) =>
      `file-only: '${field}' of the system counts only as the configuration file says it; this change of it does nothing`,
  );
}
