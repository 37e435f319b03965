// `npm run -s bench -- CASE`: runs one benchmark case. Every case prints a table
// and, as its last line, one JSON object.
const cases: Readonly<Record<string, () => Promise<{ run: () => Promise<void> }>>> = {
  commit: () => import("./bench/commit.ts"),
  persist: () => import("./bench/persist.ts"),
  change: () => import("./bench/change.ts"),
  routes: () => import("./bench/routes.ts"),
  "large-diff": () => import("./bench/large-diff.ts"),
  reload: () => import("./bench/reload.ts"),
  idle: () => import("./bench/idle.ts"),
  "worker-loss": () => import("./bench/worker-loss.ts"),
  retention: () => import("./bench/retention.ts"),
  parse: () => import("./bench/parse.ts"),
};

const name = process.argv[2] ?? "";
const load = cases[name];
if (load === undefined) {
  process.stderr.write(
    `usage: npm run -s bench -- CASE, with CASE one of: ${Object.keys(cases).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  await (await load()).run();
}
