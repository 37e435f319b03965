// What of a resource this build ignores (rules 4 and 5 of the format): the same
// for a file and for a command, since both ask here. Class W is a warning, class
// E is refused. What is inside a field that was reported is reported again only
// if it is worse. The classes are in liveness-table.ts.
import type { DescMessage } from "@bufbuild/protobuf";
import { quote } from "./error.ts";
import { type Fields, fieldValue, isPresent, ownListed, ownMessage } from "./field.ts";
import { LIVENESS, type Rule, type Severity, type Surroundings, type Verdict } from "./liveness-table.ts";
import { type Resource, type ResourceKey, schemaOf } from "./resource.ts";

/** A field that is set and does nothing. */
export interface Ignored {
  /** Path in the resource, for example "policies.rate_limit"; "" for the resource as a whole. */
  readonly field: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** Of class E: what to do. Else "". */
  readonly hint: string;
}

/** What is known about a field without a value. */
export type Liveness = "live" | Severity | "depends";

type Find = Surroundings["find"];

/**
 * The class of a field by the names in resources.proto ("Upstream", "tls");
 * field "" is the message as a whole. "depends": on the value, ask `ignoredIn`.
 */
export function livenessOf(messageName: string, fieldName: string): Liveness {
  const rule = ruleOf(messageName, fieldName);
  return typeof rule?.ignored === "function" ? "depends" : (rule?.ignored ?? "live");
}

/** Everything of a resource that this build ignores; `find` knows the other resources. */
export function ignoredIn(key: ResourceKey, resource: Resource, name: string, find: Find): Ignored[] {
  const schema = schemaOf(key.kind);
  const found: Ignored[] = [];
  const visit = new Visit(resource, name, find, found);
  const rule = LIVENESS[schema.name]?.[""];
  if (rule !== undefined && isSwitchedOff(resource)) return found;
  const whole = verdictOf(rule, resource, visit);
  if (whole === "off") return found;
  if (whole !== undefined) visit.say("", name, whole);
  if (whole?.severity !== "error") visit.message(schema, resource as unknown as Fields, "", whole?.severity);
  return found;
}

/** One walk through one resource. */
class Visit implements Surroundings {
  readonly resource: Resource;
  readonly find: Find;
  readonly #name: string;
  readonly #found: Ignored[];

  constructor(resource: Resource, name: string, find: Find, found: Ignored[]) {
    this.resource = resource;
    this.find = find;
    this.#name = name;
    this.#found = found;
  }

  /** Looks at the fields of a message; `outer` is what was reported around it. */
  message(schema: DescMessage, message: Fields, at: string, outer: Severity | undefined): void {
    for (const field of schema.fields) {
      // The backends of an upstream are resources of their own.
      if (field.name === "id" || field.name === "backends") continue;
      const value = fieldValue(message, field);
      if (!isPresent(field, value) || isSwitchedOff(value)) continue;
      const path = at === "" ? field.name : `${at}.${field.name}`;
      const verdict = verdictOf(ruleOf(schema.name, field.name), value, this);
      if (verdict === "off") continue;
      const isNews = outer === undefined || (outer === "warning" && verdict?.severity === "error");
      if (verdict !== undefined && isNews) this.say(path, `'${path}' of ${this.#name}`, verdict);
      const inside = verdict?.severity === "error" ? "error" : (verdict?.severity ?? outer);
      if (inside === "error") continue;
      const one = ownMessage(field);
      const listed = ownListed(field);
      if (one !== undefined) this.message(one, value as Fields, path, inside);
      else if (listed !== undefined) {
        (value as readonly Fields[]).forEach((item, i) => {
          this.message(listed, item, `${path}[${i}]`, inside);
        });
      }
    }
  }

  say(field: string, what: string, { severity, message, hint }: Verdict): void {
    const todo = severity === "warning" ? (hint ?? "") : `ignoring it would be unsafe; ${hint ?? REMOVE}`;
    const text = message ?? `${what} is not implemented in this version`;
    this.#found.push({ field, severity, message: text, hint: todo });
  }
}

const REMOVE = "remove it or use a version that has it";

/** The name of a resource in messages: "listener 'http'", "'limits'". */
export function resourceName(kindName: string, id: string): string {
  return id === "" ? `'${kindName}'` : `${kindName} ${quote(id)}`;
}

function ruleOf(messageName: string, fieldName: string): Rule | undefined {
  const rules = LIVENESS[messageName];
  return rules?.[fieldName] ?? (fieldName === "" ? undefined : rules?.["*"]);
}

function verdictOf(
  rule: Rule | undefined,
  value: unknown,
  around: Surroundings,
): Verdict | "off" | undefined {
  if (rule === undefined || rule.same?.includes(plainValue(value))) return undefined;
  const verdict = typeof rule.ignored === "function" ? rule.ignored(value, around) : rule.ignored;
  return verdict === "warning" || verdict === "error" ? { severity: verdict } : verdict;
}

/** A Duration as seconds. */
function plainValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("seconds" in value)) return value;
  const { seconds, nanos } = value as { readonly seconds: bigint; readonly nanos: number };
  return Number(seconds) + nanos / 1e9;
}

/** A message that says it is off asks for nothing. */
function isSwitchedOff(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { enabled, disabled } = value as { readonly enabled?: unknown; readonly disabled?: unknown };
  return enabled === false || disabled === true;
}
