// Keys of one block that exclude or need each other.
import { firstHere, type Report } from "../diagnostic.ts";
import { type Block, describe, items, markBroken } from "../tree.ts";

/** Reports the second of two keys of which a block may have one. */
export function atMostOne(block: Block, keys: readonly [string, string], report: Report): void {
  const [first, second] = keys.map((key) => items(block, key)[0]);
  if (first === undefined || second === undefined) return;
  const message = `${describe(block)} has both '${keys[0]}' and '${keys[1]}'`;
  report.error("bad-value", second.at, message, {
    hints: ["keep one of the two"],
    related: [firstHere(first.at, "the other one")],
  });
  markBroken(block);
}

/** Reports one of two keys that a block has both or none of. */
export function bothOrNone(block: Block, keys: readonly [string, string], report: Report): void {
  const missing = keys.find((key) => items(block, key).length === 0);
  const written = keys.find((key) => items(block, key).length > 0);
  if (missing === undefined || written === undefined) return;
  const at = items(block, written)[0]?.at ?? block.at;
  report.error("missing-key", at, `${describe(block)} has '${written}' but no '${missing}'`, {
    hints: [`add '${missing}', or remove '${written}'`],
  });
  markBroken(block);
}
