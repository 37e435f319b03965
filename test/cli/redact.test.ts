// What is taken out of a debug bundle, and what stays.
import { expect, test } from "@jest/globals";
import { redact } from "../../src/cli/redact.ts";
import { REDACTED, redactText } from "../../src/core/index.ts";

test.each([
  ["rotate password=hunter2, then go on", `rotate password=${REDACTED}, then go on`],
  ['{"api_key": "abc123"}', `{"api_key": "${REDACTED}"}`],
  ["curl -H 'Authorization: Bearer abcdef123456'", `curl -H 'Authorization: Bearer ${REDACTED}'`],
  ["Authorization: Basic Ym9iOnB3", `Authorization: Basic ${REDACTED}`],
  ["from https://bob:pw@git.example/x", `from https://${REDACTED}@git.example/x`],
  ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl is it", `${REDACTED} is it`],
  ["x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y", `x ${REDACTED} y`],
  ["-----BEGIN PRIVATE KEY-----\nMIIE and cut off", REDACTED],
  ["with AKIAABCDEFGHIJKLMNOP", `with ${REDACTED}`],
  ["with ghp_abcdefghijklmnopqrstuvwxyz", `with ${REDACTED}`],
])("%j is redacted", (text, expected) => {
  expect(redactText(text)).toBe(expected);
  expect(redactText(expected)).toBe(expected);
});

test.each([
  "upstream api has no backend 10.0.0.1:80",
  "http://10.0.0.1:80/x@y",
  "digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  "the token service is slow; basic checks passed",
  "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
])("%j stays", (text) => {
  expect(redactText(text)).toBe(text);
});

test("values go by the name of their field, or by the name beside them", () => {
  const value = {
    labels: { team: "edge", "deploy-token": "t-1", apiKey: "k-1" },
    freezeId: "f-1",
    headers: [
      { name: "X-Api-Key", value: "k-2" },
      { name: "x-tenant", value: "acme", invert: true },
      { name: "Authorization" },
    ],
    id: "token-service",
    nested: [{ cookie: ["c-1"] }],
    token: "",
    revision: 3,
    nothing: null,
  };
  expect(redact(value)).toEqual({
    labels: { team: "edge", "deploy-token": REDACTED, apiKey: REDACTED },
    freezeId: REDACTED,
    headers: [
      { name: "X-Api-Key", value: REDACTED },
      { name: "x-tenant", value: "acme", invert: true },
      { name: "Authorization" },
    ],
    id: "token-service",
    nested: [{ cookie: REDACTED }],
    token: "",
    revision: 3,
    nothing: null,
  });
});
