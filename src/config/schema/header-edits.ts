// The table of header edits, shared by policies and the `headers` filter.
import { list, map, type Row, table, text, warn } from "./row.ts";

/** rename, set, add, remove: applied in this order. */
export const HEADER_EDIT_ROWS: readonly Row[] = [
  warn("rename", map(text())),
  warn("set", map(text())),
  warn("add", map(text())),
  warn("remove", list(text())),
];

/** `request-headers { … }`. */
export const HEADER_EDITS = table("routes/route/policies/request-headers", HEADER_EDIT_ROWS);
