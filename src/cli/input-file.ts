// The FILE of `apply` and `diff`: commands, or a desired state. A file that
// starts with "{" is JSON, as protobuf writes it: {"commands": […]}, perhaps with
// "options", or a state as `sentinel state --json` prints it. Anything else is KDL.
import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { formatDiagnostics } from "../config/diagnostic.ts";
import { loadConfigText } from "../config/load.ts";
import { type ApplyDiffRequest, ApplyDiffRequestSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ConfigState, ConfigStateSchema } from "../gen/sentinel/v1/resources_pb.ts";
import { ExitError } from "./exit.ts";

/** What a file asks for. */
export type Input =
  | { readonly kind: "commands"; readonly request: ApplyDiffRequest }
  | { readonly kind: "desired"; readonly config: ConfigState };

/** For --help of the commands that take such a file. */
export const INPUT_HELP = `
FILE is one of
  a configuration in KDL: the desired state; what it does not name is removed
  a state in JSON, as \`sentinel state --json\` prints it: the same
  {"commands": [...]} in JSON: these commands ("options" may say more)
  -: standard input`;

/** Reads the file, "-" being standard input. What is wrong with it goes to standard error, exit code 1. */
export async function readInput(file: string): Promise<Input> {
  const name = file === "-" ? "standard input" : file;
  const text = await readText(file, name);
  if (/^\s*\{/.test(text) || name.endsWith(".json")) return fromText(name, text);
  const { config, diagnostics, sources } = loadConfigText(file === "-" ? "stdin" : file, text);
  // How a process listens for us is in the file, too, but no part of its state.
  const shown = diagnostics.filter(({ severity, code }) => severity !== "note" && code !== "insecure");
  process.stderr.write(formatDiagnostics(shown, sources, name));
  if (config === undefined) throw new ExitError(1, "");
  return { kind: "desired", config };
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    const reason = (error as Error).message.replace(/, \w+ '.*'$/, "");
    throw new ExitError(1, `${name} cannot be read: ${reason}`);
  }
}

function fromText(name: string, text: string): Input {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ExitError(1, `${name} is not JSON: ${(error as Error).message}`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ExitError(1, `${name} is not a JSON object`);
  }
  if (!("commands" in json)) return { kind: "desired", config: decode(name, ConfigStateSchema, json) };
  // A plan of `diff --json` also tells its effects, which follow from the commands.
  const { effects: _, ...request } = json;
  return { kind: "commands", request: decode(name, ApplyDiffRequestSchema, request) };
}

function decode<D extends DescMessage>(name: string, schema: D, json: JsonObject): MessageShape<D> {
  try {
    return fromJson(schema, json);
  } catch (error) {
    throw new ExitError(1, `${name}: ${(error as Error).message}`);
  }
}
