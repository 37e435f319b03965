// Addresses that something other than a listener binds: the metrics and the health
// port must not overlap listeners, nor each other.
import { overlaps, parseBindAddress } from "../../core/index.ts";
import { firstHere, type Report, type Span } from "../diagnostic.ts";
import { type Block, blocksOf, boolOf, idOf, value } from "../tree.ts";

/** What a metrics block without an address binds. */
const DEFAULT_METRICS = "0.0.0.0:9090";

/** Whether only this machine can reach an address; what is no address is left to others. */
export function isLoopback(address: string | undefined): boolean {
  const parsed = address === undefined ? undefined : parseBindAddress(address);
  if (parsed === undefined) return true;
  return parsed.family === "ipv6" ? parsed.host === "::1" : parsed.host.startsWith("127.");
}

interface Bound {
  readonly what: string;
  readonly address: string;
  readonly at: Span;
  readonly isListener: boolean;
}

/** Reports overlaps in which the core, which knows listeners only, sees none. */
export function checkAddresses(root: Block, listeners: readonly Block[], report: Report): void {
  const bound = [...listeners.flatMap(ofListener), ...ofMetrics(root), ...ofHealth(root)];
  for (const [index, one] of bound.entries()) {
    if (one.isListener) continue;
    const other = bound.slice(0, index).find((before) => clash(one.address, before.address));
    if (other === undefined) continue;
    const message = `address ${one.address} of ${one.what} overlaps ${other.address} of ${other.what}`;
    report.error("address-clash", one.at, message, {
      hints: ["use another port"],
      related: [firstHere(other.at)],
    });
  }
}

function ofListener(listener: Block): Bound[] {
  const address = value(listener, "address");
  if (address === undefined) return [];
  const what = `listener '${idOf(listener)}'`;
  return [{ what, address: String(address.value), at: address.at, isListener: true }];
}

function ofMetrics(root: Block): Bound[] {
  const metrics = blocksOf(root, "observability").flatMap((one) => blocksOf(one, "metrics"))[0];
  if (metrics === undefined || boolOf(metrics, "enabled") === false) return [];
  const address = value(metrics, "address");
  const text = String(address?.value ?? DEFAULT_METRICS);
  return [{ what: "observability.metrics", address: text, at: address?.at ?? metrics.at, isListener: false }];
}

function ofHealth(root: Block): Bound[] {
  const address = blocksOf(root, "system").flatMap((system) => value(system, "health-listen") ?? [])[0];
  if (address === undefined) return [];
  return [
    { what: "system.health-listen", address: String(address.value), at: address.at, isListener: false },
  ];
}

function clash(a: string, b: string): boolean {
  const [one, other] = [parseBindAddress(a), parseBindAddress(b)];
  return one !== undefined && other !== undefined && one.port !== 0 && overlaps(one, other);
}
