// Operational log: one JSON line per lifecycle step and per attempt to change
// anything. Not the access log; nothing on a request's path writes here.
import { createLogger, format, type LogEntry, transports } from "winston";

/** Levels of the log, most severe first. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/** Writes structured lines; `event` is a stable name in kebab case. */
export interface Log {
  write(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Resolves when everything written has left the process, or after a second. */
  close(): Promise<void>;
}

const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 };

/** How long the end of the log may take. */
const FLUSH_MS = 1_000;
/** What the logs of this process still have to write when it exits. */
const atExit = new Set<() => void>();
process.on("exit", () => {
  for (const flush of atExit) flush();
});

/** How long a line below "warn" may wait for others, so that no change waits for its line. */
const DELAY_MS = 10;
/** Lines that wait are written when they are so many. */
const MAX_WAITING = 1_000;

/** Where lines go; with `cork` and `uncork`, as node's own streams have, many in one write. */
type LogStream = NodeJS.WritableStream & { cork?(): void; uncork?(): void };

/**
 * A log of JSON lines on `stream`, by default standard output. Lines below "warn" are written
 * together, `delayMs` after the first of them (default 10), at the latest when the process exits.
 */
export function createLog(
  level: LogLevel,
  stream: LogStream = process.stdout,
  delayMs: number = DELAY_MS,
): Log {
  // Without a listener on the stream itself a full disk or a closed pipe ends the process.
  stream.on("error", () => {});
  const logger = createLogger({
    levels: LEVELS,
    level,
    format: format.json({ bigint: true, deterministic: false }),
    transports: [new transports.Stream({ stream })],
  });
  const waiting: LogEntry[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    stream.cork?.();
    for (const entry of waiting.splice(0)) logger.log(entry);
    stream.uncork?.();
  };
  atExit.add(flush);
  return {
    write: (at, event, fields = {}) => {
      if (LEVELS[at] > LEVELS[level]) return;
      waiting.push({ ...plain(fields), level: at, message: event, timestamp: new Date().toISOString() });
      if (LEVELS[at] <= LEVELS.warn || delayMs === 0 || waiting.length >= MAX_WAITING) flush();
      else timer ??= setTimeout(flush, delayMs).unref();
    },
    close: () =>
      new Promise((resolve) => {
        flush();
        atExit.delete(flush);
        // Whoever does not read the log does not keep the process.
        const late = setTimeout(resolve, FLUSH_MS);
        logger.once("finish", () => {
          clearTimeout(late);
          resolve();
        });
        logger.end();
      }),
  };
}

/** BigInts as strings, as in protobuf JSON. */
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, typeof value === "bigint" ? String(value) : value]),
  );
}
