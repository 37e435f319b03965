// Whether an address can be bound by nobody but us. Workers bind with
// SO_REUSEPORT, and then the kernel would let a second process of the same user
// share the port without a word; so the primary first binds it exclusively, for
// a moment. The port that port 0 gets here is the one that all workers bind.
import { createServer } from "node:net";
import { joinBindAddress, parseBindAddress, type SocketAddress } from "../core/index.ts";
import type { BindFailure } from "./messages.ts";

/** The address to bind, with a real port; or why it cannot be bound. */
export type Probed =
  | { readonly ok: true; readonly bindAddress: string }
  | { readonly ok: false; readonly failure: BindFailure };

/** Binds the address of a listener exclusively and lets go of it again. */
export function probeAddress(id: string, address: string): Promise<Probed> {
  const parsed = parseBindAddress(address) as SocketAddress;
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      resolve({ ok: false, failure: { id, code: code ?? "UNKNOWN", message } });
    });
    server.listen({ host: parsed.host, port: parsed.port, ipv6Only: true, exclusive: true }, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : parsed.port;
      server.close(() => resolve({ ok: true, bindAddress: joinBindAddress(parsed, port) }));
    });
  });
}
