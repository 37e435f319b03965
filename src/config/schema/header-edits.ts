// The table of header edits, shared by policies and the `headers` filter.
import { core, list, map, type Row, table, text, warn } from "./row.ts";

/** rename, set, add, remove: applied in this order. */
export const HEADER_EDIT_ROWS: readonly Row[] = [
  warn("rename", map(text()), core("old name → new name; the first of the edits")),
  warn("set", map(text()), core("name → value, in place of what is there")),
  warn("add", map(text()), core("name → value, beside what is there")),
  warn("remove", list(text()), core("names that are removed; the last of the edits")),
];

/** `request-headers { … }`. */
export const HEADER_EDITS = table("routes/route/policies/request-headers", HEADER_EDIT_ROWS);
