// Which of its own versions each source is at: revisions differ from one Sentinel
// to the next, versions of a source do not.

import type { Attempt } from "./attempt.ts";

/** How far one source is. */
export interface SourceVersion {
  readonly source: string;
  /** The highest it has committed. */
  readonly version: bigint;
  /** The revision that had it. */
  readonly revision: bigint;
}

/** Sources that are remembered; the one heard of longest ago goes. */
const MAX_SOURCES = 1_000;

/** See the head of this file. */
export class Sources {
  readonly #byName = new Map<string, SourceVersion>();

  /** Whether this version of a source is above all that it has committed. */
  isNews(source: string, version: bigint): boolean {
    const known = this.#byName.get(source);
    return known === undefined || known.version < version;
  }

  /** All, by name. */
  all(): SourceVersion[] {
    return [...this.#byName.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  /** Those heard of longest ago first: the order in which restore() takes them. */
  inOrder(): readonly SourceVersion[] {
    return [...this.#byName.values()];
  }

  /** Takes over what inOrder() of an earlier life said. */
  restore(sources: readonly SourceVersion[]): void {
    for (const { source, version, revision } of sources) this.note(source, version, revision);
  }

  /** Notes a version of a source that is committed, also if it changed nothing. */
  note(source: string, version: bigint, revision: bigint): void {
    if (!this.isNews(source, version)) return;
    this.#byName.delete(source);
    this.#byName.set(source, { source, version, revision });
    if (this.#byName.size > MAX_SOURCES) this.#byName.delete(this.#byName.keys().next().value!);
  }
}

type SourcedAttempt = Pick<Attempt, "sourceName" | "sourceVersion" | "validateOnly">;

/** Whether an attempt, if it is accepted, brings its source to a higher version. */
export function advances(
  sources: Sources,
  { sourceName = "", sourceVersion, validateOnly = false }: SourcedAttempt,
): boolean {
  if (sourceName === "" || sourceVersion === undefined || validateOnly) return false;
  return sources.isNews(sourceName, sourceVersion);
}

/** Notes the version of an accepted attempt. */
export function noteSource(
  sources: Sources,
  { sourceName, sourceVersion }: SourcedAttempt,
  revision: bigint,
): void {
  if (sourceName !== undefined && sourceVersion !== undefined) {
    sources.note(sourceName, sourceVersion, revision);
  }
}
