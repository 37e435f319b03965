// The simulation as a test: many seeds hold every guarantee, and each of three
// deliberate bugs, at two places, is found soon. SIM_SEED=n replays one seed
// with its whole trace instead, SIM_SEEDS=n runs more of them; `npm run sim` does the same
// without Jest.
import { expect, test } from "@jest/globals";
import type { BugKind, BugPlace } from "./plan.ts";
import { failureText } from "./report.ts";
import { runSeeds } from "./seeds.ts";
import { simulate } from "./simulation.ts";

const ONE = process.env["SIM_SEED"];
const SEEDS = Number(process.env["SIM_SEEDS"] ?? 500);
/** Found within so many seeds. */
const FOUND_WITHIN = 50;

/** What has to happen in the ordinary seeds, or they show nothing. */
const EVENTS = [
  "committed",
  "no effect",
  "planned",
  "groups of several",
  "refused invalid",
  "refused conflict",
  "refused not_found",
  "refused already_exists",
  "refused stale_revision",
  "refused history_changed",
  "refused unavailable",
  "refused internal",
  "append failed",
  "participant refused",
  "participant threw",
  "link lost",
  "link repeated",
  "link damaged",
  "worker disconnects",
  "worker ends",
  "resync: gap: revision n after n",
  "resync: digest differs at revision n",
  "resync: what comes after revision n cannot be decoded",
  "resync: the snapshot cannot be decoded",
  "watch with state",
  "watch from now",
  "watch resumed",
  "watch ended: limit",
  "watch ended: compacted",
  "watch ended: history_changed",
  "watch ended: unavailable",
  "watcher disconnects",
  "heartbeats",
  "changes in parts",
  "snapshots in parts",
  "primary restarts",
];

if (ONE !== undefined) replay(Number(ONE));
else runAll();

function replay(seed: number): void {
  test(`seed ${seed}, replayed`, async () => {
    const report = await simulate(seed, undefined, (line) => process.stderr.write(`${line}\n`));
    expect(report.violation).toBeUndefined();
  });
}

function runAll(): void {
  test(
    `${SEEDS} seeds hold every guarantee`,
    async () => {
      const { violations, tally } = await runSeeds(1, SEEDS);
      expect(violations.map(failureText).join("\n\n")).toBe("");
      expect(EVENTS.filter((what) => (tally[what] ?? 0) === 0)).toEqual([]);
      // Diffs that are mostly refused would change too little.
      expect(tally["committed"]).toBeGreaterThan(tally["attempts"]! / 4);
    },
    Math.max(120_000, SEEDS * 200),
  );

  test.each<readonly [BugKind, BugPlace, readonly string[]]>([
    ["drop-change", "feed", ["Reliable feed", "convergence"]],
    ["stale-digest", "feed", ["Reliable feed"]],
    ["reorder", "feed", ["Reliable feed", "convergence"]],
    ["drop-change", "watch", ["Reliable", "Bookmarkable", "Atomic"]],
    ["stale-digest", "watch", ["state"]],
    ["reorder", "watch", ["Reliable", "Bookmarkable", "Ordered", "Atomic"]],
  ])(`a deliberate bug is found: %s in the %s`, async (kind, place, guarantees) => {
    for (let seed = 1; seed <= FOUND_WITHIN; seed++) {
      const { violation } = await simulate(seed, { kind, place });
      if (violation === undefined) continue;
      expect(guarantees).toContain(violation.guarantee);
      return;
    }
    throw new Error(`${kind} in the ${place} was not found in ${FOUND_WITHIN} seeds`);
  });

  test("a seed decides everything", async () => {
    for (const seed of [1, 2, 3, 4]) {
      const [a, b] = [await simulate(seed), await simulate(seed)];
      expect(b).toEqual(a);
    }
    expect((await simulate(1)).fingerprint).not.toBe((await simulate(2)).fingerprint);
  });
}
