// The command line as completion sees it, taken from commander's own tree: for
// each command its sub-commands, its options, and what its arguments stand for.
// Independent of any shell; the scripts are printed from it.
import type { Command, Option } from "commander";

/** Kinds whose ids the proxy is asked for; also the argument names that mean them. */
export const ID_KINDS = [
  "listener",
  "route",
  "upstream",
  "backend",
  "filter",
  "agent",
  "namespace",
  "service",
] as const;
export type IdKind = (typeof ID_KINDS)[number];

/**
 * What may stand at a place, as one word without blanks: "@upstream" an id,
 * "@file" a path, "a|b" one of these, "-" anything.
 */
export type Source = string;

/** One command, by its path without the program's name; "" is the program. */
export interface CompletionNode {
  readonly path: string;
  readonly commands: readonly string[];
  /** Long options. */
  readonly options: readonly string[];
  /** Options that take a value, long and short, and what it is. */
  readonly values: readonly (readonly [option: string, source: Source])[];
  readonly arguments: readonly Source[];
}

/** Every command of the tree that is not hidden, parents first. */
export function completionTree(program: Command): CompletionNode[] {
  return nodesOf(program, "");
}

function nodesOf(command: Command, path: string): CompletionNode[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const options = help.visibleOptions(command);
  const flags = (option: Option) => [option.long, option.short].filter((flag) => flag !== undefined);
  const node: CompletionNode = {
    path,
    commands: children.map((child) => child.name()),
    options: options.flatMap((option) => option.long ?? []),
    values: options
      .filter((option) => option.required || option.optional)
      .flatMap((option) => flags(option).map((flag) => [flag, sourceOfOption(option)] as const)),
    arguments: command.registeredArguments.map((argument) => sourceOf(argument.name(), argument.argChoices)),
  };
  const inner = children
    .filter((child) => child.name() !== "help")
    .flatMap((child) => nodesOf(child, `${path} ${child.name()}`.trim()));
  return [node, ...inner];
}

function sourceOfOption(option: Option): Source {
  return sourceOf(/[<[]([\w-]+)/.exec(option.flags)?.[1] ?? "", option.argChoices);
}

function sourceOf(name: string, choices: readonly string[] | undefined): Source {
  if (choices !== undefined) return choices.join("|");
  if (name === "file" || name === "dir") return "@file";
  return ID_KINDS.some((kind) => kind === name) ? `@${name}` : "-";
}
