// `sentinel explain`: which route a request takes, and why.
import { toJsonString } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type ExplainRouteResponse, ExplainRouteResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { ExitError } from "./exit.ts";
import { collect } from "./field-flags.ts";
import { type Paint, painter } from "./paint.ts";

interface ExplainOptions extends ClientOptions {
  readonly method: string;
  readonly header?: readonly string[];
  readonly listener?: string;
}

/** Adds `explain`. */
export function addExplainCommand(program: Command): void {
  const command = program
    .command("explain <url>")
    .description("say which route a request takes, and why")
    .option("-X, --method <method>", "request method", "GET")
    .option("-H, --header <header>", "'Name: value'; repeatable", collect)
    .option("--listener <id>", "where the request comes in; default: one that serves the global routes");
  withClientOptions(command)
    .addHelpText("after", "\nURL is http://HOST/PATH or just /PATH.")
    .action((url: string, options: ExplainOptions) =>
      withClient(options, async (client) => {
        const match = /^(?:https?:\/\/([^/?#]+))?(\/.*)?$/.exec(url);
        if (match === null) throw new ExitError(2, `'${url}' is neither http://HOST/PATH nor /PATH`);
        const request = {
          method: options.method,
          host: match[1] ?? "",
          path: match[2] ?? "/",
          headers: (options.header ?? []).map(headerOf),
          listenerId: options.listener ?? "",
        };
        const answer = await client.call("explainRoute", request);
        const text =
          options.json === true
            ? `${toJsonString(ExplainRouteResponseSchema, answer)}\n`
            : explainText(answer, painter(process.stdout));
        process.stdout.write(text);
      }),
    );
}

function headerOf(text: string): { name: string; value: string } {
  const colon = text.indexOf(":");
  if (colon < 1) throw new ExitError(2, `header '${text}' is not 'Name: value'`);
  return { name: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() };
}

function explainText(answer: ExplainRouteResponse, paint: Paint): string {
  const scope = answer.domain === "" ? "" : `, routes of ${answer.domain}`;
  const lines = [`revision ${answer.revision}, path matched ${answer.matchedPath}${scope}`];
  for (const { routeId, matched, reason, priority, specificity, origin } of answer.trials) {
    const from = origin === "" ? "" : `  [${origin}]`;
    lines.push(
      `  ${matched ? paint("good", "+") : paint("faint", "-")} ${routeId}  priority ${priority}, specificity ${specificity}: ${reason}${from}`,
    );
  }
  if (answer.routeId !== "") lines.push(paint("strong", routeText(answer)));
  for (const { id, address, weight, usable } of answer.backends) {
    lines.push(`  backend ${id}  ${address}, weight ${weight}${usable ? "" : ", not usable"}`);
  }
  if (answer.answerStatus !== 0)
    lines.push(paint("bad", `the proxy answers ${answer.answerStatus} itself: ${answer.answerReason}`));
  return `${lines.join("\n")}\n`;
}

function routeText({ routeId, upstream, isDefaultRoute }: ExplainRouteResponse): string {
  const why = isDefaultRoute ? ", the listener's default" : "";
  return `route ${routeId}${why} → upstream ${upstream}`;
}
