// Runs a process under strace and reads what it wrote, synced and renamed, and
// when: every call with the lines of the trace in which it began and ended. What
// a thread did because of a call comes after the line in which that call ended.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** One call that succeeded, or is not known to have ended. */
export interface Call {
  /** As the kernel names it: "pwrite64", "fdatasync", "rename", … */
  readonly name: string;
  /** What it was about: a path, or what strace calls a descriptor ("socket:[7]"). */
  readonly path: string;
  /** Of rename: the new path. */
  readonly to: string;
  /** What was written; of vectors the parts together. */
  readonly data: Buffer;
  /** Numbers among the arguments, in order: the offset of pwrite64 is the last. */
  readonly numbers: readonly number[];
  /** Flags of open. */
  readonly flags: string;
  /** The descriptor it was about or, of open, made. */
  readonly fd: number;
  readonly began: number;
  /** Infinity if the process ended first. */
  readonly ended: number;
}

const CALLS =
  "openat,open,write,pwrite64,writev,pwritev,sendto,sendmsg,sendmmsg,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat";

/** The command that traces another one into a file; put before it. */
export function traceCommand(file: string): string[] {
  const options = ["-f", "-qq", "--seccomp-bpf", "-y", "-xx", "-s", "16777216", "-o", file];
  return ["strace", ...options, "-e", `trace=${CALLS}`];
}

/** Why no process can be traced here; undefined if one can. */
export function whyNotTraced(): string | undefined {
  const [command = "", ...args] = [...traceCommand("/dev/null"), "true"];
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) return `strace cannot be run: ${error.message}`;
  return status === 0 ? undefined : `strace cannot trace: ${stderr.trim()}`;
}

/** Reads a trace. */
export function readTrace(file: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, { began: number; text: string }>();
  readFileSync(file, "latin1")
    .split("\n")
    .forEach((line, at) => {
      const [, thread = "", rest = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
      if (rest.endsWith(" <unfinished ...>")) {
        open.set(thread, { began: at, text: rest.slice(0, -" <unfinished ...>".length) });
        return;
      }
      const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
      const { began, text } = resumed === null ? { began: at, text: "" } : open.get(thread)!;
      if (resumed !== null) open.delete(thread);
      const call = parse(text + (resumed?.[1] ?? rest), began, at);
      if (call !== undefined) calls.push(call);
    });
  for (const { began, text } of open.values()) {
    const call = parse(`${text}) = 0`, began, Number.POSITIVE_INFINITY);
    if (call !== undefined) calls.push(call);
  }
  return calls.sort((a, b) => a.began - b.began);
}

/** Undefined for what is no call, or one that failed. */
function parse(text: string, began: number, ended: number): Call | undefined {
  const [, name, args = "", result = "", made = ""] =
    /^(\w+)\((.*)\)\s+= (-?\d+)(?:<([^>]*)>)?[^=]*$/.exec(text) ?? [];
  if (name === undefined || result.startsWith("-")) return undefined;
  const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = ""]) => bytes(hex));
  const [, fd = made === "" ? "-1" : result, of = ""] = /^(\d+)<([^>]*)>/.exec(args) ?? [];
  const isNamed = of === "";
  return {
    name,
    path: isNamed ? String(strings[0] ?? "") : String(bytes(of)),
    to: isNamed ? String(strings[1] ?? "") : "",
    data: isNamed ? Buffer.alloc(0) : Buffer.concat(strings),
    numbers: [...args.matchAll(/, (\d+)(?=,|$)/g)].map(([, number]) => Number(number)),
    flags: /O_[A-Z_|]+/.exec(args)?.[0] ?? "",
    fd: Number(fd),
    began,
    ended,
  };
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll("\\x", ""), "hex");
}
