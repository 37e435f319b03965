// Names of cipher suites: OpenSSL's and IANA's are both known, anything else is refused.
import { getCiphers } from "node:tls";
import { expect, test } from "@jest/globals";
import { codes, load, said } from "./check.ts";

const listener = (...names: readonly string[]) =>
  load(`listener "web" {
    address "127.0.0.1:8443"
    tls {
        cert-file "a.crt"
        key-file "a.key"
        cipher-suite ${names.map((name) => JSON.stringify(name)).join(" ")}
    }
}
`);
const refused = (...names: readonly string[]) =>
  codes(listener(...names)).filter((one) => one.startsWith("error[bad-value]"));

test("what the runtime has is known, in any case", () => {
  expect(getCiphers().length).toBeGreaterThan(20);
  expect(refused(...getCiphers(), ...getCiphers().map((name) => name.toUpperCase()))).toEqual([]);
});

test.each([
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"],
  ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA"],
])("IANA's %s", (name) => expect(refused(name)).toEqual([]));

test.each([
  ["..."],
  [""],
  ["HIGH"],
  ["TLS_ECDHE_RSA_WITH_NULL_SHA"],
  ["_WITH_AES_128_GCM_SHA256"],
  ["TLS_AES_512_GCM_SHA384"],
])("'%s' is refused at its place", (name) => {
  expect(refused("TLS_AES_128_GCM_SHA256", name)).toEqual([`error[bad-value] ${JSON.stringify(name)}`]);
});

test("a misspelt one is suggested", () => {
  const [found] = said(listener("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA348")).filter(
    ({ code }) => code === "bad-value",
  );
  expect(found?.hints).toEqual(["did you mean 'ECDHE-RSA-AES256-GCM-SHA384'?"]);
});
