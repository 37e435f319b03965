// Which of its own versions each source is at: revisions differ from one Sentinel
// to the next, versions of a source do not.

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

  /** The highest version that a source has committed. */
  versionOf(source: string): bigint | undefined {
    return this.#byName.get(source)?.version;
  }

  /** All, by name. */
  all(): SourceVersion[] {
    return [...this.#byName.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  /** Notes a version of a source that is committed, also if it changed nothing. */
  note(source: string, version: bigint, revision: bigint): void {
    const known = this.#byName.get(source);
    if (known !== undefined && known.version >= version) return;
    this.#byName.delete(source);
    this.#byName.set(source, { source, version, revision });
    if (this.#byName.size > MAX_SOURCES) this.#byName.delete(this.#byName.keys().next().value!);
  }
}
