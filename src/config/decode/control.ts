// Decodes `control { listen … }`: where the control interface listens.
import { parseBindAddress } from "../../core/index.ts";
import type { Report } from "../diagnostic.ts";
import { type Block, blocksOf, boolOf, items, textOf, type Value, value } from "../tree.ts";
import { pathFrom } from "./system.ts";

/** One address of the control interface. */
export interface ControlListen {
  /** "unix:/absolute/path" or "IP:PORT". */
  readonly address: string;
  /** File mode of a socket, for example 0o660. */
  readonly mode?: number;
  /** Group that owns a socket. */
  readonly group?: string;
  /** Plain TCP, allowed on loopback only. */
  readonly insecure: boolean;
}

/** What diffs and files may do, beside what they say. */
export interface ControlPolicy {
  /** Share of one kind that a diff may remove without force, 1 to 100. Unset: the store's default. */
  readonly maxRemovalPercent?: number;
  /** What happens where file and run time have changed the same field. Unset: "file", the newer intent. */
  readonly reloadConflicts?: "file" | "refuse";
}

/** The policies written in the file. */
export function decodePolicy(root: Block): ControlPolicy {
  const control = blocksOf(root, "control")[0];
  const percent = control && value(control, "max-removal-percent")?.value;
  const conflicts = control && textOf(control, "reload-conflicts");
  return {
    ...(typeof percent === "number" ? { maxRemovalPercent: percent } : {}),
    ...(conflicts === "file" || conflicts === "refuse" ? { reloadConflicts: conflicts } : {}),
  };
}

/** The kernel's limit for the path of a unix socket. */
const MAX_SOCKET_PATH = 107;

/** The addresses written in the file; none means the default socket. */
export function decodeControl(root: Block, report: Report): ControlListen[] {
  const listens = blocksOf(root, "control").flatMap((control) => blocksOf(control, "listen"));
  return listens.flatMap((listen) => {
    const address = value(listen, "address");
    if (address === undefined) return [];
    return String(address.value).startsWith("unix:")
      ? (socket(listen, address, report) ?? [])
      : (tcp(listen, address, report) ?? []);
  });
}

function socket(listen: Block, address: Value, report: Report): ControlListen | undefined {
  const written = String(address.value).replace(/^unix:(?:\/\/(?=\/))?/, "");
  if (written === "") {
    report.error("bad-address", address.at, "the socket has no path", {
      hints: ['write "unix:/run/sentinel/control.sock"'],
    });
    return undefined;
  }
  const path = pathFrom(address.at, written);
  const length = Buffer.byteLength(path);
  if (length > MAX_SOCKET_PATH) {
    const message = `the socket path has ${length} bytes, more than ${MAX_SOCKET_PATH}`;
    report.error("bad-value", address.at, message, { hints: ["use a shorter path"] });
  }
  const mode = modeOf(listen, report);
  const group = textOf(listen, "group");
  return {
    address: `unix:${path}`,
    ...(mode === undefined ? {} : { mode }),
    ...(group === undefined ? {} : { group }),
    insecure: boolOf(listen, "insecure") ?? false,
  };
}

function modeOf(listen: Block, report: Report): number | undefined {
  const mode = value(listen, "mode");
  if (mode === undefined) return undefined;
  if (/^0?[0-7]{3}$/.test(String(mode.value))) return Number.parseInt(String(mode.value), 8);
  const hints = ['write mode "0660"'];
  report.error("bad-value", mode.at, `invalid mode '${mode.value}' in 'listen'`, { hints });
  return undefined;
}

/** Without TLS, which is not live, TCP is allowed on loopback and when asked for. */
function tcp(listen: Block, address: Value, report: Report): ControlListen | undefined {
  const text = String(address.value);
  const parsed = parseBindAddress(text);
  if (parsed === undefined) {
    const hints = ['expected "unix:PATH" or "IP:PORT"'];
    report.error("bad-address", address.at, `Invalid socket address '${text}' of the control interface`, {
      hints,
    });
    return undefined;
  }
  for (const key of ["mode", "group"]) {
    const extra = value(listen, key);
    if (extra !== undefined)
      report.error("unknown-key", extra.at, `'${key}' is for sockets, not for TCP addresses`, {
        hints: ["remove it, or listen on unix:PATH"],
      });
  }
  const insecure = boolOf(listen, "insecure") ?? false;
  const isLoopback = parsed.family === "ipv6" ? parsed.host === "::1" : parsed.host.startsWith("127.");
  if (items(listen, "tls").length > 0) return { address: text, insecure };
  if (!isLoopback) {
    const hints = ["use a unix socket or a loopback address"];
    report.error("bad-value", address.at, `the control interface on ${text} needs TLS`, { hints });
  } else if (!insecure) {
    const hints = ["add insecure #true, or use a unix socket"];
    report.error("bad-value", address.at, `the control interface on ${text} would be plain text`, { hints });
  } else {
    const message = `the control interface on ${text} is plain text and open to every local user`;
    report.warning("insecure", address.at, message, { hints: ["prefer a unix socket"] });
  }
  return { address: text, insecure };
}
