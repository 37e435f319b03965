// `auto-reload`: has the configuration files taken in when they change, as long
// as they say so.
import { FileWatch } from "./file-watch.ts";
import type { Reading, ReadPaths } from "./reading.ts";

/** See the head of this file. */
export class AutoReload {
  readonly #watch: FileWatch;
  #isOn = false;
  #paths: ReadPaths = { files: [], folders: [] };

  /** `reload` is called after changes. */
  constructor(reload: () => void) {
    this.#watch = new FileWatch(reload);
  }

  /** The files were read, at `readAtMs` or later. */
  follow(reading: Pick<Reading, "paths" | "settings">, isValid: boolean, readAtMs: number): void {
    const { paths, settings } = reading;
    // A file that cannot be read says nothing, and may not have led to all the others.
    if (isValid) this.#isOn = settings.autoReload ?? false;
    this.#paths = isValid ? paths : union(this.#paths, paths);
    this.#watch.set(this.#isOn ? this.#paths : undefined, readAtMs);
  }

  close(): void {
    this.#watch.close();
  }
}

function union(a: ReadPaths, b: ReadPaths): ReadPaths {
  return {
    files: [...new Set([...a.files, ...b.files])],
    folders: [...new Set([...a.folders, ...b.folders])],
  };
}
