// Watches the configuration files and says when they have changed and come to
// rest. Knows nothing of what is in them.
import { type FSWatcher, watch } from "node:fs";
import type { ReadPaths } from "./reading.ts";
import { fingerprint, isChangedSince, watchPoints } from "./watch-points.ts";

/** How long nothing may happen before a change counts as whole. */
const REST_MS = 200;
/** Where it never comes to rest, it is looked at after this time. */
const MAX_REST_MS = 2_000;
/** A folder that cannot be watched is tried again after this time. */
const RETRY_MS = 1_000;
/** How far the times of files may be behind the clock. */
const CLOCK_SLACK_MS = 20;

/** See the head of this file. */
export class FileWatch {
  readonly #onChange: () => void;
  #paths: ReadPaths | undefined;
  #fingerprint = "";
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the first change was seen that has not been told, in milliseconds. */
  #since: number | undefined;

  /** Calls `onChange` after every change of what is watched. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /**
   * Watches these files, which were read at or after `readAtMs`, in milliseconds since
   * 1970: what changed since then is told. Undefined: nothing.
   */
  set(paths: ReadPaths | undefined, readAtMs: number): void {
    // What has been seen and not told may have come after the files were read.
    const isPending = this.#since !== undefined;
    this.#paths = paths;
    this.#arm();
    if (paths === undefined) return;
    this.#fingerprint = fingerprint(paths);
    if (!isPending && !isChangedSince(paths, readAtMs - CLOCK_SLACK_MS)) return;
    this.#fingerprint = "";
    this.#seen();
  }

  close(): void {
    this.set(undefined, 0);
  }

  /** Watches anew: what was watched may have been replaced. */
  #arm(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    clearTimeout(this.#timer);
    this.#since = undefined;
    if (this.#paths === undefined) return;
    for (const [folder, names] of watchPoints(this.#paths)) {
      try {
        const watcher = watch(folder, { persistent: false }, (_, name) => {
          if (names === "all" || name === null || names.has(name)) this.#seen();
        });
        watcher.on("error", () => this.#retry());
        this.#watchers.push(watcher);
      } catch {
        this.#retry();
      }
    }
  }

  #seen(): void {
    const now = performance.now();
    this.#since ??= now;
    clearTimeout(this.#timer);
    const waitMs = Math.min(REST_MS, this.#since + MAX_REST_MS - now);
    this.#timer = setTimeout(() => this.#look(), Math.max(waitMs, 0)).unref();
  }

  #retry(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), RETRY_MS).unref();
  }

  #look(): void {
    const paths = this.#paths;
    if (paths === undefined) return;
    this.#arm();
    const found = fingerprint(paths);
    if (found === this.#fingerprint) return;
    this.#fingerprint = found;
    this.#onChange();
  }
}
