// Rules about listeners: TLS that fits the protocol, certificates by name, ACME, and
// what admin listeners may be.
import { firstHere, type Report } from "../diagnostic.ts";
import { isAdmin } from "../schema/listener.ts";
import {
  type Block,
  blocksOf,
  boolOf,
  describe,
  idOf,
  items,
  markBroken,
  textOf,
  type Value,
  value,
  values,
} from "../tree.ts";
import { isLoopback } from "./addresses.ts";
import { atMostOne, bothOrNone } from "./fit.ts";

/** `http` with a tls block contradicts itself, https and h2 need one. */
export function checkProtocol(listener: Block, report: Report): void {
  const protocol = value(listener, "protocol");
  const tls = items(listener, "tls")[0];
  if (protocol === undefined) return;
  const name = `listener '${idOf(listener)}'`;
  if (protocol.value === "http" && tls !== undefined) {
    const hints = ['write protocol "https", or remove the tls block'];
    report.error("tls-missing", protocol.at, `${name} has a tls block but uses protocol http`, { hints });
  } else if ((protocol.value === "https" || protocol.value === "h2") && tls === undefined) {
    const hints = ["add tls { cert-file …; key-file … }"];
    report.error("tls-missing", protocol.at, `${name} uses ${protocol.value} but has no tls block`, {
      hints,
    });
  }
}

/** Versions in order, and client certificates with somebody to vouch for them. */
export function checkTls(tls: Block, report: Report): void {
  const [min, max] = [value(tls, "min-version"), value(tls, "max-version")];
  if (min !== undefined && max !== undefined && String(max.value) < String(min.value)) {
    const message = `'max-version' of ${describe(tls)} is below 'min-version'`;
    report.error("bad-value", max.at, message, { hints: ["swap the two, or leave one out"] });
  }
  const authority = value(tls, "ca-file");
  const asks = boolOf(tls, "client-auth") === true;
  if (asks && authority === undefined) {
    const hints = ["add ca-file with the certificate authorities of clients"];
    report.error(
      "missing-key",
      value(tls, "client-auth")?.at ?? tls.at,
      `${describe(tls)} needs 'ca-file' for client-auth`,
      { hints },
    );
  } else if (!asks && authority !== undefined) {
    const hints = ["add client-auth #true, or remove ca-file"];
    report.warning(
      "unused-value",
      authority.at,
      `'ca-file' of ${describe(tls)} does nothing without client-auth`,
      { hints },
    );
  }
}

/** One name has one certificate. */
export function checkServerNames(tls: Block, report: Report): void {
  const blocks = [
    ...blocksOf(tls, "sni"),
    ...blocksOf(tls, "additional-certs").flatMap((one) => blocksOf(one, "sni-cert")),
  ];
  const first = new Map<string, { readonly value: Value; readonly sni: Block }>();
  for (const sni of blocks) {
    checkCertificateSource(sni, report);
    for (const name of [...values(sni, "hostnames"), ...values(sni, "priority-hostnames")]) {
      const key = String(name.value).toLowerCase();
      const known = first.get(key);
      if (known === undefined) first.set(key, { value: name, sni });
      else if (known.sni !== sni) {
        const message = `'${name.value}' is in two sni blocks of ${describe(tls.parent ?? tls)}`;
        report.error("sni-ambiguous", name.at, message, {
          related: [firstHere(known.value.at)],
          hints: ["a name is served with one certificate; remove it from one of the two"],
        });
      }
    }
  }
}

/** Both files or acme, and names in one of two ways. */
function checkCertificateSource(sni: Block, report: Report): void {
  atMostOne(sni, ["hostnames", "priority-hostnames"], report);
  const hasFiles = items(sni, "cert-file").length + items(sni, "key-file").length > 0;
  const hasAcme = items(sni, "acme").length > 0;
  if (hasFiles && hasAcme) atMostOne(sni, ["cert-file", "acme"], report);
  else if (hasFiles) bothOrNone(sni, ["cert-file", "key-file"], report);
  else if (!hasAcme && !sni.broken) {
    const hints = ["a certificate comes from both files, or from acme"];
    report.error("missing-key", sni.at, `${describe(sni)} needs 'cert-file' and 'key-file', or 'acme'`, {
      hints,
    });
  }
}

/** How a certificate can be had: wildcards by DNS only, and DNS by somebody. */
export function checkAcme(acme: Block, report: Report): void {
  const challenge = textOf(acme, "challenge-type") ?? "http-01";
  const wildcard = values(acme, "domains").find((one) => String(one.value).startsWith("*."));
  if (wildcard !== undefined && challenge !== "dns-01") {
    const hints = ['write challenge-type "dns-01" and a dns-provider'];
    report.error("acme-invalid", wildcard.at, `'${wildcard.value}' needs the challenge dns-01`, { hints });
    markBroken(acme);
  }
  const [provider] = blocksOf(acme, "dns-provider");
  if (challenge === "dns-01" && provider === undefined) {
    const hints = ['add dns-provider "cloudflare" { credentials-env "…" }'];
    report.error(
      "acme-invalid",
      value(acme, "challenge-type")?.at ?? acme.at,
      `${describe(acme)} needs a dns-provider for dns-01`,
      { hints },
    );
    markBroken(acme);
  }
  if (provider !== undefined && !provider.broken) checkDnsProvider(provider, report);
}

function checkDnsProvider(provider: Block, report: Report): void {
  const type = textOf(provider, "type");
  if (type === "webhook") {
    if (items(provider, "url").length > 0) return;
    report.error("acme-invalid", provider.at, `${describe(provider)} of type webhook needs 'url'`, {
      hints: ['add url "https://…"'],
    });
    markBroken(provider);
    return;
  }
  atMostOne(provider, ["credentials-file", "credentials-env"], report);
  if (items(provider, "credentials-file").length + items(provider, "credentials-env").length > 0) return;
  const message = `${describe(provider)} needs 'credentials-file' or 'credentials-env'`;
  report.error("acme-invalid", provider.at, message, { hints: ['add credentials-file "PATH"'] });
  markBroken(provider);
}

/** A domain is obtained by one acme block of the configuration. */
export function checkAcmeDomains(all: readonly Block[], report: Report): void {
  const first = new Map<string, Value>();
  for (const domain of all.flatMap((acme) => values(acme, "domains"))) {
    const key = String(domain.value).toLowerCase();
    const known = first.get(key);
    if (known === undefined) first.set(key, domain);
    else {
      const message = `'${domain.value}' is in two acme blocks`;
      const hints = ["list each domain in one acme block"];
      report.error("acme-invalid", domain.at, message, { related: [firstHere(known.at)], hints });
    }
  }
}

/** Admin listeners serve their endpoints only, and should not be reachable from elsewhere. */
export function checkAdmin(listener: Block, report: Report): void {
  if (!isAdmin(listener)) return;
  for (const key of ["default-route", "namespace"]) {
    const found = value(listener, key);
    if (found === undefined) continue;
    const message = `'${key}' has no meaning on the admin listener '${idOf(listener)}'`;
    const hints = ["remove it, or write admin #false"];
    report.error("bad-value", found.at, message, { hints });
  }
  const address = value(listener, "address");
  if (address === undefined || isLoopback(String(address.value))) return;
  const message = `admin listener '${idOf(listener)}' is not on a loopback address`;
  report.warning("admin-exposed", address.at, message, {
    hints: ["bind it to 127.0.0.1, or guard the port"],
  });
}
