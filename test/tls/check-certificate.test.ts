// Certificates and keys that can be served, and those that cannot, each with what
// is said about it.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type CertificateCheck, checkCertificate } from "../../src/tls/check-certificate.ts";
import { Authority, HAS_OPENSSL, type Issued } from "./authority.ts";

const NOW = new Date();
const available = HAS_OPENSSL ? test : test.skip;
if (!HAS_OPENSSL) console.log("certificates are not checked: there is no openssl command to make them with");

let authority: Authority;
let good: Issued;

beforeAll(() => {
  if (!HAS_OPENSSL) return;
  authority = new Authority();
  good = authority.issue("good.test", { names: ["DNS:good.test", "DNS:*.GOOD.test", "IP:127.0.0.1"] });
});
afterAll(() => authority?.close());

/** What is said, "part: message" each. */
function problems(check: CertificateCheck): string[] {
  return check.ok ? [] : check.problems.map(({ part, message }) => `${part}: ${message}`);
}

available("a good pair has names in lower case, a fingerprint and no warnings", () => {
  const check = checkCertificate(good.cert, good.key, NOW);
  expect(check).toMatchObject({
    ok: true,
    certificate: { names: ["good.test", "*.good.test"], warnings: [] },
  });
  expect(check.ok && check.certificate.fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

available("RSA, P-384 and a chain with its intermediate are good, too", () => {
  const rsa = authority.issue("rsa.test", { key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] });
  const p384 = authority.issue("p384.test", {
    key: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  });
  const between = authority.issue("between", { isAuthority: true });
  const leaf = authority.issue("leaf.test", { issuer: between });
  for (const [cert, key] of [
    [rsa.cert, rsa.key],
    [p384.cert, p384.key],
    [leaf.cert + between.cert, leaf.key],
  ] as const) {
    expect(problems(checkCertificate(cert, key, NOW))).toEqual([]);
  }
  expect(problems(checkCertificate(between.cert + leaf.cert, leaf.key, NOW))[0]).toMatch(
    /^key: the key does not/,
  );
  expect(problems(checkCertificate(leaf.cert + rsa.cert, leaf.key, NOW))).toEqual([
    "cert: certificate 2 of the chain has not issued the one before it",
  ]);
});

available("what cannot be served is said in one sentence each", () => {
  const other = authority.issue("other.test");
  const rsa = authority.issue("rsa2.test", {
    key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  });
  const weak = authority.issue("weak.test", {
    key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
  });
  const odd = authority.issue("odd.test", {
    key: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
  });
  const nameless = authority.issue("nameless.test", { names: [] });
  const damaged = good.cert.replace(/\n.{20}/, "\n!!!!!!!!!!!!!!!!!!!!");
  const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const none = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
  const table: [cert: string, key: string, ...said: string[]][] = [
    ["", good.key, "cert: there is no certificate in PEM"],
    [good.key, good.key, "cert: there is no certificate in PEM"],
    [damaged, good.key, "cert: certificate 1 of the chain cannot be read"],
    [good.cert.repeat(11), good.key, "cert: the chain has 11 certificates, more than 10"],
    [good.cert, "", "key: there is no private key in PEM"],
    [good.cert, good.cert, "key: there is no private key in PEM"],
    [good.cert, encrypted, "key: the private key is encrypted"],
    [good.cert, none, "key: the private key cannot be read"],
    [good.cert, other.key, "key: the key does not belong to the certificate"],
    [good.cert, rsa.key, "key: the key does not belong to the certificate"],
    [weak.cert, weak.key, "key: the RSA key has 1024 bits, less than 2048"],
    [odd.cert, odd.key, "key: browsers do not know keys on the curve secp256k1"],
    [nameless.cert, nameless.key, "cert: the certificate has no DNS name in subjectAltName"],
    ["", "", "cert: there is no certificate in PEM", "key: there is no private key in PEM"],
  ];
  for (const [cert, key, ...said] of table) expect(problems(checkCertificate(cert, key, NOW))).toEqual(said);
});

available("dates are warnings: what is expired may be all there is", () => {
  const { notAfter } = (checkCertificate(good.cert, good.key, NOW) as Extract<CertificateCheck, { ok: true }>)
    .certificate;
  const at = (ms: number) => {
    const check = checkCertificate(good.cert, good.key, new Date(ms));
    return check.ok ? check.certificate.warnings.join() : "refused";
  };
  expect(at(notAfter.getTime() + 1)).toMatch(/^the certificate has expired on /);
  expect(at(notAfter.getTime() - 3 * 86_400_000)).toMatch(/^the certificate expires in 3 days, on /);
  expect(at(NOW.getTime() - 10 * 86_400_000)).toMatch(/^the certificate is not valid before /);
  expect(at(NOW.getTime())).toBe("");
});

available("no message has anything of a key in it", () => {
  const secret = good.key.split("\n")[1]!;
  const damaged = good.key.replace(secret, `${secret}!`);
  const check = checkCertificate(good.cert, damaged, NOW);
  expect(check.ok).toBe(false);
  expect(JSON.stringify(check)).not.toContain(secret.slice(0, 16));
});
