// Buckets stay sorted whatever the order of changes.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addToBucket, type Bucket, candidateOf, removeFromBucket } from "../../src/routing/candidate.ts";
import { rankOf } from "../../src/routing/rank.ts";
import { route } from "./build.ts";

test("a bucket is sorted by rank and holds each route once", () => {
  const priorities = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(priorities, (steps) => {
      const bucket: Bucket = [];
      const model = new Map<string, number>();
      for (const [n, add] of steps) {
        const changed = route(`r${n}`, {}, { priority: n % 3 });
        if (add) {
          addToBucket(bucket, candidateOf(changed));
          model.set(changed.id, n % 3);
        } else {
          removeFromBucket(bucket, rankOf(changed));
          model.delete(changed.id);
        }
      }
      const expected = [...model].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
      expect(bucket.map((candidate) => candidate.route.id)).toEqual(expected);
    }),
  );
});
