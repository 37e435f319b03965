// The one error type of the configuration side: what is wrong, where, and what
// to do about it. The core returns these as values; the shells map them once
// to a gRPC status (control/status.ts) or to a diagnostic (config/diagnostic.ts).
// Bugs are something else: they throw InvariantError.
import { redactText } from "./redact.ts";
import type { KIND_NAMES, Kind } from "./resource.ts";

/** Closed list; each code maps to one gRPC status (api.md §6). */
export type ErrorCode =
  | "invalid"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "stale_revision"
  | "stale_etag"
  | "unconfirmed"
  | "frozen"
  | "history_changed"
  | "limit"
  | "compacted"
  | "unavailable"
  | "internal";

/** The resource and field an error is about, so that a file can point at its line. */
export interface Subject {
  readonly kind: (typeof KIND_NAMES)[Kind];
  /** Id of the upstream of a backend. */
  readonly upstream?: string;
  readonly id: string;
  /** Field name in resources.proto, for example "address". */
  readonly field?: string;
}

/** One problem with a requested change. */
export interface ConfigError {
  readonly code: ErrorCode;
  /** Stable rule id in kebab case, for example "unknown-upstream" (config-format rules where one exists). */
  readonly rule: string;
  /** Protobuf field path, for example "commands[2].add_backend.backend.address"; may be empty. */
  readonly path: string;
  /** One sentence that quotes the offending value, shortened. */
  readonly message: string;
  /** What to do; may be empty. */
  readonly hint: string;
  readonly subject?: Subject;
  /** Facts for programs, for example the current revision. */
  readonly info?: Readonly<Record<string, string>>;
}

/** A bug of ours: a state that must not exist. Never raised for input. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Throws InvariantError unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch the type checker knows to be unreachable. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected value ${JSON.stringify(value)}`);
}

/** `value` in quotes for a message, without what looks like a secret, shortened to 64 characters, control characters escaped. */
export function quote(given: string): string {
  // What is quoted goes into logs and events.
  const value = redactText(given);
  // Well formed, because grpc-js throws on a message with half a surrogate pair.
  const short = (value.length > 64 ? `${value.slice(0, 61)}...` : value).toWellFormed();
  return `'${[...short].map((c) => (isControl(c) ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}` : c)).join("")}'`;
}

/** Whether `text` contains a C0 control character or DEL. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isControl(text[i]!)) return true;
  return false;
}

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 0x20 || code === 0x7f;
}
