// Field rules of agents.
import type { Agent } from "../../gen/sentinel/v1/resources_pb.ts";
import { quote } from "../error.ts";
import { all, between, from, type MessageTable, POSITIVE, REQUIRED, table, unless } from "./table.ts";
import { bothOrNone } from "./upstream.ts";

const BODY_MODE = {
  pattern: /^(?:buffer|stream|hybrid(?::\d{1,10})?)$/,
  hint: "buffer, stream, hybrid or hybrid:BYTES",
};

/** Message name → rules. */
export const AGENT_TABLES: Readonly<Record<string, MessageTable>> = {
  Agent: table<Agent>(
    {
      ...all(POSITIVE, "timeout", "chunk_timeout"),
      ...all(from(1), "max_concurrent_calls", "max_request_body_bytes", "max_response_body_bytes"),
      ...all(BODY_MODE, "request_body_mode", "response_body_mode"),
      protocol_version: { values: [1, 2] },
    },
    ({ id, transport, protocolVersion }) => [
      unless(
        transport.case !== undefined,
        "",
        `Agent ${quote(id)} needs one transport`,
        "unix_socket, grpc or http",
        "no-transport",
      ),
      unless(
        protocolVersion !== 1 || transport.case === undefined || transport.case === "unixSocket",
        "protocol_version",
        "protocol version 1 goes with a unix socket only",
      ),
    ],
  ),
  UnixSocketTransport: { fields: { path: REQUIRED } },
  GrpcTransport: table({ address: REQUIRED }, bothOrNone),
  HttpTransport: table({ url: { pattern: /^https?:\/\/./, isRequired: true, hint: "an URL" } }, bothOrNone),
  AgentPool: { fields: { connections: between(1, 64), max_concurrent_per_connection: from(1) } },
};
