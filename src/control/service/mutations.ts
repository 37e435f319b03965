// The mutating rpcs: one per command, each a diff of one command, and
// ApplyDiff. All of them are the same path: options → store → wait → result.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { COMMAND_FIELDS, effectsOf, inverseOf, limits } from "../../core/index.ts";
import type { Command } from "../../gen/sentinel/v1/commands_pb.ts";
import {
  type CommitOptions,
  type CommitResult,
  CommitResultSchema,
  Wait,
} from "../../gen/sentinel/v1/control_pb.ts";
import type { Accepted } from "../../store/store.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { DEFAULT_WAIT_MS, MAX_RESULT_DETAIL_BYTES, MAX_RESULT_DETAILS, MAX_WAIT_MS } from "../limits.ts";
import { failure, statusOf } from "../status.ts";
import { unary } from "../unary.ts";

type CommandCase = NonNullable<Command["command"]["case"]>;

/** A request of a single command: the command's own fields, and options. */
interface SingleRequest {
  readonly $typeName: string;
  readonly options?: CommitOptions | undefined;
}

/** Handlers of the mutating rpcs. */
export function mutationHandlers(deps: ControlDependencies) {
  const single = (name: CommandCase) => {
    const rpc = `${name[0]!.toUpperCase()}${name.slice(1)}`;
    return unary(deps, rpc, async (request: SingleRequest) => {
      const { options, ...fields } = request;
      const value = { ...fields, $typeName: `sentinel.v1.${rpc}` };
      const command = {
        $typeName: "sentinel.v1.Command",
        command: { case: name, value },
      } as unknown as Command;
      return { result: await commit(deps, rpc, [command], options, `commands[0].${COMMAND_FIELDS[name]}.`) };
    });
  };
  const singles = Object.fromEntries(
    (Object.keys(COMMAND_FIELDS) as CommandCase[]).map((name) => [name, single(name)]),
  );
  const applyDiff = unary(
    deps,
    "ApplyDiff",
    async (request: { commands: Command[]; options?: CommitOptions }) => ({
      result: await commit(deps, "ApplyDiff", request.commands, request.options, ""),
    }),
  );
  return { ...(singles as Record<CommandCase, ReturnType<typeof single>>), applyDiff };
}

async function commit(
  deps: ControlDependencies,
  rpc: string,
  commands: readonly Command[],
  options: CommitOptions | undefined,
  prefix: string,
): Promise<CommitResult> {
  const waitMs = waitOf(options);
  if (commands.length > limits.MAX_COMMANDS_PER_DIFF) {
    const message = `${commands.length} commands in one diff, more than ${limits.MAX_COMMANDS_PER_DIFF}`;
    throw failure("limit", message, "send several diffs");
  }
  const reason = options?.reason ?? "";
  if (reason.length > limits.MAX_REASON_LENGTH) {
    throw failure(
      "invalid",
      `options.reason is longer than ${limits.MAX_REASON_LENGTH} characters`,
      "shorten it",
    );
  }
  const validateOnly = options?.validateOnly ?? false;
  const outcome = await deps.store.commit({
    commands,
    source: "grpc",
    actor: "local",
    rpc,
    reason,
    expectedRevision: options?.expectedRevision ?? 0n,
    expectedHistoryId: options?.expectedHistoryId ?? "",
    validateOnly,
  });
  if (!outcome.ok) throw statusOf(outcome.errors, prefix);
  const started = performance.now();
  const wait = !validateOnly && options?.wait !== Wait.COMMITTED;
  const applied = wait
    ? await deps.dataPlane.waitApplied(outcome.revision, waitMs)
    : !validateOnly && (await deps.dataPlane.waitApplied(outcome.revision, 0));
  const applyUs = Math.round((performance.now() - started) * 1000);
  return resultOf(deps, outcome, { applied, applyUs, validateOnly });
}

/** How long to wait, in milliseconds; throws INVALID_ARGUMENT for a bad option. */
function waitOf(options: CommitOptions | undefined): number {
  const wait = options?.wait ?? Wait.UNSPECIFIED;
  if (wait !== Wait.UNSPECIFIED && wait !== Wait.APPLIED && wait !== Wait.COMMITTED) {
    throw failure("invalid", `options.wait: unknown value ${wait}`, "WAIT_APPLIED or WAIT_COMMITTED");
  }
  const timeout = options?.waitTimeout;
  if (timeout === undefined) return DEFAULT_WAIT_MS;
  const ms = Number(timeout.seconds) * 1000 + timeout.nanos / 1e6;
  if (ms < 0 || ms > MAX_WAIT_MS) {
    throw failure("invalid", `options.wait_timeout must be between 0s and ${MAX_WAIT_MS / 1000}s`);
  }
  return ms;
}

function resultOf(
  deps: ControlDependencies,
  outcome: Accepted,
  done: { readonly applied: boolean; readonly applyUs: number; readonly validateOnly: boolean },
): CommitResult {
  const { changes } = outcome;
  const result = create(CommitResultSchema, {
    historyId: deps.store.historyId,
    revision: outcome.revision,
    changed: changes.length > 0,
    applied: done.applied,
    validateOnly: done.validateOnly,
    commitTime: timestampFromDate(outcome.time),
    workers: deps.dataPlane
      .states()
      .map(({ worker, revision }) => ({ worker, revision: revision < 0n ? 0n : revision })),
    timings: {
      validateUs: BigInt(outcome.timings.validateUs),
      persistUs: BigInt(outcome.timings.persistUs),
      applyUs: BigInt(done.applyUs),
    },
    warnings: [...outcome.warnings],
  });
  if (changes.length > MAX_RESULT_DETAILS) return { ...result, truncated: true };
  const detailed = { ...result, effects: effectsOf(changes), inverse: inverseOf(changes) };
  if (changes.length < 100 || toBinary(CommitResultSchema, detailed).length <= MAX_RESULT_DETAIL_BYTES)
    return detailed;
  return { ...result, truncated: true };
}
