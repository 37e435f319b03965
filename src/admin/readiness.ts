// What /ready says: whether this Sentinel serves the configuration, and with
// `min_revision` or `source` and `version` whether it serves at least that. It
// compares and never waits.

/** What is compared with. */
export interface Progress {
  /** Whether every worker has the bootstrap file, and Sentinel is not shutting down. */
  readonly isReady: boolean;
  readonly historyId: string;
  /** The committed revision. */
  readonly revision: bigint;
  /** The revision that every worker has applied. */
  readonly applied: bigint;
  /** The last version of a source, and the revision that it led to. */
  readonly source: (name: string) => { readonly version: bigint; readonly revision: bigint } | undefined;
}

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The answer to GET /ready with this query. */
export function readyAnswer(progress: Progress, query: URLSearchParams): Answer {
  const { isReady, historyId, revision, applied } = progress;
  const details = { history_id: historyId, revision: String(revision), applied_revision: String(applied) };
  const unclear = unclearIn(query, ["min_revision", "source", "version"]);
  if (unclear !== undefined) return unclear;
  const [wanted, source, version] = ["min_revision", "source", "version"].map((name) => query.get(name));
  if ((source == null) !== (version == null)) return invalid("source and version go together");
  for (const number of [wanted, version]) {
    if (number != null && !/^\d{1,20}$/.test(number)) {
      return invalid(`'${number}' is not a whole number of at most 20 digits`);
    }
  }
  const reasons: string[] = [];
  if (!isReady) reasons.push("not every worker serves the configuration, or Sentinel is shutting down");
  if (wanted != null && applied < BigInt(wanted))
    reasons.push(`revision ${wanted} is not applied everywhere`);
  const known = source == null ? undefined : progress.source(source);
  if (
    source != null &&
    !(known !== undefined && known.version >= BigInt(version!) && known.revision <= applied)
  ) {
    reasons.push(`version ${version} of source '${source}' is not applied everywhere`);
  }
  if (reasons.length === 0) return { status: 200, body: { status: "ready", ...details } };
  return { status: 503, body: { status: "not ready", reasons, ...details } };
}

/** The answer to a query that is not understood in full; undefined if it is. Nothing is ignored silently. */
export function unclearIn(query: URLSearchParams, known: readonly string[]): Answer | undefined {
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) return invalid(`unknown parameter '${name}', known: ${known.join(", ")}`);
    if (query.getAll(name).length > 1) return invalid(`'${name}' is given twice`);
  }
  return undefined;
}

function invalid(reason: string): Answer {
  return { status: 400, body: { status: "invalid", reason } };
}
