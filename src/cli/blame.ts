// `sentinel blame`: who last changed each field of a resource.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Argument, type Command } from "commander";
import { isSingleton } from "../core/index.ts";
import { type FieldBlame, GetBlameResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { KINDS, type KindName } from "./kind.ts";
import { type Paint, painter } from "./paint.ts";

interface BlameOptions extends ClientOptions {
  readonly upstream?: string;
}

/** Adds `blame`. */
export function addBlameCommand(program: Command): void {
  const blame = program
    .command("blame")
    .description("say who last changed each field of a resource")
    .addArgument(new Argument("<kind>", "kind of the resource").choices(Object.keys(KINDS)))
    .argument("[id]", "its id; `system` has none")
    .option("--upstream <upstream>", "the upstream of a backend");
  withClientOptions(blame).action((kind: KindName, id: string | undefined, options: BlameOptions) => {
    const { upstream = "", json } = options;
    if (isSingleton(KINDS[kind]) !== (id === undefined)) {
      throw new ExitError(2, id !== undefined ? `the ${kind} has no id` : `which ${kind}? blame ${kind} ID`);
    }
    if ((kind === "backend") !== (upstream !== "")) {
      throw new ExitError(
        2,
        kind === "backend" ? "a backend needs --upstream" : `a ${kind} has no --upstream`,
      );
    }
    return withClient(options, async (client) => {
      const answer = await client.call("getBlame", { kind: KINDS[kind], id: id ?? "", upstream });
      const paint = painter(process.stdout);
      const text =
        json === true
          ? `${toJsonString(GetBlameResponseSchema, answer)}\n`
          : answer.fields.map((field) => `${fieldText(field, paint)}\n`).join("") ||
            "no field of it is set\n";
      process.stdout.write(text);
    });
  });
}

/** "weight = 3" and, indented, who set it. */
function fieldText(
  { field, value, revision, time, actor, origin, reason }: FieldBlame,
  paint: Paint,
): string {
  const head = `${paint("strong", field)} = ${value}`;
  if (revision === 0n) return `${head}\n  set by a change that is no longer kept`;
  const when = time === undefined ? [] : [timestampDate(time).toISOString()];
  const why = reason === "" ? [] : [`(${reason})`];
  return `${head}\n  ${[`revision ${revision}`, ...when, actor, origin, ...why].join(" ")}`;
}
