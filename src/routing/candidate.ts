// A route compiled for matching, and buckets: lists of candidates kept in the
// order in which they are tried. Called by path-index.ts and table.ts; decides
// nothing about requests itself.
import { Pattern } from "../core/index.ts";
import type { Route } from "../gen/sentinel/v1/resources_pb.ts";
import { type Condition, conditionsOf } from "./conditions.ts";
import { compareRanks, type Rank, rankOf } from "./rank.ts";

/** A route with what matching needs, computed once. */
export interface Candidate {
  readonly route: Route;
  readonly rank: Rank;
  readonly conditions: readonly Condition[];
}

/** Candidates sorted by rank. Only addToBucket and removeFromBucket change it. */
export type Bucket = Candidate[];

/** Compiles a route; `patternOf` gives the pattern of a text. */
export function candidateOf(
  route: Route,
  patternOf: (text: string) => Pattern = (text) => new Pattern(text),
): Candidate {
  return { route, rank: rankOf(route), conditions: conditionsOf(route, patternOf) };
}

/** Inserts in rank order; a candidate of equal rank, which is the same route, is replaced. */
export function addToBucket(bucket: Bucket, candidate: Candidate): void {
  const at = lowerBound(bucket, candidate.rank);
  const found = bucket[at];
  const replaced = found !== undefined && compareRanks(found.rank, candidate.rank) === 0 ? 1 : 0;
  bucket.splice(at, replaced, candidate);
}

/** Removes the candidate of this rank, if it is there. */
export function removeFromBucket(bucket: Bucket, rank: Rank): void {
  const at = lowerBound(bucket, rank);
  const found = bucket[at];
  if (found !== undefined && compareRanks(found.rank, rank) === 0) bucket.splice(at, 1);
}

function lowerBound(bucket: Bucket, rank: Rank): number {
  let low = 0;
  let high = bucket.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareRanks(bucket[middle]!.rank, rank) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
