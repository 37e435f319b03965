// What bytes that Node's parser refuses are answered with. The parser says only
// where it stopped; which line that was is read from the packet it stopped in,
// which is nearly always the whole head. Where it is not, the answer is the more
// general status. Pure; called by client-connections.ts.
import { METHODS } from "node:http";
import type { ProxyErrorKind } from "./error.ts";

/** What `clientError` brings. */
export interface ParseError {
  readonly code?: string | undefined;
  readonly reason?: string;
  /** Octets of the packet that were good. */
  readonly bytesParsed?: number;
  readonly rawPacket?: Buffer;
}

const LF = 0x0a;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) [\x21-\x7e]+ HTTP\/1\./;

/** The kind of error to answer with. Rows of http-pitfalls.md by id. */
export function kindOfParseError({ code, reason, bytesParsed, rawPacket }: ParseError): ProxyErrorKind {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return isWithinLine(rawPacket, bytesParsed) ? "uri_too_long" : "head_too_large"; // L26
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return "payload_too_large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "request_timeout";
    case "HPE_PAUSED_H2_UPGRADE":
      return "version_not_supported"; // L20
    case "HPE_INVALID_METHOD":
      return hasUnknownMethod(rawPacket) ? "not_implemented" : "bad_request"; // L24
    case "HPE_INVALID_CONTENT_LENGTH":
      return reason === "Content-Length overflow" ? "payload_too_large" : "bad_request"; // B12
    default:
      return "bad_request";
  }
}

/** Whether the parser stopped in the request line with which this packet begins. */
function isWithinLine(packet: Buffer | undefined, parsed = 0): boolean {
  const method = /^\S+ /.exec(packet?.toString("latin1", 0, 64) ?? "")?.[0].trim();
  if (packet === undefined || method === undefined || !METHODS.includes(method)) return false;
  const end = packet.indexOf(LF);
  return end < 0 || end >= parsed;
}

/** Whether the packet begins with a request line in order but for a method that Node does not know. */
function hasUnknownMethod(packet: Buffer | undefined): boolean {
  const method = REQUEST_LINE.exec(packet?.toString("latin1") ?? "")?.[1];
  return method !== undefined && !METHODS.includes(method);
}
