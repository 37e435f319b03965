// Prints a ConfigState as KDL that loads back to the same state, byte for
// byte: only what is set is printed, and order keys and backend ids only where
// they differ from what the decoders would give. Settings of the process
// (state folder, control interface) are no part of a state. Called by the CLI.
import type { Duration } from "@bufbuild/protobuf/wkt";
import { keyAfter } from "../core/index.ts";
import {
  AdminState,
  type Backend,
  type ConfigState,
  type HeaderMatch,
  type Listener,
  LoadBalancing,
  type Matches,
  type QueryParamMatch,
  type Route,
  type System,
  type Upstream,
} from "../gen/sentinel/v1/resources_pb.ts";

/** A node: its own line and the lines of its children; undefined children mean no block. */
interface PrintedNode {
  readonly line: string;
  readonly children: readonly PrintedNode[];
}

/** The configuration as text, with a newline at the end. */
export function printKdl(config: ConfigState): string {
  const sections = [
    ...(config.system === undefined ? [] : section("system", systemNodes(config.system))),
    ...section("listeners", config.listeners.map(listenerNode)),
    ...section("routes", routeNodes(config.routes)),
    ...section("upstreams", config.upstreams.map(upstreamNode)),
  ];
  const parts = [leaf(`schema-version "1.0"`), ...sections].map((part) => lines(part, "").join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** A string as KDL writes it: always quoted, with everything unprintable escaped. */
export function quoteKdl(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const escaped = ESCAPES[character];
    if (escaped !== undefined) quoted += escaped;
    else if (UNPRINTABLE.test(character)) quoted += `\\u{${character.codePointAt(0)?.toString(16)}}`;
    else quoted += character;
  }
  return `${quoted}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
/** Controls, format characters (among them those KDL forbids), surrogates, line separators, odd spaces. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/u;

function section(name: string, children: readonly PrintedNode[]): PrintedNode[] {
  return children.length === 0 ? [] : [{ line: name, children }];
}

function leaf(line: string): PrintedNode {
  return { line, children: [] };
}

function lines({ line, children }: PrintedNode, indent: string): string[] {
  if (children.length === 0) return [indent + line];
  const inner = children.flatMap((child) => lines(child, `${indent}    `));
  return [`${indent}${line} {`, ...inner, `${indent}}`];
}

function systemNodes(system: System): PrintedNode[] {
  const { workerThreads, maxConnections, gracefulShutdownTimeout: shutdown } = system;
  return [
    ...(workerThreads === undefined ? [] : [leaf(`worker-threads ${workerThreads}`)]),
    ...(maxConnections === undefined ? [] : [leaf(`max-connections ${maxConnections}`)]),
    ...(shutdown === undefined ? [] : [leaf(`graceful-shutdown-timeout-secs ${secondsText(shutdown)}`)]),
  ];
}

function secondsText({ seconds, nanos }: Duration): string {
  const fraction = String(nanos).padStart(9, "0").replace(/0+$/, "");
  return fraction === "" ? String(seconds) : `${seconds}.${fraction}`;
}

function listenerNode({ id, address }: Listener): PrintedNode {
  const children = address === undefined ? [] : [leaf(`address ${quoteKdl(address)}`)];
  return { line: `listener ${quoteKdl(id)}`, children };
}

function routeNodes(routes: readonly Route[]): PrintedNode[] {
  let last: string | undefined;
  return routes.map((route) => {
    const isGiven = route.order === keyAfter(last);
    last = route.order;
    return routeNode(route, isGiven ? undefined : route.order);
  });
}

function routeNode(route: Route, order: string | undefined): PrintedNode {
  const { priority, enabled, matches, upstream } = route;
  const children = [
    ...(priority === undefined ? [] : [leaf(`priority ${priority}`)]),
    ...(enabled === undefined ? [] : [leaf(`enabled #${enabled}`)]),
    ...(matches === undefined ? [] : [{ line: "matches", children: matchNodes(matches) }]),
    ...(upstream === undefined ? [] : [leaf(`upstream ${quoteKdl(upstream)}`)]),
    ...(order === undefined ? [] : [leaf(`order ${quoteKdl(order)}`)]),
  ];
  return { line: `route ${quoteKdl(route.id)}`, children };
}

function matchNodes(matches: Matches): PrintedNode[] {
  const each = (key: string, values: readonly string[]) =>
    values.map((value) => leaf(`${key} ${quoteKdl(value)}`));
  return [
    ...each("path", matches.paths),
    ...each("path-prefix", matches.pathPrefixes),
    ...each("path-regex", matches.pathRegexes),
    ...listNode("host", matches.hosts),
    ...each("host-regex", matches.hostRegexes),
    ...listNode("method", matches.methods),
    ...matches.headers.map((header) => namedNode("header", header)),
    ...matches.queryParams.map((parameter) => namedNode("query-param", parameter)),
  ];
}

function listNode(key: string, values: readonly string[]): PrintedNode[] {
  return values.length === 0 ? [] : [leaf(`${key} ${values.map(quoteKdl).join(" ")}`)];
}

function namedNode(key: string, { name, value, invert }: HeaderMatch | QueryParamMatch): PrintedNode {
  const parts = [`${key} ${quoteKdl(name)}`];
  if (value !== undefined) parts.push(quoteKdl(value));
  if (invert !== undefined) parts.push(`invert=#${invert}`);
  return leaf(parts.join(" "));
}

const ALGORITHMS: Readonly<Record<number, string>> = {
  [LoadBalancing.ROUND_ROBIN]: "round_robin",
  [LoadBalancing.LEAST_CONNECTIONS]: "least_connections",
};

function upstreamNode({ id, loadBalancing, backends }: Upstream): PrintedNode {
  const algorithm = loadBalancing === undefined ? undefined : ALGORITHMS[loadBalancing];
  const children = [
    // An empty pool must be stated.
    ...(backends.length === 0 ? [leaf("targets { }")] : backends.map(backendNode)),
    ...(algorithm === undefined ? [] : [leaf(`load-balancing ${quoteKdl(algorithm)}`)]),
  ];
  return { line: `upstream ${quoteKdl(id)}`, children };
}

const ADMIN_STATES: Readonly<Record<number, string>> = {
  [AdminState.ENABLED]: "enabled",
  [AdminState.DRAINING]: "draining",
  [AdminState.DISABLED]: "disabled",
};

function backendNode({ id, address = "", weight, adminState }: Backend): PrintedNode {
  const state = adminState === undefined ? undefined : ADMIN_STATES[adminState];
  const parts = [`target ${quoteKdl(address)}`];
  if (id !== address) parts.push(`id=${quoteKdl(id)}`);
  if (weight !== undefined) parts.push(`weight=${weight}`);
  if (state !== undefined) parts.push(`state=${quoteKdl(state)}`);
  return leaf(parts.join(" "));
}
