// Files that a configuration names: real certificates in a folder of their own,
// since only those can match or not.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { loadConfigText } from "../../src/config/load.ts";

let folder: string;

/** Whether the machine can make certificates. */
function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function makeCertificate(name: string, hasName = true): void {
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-addext", `subjectAltName=DNS:${name}.test`];
  const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`)];
  execFileSync(
    "openssl",
    [...args, ...(hasName ? names : []), ...files, "-days", "1", "-subj", `/CN=${name}`],
    {
      stdio: "ignore",
    },
  );
}

const isPossible = hasOpenssl();
if (!isPossible) process.stdout.write("files: openssl is not here; certificates are not made\n");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-files-"));
  writeFileSync(join(folder, "text.txt"), "no PEM\n");
  if (!isPossible) return;
  for (const name of ["a", "b"]) makeCertificate(name);
  makeCertificate("nameless", false);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** "code: message" of what is said about files. */
function about(contents: string, skipFiles = false): string[] {
  const text = `listener "web" { address "127.0.0.1:1"; ${contents} }\nroute "r" { match path="/"; upstream "u"; }\nupstream "u" { targets; }`;
  const { diagnostics } = loadConfigText(join(folder, "sentinel.kdl"), text, { skipFiles });
  return diagnostics
    .filter(({ code }) => code === "tls-file" || code === "file-missing")
    .map(({ code, message, line, column }) => `${code} ${line}:${column} ${message}`);
}

describe("certificates", () => {
  const pair = (cert: string, key: string) => `tls { cert-file "${cert}"; key-file "${key}"; }`;

  test("that are not there", () => {
    expect(about(pair("x.crt", "x.key"))).toEqual([
      "tls-file 1:57 certificate file 'x.crt' cannot be read: no such file or directory",
      "tls-file 1:75 key file 'x.key' cannot be read: no such file or directory",
    ]);
  });

  test("that are none", () => {
    expect(about(pair("text.txt", "text.txt"))).toEqual([
      "tls-file 1:57 certificate file 'text.txt' holds no certificate in PEM",
      "tls-file 1:78 key file 'text.txt' holds no key in PEM",
    ]);
    expect(about(pair(".", "."))[0]).toContain("cannot be read: illegal operation on a directory");
  });

  (isPossible ? test : test.skip)("that belong together, and that do not", () => {
    expect(about(pair("a.crt", "a.key"))).toEqual([]);
    expect(about(pair("a.crt", "b.key"))).toEqual([
      "tls-file 1:57 certificate file 'a.crt' does not match key file 'b.key'",
    ]);
    expect(about(pair("nameless.crt", "nameless.key"))).toEqual([
      "tls-file 1:57 certificate file 'nameless.crt': the certificate has no DNS name in subjectAltName",
    ]);
    expect(about(`tls { sni { hostnames "a"; cert-file "b.crt"; key-file "a.key"; }; }`)).toHaveLength(1);
    expect(about(`tls { cert-file "a.crt"; key-file "a.key"; ca-file "b.crt"; client-auth; }`)).toEqual([]);
  });

  test("authorities", () => {
    const tls = (file: string) => `}; upstream "v" { target "h:443"; tls { ca-cert "${file}"; };`;
    expect(about(tls("x.crt"))).toEqual([
      "file-missing 1:89 'ca-cert' file 'x.crt' of 'tls' of upstream 'v' cannot be read: no such file or directory",
    ]);
    expect(about(tls("text.txt"))[0]).toContain("holds no certificate in PEM");
  });
});

test("folders of static files", () => {
  const files = (root: string) => `}; route "s" { match path="/s"; static-files { root "${root}"; };`;
  expect(about(files("nowhere"))).toEqual([
    "file-missing 1:93 static root 'nowhere' of route 's' is not a directory",
  ]);
  expect(about(files("text.txt"))).toHaveLength(1);
  expect(about(files("."))).toEqual([]);
});

test("--skip-files leaves them alone", () => {
  expect(about('tls { cert-file "x.crt"; key-file "x.key"; }', true)).toEqual([]);
});
