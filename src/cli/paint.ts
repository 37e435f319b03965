// Colours of the human output: only on a terminal, and not with NO_COLOR
// (no-color.org) or on a terminal that has none. JSON is never painted.
import { styleText } from "node:util";

/** What a piece of text means; the one place that gives meanings colours. */
export type Meaning = "good" | "bad" | "changed" | "faint" | "strong";

/** Paints text for one stream, or returns it as it is. */
export type Paint = (meaning: Meaning, text: string) => string;

const STYLES: Readonly<Record<Meaning, Parameters<typeof styleText>[0]>> = {
  good: "green",
  bad: "red",
  changed: "yellow",
  faint: "dim",
  strong: "bold",
};

/** The painter for a stream. FORCE_COLOR is not looked at: test runners set it for their children. */
export function painter(stream: { readonly isTTY?: boolean }): Paint {
  const { NO_COLOR: off = "", TERM: terminal } = process.env;
  if (stream.isTTY !== true || off !== "" || terminal === "dumb") return (_, text) => text;
  return (meaning, text) => styleText(STYLES[meaning], text, { validateStream: false });
}
