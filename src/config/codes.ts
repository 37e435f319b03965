// The codes of diagnostics: the one place where they are defined, with what each
// means and an example. Codes are part of the interface; wording may improve.
// docs/errors.md is this table, and a test keeps it so and tries every example.

/** What a code says. */
export interface CodeInfo {
  readonly severity: "error" | "warning" | "note" | "error or warning";
  /** Whole sentences, as in docs/errors.md. */
  readonly meaning: string;
  /** What to do about it, where nothing better is known; "" of what is never an error. */
  readonly hint: string;
  /** KDL that has this problem, beside others. Undefined where it takes more than one text. */
  readonly example?: string;
}

const error = (meaning: string, hint: string, example?: string): CodeInfo =>
  info("error", meaning, hint, example);
const warning = (meaning: string, example?: string): CodeInfo => info("warning", meaning, "", example);
const note = (meaning: string, example?: string): CodeInfo => info("note", meaning, "", example);

function info(severity: CodeInfo["severity"], meaning: string, hint: string, example?: string): CodeInfo {
  return example === undefined ? { severity, meaning, hint } : { severity, meaning, hint, example };
}

/** Every code, in the order of the documentation: text, files, keys and values, what they mean together. */
export const CODES = {
  syntax: error(
    "The text is not valid KDL, JSON or TOML, is not UTF-8, or is nested too deep. Nothing else in this file is checked.",
    "the mistake is here, or shortly before it",
    "system { daemon true; auto-reload #true; }",
  ),
  "kdl-v1": warning(
    "The file is KDL 1. It is read; `sentinel fmt --upgrade` turns it into KDL 2.",
    "system { daemon true; }",
  ),
  "second-reader": note(
    "Another parser reads the file differently. This is a defect of Sentinel, not of the file: please report it.",
  ),
  "unknown-format": error(
    "The extension is none of `.kdl`, `.json` and `.toml`.",
    "give the file one of these extensions",
  ),
  "no-files": error(
    "The file or folder cannot be read, or the folder has no `.kdl` file.",
    "name a configuration file, or a folder that has one",
  ),
  "skipped-files": note("A folder has files with other extensions, which `--config-dir` does not read."),
  "too-many-files": error(
    "A pattern, a folder or a chain of includes leads to more files than are read.",
    "put the parts into fewer files and folders",
  ),
  "missing-include": error(
    "An included file is not there, cannot be read, or is a folder. Only a pattern may match nothing.",
    "check the path; it is taken from the folder of the file that names it",
    'include "nowhere.kdl"',
  ),
  "empty-include": warning("A pattern matches no file.", 'include "nowhere/*.kdl"'),
  "include-cycle": error(
    "Files include each other. Every directive of the chain is shown.",
    "remove one of the directives of the circle",
  ),
  "misplaced-include": error(
    "`include` is allowed at top level only.",
    "write it at top level",
    'routes { include "x.kdl"; }',
  ),
  conflict: error(
    "Two parts of a configuration contradict each other: schema versions of two files, or `sentinel.kdl` and `zentinel.kdl` in one folder.",
    "make the two say the same, or remove one",
  ),
  "schema-invalid": error(
    'A schema version is a string "major.minor".',
    'write schema-version "1.0"',
    'schema-version "1"',
  ),
  "schema-older": error(
    "The schema version is no longer supported.",
    "migrate the file to the current schema",
    'schema-version "0.9"',
  ),
  "schema-newer": warning(
    "The schema version is newer than this release; what it added may be unknown.",
    'schema-version "2.0"',
  ),
  "unknown-block": error(
    "There is no such block at top level.",
    "docs/config.md lists the blocks and keys",
    "sytem { }",
  ),
  "unknown-key": error(
    "There is no such key in this block.",
    "docs/config.md lists the keys of every block",
    "system { worker-treads 4; }",
  ),
  "duplicate-key": error(
    "A key that has one value is given twice in a block, in whatever spelling.",
    "keep one of the two",
    "system { worker-threads 1; workers 2; }",
  ),
  "duplicate-block": error(
    "A block that may occur once in the whole configuration occurs twice.",
    "put what both say into one block",
    "system { }\nsystem { }",
  ),
  "duplicate-id": error(
    "Two of one kind in one scope have the same id.",
    "give one of the two another id, or remove it",
    'upstream "u" { targets; }\nupstream "u" { targets; }',
  ),
  "duplicate-target": error(
    "An address is listed twice in an upstream.",
    "keep one of the two; 'weight' says how much of the traffic it gets",
    'upstream "u" { targets "10.0.0.1:80" "10.0.0.1:80"; }',
  ),
  "missing-id": error(
    "A listener, route, upstream, filter or agent has no id.",
    "write the id after the name of the block, in quotes",
    "routes { route { }; }",
  ),
  "missing-key": error(
    "A key that the block needs is not there.",
    "add it; docs/config.md says what it takes",
    'listener "http"',
  ),
  "bad-type": error(
    "A value is of another type than the key takes.",
    "docs/config.md says what the key takes",
    'system { worker-threads "many"; }',
  ),
  "bad-value": error(
    "A value is out of range, or none of the words that are allowed.",
    "docs/config.md says which values the key takes",
    "system { worker-threads 5000; }",
  ),
  "extra-value": error(
    "A key has more values than it takes. Often a line is missing a `;`.",
    "remove the others, or separate two keys with ';' or a new line",
    "system { worker-threads 1 2; }",
  ),
  "bad-id": error(
    "An id has 1 to 128 characters, without `:` and control characters.",
    "use another id",
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
    "remove it, or use a version that has it",
    "limits { max-header-count 50; }",
  ),
  "unused-value": warning("A value has no effect here."),
  "no-listeners": error(
    "There is no listener, so nothing could be served.",
    'add a listeners { listener "http" { address "0.0.0.0:8080" } } block',
    "routes { }",
  ),
  "no-routes": warning(
    "There is no route: every request will be answered with 404.",
    'listener "http" address="127.0.0.1:8080"',
  ),
  "bad-address": error(
    "An address to listen on is `IP:PORT`, `[v6]:PORT` or `localhost:PORT`.",
    "expected host:port, for instance 0.0.0.0:8080",
    'listener "http" address="localhost"',
  ),
  "address-clash": error(
    "Two listeners, or a listener and another part, would listen on the same address.",
    "use another port",
    'listener "a" address="0.0.0.0:80"\nlistener "b" address="127.0.0.1:80"',
  ),
  "bad-target": error(
    "A target is `HOST:PORT`, without a scheme and a path.",
    "expected host:port without scheme",
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
    'add target "127.0.0.1:8081", or targets { } for a pool filled at run time',
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
    "define the upstream, or remove what names it",
    'route "r" { match path="/"; upstream "nobody"; }',
  ),
  "unknown-filter": error(
    "A reference names no filter.",
    "define the filter, or remove what names it",
    'route "r" { match path="/"; upstream "u"; filters "nobody"; }',
  ),
  "unknown-agent": error(
    "A reference names no agent.",
    "define the agent, or remove what names it",
    'route "r" { match path="/"; upstream "u"; agents "nobody"; }',
  ),
  "unknown-route": error(
    "A reference names no route.",
    "define the route, or remove what names it",
    'listener "http" address="127.0.0.1:80" default-route="nobody"',
  ),
  "unknown-namespace": error(
    "A reference names no namespace.",
    "define the namespace, or remove what names it",
  ),
  "ambiguous-ref": error(
    "Several namespaces export what a reference names. Write `namespace:id`.",
    "write namespace:id",
  ),
  "bad-export": error(
    "A namespace exports what it does not have.",
    "only what the namespace itself defines can be exported",
  ),
  "no-conditions": error(
    'A route has no conditions. `path-prefix "/"` takes every request.',
    'add a condition such as path-prefix "/", or set priority "low"',
    'route "r" { upstream "u"; }\nupstream "u" { targets; }',
  ),
  "same-route": error(
    "Two routes have the same priority and conditions, so the second would never be chosen.",
    "change the priority or the conditions of one of the two",
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
    "a route has exactly one of upstream, static-files and builtin-handler",
    'route "r" { match path="/"; }',
  ),
  "service-type": error(
    "The service type of a route and what serves it do not fit.",
    "remove service-type; it follows from what the route does",
    'route "r" { match path="/"; service-type "builtin"; upstream "u"; }\nupstream "u" { targets; }',
  ),
  "no-transport": error(
    "An agent needs exactly one transport.",
    "add one of unix-socket, grpc and transport",
    'agent "a" { failure-mode "open"; }',
  ),
  "bad-regex": error(
    "A pattern does not compile.",
    "patterns are those of RE2: no backreferences, no look-around",
    'route "r" { matches { path-regex "("; }; upstream "u"; }\nupstream "u" { targets; }',
  ),
  "bad-order": error(
    "The `order` of a route is no order key. Leave it out; it is written by `sentinel state`.",
    "leave it out; routes are in the order of the file",
  ),
  "tls-missing": error(
    "A listener speaks https without a `tls` block, or has one and speaks http.",
    "a listener has a tls block and the protocol https, or neither",
    'listener "web" address="127.0.0.1:443" protocol="https"',
  ),
  "tls-file": error(
    "A certificate or key cannot be read, or they do not belong together.",
    "check the path and the file; --skip-files leaves this check out",
  ),
  "sni-ambiguous": error(
    "Two `sni` blocks of a listener have the same name.",
    "a name is served with one certificate; remove it from one of the two",
  ),
  "acme-invalid": error(
    "An `acme` block lacks something or contradicts another one.",
    "docs/config.md says what an acme block needs",
  ),
  "file-missing": error(
    "A folder or file that the configuration names is not there.",
    "check the path; it is taken from the folder of the configuration file, and --skip-files leaves this check out",
  ),
  "limits-conflict": error("Two limits contradict each other.", "lower one of the two, or raise the other"),
  referenced: error("What is removed is still in use.", "remove or change what refers to it, too"),
  "run-time-conflict": error(
    'The same field was changed in the file and at run time, and `reload-conflicts` is "refuse".',
    'undo one of the two changes, or let the file win: reload-conflicts "file"',
  ),
  "too-many": error(
    "There is more of one kind than Sentinel takes.",
    "split the configuration over several Sentinels, or remove what is not used",
  ),
  invalid: error(
    "Another rule of the configuration is broken; the message says which.",
    "the message says what must hold",
  ),
} as const satisfies Readonly<Record<string, CodeInfo>>;

/** A code of a diagnostic. */
export type Code = keyof typeof CODES;

/** The code of a rule of the core; rules without a code of their own are `invalid`. */
export function codeOf(rule: string): Code {
  return Object.hasOwn(CODES, rule) ? (rule as Code) : "invalid";
}
