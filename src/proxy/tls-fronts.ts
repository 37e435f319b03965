// TLS of the listeners of one worker: takes an accepted socket, does the handshake
// with the listener's settings and certificates, and hands on the connection in
// plain. Certificates come from the primary (src/tls) and may be there later than
// the listener: until then handshakes fail, never with another certificate. Owned
// by client-connections.ts.
import { constants, createHmac } from "node:crypto";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import { type Listener, type ListenerTls, TlsVersion } from "../gen/sentinel/v1/resources_pb.ts";
import { cipherList } from "../tls/ciphers.ts";
import { authoritiesRef, type Material, pairRef } from "../tls/material.ts";
import type { MaterialUpdate } from "../tls/materials.ts";
import { type Named, ServerNames } from "../tls/server-names.ts";
import type { Binding } from "./binding.ts";

type Pair = Extract<Material, { kind: "pair" }>;
type Origin = Pick<Binding, "listener">;

/** TLS of one listener, as long as neither it nor any certificate changes. */
interface Front {
  readonly listener: Listener;
  readonly server: Server;
}

/** Where connections go, and how long a client has. */
export interface TlsFrontsOptions {
  readonly handshakeMs: number;
  readonly onSecure: (socket: TLSSocket, origin: Origin) => void;
}

/** Whether what goes over a connection is encrypted. */
export function isSecure(socket: Socket | TLSSocket): boolean {
  return "encrypted" in socket && socket.encrypted;
}

const VERSIONS: Readonly<Record<number, SecureVersion>> = {
  [TlsVersion.TLS_VERSION_1_2]: "TLSv1.2",
  [TlsVersion.TLS_VERSION_1_3]: "TLSv1.3",
};

/** See the head of this file. */
export class TlsFronts {
  readonly #options: TlsFrontsOptions;
  readonly #materials = new Map<string, Material>();
  /** Of pairs by the settings of a listener, made when they are first served. */
  readonly #contexts = new WeakMap<Pair, Map<string, SecureContext>>();
  #fronts = new WeakMap<Origin, Front>();
  #ticketKeys: Buffer | undefined;

  constructor(options: TlsFrontsOptions) {
    this.#options = options;
  }

  /** Takes new material in: every later handshake sees it. */
  update({ add, drop, ticketKeys }: MaterialUpdate): void {
    for (const ref of drop) this.#materials.delete(ref);
    for (const material of add) this.#materials.set(material.ref, material);
    this.#ticketKeys = Buffer.from(ticketKeys);
    this.#fronts = new WeakMap();
  }

  /** Does the handshake on an accepted, paused socket. */
  accept(
    socket: Socket,
    { listener, origin }: { readonly listener: Listener; readonly origin: Origin },
  ): void {
    try {
      this.#frontOf(listener, origin).server.emit("connection", socket);
    } catch {
      // Settings that OpenSSL does not take were refused before; a file may have changed since.
      socket.destroy();
    }
  }

  #frontOf(listener: Listener, origin: Origin): Front {
    const known = this.#fronts.get(origin);
    if (known?.listener === listener) return known;
    const { handshakeMs, onSecure } = this.#options;
    const server = createServer({
      ...this.#settings(listener.tls!),
      ...this.#sessions(listener),
      handshakeTimeout: handshakeMs,
      allowHalfOpen: true,
      noDelay: true,
    });
    server.on("secureConnection", (secure) => {
      secure.disableRenegotiation();
      onSecure(secure, origin);
    });
    server.on("tlsClientError", (_, secure) => {
      secure.on("error", () => {});
      secure.destroy();
    });
    const front = { listener, server };
    this.#fronts.set(origin, front);
    return front;
  }

  #settings(tls: ListenerTls): TlsOptions {
    const own = this.#pair(tls.certFile, tls.keyFile);
    const further = tls.sni.flatMap(({ certFile, keyFile, hostnames }): Named<Pair>[] => {
      const pair = this.#pair(certFile, keyFile);
      if (pair === undefined) return [];
      return [{ names: hostnames.length > 0 ? hostnames : pair.names, notAfter: pair.notAfter, value: pair }];
    });
    const names = new ServerNames(further);
    const { minVersion = TlsVersion.TLS_VERSION_1_2, maxVersion = TlsVersion.TLS_VERSION_1_3 } = tls;
    const shared = {
      minVersion: VERSIONS[minVersion]!,
      maxVersion: VERSIONS[maxVersion]!,
      ciphers: cipherList(tls.cipherSuite),
      honorCipherOrder: true,
      ...(tls.sessionResumption === false ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
      ...(tls.clientAuth === true ? { ca: this.#authorities(tls.caFile) } : {}),
    };
    return {
      ...shared,
      ...(own === undefined ? {} : { cert: own.cert, key: own.key }),
      ...(tls.clientAuth === true ? { requestCert: true, rejectUnauthorized: true } : {}),
      // A client that offers none of these gets an alert.
      ALPNProtocols: ["http/1.1"],
      SNICallback: (name, done) => {
        const pair = names.find(name);
        // Without a context the listener's own certificate is served; if it has none, the handshake fails.
        done(null, pair && this.#contextOf(pair, shared));
      },
    };
  }

  /**
   * A session is resumed only where it began, and under the same demands: one of a listener that asks
   * for no client certificate must not open one that does.
   */
  #sessions({ id, tls }: Listener): TlsOptions {
    if (this.#ticketKeys === undefined) return {};
    const what = JSON.stringify([id, tls?.clientAuth === true, tls?.caFile ?? ""]);
    // 48 bytes, which is what a ticket key has.
    const ticketKeys = createHmac("sha384", this.#ticketKeys).update(what).digest();
    return { ticketKeys, sessionIdContext: ticketKeys.toString("hex", 32, 48) };
  }

  /** Without authorities nobody is let in. */
  #authorities(file: string | undefined): string | [] {
    const material = this.#materials.get(authoritiesRef(file ?? ""));
    return material?.kind === "authorities" ? material.certs : [];
  }

  #pair(certFile: string | undefined, keyFile: string | undefined): Pair | undefined {
    const material = this.#materials.get(pairRef(certFile ?? "", keyFile ?? ""));
    return material?.kind === "pair" ? material : undefined;
  }

  #contextOf(pair: Pair, shared: SecureContextOptions): SecureContext {
    const settings = JSON.stringify(shared);
    const ofPair = this.#contexts.get(pair) ?? new Map<string, SecureContext>();
    this.#contexts.set(pair, ofPair);
    const context =
      ofPair.get(settings) ?? createSecureContext({ ...shared, cert: pair.cert, key: pair.key });
    ofPair.set(settings, context);
    return context;
  }
}
