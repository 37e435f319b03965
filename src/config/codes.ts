// The codes of diagnostics: the one place where they are defined, with what each
// means and an example. Codes are part of the interface; wording may improve.
// docs/errors.md is this table, and a test keeps it so and tries every example.

/** What a code says. */
export interface CodeInfo {
  readonly severity: "error" | "warning" | "note" | "error or warning";
  /** Whole sentences, as in docs/errors.md. */
  readonly meaning: string;
  /** KDL that has this problem, beside others. Undefined where it takes more than one text. */
  readonly example?: string;
}

const error = (meaning: string, example?: string): CodeInfo => info("error", meaning, example);
const warning = (meaning: string, example?: string): CodeInfo => info("warning", meaning, example);
const note = (meaning: string, example?: string): CodeInfo => info("note", meaning, example);

function info(severity: CodeInfo["severity"], meaning: string, example?: string): CodeInfo {
  return example === undefined ? { severity, meaning } : { severity, meaning, example };
}

/** Every code, in the order of the documentation: text, files, keys and values, what they mean together. */
export const CODES = {
  syntax: error(
    "The text is not valid KDL, JSON or TOML, is not UTF-8, or is nested too deep. Nothing else in this file is checked.",
    "system { daemon true; auto-reload #true; }",
  ),
  "kdl-v1": warning(
    "The file is KDL 1. It is read; `sentinel fmt --upgrade` turns it into KDL 2.",
    "system { daemon true; }",
  ),
  "second-reader": note(
    "Another parser reads the file differently. This is a defect of Sentinel, not of the file: please report it.",
  ),
  "unknown-format": error("The extension is none of `.kdl`, `.json` and `.toml`."),
  "no-files": error("The file or folder cannot be read, or the folder has no `.kdl` file."),
  "skipped-files": note("A folder has files with other extensions, which `--config-dir` does not read."),
  "too-many-files": error("A pattern, a folder or a chain of includes leads to more files than are read."),
  "missing-include": error(
    "An included file is not there, cannot be read, or is a folder. Only a pattern may match nothing.",
    'include "nowhere.kdl"',
  ),
  "empty-include": warning("A pattern matches no file.", 'include "nowhere/*.kdl"'),
  "include-cycle": error("Files include each other. Every directive of the chain is shown."),
  "misplaced-include": error("`include` is allowed at top level only.", 'routes { include "x.kdl"; }'),
  conflict: error(
    "Two parts of a configuration contradict each other: schema versions of two files, or `sentinel.kdl` and `zentinel.kdl` in one folder.",
  ),
  "schema-invalid": error('A schema version is a string "major.minor".', 'schema-version "1"'),
  "schema-older": error("The schema version is no longer supported.", 'schema-version "0.9"'),
  "schema-newer": warning(
    "The schema version is newer than this release; what it added may be unknown.",
    'schema-version "2.0"',
  ),
  "unknown-block": error("There is no such block at top level.", "sytem { }"),
  "unknown-key": error("There is no such key in this block.", "system { worker-treads 4; }"),
  "duplicate-key": error(
    "A key that has one value is given twice in a block, in whatever spelling.",
    "system { worker-threads 1; workers 2; }",
  ),
  "duplicate-block": error(
    "A block that may occur once in the whole configuration occurs twice.",
    "system { }\nsystem { }",
  ),
  "duplicate-id": error(
    "Two of one kind in one scope have the same id.",
    'upstream "u" { targets; }\nupstream "u" { targets; }',
  ),
  "duplicate-target": error(
    "An address is listed twice in an upstream.",
    'upstream "u" { targets "10.0.0.1:80" "10.0.0.1:80"; }',
  ),
  "missing-id": error("A listener, route, upstream, filter or agent has no id.", "routes { route { }; }"),
  "missing-key": error("A key that the block needs is not there.", 'listener "http"'),
  "bad-type": error("A value is of another type than the key takes.", 'system { worker-threads "many"; }'),
  "bad-value": error(
    "A value is out of range, or none of the words that are allowed.",
    "system { worker-threads 5000; }",
  ),
  "extra-value": error(
    "A key has more values than it takes. Often a line is missing a `;`.",
    "system { worker-threads 1 2; }",
  ),
  "bad-id": error(
    "An id has 1 to 128 characters, without `:` and control characters.",
    'listener "a:b" address="127.0.0.1:80"',
  ),
  "quoted-value": warning(
    "A number or boolean is written as a string. It is taken at its value.",
    'system { worker-threads "4"; }',
  ),
  deprecated: warning("The key is an older name.", "server { }"),
  "literal-placeholder": warning(
    "Nothing is expanded in a configuration; the value is taken as it is written.",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the code is about
    'system { user "${USER}"; }',
  ),
  "not-implemented": info(
    "error or warning",
    "The key belongs to the format but does nothing in this version. An error where ignoring it would be unsafe.",
    'listener "web" address="127.0.0.1:443" protocol="https" { tls { cert-file "a"; key-file "b"; }; }',
  ),
  "unused-value": warning("A value has no effect here."),
  "no-listeners": error("There is no listener, so nothing could be served.", "routes { }"),
  "no-routes": warning(
    "There is no route: every request will be answered with 404.",
    'listener "http" address="127.0.0.1:8080"',
  ),
  "bad-address": error(
    "An address to listen on is `IP:PORT`, `[v6]:PORT` or `localhost:PORT`.",
    'listener "http" address="localhost"',
  ),
  "address-clash": error(
    "Two listeners, or a listener and another part, would listen on the same address.",
    'listener "a" address="0.0.0.0:80"\nlistener "b" address="127.0.0.1:80"',
  ),
  "bad-target": error(
    "A target is `HOST:PORT`, without a scheme and a path.",
    'upstream "u" { target "http://a"; }',
  ),
  "default-port": warning(
    "A target is a bare IP address; it gets port 80, or 443 with TLS.",
    'upstream "u" { target "10.0.0.1"; }',
  ),
  "plain-443": warning(
    "A target has port 443, but the upstream speaks without TLS.",
    'upstream "u" { target "10.0.0.1:443"; }',
  ),
  "no-targets": error(
    "An upstream has no targets. `targets { }` says that they come at run time.",
    'upstream "u" { load-balancing "round_robin"; }',
  ),
  insecure: warning(
    "The control interface or a connection is open or unchecked, as it was asked for.",
    'control { listen "127.0.0.1:9901" insecure=#true; }',
  ),
  "next-start": warning(
    "A reload has found a setting changed that is looked at when Sentinel starts; restart it to have it.",
  ),
  "admin-exposed": warning("An admin listener is reachable from other machines."),
  "exposed-handler": warning("A handler that shows the configuration is reachable from other machines."),
  "unknown-upstream": error(
    "A reference names no upstream.",
    'route "r" { match path="/"; upstream "nobody"; }',
  ),
  "unknown-filter": error(
    "A reference names no filter.",
    'route "r" { match path="/"; upstream "u"; filters "nobody"; }',
  ),
  "unknown-agent": error(
    "A reference names no agent.",
    'route "r" { match path="/"; upstream "u"; agents "nobody"; }',
  ),
  "unknown-route": error(
    "A reference names no route.",
    'listener "http" address="127.0.0.1:80" default-route="nobody"',
  ),
  "unknown-namespace": error("A reference names no namespace."),
  "ambiguous-ref": error("Several namespaces export what a reference names. Write `namespace:id`."),
  "bad-export": error("A namespace exports what it does not have."),
  "no-conditions": error(
    'A route has no conditions. `path-prefix "/"` takes every request.',
    'route "r" { upstream "u"; }\nupstream "u" { targets; }',
  ),
  "same-route": error(
    "Two routes have the same priority and conditions, so the second would never be chosen.",
    'route "a" { match path="/"; upstream "u"; }\nroute "b" { match path="/"; upstream "u"; }\nupstream "u" { targets; }',
  ),
  "never-matches": warning(
    "The conditions of a route contradict each other.",
    'route "r" { matches { path "/a"; path-regex "^/b"; }; upstream "u"; }\nupstream "u" { targets; }',
  ),
  shadowed: note("A route is never reached, since another one takes all that it would match."),
  unused: note("Nothing refers to an upstream, filter or agent."),
  "route-action": error(
    "A route has nothing that serves the request, or more than one thing.",
    'route "r" { match path="/"; }',
  ),
  "service-type": error(
    "The service type of a route and what serves it do not fit.",
    'route "r" { match path="/"; service-type "builtin"; upstream "u"; }\nupstream "u" { targets; }',
  ),
  "no-transport": error("An agent needs exactly one transport.", 'agent "a" { failure-mode "open"; }'),
  "bad-regex": error(
    "A pattern does not compile.",
    'route "r" { matches { path-regex "("; }; upstream "u"; }\nupstream "u" { targets; }',
  ),
  "bad-order": error(
    "The `order` of a route is no order key. Leave it out; it is written by `sentinel state`.",
  ),
  "tls-missing": error(
    "A listener speaks https without a `tls` block, or has one and speaks http.",
    'listener "web" address="127.0.0.1:443" protocol="https"',
  ),
  "tls-file": error("A certificate or key cannot be read, or they do not belong together."),
  "sni-ambiguous": error("Two `sni` blocks of a listener have the same name."),
  "acme-invalid": error("An `acme` block lacks something or contradicts another one."),
  "file-missing": error("A folder or file that the configuration names is not there."),
  "limits-conflict": error("Two limits contradict each other."),
  referenced: error("What is removed is still in use."),
  "run-time-conflict": error(
    'The same field was changed in the file and at run time, and `reload-conflicts` is "refuse".',
  ),
  "too-many": error("There is more of one kind than Sentinel takes."),
  invalid: error("Another rule of the configuration is broken; the message says which."),
} as const satisfies Readonly<Record<string, CodeInfo>>;

/** A code of a diagnostic. */
export type Code = keyof typeof CODES;

/** The code of a rule of the core; rules without a code of their own are `invalid`. */
export function codeOf(rule: string): Code {
  return Object.hasOwn(CODES, rule) ? (rule as Code) : "invalid";
}
