// The irregular parts of the format: what is written in a form that no field of
// the message has. One construct per message, its decoder beside its printer
// where printing is irregular, too; most print as the field they fill. Called by
// message.ts after the regular keys, and by print-message.ts.
import { create, type DescMessage } from "@bufbuild/protobuf";
import {
  AgentPoolSchema,
  AgentSchema,
  type ErrorPage,
  ErrorPageSchema,
  ErrorPagesSchema,
  FallbackSchema,
  FallbackUpstreamSchema,
  GrpcTransportSchema,
  HttpTransportSchema,
  KeyValueSchema,
  RateLimitFilterSchema,
  StickySessionSchema,
  UnixSocketTransportSchema,
  UpstreamSchema,
  UpstreamTlsSchema,
} from "../../gen/sentinel/v1/resources_pb.ts";
import type { PrintMessage } from "../print-message.ts";
import type { PrintedNode } from "../print-node.ts";
import { ERROR_PAGE } from "../schema/route-features.ts";
import {
  type Block,
  blocksOf,
  boolOf,
  describe,
  items,
  markBroken,
  numberOf,
  textOf,
  value,
} from "../tree.ts";
import { durationOf } from "./duration.ts";
import { type DecodeContext, decodeMessage, type Init, merged } from "./message.ts";

/** One irregular message. */
export interface Construct {
  /** Sets the fields that no row fills by itself. */
  readonly decode: (init: Init, block: Block, context: DecodeContext, path: string) => void;
  /** Fields that are printed here and not by a row. */
  readonly printed: readonly string[];
  readonly print?: (message: Init, print: PrintMessage) => PrintedNode[];
}

/** The construct of a message; undefined for a regular one. */
export function constructOf(desc: DescMessage): Construct | undefined {
  return CONSTRUCTS[desc.typeName];
}

/** Error pages: `"404" { … }`, the status in the place of a key. */
const errorPages: Construct = {
  decode: (init, block, context, path) => {
    const pages = blocksOf(block, "pages").flatMap((pages) => items(pages, "*"));
    init["pages"] = pages.flatMap((item, index) => {
      if (item.block === undefined) return [];
      const field = `${path}pages[${index}]`;
      context.fields.set(field, item.at);
      if (/^[1-5]\d\d$/.test(item.key)) {
        const page = decodeMessage(item.block, ErrorPageSchema, context, `${field}.`);
        return [{ ...page, status: Number(item.key) }];
      }
      const hints = ['write a status: "404" { message "…" }'];
      context.report.error("bad-value", item.at, `'${item.key}' is no status from 100 to 599`, { hints });
      markBroken(block);
      return [];
    });
  },
  printed: ["pages", "status"],
  print: (message, print) => {
    const pages = (message["pages"] ?? []) as readonly ErrorPage[];
    if (pages.length === 0) return [];
    const inner = pages.map((page) => ({
      line: `"${page.status}"`,
      children: print.children(page, ERROR_PAGE, ErrorPageSchema),
    }));
    return [{ line: "pages", children: inner }];
  },
};

/** `fallback { upstream "u"; model-mapping … }` is one fallback-upstream, tried first. */
const fallback: Construct = {
  decode: (init, block, context, path) => {
    const upstream = value(block, "upstream");
    const mapping = items(block, "model-mapping").flatMap((item) => item.pairs);
    if (upstream === undefined && mapping.length === 0) return;
    if (upstream === undefined) {
      const hints = ["write it into the fallback-upstream, or add upstream"];
      const at = items(block, "model-mapping")[0]?.at ?? block.at;
      context.report.error("missing-key", at, `'model-mapping' of ${describe(block)} needs 'upstream'`, {
        hints,
      });
      markBroken(block);
      return;
    }
    context.fields.set(`${path}fallback_upstream[0].upstream`, upstream.at);
    const short = create(FallbackUpstreamSchema, {
      upstream: context.canonical("upstream", String(upstream.value)),
      modelMapping: mapping
        .map(({ name, value: model }) => create(KeyValueSchema, { key: name, value: String(model.value) }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
    });
    init["fallbackUpstream"] = [short, ...((init["fallbackUpstream"] as unknown[] | undefined) ?? [])];
  },
  printed: [],
};

/** The block form of a rate limit's backend: `backend "redis" { url … }` is `redis-url …`. */
const rateLimitBackend: Construct = {
  decode: (init, block, context, path) => {
    const backend = blocksOf(block, "backend")[0];
    const type = backend && textOf(backend, "type");
    if (backend === undefined || (type !== "redis" && type !== "memcached")) return;
    const keys = ["url", "key-prefix", "pool-size", "timeout-ms", "ttl-secs", "fallback-local"] as const;
    for (const key of keys) {
      const found = value(backend, key);
      const field = `${type}${FLAT[key]}`;
      if (found === undefined) continue;
      if (init[field] !== undefined) {
        const message = `'${key}' of 'backend' and '${type}-…' of ${describe(block)} say the same`;
        context.report.error("duplicate-key", found.at, message, { hints: ["keep one of the two"] });
        markBroken(block);
        continue;
      }
      const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      context.fields.set(`${path}${snake}`, found.at);
      const isTime = key === "timeout-ms" || key === "ttl-secs";
      init[field] = isTime ? durationOf(Number(found.value)) : found.value;
    }
  },
  printed: [],
};

const FLAT = {
  url: "Url",
  "key-prefix": "Prefix",
  "pool-size": "PoolSize",
  "timeout-ms": "Timeout",
  "ttl-secs": "Ttl",
  "fallback-local": "Fallback",
} as const;

/** The transport by its type, and the short forms `max-body-bytes` and `connections`. */
const agent: Construct = {
  decode: (init, block, context, path) => {
    const transport = blocksOf(block, "transport")[0];
    if (transport !== undefined) init["transport"] = transportOf(transport, context, path);
    const size = numberOf(block, "max-body-bytes");
    if (size !== undefined) {
      init["maxRequestBodyBytes"] ??= BigInt(size);
      init["maxResponseBodyBytes"] ??= BigInt(size);
    }
    const connections = numberOf(block, "connections");
    if (connections === undefined) return;
    const pool = (init["pool"] ?? create(AgentPoolSchema)) as ReturnType<
      typeof create<typeof AgentPoolSchema>
    >;
    pool.connections ??= connections;
    context.fields.set(`${path}pool.connections`, value(block, "connections")?.at);
    init["pool"] = pool;
  },
  printed: [],
};

function transportOf(block: Block, context: DecodeContext, path: string): unknown {
  switch (textOf(block, "type")) {
    case "unix_socket":
      return {
        case: "unixSocket",
        value: decodeMessage(block, UnixSocketTransportSchema, context, `${path}unix_socket.`),
      };
    case "grpc":
      return { case: "grpc", value: decodeMessage(block, GrpcTransportSchema, context, `${path}grpc.`) };
    case "http":
      return { case: "http", value: decodeMessage(block, HttpTransportSchema, context, `${path}http.`) };
    default:
      return undefined;
  }
}

/** The options of sticky balancing, which may stand in `load-balancing "sticky" { … }`. */
const upstream: Construct = {
  decode: (init, block, context, path) => {
    const balancing = blocksOf(block, "load-balancing").filter((one) =>
      [...one.fields.keys()].some((key) => key.startsWith("cookie-") || key === "fallback"),
    );
    if (balancing.length === 0) return;
    const all = merged([...blocksOf(block, "sticky-session"), ...balancing]);
    if (all !== undefined) {
      init["stickySession"] = decodeMessage(all, StickySessionSchema, context, `${path}sticky_session.`);
    }
  },
  // Backends are resources of their own.
  printed: ["backends"],
};

/** `verify #true` is `insecure-skip-verify #false`. */
const upstreamTls: Construct = {
  decode: (init, block, context, path) => {
    const verify = boolOf(block, "verify");
    if (verify === undefined) return;
    const at = value(block, "verify")?.at ?? block.at;
    if (init["insecureSkipVerify"] === verify) {
      const message = `'verify' and 'insecure-skip-verify' of ${describe(block)} contradict each other`;
      context.report.error("bad-value", at, message, { hints: ["keep one of the two"] });
      markBroken(block);
    }
    context.fields.set(`${path}insecure_skip_verify`, at);
    init["insecureSkipVerify"] = !verify;
  },
  printed: [],
};

const CONSTRUCTS: Readonly<Record<string, Construct>> = {
  [ErrorPagesSchema.typeName]: errorPages,
  [FallbackSchema.typeName]: fallback,
  [RateLimitFilterSchema.typeName]: rateLimitBackend,
  [AgentSchema.typeName]: agent,
  [UpstreamSchema.typeName]: upstream,
  [UpstreamTlsSchema.typeName]: upstreamTls,
};
