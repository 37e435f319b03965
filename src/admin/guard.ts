// What is refused before a request to an admin listener is looked at: bodies, of which
// none is read, and names of hosts that only somebody else's name server leads here.
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Answer } from "./readiness.ts";

/** A body that is longer is not even thrown away. */
const MAX_BODY = 64 * 1024;

/** Whether a body is too long to be thrown away, or of unknown length. */
export function hasLongBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > MAX_BODY;
}

/** The answer to it. */
export const TOO_LONG: Answer = {
  status: 413,
  body: { status: "too large", reason: "requests to admin endpoints have no body" },
};

/**
 * Whether a request for /admin/… is meant for this machine by its Host: an address, or a name
 * that is always loopback. A web page whose name server answers with 127.0.0.1 says its own name.
 */
export function isOwnHost(host: string | undefined): boolean {
  // HTTP/1.0 may be without; browsers never are.
  if (host === undefined) return true;
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host);
  const plain = (name?.[1] ?? name?.[2] ?? "").toLowerCase();
  return isIP(plain) !== 0 || /^(?:.+\.)?localhost\.?$/.test(plain);
}

/** The answer where it is not. */
export const FOREIGN_HOST: Answer = {
  status: 403,
  body: {
    status: "forbidden",
    reason: "Host must be an IP address or localhost: use the address of the listener",
  },
};
