// The precondition of a single command: that the resource it changes is as its
// author saw it. Called by apply.ts before the command.
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ResourceKind } from "../gen/sentinel/v1/resources_pb.ts";
import { etagOf } from "./digest.ts";
import type { Draft, Place } from "./draft.ts";
import { quote } from "./error.ts";
import { KIND_NAMES, type ResourceKey } from "./resource.ts";
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
function keyOf(command: Command["command"]): ResourceKey | undefined {
  const of = (kind: ResourceKey["kind"], id = "", upstream = ""): ResourceKey => ({ kind, upstream, id });
  switch (command.case) {
    case "updateSystem":
      return of(ResourceKind.SYSTEM);
    case "updateListener":
      return of(ResourceKind.LISTENER, command.value.listener?.id);
    case "removeListener":
      return of(ResourceKind.LISTENER, command.value.listenerId);
    case "updateRoute":
      return of(ResourceKind.ROUTE, command.value.route?.id);
    case "removeRoute":
      return of(ResourceKind.ROUTE, command.value.routeId);
    case "updateUpstream":
      return of(ResourceKind.UPSTREAM, command.value.upstream?.id);
    case "removeUpstream":
      return of(ResourceKind.UPSTREAM, command.value.upstreamId);
    case "updateBackend":
      return of(ResourceKind.BACKEND, command.value.backend?.id, command.value.upstream);
    case "removeBackend":
      return of(ResourceKind.BACKEND, command.value.backendId, command.value.upstream);
    default:
      return undefined;
  }
}
