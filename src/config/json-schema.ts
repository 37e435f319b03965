// A JSON Schema (draft 2020-12) of the JSON form of configuration files, from the
// same tables that read them: for editors, which complete and check while one
// types. It knows keys, types, ranges and words; references, rules of several keys
// and what this version does are the reader's. Printed by `sentinel schema`.
import { ROOT } from "./schema/root.ts";
import { type BlockSpec, type Row, type Shape, specOf, type ValueType } from "./schema/row.ts";

type Schema = Readonly<Record<string, unknown>>;

const DURATION = "^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?$";
const SIZE = "^\\d+(\\.\\d+)?\\s*[kKmMgGtT]?([iI]?[bB])?$";

/** The schema of a whole file. */
export function configSchema(): Schema {
  const definitions = new Definitions();
  const root = definitions.object(ROOT);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Sentinel configuration",
    ...root,
    properties: { ...(root["properties"] as Schema), $schema: { type: "string" } },
    $defs: definitions.all(),
  };
}

/** One definition per table. */
class Definitions {
  readonly #found = new Map<string, Schema>();

  all(): Schema {
    return Object.fromEntries(this.#found);
  }

  /** The object of a table: every spelling of every key, and nothing else. */
  object(spec: BlockSpec): Schema {
    const properties: Record<string, Schema> = {};
    const variantRows = Object.values(spec.variants?.specs ?? {}).flat();
    for (const row of [...spec.rows, ...variantRows]) {
      const schema = { ...this.#value(row.shape), description: describe(row) };
      for (const spelling of spellings(row, spec)) {
        const known = properties[spelling];
        properties[spelling] = known === undefined ? schema : { anyOf: [known, schema] };
      }
    }
    const any = spec.any === undefined ? false : this.#value(spec.any);
    return { type: "object", properties, additionalProperties: any };
  }

  /** A reference to the definition of a table. */
  #block(spec: BlockSpec): Schema {
    const name = spec.path.replaceAll("/", ".");
    if (!this.#found.has(name)) {
      // Tables contain themselves by way of namespaces: the name comes first.
      this.#found.set(name, {});
      this.#found.set(name, this.#forms(spec));
    }
    return { $ref: `#/$defs/${name}` };
  }

  /** What a block may be beside an object: a collection of entities, or the value of its first argument. */
  #forms(spec: BlockSpec): Schema {
    const collected = collectionOf(spec);
    if (collected !== undefined) {
      const one = this.#block(collected);
      const byId = { type: "object", additionalProperties: one };
      return { anyOf: [{ type: "array", items: one }, byId] };
    }
    const forms: Schema[] = [this.object(spec)];
    const first = spec.rows.find(({ key }) => key === spec.args[0]);
    if (first !== undefined && !spec.entity) {
      const value = this.#value(first.shape);
      forms.push(value);
      const words = wordsOf(first.shape);
      const inner = this.object({ ...spec, rows: spec.rows.filter((row) => row !== first) });
      // `{ "otlp": { "endpoint": … } }`: the discriminator as the only key.
      if (words.length > 0) {
        const properties = Object.fromEntries(words.map((word) => [word, inner]));
        forms.push({
          type: "object",
          properties,
          additionalProperties: false,
          maxProperties: 1,
          minProperties: 1,
        });
      }
    }
    const rest = spec.rows.find(({ key }) => key === spec.rest);
    if (rest !== undefined) {
      const shape = rest.shape;
      const inner = specOf(shape);
      const item = inner === undefined ? this.#value(shape) : this.#block(inner);
      forms.push({ type: "array", items: item });
    }
    return forms.length === 1 ? forms[0]! : { anyOf: forms };
  }

  #value(shape: Shape): Schema {
    switch (shape.shape) {
      case "free":
        return {};
      case "map":
        return { type: ["object", "null"], additionalProperties: typed(shape.type) };
      case "list":
      case "repeated": {
        const one = typed(shape.type);
        return { anyOf: [one, { type: "array", items: one }, { type: "null" }] };
      }
      case "scalar":
        return { anyOf: [typed(shape.type), { type: "null" }] };
      case "block": {
        const one = this.#block(shape.spec);
        const many = shape.repeat ? [{ type: "array", items: one }] : [];
        // A bare name is an empty block, and switches what is off without it.
        return { anyOf: [one, ...many, { type: ["null", "boolean"] }] };
      }
    }
  }
}

/** The entity that a block is a collection of: `routes { route … }`. */
function collectionOf(spec: BlockSpec): BlockSpec | undefined {
  const [only, ...more] = spec.rows;
  const inner = only === undefined || more.length > 0 ? undefined : specOf(only.shape);
  return inner?.entity && spec.rest === undefined ? inner : undefined;
}

/** Every way to write a key; conditions also as the format's own tools write them. */
function spellings(row: Row, spec: BlockSpec): string[] {
  const kebab = [row.key, ...row.also];
  const pascal = spec.path === "routes/route/matches" ? kebab.map((key) => pascalCase(key)) : [];
  return [...new Set([...kebab, ...kebab.map((key) => key.replaceAll("-", "_")), ...pascal])];
}

function pascalCase(key: string): string {
  return key.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function describe({ doc }: Row): string {
  return doc.default === "" ? doc.meaning : `${doc.meaning} (default ${doc.default})`;
}

function typed(type: ValueType): Schema {
  switch (type.kind) {
    case "bool":
      return { type: "boolean" };
    case "int": {
      const number = { type: "integer", minimum: type.min, maximum: type.max };
      return type.names === undefined ? number : { anyOf: [number, { enum: Object.keys(type.names) }] };
    }
    case "float":
      return { type: "number", minimum: type.min, maximum: type.max };
    case "duration":
      return {
        anyOf: [
          { type: "number", minimum: 0 },
          { type: "string", pattern: DURATION },
        ],
      };
    case "size":
      return {
        anyOf: [
          { type: "integer", minimum: 0 },
          { type: "string", pattern: SIZE },
        ],
      };
    case "string":
    case "ref":
      return { type: "string" };
    case "enum": {
      const prefixes = type.prefixes.map((prefix) => ({ type: "string", pattern: `^${prefix}.` }));
      const words = { enum: enumValues(type) };
      return prefixes.length === 0 ? words : { anyOf: [words, ...prefixes] };
    }
    case "any":
      return { type: ["string", "number", "boolean"] };
  }
}

function wordsOf(shape: Shape): string[] {
  return "type" in shape && shape.type.kind === "enum"
    ? enumValues(shape.type).filter((word): word is string => typeof word === "string")
    : [];
}

/** All spellings in lower case, with `-` and with `_`, and numbers as such. */
function enumValues({ values }: ValueType & { kind: "enum" }): (string | number)[] {
  const all = Object.entries(values).flat(2);
  const numbers = all.filter((word) => /^\d+(\.\d+)?$/.test(word)).map(Number);
  return [
    ...new Set([
      ...all,
      ...all.map((word) => word.replaceAll("_", "-")),
      ...all.map((word) => word.replaceAll("-", "_")),
    ]),
    ...numbers,
  ];
}
