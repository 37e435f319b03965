// `npm run -s bench -- parse`: reading, checking and decoding one KDL file of
// 5 MB with 20,000 routes, in a process that does nothing else. The last line is
// JSON: seconds and the largest resident set, which includes Node's own 45 MB.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";

const ROUTES = 20_000;
const UPSTREAMS = 200;
const SIZE = 5_000_000;

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bench-"));
  try {
    const path = join(folder, "sentinel.kdl");
    const size = writeConfig(path);
    const startedAt = performance.now();
    const { config, diagnostics } = loadConfig({ kind: "file", path });
    const seconds = (performance.now() - startedAt) / 1000;
    if (config?.routes.length !== ROUTES || diagnostics.length > 0) throw new Error("the file did not load");
    const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
    process.stdout.write(
      `${(size / 1e6).toFixed(1)} MB, ${ROUTES} routes: ${seconds.toFixed(2)} s, ${rssMb} MB\n`,
    );
    process.stdout.write(`${JSON.stringify({ seconds: Number(seconds.toFixed(3)), rss_mb: rssMb })}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the file, filled up with comments; its size. In a function of its own, so that the text is not kept. */
function writeConfig(path: string): number {
  const parts = ['listeners {\n    listener "http" { address "127.0.0.1:8080" }\n}\n', "upstreams {\n"];
  for (let i = 0; i < UPSTREAMS; i++) {
    parts.push(`    upstream "backend-${i}" {
        targets {
            target "10.0.${i}.1:8080" weight=3
            target "10.0.${i}.2:8080"
        }
    }\n`);
  }
  parts.push("}\nroutes {\n");
  for (let i = 0; i < ROUTES; i++) {
    parts.push(`    route "route-${i}" {
        priority ${i % 100}
        matches {
            path-prefix "/service/${i}/"
            host "host-${i % 500}.example.com"
            method "GET" "POST"
        }
        upstream "backend-${i % UPSTREAMS}"
    }\n`);
  }
  parts.push("}\n");
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const filler = "// what somebody wanted to say about this configuration\n";
  parts.push(filler.repeat(Math.max(0, Math.ceil((SIZE - length) / filler.length))));
  const text = parts.join("");
  writeFileSync(path, text);
  return text.length;
}
