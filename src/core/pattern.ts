// Regular expressions of conditions, searched in time linear in the text by
// re2js, whatever the pattern and whatever a client sends (docs/adr/0010). What
// would make a pattern expensive all the same is refused when it is configured:
// length, repetitions written out, characters that no path or host can have.
// Called by check.ts, warnings.ts and the routing table.
import { RE2JSException, RE2JSSyntaxException, RE2Set } from "re2js";
import { quote } from "./error.ts";
import { MAX_PATTERN_LENGTH, MAX_PATTERN_STEPS, PATTERN_CACHE_BYTES } from "./limits.ts";

/** A pattern that patternProblem has no objection to. It is compiled when it is first needed. */
export class Pattern {
  readonly text: string;
  /** What everything that matches starts with; "" if the pattern does not say. */
  readonly prefix: string;
  /** What everything that matches contains besides. */
  readonly #part: string;
  #compiled: RE2Set | undefined;

  constructor(text: string) {
    const { prefix, part } = literalsOf(text);
    this.text = text;
    this.prefix = prefix;
    this.#part = part;
  }

  /** Whether the pattern matches anywhere in `input`. */
  isFoundIn(input: string): boolean {
    // Most texts lack what the pattern asks for; to see that costs a tenth of a search.
    if (!input.startsWith(this.prefix) || !input.includes(this.#part)) return false;
    this.#compiled ??= parse(this.text);
    return this.#compiled.match(input).length > 0;
  }
}

/** Why a pattern is refused: the engine's reason, or a limit; undefined if it is not. */
export function patternProblem(text: string): string | undefined {
  if (text === "") return "it is empty, which matches everything";
  if (text.length > MAX_PATTERN_LENGTH) return `it is longer than ${MAX_PATTERN_LENGTH} characters`;
  const foreign = foreignPart(text);
  if (foreign !== undefined)
    return `${quote(foreign)} stands for more than ASCII, which is all a path or host consists of`;
  // Before the engine sees it, which would write the repetitions out.
  const steps = stepsOf(text);
  if (steps > MAX_PATTERN_STEPS)
    return `it has ${steps} steps with its repetitions written out, more than ${MAX_PATTERN_STEPS}`;
  try {
    parse(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    if (!(error instanceof RE2JSSyntaxException)) return error.message;
    const part = error.getPattern();
    const reason = error.getDescription();
    return part === null || part === "" || part === text ? reason : `${reason}: ${quote(part)}`;
  }
}

/**
 * A set of one, because only a set's cache of states can be given a size. The
 * cache of a single pattern grows to 8 MB with what clients send.
 */
function parse(text: string): RE2Set {
  const set = new RE2Set(RE2Set.UNANCHORED, 0, PATTERN_CACHE_BYTES);
  set.add(text);
  return set;
}

/** One token each: quoted text, escape, class, start of a group or flags, repetition, any other character. */
const TOKEN =
  /\\Q[\s\S]*?(?:\\E|$)|\\(?:x\{[^}]*\}|[\s\S]|$)|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\(\?[\w-]*\)|\((?:\?(?:P?<\w*>|[\w-]*:)?)?|\{\d+(?:,\d*)?\}|[\s\S]/gu;
const FLAGS = /^\(\?[\w-]*\)$/;
const REPETITION = /^\{(\d+)(?:,(\d+)?)?\}$/;

/**
 * An upper bound, up to a small factor, of the instructions the engine compiles
 * the pattern to. Right only for patterns that are well formed, which is enough.
 */
function stepsOf(text: string): number {
  /** Steps of each open group, and of the last thing in it, which a repetition repeats. */
  const open = [{ steps: 0, last: 0 }];
  for (const [token] of text.matchAll(TOKEN)) {
    const group = open.at(-1)!;
    const [, least, most] = REPETITION.exec(token) ?? [];
    if (FLAGS.test(token)) continue;
    if (token.startsWith("(")) open.push({ steps: 0, last: 0 });
    else if (token === ")" && open.length > 1) {
      open.pop();
      addStep(open.at(-1)!, group.steps + 1);
    } else if (least !== undefined) {
      const times = Math.max(1, Number(least), Number(most ?? 0));
      group.steps += group.last * (times - 1);
      group.last *= times;
    } else if (/^[*+?]$/.test(token)) {
      group.steps += 1;
      group.last += 1;
    } else if (token.startsWith("\\Q")) {
      group.steps += token.length;
      group.last = 1;
    } else addStep(group, 1);
  }
  return open.reduce((sum, { steps }) => sum + steps, 0);
}

function addStep(group: { steps: number; last: number }, steps: number): void {
  group.steps += steps;
  group.last = steps;
}

/** The first part that could only match what is not ASCII; such ranges take long to compile. */
function foreignPart(text: string): string | undefined {
  const character = /[^ -~]/u.exec(text)?.[0];
  if (character !== undefined) return character;
  for (const [part, code] of text.matchAll(/\\(?:x\{([^}]*)\}|[\s\S])/g)) {
    if (/^\\[pP]/.test(part) || Number.parseInt(code ?? "0", 16) > 0x7f) return part;
  }
  return undefined;
}

/** What a text must start with and contain for the pattern to match; "" where the pattern does not say. */
function literalsOf(text: string): { readonly prefix: string; readonly part: string } {
  /** The run of literal characters that is being read, and those that have ended. */
  let run: string[] = [];
  const runs: string[] = [];
  let depth = 0;
  let doesCaseCount = true;
  let prefixRun = -1;
  for (const [at, [token]] of [...text.matchAll(TOKEN)].entries()) {
    if (depth === 0 && doesCaseCount && LITERAL.test(token)) {
      run.push(token.at(-1)!);
      continue;
    }
    // What is repeated may be there zero times; flags can stand between: "a(?i)*", "a+(?i)*".
    if (/^[*+?{]/.test(token) || FLAGS.test(token)) run.pop();
    runs.push(run.join(""));
    run = [];
    if (token === "^" && at === 0) prefixRun = runs.length;
    // Only one of the alternatives has to match.
    if (token === "|" && depth === 0) return { prefix: "", part: "" };
    if (FLAGS.test(token)) doesCaseCount &&= depth > 0;
    else if (token.startsWith("(")) depth++;
    else if (token === ")") depth--;
  }
  runs.push(run.join(""));
  const longest = runs.reduce((best, one) => (one.length > best.length ? one : best), "");
  const prefix = runs[prefixRun] ?? "";
  return { prefix, part: prefix.includes(longest) ? "" : longest };
}

const LITERAL = /^(?:[^\\.+*?()[\]{}|^$]|\\[^a-zA-Z0-9])$/;
