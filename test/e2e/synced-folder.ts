// What a power failure may leave of a folder, from a trace of what was done to it:
// what was synced is there; of what was not, a part, cut off anywhere, file by
// file; of new, renamed and removed names those that a sync of their folder has
// made durable, and some of the others. A pessimistic disk: no file system
// promises less.
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Call } from "./trace.ts";

/** Something that was done to a file and is not synced. */
interface Change {
  readonly call: Call;
  readonly at: number;
  /** Written there; undefined if the file was cut to `at`. */
  readonly data: Buffer | undefined;
}

interface Node {
  readonly isFolder: boolean;
  synced: Buffer;
  changes: Change[];
}

/** Names that appear (with their node) and disappear in one folder, at once. */
interface Naming {
  readonly call: Call;
  readonly names: readonly (readonly [path: string, node: Node | undefined])[];
}

/** SQLite's shared memory and what is made anew at every start. */
const IGNORED = /-shm$|^lock\.|\.sock$/;

/** See the head of this file. Fed with all calls, in order. */
export class SyncedFolder {
  readonly #root: string;
  readonly #now = new Map<string, Node>();
  readonly #durable = new Map<string, Node>();
  /** By folder. */
  readonly #namings = new Map<string, Naming[]>();
  readonly #offsets = new Map<number, number>();

  /** `root` is empty. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Whether a call is about something in the folder. */
  concerns({ path }: Call): boolean {
    const inside = path === this.#root || path.startsWith(`${this.#root}/`);
    return inside && !IGNORED.test(basename(path));
  }

  /** A call has begun: what it writes may reach the disk. */
  begin(call: Call): void {
    const node = this.#now.get(call.path);
    if (node === undefined || !this.concerns(call)) return;
    const { name, data, numbers, fd } = call;
    if (name === "pwrite64") node.changes.push({ call, at: numbers.at(-1)!, data });
    else if (name === "ftruncate") node.changes.push({ call, at: numbers.at(-1)!, data: undefined });
    else if (name === "write") {
      const at = this.#offsets.get(fd) ?? 0;
      node.changes.push({ call, at, data });
      this.#offsets.set(fd, at + data.length);
    }
  }

  /** A call has ended: what it syncs is on the disk. */
  end(call: Call): void {
    if (!this.concerns(call)) return;
    const { name, path, to, flags, fd } = call;
    if (name === "fsync" || name === "fdatasync") this.#sync(call);
    else if (name.startsWith("rename")) {
      const node = this.#now.get(path)!;
      this.#name(call, [
        [path, undefined],
        [to, node],
      ]);
    } else if (name.startsWith("unlink")) this.#name(call, [[path, undefined]]);
    else if (name.startsWith("mkdir")) this.#make(call, true);
    else if (name.startsWith("open")) {
      this.#offsets.set(fd, 0);
      if (flags.includes("O_CREAT") && !this.#now.has(path)) this.#make(call, false);
      if (flags.includes("O_TRUNC")) this.#now.get(path)!.changes.push({ call, at: 0, data: undefined });
    }
  }

  /** Writes what a power failure might leave now to the empty folder `dir`. `random`: from 0 to 1. */
  rebuild(dir: string, random: () => number): void {
    const names = new Map(this.#durable);
    for (const namings of this.#namings.values()) {
      for (const naming of namings.slice(0, Math.floor(random() * (namings.length + 1)))) put(names, naming);
    }
    const isThere = (path: string): boolean =>
      path === this.#root || (names.has(path) && isThere(dirname(path)));
    for (const [path, node] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const at = join(dir, relative(this.#root, path));
      if (!isThere(path)) continue;
      if (node.isFolder) mkdirSync(at);
      else writeFileSync(at, torn(node, random));
    }
  }

  #make(call: Call, isFolder: boolean): void {
    this.#name(call, [[call.path, { isFolder, synced: Buffer.alloc(0), changes: [] }]]);
  }

  #name(call: Call, names: Naming["names"]): void {
    const folder = dirname(call.path);
    put(this.#now, { call, names });
    this.#namings.set(folder, [...(this.#namings.get(folder) ?? []), { call, names }]);
  }

  #sync({ path, began }: Call): void {
    const before = ({ call }: { readonly call: Call }) => call.ended < began;
    const namings = this.#namings.get(path) ?? [];
    for (const naming of namings.filter(before)) put(this.#durable, naming);
    this.#namings.set(
      path,
      namings.filter((naming) => !before(naming)),
    );
    const node = this.#now.get(path);
    if (node === undefined) return;
    for (const change of node.changes.filter(before)) node.synced = changed(node.synced, change);
    node.changes = node.changes.filter((change) => !before(change));
  }
}

function put(map: Map<string, Node>, { names }: Naming): void {
  for (const [path, node] of names) {
    if (node === undefined) map.delete(path);
    else map.set(path, node);
  }
}

/** What is synced, and some of the rest: the last part of it cut off anywhere. */
function torn({ synced, changes }: Node, random: () => number): Buffer {
  let content = synced;
  const whole = Math.floor(random() * (changes.length + 1));
  for (const change of changes.slice(0, whole)) content = changed(content, change);
  const next = changes[whole];
  if (next?.data === undefined) return content;
  return changed(content, { ...next, data: next.data.subarray(0, Math.floor(random() * next.data.length)) });
}

function changed(content: Buffer, { at, data }: Change): Buffer {
  const size = data === undefined ? at : Math.max(content.length, at + data.length);
  const result = Buffer.alloc(size);
  content.copy(result);
  data?.copy(result, at);
  return result;
}
