// Mistakes that people make, one per file: golden/mistakes.txt has what is printed
// for each, to be read alone. UPDATE_GOLDEN=1 rewrites it. Here is which code each
// has to have.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { CODES, type Code } from "../../src/config/codes.ts";
import { formatDiagnostics, Report, wholeFile } from "../../src/config/diagnostic.ts";
import { loadConfigText } from "../../src/config/load.ts";
import { said } from "./check.ts";

const GOLDEN = new URL("./golden/mistakes.txt", import.meta.url);

const LISTENER = 'listener "http" address="127.0.0.1:8080"';
const UPSTREAM = 'upstream "u" { target "127.0.0.1:3000" }';
const route = (contents: string) => `${LISTENER}\nroute "r" { ${contents} }\n${UPSTREAM}`;
const all = 'matches { path-prefix "/" }; upstream "u"';
const upstream = (contents: string) => `${LISTENER}\nroute "r" { ${all} }\nupstream "u" { ${contents} }`;
const listener = (contents: string) =>
  `listener "web" { address "127.0.0.1:8443"; ${contents} }\nroute "r" { ${all} }\n${UPSTREAM}`;
const more = (...parts: string[]) => [LISTENER, `route "r" { ${all} }`, UPSTREAM, ...parts].join("\n");
const filter = (contents: string) => more(`filter "f" { ${contents} }`);
const agent = (contents: string) => more(`agent "a" { failure-mode "open"; ${contents} }`);
const tls = (contents: string) => listener(`tls { cert-file "a.crt"; key-file "a.key"; ${contents} }`);
const acme = (contents: string) => listener(`tls { acme { email "a@b.example"; ${contents} } }`);

const MISTAKES: readonly (readonly [name: string, code: string, text: string])[] = [
  ["a misspelt key", "unknown-key", route('matches { path "/" }; upsteam "u"')],
  ["a misspelt block", "unknown-block", `upstreems { }\n${more()}`],
  ["a key of another block", "unknown-key", route(`${all}; max-idle 5`)],
  ["a key of another proxy", "unknown-key", upstream('target "a:80"; load-balancer "random"')],
  ["a key of another filter", "unknown-key", filter('type "cors"; max-rps 5')],
  ["the same key twice", "duplicate-key", listener('address "127.0.0.1:9"')],
  [
    "two keys that say the same",
    "duplicate-key",
    upstream('target "a:80"; health-check { interval-secs 5; interval-ms 500 }'),
  ],
  ["a block twice", "duplicate-block", more("limits { }", "limits { }")],
  ["an id twice", "duplicate-id", more(`route "r" { matches { path "/x" }; upstream "u" }`)],
  ["a target twice", "duplicate-target", upstream('target "a:80"; target "a:80"')],
  ["no id", "missing-id", more('route { matches { path "/x" }; upstream "u" }')],
  ["no address", "missing-key", `listener "other" { }\n${more()}`],
  ["a word for a number", "bad-type", more('system { max-connections "many" }')],
  ["a number in quotes", "quoted-value", more('system { worker-threads "2" }')],
  ["a number out of range", "bad-value", more("system { worker-threads 5000 }")],
  ["a number beyond 32 bits", "bad-value", upstream('target "a:80" max-requests=5000000000')],
  ["a word that is none", "bad-value", listener('protocol "htpps"')],
  ["an unknown algorithm", "bad-value", upstream('target "a:80"; load-balancing "fastest"')],
  ["no duration", "bad-value", listener('request-timeout-secs "soon"')],
  ["no size", "bad-value", route(`${all}; policies { max-body-size "10 apples" }`)],
  ["two keys on one line", "extra-value", route('matches { path "/" method "GET" }; upstream "u"')],
  [
    "a value for a block",
    "unknown-key",
    route('service-type { static }; matches { path "/" }; upstream "u"'),
  ],
  ["a block where a list belongs", "unknown-key", route(`${all}; filters { filter "f" }`)],
  ["no listener", "no-listeners", `route "r" { ${all} }\n${UPSTREAM}`],
  ["no route", "no-routes", `${LISTENER}\n${UPSTREAM}`],
  ["no port", "bad-address", `listener "http" address="localhost"\nroute "r" { ${all} }\n${UPSTREAM}`],
  ["a scheme in a target", "bad-target", upstream('target "http://a:80"')],
  ["a target without port", "default-port", upstream('target "10.0.0.1"')],
  ["port 443 without TLS", "plain-443", upstream('target "a.example:443"')],
  ["the same address twice", "address-clash", more('listener "other" address="0.0.0.0:8080"')],
  [
    "metrics on a listener's port",
    "address-clash",
    more('observability { metrics { address "127.0.0.1:8080" } }'),
  ],
  ["health on a listener's port", "address-clash", more('system { health-listen "127.0.0.1:8080" }')],
  ["an unknown upstream", "unknown-upstream", route('matches { path "/" }; upstream "v"')],
  ["an unknown filter", "unknown-filter", route(`${all}; filters "nothing"`)],
  [
    "an agent in the place of a filter",
    "unknown-filter",
    more(
      'agent "waf" { unix-socket "/s" }',
      `route "q" { matches { path "/q" }; upstream "u"; filters "waf" }`,
    ),
  ],
  ["an unknown agent", "unknown-agent", route(`${all}; agents "auth"`)],
  ["an unknown route", "unknown-route", listener('default-route "nowhere"')],
  ["an unknown namespace", "unknown-namespace", listener('namespace "nowhere"')],
  [
    "an unknown upstream in a block that does nothing yet",
    "unknown-upstream",
    route(`${all}; shadow { upstream "mirror" }`),
  ],
  [
    "a name that two namespaces export",
    "ambiguous-ref",
    more(
      'namespace "a" { upstream "x" { target "a:1" }; exports { upstreams "x" } }',
      'namespace "b" { upstream "x" { target "b:1" }; exports { upstreams "x" } }',
      'route "q" { matches { path "/q" }; upstream "x" }',
    ),
  ],
  [
    "two listeners of a service without an id",
    "duplicate-id",
    more(
      'namespace "a" { service "s" { listener { address "127.0.0.1:1" }; listener { address "127.0.0.1:2" } } }',
    ),
  ],
  ["an export of nothing", "bad-export", more('namespace "a" { exports { upstreams "x" } }')],
  ["a colon in an id", "bad-id", more('upstream "a:b" { target "a:1" }')],
  ["no conditions", "no-conditions", route('upstream "u"')],
  ["two equal routes", "same-route", more('route "q" { matches { path-prefix "/" }; upstream "u" }')],
  ["nothing to serve the request", "route-action", route('matches { path "/" }')],
  ["two things to serve the request", "route-action", route(`${all}; static-files { root "/srv" }`)],
  ["a type that does not fit", "service-type", route(`${all}; service-type "static"`)],
  ["builtin without a handler", "service-type", route('matches { path "/" }; service-type "builtin"')],
  ["no targets", "no-targets", upstream("")],
  ["no transport", "no-transport", more('agent "a" { failure-mode "open" }')],
  ["a pattern that does not compile", "bad-regex", route('matches { path-regex "(" }; upstream "u"')],
  ["a pattern with look-around", "bad-regex", route('matches { path-regex "(?=a)" }; upstream "u"')],
  [
    "conditions that exclude each other",
    "never-matches",
    route('matches { path "/a"; path-prefix "/b" }; upstream "u"'),
  ],
  ["a method in lower case", "bad-value", route('matches { path "/"; method "get" }; upstream "u"')],
  ["https without certificates", "tls-missing", listener('protocol "https"')],
  [
    "certificates without https",
    "tls-missing",
    listener('protocol "http"; tls { cert-file "a.crt"; key-file "a.key" }'),
  ],
  ["a certificate without a key", "missing-key", listener('tls { cert-file "a.crt" }')],
  [
    "another program's key for the certificate",
    "unknown-key",
    listener('tls { cert-path "a.crt"; key-file "a.key" }'),
  ],
  ["versions in the wrong order", "bad-value", tls('min-version "1.3"; max-version "1.2"')],
  ["a misspelt cipher suite", "bad-value", tls('cipher-suite "ECDHE-RSA-AES256-GCM-SHA348"')],
  [
    "a list of ciphers as OpenSSL's programs take it",
    "bad-value",
    tls('ciphers "ECDHE-RSA-AES256-GCM-SHA384:!aNULL"'),
  ],
  ["client certificates without an authority", "missing-key", tls("client-auth #true")],
  ["an authority that nobody asks for", "unused-value", tls('ca-file "ca.crt"')],
  [
    "a name with two certificates",
    "sni-ambiguous",
    tls(
      'sni { hostnames "a.example"; cert-file "b.crt"; key-file "b.key" }; sni { hostnames "A.example"; cert-file "c.crt"; key-file "c.key" }',
    ),
  ],
  ["a name without a certificate", "missing-key", tls('sni { hostnames "a.example" }')],
  ["a wildcard by HTTP", "acme-invalid", acme('domains "*.a.example"')],
  ["DNS without a provider", "acme-invalid", acme('domains "a.example"; challenge-type "dns-01"')],
  [
    "a provider without credentials",
    "acme-invalid",
    acme('domains "a.example"; challenge-type "dns-01"; dns-provider "cloudflare" { }'),
  ],
  [
    "a domain in two acme blocks",
    "acme-invalid",
    `${acme('domains "a.example"')}\nlistener "two" { address "127.0.0.1:1"; tls { acme { email "a@b.example"; domains "a.example" } } }`,
  ],
  ["an admin listener for everyone", "admin-exposed", more('listener "admin" address="0.0.0.0:9090"')],
  [
    "an admin listener with a route",
    "bad-value",
    more('listener "admin" address="127.0.0.1:9090" default-route="r"'),
  ],
  [
    "the configuration for everyone",
    "exposed-handler",
    `listener "http" address="0.0.0.0:80"\nroute "r" { ${all} }\n${UPSTREAM}\nroute "c" { matches { path "/c" }; builtin-handler "config" }`,
  ],
  [
    "a buffer larger than a body",
    "limits-conflict",
    more('limits { max-body-size-bytes "1MB"; max-body-buffer-bytes "2MB" }'),
  ],
  ["a ceiling below the delay", "bad-value", route(`${all}; retry-policy { backoff 500; max-backoff 100 }`)],
  ["a schema twice", "bad-value", route(`${all}; api-schema { schema-file "a.yaml"; schema-content "{}" }`)],
  ["a budget without a limit", "missing-key", route(`${all}; inference { budget { enforce #true } }`)],
  [
    "a client certificate without a key",
    "missing-key",
    upstream('target "a:443"; tls { client-cert "a.crt" }'),
  ],
  ["certificates that are not verified", "insecure", upstream('target "a:443"; tls { verify #false }')],
  [
    "a contradiction about verifying",
    "bad-value",
    upstream('target "a:443"; tls { verify #true; insecure-skip-verify #true }'),
  ],
  [
    "a check longer than its interval",
    "unused-value",
    upstream('target "a:80"; health-check { interval-secs 1; timeout-secs 5 }'),
  ],
  ["credentials for every origin", "bad-value", filter('type "cors"; allow-credentials #true')],
  [
    "two ways to rewrite",
    "bad-value",
    filter('type "url-rewrite"; replace-full-path "/a"; replace-prefix-match "/b"'),
  ],
  ["the old dialect over gRPC", "bad-value", agent('grpc "http://127.0.0.1:1"; protocol-version "1"')],
  ["a disk cache without a disk", "missing-key", more('cache { backend "disk" }')],
  ["defaults of routes in the global cache", "unknown-key", more("cache { default-ttl-secs 60 }")],
  [
    "an error page for no status",
    "bad-value",
    route(`${all}; error-pages { pages { "not found" { message "x" } } }`),
  ],
  ["a fallback without an upstream", "missing-key", route(`${all}; fallback { model-mapping { a "b" } }`)],
  ["something that is not there yet and protects", "not-implemented", more("limits { max-header-count 50 }")],
  [
    "something that is not there yet and is harmless",
    "not-implemented",
    upstream('target "a:80"; slow-start "10s"'),
  ],
  ["a variable", "literal-placeholder", upstream(`target "a:80" id="$${"{HOST}"}"`)],
  ["an old name", "deprecated", `server { }\n${more()}`],
  ["a schema version that is none", "schema-invalid", `schema-version 1.0\n${more()}`],
  ["an older schema", "schema-older", `schema-version "0.9"\n${more()}`],
  ["a newer schema", "schema-newer", `schema-version "2.0"\n${more()}`],
  [
    "KDL 1",
    "kdl-v1",
    `${LISTENER}
system {
    daemon false
}`,
  ],
  ["KDL 1 and 2 mixed", "syntax", more("system { daemon #true; auto-reload true }")],
  ["an open block", "syntax", `${LISTENER}\nroute "r" {`],
  ["an open string", "syntax", `${LISTENER}\nroute "r`],
  ["an include inside a block", "misplaced-include", route(`${all}; include "x.kdl"`)],
];

test.each(MISTAKES)("%s: %s", (_name, code, text) => {
  const loaded = loadConfigText("sentinel.kdl", `${text}\n`, { skipFiles: true });
  const found = said(loaded).filter((one) => one.code === code);
  expect(found.length).toBeGreaterThan(0);
  // The end of an open block is the end of the file.
  const lines = `${text}\n`.split("\n").length;
  for (const { line } of found) expect(line).toBeLessThanOrEqual(lines);
  // What is wrong is refused, and a warning refuses nothing by itself.
  if (found.some(({ severity }) => severity === "error")) expect(loaded.config).toBeUndefined();
});

/** What is wrong with the file as a whole has no line. */
const WHOLE_FILE = ["no-listeners"];

test.each(MISTAKES)("%s can be understood alone", (_name, _code, text) => {
  const { diagnostics } = loadConfigText("sentinel.kdl", `${text}\n`, { skipFiles: true });
  for (const { severity, code, line, message, hints } of diagnostics) {
    if (severity === "error") expect({ code, message, hints }).not.toMatchObject({ hints: [] });
    if (severity === "error" && !WHOLE_FILE.includes(code)) expect(line).toBeGreaterThan(0);
    // In words of the file, which has "_" only in values, and in one sentence.
    for (const words of [message, ...hints]) {
      if (!/one of/.test(words)) expect(words).not.toMatch(/\b[a-z]+_[a-z_]+\b/);
      expect(words).toMatch(/^\S.*[^.\s]$/);
    }
  }
});

test("every code of an error says what to do", () => {
  const errors = Object.entries(CODES).filter(([, { severity }]) => severity.includes("error"));
  expect(errors.length).toBeGreaterThan(40);
  for (const [code, { hint }] of errors) expect({ code, hint }).not.toMatchObject({ hint: "" });
  const report = new Report();
  for (const [code] of errors) report.error(code as Code, wholeFile("f"), "m");
  expect(report.sorted([]).filter(({ hints }) => hints.join("") === "")).toEqual([]);
});

test("what is printed for each", () => {
  const printed = MISTAKES.map(([name, , text]) => {
    const loaded = loadConfigText("sentinel.kdl", `${text}\n`, { skipFiles: true });
    return `# ${name}\n${formatDiagnostics(said(loaded), loaded.sources)}`;
  }).join("\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, printed);
  expect(printed).toBe(readFileSync(GOLDEN, "utf8"));
});

test("there are at least 60, each with a name of its own", () => {
  expect(new Set(MISTAKES.map(([name]) => name)).size).toBe(MISTAKES.length);
  expect(MISTAKES.length).toBeGreaterThanOrEqual(60);
});
