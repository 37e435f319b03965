// Strings with `${…}`: nothing is expanded in a configuration, so one that
// looks like a variable is probably a mistake. Looks at the source tree, so
// that free-form data is covered, too.
import type { Report } from "./diagnostic.ts";
import type { SourceNode, SourceValue } from "./source.ts";

/** Warns about every string value that contains a placeholder. */
export function reportPlaceholders(nodes: readonly SourceNode[], report: Report): void {
  for (const node of nodes) {
    for (const value of node.args) check(value, report);
    for (const property of node.properties) check(property.value, report);
    if (node.children !== undefined) reportPlaceholders(node.children, report);
  }
}

function check({ value, at }: SourceValue, report: Report): void {
  if (typeof value !== "string") return;
  const placeholder = /\$\{[^}]*\}/.exec(value)?.[0];
  if (placeholder === undefined) return;
  report.warning("literal-placeholder", at, `'${placeholder}' is not expanded; values are taken as written`);
}
