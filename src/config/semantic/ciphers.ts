// Names of cipher suites (config-format.md §7.2): those that the runtime's OpenSSL has, in
// OpenSSL's spelling or in IANA's. Said here with a place, and by tls/ciphers.ts of every change.
import { getCiphers } from "node:tls";
import { nearest } from "../../core/index.ts";
import type { Report } from "../diagnostic.ts";
import { type Block, describe, values } from "../tree.ts";

/** Reports every name that means no cipher suite here. */
export function checkCiphers(tls: Block, report: Report): void {
  for (const { value, at } of values(tls, "cipher-suite")) {
    const name = String(value);
    if (known().has(foldedName(name))) continue;
    const message = `unknown cipher suite '${name}' in ${describe(tls)}`;
    report.error("bad-value", at, message, { hints: [hintFor(name)] });
  }
}

function hintFor(name: string): string {
  if (/[:,\s]/.test(name)) return 'write each name as a value of its own: cipher-suite "A" "B"';
  const best = nearest(foldedName(name), known().keys());
  const example = "names are those of OpenSSL or IANA, such as 'TLS_AES_128_GCM_SHA256'";
  return best === undefined ? example : `did you mean '${known().get(best)}'?`;
}

let names: ReadonlyMap<string, string> | undefined;

/** Folded name → the name as OpenSSL spells it. */
function known(): ReadonlyMap<string, string> {
  names ??= new Map(
    getCiphers().map((one) => {
      const name = one.toUpperCase();
      return [foldedName(name), name] as const;
    }),
  );
  return names;
}

/**
 * One spelling for what OpenSSL and IANA call differently: "ECDHE-RSA-AES256-GCM-SHA384" and
 * "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384". Those of TLS 1.3 have one name. As tls/ciphers.ts has it.
 */
function foldedName(name: string): string {
  const [, keys = "", cipher] = /^TLS_(\w+?)_WITH_(\w+)$/.exec(name) ?? [];
  if (cipher === undefined) return name.toUpperCase();
  const exchange = keys === "RSA" ? "" : `${keys.replaceAll("_", "-")}-`;
  const plain = cipher
    .replace(/^(AES|ARIA|CAMELLIA)_(\d+)/, "$1$2")
    .replace(/_CBC(?=_SHA)/, "")
    .replace(/^(CHACHA20_POLY1305)_SHA256$/, "$1");
  return exchange + plain.replaceAll("_", "-");
}
