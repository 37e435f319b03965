// Names of cipher suites (config-format.md §7.2). Of files only: what is known depends on the
// runtime, and the core asks nothing of its surroundings.
import { unknownCipherHint } from "../../tls/ciphers.ts";
import type { Report } from "../diagnostic.ts";
import { type Block, describe, values } from "../tree.ts";

/** Reports every name that means no cipher suite here. */
export function checkCiphers(tls: Block, report: Report): void {
  for (const { value, at } of values(tls, "cipher-suite")) {
    const hint = unknownCipherHint(String(value));
    if (hint === undefined) continue;
    report.error("bad-value", at, `unknown cipher suite '${value}' in ${describe(tls)}`, { hints: [hint] });
  }
}
