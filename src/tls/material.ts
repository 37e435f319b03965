// Key material as it travels from the primary, which reads and checks it, to the
// workers, which serve it. Each has a reference that follows from the settings of
// the listener, so that whoever has the listener finds it. Never logged or stored.
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";

/** What a reference stands for. */
export type Material =
  | {
      readonly ref: string;
      readonly kind: "pair";
      /** PEM chain, the leaf first. */
      readonly cert: string;
      /** PEM key. */
      readonly key: string;
      /** DNS names of the leaf, in lower case. */
      readonly names: readonly string[];
      readonly fingerprint: string;
      readonly notAfter: Date;
    }
  | {
      readonly ref: string;
      readonly kind: "authorities";
      /** PEM certificates. */
      readonly certs: string;
    };

/** A file or pair of files that a listener names. */
export interface MaterialSource {
  readonly ref: string;
  readonly kind: Material["kind"];
  /** Field in the listener, for example "tls.sni[0]". */
  readonly field: string;
  readonly file: string;
  /** Of a pair. */
  readonly keyFile: string;
}

/** Reference of a certificate file and its key file. */
export function pairRef(certFile: string, keyFile: string): string {
  return JSON.stringify(["pair", certFile, keyFile]);
}

/** Reference of a file with authorities. */
export function authoritiesRef(file: string): string {
  return JSON.stringify(["authorities", file]);
}

/** Everything that a listener needs to be served; empty for one without TLS. */
export function sourcesOf({ tls }: Listener): MaterialSource[] {
  if (tls === undefined) return [];
  const sources: MaterialSource[] = [];
  const pair = (field: string, certFile: string | undefined, keyFile: string | undefined) => {
    if (certFile === undefined || keyFile === undefined) return;
    sources.push({ ref: pairRef(certFile, keyFile), kind: "pair", field, file: certFile, keyFile });
  };
  pair("tls", tls.certFile, tls.keyFile);
  for (const [i, { certFile, keyFile }] of tls.sni.entries()) pair(`tls.sni[${i}]`, certFile, keyFile);
  const { caFile: file } = tls;
  if (file !== undefined) {
    sources.push({ ref: authoritiesRef(file), kind: "authorities", field: "tls", file, keyFile: "" });
  }
  return sources;
}
