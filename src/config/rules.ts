// Rules of a block as a whole that the tables name in one line. They report
// and say nothing else; read.ts runs them after the keys have been read.
import type { Code } from "./codes.ts";
import type { Report } from "./diagnostic.ts";
import { type Block, describe, items, markBroken } from "./tree.ts";

/** Every key of `keys` is required unless one of `unless` is there. */
export function missingKey(keys: readonly string[], unless: readonly string[]) {
  return (block: Block, report: Report): void => {
    if (unless.some((key) => items(block, key).length > 0)) return;
    const missing = keys.filter((key) => items(block, key).length === 0);
    if (missing.length === 0) return;
    const names = missing.map((key) => `'${key}'`).join(" and ");
    report.error("missing-key", block.at, `${describe(block)} needs ${names}`, {
      hints: [`add ${missing.map((key) => `${key} "…"`).join(" and ")}`],
    });
    markBroken(block);
  };
}

/** Exactly one of `keys` is required; `code` and `hint` as in the rules of the specification. */
export function exactlyOne(code: Code, what: string, keys: readonly string[], hint: string) {
  return (block: Block, report: Report): void => {
    const found = keys.filter((key) => items(block, key).length > 0);
    if (found.length === 1) return;
    report.error(code, block.at, `${describe(block)} needs one ${what}`, { hints: [hint] });
    markBroken(block);
  };
}
