// Reads the files that a listener's TLS settings name, and checks what is in them.
// What is wrong is an error with the field, the file and what to do; what is in a
// key file is never part of it.
import { X509Certificate } from "node:crypto";
import { constants, open } from "node:fs/promises";
import type { ConfigError } from "../core/index.ts";
import { checkCertificate } from "./check-certificate.ts";
import type { Material, MaterialSource } from "./material.ts";

/** A chain of ten certificates is about 20 kB; a bundle of all public authorities 250 kB. */
const MAX_FILE_BYTES = 4 << 20;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** What was read, or everything that is wrong with it. */
export type ReadMaterial =
  | { readonly ok: true; readonly material: Material; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Reads one source of the listener `id`. Does not throw. */
export async function readMaterial(source: MaterialSource, id: string, now: Date): Promise<ReadMaterial> {
  const errors: ConfigError[] = [];
  const wrong = (part: "cert" | "key" | "ca", file: string, message: string, hint: string) => {
    const field = `${source.field}.${part}_file`;
    errors.push({
      code: "conflict",
      rule: "tls-file",
      path: `listener.${field}`,
      message: `${part === "key" ? "key" : "certificate"} file '${file}' of listener '${id}': ${message}`,
      hint,
      subject: { kind: "listener", id, field },
    });
  };
  const text = async (part: "cert" | "key" | "ca", file: string) => {
    const found = await contents(file);
    if (found.ok) return found.text;
    wrong(part, file, `cannot be read: ${found.reason}`, "Sentinel's user has to be able to read it");
    return undefined;
  };
  const { ref, kind, file, keyFile } = source;
  if (kind === "authorities") {
    const certs = await text("ca", file);
    if (certs === undefined) return { ok: false, errors };
    const problem = authoritiesProblem(certs);
    if (problem === undefined) return { ok: true, material: { ref, kind, certs }, warnings: [] };
    wrong("ca", file, problem, "it has to hold the authorities' certificates in PEM");
    return { ok: false, errors };
  }
  const [cert, key] = [await text("cert", file), await text("key", keyFile)];
  if (cert === undefined || key === undefined) return { ok: false, errors };
  const checked = checkCertificate(cert, key, now);
  if (!checked.ok) {
    for (const { part, message, hint } of checked.problems) {
      wrong(part, part === "cert" ? file : keyFile, message, hint);
    }
    return { ok: false, errors };
  }
  const { names, fingerprint, notAfter, warnings } = checked.certificate;
  return {
    ok: true,
    material: { ref, kind, cert, key, names, fingerprint, notAfter },
    warnings: warnings.map((warning) => `'${file}' of listener '${id}': ${warning}`),
  };
}

function authoritiesProblem(pem: string): string | undefined {
  const blocks = pem.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) return "there is no certificate in PEM";
  for (const [i, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      return `certificate ${i + 1} cannot be read`;
    }
  }
  return undefined;
}

async function contents(
  path: string,
): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }> {
  try {
    // Opening a pipe would wait for somebody who writes.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return { ok: false, reason: "it is not a file" };
      if (stat.size > MAX_FILE_BYTES)
        return { ok: false, reason: `it is larger than ${MAX_FILE_BYTES} bytes` };
      return { ok: true, text: await file.readFile("latin1") };
    } finally {
      await file.close();
    }
  } catch (error) {
    // "ENOENT: no such file or directory, open 'x'"
    const reason = (error as Error).message.replace(/^\w+: /, "").replace(/, \w+(?: '.*')?$/s, "");
    return { ok: false, reason };
  }
}
