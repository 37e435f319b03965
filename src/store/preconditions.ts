// What a caller may require of the state before its change is considered.
import type { ConfigError } from "../core/index.ts";
import type { Attempt } from "./attempt.ts";

/** The first precondition that does not hold, if any. `revision` is the one the attempt would build on. */
export function checkPreconditions(
  attempt: Attempt,
  historyId: string,
  revision: bigint,
): ConfigError | undefined {
  const { expectedHistoryId = "", expectedRevision = 0n } = attempt;
  if (expectedHistoryId !== "" && expectedHistoryId !== historyId) {
    return {
      code: "history_changed",
      rule: "history-changed",
      path: "options.expected_history_id",
      message: `this is history ${historyId}`,
      hint: "read the state again: its revisions mean something else now",
      info: { history_id: historyId, revision: String(revision) },
    };
  }
  if (expectedRevision !== 0n && expectedRevision !== revision) {
    return {
      code: "stale_revision",
      rule: "stale-revision",
      path: "options.expected_revision",
      message: `the current revision is ${revision}, not ${expectedRevision}`,
      hint: "read the state again and retry",
      info: { revision: String(revision), history_id: historyId },
    };
  }
  return undefined;
}
