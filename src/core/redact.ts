// Takes secrets out of what is shown: of messages by a table of fields that hold
// them, of pairs of name and value by the name, of any text by its shape. Called
// by the admin endpoints, the built-in handler `config` and the debug bundle;
// what goes from one control plane to another (GetState, watches) stays whole.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { AcmeEabSchema, AgentSchema, BasicAuthFilterSchema } from "../gen/sentinel/v1/resources_pb.ts";
import { type Fields, fieldValue, ownListed, ownMessage, withField } from "./field.ts";

/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** How much of a field is secret: its text, the values of its names, or all words after the first. */
type Secrecy = "text" | "json" | "values" | "arguments";

/** Fields that hold secrets: by message, field names. The user of a URL is taken out of every text. */
const SECRET_FIELDS: Readonly<Record<string, Readonly<Record<string, Secrecy>>>> = {
  [AcmeEabSchema.name]: { hmac_key: "text" },
  [AgentSchema.name]: { config: "json", command: "arguments", env: "values" },
  [BasicAuthFilterSchema.name]: { users: "values" },
};

/** Names whose values are secret: of labels, headers, query parameters, fields. */
const SECRET_NAME =
  /passw(or)?d|passphrase|secret|token|credential|cookie|authori[sz]ation|api[-_.]?key|private[-_.]?key|access[-_.]?key|hmac[-_.]?key|session[-_.]?id|signature|^freeze_?id$/i;

/** Shapes of secrets in a text, each found in linear time; of the groups, those that stay. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // A JSON Web Token.
  [/(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  // user:password@ of a URL; a password may have an @ itself.
  [/(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/]+@/gi, `$1${REDACTED}@`],
  [/\b(bearer)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // Base64, not a word.
  [/\b(basic|Basic|BASIC)\s+(?=[a-z]*[A-Z0-9+/=])[\w+/=]{6,}/g, `$1 ${REDACTED}`],
  // name=value, name: value, --name value.
  [
    /((?:passw(?:or)?d|passphrase|secret|token|credentials?|api[-_.]?key|private[-_.]?key|access[-_.]?key|signature)["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi,
    `$1${REDACTED}`,
  ],
  // Keys and tokens that say what they are.
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, REDACTED],
  [/\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|rk_live_)[\w-]{16,}/g, REDACTED],
];

/** Whether a value with this name is secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A text without what looks like a secret. */
export function redactText(text: string): string {
  return SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), text);
}

/** The message without secrets, those of the messages in it included; itself if there is none. */
export function redactMessage<T extends object>(schema: DescMessage, message: T): T {
  let result = message as unknown as Fields;
  const { name, key } = result;
  const isNamedSecret = [name, key].some((one) => typeof one === "string" && isSecretName(one));
  for (const field of schema.fields) {
    const now = fieldValue(result, field);
    const secrecy =
      SECRET_FIELDS[schema.name]?.[field.name] ??
      (isNamedSecret && field.name === "value" ? "text" : undefined);
    const then = now === undefined ? undefined : redactField(field, secrecy, now);
    if (then !== undefined && then !== now) result = withField(result, field, then);
  }
  return result as unknown as T;
}

function redactField(field: DescField, secrecy: Secrecy | undefined, value: unknown): unknown {
  if (typeof value === "string") return value === "" ? value : redactScalar(secrecy, value);
  const one = ownMessage(field);
  if (one !== undefined) return redactMessage(one, value as object);
  if (field.fieldKind !== "list") return value;
  const listed = ownListed(field);
  const items = value as readonly unknown[];
  const redacted = items.map((item, i) => {
    if (typeof item === "string") return secrecy === "arguments" && i > 0 ? REDACTED : redactText(item);
    if (listed === undefined) return item;
    return secrecy === "values"
      ? { ...(item as object), value: REDACTED }
      : redactMessage(listed, item as object);
  });
  return redacted.some((item, i) => item !== items[i]) ? redacted : items;
}

function redactScalar(secrecy: Secrecy | undefined, text: string): string {
  if (secrecy === undefined) return redactText(text);
  return secrecy === "json" ? JSON.stringify(REDACTED) : REDACTED;
}
