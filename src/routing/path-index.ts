// Finds the candidates whose path condition can hold: a map of exact paths, a
// tree of prefix segments, and buckets for routes without a path condition and
// for patterns that may match any path. A pattern that starts with "^/a/b/" is
// in the tree, like a prefix. A lookup walks the request's path once and stops
// where the tree ends, so its cost depends neither on the number of routes nor
// on what a client sends; what is left to try are patterns without such a start.
// One per host in table.ts.
import type { Matches } from "../gen/sentinel/v1/resources_pb.ts";
import { addToBucket, type Bucket, type Candidate, removeFromBucket } from "./candidate.ts";

interface Node {
  readonly children: Map<string, Node>;
  /** Routes whose prefix ends here without a slash: "/a" at node "a". */
  readonly here: Bucket;
  /** Routes whose prefix ends here with a slash: "/a/" at node "a". */
  readonly below: Bucket;
}

/** An index of candidates by path. */
export class PathIndex {
  readonly #exact = new Map<string, Bucket>();
  readonly #root: Node = newNode();
  readonly #any: Bucket = [];
  /** Routes with a pattern that says nothing about where a path starts. */
  readonly #loose: Bucket = [];

  /** Adds under every path condition of the route. */
  add(candidate: Candidate): void {
    const matches = candidate.route.matches;
    if (!hasPathCondition(matches)) return addToBucket(this.#any, candidate);
    if (matches.paths.length === 0) {
      for (const prefix of prefixesOf(candidate, matches)) {
        if (prefix === undefined) addToBucket(this.#loose, candidate);
        else this.#addPrefix(prefix, candidate);
      }
      return;
    }
    for (const path of matches.paths) {
      const bucket = this.#exact.get(path);
      if (bucket === undefined) this.#exact.set(path, [candidate]);
      else addToBucket(bucket, candidate);
    }
  }

  /** Removes a candidate that was added with the same conditions. */
  remove(candidate: Candidate): void {
    const matches = candidate.route.matches;
    if (!hasPathCondition(matches)) return removeFromBucket(this.#any, candidate);
    if (matches.paths.length === 0) {
      for (const prefix of prefixesOf(candidate, matches)) {
        if (prefix === undefined) removeFromBucket(this.#loose, candidate);
        else removePrefix(this.#root, segmentsOf(prefix), 0, candidate);
      }
      return;
    }
    for (const path of matches.paths) {
      const bucket = this.#exact.get(path);
      if (bucket === undefined) continue;
      removeFromBucket(bucket, candidate);
      if (bucket.length === 0) this.#exact.delete(path);
    }
  }

  /**
   * Appends the non-empty buckets whose path condition can hold for `path`;
   * those in which every candidate costs the search for a pattern to `late`.
   */
  collect(path: string, found: Bucket[], late: Bucket[]): void {
    if (this.#loose.length > 0) late.push(this.#loose);
    if (this.#any.length > 0) found.push(this.#any);
    const exact = this.#exact.get(path);
    if (exact !== undefined) found.push(exact);
    let node = this.#root;
    let from = 0; // the slash in front of the next segment
    while (from < path.length) {
      if (node.below.length > 0) found.push(node.below);
      if (node.children.size === 0) return;
      const slash = path.indexOf("/", from + 1);
      const end = slash < 0 ? path.length : slash;
      const child = node.children.get(path.slice(from + 1, end));
      if (child === undefined) return;
      if (child.here.length > 0) found.push(child.here);
      node = child;
      from = end;
    }
  }

  /** Whether nothing is left in it. */
  get isEmpty(): boolean {
    return (
      this.#any.length === 0 && this.#loose.length === 0 && this.#exact.size === 0 && isEmptyNode(this.#root)
    );
  }

  #addPrefix(prefix: string, candidate: Candidate): void {
    let node = this.#root;
    for (const segment of segmentsOf(prefix)) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = newNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    addToBucket(prefix.endsWith("/") ? node.below : node.here, candidate);
  }
}

function hasPathCondition(matches: Matches | undefined): matches is Matches {
  return (
    matches !== undefined &&
    matches.paths.length + matches.pathPrefixes.length + matches.pathRegexes.length > 0
  );
}

/** Prefixes of which one covers every path that can match; undefined stands for a pattern that has none. */
function prefixesOf({ conditions }: Candidate, { pathPrefixes }: Matches): readonly (string | undefined)[] {
  if (pathPrefixes.length > 0) return pathPrefixes;
  const patterns = conditions.flatMap((one) => (one.kind === "path-regex" ? one.values : []));
  return patterns.map(({ prefix }) => {
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    return folder.length > 1 && folder.startsWith("/") ? folder : undefined;
  });
}

/** "/" gives none, "/a" and "/a/" give "a", "/a/b" gives "a" and "b". */
function segmentsOf(prefix: string): string[] {
  if (prefix === "/") return [];
  return prefix.slice(1, prefix.endsWith("/") ? -1 : undefined).split("/");
}

/** Removes and prunes nodes that became empty, from the leaf up. */
function removePrefix(node: Node, segments: readonly string[], depth: number, candidate: Candidate): void {
  const segment = segments[depth];
  if (segment === undefined) {
    // The bucket that does not hold it is left alone by removeFromBucket.
    removeFromBucket(node.here, candidate);
    removeFromBucket(node.below, candidate);
    return;
  }
  const child = node.children.get(segment);
  if (child === undefined) return;
  removePrefix(child, segments, depth + 1, candidate);
  if (isEmptyNode(child)) node.children.delete(segment);
}

function newNode(): Node {
  return { children: new Map(), here: [], below: [] };
}

function isEmptyNode(node: Node): boolean {
  return node.children.size === 0 && node.here.length === 0 && node.below.length === 0;
}
