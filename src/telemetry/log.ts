// Operational log: one JSON line per lifecycle step and per attempt to change
// anything. Not the access log; nothing on a request's path writes here.
import { createLogger, format, transports } from "winston";

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

/** A log of JSON lines on `stream`, by default standard output. */
export function createLog(level: LogLevel, stream: NodeJS.WritableStream = process.stdout): Log {
  // Without a listener on the stream itself a full disk or a closed pipe ends the process.
  stream.on("error", () => {});
  const logger = createLogger({
    levels: LEVELS,
    level,
    format: format.combine(format.timestamp(), format.json({ bigint: true, deterministic: false })),
    transports: [new transports.Stream({ stream })],
  });
  return {
    write: (at, event, fields = {}) => {
      logger.log({ ...plain(fields), level: at, message: event });
    },
    close: () =>
      new Promise((resolve) => {
        // Whoever does not read the log does not keep the process.
        const timer = setTimeout(resolve, FLUSH_MS);
        logger.once("finish", () => {
          clearTimeout(timer);
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
