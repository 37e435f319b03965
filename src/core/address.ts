// Socket addresses: what a listener binds and what a backend is reached at.
// Names are not resolved here.

/** A parsed address. `host` is lower case; an IPv6 host has no brackets. */
export interface SocketAddress {
  readonly host: string;
  readonly family: "ipv4" | "ipv6" | "name";
  /** 0 to 65535. */
  readonly port: number;
}

// No leading zeros: some systems read "010.0.0.1" as octal, and equal addresses must have equal text.
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
// Only what an IPv6 address is made of reaches URL, which would drop newlines and accept "[::1]/x]".
const BRACKETED = /^\[[0-9a-f:.]+\]$/;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/;

/** Parses "IP:PORT", "[v6]:PORT" or "NAME:PORT"; undefined if it is none of these. */
export function parseAddress(text: string): SocketAddress | undefined {
  const colon = text.lastIndexOf(":");
  if (colon < 1) return undefined;
  const portText = text.slice(colon + 1);
  if (!/^\d{1,5}$/.test(portText)) return undefined;
  const port = Number(portText);
  if (port > 65535) return undefined;
  const host = text.slice(0, colon).toLowerCase();
  if (host.startsWith("[")) {
    if (!BRACKETED.test(host) || !URL.canParse(`http://${host}/`)) return undefined;
    return { host: new URL(`http://${host}/`).hostname.slice(1, -1), family: "ipv6", port };
  }
  if (IPV4.test(host)) return { host, family: "ipv4", port };
  if (/^[\d.]+$/.test(host) || !HOST_NAME.test(host)) return undefined;
  return { host, family: "name", port };
}

/** Parses an address to bind: an IP or "localhost", any port. */
export function parseBindAddress(text: string): SocketAddress | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (address.family !== "name") return address;
  return address.host === "localhost" ? { ...address, host: "127.0.0.1", family: "ipv4" } : undefined;
}

/** Parses the address of a backend: an IP or a name, port 1 to 65535. */
export function parseBackendAddress(text: string): SocketAddress | undefined {
  const address = parseAddress(text);
  return address !== undefined && address.port > 0 ? address : undefined;
}

/** An address to bind as text, with this port. */
export function joinBindAddress({ host, family }: SocketAddress, port: number): string {
  return family === "ipv6" ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether two bind addresses cannot both be bound. Port 0 never overlaps; "[::]" binds IPv6 only. */
export function overlaps(a: SocketAddress, b: SocketAddress): boolean {
  if (a.port !== b.port || a.port === 0 || a.family !== b.family) return false;
  const any = a.family === "ipv4" ? "0.0.0.0" : "::";
  return a.host === b.host || a.host === any || b.host === any;
}

/** Whether `text` is an IP address or a block of them: "10.0.0.0/8", "::1". */
export function isCidr(text: string): boolean {
  const [host = "", bits, ...rest] = text.split("/");
  const address = parseAddress(host.includes(":") ? `[${host}]:0` : `${host}:0`);
  if (rest.length > 0 || address === undefined || address.family === "name") return false;
  const max = address.family === "ipv4" ? 32 : 128;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= max);
}
