// The archive is one that the system's tar reads.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { tarOf } from "../../src/cli/tar.ts";

test("tar reads what was written, whatever its size", () => {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-tar-"));
  try {
    const files = [0, 1, 511, 512, 513, 100_000].map((size) => {
      return { name: `file-${size}.txt`, content: Buffer.alloc(size, "x") };
    });
    const archive = tarOf(files, new Date(1_700_000_000_000));
    expect(archive.length % 512).toBe(0);
    writeFileSync(join(dir, "a.tar"), archive);
    const listed = execFileSync("tar", ["-tf", "a.tar"], { cwd: dir, encoding: "utf8" });
    expect(listed.trim().split("\n")).toEqual(files.map(({ name }) => name));
    execFileSync("tar", ["-xf", "a.tar"], { cwd: dir });
    for (const { name, content } of files) {
      expect([name, readFileSync(join(dir, name)).equals(content)]).toEqual([name, true]);
      const { mode, mtimeMs } = statSync(join(dir, name));
      expect([mode & 0o777, mtimeMs]).toEqual([0o600, 1_700_000_000_000]);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
