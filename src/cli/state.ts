// `sentinel state`: prints the live configuration, as KDL that starts another
// Sentinel with the same state, or as JSON; with --offline that of a state folder.
import { create, toJsonString } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { printKdl } from "../config/print.ts";
import { toConfigState } from "../core/index.ts";
import { type ConfigState, ConfigStateSchema } from "../gen/sentinel/v1/resources_pb.ts";
import { type ControlClient, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { isOffline, type OfflineOptions, withFolder, withOfflineOptions } from "./offline.ts";

const FORMATS = ["kdl", "json"] as const;

interface StateOptions extends OfflineOptions {
  readonly format?: (typeof FORMATS)[number];
}

/** Adds `state`. */
export function addStateCommand(program: Command): void {
  const state = program.command("state").description("print the live configuration");
  state.addOption(
    new Option("--format <format>", "kdl, or json like --json (default: kdl)").choices(FORMATS),
  );
  withClientOptions(withOfflineOptions(state)).action((options: StateOptions) =>
    isOffline(options)
      ? printFolder(options)
      : withClient(options, async (client) => printState(await readState(client), options)),
  );
}

function printState(config: ConfigState, { format, json }: StateOptions): void {
  const text =
    (format ?? (json === true ? "json" : "kdl")) === "kdl"
      ? printKdl(config)
      : `${toJsonString(ConfigStateSchema, config, { prettySpaces: 2 })}\n`;
  process.stdout.write(text);
}

/** Prints what can be read; what is wrong with the folder is an error all the same. */
function printFolder(options: StateOptions): Promise<void> {
  return withFolder(options, (folder) => {
    const inspected = folder.inspect();
    const found = inspected.is === "new" ? undefined : inspected.found;
    if (found !== undefined) printState(toConfigState(found.state), options);
    if (inspected.is === "wrong") throw new ExitError(1, inspected.error.message);
    if (found === undefined) throw new ExitError(1, "nothing was ever stored in this folder");
  });
}

/** The live state, and the revision it is of. */
export interface LiveState {
  readonly config: ConfigState;
  readonly revision: bigint;
  readonly historyId: string;
}

/** The whole state, all pages put together. */
export async function readState(client: ControlClient): Promise<ConfigState> {
  return (await readLive(client)).config;
}

/** The whole state with its revision; every page is of the same one. */
export async function readLive(client: ControlClient): Promise<LiveState> {
  const config = create(ConfigStateSchema);
  let pageToken = "";
  for (;;) {
    const page = await client.call("getState", { pageToken, pageSize: 10_000 });
    append(config, page.state);
    pageToken = page.nextPageToken;
    if (pageToken === "") return { config, revision: page.revision, historyId: page.historyId };
  }
}

/** An upstream that continues on the next page appears there again. */
function append(whole: ConfigState, part: ConfigState | undefined): void {
  if (part === undefined) return;
  const [to, from] = [whole, part] as unknown as Record<string, unknown>[];
  for (const { localName: name, fieldKind } of ConfigStateSchema.fields) {
    if (name === "upstreams") continue;
    if (fieldKind === "list") (to![name] as unknown[]).push(...(from![name] as unknown[]));
    else if (from![name] !== undefined) to![name] = from![name];
  }
  for (const upstream of part.upstreams) {
    const last = whole.upstreams.at(-1);
    if (last?.id === upstream.id) last.backends.push(...upstream.backends);
    else whole.upstreams.push(upstream);
  }
}
