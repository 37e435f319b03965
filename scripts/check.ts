// `npm run check`: everything that can be checked without running the program.
// Each tool runs even if one before it failed; the exit code says whether all passed.
import { spawnSync } from "node:child_process";

const root = new URL("..", import.meta.url);
const checks: readonly (readonly [string, readonly string[]])[] = [
  ["biome", ["ci", "--reporter=summary", "--colors=off", "--error-on-warnings", "."]],
  ["tsc", ["-p", "tsconfig.json"]],
  ["buf", ["format", "-d", "--exit-code"]],
  ["buf", ["lint"]],
  ["buf", ["breaking", "--against", "proto/released.binpb"]],
];

let failed = 0;
for (const [command, args] of checks) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status === 0) continue;
  failed++;
  console.error(`failed: ${command} ${args.join(" ")}${error ? `: ${error.message}` : ""}`);
}
console.log(
  failed === 0 ? `all ${checks.length} checks passed` : `${failed} of ${checks.length} checks failed`,
);
process.exitCode = failed === 0 ? 0 : 1;
