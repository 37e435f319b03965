// Rules about the files that a configuration names: certificates that can be read,
// parse and belong to their keys, authorities, folders of static files. Left out
// with `--skip-files`; log files, sockets and the pid file are never touched.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { checkCertificate } from "../../tls/check-certificate.ts";
import { pathFrom } from "../decode/system.ts";
import type { Report } from "../diagnostic.ts";
import { readRegularFile, statusOf } from "../regular-file.ts";
import { type Block, describe, type Value, value } from "../tree.ts";

const PATHS = "paths are taken from the folder of the configuration file; --skip-files leaves this check out";

/** Looks at every file that the blocks below name. */
export function checkFiles(block: Block, report: Report): void {
  FILES[block.spec.path]?.(block, report);
  for (const found of block.fields.values()) {
    for (const item of found) if (item.block !== undefined && !item.off) checkFiles(item.block, report);
  }
}

/** Path of a table → what is checked of its blocks. */
const FILES: Readonly<Record<string, (block: Block, report: Report) => void>> = {
  "listeners/listener/tls": (tls, report) => {
    checkPair(tls, "cert-file", "key-file", report, checkServable);
    checkAuthority(tls, "ca-file", report);
  },
  "listeners/listener/tls/sni": (sni, report) =>
    checkPair(sni, "cert-file", "key-file", report, checkServable),
  "upstreams/upstream/tls": (tls, report) => {
    checkPair(tls, "client-cert", "client-key", report);
    checkAuthority(tls, "ca-cert", report);
  },
  "routes/route/static-files": checkRoot,
};

type Files = { readonly cert: Value; readonly key: Value };

/** A certificate and its key; `further` is asked when they belong together. */
function checkPair(
  block: Block,
  certKey: string,
  keyKey: string,
  report: Report,
  further?: (cert: Buffer, key: Buffer, files: Files, report: Report) => void,
): void {
  const [cert, key] = [value(block, certKey), value(block, keyKey)];
  const parsedCert =
    cert && parsed(cert, "certificate", (pem) => ({ pem, cert: new X509Certificate(pem) }), report);
  const parsedKey = key && parsed(key, "key", (pem) => ({ pem, key: createPrivateKey(pem) }), report);
  if (cert === undefined || key === undefined || parsedCert === undefined || parsedKey === undefined) return;
  if (parsedCert.cert.checkPrivateKey(parsedKey.key)) {
    return further?.(parsedCert.pem, parsedKey.pem, { cert, key }, report);
  }
  const message = `certificate file '${cert?.value}' does not match key file '${key?.value}'`;
  const hints = ["the key must be the one that the first certificate of the file was made for"];
  report.error("tls-file", cert?.at ?? block.at, message, { hints });
}

/** What else keeps a pair from being served, the same as when it is read to be. */
function checkServable(cert: Buffer, key: Buffer, files: Files, report: Report): void {
  // Dates only warn, and what warns today may not tomorrow: that is for who serves it.
  const checked = checkCertificate(cert.toString("latin1"), key.toString("latin1"), new Date(0));
  if (checked.ok) return;
  for (const { part, message, hint } of checked.problems) {
    const { at, value: file } = files[part];
    const what = part === "cert" ? "certificate" : "key";
    report.error("tls-file", at, `${what} file '${file}': ${message}`, { hints: [hint] });
  }
}

/** The certificate or key in a file; undefined after a report. */
function parsed<T>(file: Value, what: string, parse: (pem: Buffer) => T, report: Report): T | undefined {
  const pem = contents(file, what, report);
  if (pem === undefined) return undefined;
  try {
    return parse(pem);
  } catch {
    const hints = [`a ${what} in PEM begins with -----BEGIN`];
    report.error("tls-file", file.at, `${what} file '${file.value}' holds no ${what} in PEM`, { hints });
    return undefined;
  }
}

function contents(file: Value, what: string, report: Report): Buffer | undefined {
  try {
    return readRegularFile(pathFrom(file.at, String(file.value)));
  } catch (error) {
    report.error("tls-file", file.at, `${what} file '${file.value}' cannot be read: ${reasonOf(error)}`, {
      hints: [PATHS],
    });
    return undefined;
  }
}

function checkAuthority(block: Block, key: string, report: Report): void {
  const file = value(block, key);
  if (file === undefined) return;
  try {
    new X509Certificate(readRegularFile(pathFrom(file.at, String(file.value))));
  } catch (error) {
    const reason = isSystemError(error)
      ? `cannot be read: ${reasonOf(error)}`
      : "holds no certificate in PEM";
    report.error("file-missing", file.at, `'${key}' file '${file.value}' of ${describe(block)} ${reason}`, {
      hints: [PATHS],
    });
  }
}

function checkRoot(files: Block, report: Report): void {
  const root = value(files, "root");
  if (root === undefined) return;
  const found = statusOf(pathFrom(root.at, String(root.value)));
  if (found?.isDirectory()) return;
  const route = describe(files.parent ?? files);
  report.error("file-missing", root.at, `static root '${root.value}' of ${route} is not a directory`, {
    hints: [PATHS],
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === "object" && error !== null && "syscall" in error;
}

/** "no such file or directory", without the code and the path. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/^\w+: /, "").replace(/, \w+(?: '.*')?$/, "");
}
