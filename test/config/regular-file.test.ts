// What is no ordinary file is refused at once: a pipe nobody writes to, a device
// without an end, a circle of links, a file that is far too large.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/load.ts";
import { fingerprint, isChangedSince, watchPoints } from "../../src/reload/watch-points.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-odd-files-"));
  execFileSync("mkfifo", [join(folder, "pipe.kdl")]);
  symlinkSync("/dev/zero", join(folder, "endless.kdl"));
  symlinkSync("circle.kdl", join(folder, "circle.kdl"));
  symlinkSync("nowhere", join(folder, "nothing.kdl"));
  writeFileSync(join(folder, "large.kdl"), "");
  truncateSync(join(folder, "large.kdl"), 65 * 1024 * 1024);
});
afterAll(() => rmSync(folder, { recursive: true }));

const ODD = ["pipe", "endless", "circle", "nothing", "large", "x".repeat(300)];
const REASONS: Readonly<Record<string, RegExp>> = {
  pipe: /pipe or a device/,
  endless: /pipe or a device/,
  circle: /ELOOP/,
  nothing: /ENOENT/,
  large: /larger than 67108864 bytes/,
};

test.each(ODD)("%s as a configuration is refused, with a reason and what to do", (name) => {
  const path = join(folder, `${name}.kdl`);
  const { diagnostics } = loadConfig({ kind: "file", path });
  expect(diagnostics[0]).toMatchObject({ code: "no-files", file: path });
  expect(diagnostics[0]?.message).toMatch(REASONS[name] ?? /ENAMETOOLONG/);
  expect(diagnostics[0]?.hints).toHaveLength(1);
});

test.each(ODD)("%s included, or named as a certificate, is refused at its place", (name) => {
  const path = join(folder, "whole.kdl");
  const pair = `cert-file "${name}.kdl"; key-file "${name}.kdl"`;
  writeFileSync(
    path,
    `include "${name}.kdl"\nlisteners { listener "a" { address "127.0.0.1:1"; tls { ${pair} } } }`,
  );
  const { diagnostics } = loadConfig({ kind: "file", path });
  expect(diagnostics).toContainEqual(
    expect.objectContaining({ code: "missing-include", line: 1, file: path }),
  );
  writeFileSync(path, `listeners { listener "a" { address "127.0.0.1:1"; tls { ${pair} } } }`);
  const found = loadConfig({ kind: "file", path }).diagnostics.filter(({ code }) => code === "tls-file");
  expect(found).toHaveLength(2);
});

test.each(ODD)("%s can be watched until there is a file again", (name) => {
  const paths = { files: [join(folder, `${name}.kdl`)], folders: [join(folder, `${name}.kdl`)] };
  expect(watchPoints(paths).has(folder)).toBe(true);
  expect(typeof fingerprint(paths)).toBe("string");
  expect(typeof isChangedSince(paths, 0)).toBe("boolean");
});
