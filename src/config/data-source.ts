// Turns data of a JSON or TOML file into the source tree, as config-format.md §5
// maps it. Works from the schema, since what an array or an object means depends
// on the key; unknown keys are passed on for the reader to report. Called by
// read-file.ts.
import { type Data, type DataMap, type Member, plainOf, uniqueMembers } from "./data.ts";
import type { Report, Span } from "./diagnostic.ts";
import { kebab, rowFor, variantSpec } from "./keys.ts";
import { ROOT } from "./schema/root.ts";
import type { BlockSpec, Row, Shape } from "./schema/row.ts";
import type { SourceNode, SourceValue } from "./source.ts";

/** Block of conditions: the only one with forms of its own. */
const MATCHES = "routes/route/matches";

/** The nodes of a whole file. */
export function nodesOfData(data: DataMap, report: Report): SourceNode[] {
  return new Mapper(report).members(ROOT, data.members);
}

/** One conversion. */
class Mapper {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** The children of a block that is written as an object. */
  members(base: BlockSpec, members: readonly Member[]): SourceNode[] {
    const spec = specFor(base, members);
    const unique = uniqueMembers(members, ({ key }) => rowFor(spec, key)?.key ?? kebab(key), this.#report);
    const beside = new Map<Member, Member[]>();
    const words = unique.filter((member) => isWordOfBlock(spec, member));
    for (const member of unique) {
      const owner = rowFor(spec, member.key) === undefined ? ownerOf(spec, member, words) : undefined;
      if (owner !== undefined) beside.set(owner, [...(beside.get(owner) ?? []), member]);
    }
    const moved = new Set([...beside.values()].flat());
    return unique
      .filter((member) => !moved.has(member))
      .flatMap((member) => this.#member(spec, member, beside.get(member) ?? []));
  }

  #member(spec: BlockSpec, member: Member, beside: readonly Member[]): SourceNode[] {
    const row = rowFor(spec, member.key);
    const shape = row?.shape ?? spec.any;
    if (shape === undefined) return [unknown(member)];
    const { value } = member;
    const isMany = shape.shape === "list" || shape.shape === "repeated";
    // An empty list asks for nothing; a condition without a value is a mistake, which the reader finds.
    if (isMany && value.kind === "list" && value.items.length === 0 && spec.path !== MATCHES) return [];
    switch (shape.shape) {
      case "scalar":
        return value.kind === "scalar" ? [leaf(member, [value.value])] : this.#wrong(member, "a value");
      case "list": {
        const values = this.#scalars(member);
        return values === undefined ? [] : [leaf(member, values)];
      }
      case "repeated": {
        const values = this.#scalars(member);
        if (values === undefined) return [];
        return values.length === 0 ? [leaf(member, [])] : values.map((one) => leaf(member, [one]));
      }
      case "map":
        return this.#pairs(member);
      case "free":
        return [freeNode(member.key, member.at, value)];
      case "block":
        return this.#block(shape, member, beside);
    }
  }

  /** One scalar or a list of them. */
  #scalars(member: Member): SourceValue[] | undefined {
    const { value } = member;
    const items = value.kind === "list" ? value.items : [value];
    const values = items.flatMap((item) => (item.kind === "scalar" ? [item.value] : []));
    if (values.length === items.length) return values;
    this.#wrong(member, "a value or an array of values");
    return undefined;
  }

  #pairs(member: Member): SourceNode[] {
    const { value, at } = member;
    if (value.kind === "scalar" && value.value.value === null) return [leaf(member, [value.value])];
    if (value.kind !== "map") return this.#wrong(member, "an object of names and values");
    const children = value.members.flatMap((pair) =>
      pair.value.kind === "scalar" ? [leaf(pair, [pair.value.value])] : this.#wrong(pair, "a value"),
    );
    return [{ ...node(member.key, at), children }];
  }

  #block(shape: Shape & { shape: "block" }, member: Member, beside: readonly Member[]): SourceNode[] {
    const { spec, repeat } = shape;
    const { key, at, value } = member;
    const inner = collectionOf(spec);
    if (value.kind === "scalar") {
      const options = this.members(spec, beside);
      return [{ ...leaf(member, [value.value]), children: options.length > 0 ? options : undefined }];
    }
    if (inner !== undefined) {
      const children =
        value.kind === "list"
          ? value.items.flatMap((item) => this.#element(inner, inner.key, item.at, item))
          : inner.shape.spec.entity
            ? value.members.flatMap((one) => this.#entry(inner, one))
            : this.members(spec, value.members);
      return [{ ...node(key, at), children }];
    }
    if (value.kind === "list") {
      if (spec.path === MATCHES) return [{ ...node(key, at), children: this.#conditions(spec, value.items) }];
      if (repeat) return value.items.flatMap((item) => this.#element({ shape }, key, item.at, item));
      return this.#wrong(member, "an object");
    }
    if (spec.path === MATCHES) {
      return [{ ...node(key, at), children: this.members(spec, value.members.map(plainCase)) }];
    }
    return this.#element({ shape }, key, at, value);
  }

  /** One block of an array, or the one of a key. */
  #element(row: BlockRow, name: string, at: Span, item: Data): SourceNode[] {
    const { spec } = row.shape;
    if (item.kind === "scalar") return [{ ...node(name, at), args: [item.value] }];
    if (item.kind === "list") {
      return this.#wrong({ key: name, at, value: item }, spec.entity ? "an object with an id" : "an object");
    }
    const tag = tagOf(spec, item);
    if (tag === undefined) return [{ ...node(name, at), children: this.members(spec, item.members) }];
    return [
      { ...node(name, at), args: [text(tag.key, tag.at)], children: this.members(spec, tag.value.members) },
    ];
  }

  /** One entity of a map from id to object. */
  #entry(row: BlockRow & Row, member: Member): SourceNode[] {
    const { key, at, value } = member;
    if (value.kind !== "map") return this.#wrong(member, `an object: the ${row.key} of this id`);
    const stated = value.members.find((one) => kebab(one.key) === "id");
    if (stated?.value.kind === "scalar" && stated.value.value.value !== key) {
      const message = `id '${stated.value.value.raw}' of ${row.key} '${key}' is not its key`;
      this.#report.error("bad-value", stated.value.at, message, {
        hints: ["leave it out, or write the same"],
      });
    }
    const members = value.members.filter((one) => one !== stated);
    return [{ ...node(row.key, at), args: [text(key, at)], children: this.members(row.shape.spec, members) }];
  }

  /** `[{"path_prefix": "/api/"}, {"method": ["GET"]}]`: one condition each, all must hold. */
  #conditions(spec: BlockSpec, items: readonly Data[]): SourceNode[] {
    return items.flatMap((item) => {
      const [member, ...more] = item.kind === "map" ? item.members : [];
      if (member === undefined || more.length > 0) {
        const message = "an element of 'matches' is an object with one condition";
        this.#report.error("bad-type", item.at, message, { hints: ['write {"path_prefix": "/"}'] });
        return [];
      }
      return this.#member(spec, plainCase(member), []);
    });
  }

  #wrong({ key, value }: Member, expected: string): [] {
    const got = value.kind === "map" ? "an object" : value.kind === "list" ? "an array" : "a value";
    this.#report.error("bad-type", value.at, `'${key}' expects ${expected}, got ${got}`, {
      hints: [`write ${expected} here`],
    });
    return [];
  }
}

interface BlockRow {
  readonly shape: Shape & { shape: "block" };
}

/** The one kind of block that a block collects: `routes`, `targets`, `sni`. */
function collectionOf(spec: BlockSpec): (BlockRow & Row) | undefined {
  const [row, ...others] = spec.rows;
  if (row === undefined || others.length > 0 || row.shape.shape !== "block" || !row.shape.repeat)
    return undefined;
  return { ...row, shape: row.shape };
}

/** The table of a block whose keys depend on the value of one of them. */
function specFor(base: BlockSpec, members: readonly Member[]): BlockSpec {
  const by = base.variants?.by;
  if (by === undefined) return base;
  const value = members.find(({ key }) => kebab(key) === by)?.value;
  const written = value?.kind === "scalar" ? value.value.value : undefined;
  return variantSpec(base, typeof written === "string" ? kebab(written.toLowerCase()) : undefined);
}

/** `{"http": {"path": "/h"}}` for `"http"` with keys: what the block's first argument stands for is a key. */
function tagOf(spec: BlockSpec, map: DataMap): (Member & { value: DataMap }) | undefined {
  const [only, ...others] = map.members;
  if (only === undefined || others.length > 0 || spec.entity || spec.args.length === 0) return undefined;
  if (only.value.kind !== "map" || rowFor(spec, only.key) !== undefined) return undefined;
  return { ...only, value: only.value };
}

/** `{"backend": "otlp", "endpoint": "…"}`: the sibling whose block knows the key, if it is written as a word. */
function ownerOf(spec: BlockSpec, member: Member, words: readonly Member[]): Member | undefined {
  return words.find((word) => {
    const shape = rowFor(spec, word.key)?.shape;
    return shape?.shape === "block" && rowFor(shape.spec, member.key) !== undefined;
  });
}

/** Whether a block is written as a word. */
function isWordOfBlock(spec: BlockSpec, { key, value }: Member): boolean {
  if (value.kind !== "scalar" || typeof value.value.value !== "string") return false;
  return rowFor(spec, key)?.shape.shape === "block";
}

/** "PathPrefix" as "path-prefix". */
function plainCase(member: Member): Member {
  if (!/^[A-Z]/.test(member.key)) return member;
  return { ...member, key: member.key.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase() };
}

function node(name: string, at: Span): SourceNode {
  return { name, at, args: [], properties: [], children: undefined };
}

function leaf({ key, at }: Member, args: readonly SourceValue[]): SourceNode {
  return { ...node(key, at), args };
}

function text(value: string, at: Span): SourceValue {
  return { value, raw: value, bare: false, at };
}

/** A key that the schema does not know, as the reader would meet it in KDL. */
function unknown({ key, at, value }: Member): SourceNode {
  return value.kind === "scalar"
    ? { ...node(key, at), args: [value.value] }
    : { ...node(key, at), children: [] };
}

/** Data, not keys: as KDL would write it, and as it is, since KDL cannot write every list. */
function freeNode(name: string, at: Span, value: Data): SourceNode {
  const data = plainOf(value);
  if (value.kind === "scalar") return { ...node(name, at), args: [value.value], data };
  if (value.kind === "map") {
    return {
      ...node(name, at),
      children: value.members.map((one) => freeNode(one.key, one.at, one.value)),
      data,
    };
  }
  const args = value.items.flatMap((item) => (item.kind === "scalar" ? [item.value] : []));
  const children = value.items.flatMap((item) =>
    item.kind === "scalar" ? [] : [freeNode("-", item.at, item)],
  );
  return { ...node(name, at), args, children: children.length > 0 ? children : undefined, data };
}
