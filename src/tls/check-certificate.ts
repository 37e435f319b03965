// Whether a certificate and its key can be served: both parse, belong together, the
// chain is in order, the key is strong enough, there are names to serve. OpenSSL
// checks little of this when it is given them. Knows no files and no listeners.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What is wrong with a certificate or key. */
export interface CertificateProblem {
  /** Which of the two it is about. */
  readonly part: "cert" | "key";
  /** One sentence without the name of a file. */
  readonly message: string;
  readonly hint: string;
}

/** A certificate that can be served. */
export interface CheckedCertificate {
  /** SHA-256 of the leaf, 64 hex digits. */
  readonly fingerprint: string;
  /** DNS names of the leaf in lower case, "*.example.com" among them. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** What may be a mistake, for example that it has expired. */
  readonly warnings: readonly string[];
}

/** Result of a check. */
export type CertificateCheck =
  | { readonly ok: true; readonly certificate: CheckedCertificate }
  | { readonly ok: false; readonly problems: readonly CertificateProblem[] };

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const MIN_RSA_BITS = 2048;
/** Certificates of a chain; the longest in public use have five. */
const MAX_CHAIN = 10;

/** Checks a PEM chain, the leaf first, and the PEM key of the leaf. `now` only decides about warnings. */
export function checkCertificate(chainPem: string, keyPem: string, now: Date): CertificateCheck {
  const problems: CertificateProblem[] = [];
  const chain = parseChain(chainPem, problems);
  const key = parseKey(keyPem, problems);
  const leaf = chain?.[0];
  if (key !== undefined) checkStrength(key, problems);
  if (leaf !== undefined && key !== undefined && !leaf.checkPrivateKey(key)) {
    problems.push({
      part: "key",
      message: "the key does not belong to the certificate",
      hint: "the key must be the one that the first certificate was made for",
    });
  }
  if (chain !== undefined) checkOrder(chain, problems);
  const names = leaf === undefined ? [] : dnsNames(leaf);
  if (leaf !== undefined && names.length === 0) {
    problems.push({
      part: "cert",
      message: "the certificate has no DNS name in subjectAltName",
      hint: "clients ignore the common name; have it issued with the names it serves",
    });
  }
  if (leaf === undefined || problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    certificate: {
      fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
      names,
      notBefore: leaf.validFromDate,
      notAfter: leaf.validToDate,
      warnings: warningsOf(leaf, now),
    },
  };
}

function parseChain(pem: string, problems: CertificateProblem[]): X509Certificate[] | undefined {
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  const wrong = (message: string, hint: string) => {
    problems.push({ part: "cert", message, hint });
    return undefined;
  };
  if (blocks.length === 0) {
    return wrong("there is no certificate in PEM", "a certificate begins with -----BEGIN CERTIFICATE-----");
  }
  if (blocks.length > MAX_CHAIN) {
    return wrong(
      `the chain has ${blocks.length} certificates, more than ${MAX_CHAIN}`,
      "the leaf and its intermediates are enough",
    );
  }
  const chain: X509Certificate[] = [];
  for (const [i, block] of blocks.entries()) {
    try {
      chain.push(new X509Certificate(block));
    } catch {
      return wrong(`certificate ${i + 1} of the chain cannot be read`, "its PEM text is damaged");
    }
  }
  return chain;
}

function parseKey(pem: string, problems: CertificateProblem[]): KeyObject | undefined {
  const wrong = (message: string, hint: string) => {
    problems.push({ part: "key", message, hint });
    return undefined;
  };
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return wrong("there is no private key in PEM", "a key begins with -----BEGIN PRIVATE KEY-----");
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return wrong("the private key is encrypted", "decrypt it: openssl pkey -in KEY -out PLAIN_KEY");
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return wrong("the private key cannot be read", "its PEM text is damaged");
  }
}

function checkStrength(key: KeyObject, problems: CertificateProblem[]): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } = key;
  const wrong = (message: string, hint: string) => problems.push({ part: "key", message, hint });
  if (type === "rsa" && modulusLength < MIN_RSA_BITS) {
    wrong(
      `the RSA key has ${modulusLength} bits, less than ${MIN_RSA_BITS}`,
      "make a longer one, or ECDSA P-256",
    );
  } else if (type === "ec" && !["prime256v1", "secp384r1", "secp521r1"].includes(namedCurve)) {
    wrong(`browsers do not know keys on the curve ${namedCurve}`, "use prime256v1 (P-256)");
  } else if (type !== "rsa" && type !== "ec" && type !== "ed25519") {
    wrong(`TLS servers have no keys of type ${type}`, "use ECDSA P-256 or RSA");
  }
}

/** Each certificate is issued by the one after it. */
function checkOrder(chain: readonly X509Certificate[], problems: CertificateProblem[]): void {
  for (const [i, issuer] of chain.entries()) {
    const before = chain[i - 1];
    if (before === undefined || before.checkIssued(issuer)) continue;
    problems.push({
      part: "cert",
      message: `certificate ${i + 1} of the chain has not issued the one before it`,
      hint: "first the leaf, then each issuer, without gaps",
    });
    return;
  }
}

function dnsNames(leaf: X509Certificate): string[] {
  return (leaf.subjectAltName ?? "")
    .split(", ")
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice("DNS:".length).toLowerCase());
}

const DAY_MS = 86_400_000;
const EXPIRY_WARNING_DAYS = 30;

function warningsOf(leaf: X509Certificate, now: Date): string[] {
  const { validFromDate: from, validToDate: to } = leaf;
  const days = Math.floor((to.getTime() - now.getTime()) / DAY_MS);
  if (to <= now) return [`the certificate has expired on ${to.toISOString()}`];
  if (from > now) return [`the certificate is not valid before ${from.toISOString()}`];
  return days < EXPIRY_WARNING_DAYS
    ? [`the certificate expires in ${days} days, on ${to.toISOString()}`]
    : [];
}
