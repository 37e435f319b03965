// What no message shows, and that what is shown still is a configuration.
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { quote } from "../../src/core/error.ts";
import { isSecretName, REDACTED, redactMessage, redactText } from "../../src/core/redact.ts";
import { type ConfigState, ConfigStateSchema } from "../../src/gen/sentinel/v1/resources_pb.ts";

const WITH_SECRETS = fromJson(ConfigStateSchema, {
  listeners: [
    {
      id: "tls",
      tls: { acme: { email: "a@b.example", eab: { kid: "kid-1", hmacKey: "SECRET" } } },
    },
  ],
  filters: [
    { id: "limit", rateLimit: { redisUrl: "redis://:SECRET@[::1]:6379/1", memcachedUrl: "memcache://h:1" } },
    { id: "who", basicAuth: { users: [{ key: "bob", value: "SECRET" }] } },
    { id: "edit", headers: { set: [{ key: "Authorization", value: "SECRET" }] } },
    { id: "cors", cors: { allowCredentials: true } },
  ],
  agents: [
    {
      id: "waf",
      http: { url: "https://bob:SECR@ET@waf.example/x" },
      command: ["/bin/waf", "--key", "SECRET"],
      config: '{"anything":"SECRET"}',
      env: [{ key: "HOME", value: "SECRET" }],
    },
  ],
  routes: [
    {
      id: "ai",
      matches: {
        headers: [
          { name: "x-api-key", value: "SECRET" },
          { name: "x-tenant", value: "acme" },
        ],
      },
      policies: { requestHeaders: { add: [{ key: "X-Api-Key", value: "SECRET" }] } },
      inference: { tokenEstimation: "TOKEN_ESTIMATION_WORDS", rateLimit: { tokensPerMinute: 5 } },
    },
  ],
  observability: { tracing: { backend: { endpoint: "http://SECRET@traces.example" } } },
});

test("secrets of every kind are gone; names and all else stay", () => {
  const before = JSON.stringify(toJson(ConfigStateSchema, WITH_SECRETS));
  const shown = redactMessage(ConfigStateSchema, WITH_SECRETS);
  const text = JSON.stringify(toJson(ConfigStateSchema, shown));
  expect(text).not.toMatch(/SECR|ET@/);
  expect(shown.agents[0]).toMatchObject({
    transport: { case: "http", value: { url: `https://${REDACTED}@waf.example/x` } },
    command: ["/bin/waf", REDACTED, REDACTED],
    config: `"${REDACTED}"`,
    env: [{ key: "HOME", value: REDACTED }],
  });
  for (const kept of ["kid-1", "acme", "bob", "memcache://h:1", "TOKEN_ESTIMATION_WORDS", "a@b.example"])
    expect([kept, text.includes(kept)]).toEqual([kept, true]);
  // Switches and numbers stay what they are, whatever their names.
  expect(fromJson(ConfigStateSchema, JSON.parse(text))).toEqual(shown);
  expect(JSON.stringify(toJson(ConfigStateSchema, WITH_SECRETS))).toBe(before);
});

test("what has no secret is itself", () => {
  const plain: ConfigState = create(ConfigStateSchema, {
    upstreams: [{ id: "api", backends: [{ address: "h:1" }] }],
  });
  expect(redactMessage(ConfigStateSchema, plain)).toBe(plain);
});

test("names that say secret", () => {
  expect(["X-Api-Key", "cookie", "hmac_key", "DB_PASSWORD"].filter(isSecretName)).toHaveLength(4);
  expect(["x-tenant", "key", "HOME"].filter(isSecretName)).toEqual([]);
});

test("a value that is quoted has no secret", () => {
  expect(quote("redis://bob:hunter2@h:1")).toBe(`'redis://${REDACTED}@h:1'`);
});

test("a text of any length is looked through in linear time", () => {
  for (const part of ["a.", "eyJ-", "a://", "token ", "-----BEGIN ", "bearer "]) {
    const started = performance.now();
    redactText(part.repeat(65_536));
    // A second pass over what was looked at would take minutes.
    expect([part, performance.now() - started < 5_000]).toEqual([part, true]);
  }
});
