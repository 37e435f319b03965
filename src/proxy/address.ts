// Splits the addresses that resources carry into host and port. The control
// side has validated them; this only takes them apart. Called by binding.ts and
// pools.ts.

/** A host (without brackets) and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** "10.0.0.1:80", "[::1]:80" or "name:80" in parts. */
export function splitAddress(address: string): HostPort {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon);
  return {
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port: Number(address.slice(colon + 1)),
  };
}

/** The text splitAddress takes. */
export function joinAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
