// Names of cipher suites: OpenSSL's, which node:tls wants, from those of IANA, and
// which of them there are.
import { getCiphers } from "node:tls";
import { type ConfigError, nearest, quote } from "../core/index.ts";
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";

/**
 * What is offered unless the listener says otherwise: forward secrecy and
 * authenticated encryption only ("intermediate" of Mozilla's recommendations, without DHE).
 */
export const DEFAULT_CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
] as const;

/** The value for node:tls; IANA names of TLS 1.2 are translated, all others are left as they are. */
export function cipherList(names: readonly string[]): string {
  return (names.length === 0 ? DEFAULT_CIPHERS : names).map(opensslName).join(":");
}

/** "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" → "ECDHE-RSA-AES128-GCM-SHA256". */
export function opensslName(name: string): string {
  const parts = /^TLS_(\w+?)_WITH_(\w+)$/.exec(name);
  if (parts === null) return name;
  const exchange = parts[1] === "RSA" ? "" : `${parts[1]!.replaceAll("_", "-")}-`;
  const cipher = parts[2]!
    .replace(/^(AES|CAMELLIA|ARIA)_(\d+)/, "$1$2")
    .replace(/^CHACHA20_POLY1305_SHA256$/, "CHACHA20_POLY1305")
    .replace(/_CBC(?=_SHA)/, "")
    .replaceAll("_", "-");
  return `${exchange}${cipher}`;
}

/** An error for each cipher suite of a listener that this runtime does not know. */
export function cipherErrors({ id, tls }: Listener): ConfigError[] {
  const known = new Set(getCiphers());
  return (tls?.cipherSuite ?? []).flatMap((name, i): ConfigError[] => {
    if (known.has(opensslName(name).toLowerCase())) return [];
    const near = nearest(
      name.toUpperCase(),
      [...known].map((one) => one.toUpperCase()),
    );
    const field = `tls.cipher_suite[${i}]`;
    return [
      {
        code: "invalid",
        rule: "bad-value",
        path: `listener.${field}`,
        message: `unknown cipher suite ${quote(name)}`,
        hint: near === undefined ? "IANA and OpenSSL names are known" : `did you mean '${near}'?`,
        subject: { kind: "listener", id, field },
      },
    ];
  });
}
