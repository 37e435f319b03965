// The precondition of a single command: that the resource it changes is as its
// author saw it. Called by apply.ts before the command.
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { etagOf } from "./digest.ts";
import type { Draft, Place } from "./draft.ts";
import { quote } from "./error.ts";
import {
  commandNoun,
  isSingleton,
  KIND_NAMES,
  type Kind,
  type ResourceKey,
  singletonKey,
} from "./resource.ts";
import { findResource } from "./state.ts";

/** Whether the command's expected_etag holds; reports it to the draft if not. */
export function holdsEtag(draft: Draft, place: Place, { command, expectedEtag }: Command): boolean {
  if (expectedEtag === "") return true;
  const key = keyOf(command);
  // One level up: expected_etag stands beside the command.
  const beside = { ...place, path: `commands[${place.index}]` };
  if (key === undefined) {
    const message = "expected_etag goes with commands that update or remove one resource";
    const hint = "options.expected_revision guards any diff";
    draft.fail(beside, { code: "invalid", rule: "bad-value", message, hint, field: "expected_etag" });
    return false;
  }
  const found = findResource(draft.base, key);
  const etag = found === undefined ? "" : etagOf(found.hash);
  if (etag === expectedEtag) return true;
  const name = `${KIND_NAMES[key.kind]}${key.id === "" ? "" : ` ${quote(key.id)}`}`;
  const message =
    found === undefined ? `${name} does not exist` : `${name} has etag ${etag}, not ${quote(expectedEtag)}`;
  const hint = "read it again and retry";
  const info = { etag };
  draft.fail(beside, { code: "stale_etag", rule: "stale-etag", message, hint, field: "expected_etag", info });
  return false;
}

/** The resource that a command updates or removes. */
function keyOf({ case: name, value }: Command["command"]): ResourceKey | undefined {
  const [, verb, noun] = /^(update|remove)(.*)$/.exec(name ?? "") ?? [];
  const kind = KINDS.find((one) => commandNoun(one) === noun);
  if (kind === undefined || value === undefined) return undefined;
  const fields = value as unknown as Readonly<Record<string, unknown>>;
  const upstream = kind === ResourceKind.BACKEND ? String(fields["upstream"]) : "";
  if (isSingleton(kind)) return singletonKey(kind);
  const id = verb === "remove" ? fields[`${KIND_NAMES[kind]}Id`] : (fields[KIND_NAMES[kind]] as Named)?.id;
  return { kind, upstream, id: String(id ?? "") };
}

type Named = { readonly id?: string } | undefined;
const KINDS = Object.keys(KIND_NAMES).map((kind) => Number(kind) as Kind);
