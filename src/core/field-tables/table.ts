// The vocabulary of the tables of field rules, and the rules that several of
// them share. The tables are data; core/field-rules.ts applies them.

/** A problem with one field of a resource. */
export interface Problem {
  /** Field path in the resource, for example "matches.hosts[1]". */
  readonly field: string;
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}

/** What must hold of a field; of a list: of each value, of names and values: of each name. */
export interface FieldRule {
  readonly isRequired?: boolean;
  /** Lowest and highest number; seconds of a duration. */
  readonly range?: readonly [min: number, max: number];
  /** A duration of more than 0s. */
  readonly isPositive?: boolean;
  /** The numbers there are. */
  readonly values?: readonly number[];
  readonly pattern?: RegExp;
  readonly isValid?: (text: string) => boolean;
  /** May contain control characters, such as newlines. */
  readonly isFreeText?: boolean;
  readonly hint?: string;
  /** Rule of the problem. Default "bad-value". */
  readonly code?: string;
}

/** The rules of one message. */
export interface MessageTable {
  readonly fields: Readonly<Record<string, FieldRule>>;
  /** What must hold of several fields together; paths are relative to the message. */
  readonly whole?: (message: never) => readonly Problem[];
}

/** A table with a rule about several fields. */
export function table<T>(
  fields: Readonly<Record<string, FieldRule>>,
  whole: (message: T) => readonly (Problem | undefined)[],
): MessageTable {
  return { fields, whole: (message) => whole(message as T).filter((one) => one !== undefined) };
}

/** The same rule for several fields. */
export function all(rule: FieldRule, ...names: readonly string[]): Readonly<Record<string, FieldRule>> {
  return Object.fromEntries(names.map((name) => [name, rule]));
}

/** A problem, if `holds` is false. */
export function unless(
  holds: boolean,
  field: string,
  message: string,
  hint = "",
  rule = "bad-value",
): Problem | undefined {
  return holds ? undefined : { field, rule, message, hint };
}

/** A number from `min` on. */
export const from = (min: number): FieldRule => ({ range: [min, Number.MAX_VALUE] });
/** A number between two others. */
export const between = (min: number, max: number): FieldRule => ({ range: [min, max] });
export const POSITIVE: FieldRule = { isPositive: true };
export const REQUIRED: FieldRule = { isRequired: true };
export const FREE_TEXT: FieldRule = { isFreeText: true };
/** A status of a refusal. */
export const ERROR_STATUS = between(400, 599);
export const STATUS = between(100, 599);
export const SHARE = between(0, 1);
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** A header name. */
export const HEADER_NAME: FieldRule = {
  pattern: new RegExp(`^${TOKEN}$`),
  hint: "a token such as X-Version",
};
/** What a rate limit counts by. */
export const RATE_KEY: FieldRule = {
  pattern: new RegExp(`^(?:client-ip|path|route|client-ip-and-path|header:${TOKEN})$`),
  hint: "client-ip, path, route, client-ip-and-path or header:NAME",
};
/** What hash policies go by. */
export const HASH_KEY: FieldRule = {
  pattern: new RegExp(`^(?:client-ip|path|(?:header|cookie):${TOKEN})$`),
  hint: "client-ip, path, header:NAME or cookie:NAME",
};
export const PATH: FieldRule = { pattern: /^\/[!-~]*$/, hint: "a path that starts with /" };
