// `sentinel fmt`: files replaced in one step, or not touched.
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-fmt-"));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

test("files are laid out, named, and only then", async () => {
  writeFileSync(path("a.kdl"), "a{b 1 // c\n}\n");
  chmodSync(path("a.kdl"), 0o640);
  writeFileSync(path("fine.kdl"), "a 1\n");
  symlinkSync("a.kdl", path("link.kdl"));
  expect(await invoke("fmt", "--check", path("a.kdl"), path("fine.kdl"))).toEqual({
    code: 1,
    stdout: `${path("a.kdl")}\n`,
    stderr: "",
  });
  expect(readFileSync(path("a.kdl"), "utf8")).toBe("a{b 1 // c\n}\n");
  expect(await invoke("fmt", path("link.kdl"), path("fine.kdl"))).toEqual({
    code: 0,
    stdout: `${path("link.kdl")}\n`,
    stderr: "",
  });
  expect(readFileSync(path("a.kdl"), "utf8")).toBe("a {\n    b 1 // c\n}\n");
  expect(statSync(path("a.kdl")).mode & 0o777).toBe(0o640);
  expect(lstatSync(path("link.kdl")).isSymbolicLink()).toBe(true);
  expect(await invoke("fmt", path("a.kdl"))).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(readdirSync(folder).sort()).toEqual(["a.kdl", "fine.kdl", "link.kdl"]);
});

test("what is not valid is refused and stays, the others are done", async () => {
  writeFileSync(path("bad.kdl"), "a {\n");
  writeFileSync(path("good.kdl"), "a  1\n");
  const { code, stdout, stderr } = await invoke(
    "fmt",
    path("bad.kdl"),
    path("x.json"),
    path("no.kdl"),
    path("good.kdl"),
  );
  expect([code, stdout]).toEqual([1, `${path("good.kdl")}\n`]);
  expect(stderr).toContain(`${path("bad.kdl")}:2:1: error[syntax]: a block is not closed`);
  expect(stderr).toContain("cannot be read");
  expect(readFileSync(path("bad.kdl"), "utf8")).toBe("a {\n");
  writeFileSync(path("x.json"), "{}");
  expect((await invoke("fmt", path("x.json"))).stderr).toContain("error[unknown-format]");
});

test("what cannot be kept is left alone", async () => {
  writeFileSync(path("odd.kdl"), "/- // c\na  1\nb  \\\n\n");
  const { code, stderr } = await invoke("fmt", path("odd.kdl"));
  expect([code, stderr]).toEqual([1, expect.stringContaining("left as it is")]);
  expect(readFileSync(path("odd.kdl"), "utf8")).toContain("a  1");
});

test("KDL 1 needs --upgrade", async () => {
  writeFileSync(path("v1.kdl"), "a true // c\n");
  const refused = await invoke("fmt", path("v1.kdl"));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("sentinel fmt --upgrade")]);
  expect(await invoke("fmt", "--upgrade", path("v1.kdl"))).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(path("v1.kdl"), "utf8")).toBe("a #true // c\n");
});
