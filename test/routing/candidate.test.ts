// Buckets stay sorted whatever the order of changes.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addToBucket,
  type Bucket,
  type Candidate,
  candidateOf,
  removeFromBucket,
} from "../../src/routing/candidate.ts";
import { route } from "./build.ts";

test("a bucket is sorted by rank, and holds the old and the new form of a route until one is removed", () => {
  // What is to be added or removed: a route's id, and which of its forms.
  const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(1), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (given) => {
      const forms = Array.from({ length: 10 }, (_, n) =>
        [0, 1].map(() => candidateOf(route(`r${n}`, {}, { priority: n % 3 }))),
      );
      const bucket: Bucket = [];
      const model = new Set<Candidate>();
      for (const [n, form, add] of given) {
        const candidate = forms[n]![form]!;
        if (add) {
          addToBucket(bucket, candidate);
          model.add(candidate);
        } else {
          removeFromBucket(bucket, candidate);
          model.delete(candidate);
        }
      }
      expect(new Set(bucket)).toEqual(model);
      expect(bucket).toHaveLength(model.size);
      const expected = [...model]
        .map(({ rank }) => rank)
        .sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      expect(bucket.map(({ rank }) => rank)).toEqual(expected);
    }),
  );
});
