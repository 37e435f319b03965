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
  /** False before a change takes effect, and after the one that replaced it: then no request sees it. */
  isVisible: boolean;
}

/** Candidates sorted by rank. Only addToBucket and removeFromBucket change it. */
export type Bucket = Candidate[];

/** Compiles a route, not visible yet; `patternOf` gives the pattern of a text. */
export function candidateOf(
  route: Route,
  patternOf: (text: string) => Pattern = (text) => new Pattern(text),
): Candidate {
  return { route, rank: rankOf(route), conditions: conditionsOf(route, patternOf), isVisible: false };
}

/** Inserts in rank order, unless it is there. Equal rank have only the old and the new form of one route. */
export function addToBucket(bucket: Bucket, candidate: Candidate): void {
  const at = lowerBound(bucket, candidate.rank);
  if (indexFrom(bucket, at, candidate) < 0) bucket.splice(at, 0, candidate);
}

/** Removes this candidate, if it is there. */
export function removeFromBucket(bucket: Bucket, candidate: Candidate): void {
  const at = indexFrom(bucket, lowerBound(bucket, candidate.rank), candidate);
  if (at >= 0) bucket.splice(at, 1);
}

/** Where it is among those of its rank, which begin at `start`; -1: nowhere. */
function indexFrom(bucket: Bucket, start: number, candidate: Candidate): number {
  for (let at = start; at < bucket.length; at++) {
    if (bucket[at] === candidate) return at;
    if (compareRanks(bucket[at]!.rank, candidate.rank) !== 0) return -1;
  }
  return -1;
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
