// Certificates for tests, made by the openssl command in a folder that is removed
// afterwards. Not a test.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether certificates can be made here; else tests say so in a line. */
export const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;

/** Files of a certificate and its key, and what is in them. */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is like. */
export interface Wanted {
  /** Subject alternative names, for example "DNS:a.test"; none: no extension. */
  readonly names?: readonly string[];
  /** Arguments of `openssl genpkey`. Default: ECDSA P-256. */
  readonly key?: readonly string[];
  readonly days?: number;
  /** "YYYYMMDDHHMMSSZ" in place of `days`. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Who issues it. Default: the authority itself. */
  readonly issuer?: Issued;
  readonly isAuthority?: boolean;
}

const P256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** An authority and what it issues. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), "sentinel-tls-"));
  readonly root: Issued;
  #serial = 1;

  constructor() {
    const keyFile = this.#key("root", P256);
    const certFile = join(this.folder, "root.crt");
    const subject = ["-subj", "/CN=Test Root", "-days", "3650"];
    openssl(["req", "-x509", "-new", "-key", keyFile, "-out", certFile, ...subject]);
    this.root = read(certFile, keyFile);
  }

  /** Issues a certificate; files are called NAME.crt and NAME.key. */
  issue(name: string, wanted: Wanted = {}): Issued {
    const {
      names = [`DNS:${name}`],
      key = P256,
      days = 365,
      issuer = this.root,
      isAuthority = false,
    } = wanted;
    const keyFile = this.#key(name, key);
    const certFile = join(this.folder, `${name}.crt`);
    const request = join(this.folder, `${name}.csr`);
    openssl(["req", "-new", "-key", keyFile, "-out", request, "-subj", `/CN=${name}`]);
    const extensions = join(this.folder, `${name}.ext`);
    const alternative = names.length > 0 ? [`subjectAltName=${names.join(",")}`] : [];
    const basic = isAuthority ? ["basicConstraints=critical,CA:TRUE"] : ["basicConstraints=CA:FALSE"];
    writeFileSync(extensions, [...basic, ...alternative].join("\n"));
    const { notBefore, notAfter } = wanted;
    const dates =
      notBefore === undefined || notAfter === undefined
        ? ["-days", `${days}`]
        : ["-not_before", notBefore, "-not_after", notAfter];
    const by = ["-CA", issuer.certFile, "-CAkey", issuer.keyFile, "-set_serial", `${++this.#serial}`];
    openssl(["x509", "-req", "-in", request, "-out", certFile, ...by, ...dates, "-extfile", extensions]);
    return read(certFile, keyFile);
  }

  /** Writes a file into the folder; its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #key(name: string, algorithm: readonly string[]): string {
    const path = join(this.folder, `${name}.key`);
    openssl(["genpkey", ...algorithm, "-out", path]);
    return path;
  }
}

function read(certFile: string, keyFile: string): Issued {
  return {
    certFile,
    keyFile,
    cert: readFileSync(certFile, "latin1"),
    key: readFileSync(keyFile, "latin1"),
  };
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}
