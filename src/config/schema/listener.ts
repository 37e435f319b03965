// Tables of listeners and their TLS, certificate and ACME settings.
import { missingKey } from "../rules.ts";
import { type Block, boolOf, idOf, items } from "../tree.ts";
import {
  any,
  block,
  blocks,
  bool,
  each,
  entity,
  int,
  type Judge,
  judge,
  list,
  live,
  ref,
  refuse,
  seconds,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const EAB = table("listeners/listener/tls/acme/eab", [
  warn("kid", text(), { required: true }),
  warn("hmac-key", text(), { required: true }),
]);

const PROPAGATION = table("listeners/listener/tls/acme/dns-provider/propagation", [
  ...each(warn, ["initial-delay-secs", "check-interval-secs", "timeout-secs"], seconds()),
  warn("nameservers", list(text())),
]);

const DNS_PROVIDER = table(
  "listeners/listener/tls/acme/dns-provider",
  [
    warn("type", words(["cloudflare", "hetzner", "webhook"]), { required: true }),
    ...each(warn, ["credentials-file", "credentials-env", "url", "auth-header"], text()),
    warn("api-timeout-secs", seconds()),
    warn("propagation", block(PROPAGATION)),
  ],
  { args: ["type"] },
);

const ACME = table("listeners/listener/tls/acme", [
  warn("email", text(), { required: true }),
  warn("domains", list(text()), { required: true }),
  warn("server-url", text()),
  warn("staging", bool()),
  warn("storage", text()),
  warn("renew-before-days", int(1)),
  warn("challenge-type", words(["http-01", "dns-01"])),
  warn("key-type", words(["ecdsa-p256", "ecdsa-p384"])),
  warn("eab", block(EAB)),
  warn("dns-provider", block(DNS_PROVIDER)),
]);

const CERTIFICATE_MISSES = {
  cert: "cert-file",
  "cert-path": "cert-file",
  key: "key-file",
  "key-path": "key-file",
};

const SNI = table(
  "listeners/listener/tls/sni",
  [
    refuse("hostnames", list(text())),
    warn("priority-hostnames", list(text())),
    refuse("cert-file", text()),
    refuse("key-file", text()),
    warn("acme", block(ACME)),
  ],
  { misses: CERTIFICATE_MISSES },
);

const SNI_CERTS = table("listeners/listener/tls/sni-certs", [
  refuse("cert-folder", text(), { required: true }),
  refuse("reload-mode", words(["off", "interval", "watch"])),
  refuse("reload-interval", seconds()),
]);

const ADDITIONAL_CERTS = table("listeners/listener/tls/additional-certs", [refuse("sni-cert", blocks(SNI))]);

const TLS = table(
  "listeners/listener/tls",
  [
    refuse("cert-file", text()),
    refuse("key-file", text()),
    refuse("min-version", words({ "1.2": ["tls1.2", "tlsv1.2"], "1.3": ["tls1.3", "tlsv1.3"] })),
    refuse("max-version", words({ "1.2": ["tls1.2", "tlsv1.2"], "1.3": ["tls1.3", "tlsv1.3"] })),
    refuse("sni", blocks(SNI)),
    refuse("ca-file", text()),
    refuse("client-auth", bool()),
    refuse("cipher-suite", list(text()), { also: ["cipher-suites", "ciphers"] }),
    warn("session-resumption", bool()),
    warn("ocsp-stapling", bool(), { same: [false] }),
    warn("acme", block(ACME)),
    refuse("sni-certs", block(SNI_CERTS)),
    warn("allow-sni-overlaps", bool(), { same: [false] }),
    refuse("additional-certs", block(ADDITIONAL_CERTS)),
  ],
  {
    misses: { ...CERTIFICATE_MISSES, "ca-cert": "ca-file" },
    check: missingKey(["cert-file", "key-file"], ["acme", "sni-certs", "sni"]),
  },
);

const LISTENER = entity(
  "listeners/listener",
  [
    live("address", text(), { required: true }),
    judge("protocol", words({ http: [], https: [], h2: ["http2"], h3: ["http3"] }), plainOnly),
    refuse("tls", block(TLS)),
    warn("default-route", ref("route")),
    refuse("namespace", ref("namespace")),
    warn("request-timeout-secs", seconds()),
    warn("keepalive-timeout-secs", seconds()),
    warn("keepalive-max-requests", int(1)),
    warn("max-concurrent-streams", int(1)),
    live("admin", bool()),
    refuse("proxy-protocol", any()),
  ],
  { misses: { listen: "address", port: "address", socket: "address" } },
);

/** The listener of a service, whose id may be left out. */
const SERVICE_LISTENER = {
  ...LISTENER,
  rows: LISTENER.rows.map((row) => (row.key === "id" ? { ...row, required: false } : row)),
};

/** A listener at top level. */
export const listenerRow = judge("listener", blocks(LISTENER), adminOnly);
/** A listener in a service. */
export const serviceListenerRow = judge("listener", blocks(SERVICE_LISTENER), adminOnly);
/** The block of listeners. */
export const LISTENERS = table("listeners", [listenerRow]);

/** Whether a listener serves the admin endpoints: by `admin`, else by its id. */
export function isAdmin(listener: Block): boolean {
  return boolOf(listener, "admin") ?? idOf(listener) === "admin";
}

/** Whether that is what its id says, too: the field is not in the state yet. */
export function isAdminById(listener: Block): boolean {
  return isAdmin(listener) === (idOf(listener) === "admin");
}

function adminOnly(item: Parameters<Judge>[0]): ReturnType<Judge> {
  if (item.block === undefined || isAdminById(item.block)) return undefined;
  const message =
    "admin listeners of other ids than 'admin' are not implemented in this version; this one is left out";
  return { severity: "warning", message };
}

/** Anything but plain HTTP/1.1 would need TLS or another protocol on the wire. */
function plainOnly(item: Parameters<Judge>[0], listener: Block): ReturnType<Judge> {
  const protocol = item.values[0]?.value;
  if (protocol === undefined || protocol === "http") return undefined;
  // With a tls block the report is there already.
  if (protocol !== "h3" && items(listener, "tls").length > 0) return undefined;
  return { severity: "error", message: `protocol '${protocol}' is not implemented in this version` };
}
