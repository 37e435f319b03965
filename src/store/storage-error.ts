// What can be wrong with stored state, as values: openState and the reads return
// them, app.ts and the control API say them. An append that fails rejects with
// an AppendError instead.

/** Closed list. */
export type StorageErrorCode =
  /** Another process has the state folder. */
  | "in_use"
  /** The folder or a file in it cannot be opened or created. */
  | "unreadable"
  /** Written by a newer release. */
  | "newer_format"
  /** Content is not what was written. */
  | "damaged"
  /** Acknowledged changes are not there. */
  | "missing_revisions"
  /** It was asked for, and is not kept any more. */
  | "compacted"
  /** It was asked for, and never existed. */
  | "not_found";

/** One problem with stored state. */
export interface StorageError {
  readonly code: StorageErrorCode;
  /** One sentence that names the file and what is wrong with it. */
  readonly message: string;
  /** What to do; may be empty. */
  readonly hint: string;
}

/** A value, or why there is none. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: StorageError };

/** A failed read. */
export function failed(
  code: StorageErrorCode,
  message: string,
  hint = "",
): { ok: false; error: StorageError } {
  return { ok: false, error: { code, message, hint } };
}

/** Why an append was refused. */
export type AppendErrorKind =
  /** Nothing of the group is stored; a later append may succeed. */
  | "unwritable"
  /** The group contradicts what is stored: a bug of ours. Nothing of it is stored. */
  | "inconsistent"
  /** The persistence is closed. Nothing of the group is stored. */
  | "closed"
  /** It was closed while the disk did not say whether the group is stored. */
  | "unknown";

/** What a rejected append rejects with. */
export class AppendError extends Error {
  override name = "AppendError";
  readonly kind: AppendErrorKind;
  constructor(kind: AppendErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
