// Takes out of what leaves the machine what might be a secret: keys, passwords
// and tokens that people put into reasons, labels, URLs and conditions of routes,
// and what lets a caller past a guard. It goes by names and by shapes, so it can
// miss a secret that has neither; docs/operations.md says so.
import type { JsonValue } from "@bufbuild/protobuf";

/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** Names whose values are secret: of labels, headers, query parameters, fields. */
const SECRET_NAME =
  /passw(or)?d|passphrase|secret|token|credential|cookie|authori[sz]ation|api[-_.]?key|private[-_.]?key|access[-_.]?key|session[-_.]?id|signature|^freeze_?id$/i;

/** Shapes of secrets in a text; of the groups, those that stay. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // A JSON Web Token.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  // user:password@ of a URL.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${REDACTED}@`],
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

/** A text without what looks like a secret. */
export function redactText(text: string): string {
  return SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), text);
}

/** A value without secrets: by the names of its fields, by the name that stands beside a value, by shape. */
export function redact(value: JsonValue): JsonValue {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  // A condition on a header or a query parameter: {"name": "x-api-key", "value": "…"}.
  const { name } = value;
  const isNamedSecret = typeof name === "string" && SECRET_NAME.test(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const isSecret = SECRET_NAME.test(key) || (isNamedSecret && /^(value|pattern)/.test(key));
      return [key, isSecret && one !== "" ? REDACTED : redact(one)];
    }),
  );
}
