// Free-form data: nodes that are data, not keys (config-format.md §3). One
// argument is a scalar, several are an array, children and properties an object,
// nothing is true, a repeated name an array. What cannot be written so (an array
// of one element, say) is JSON text: `config { $json "[1]" }`. Both directions:
// from the source tree to a value, and from the value to nodes.
import type { JsonValue, SourceNode } from "./source.ts";

/** What JSON can say. */
export type Json = JsonValue;

/** The child that holds a value as JSON text. */
const TEXT = "$json";

/** The value that a node stands for; undefined if it is none of JSON's, or not JSON text. */
export function dataOf(node: SourceNode): Json | undefined {
  if (node.data !== undefined) return node.data;
  const args = node.args.map(({ value }) => value);
  if (args.some((value) => typeof value === "number" && !Number.isFinite(value))) return undefined;
  const text = textIn(node);
  if (text !== undefined) return parsed(text);
  if (node.children === undefined && node.properties.length === 0) {
    if (args.length === 0) return true;
    return args.length === 1 ? args[0]! : args;
  }
  const object = new Map<string, Json[]>();
  const add = (name: string, value: Json): void => {
    const known = object.get(name);
    if (known === undefined) object.set(name, [value]);
    else known.push(value);
  };
  for (const { name, value } of node.properties) add(name, value.value);
  for (const child of node.children ?? []) {
    const value = dataOf(child);
    if (value === undefined) return undefined;
    add(child.name, value);
  }
  const entries = [...object].map(([name, found]): [string, Json] => [
    name,
    found.length === 1 ? found[0]! : found,
  ]);
  const value = objectOf(entries);
  return args.length === 0 ? value : [...args, value];
}

/** JSON text without spaces and with sorted keys, as states hold it. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`).join(",")}}`;
}

/** The text of a node whose only child is `$json`. */
function textIn({ args, properties, children }: SourceNode): string | undefined {
  const [only] = children ?? [];
  if (args.length > 0 || properties.length > 0 || children?.length !== 1 || only?.name !== TEXT)
    return undefined;
  const text = only.args[0]?.value;
  return only.args.length === 1 && typeof text === "string" ? text : undefined;
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Nodes that `dataOf` reads as `value`. */
export function printedData(name: string, value: Json): DataNode[] {
  const text = { name: TEXT, args: [canonicalJson(value)], children: undefined };
  // `key #null` unsets the key.
  return (value === null ? undefined : nodesFor(name, value)) ?? [{ name, args: [], children: [text] }];
}

function nodesFor(name: string, value: Json): DataNode[] | undefined {
  if (value === null || typeof value !== "object") return [{ name, args: [value], children: undefined }];
  if (!isArray(value)) {
    if (Object.keys(value).length === 1 && Object.hasOwn(value, TEXT)) return undefined;
    const children = Object.keys(value).map((key) => nodesFor(key, value[key]!));
    if (children.some((found) => found === undefined)) return undefined;
    return [{ name, args: [], children: children.flatMap((found) => found ?? []) }];
  }
  if (value.length < 2 || value.some((one) => one !== null && typeof one === "object")) return undefined;
  return [{ name, args: value as (string | number | boolean | null)[], children: undefined }];
}

/** A node to print. */
export interface DataNode {
  readonly name: string;
  readonly args: readonly (string | number | boolean | null)[];
  readonly children: readonly DataNode[] | undefined;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** An object of its own properties, whatever they are called. */
function objectOf(entries: readonly (readonly [string, Json])[]): { readonly [key: string]: Json } {
  return Object.fromEntries(entries);
}
