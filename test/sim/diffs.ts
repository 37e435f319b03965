// The diffs that writers issue: those of test/laws (valid and invalid, of every
// kind), plain ones that nearly always change something, and rarely one that
// fits no message.
import fc from "fast-check";
import type { Command } from "../../src/gen/sentinel/v1/commands_pb.ts";
import { commands } from "../core/build.ts";
import { anyDiff } from "../laws/arbitrary.ts";
import type { Plan } from "./plan.ts";
import { Random } from "./random.ts";

const UPSTREAMS = ["a", "b", "__proto__"];
/** No message holds so many such routes: 21 × 12 × 4,000 bytes. */
const LARGE_ROUTES = 21;
const LARGE_HEADERS = 12;
const LARGE_HEADER_BYTES = 4_000;

/** All diffs of a run, in the order in which they are issued. */
export function diffsOf(plan: Plan): Command[][] {
  const random = new Random(plan.seed, "diffs");
  const plain = Array.from({ length: plan.attempts }, () =>
    random.chance(0.55) ? undefined : plainDiff(random),
  );
  const numRuns = plain.filter((diff) => diff === undefined).length;
  const wild = fc.sample(anyDiff, { numRuns, seed: plan.seed }).values();
  const diffs = plain.map((diff) => diff ?? wild.next().value!);
  if (!plan.hasLargeDiff) return diffs;
  // Once more, because the first may be refused or a plan.
  const at = random.int(0, 5);
  diffs.splice(at, 0, largeDiff());
  diffs.splice(at + 2, 0, largeDiff());
  diffs.splice(at + random.int(6, 12), 0, commands(...largeIds().map(removal)));
  return diffs;
}

/** Changes the state whatever it is. */
export function settlingDiff(round: number): Command[] {
  return commands({ updateSystem: { system: { maxConnections: 1_000_000 + round } } });
}

function plainDiff(random: Random): Command[] {
  const upstream = random.pick(UPSTREAMS);
  const backend = () => {
    const n = random.int(1, 9);
    return { id: `n${n}`, address: `10.1.0.${n}:80`, weight: random.int(1, 5) };
  };
  switch (random.int(0, 6)) {
    case 0: {
      const all = new Map([backend(), backend(), backend()].map((one) => [one.id, one]));
      return commands({ replaceBackends: { upstream, backends: [...all.values()] } });
    }
    case 1:
      return commands({ removeBackend: { upstream, backendId: `n${random.int(1, 9)}`, allowMissing: true } });
    case 2:
      return commands({ updateUpstream: { upstream: { id: upstream }, allowMissing: true } });
    case 3:
      return commands({ updateSystem: { system: { maxConnections: random.int(1, 9) } } });
    case 4: {
      const matches = { paths: [`/p${random.int(0, 3)}`] };
      const route = { id: `r${random.int(0, 4)}`, upstream, matches };
      return commands({ updateRoute: { route, allowMissing: true } });
    }
    default:
      return commands({ updateBackend: { upstream, backend: backend(), allowMissing: true } });
  }
}

function largeIds(): string[] {
  return Array.from({ length: LARGE_ROUTES }, (_, i) => `large-${i}`);
}

function removal(routeId: string) {
  return { removeRoute: { routeId, allowMissing: true } };
}

function largeDiff(): Command[] {
  const headers = Array.from({ length: LARGE_HEADERS }, (_, i) => ({
    name: `x-${i}`,
    value: String(i).repeat(LARGE_HEADER_BYTES).slice(0, LARGE_HEADER_BYTES),
  }));
  const routes = largeIds().map((id) => ({
    updateRoute: {
      route: { id, upstream: "a", matches: { paths: [`/${id}`], headers } },
      allowMissing: true,
    },
  }));
  return commands({ updateUpstream: { upstream: { id: "a" }, allowMissing: true } }, ...routes);
}
