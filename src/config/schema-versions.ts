// `schema-version` in several files (config-format.md §4.2): each may state it,
// and all must agree. Leaves one for the reader. Called by load.ts.
import { firstHere, type Report } from "./diagnostic.ts";
import type { SourceNode } from "./source.ts";

const NAMES = ["schema-version", "schema_version", "version"];

/** The nodes without the versions that say again, in another file, what the first one says. */
export function mergeVersions(nodes: readonly SourceNode[], report: Report): readonly SourceNode[] {
  const versions = nodes.filter(({ name }) => NAMES.includes(name));
  const [first, ...others] = versions;
  if (first === undefined || others.length === 0) return nodes;
  const again = new Set<SourceNode>();
  for (const one of others) {
    // Twice in one file is a duplicate key, which the reader finds.
    if (one.at.file === first.at.file) continue;
    again.add(one);
    const [written, stated] = [one.args[0], first.args[0]];
    if (written === undefined || stated === undefined || written.value === stated.value) continue;
    const message = `schema version '${written.value}' differs from '${stated.value}' of another file`;
    report.error("conflict", written.at, message, { related: [firstHere(stated.at, "stated here")] });
  }
  return nodes.filter((node) => !again.has(node));
}
