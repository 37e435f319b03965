// `npm run build`: compiles src/ to dist/ and copies what is not TypeScript. Types are
// not checked again, which takes seven times as long: `npm run check` does that.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";

const root = new URL("..", import.meta.url);
rmSync(new URL("dist", root), { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json", "--noCheck"], { cwd: root, stdio: "inherit" });
cpSync(new URL("src/gen/api.binpb", root), new URL("dist/gen/api.binpb", root));
