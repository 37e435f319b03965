// `npm run -s sim`: the simulation of test/sim without Jest, for long runs.
// SIM_SEEDS=20000 how many seeds, SIM_FROM=1 the first one, SIM_SEED=n only that
// one with its whole trace. The exit code says whether every guarantee held.
import { failureText } from "../test/sim/report.ts";
import { runSeeds, type Sum } from "../test/sim/seeds.ts";
import { simulate } from "../test/sim/simulation.ts";

const DEFAULT_SEEDS = 20_000;
/** Seeds between two lines of progress. */
const PROGRESS_SEEDS = 500;

const one = process.env["SIM_SEED"];
if (one === undefined) {
  await runMany(Number(process.env["SIM_FROM"] ?? 1), Number(process.env["SIM_SEEDS"] ?? DEFAULT_SEEDS));
} else {
  const { violation, fingerprint } = await simulate(Number(one), undefined, (line) => console.log(line));
  console.log(violation === undefined ? `seed ${one} holds (trace ${fingerprint})` : violation.message);
  process.exitCode = violation === undefined ? 0 : 1;
}

async function runMany(first: number, count: number): Promise<void> {
  const started = performance.now();
  const speed = ({ seeds }: Sum) => ((seeds * 1000) / (performance.now() - started)).toFixed(0);
  let reported = 0;
  const sum = await runSeeds(first, count, (now) => {
    for (; reported < now.violations.length; reported++) {
      console.log(`${failureText(now.violations[reported]!)}\n`);
    }
    if (now.seeds % PROGRESS_SEEDS !== 0) return;
    console.error(`${now.seeds} of ${count} seeds, ${speed(now)} a second, ${reported} violations`);
  });
  for (const [what, times] of Object.entries(sum.tally).sort())
    console.log(`${String(times).padStart(10)} ${what}`);
  const { seeds, events, violations, settledMs } = sum;
  console.log(
    `seeds ${first} to ${first + seeds - 1}: ${violations.length} violations, ${events} events, ` +
      `${speed(sum)} seeds a second, settled within ${settledMs} ms of virtual time`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
