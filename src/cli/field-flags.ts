// Flags that set fields of a resource, as a table: one row per flag says which
// field it sets and how its text is read. From the rows come the options of
// `add` and `update`, the message that is sent, and the field mask of --clear.
// A new field of a resource is one more row.
import { type Command, Option } from "commander";
import { ExitError } from "./exit.ts";
import type { ReadValue } from "./read-value.ts";

/** One flag. */
export interface FieldFlag {
  /** As commander writes it, for example "--priority <number>"; without a value it is a switch. */
  readonly flags: string;
  readonly help: string;
  /** Path of the field in the resource's message, for example "matches.path_prefixes". */
  readonly field: string;
  /** What the text stands for; default: the text itself. */
  readonly read?: ReadValue;
  /** Words that may follow, and what each stands for; instead of `read`. */
  readonly words?: Readonly<Record<string, unknown>>;
  /** What a switch stands for. */
  readonly value?: unknown;
  /** Whether the field is a list: the flag may be repeated. */
  readonly isList?: boolean;
  /** Attribute of a flag that cannot be given together with this one. */
  readonly conflicts?: string;
}

/** Parsed options of a command: texts, lists of texts, switches. */
export type ParsedOptions = Readonly<Record<string, unknown>>;

/** Adds the flags to a command, and --set (set-flag.ts). */
export function withFields(command: Command, rows: readonly FieldFlag[]): Command {
  command.optionsGroup("Fields:");
  for (const row of rows) command.addOption(optionOf(row));
  const help = "set any field by its path in the API; the value is text or JSON; repeatable";
  return command.option("--set <field=value>", help, collect);
}

/** Adds the flags, --set and --clear. */
export function withFieldsToUpdate(command: Command, rows: readonly FieldFlag[]): Command {
  const names = new Map(rows.map((row) => [row.field, row.value === undefined ? nameOf(row) : row.field]));
  const listed = names.size === 0 ? "its" : `${[...names.values()].join(", ")}, or a`;
  const help = `unset a field, so that its default applies: ${listed} path as in the API; repeatable`;
  return withFields(command, rows).option("--clear <field>", help, collect);
}

/** The part of the resource's message that the options set. */
export function fieldsOf(rows: readonly FieldFlag[], options: ParsedOptions): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const row of rows) {
    const given = options[optionOf(row).attributeName()];
    if (given === undefined) continue;
    const values = Array.isArray(given) ? given.map((text) => readFlag(row, text)) : [readFlag(row, given)];
    setField(message, row.field.split("."), values, row.isList === true);
  }
  return message;
}

/**
 * The field mask, only if something is to be cleared: with a mask exactly the
 * named fields are set or cleared, so it names what the options set, too; `more`
 * are further paths that are set.
 */
export function maskOf(
  rows: readonly FieldFlag[],
  options: ParsedOptions,
  more: readonly string[] = [],
): { updateMask?: { paths: string[] } } {
  const cleared = options["clear"] as readonly string[] | undefined;
  if (cleared === undefined) return {};
  const isGiven = (row: FieldFlag) => options[optionOf(row).attributeName()] !== undefined;
  const given = new Set([...rows.filter(isGiven).map(({ field }) => field), ...more]);
  const paths = cleared.map((name) => rows.find((row) => nameOf(row) === name)?.field ?? name);
  const both = paths.find((path) => given.has(path));
  if (both !== undefined) throw new ExitError(2, `--clear: ${both} is set by another flag`);
  return { updateMask: { paths: [...given, ...paths] } };
}

/** For repeatable options: appends. */
export function collect(text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), text];
}

/** The option itself, which also knows its attribute among the parsed options. */
export function optionOf({ flags, help, words, isList, conflicts }: FieldFlag): Option {
  const option = new Option(flags, isList === true ? `${help}; repeatable` : help);
  if (words !== undefined) option.choices(Object.keys(words));
  if (isList === true) option.argParser(collect);
  if (conflicts !== undefined) option.conflicts(conflicts);
  return option;
}

/** "priority" for "--priority <number>". */
function nameOf(row: FieldFlag): string {
  return optionOf(row).name();
}

function readFlag(row: FieldFlag, given: unknown): unknown {
  if (row.value !== undefined) return row.value;
  const text = String(given);
  if (row.words !== undefined) return row.words[text];
  return row.read === undefined ? text : row.read(text, `--${nameOf(row)}`);
}

function setField(
  message: Record<string, unknown>,
  path: readonly string[],
  values: readonly unknown[],
  isList: boolean,
): void {
  const [name, ...rest] = path;
  const local = name!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (rest.length > 0) {
    const inner = (message[local] ?? {}) as Record<string, unknown>;
    message[local] = inner;
    return setField(inner, rest, values, isList);
  }
  message[local] = isList ? [...((message[local] as unknown[]) ?? []), ...values] : values.at(-1);
}
