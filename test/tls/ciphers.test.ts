// Names of cipher suites: IANA's and OpenSSL's mean the same, unknown ones are told.
import { getCiphers } from "node:tls";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { ListenerSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { cipherErrors, cipherList, DEFAULT_CIPHERS, opensslName } from "../../src/tls/ciphers.ts";

test("names of IANA are those that OpenSSL knows", () => {
  const pairs: Record<string, string> = {
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
    TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: "ECDHE-RSA-AES128-SHA256",
    TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
    TLS_AES_128_GCM_SHA256: "TLS_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
  };
  for (const [name, openssl] of Object.entries(pairs)) {
    expect(opensslName(name)).toBe(openssl);
    expect(getCiphers()).toContain(openssl.toLowerCase());
  }
});

test("the default offers forward secrecy and authenticated encryption only", () => {
  expect(cipherList([])).toBe(DEFAULT_CIPHERS.join(":"));
  for (const name of DEFAULT_CIPHERS) {
    expect(getCiphers()).toContain(name.toLowerCase());
    expect(name).toMatch(/^(TLS_|ECDHE-).*(GCM|POLY1305)/);
  }
});

test("an unknown name is told, with what was meant", () => {
  const listener = create(ListenerSchema, {
    id: "web",
    tls: { cipherSuite: ["TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA255", "ROT13"] },
  });
  expect(cipherErrors(listener).map(({ path, message, hint }) => `${path} ${message}; ${hint}`)).toEqual([
    "listener.tls.cipher_suite[1] unknown cipher suite 'ECDHE-RSA-AES128-GCM-SHA255'; did you mean 'ECDHE-RSA-AES128-GCM-SHA256'?",
    "listener.tls.cipher_suite[2] unknown cipher suite 'ROT13'; names are those of OpenSSL or IANA, such as 'TLS_AES_128_GCM_SHA256'",
  ]);
});
