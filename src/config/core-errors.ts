// Turns the core's errors about a decoded configuration into diagnostics with
// places in the file. The rules themselves are the core's (one validation for
// files and commands); here they only get their position and the second place. Of
// what the file's own pass has marked, the core's word for the same mistake is left out.
import {
  applyDiff,
  type ConfigError,
  commandsFor,
  emptyState,
  overlaps,
  parseBindAddress,
  routeSignature,
  type State,
  stateFromConfigNear,
} from "../core/index.ts";
import type { ConfigState } from "../gen/sentinel/v1/resources_pb.ts";
import { type Code, codeOf } from "./codes.ts";
import { firstHere, type Related, type Report, type Span } from "./diagnostic.ts";
import { allSpecs, kebab } from "./keys.ts";
import type { Place, Places } from "./places.ts";

/**
 * Rules that a part of the resource which could not be read may have caused, and
 * those of which the file's own pass has told, in the words of the file.
 */
const CAUSED_BY_DAMAGE = [
  "no-conditions",
  "same-route",
  "route-action",
  "missing-key",
  "not-implemented",
  "service-type",
  "bad-export",
  "acme-invalid",
  "limits-conflict",
  "unknown-upstream",
  "unknown-filter",
  "unknown-agent",
  "unknown-route",
  "unknown-namespace",
];

/** Codes of which the core says nothing more on a line where the file's own pass has told one. */
const TOLD_ONCE: readonly Code[] = ["bad-value"];
/** Codes of rules about fields, which the file knows as keys. */
const ABOUT_FIELDS: readonly Code[] = [
  "bad-value",
  "missing-key",
  "duplicate-key",
  "too-many",
  "acme-invalid",
  "no-transport",
];

/**
 * Reports what the core refuses about `config`; the state that it describes if that is nothing.
 * `root` is the place of errors about no resource in particular. With `near`, a state of such
 * a configuration, only what differs from it is checked, unless there is something to report.
 */
export function reportCoreErrors(
  config: ConfigState,
  places: Places,
  root: Span,
  report: Report,
  near: State | undefined,
): State | undefined {
  const next = near && stateFromConfigNear(config, near);
  if (next !== undefined) return next;
  const result = applyDiff(emptyState(), commandsFor(config));
  if (result.ok) return result.state;
  const told = report.errorLines();
  for (const error of result.errors) {
    const place = placeOf(error, places);
    const isCaused = CAUSED_BY_DAMAGE.includes(error.rule) || error.subject?.field === "id";
    if (place?.broken && isCaused) continue;
    const code = codeOf(error.rule);
    const at = spanOf(error, place) ?? root;
    if (place !== undefined && TOLD_ONCE.includes(code) && told.has(`${at.file}:${at.line} ${code}`))
      continue;
    const hasKeys = ABOUT_FIELDS.includes(code);
    report.error(code, at, hasKeys ? inKeys(wording(error)) : wording(error), {
      hints: [hasKeys ? inKeys(error.hint) : error.hint],
      related: relatedOf(error, config, places),
    });
  }
  return undefined;
}

function placeOf({ subject }: ConfigError, places: Places): Place | undefined {
  if (subject === undefined) return undefined;
  return places.get(subject.kind, subject.upstream ?? "", subject.id);
}

/** The field's place, else that of the list or message around it, else the resource's. */
function spanOf({ subject }: ConfigError, place: Place | undefined): Span | undefined {
  if (place === undefined) return undefined;
  for (let field = subject?.field ?? ""; field !== ""; field = field.replace(/(?:\.?[^.[]+|\[\d+\])$/, "")) {
    const at = place.fields.get(field);
    if (at !== undefined) return at;
  }
  return place.at;
}

/** A text in which fields of resources are called as the keys that fill them: 'max_version' is 'max-version'. */
function inKeys(text: string): string {
  keys ??= new Set(allSpecs().flatMap(({ rows }) => rows.flatMap(({ key, also }) => [key, ...also])));
  return text.replace(/(?<=^|[ '.])[a-z0-9]+(?:_[a-z0-9]+)+(?=$|['., [])/g, (name) =>
    keys?.has(kebab(name)) ? kebab(name) : name,
  );
}

let keys: ReadonlySet<string> | undefined;

/** The file's word for a backend is target. */
function wording({ rule, message }: ConfigError): string {
  if (rule === "bad-target") return message.replace("of a backend in", "of a target in");
  if (rule === "duplicate-target") return message.replace(/: backends .*$/, "").replace(/^address/, "target");
  return message;
}

/** The other resource of a conflict between two. */
function relatedOf({ rule, subject }: ConfigError, config: ConfigState, places: Places): Related[] {
  if (subject === undefined) return [];
  const other = rivalOf(rule, subject.id, subject.upstream ?? "", config);
  if (other === undefined) return [];
  const place = places.get(subject.kind, subject.upstream ?? "", other);
  if (place === undefined) return [];
  return [firstHere(place.fields.get(rule === "same-route" ? "id" : "address") ?? place.at)];
}

function rivalOf(rule: string, id: string, upstream: string, config: ConfigState): string | undefined {
  switch (rule) {
    case "address-clash": {
      const address = parse(config.listeners.find((one) => one.id === id)?.address);
      return config.listeners.find((one) => {
        const theirs = parse(one.address);
        return one.id !== id && address !== undefined && theirs !== undefined && overlaps(address, theirs);
      })?.id;
    }
    case "same-route": {
      const route = config.routes.find((one) => one.id === id);
      const signature = route && routeSignature(route);
      return config.routes.find(
        (one) => one.id !== id && one.enabled !== false && routeSignature(one) === signature,
      )?.id;
    }
    case "duplicate-target": {
      const backends = config.upstreams.find((one) => one.id === upstream)?.backends ?? [];
      const address = backends.find((one) => one.id === id)?.address;
      return backends.find((one) => one.id !== id && one.address === address)?.id;
    }
    default:
      return undefined;
  }
}

function parse(address: string | undefined): ReturnType<typeof parseBindAddress> {
  return address === undefined ? undefined : parseBindAddress(address);
}
