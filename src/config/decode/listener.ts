// Decodes listeners; addresses and clashes are checked by the core.
import { type Listener, ListenerSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import { listenerId } from "../schema/listener.ts";
import { type Scope, scopesOf } from "../scopes.ts";
import { type Block, entitiesOf, value } from "../tree.ts";
import { type Decoding, decodeEntity } from "./config.ts";

/** The listeners of a scope. */
export function decodeListeners(scope: Scope, decoding: Decoding): Listener[] {
  const seen = new Set<string>();
  return entitiesOf(scope.block, "listeners", "listener").flatMap((block) => {
    const id = listenerId(block);
    if (id === undefined || seen.has(id) || value(block, "address") === undefined) return [];
    seen.add(id);
    return [decodeEntity(block, scope, ListenerSchema, "listener", decoding, id)];
  });
}

/** Whether any listener is written, in the file or in a namespace. */
export function hasListener(root: Block): boolean {
  return scopesOf(root).some(({ block }) => entitiesOf(block, "listeners", "listener").length > 0);
}
