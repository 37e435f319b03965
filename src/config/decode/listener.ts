// Decodes listeners; addresses and clashes are checked by the core.
import { create } from "@bufbuild/protobuf";
import { parseBindAddress } from "../../core/index.ts";
import { type Listener, ListenerSchema } from "../../gen/sentinel/v1/resources_pb.ts";
import type { Report } from "../diagnostic.ts";
import { uniqueEntities } from "../duplicates.ts";
import { Fields } from "../fields.ts";
import type { Places } from "../places.ts";
import { isAdmin, isAdminById } from "../schema/listener.ts";
import { type Block, entitiesOf, idOf, items, type Value, value } from "../tree.ts";

/** The listeners that take part in routing. */
export function decodeListeners(root: Block, places: Places, report: Report): Listener[] {
  const decoded: Listener[] = [];
  for (const block of uniqueEntities(root, "listeners", "listener")) {
    checkProtocol(block, report);
    const id = idOf(block);
    const address = value(block, "address");
    if (id === undefined || address === undefined || !isAdminById(block)) continue;
    if (isAdmin(block)) checkExposed(id, address, report);
    const fields = new Fields();
    fields.set("id", value(block, "id")?.at);
    fields.set("address", address.at);
    places.add("listener", "", id, { at: block.at, fields: fields.map, broken: block.broken });
    decoded.push(create(ListenerSchema, { id, address: String(address.value) }));
  }
  return decoded;
}

/** Who can reach an admin listener can read the whole configuration. */
function checkExposed(id: string, address: Value, report: Report): void {
  const host = parseBindAddress(String(address.value))?.host ?? "127.0.0.1";
  if (host === "::1" || host.startsWith("127.")) return;
  const message = `admin listener '${id}' on ${address.value} shows the configuration to other machines`;
  report.warning("admin-exposed", address.at, message, { hints: ["use a loopback address"] });
}

/** Whether any listener is written, in the file or in a namespace. */
export function hasListener(root: Block): boolean {
  if (entitiesOf(root, "listeners", "listener").length > 0) return true;
  const namespaces = entitiesOf(root, "namespaces", "namespace");
  const scopes = namespaces.flatMap((one) => [one, ...entitiesOf(one, "services", "service")]);
  return scopes.some((scope) => entitiesOf(scope, "listeners", "listener").length > 0);
}

/** `http` with a tls block contradicts itself, https and h2 need one. */
function checkProtocol(listener: Block, report: Report): void {
  const protocol = value(listener, "protocol");
  const tls = items(listener, "tls")[0];
  if (protocol === undefined) return;
  const name = `listener '${idOf(listener)}'`;
  if (protocol.value === "http" && tls !== undefined) {
    const hints = ['write protocol "https", or remove the tls block'];
    report.error("tls-missing", protocol.at, `${name} has a tls block but uses protocol http`, { hints });
  } else if ((protocol.value === "https" || protocol.value === "h2") && tls === undefined) {
    const hints = ["add tls { cert-file …; key-file … }"];
    report.error("tls-missing", protocol.at, `${name} uses ${protocol.value} but has no tls block`, {
      hints,
    });
  }
}
