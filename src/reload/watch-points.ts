// In which folder a name has to be looked at so that no change of a configuration
// file is missed: the file itself, which editors replace by renaming another one;
// every symbolic link on the way to it, which is how Kubernetes replaces all files
// of a ConfigMap at once (`..data`); its folder, which may be replaced as a whole.
import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, join, parse, resolve, sep } from "node:path";
import type { ReadPaths } from "./reading.ts";

/** Folder → names in it; "all" for a folder in which a new file would be read, too. */
export type WatchPoints = ReadonlyMap<string, ReadonlySet<string> | "all">;

/** Links on one way; more are a circle. */
const MAX_LINKS = 40;
/** What in a folder may be a configuration file: state folders and logs may be there, too. */
const CONFIG_FILE = /\.(kdl|json|toml|conf)$/i;

/** Finds them, as the file system is now. */
export function watchPoints({ files, folders }: ReadPaths): WatchPoints {
  const points = new Map<string, Set<string> | "all">();
  const add = (folder: string, name: string) => {
    const names = points.get(folder) ?? new Set<string>();
    if (names === "all") return;
    points.set(folder, names.add(name));
  };
  for (const path of [...files, ...folders]) {
    addWay(resolve(path), add);
    add(dirname(dirname(resolve(path))), parse(dirname(resolve(path))).base);
  }
  for (const folder of folders) points.set(resolve(folder), "all");
  return points;
}

/** What can be seen of the files from outside: different after every change of them. */
export function fingerprint({ files, folders }: ReadPaths): string {
  const ofFiles = files.map((file) => {
    const stat = statOf(file);
    return stat === undefined ? "" : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  });
  return JSON.stringify([ofFiles, folders.map(namesIn)]);
}

/**
 * Whether one of the files was written, or a link on the way to one set, at or after a time, in
 * milliseconds since 1970: what a link leads to now may be older than that.
 */
export function isChangedSince({ files, folders }: ReadPaths, sinceMs: number): boolean {
  if (files.some((file) => Number(statOf(file)?.ctimeMs ?? 0) >= sinceMs)) return true;
  let isNew = false;
  for (const path of [...files, ...folders]) {
    addWay(resolve(path), (folder, name) => {
      const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
      if (found?.isSymbolicLink() && found.ctimeMs >= sinceMs) isNew = true;
    });
  }
  return isNew;
}

/** Follows a path name by name; tells each link, the last name, or the first one that is not there. */
function addWay(path: string, add: (folder: string, name: string) => void): void {
  const { root } = parse(path);
  let names = path.slice(root.length).split(sep);
  let folder = root;
  for (let links = 0; names.length > 0; ) {
    const [name = "", ...rest] = names;
    const found = linkOrStat(join(folder, name));
    if (found === undefined || rest.length === 0 || typeof found === "string") add(folder, name);
    if (found === undefined) return;
    if (typeof found === "string") {
      if (++links > MAX_LINKS) return;
      const target = resolve(folder, found);
      folder = parse(target).root;
      names = [...target.slice(folder.length).split(sep), ...rest];
    } else {
      folder = join(folder, name);
      names = rest;
    }
  }
}

/** Where a link leads; what else is there; undefined if there is nothing. */
function linkOrStat(path: string): string | Stats | undefined {
  try {
    const stat = lstatSync(path);
    return stat.isSymbolicLink() ? readlinkSync(path) : stat;
  } catch {
    return undefined;
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true });
  } catch {
    // Not there, a circle of links, a folder that may not be entered.
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || CONFIG_FILE.test(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}
