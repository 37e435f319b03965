// `node scripts/complete-lock.ts`: adds to package-lock.json the optional platform
// packages that npm left out. A registry mirror that lacks binaries for other
// platforms makes `npm install` write such a lock, and then `npm ci` refuses it
// everywhere. The entries carry version, os, cpu and libc but no integrity hash:
// npm fetches them only on the platform they are for. Run it after adding or
// updating a package.
import { readFileSync, writeFileSync } from "node:fs";

interface Entry {
  version?: string;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  dev?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}

const OS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
/** Word in a package name → npm's name of the CPU. */
const CPU: Readonly<Record<string, string>> = {
  arm64: "arm64",
  x64: "x64",
  armv7: "arm",
  arm: "arm",
  loong64: "loong64",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  ia32: "ia32",
};

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: Record<string, Entry> };
const added: string[] = [];
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const words = name.split("/").at(-1)!.split("-");
    const os = words.find((word) => OS.includes(word));
    const cpu = words.find((word) => word in CPU);
    if (lock.packages[path] !== undefined || os === undefined || cpu === undefined) continue;
    const libc = words.some((word) => word.startsWith("musl"))
      ? { libc: ["musl"] }
      : words.some((word) => word.startsWith("gnu"))
        ? { libc: ["glibc"] }
        : {};
    const dev = parent.dev === true ? { dev: true } : {};
    lock.packages[path] = { version, cpu: [CPU[cpu]!], ...dev, ...libc, optional: true, os: [os] };
    added.push(path);
  }
}
const sorted = Object.keys(lock.packages).sort();
lock.packages = Object.fromEntries(sorted.map((path) => [path, lock.packages[path]!]));
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`${added.length} entries added`);
