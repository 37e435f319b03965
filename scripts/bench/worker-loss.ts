// What the loss of one worker of three costs under load: how long until its
// replacement has the current revision, how long the clients of the others waited
// at most, and which connections are lost, by the kernel's tcp_migrate_req.
// Real processes and sockets; the same code as test/e2e/worker-loss.test.ts.
import { type Loss, measureLosses, namespaceReason } from "../../test/e2e/worker-loss.ts";
import { printTable, round } from "./table.ts";

/** Runs the case; without a network namespace only with the machine's own setting. */
export async function run(): Promise<void> {
  const namespace = await namespaceReason();
  const losses = await measureLosses(namespace === true);
  const header = ["case", "detect ms", "replace ms", "max gap ms", "accepted lost", "queued", "queued lost"];
  printTable(
    header,
    Object.entries(losses).map(([name, loss]) => [name, ...cells(loss)]),
  );
  const blocked = losses["blocked, 1"] ?? losses["blocked, as it is"]!;
  const gaps = Object.values(losses).map(({ othersMaxGapMs }) => othersMaxGapMs);
  console.log("");
  console.log(
    JSON.stringify({
      case: "worker-loss",
      replace_ms_killed: round(losses["killed"]!.replaceMs, 0),
      replace_ms_blocked: round(blocked.replaceMs, 0),
      detect_ms_blocked: round(blocked.detectMs, 0),
      others_max_gap_ms: round(Math.max(...gaps), 0),
      lost_accepted: blocked.lostAccepted,
      lost_queued_migrate_0: losses["blocked, 0"]?.lostQueued ?? null,
      lost_queued_migrate_1: losses["blocked, 1"]?.lostQueued ?? null,
      namespace,
    }),
  );
}

function cells({ detectMs, replaceMs, othersMaxGapMs, lostAccepted, queued, lostQueued }: Loss): string[] {
  return [detectMs, replaceMs, othersMaxGapMs, lostAccepted, queued, lostQueued].map((value) =>
    value.toFixed(0),
  );
}
