// The mutating rpcs: one per command, each a diff of one command, and
// ApplyDiff. All of them are the same path: options → store → wait → result.
import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { type Duration, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  COMMAND_FIELDS,
  type ConfigError,
  diffStates,
  effectsOf,
  inverseOf,
  limits,
  type State,
} from "../../core/index.ts";
import { type Command, CommandSchema } from "../../gen/sentinel/v1/commands_pb.ts";
import {
  type ApplyDesiredRequest,
  ApplyDesiredRequestSchema,
  type ApplyDiffRequest,
  type CommitOptions,
  CommitOptionsSchema,
  type CommitResult,
  CommitResultSchema,
  type RollbackRequest,
  Wait,
} from "../../gen/sentinel/v1/control_pb.ts";
import type { Accepted, Attempt } from "../../store/attempt.ts";
import type { ControlDependencies } from "../dependencies.ts";
import {
  DEFAULT_WAIT_MS,
  MAX_CONFIRM_MS,
  MAX_GIVEN_RESOURCES,
  MAX_LABELS,
  MAX_RESULT_DETAIL_BYTES,
  MAX_RESULT_DETAILS,
  MAX_WAIT_MS,
  MIN_CONFIRM_MS,
} from "../limits.ts";
import { pastState } from "../past.ts";
import { statusOf } from "../status.ts";
import { unary } from "../unary.ts";
import { desiredCommands } from "./desired.ts";
import { resourceCount } from "./reads.ts";

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
        expectedEtag: options?.expectedEtag ?? "",
      } as unknown as Command;
      const prefix = `commands[0].${COMMAND_FIELDS[name]}.`;
      return { result: await commit(deps, { rpc, commands: [command], options, prefix }) };
    });
  };
  const singles = Object.fromEntries(
    (Object.keys(COMMAND_FIELDS) as CommandCase[]).map((name) => [name, single(name)]),
  );
  const applyDiff = unary(deps, "ApplyDiff", async (request: ApplyDiffRequest) => {
    const wrong = unknownField(request, "") ?? misplacedEtag(request.options);
    const { commands, options } = request;
    return { result: await commit(deps, { rpc: "ApplyDiff", commands, options, wrong }) };
  });
  const rollback = unary(deps, "Rollback", async (request: RollbackRequest) => ({
    result: await rollBack(deps, request),
  }));
  const desired = unary(deps, "ApplyDesired", async (request: ApplyDesiredRequest) => ({
    result: await applyDesired(deps, request),
  }));
  const many = { applyDiff, rollback, applyDesired: desired };
  return { ...(singles as Record<CommandCase, ReturnType<typeof single>>), ...many };
}

/** What a mutating rpc asks for. */
interface Mutation {
  readonly rpc: string;
  readonly commands: readonly Command[];
  readonly options: CommitOptions | undefined;
  /** Cut off the paths of violations. */
  readonly prefix?: string;
  /** What is wrong with the request beside its commands and options. */
  readonly wrong?: ConfigError | undefined;
  /** What is different about the attempt. */
  readonly more?: Partial<Attempt>;
}

async function commit(deps: ControlDependencies, mutation: Mutation): Promise<CommitResult> {
  const { rpc, commands, options, prefix = "", wrong, more } = mutation;
  const validateOnly = options?.validateOnly ?? false;
  const attempt: Attempt = { ...attemptOf(rpc, commands, options), ...more };
  const errors = [...(wrong === undefined ? [] : [wrong]), ...checkRequest(commands, options)];
  const outcome = errors.length > 0 ? deps.store.refuse(attempt, errors) : await deps.store.commit(attempt);
  if (!outcome.ok && outcome.bug !== undefined) throw outcome.bug;
  if (!outcome.ok) throw statusOf(prefix === "" ? outcome.errors : outcome.errors.map(inOptions), prefix);
  const started = performance.now();
  const waitMs = validateOnly || options?.wait === Wait.COMMITTED ? 0 : waitOf(options);
  const isApplied = validateOnly ? false : deps.dataPlane.waitApplied(outcome.revision, waitMs);
  // While the workers apply it.
  const details = detailsOf(outcome);
  const applied = await isApplied;
  const applyUs = Math.round((performance.now() - started) * 1000);
  return { ...resultOf(deps, outcome, { applied, applyUs, validateOnly }), ...details };
}

/** How often a diff is computed anew because somebody was faster. */
const COMPUTED_ATTEMPTS = 5;

/** Commits what leads back to a revision. */
async function rollBack(deps: ControlDependencies, request: RollbackRequest): Promise<CommitResult> {
  const { toRevision, options } = request;
  const target = await pastState(deps, toRevision);
  const asked = Buffer.from(String(toRevision));
  const mutation = { rpc: "Rollback", options, wrong: unknownField(request, ""), asked };
  return commitComputed(deps, mutation, { source: "rollback" }, (state) => diffStates(state, target));
}

/** Commits what leads to a given state. */
async function applyDesired(deps: ControlDependencies, request: ApplyDesiredRequest): Promise<CommitResult> {
  const { state: given, options } = request;
  const attempt = attemptOf("ApplyDesired", [], options);
  const refuse = (errors: readonly ConfigError[]) => {
    deps.store.refuse(attempt, errors);
    return statusOf(errors);
  };
  if (given === undefined) throw refuse([NO_STATE]);
  const size = resourceCount(given);
  if (size > MAX_GIVEN_RESOURCES) {
    const message = `the state has ${size} resources, more than ${MAX_GIVEN_RESOURCES}`;
    throw refuse([{ code: "limit", rule: "limit", path: "state", message, hint: "apply it in scopes" }]);
  }
  const { options: _, ...rest } = request;
  const asked = toBinary(ApplyDesiredRequestSchema, rest);
  const scope = request.scope && unknownField(request.scope, "scope");
  const wrong = unknownField(request, "") ?? scope ?? misplacedEtag(options);
  return commitComputed(deps, { rpc: "ApplyDesired", options, wrong, asked }, {}, (state) => {
    const desired = desiredCommands(state, given, request);
    if (!desired.ok) throw refuse(desired.errors);
    return desired.commands;
  });
}

/** Commits commands on the revision of the state they are computed from, anew if somebody was faster. */
async function commitComputed(
  deps: ControlDependencies,
  mutation: Omit<Mutation, "commands"> & { readonly asked: Uint8Array },
  different: Partial<Attempt>,
  compute: (state: State) => readonly Command[],
): Promise<CommitResult> {
  const { options, rpc, asked } = mutation;
  // The commands may differ from one time to the next; what was asked for does not.
  const content = options?.requestId ? { content: contentOf(rpc, [asked], options) } : {};
  for (let attempt = 1; ; attempt++) {
    const { state, revision } = deps.store;
    // What the caller expects is looked at first.
    const expectedRevision = options?.expectedRevision || revision;
    const more = { ...different, ...content, isDeclarative: true, expectedRevision };
    try {
      return await commit(deps, { ...mutation, commands: compute(state), more });
    } catch (error) {
      const isOvertaken = deps.store.revision !== revision && !options?.expectedRevision;
      if (!isOvertaken || attempt === COMPUTED_ATTEMPTS) throw error;
    }
  }
}

function attemptOf(rpc: string, commands: readonly Command[], options: CommitOptions | undefined): Attempt {
  const attempt: Attempt = { commands, source: "grpc", actor: "local", rpc };
  if (options === undefined) return attempt;
  const { requestId, source, sourceVersion } = options;
  return {
    ...attempt,
    reason: options.reason.slice(0, limits.MAX_REASON_LENGTH),
    expectedRevision: options.expectedRevision,
    expectedHistoryId: options.expectedHistoryId,
    validateOnly: options.validateOnly,
    force: options.force,
    freezeId: options.freezeId,
    ...(options.confirmWithin === undefined
      ? {}
      : { confirmWithinMs: millisecondsOf(options.confirmWithin) }),
    labels: options.labels,
    sourceName: source,
    ...(sourceVersion === 0n ? {} : { sourceVersion }),
    ...(requestId === "" ? {} : { requestId, content: contentOf(rpc, commands.map(commandBytes), options) }),
  };
}

/** All that is asked for, but how to wait for it: a repetition may wait longer. */
function contentOf(rpc: string, asked: readonly Uint8Array[], options: CommitOptions): Uint8Array {
  const labels = Object.fromEntries(Object.entries(options.labels).sort());
  const guarding = create(CommitOptionsSchema, { ...options, labels, wait: Wait.UNSPECIFIED });
  delete guarding.waitTimeout;
  return Buffer.concat([Buffer.from(`${rpc}\0`), toBinary(CommitOptionsSchema, guarding), ...asked]);
}

function commandBytes(command: Command): Uint8Array {
  return toBinary(CommandSchema, command);
}

const WAITS: ReadonlySet<number> = new Set([Wait.UNSPECIFIED, Wait.APPLIED, Wait.COMMITTED]);

/** What is wrong with a request before its commands are looked at. */
function checkRequest(commands: readonly Command[], options: CommitOptions | undefined): ConfigError[] {
  const errors: ConfigError[] = [];
  const wrong = (rule: string, field: string, message: string, hint = "") =>
    errors.push({ code: "invalid", rule, path: `options.${field}`, message, hint });
  const { MAX_COMMANDS_PER_DIFF: maxCommands, MAX_REASON_LENGTH: maxReason } = limits;
  const size = sizeOf(commands);
  if (size > maxCommands) {
    const message = `${size} commands and listed backends in one diff, more than ${maxCommands}`;
    errors.push({ code: "limit", rule: "limit", path: "commands", message, hint: "send several diffs" });
  }
  if (options === undefined) return errors;
  const unknown = unknownField(options, "options");
  if (unknown !== undefined) errors.push(unknown);
  if (options.reason.length > maxReason) {
    wrong("bad-value", "reason", `the reason is longer than ${maxReason} characters`, "shorten it");
  }
  if (!WAITS.has(options.wait)) {
    wrong("bad-value", "wait", `unknown value ${options.wait}`, "WAIT_APPLIED or WAIT_COMMITTED");
  }
  const names = { request_id: options.requestId, source: options.source, freeze_id: options.freezeId };
  for (const [field, text] of Object.entries(names)) {
    if (text.length <= limits.MAX_ID_LENGTH) continue;
    wrong("bad-value", field, `it is longer than ${limits.MAX_ID_LENGTH} characters`, "shorten it");
  }
  const labels = Object.entries(options.labels);
  if (labels.length > MAX_LABELS || labels.flat().some((text) => text.length > limits.MAX_ID_LENGTH)) {
    wrong("bad-value", "labels", `there are more than ${MAX_LABELS} labels, or one is too long`);
  }
  const ms = waitOf(options);
  if (!(ms >= 0 && ms <= MAX_WAIT_MS)) {
    wrong("bad-value", "wait_timeout", `the time to wait is not between 0s and ${MAX_WAIT_MS / 1000}s`);
  }
  const confirmMs =
    options.confirmWithin === undefined ? MIN_CONFIRM_MS : millisecondsOf(options.confirmWithin);
  if (!(confirmMs >= MIN_CONFIRM_MS && confirmMs <= MAX_CONFIRM_MS)) {
    wrong("bad-value", "confirm_within", "the time to confirm is not between 1s and 1h");
  }
  return errors;
}

const NO_STATE: ConfigError = {
  code: "invalid",
  rule: "missing-field",
  path: "state",
  message: "there is no state to bring about",
  hint: "an empty one with prune removes everything in the scope",
};

/** The etag of a request with one command is among its options. */
function inOptions(error: ConfigError): ConfigError {
  return error.path === "commands[0].expected_etag" ? { ...error, path: "options.expected_etag" } : error;
}

function misplacedEtag(options: CommitOptions | undefined): ConfigError | undefined {
  if (options === undefined || options.expectedEtag === "") return undefined;
  return {
    code: "invalid",
    rule: "bad-value",
    path: "options.expected_etag",
    message: "expected_etag is for requests of one command",
    hint: "ApplyDiff has commands[i].expected_etag; else use expected_revision",
  };
}

/** A field that a newer client has set may be a guard: what is not understood is not ignored. */
export function unknownField(message: Message, path: string): ConfigError | undefined {
  const unknown = message.$unknown?.[0];
  return (
    unknown && {
      code: "invalid",
      rule: "unknown-key",
      path,
      message: `unknown field number ${unknown.no}`,
      hint: "this Sentinel is older than the client's .proto files",
    }
  );
}

/** A duration in milliseconds, with its fraction: what is just below a bound is not rounded to it. */
export function millisecondsOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** How long to wait, in milliseconds. */
function waitOf(options: CommitOptions | undefined): number {
  const timeout = options?.waitTimeout;
  return timeout === undefined ? DEFAULT_WAIT_MS : millisecondsOf(timeout);
}

/** The answer to an accepted attempt, but for what it did. */
export function resultOf(
  deps: ControlDependencies,
  outcome: Accepted,
  done: { readonly applied: boolean; readonly applyUs: number; readonly validateOnly: boolean },
): CommitResult {
  return create(CommitResultSchema, {
    historyId: deps.store.historyId,
    revision: outcome.revision,
    changed: outcome.changed,
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
}

/** What a change did and what undoes it, unless that is too much for an answer. */
export function detailsOf({ changes, changed }: Accepted): Partial<CommitResult> {
  // What a repeated answer's change did may no longer be kept.
  const isForgotten = changed && changes.length === 0;
  if (isForgotten || changes.length > MAX_RESULT_DETAILS) return { truncated: true };
  const details = { effects: effectsOf(changes), inverse: inverseOf(changes) };
  // Measured however few there are: a single route or full list may be large.
  const size = toBinary(CommitResultSchema, create(CommitResultSchema, details)).length;
  return size <= MAX_RESULT_DETAIL_BYTES ? details : { truncated: true };
}

/** How much a diff asks for: its commands, and every backend that one of them lists. */
function sizeOf(commands: readonly Command[]): number {
  let size = commands.length;
  for (const { command } of commands) {
    if (command.case === "replaceBackends") size += command.value.backends.length;
    else if (command.case === "addUpstream" || command.case === "updateUpstream") {
      size += command.value.upstream?.backends.length ?? 0;
    }
  }
  return size;
}
