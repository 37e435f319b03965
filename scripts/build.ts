// `npm run build`: compiles src/ to dist/ and copies what is not TypeScript.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";

const root = new URL("..", import.meta.url);
rmSync(new URL("dist", root), { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
cpSync(new URL("src/gen/api.binpb", root), new URL("dist/gen/api.binpb", root));
