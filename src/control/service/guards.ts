// ConfirmChange, Freeze, Unfreeze: what lets a change stay, and what refuses
// changes. Attempts like every other, so that they are audited and stored; they
// change no resource and wait for no worker.
import { randomUUID } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ConfigError, limits } from "../../core/index.ts";
import type {
  ConfirmChangeRequest,
  FreezeRequest,
  UnfreezeRequest,
} from "../../gen/sentinel/v1/control_pb.ts";
import type { Attempt } from "../../store/attempt.ts";
import type { GuardAction } from "../../store/guards.ts";
import type { ControlDependencies } from "../dependencies.ts";
import { MAX_FREEZE_MS, MAX_FREEZE_NAMES, MIN_FREEZE_MS } from "../limits.ts";
import { statusOf } from "../status.ts";
import { unary } from "../unary.ts";
import { millisecondsOf, unknownField } from "./mutations.ts";

/** Callers have no identities yet. */
const ACTOR = "local";

/** Handlers of the rpcs about freezes and confirmations. */
export function guardHandlers(deps: ControlDependencies) {
  return {
    confirmChange: unary(deps, "ConfirmChange", async (request: ConfirmChangeRequest) => {
      const { historyId, revision } = request;
      const errors = historyId === "" ? [invalid("history_id", "confirm a revision of which history?")] : [];
      const more = { expectedHistoryId: historyId, labels: { revision: String(revision) } };
      await act(deps, "ConfirmChange", request, { do: "confirm", revision }, errors, more);
      return {};
    }),
    freeze: unary(deps, "Freeze", (request: FreezeRequest) => freeze(deps, request)),
    unfreeze: unary(deps, "Unfreeze", async (request: UnfreezeRequest) => {
      const { freezeId } = request;
      const errors = freezeId === "" ? [invalid("freeze_id", "which freeze?")] : [];
      const more = { labels: { freeze_id: freezeId.slice(0, limits.MAX_ID_LENGTH) } };
      await act(deps, "Unfreeze", request, { do: "unfreeze", id: freezeId }, errors, more);
      return {};
    }),
  };
}

async function freeze(deps: ControlDependencies, request: FreezeRequest) {
  const { names, ttl, reason } = request;
  const ttlMs = ttl === undefined ? 0 : millisecondsOf(ttl);
  const errors: ConfigError[] = [];
  if (!(ttlMs >= MIN_FREEZE_MS && ttlMs <= MAX_FREEZE_MS)) {
    errors.push(invalid("ttl", "the time is not between 1s and 24h"));
  }
  if (reason.length > limits.MAX_REASON_LENGTH) {
    errors.push(invalid("reason", `the reason is longer than ${limits.MAX_REASON_LENGTH} characters`));
  }
  if (names.length > MAX_FREEZE_NAMES) {
    errors.push(invalid("names", `there are more than ${MAX_FREEZE_NAMES} names`));
  }
  names.forEach((name, index) => {
    const isName = name !== "" && name.length <= limits.MAX_ID_LENGTH;
    if (!isName)
      errors.push(invalid(`names[${index}]`, `a name has 1 to ${limits.MAX_ID_LENGTH} characters`));
  });
  const id = randomUUID();
  const until = new Date(Date.now() + (errors.length > 0 ? 0 : ttlMs));
  const action = { do: "freeze", freeze: { id, names, reason, by: ACTOR, until } } as const;
  const more = {
    reason: reason.slice(0, limits.MAX_REASON_LENGTH),
    labels: { freeze_id: id, until: until.toISOString() },
  };
  await act(deps, "Freeze", request, action, errors, more);
  return { freezeId: id, until: timestampFromDate(until) };
}

/** Has the store do it; throws the status of a refusal. */
async function act(
  deps: ControlDependencies,
  rpc: string,
  request: Message,
  guard: GuardAction,
  errors: readonly ConfigError[],
  more: Partial<Attempt>,
): Promise<void> {
  const attempt: Attempt = { commands: [], source: "grpc", actor: ACTOR, rpc, guard, ...more };
  const unknown = unknownField(request, "");
  const all = unknown === undefined ? errors : [unknown, ...errors];
  const outcome = all.length > 0 ? deps.store.refuse(attempt, all) : await deps.store.commit(attempt);
  if (outcome.ok) return;
  if (outcome.bug !== undefined) throw outcome.bug;
  throw statusOf(outcome.errors);
}

function invalid(path: string, message: string): ConfigError {
  return { code: "invalid", rule: "bad-value", path, message, hint: "" };
}
