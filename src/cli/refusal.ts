// How a refused call is shown: path, message and hint of every violation on
// lines of their own, or one JSON object.
import type { Refusal } from "../client/refused.ts";
import { ExitError } from "./exit.ts";
import { type Paint, painter } from "./paint.ts";

/** A call that the proxy refused: exit code 1. */
export class RefusedError extends ExitError {
  override name = "RefusedError";
  readonly refusal: Refusal;
  readonly #isJson: boolean;

  constructor(refusal: Refusal, isJson: boolean) {
    super(1, `${refusal.code}: ${refusal.violations[0]?.message ?? ""}`);
    this.refusal = refusal;
    this.#isJson = isJson;
  }

  override report(): string {
    if (this.#isJson) return `${JSON.stringify({ error: this.refusal })}\n`;
    return refusalText(this.refusal, painter(process.stderr));
  }
}

/** Each violation with its path, its message and its hint on a line of their own. */
export function refusalText({ code, violations, more }: Refusal, paint: Paint): string {
  const total = violations.length + more;
  const lines = [paint("bad", `sentinel: refused: ${code}${total > 1 ? `, ${total} problems` : ""}`)];
  for (const { path, message, hint } of violations) {
    if (path !== "") lines.push(`  ${paint("strong", path)}`);
    lines.push(`    ${message}`);
    if (hint !== "") lines.push(`    ${paint("faint", "hint:")} ${hint}`);
  }
  if (more > 0) lines.push(`  and ${more} more`);
  return `${lines.join("\n")}\n`;
}
