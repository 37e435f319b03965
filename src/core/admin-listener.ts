// Which listeners serve the admin endpoints: such a listener takes no part in
// routing, and no worker binds it.
import type { Listener } from "../gen/sentinel/v1/resources_pb.ts";

/** Whether a listener does: by its field `admin`, else by its id. */
export function isAdminListener(listener: Listener): boolean {
  return (listener as Listener & { readonly admin?: boolean }).admin ?? listener.id === "admin";
}
