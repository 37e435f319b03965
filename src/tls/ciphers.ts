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

/** "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" → "ECDHE-RSA-AES128-GCM-SHA256"; in upper case. */
export function opensslName(written: string): string {
  const name = written.toUpperCase();
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

/** What to do about a name that this runtime does not know; undefined if it knows it. */
export function unknownCipherHint(name: string): string | undefined {
  const known = getCiphers().map((one) => one.toUpperCase());
  if (known.includes(opensslName(name))) return undefined;
  if (/[:,\s]/.test(name)) return 'give each name as a value of its own: "A" "B"';
  const best = nearest(opensslName(name), known);
  const example = "names are those of OpenSSL or IANA, such as 'TLS_AES_128_GCM_SHA256'";
  return best === undefined ? example : `did you mean '${best}'?`;
}

/** An error for each cipher suite of a listener that this runtime does not know. */
export function cipherErrors({ id, tls }: Listener): ConfigError[] {
  return (tls?.cipherSuite ?? []).flatMap((name, i): ConfigError[] => {
    const hint = unknownCipherHint(name);
    if (hint === undefined) return [];
    const field = `tls.cipher_suite[${i}]`;
    return [
      {
        code: "invalid",
        rule: "bad-value",
        path: `listener.${field}`,
        message: `unknown cipher suite ${quote(name)}`,
        hint,
        subject: { kind: "listener", id, field },
      },
    ];
  });
}
