#!/usr/bin/env node
// Plain JavaScript on purpose: it has to run on any Node to say what is needed.
import { existsSync } from "node:fs";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(`sentinel needs Node 24 or later; this is ${process.version} (${process.execPath})\n`);
  process.exit(2);
}
// A checkout has the sources, and perhaps an old build beside them; the package has only the build.
const sources = new URL("../src/main.ts", import.meta.url);
await import(existsSync(sources) ? sources.href : new URL("../dist/main.js", import.meta.url).href);
