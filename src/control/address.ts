// Where the control API listens: a unix socket, or TCP on loopback.
import { parseBindAddress } from "../core/index.ts";

/** One place to listen. */
export interface ControlAddress {
  /** "unix:PATH" or "IP:PORT". */
  readonly address: string;
  /** Mode of a unix socket. Default 0600. */
  readonly mode?: number;
  /** Group of a unix socket, by name or number. */
  readonly group?: string;
  /** Plaintext TCP; required for TCP, which has to be loopback. */
  readonly insecure?: boolean;
}

/** Why an address cannot be used; undefined if it can. */
export function checkControlAddress({ address, insecure }: ControlAddress): string | undefined {
  if (address.startsWith("unix:")) {
    const path = unixPath(address);
    const length = Buffer.byteLength(path);
    if (path === "") return "unix: needs a path";
    return length > 107 ? `socket path ${path} has ${length} bytes; at most 107 are possible` : undefined;
  }
  const parsed = parseBindAddress(address);
  if (parsed === undefined) return `invalid control address '${address}': expected unix:PATH or IP:PORT`;
  const loopback = parsed.host === "::1" || (parsed.family === "ipv4" && parsed.host.startsWith("127."));
  if (!loopback) return `control address ${address} is not loopback: plaintext TCP is refused there`;
  if (insecure !== true) return `control address ${address} is plaintext TCP: say so with insecure #true`;
  return undefined;
}

/** The path of a "unix:" address; "unix:///path" is accepted, too. */
export function unixPath(address: string): string {
  return address.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
}
