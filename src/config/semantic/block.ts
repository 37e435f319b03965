// Rules about single blocks whose keys do not fit together, by the path of their
// table: one function each, run on every block of that table wherever it stands.
import type { Report } from "../diagnostic.ts";
import {
  type Block,
  blocksOf,
  boolOf,
  describe,
  items,
  markBroken,
  numberOf,
  textOf,
  value,
  values,
} from "../tree.ts";
import { checkCiphers } from "./ciphers.ts";
import { atMostOne, bothOrNone } from "./fit.ts";
import { checkAcme, checkServerNames, checkTls } from "./listener.ts";
import { checkBackoff, checkBudget, checkSchemaSource } from "./route.ts";

type Rule = (block: Block, report: Report) => void;

/** Path of a table → what holds for its blocks. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  limits: [checkBufferLimit],
  cache: [checkDiskPath],
  "listeners/listener/tls": [checkTls, checkServerNames, checkCiphers],
  "listeners/listener/tls/acme": [checkAcme],
  "routes/route/retry-policy": [checkBackoff],
  "routes/route/api-schema": [checkSchemaSource],
  "routes/route/inference/budget": [checkBudget],
  "upstreams/upstream/tls": [checkClientCertificate, checkVerification],
  "upstreams/upstream/health-check": [checkCheckTimes],
  "filters/filter": [checkCors, checkReplacements],
  "agents/agent": [checkProtocolVersion],
};

/** Runs the rules on every block below. */
export function checkBlocks(block: Block, report: Report): void {
  for (const rule of RULES[block.spec.path] ?? []) rule(block, report);
  for (const found of block.fields.values()) {
    for (const item of found) if (item.block !== undefined && !item.off) checkBlocks(item.block, report);
  }
}

/** One buffered body cannot be larger than a body. */
function checkBufferLimit(limits: Block, report: Report): void {
  const buffer = value(limits, "max-body-buffer-bytes");
  const body = numberOf(limits, "max-body-size-bytes");
  if (buffer === undefined || body === undefined || Number(buffer.value) <= body) return;
  const sizes = `max-body-buffer-bytes (${sizeText(Number(buffer.value))}) exceeds max-body-size-bytes (${sizeText(body)})`;
  report.error("limits-conflict", buffer.at, sizes, { hints: ["lower the buffer, or raise the body size"] });
  markBroken(limits);
}

function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024 && rest % 1024 === 0 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${rest} ${units[unit]}`;
}

function checkDiskPath(cache: Block, report: Report): void {
  const backend = blocksOf(cache, "backend")[0];
  const type = backend && value(backend, "type");
  if (backend === undefined || type === undefined || type.value === "memory") return;
  if ([cache, backend].some((one) => items(one, "disk-path").length > 0)) return;
  report.error("missing-key", type.at, `backend '${type.value}' of 'cache' needs 'disk-path'`, {
    hints: ['add disk-path "/var/cache/sentinel"'],
  });
  markBroken(cache);
}

function checkClientCertificate(tls: Block, report: Report): void {
  bothOrNone(tls, ["client-cert", "client-key"], report);
}

function checkVerification(tls: Block, report: Report): void {
  const skip = value(tls, "insecure-skip-verify");
  const verify = value(tls, "verify");
  const off = skip?.value === true ? skip : verify?.value === false ? verify : undefined;
  if (off === undefined) return;
  const message = `certificates of ${describe(tls.parent ?? tls)} are not verified`;
  report.warning("insecure", off.at, message, { hints: ["name the authority with ca-cert instead"] });
}

/** Both in milliseconds, whatever they were written in. */
function checkCheckTimes(check: Block, report: Report): void {
  const time = (key: string) => value(check, `${key}-secs`) ?? value(check, `${key}-ms`);
  const [interval, timeout] = [time("interval"), time("timeout")];
  if (timeout === undefined || Number(timeout.value) <= Number(interval?.value ?? 10_000)) return;
  const message = `the timeout of ${describe(check)} is longer than its interval`;
  report.warning("unused-value", timeout.at, message, { hints: ["a check ends when the next one begins"] });
}

/** Browsers refuse credentials for any origin. */
function checkCors(filter: Block, report: Report): void {
  if (textOf(filter, "type") !== "cors" || boolOf(filter, "allow-credentials") !== true) return;
  const origins = values(filter, "allowed-origins");
  const any = origins.find((one) => one.value === "*");
  if (any === undefined && origins.length > 0) return;
  const at = any?.at ?? value(filter, "allow-credentials")?.at ?? filter.at;
  report.error("bad-value", at, `${describe(filter)} allows credentials for every origin`, {
    hints: ["list the origins in allowed-origins, or remove allow-credentials"],
  });
}

function checkReplacements(filter: Block, report: Report): void {
  atMostOne(filter, ["replace-full-path", "replace-prefix-match"], report);
}

/** The older dialect is spoken over unix sockets only. */
function checkProtocolVersion(agent: Block, report: Report): void {
  const version = value(agent, "protocol-version");
  if (version?.value !== "1") return;
  const typed = blocksOf(agent, "transport").some((one) => textOf(one, "type") === "unix_socket");
  if (typed || items(agent, "unix-socket").length > 0) return;
  report.error("bad-value", version.at, `protocol-version 1 of ${describe(agent)} needs a unix socket`, {
    hints: ["use unix-socket, or protocol-version 2"],
  });
}
