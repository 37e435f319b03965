// Proportions, smoothness and change of the balancer.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type BalancePolicy, Balancer } from "../../src/routing/balance.ts";

function balancerOf(weights: Readonly<Record<string, number>>, policy: BalancePolicy = "round_robin") {
  const balancer = new Balancer<string>(policy);
  for (const [entry, weight] of Object.entries(weights)) balancer.add(entry, weight);
  return balancer;
}

function picks(balancer: Balancer<string>, count: number): string {
  return Array.from({ length: count }, () => balancer.pick() ?? "-").join("");
}

function shares(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of text) counts[entry] = (counts[entry] ?? 0) + 1;
  return counts;
}

test("round robin takes turns and keeps weights", () => {
  expect(picks(balancerOf({ a: 1, b: 1, c: 1 }), 7)).toBe("abcabca");
  expect(shares(picks(balancerOf({ a: 5, b: 1, c: 1 }), 70))).toEqual({ a: 50, b: 10, c: 10 });
  expect(shares(picks(balancerOf({ a: 0.5, b: 0.25 }), 30))).toEqual({ a: 20, b: 10 });
  expect(picks(balancerOf({}), 1)).toBe("-");
});

test("weight 0 is never picked, and comes back without a burst", () => {
  const balancer = balancerOf({ a: 1, b: 0 });
  expect(picks(balancer, 5)).toBe("aaaaa");
  expect(balancer.size).toBe(1);
  balancer.setWeight("b", 1);
  expect(shares(picks(balancer, 6))).toEqual({ a: 3, b: 3 });
  balancer.setWeight("a", 0);
  expect(picks(balancer, 3)).toBe("bbb");
});

test("a new entry is picked soon and gets no more than its share", () => {
  const balancer = balancerOf({ a: 1, b: 1 });
  picks(balancer, 1001);
  balancer.add("c", 1);
  const after = picks(balancer, 30);
  expect(after.slice(0, 3)).toContain("c");
  expect(shares(after)).toEqual({ a: 10, b: 10, c: 10 });
  expect(after).not.toContain("cc");
});

test("a removed entry is never picked again; removing the last leaves none", () => {
  const balancer = balancerOf({ a: 1, b: 1 });
  balancer.remove("a");
  balancer.remove("a");
  expect(picks(balancer, 3)).toBe("bbb");
  balancer.remove("b");
  expect(balancer.pick()).toBeUndefined();
});

test("a weight change takes effect at once", () => {
  const balancer = balancerOf({ a: 0.001, b: 1 });
  picks(balancer, 10);
  balancer.setWeight("a", 1);
  expect(shares(picks(balancer, 10))["a"]).toBeGreaterThanOrEqual(4);
});

test("skipped entries keep their place", () => {
  const balancer = balancerOf({ a: 1, b: 1, c: 1 });
  expect(balancer.pick(new Set(["a", "b"]))).toBe("c");
  expect(balancer.pick(new Set(["a", "b", "c"]))).toBeUndefined();
  expect(shares(picks(balancer, 8))).toEqual({ a: 3, b: 3, c: 2 });
});

test("least connections takes the least loaded per weight, ties in rotation", () => {
  const balancer = balancerOf({ a: 1, b: 1, c: 2 }, "least_connections");
  expect(shares(picks(balancer, 6))).toEqual({ a: 2, b: 2, c: 2 }); // nothing acquired: all tie
  for (let i = 0; i < 40; i++) balancer.acquire(balancer.pick()!);
  expect([balancer.activeOf("a"), balancer.activeOf("b"), balancer.activeOf("c")]).toEqual([10, 10, 20]);
  for (let i = 0; i < 5; i++) balancer.release("b");
  expect(picks(balancer, 1)).toBe("b");
  balancer.setWeight("b", 0);
  balancer.release("b");
  balancer.setWeight("b", 1);
  expect(balancer.activeOf("b")).toBe(4);
});

test("changing the policy keeps entries and active counts", () => {
  const balancer = balancerOf({ a: 1, b: 1 });
  balancer.acquire("a");
  balancer.setPolicy("least_connections");
  expect(picks(balancer, 2)).toBe("bb");
  balancer.setPolicy("round_robin");
  expect(shares(picks(balancer, 4))).toEqual({ a: 2, b: 2 });
});

test("shares follow weights within one turn, also far along the clock", () => {
  const weight = fc.integer({ min: 1, max: 16 }).map((n) => n / 4);
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 6 }), fc.boolean(), (weights, isLate) => {
      const names = "abcdef";
      const balancer = balancerOf(Object.fromEntries(weights.map((w, i) => [names[i]!, w])));
      if (isLate) {
        // One tiny weight takes the clock beyond the point where it is set back.
        balancer.add("z", 2 ** -21);
        picks(balancer, weights.length + 1);
        balancer.remove("z");
      }
      const total = weights.reduce((sum, w) => sum + w, 0);
      const counts = shares(picks(balancer, 400));
      for (const [i, w] of weights.entries())
        expect(Math.abs((counts[names[i]!] ?? 0) - (400 * w) / total)).toBeLessThanOrEqual(
          weights.length + 1,
        );
    }),
  );
});

test("the clock is set back without losing the order", () => {
  const balancer = balancerOf({ a: 1e-6, b: 1e-6 });
  expect(picks(balancer, 20)).toBe("abababababababababab");
});
