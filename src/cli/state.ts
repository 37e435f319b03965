// `sentinel state`: prints the live configuration, as KDL that starts another
// Sentinel with the same state, or as JSON.
import { create, toJsonString } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { printKdl } from "../config/print.ts";
import { type ConfigState, ConfigStateSchema } from "../gen/sentinel/v1/resources_pb.ts";
import { type ClientOptions, type ControlClient, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";

interface StateOptions extends ClientOptions {
  readonly format?: string;
}

/** Adds `state`. */
export function addStateCommand(program: Command): void {
  withClientOptions(program.command("state").description("print the live configuration"))
    .option("--format <format>", "kdl or json")
    .action((options: StateOptions) =>
      withClient(options, async (client) => {
        const format = options.format ?? (options.json === true ? "json" : "kdl");
        if (format !== "kdl" && format !== "json")
          throw new ExitError(2, `unknown format '${format}': kdl or json`);
        const config = await readState(client);
        const text =
          format === "kdl"
            ? printKdl(config)
            : `${toJsonString(ConfigStateSchema, config, { prettySpaces: 2 })}\n`;
        process.stdout.write(text);
      }),
    );
}

/** The whole state, all pages put together. */
export async function readState(client: ControlClient): Promise<ConfigState> {
  const whole = create(ConfigStateSchema);
  let pageToken = "";
  do {
    const page = await client.call("getState", { pageToken, pageSize: 10_000 });
    const part = page.state;
    if (part?.system !== undefined) whole.system = part.system;
    whole.listeners.push(...(part?.listeners ?? []));
    whole.routes.push(...(part?.routes ?? []));
    for (const upstream of part?.upstreams ?? []) {
      const last = whole.upstreams.at(-1);
      if (last?.id === upstream.id) last.backends.push(...upstream.backends);
      else whole.upstreams.push(upstream);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return whole;
}
