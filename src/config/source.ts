// The tree every file format is turned into before anything is checked: nodes
// with arguments, properties and children, each with its place. Holds no
// meaning; kdl-source.ts and data-source.ts make it, and read.ts checks it
// against the schema.
import type { Span } from "./diagnostic.ts";

/** A value as written. */
export interface SourceValue {
  readonly value: string | number | boolean | null;
  /** The written text, for numbers beyond double precision and for messages. */
  readonly raw: string;
  /** Whether a string was written without quotes. */
  readonly bare: boolean;
  readonly at: Span;
}

/** `name=value` on a node. */
export interface SourceProperty {
  readonly name: string;
  readonly nameAt: Span;
  readonly value: SourceValue;
}

/** `name args… prop=value… { children }`; `children` is undefined without a block. */
export interface SourceNode {
  readonly name: string;
  /** Place of the name. */
  readonly at: Span;
  readonly args: readonly SourceValue[];
  readonly properties: readonly SourceProperty[];
  readonly children: readonly SourceNode[] | undefined;
  /** Free-form data as a JSON or TOML file has it; undefined in KDL, where the node itself says it. */
  readonly data?: JsonValue;
}

/** Plain data. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** A property or argument written as the child node it stands for. */
export function asNode(name: string, at: Span, value: SourceValue): SourceNode {
  return { name, at, args: [value], properties: [], children: undefined };
}
