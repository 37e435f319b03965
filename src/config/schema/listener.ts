// Tables of listeners and their TLS, certificate and ACME settings.
import { missingKey } from "../rules.ts";
import { prefixAround } from "../scopes.ts";
import { type Block, boolOf, idOf } from "../tree.ts";
import {
  block,
  blocks,
  bool,
  core,
  each,
  entity,
  exp,
  int,
  type Judge,
  judge,
  list,
  live,
  path,
  per,
  ref,
  refuse,
  seconds,
  table,
  text,
  warn,
  words,
} from "./row.ts";

const EAB = table("listeners/listener/tls/acme/eab", [
  warn("kid", text(), per("key id of the account binding"), { required: true }),
  warn("hmac-key", text(), per("its key"), { required: true }),
]);

const PROPAGATION = table("listeners/listener/tls/acme/dns-provider/propagation", [
  ...each(warn, seconds(), {
    "initial-delay-secs": per("wait before the first look", "10"),
    "check-interval-secs": per("wait between looks", "5"),
    "timeout-secs": per("when it is given up", "120"),
  }),
  warn("nameservers", list(text()), per("servers that are asked")),
]);

const DNS_PROVIDER = table(
  "listeners/listener/tls/acme/dns-provider",
  [
    warn("type", words(["cloudflare", "hetzner", "webhook"]), per("who serves the zone"), { required: true }),
    ...each(warn, text(), {
      "credentials-file": per("file with the credentials"),
      "credentials-env": per("environment variable with the credentials"),
      url: per("webhook: where records are set"),
      "auth-header": per("webhook: value of Authorization"),
    }),
    warn("api-timeout-secs", seconds(), per("time for one call", "30")),
    warn("propagation", block(PROPAGATION), per("how long to wait until the record is visible")),
  ],
  { args: ["type"] },
);

const ACME = table("listeners/listener/tls/acme", [
  warn("email", text(), per("contact of the account"), { required: true }),
  warn("domains", list(text()), per("names in the certificate; each in one acme block only"), {
    required: true,
  }),
  warn("server-url", text(), per("directory of the certificate authority", "Let's Encrypt")),
  warn("staging", bool(), per("its staging directory; server-url goes first", "#false")),
  warn("storage", text(), per("folder for account and certificates", "/var/lib/sentinel/acme")),
  warn("renew-before-days", int(1), per("how long before the end it is renewed", "30")),
  warn("challenge-type", words(["http-01", "dns-01"]), per("dns-01 is required for wildcards", "http-01")),
  warn("key-type", words(["ecdsa-p256", "ecdsa-p384"]), per("kind of key", "ecdsa-p256")),
  warn("eab", block(EAB), per("external account binding")),
  warn("dns-provider", block(DNS_PROVIDER), per("who sets the records of dns-01")),
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
    live(
      "hostnames",
      list(text()),
      core("names served with this certificate; * covers one label", "names in the certificate"),
    ),
    warn("priority-hostnames", list(text()), per("like hostnames, but wins over names found by scanning")),
    live("cert-file", path(), core("PEM chain")),
    live("key-file", path(), core("PEM key of the certificate")),
    warn("acme", block(ACME), per("a certificate obtained by ACME, in place of the two files")),
  ],
  { misses: CERTIFICATE_MISSES },
);

const SNI_CERTS = table("listeners/listener/tls/sni-certs", [
  refuse("cert-folder", text(), per("folder that is scanned"), { required: true }),
  refuse("reload-mode", words(["off", "interval", "watch"]), per("when it is scanned again", "off")),
  refuse("reload-interval", seconds(), per("how often", "30")),
]);

const ADDITIONAL_CERTS = table("listeners/listener/tls/additional-certs", [
  live("sni-cert", blocks(SNI), core("the same as sni"), { field: "sni" }),
]);

const TLS_VERSIONS = words({ "1.2": ["tls1.2", "tlsv1.2"], "1.3": ["tls1.3", "tlsv1.3"] });

const TLS = table(
  "listeners/listener/tls",
  [
    live("cert-file", path(), core("PEM chain; required unless acme, sni or sni-certs is there")),
    live("key-file", path(), core("PEM key of the certificate")),
    live("min-version", TLS_VERSIONS, core("lowest version that is offered", "1.2")),
    live("max-version", TLS_VERSIONS, exp("highest version that is offered", "1.3")),
    live("sni", blocks(SNI), core("a further certificate, by name")),
    live("ca-file", path(), exp("certificate authorities of client certificates")),
    live("client-auth", bool(), exp("demands a client certificate; needs ca-file", "#false")),
    live("cipher-suite", list(text()), exp("IANA or OpenSSL names", "those of the runtime"), {
      also: ["cipher-suites", "ciphers"],
    }),
    live("session-resumption", bool(), exp("session tickets", "#true")),
    warn("ocsp-stapling", bool(), per("staples when the certificate names a responder", "#true"), {
      same: [false],
    }),
    warn("acme", block(ACME), per("a certificate obtained by ACME")),
    refuse("sni-certs", block(SNI_CERTS), per("certificates of a folder, by the names in them")),
    warn("allow-sni-overlaps", bool(), per("lets scanned certificates share names", "#false"), {
      same: [false],
    }),
    live("additional-certs", block(ADDITIONAL_CERTS), core("older spelling: each sni-cert is an sni"), {
      inline: true,
    }),
  ],
  {
    misses: { ...CERTIFICATE_MISSES, "ca-cert": "ca-file" },
    check: missingKey(["cert-file", "key-file"], ["acme", "sni-certs", "sni", "additional-certs"]),
  },
);

const LISTENER = entity(
  "listeners/listener",
  [
    live("address", text(), core("IP:PORT, [v6]:PORT or localhost:PORT; port 0 picks a free one"), {
      required: true,
    }),
    judge(
      "protocol",
      words({ http: [], https: [], h2: ["http2"], h3: ["http3"] }),
      core("https offers HTTP/1.1, h2 offers h2 and HTTP/1.1; both need tls", "https with tls, else http"),
      withoutHttp2,
    ),
    judge("tls", block(TLS), core("certificates and TLS settings"), tlsOfAdmin),
    live("default-route", ref("route"), exp("route used when none matches on this listener")),
    live("namespace", ref("namespace"), exp("serves only this namespace")),
    warn("request-timeout-secs", seconds(), exp("time to receive a request head; 408", "60")),
    warn("keepalive-timeout-secs", seconds(), exp("idle time between requests", "75")),
    warn("keepalive-max-requests", int(1), per("requests per connection")),
    warn("max-concurrent-streams", int(1), per("HTTP/2 streams per connection", "100")),
    live("admin", bool(), core("serves the admin endpoints and nothing else", "#true if the id is admin")),
    refuse("proxy-protocol", bool(), per("reads the PROXY header of a load balancer"), {
      same: [false],
    }),
  ],
  { misses: { listen: "address", port: "address", socket: "address" } },
);

/** The listener of a service, whose id may be left out. */
const SERVICE_LISTENER = {
  ...LISTENER,
  rows: LISTENER.rows.map((row) => (row.key === "id" ? { ...row, required: false } : row)),
};

const LISTENER_DOC = core("an address that accepts connections");
/** A listener at top level. */
export const listenerRow = live("listener", blocks(LISTENER), LISTENER_DOC, { field: "listeners" });
/** A listener in a service. */
export const serviceListenerRow = live("listener", blocks(SERVICE_LISTENER), LISTENER_DOC, { field: "" });
/** The block of listeners. */
export const LISTENERS = table("listeners", [listenerRow]);

/** Whether a listener serves the admin endpoints: by `admin`, else by its id. */
export function isAdmin(listener: Block): boolean {
  return boolOf(listener, "admin") ?? (idOf(listener) === "admin" && prefixAround(listener) === "");
}

/** The id of a listener; that of a service may leave it out. Undefined if it could not be read. */
export function listenerId(listener: Block): string | undefined {
  return idOf(listener) ?? (listener.broken ? undefined : "service-listener");
}

/** HTTP/2 and HTTP/3: a client that counts on them would not get what it asks for. */
function withoutHttp2(item: Parameters<Judge>[0]): ReturnType<Judge> {
  const protocol = item.values[0]?.value;
  if (protocol === undefined || protocol === "http" || protocol === "https") return undefined;
  return { severity: "error", message: `protocol '${protocol}' is not implemented in this version` };
}

/** The main thread, which serves the admin endpoints, has no TLS. */
function tlsOfAdmin(_: Parameters<Judge>[0], listener: Block): ReturnType<Judge> {
  return isAdmin(listener) ? "error" : undefined;
}
