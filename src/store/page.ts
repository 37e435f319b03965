// Pages of what is listed: rows newest first, bounded in number and in bytes.

/** Rows of a page at most; larger limits are lowered to it. */
export const MAX_PAGE = 1_000;
/** A page ends early when its records exceed this. */
export const MAX_PAGE_BYTES = 4 << 20;
const DEFAULT_PAGE = 100;

/** Rows newest first. */
export interface Page<T> {
  readonly rows: readonly T[];
  /** What to ask for next as `before`; undefined on the last page. */
  readonly next: bigint | undefined;
}

/** Rows that a query asks for: 1 to MAX_PAGE. */
export function pageSize(limit: number = DEFAULT_PAGE): number {
  return Math.min(Math.max(Math.floor(limit), 1), MAX_PAGE);
}
