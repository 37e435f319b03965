// Field rules of listeners, their TLS and ACME settings, and of the system.
import {
  type Acme,
  AcmeChallengeType,
  type AcmeDnsProvider,
  AcmeDnsProviderType,
  type Listener,
  ListenerProtocol,
  type ListenerTls,
  type SniCertificate,
  type System,
  TlsVersion,
} from "../../gen/sentinel/v1/resources_pb.ts";
import { isCidr, parseBindAddress } from "../address.ts";
import { quote } from "../error.ts";
import { all, between, from, type MessageTable, type Problem, REQUIRED, table, unless } from "./table.ts";

const DAY: readonly [number, number] = [0, 86_400];
const HOST_NAME = {
  pattern: /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i,
  hint: 'a host name; "*." stands for one label',
};

/** Message name → rules. */
export const LISTENER_TABLES: Readonly<Record<string, MessageTable>> = {
  System: table<System>(
    {
      worker_threads: between(0, 1024),
      max_connections: between(1, 4_294_967_295),
      ...all({ range: DAY }, "graceful_shutdown_timeout", "shutdown_delay"),
      route_cache_size: from(1),
      trusted_proxies: { isValid: isCidr, hint: "an address or a block such as 10.0.0.0/8" },
      health_listen: {
        isValid: (text) => parseBindAddress(text) !== undefined,
        code: "bad-address",
        hint: "expected host:port, for instance 127.0.0.1:8081",
      },
    },
    () => [],
  ),
  Listener: table<Listener>(
    { ...all(from(1), "keepalive_max_requests", "max_concurrent_streams") },
    checkListenerAsWhole,
  ),
  ListenerTls: table<ListenerTls>({}, checkTls),
  SniCertificate: table<SniCertificate>({ ...all(HOST_NAME, "hostnames", "priority_hostnames") }, checkSni),
  SniCerts: { fields: { cert_folder: REQUIRED } },
  Acme: table<Acme>(
    { email: REQUIRED, domains: { ...HOST_NAME, isRequired: true }, renew_before_days: from(1) },
    checkAcme,
  ),
  AcmeEab: { fields: all(REQUIRED, "kid", "hmac_key") },
  AcmeDnsProvider: table<AcmeDnsProvider>({ type: REQUIRED }, checkDnsProvider),
};

function checkListenerAsWhole(listener: Listener): (Problem | undefined)[] {
  const { id, protocol, tls, admin = id === "admin", defaultRoute, namespace } = listener;
  const name = quote(id);
  const isPlain = protocol === ListenerProtocol.HTTP;
  const needsTls = protocol !== undefined && !isPlain;
  const notAdmin = "an admin listener takes no part in routing";
  return [
    unless(
      tls !== undefined || !needsTls,
      "tls",
      `listener ${name} uses ${wordOf(protocol)} but has no tls block`,
      "set tls, or protocol http",
      "tls-missing",
    ),
    unless(
      tls === undefined || !isPlain,
      "protocol",
      `listener ${name} has a tls block but uses protocol http`,
      "remove one of the two",
      "tls-missing",
    ),
    unless(!admin || defaultRoute === undefined, "default_route", notAdmin, "remove it"),
    unless(!admin || namespace === undefined, "namespace", notAdmin, "remove it"),
  ];
}

function wordOf(protocol: ListenerProtocol | undefined): string {
  const names = Object.entries(ListenerProtocol);
  return (names.find(([, value]) => value === protocol)?.[0] ?? "tls").toLowerCase();
}

function checkTls(tls: ListenerTls): (Problem | undefined)[] {
  const hasFiles = tls.certFile !== undefined && tls.keyFile !== undefined;
  const hasNone = tls.certFile === undefined && tls.keyFile === undefined;
  const hasOther = tls.acme !== undefined || tls.sniCerts !== undefined || tls.sni.length > 0;
  const { minVersion = TlsVersion.TLS_VERSION_1_2, maxVersion = TlsVersion.TLS_VERSION_1_3 } = tls;
  return [
    unless(
      hasFiles || (hasNone && hasOther),
      "",
      "'tls' needs 'cert_file' and 'key_file'",
      "set both",
      "missing-key",
    ),
    unless(maxVersion >= minVersion, "max_version", "'max_version' is below 'min_version'"),
    unless(
      tls.clientAuth !== true || tls.caFile !== undefined,
      "client_auth",
      "'client_auth' needs a 'ca_file'",
      "set ca_file",
      "missing-key",
    ),
    ...ambiguousNames(tls),
  ];
}

/** Names in two certificates of one listener. */
function ambiguousNames({ sni }: ListenerTls): Problem[] {
  const seen = new Map<string, number>();
  return sni.flatMap(({ hostnames, priorityHostnames }, i): Problem[] => {
    const names = [...new Set([...hostnames, ...priorityHostnames].map((name) => name.toLowerCase()))];
    const twice = names.filter((name) => seen.has(name));
    for (const name of names) seen.set(name, i);
    return twice.map((name) => ({
      field: `sni[${i}].hostnames`,
      rule: "sni-ambiguous",
      message: `${quote(name)} has two certificates`,
      hint: "name it in one of them",
    }));
  });
}

function checkSni(sni: SniCertificate): (Problem | undefined)[] {
  const [cert, key] = [sni.certFile !== undefined, sni.keyFile !== undefined];
  return [
    unless(
      cert === key && cert !== (sni.acme !== undefined),
      "",
      "a certificate has one source",
      "set cert_file and key_file, or acme",
      "missing-key",
    ),
    unless(
      sni.hostnames.length === 0 || sni.priorityHostnames.length === 0,
      "priority_hostnames",
      "'hostnames' and 'priority_hostnames' are both set",
    ),
  ];
}

function checkAcme({ domains, challengeType, dnsProvider }: Acme): (Problem | undefined)[] {
  const isDns = challengeType === AcmeChallengeType.DNS_01;
  const wildcard = domains.findIndex((name) => name.startsWith("*"));
  return [
    unless(
      !isDns || dnsProvider !== undefined,
      "dns_provider",
      "the challenge dns-01 needs a 'dns_provider'",
      "set dns_provider",
      "acme-invalid",
    ),
    unless(
      isDns || wildcard < 0,
      `domains[${wildcard}]`,
      `${quote(domains[wildcard] ?? "")} needs the challenge dns-01`,
      "set challenge_type",
      "acme-invalid",
    ),
  ];
}

function checkDnsProvider(provider: AcmeDnsProvider): (Problem | undefined)[] {
  const given = [provider.credentialsFile, provider.credentialsEnv].filter((one) => one !== undefined);
  const isWebhook = provider.type === AcmeDnsProviderType.WEBHOOK;
  return [
    unless(
      given.length === 1 || (isWebhook && given.length === 0),
      "credentials_file",
      "a DNS provider needs one of 'credentials_file' and 'credentials_env'",
      "",
      "acme-invalid",
    ),
    unless(!isWebhook || provider.url !== undefined, "url", "a webhook needs a 'url'", "", "acme-invalid"),
  ];
}
