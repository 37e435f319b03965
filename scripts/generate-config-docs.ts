// Writes docs/config.md from the schema tables: every block and key of the
// configuration file on one page. `npm run config-docs`; a test compares the file
// with what this returns.
import { writeFileSync } from "node:fs";
import { ROOT } from "../src/config/schema/root.ts";
import {
  type BlockSpec,
  type Row,
  type Shape,
  specOf,
  table,
  type ValueType,
} from "../src/config/schema/row.ts";

const INTRODUCTION = `# Every block and key of the configuration file

This page is made from the tables that the file is read with, in \`src/config/schema\`, by
\`npm run config-docs\`: change those. A guide with examples is [configuration.md](configuration.md).

- **Key**: the canonical spelling, other accepted ones in parentheses. \`_\` may stand for \`-\`, and a
  key with one value may be written as a property of its block (\`listener "http" address="…"\`).
- **Type**: *duration* is a number in the unit given, or a text (\`"250ms"\`, \`"10s"\`, \`"5m"\`, \`"1h"\`,
  \`"2d"\`); *size* a number of bytes, or a text (\`"512KB"\`, \`"10MB"\`); *list* any number of values, on one
  node or several; *map* a block of names and values; *data* is free-form; *reference* is the id of
  something, \`ns:id\` or \`ns:svc:id\`, and \`:id\` for one of the file that an inner name hides.
- **Default**: what applies if the key is not written. A **bold** key is required.
- **State**: *live*; *warns*: accepted and kept, does nothing in this version; *refused*: ignoring it would
  be unsafe, so the file is refused; *depends*: by its value, which the report says.

In JSON and TOML, keys are written with \`_\` or \`-\`, blocks are objects, lists are arrays, and
\`listeners\`, \`routes\`, \`upstreams\` and the like are arrays of objects with an \`id\`, or objects by id.
\`sentinel schema\` prints a JSON Schema of that form for editors.`;

/** The page. */
export function generateConfigDocs(): string {
  const specs = reachable();
  const parts = [INTRODUCTION, contents(specs), ...specs.flatMap(sectionOf)];
  return `${parts.join("\n\n")}\n`;
}

/** Every table once, outer ones first; variants as tables of their own after their block. */
function reachable(): BlockSpec[] {
  const found = new Map<string, BlockSpec>();
  const visit = (spec: BlockSpec): void => {
    if (found.has(spec.path)) return;
    found.set(spec.path, spec);
    for (const [name, rows] of Object.entries(spec.variants?.specs ?? {})) {
      visit(table(`${spec.path}[${name}]`, rows));
    }
    const shapes = [...spec.rows.map(({ shape }) => shape), ...(spec.any === undefined ? [] : [spec.any])];
    for (const shape of shapes) {
      const inner = specOf(shape);
      if (inner !== undefined) visit(inner);
    }
  };
  visit(ROOT);
  return [...found.values()];
}

function contents(specs: readonly BlockSpec[]): string {
  const links = specs.map((spec) => `[${titleOf(spec)}](#${anchor(spec)})`);
  return `## Contents\n\n${links.join(" · ")}`;
}

function sectionOf(spec: BlockSpec): string[] {
  const heading = `## ${titleOf(spec)}`;
  const rows = spec.rows.map(
    (row) =>
      `| ${keyCell(row)} | ${typeCell(row.shape)} | ${defaultCell(row)} | ${stateOf(row)} | ${cell(row.doc.meaning)} |`,
  );
  const form = formOf(spec);
  const lines = ["| Key | Type | Default | State | Meaning |", "|---|---|---|---|---|", ...rows].join("\n");
  return [heading, ...(form === "" ? [] : [form]), ...(rows.length === 0 ? [] : [lines])];
}

/** How the node of the block is written, and what selects further keys. */
function formOf(spec: BlockSpec): string {
  const { args, rest, name, variants, any } = spec;
  const written = [
    ...args.map((arg) => `${arg.toUpperCase()}`),
    ...(rest === undefined ? [] : [`${rest.toUpperCase()} …`]),
  ];
  const sentences: string[] = [];
  if (written.length > 0) sentences.push(`Written \`${name} ${written.join(" ")} { … }\`.`);
  if (variants !== undefined) {
    const links = Object.keys(variants.specs).map((one) => {
      const inner = table(`${spec.path}[${one}]`, []);
      return `[${one}](#${anchor(inner)})`;
    });
    sentences.push(`Further keys by \`${variants.by}\`: ${links.join(", ")}.`);
  }
  const inner = any === undefined ? undefined : specOf(any);
  if (inner !== undefined) sentences.push(`Any name is a [${inner.name}](#${anchor(inner)}).`);
  return sentences.join(" ");
}

function titleOf({ path }: BlockSpec): string {
  return path === "/" ? "Top level" : path;
}

function anchor(spec: BlockSpec): string {
  return titleOf(spec)
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

function keyCell({ key, also, deprecated, required }: Row): string {
  const name = required ? `**\`${key}\`**` : `\`${key}\``;
  const others = also.map((one) => (deprecated.includes(one) ? `\`${one}\`, older` : `\`${one}\``));
  return others.length === 0 ? name : `${name} (${others.join(", ")})`;
}

function defaultCell({ doc }: Row): string {
  return cell(doc.default);
}

/** What this version does with the key. */
function stateOf({ ignored }: Row): string {
  if (ignored === undefined) return "live";
  if (ignored === "warning") return "warns";
  return ignored === "error" ? "refused" : "depends";
}

function typeCell(shape: Shape): string {
  switch (shape.shape) {
    case "block": {
      const link = `[${shape.spec.name}](#${anchor(shape.spec)})`;
      return shape.repeat ? `block ${link}, repeatable` : `block ${link}`;
    }
    case "list":
      return `list: ${typeText(shape.type)}`;
    case "repeated":
      return `${typeText(shape.type)}, repeatable`;
    case "map":
      return `map: ${typeText(shape.type)}`;
    case "free":
      return "data";
    case "scalar":
      return typeText(shape.type);
  }
}

function typeText(type: ValueType): string {
  switch (type.kind) {
    case "int": {
      const names = Object.keys(type.names ?? {}).map((name) => `\`${name}\``);
      return [`integer ${range(type.min, type.max)}`, ...names].join(", ");
    }
    case "float":
      return `number ${range(type.min, type.max)}`;
    case "duration":
      return `duration (${type.unit})${type.positive ? " > 0" : ""}`;
    case "size": {
      const unit = type.unit === 1 ? "" : " (MiB)";
      return type.min > 1 ? `size ≥ ${type.min}` : `size${unit}`;
    }
    case "enum":
      return [...Object.keys(type.values), ...type.prefixes.map((prefix) => `${prefix}…`)]
        .map((one) => `\`${one}\``)
        .join(", ");
    case "ref":
      return `reference: ${type.to}`;
    case "bool":
      return "boolean";
    case "any":
      return "value";
    case "string":
      return "string";
  }
}

function range(min: number, max: number): string {
  return max >= Number.MAX_SAFE_INTEGER ? `≥ ${min}` : `${min}–${max}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*");
}

if (import.meta.main) {
  writeFileSync(new URL("../docs/config.md", import.meta.url), generateConfigDocs());
}
