// Runs the real program on a state folder that outlives it, with storage that fails
// when it is told to: syncs, writes and the clock through faulty-disk.c, a full or
// read-only folder through a file system of its own. For tests of what goes on
// then. Says why where a machine cannot do that.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NODE, ROOT } from "./proxy-process.ts";

type LogLine = Record<string, unknown> & { readonly message: string };

/** A program that has started, or ended before it did. */
export interface Started {
  readonly process: ChildProcess;
  /** Listener id → "IP:PORT" as bound. */
  readonly listeners: Readonly<Record<string, string>>;
  /** "IP:PORT" of the control API. */
  readonly control: string;
  /** "IP:PORT" of `/health`. */
  readonly health: string;
  /** Every line it has logged. */
  readonly log: readonly LogLine[];
  /** The first line with this message after the first `from` lines, when it is logged. */
  logged(message: string, from?: number): Promise<LogLine>;
  /** Its exit code, when it has ended. */
  readonly exited: Promise<number | null>;
  /** Ends it in order (default), or kills it; the exit code. Not for a program on a small disk. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A program that ended before it had started. */
export class NotStarted extends Error {
  readonly exitCode: number | null;
  constructor(exitCode: number | null, errors: string) {
    super(errors);
    this.exitCode = exitCode;
  }
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

/** For afterAll. */
export function cleanUp(): void {
  for (const child of running) child.kill("SIGKILL");
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}

/** A folder that cleanUp removes. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-faulty-"));
  folders.push(dir);
  return dir;
}

/** How to start the program. */
export interface StartOptions {
  readonly configFile: string;
  readonly stateDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** A command that runs another one: put before the program. */
  readonly prefix?: readonly string[];
}

/** Starts `main.ts run`; rejects with a NotStarted if it ends. */
export async function startMain(options: StartOptions): Promise<Started> {
  const { configFile, stateDir, env = {}, args = [], prefix = [] } = options;
  const program = [NODE, join(ROOT, "src/main.ts"), "--config", configFile, "--state-dir", stateDir, ...args];
  const [command = "", ...rest] = [...prefix, ...program];
  const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  const exited = once(child, "close").then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const log: LogLine[] = [];
  const checks = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (text) => {
    log.push(JSON.parse(text) as LogLine);
    for (const check of [...checks]) check();
  });
  const logged = (message: string, from = 0) =>
    new Promise<LogLine>((resolve, reject) => {
      const check = () => {
        const found = log.slice(from).find((line) => line.message === message);
        if (found === undefined) return;
        checks.delete(check);
        resolve(found);
      };
      checks.add(check);
      check();
      void exited.then((code) => reject(new NotStarted(code, errors)));
    });
  const started = await logged("started");
  return {
    process: child,
    listeners: started["listeners"] as Record<string, string>,
    control: (started["control"] as string[]).find((address) => !address.startsWith("unix:"))!,
    health: started["health"] as string,
    log,
    logged,
    exited,
    end: (signal = "SIGTERM") => {
      child.kill(signal);
      return exited;
    },
  };
}

/** What is wrong with a disk and a clock. */
export interface FaultyDisk {
  /** For the program's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Syncs fail with EIO, or do not return until they work again. */
  syncs(how: "work" | "fail" | "stall"): void;
  /** Writes fail with EROFS or ENOSPC. */
  writes(how: "work" | "read-only" | "full"): void;
  /** The clock is so much ahead of the right time; behind it if negative. */
  clock(ms: number): void;
}

let library: string | undefined;

/** Why there can be no faulty disk here; undefined if there can. */
export function whyNoFaultyDisk(): string | undefined {
  if (process.platform !== "linux") return "faulty-disk.c is for Linux";
  library = join(temporaryFolder(), "faulty-disk.so");
  const source = join(import.meta.dirname, "faulty-disk.c");
  const args = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"];
  const { error, status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
  if (error !== undefined) return `cc cannot be run: ${error.message}`;
  return status === 0 ? undefined : `cc cannot compile faulty-disk.c: ${stderr}`;
}

const SYNCS = { work: 0, fail: "e".charCodeAt(0), stall: "s".charCodeAt(0) };
const WRITES = { work: 0, "read-only": "r".charCodeAt(0), full: "f".charCodeAt(0) };

/** A disk under this folder that works, until it is told not to. After whyNoFaultyDisk. */
export function faultyDisk(folder: string): FaultyDisk {
  const control = join(temporaryFolder(), "control");
  const bytes = Buffer.alloc(16);
  const say = () => {
    const fd = openSync(control, "r+");
    writeSync(fd, bytes, 0, bytes.length, 0);
    closeSync(fd);
  };
  writeFileSync(control, bytes);
  return {
    env: { LD_PRELOAD: library!, FAULTY_CONTROL: control, FAULTY_FOLDER: folder },
    syncs: (how) => {
      bytes[0] = SYNCS[how];
      say();
    },
    writes: (how) => {
      bytes[1] = WRITES[how];
      say();
    },
    clock: (ms) => {
      bytes.writeBigInt64LE(BigInt(ms), 8);
      say();
    },
  };
}

/** Bytes of the file system that can be full. */
const SMALL = "4m";

/**
 * A command that gives the program a small file system of its own at `folder`. It
 * is filled and emptied by `fill` and `empty` on the command's input, each answered
 * with a line as of the log, {"message": "filled"}. The end of the input ends the
 * program; then its files are copied to `copy`.
 */
export function smallDisk(folder: string, copy: string): string[] {
  const script = `
    mount -t tmpfs -o size=${SMALL},mode=700 none "$0" || exit 99
    copy=$1; shift
    "$@" </dev/null & child=$!
    while read -r what; do
      case $what in
        fill) dd if=/dev/zero of="$0/filler" bs=4k 2>/dev/null; echo '{"message":"filled"}';;
        empty) rm "$0/filler"; echo '{"message":"emptied"}';;
      esac
    done
    kill -TERM $child; wait $child; code=$?
    cp -R "$0/." "$copy"; exit $code`;
  return ["unshare", "-rmpf", "--kill-child", "sh", "-c", script, folder, copy];
}

/** A command that runs the program with `folder` mounted read-only. */
export function readOnlyFolder(folder: string): string[] {
  const script = `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 99; exec "$@"`;
  return ["unshare", "-rm", "sh", "-c", script, folder];
}

/** Why there can be no file system of one's own here; undefined if there can. */
export function whyNoMount(): string | undefined {
  try {
    const [command = "", ...args] = readOnlyFolder(temporaryFolder());
    execFileSync(command, [...args, "true"], { encoding: "utf8", stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `unshare -rm cannot mount: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}
