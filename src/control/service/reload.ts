// The rpc ReloadConfig, and what GetStatus says of the configuration files. What
// a reload is, is not known here.
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type FileChange, limits } from "../../core/index.ts";
import type { ReloadConfigRequest } from "../../gen/sentinel/v1/control_pb.ts";
import { FileAction } from "../../gen/sentinel/v1/reload_pb.ts";
import type { ConfigFiles, ControlDependencies, FileProblem } from "../dependencies.ts";
import { statusOf } from "../status.ts";
import { unary } from "../unary.ts";
import { detailsOf, resultOf, unknownField } from "./mutations.ts";

/** Problems in the status; the log has all. */
const MAX_PROBLEMS = 20;
/** Entries of one list in an answer, so that it stays below the size of a message; the log has all. */
const MAX_LISTED = 1_000;

const ACTIONS: Readonly<Record<FileChange, FileAction>> = {
  add: FileAction.ADD,
  update: FileAction.UPDATE,
  remove: FileAction.REMOVE,
};

/** Handler of ReloadConfig. */
export function reloadHandler(deps: ControlDependencies) {
  return unary(deps, "ReloadConfig", async (request: ReloadConfigRequest) => {
    const wrong = unknownField(request, "");
    if (wrong !== undefined) throw statusOf([wrong]);
    const { validateOnly, force } = request;
    const reason = request.reason.slice(0, limits.MAX_REASON_LENGTH);
    const done = await deps.configFiles.reload({ trigger: "grpc", validateOnly, force, reason });
    if (!done.ok) throw statusOf(done.errors);
    const { outcome, applied, applyUs, kept, conflicts, warnings } = done;
    return {
      result: { ...resultOf(deps, outcome, { applied, applyUs, validateOnly }), ...detailsOf(outcome) },
      kept: kept.slice(0, MAX_LISTED).map(({ key, change }) => ({ ...key, action: ACTIONS[change] })),
      conflicts: conflicts.slice(0, MAX_LISTED).map(({ key, change, field, base, file, live }) => ({
        ...key,
        action: ACTIONS[change],
        field,
        ...(base === undefined ? {} : { base }),
        ...(file === undefined ? {} : { file }),
        ...(live === undefined ? {} : { live }),
      })),
      warnings: warnings.slice(0, MAX_LISTED).map(problemOf),
    };
  });
}

/** The files in GetStatus. */
export function configFileOf({ status }: ConfigFiles) {
  const { file, valid, time, trigger, result, revision, problems } = status;
  return {
    file,
    valid,
    time: timestampFromDate(time),
    trigger,
    result,
    revision,
    problems: problems.slice(0, MAX_PROBLEMS).map(problemOf),
  };
}

function problemOf({ severity, code, message, file, line, column, hints }: FileProblem) {
  return { severity, code, message, file, line, column, hints: [...hints] };
}
