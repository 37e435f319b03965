#!/usr/bin/env node
// Plain JavaScript on purpose: it has to run on any Node to say what is needed.
import { existsSync } from "node:fs";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(`sentinel needs Node 24 or later; this is ${process.version} (${process.execPath})\n`);
  process.exit(2);
}
const built = new URL("../dist/main.js", import.meta.url);
await import(existsSync(built) ? built.href : new URL("../src/main.ts", import.meta.url).href);
