// Transcripts: the diffs in test/core/golden/*.txt with what they do. Lines that
// start with ">" are commands as JSON; an empty line ends a diff; "#" comments.
// What stands below the commands is compared; UPDATE_GOLDEN=1 writes it anew.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { type Applied, digestHex, emptyState, type Refused, type State } from "../../src/core/index.ts";
import { commands, errorText } from "./build.ts";
import { assertLaws, effectTexts } from "./check-diff.ts";

const FOLDER = new URL("golden/", import.meta.url);

/** The transcript with every answer as it is now. */
function replay(text: string): string {
  let state: State = emptyState();
  const blocks = text.trimEnd().split(/\n{2,}/);
  const answered = blocks.map((block) => {
    const asked = block.split("\n").filter((line) => /^[#>]/.test(line));
    const given = asked.filter((line) => line.startsWith(">")).map((line) => JSON.parse(line.slice(1)));
    if (given.length === 0) return asked.join("\n");
    const applied = assertLaws(state, commands(...given));
    if (applied.ok) state = applied.state;
    return [...asked, ...answer(applied)].join("\n");
  });
  return `${answered.join("\n\n")}\n`;
}

function answer(applied: Applied | Refused): string[] {
  if (!applied.ok) {
    return applied.errors.flatMap((error) => [
      `! ${errorText(error)}`,
      `    ${error.message}`,
      ...(error.hint === "" ? [] : [`    hint: ${error.hint}`]),
    ]);
  }
  if (applied.changes.length === 0) return ["= no effect"];
  const warnings = applied.warnings.map((warning) => `? ${warning}`);
  return [...effectTexts(applied), ...warnings, `= ${digestHex(applied.state.digest).slice(0, 16)}`];
}

test.each(readdirSync(FOLDER).filter((name) => name.endsWith(".txt")))("%s", (name) => {
  const file = new URL(name, FOLDER);
  const text = readFileSync(file, "utf8");
  const now = replay(text);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, now);
  else expect(now).toBe(text);
});
