// Takes out of JSON that leaves the machine what might be a secret: keys, passwords
// and tokens that people put into reasons and labels, and what lets a caller past a
// guard. It goes by names and by shapes, so it can miss a secret that has neither;
// docs/operations.md says so. Of configuration, core/redact.ts knows the fields.
import type { JsonValue } from "@bufbuild/protobuf";
import { isSecretName, REDACTED, redactText } from "../core/index.ts";

/** A value without secrets: by the names of its fields, by the name that stands beside a value, by shape. */
export function redact(value: JsonValue): JsonValue {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  // A condition on a header or a query parameter: {"name": "x-api-key", "value": "…"}.
  const { name } = value;
  const isNamedSecret = typeof name === "string" && isSecretName(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const isSecret = isSecretName(key) || (isNamedSecret && /^(value|pattern)/.test(key));
      return [key, isSecret && one !== "" ? REDACTED : redact(one)];
    }),
  );
}
