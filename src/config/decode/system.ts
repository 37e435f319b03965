// Decodes what a process needs before it has a state: `schema-version`, and some
// settings of `system` and `observability.logging`.

import { dirname, resolve } from "node:path";
import type { Report, Span } from "../diagnostic.ts";
import { type Block, blocksOf, boolOf, textOf, value } from "../tree.ts";

/** Log levels, least important first. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Settings of the process itself. */
export interface ProcessSettings {
  /** Absolute path. */
  readonly stateDir?: string;
  readonly healthListen?: string;
  readonly logLevel?: LogLevel;
  /** Whether a change of the files is a reload. Unset: no. */
  readonly autoReload?: boolean;
  /** Absolute path. */
  readonly pidFile?: string;
  /** Name or number. */
  readonly user?: string;
  /** Name or number. */
  readonly group?: string;
  /** Absolute path. */
  readonly workingDirectory?: string;
}

/** The settings written in `system` and `observability`. */
export function decodeProcess(root: Block, _report: Report): ProcessSettings {
  const system = blocksOf(root, "system")[0];
  const logging = blocksOf(root, "observability").flatMap((one) => blocksOf(one, "logging"))[0];
  const stateDir = system && value(system, "state-dir");
  const health = system && value(system, "health-listen");
  const level = logging && textOf(logging, "level");
  const autoReload = system && boolOf(system, "auto-reload");
  const [pidFile, workingDirectory] = (["pid-file", "working-directory"] as const).map((key) => {
    const written = system && value(system, key);
    return written && pathFrom(written.at, String(written.value));
  });
  const [user, group] = (["user", "group"] as const).map((key) => system && textOf(system, key));
  return {
    ...(autoReload === undefined ? {} : { autoReload }),
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(stateDir === undefined ? {} : { stateDir: pathFrom(stateDir.at, String(stateDir.value)) }),
    ...(health === undefined ? {} : { healthListen: String(health.value) }),
    ...(level === undefined ? {} : { logLevel: level as LogLevel }),
  };
}

/** A path as written, from the folder of the file that contains it. */
export function pathFrom(at: Span, path: string): string {
  return resolve(dirname(at.file), path);
}

const MINIMUM = [1, 0] as const;
const CURRENT = [1, 0] as const;

/** The schema version in effect; reports what section 4.2 of the specification says about it. */
export function checkSchemaVersion(root: Block, report: Report): string {
  const supported = CURRENT.join(".");
  const written = value(root, "schema-version");
  if (written === undefined) return supported;
  const parts = typeof written.value === "string" ? /^(\d{1,9})\.(\d{1,9})$/.exec(written.value) : null;
  if (parts === null) {
    const hints = ['expected "major.minor", for instance "1.0"'];
    const message = `invalid schema version '${written.value}': ${hints[0]}`;
    report.error("schema-invalid", written.at, message, { hints: ['write schema-version "1.0"'] });
    return supported;
  }
  const version = `${Number(parts[1])}.${Number(parts[2])}`;
  const order = compareVersions([Number(parts[1]), Number(parts[2])], MINIMUM);
  if (order < 0) {
    const message = `schema version ${version} is older than the minimum ${MINIMUM.join(".")}`;
    report.error("schema-older", written.at, message, { hints: [`migrate the file to schema ${supported}`] });
  } else if (compareVersions([Number(parts[1]), Number(parts[2])], CURRENT) > 0) {
    const message = `schema version ${version} is newer than the supported ${supported}; some features may not work`;
    report.warning("schema-newer", written.at, message);
  }
  return version;
}

function compareVersions(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}
