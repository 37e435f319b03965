// `sentinel events`: what happened to a running proxy, other than changes: those
// events that it keeps, and with --follow those that come.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import { type Event, Event_Severity, EventSchema } from "../gen/sentinel/v1/events_pb.ts";
import { type ClientOptions, withClient, withClientOptions } from "./client.ts";
import { type Meaning, type Paint, painter } from "./paint.ts";
import { readWhole } from "./read-value.ts";

interface EventsOptions extends ClientOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly name?: readonly string[];
  readonly severity?: keyof typeof SEVERITIES;
}

const SEVERITIES = {
  info: Event_Severity.INFO,
  warning: Event_Severity.WARNING,
  error: Event_Severity.ERROR,
} as const;

const SHOWN: Readonly<Record<number, { readonly text: string; readonly meaning: Meaning }>> = {
  [Event_Severity.INFO]: { text: "info", meaning: "faint" },
  [Event_Severity.WARNING]: { text: "warning", meaning: "changed" },
  [Event_Severity.ERROR]: { text: "error", meaning: "bad" },
};

/** Adds `events`. */
export function addEventsCommand(program: Command): void {
  const events = program
    .command("events")
    .description("list what happened to the proxy since it was started, other than changes")
    .option("-f, --follow", "go on with what happens from now on")
    .option("--since <sequence>", "only those after this one")
    .option("--name <name...>", "only these; a name without its last words stands for all that begin with it")
    .addOption(
      new Option("--severity <severity>", "only those at least as serious").choices(Object.keys(SEVERITIES)),
    );
  withClientOptions(events).action((options: EventsOptions) => {
    const { follow = false, since, name: names = [], severity } = options;
    const after = since === undefined ? 0n : readWhole(since, "--since");
    const request = {
      includeKept: true,
      names: [...names],
      minSeverity: severity === undefined ? Event_Severity.UNSPECIFIED : SEVERITIES[severity],
    };
    const paint = painter(process.stdout);
    return withClient(options, async (client) => {
      for await (const { message } of client.stream("watchEvents", request)) {
        // The first heartbeat comes after everything that is kept.
        if (message.case === "heartbeat" && !follow) return;
        if (message.case !== "event" || message.value.sequence <= after) continue;
        const event = message.value;
        const text = options.json === true ? toJsonString(EventSchema, event) : eventText(event, paint);
        process.stdout.write(`${text}\n`);
      }
    });
  });
}

/** "12 TIME error worker-gone worker 0: a worker has ended and is replaced: it hung". */
export function eventText(event: Event, paint: Paint = (_, text) => text): string {
  const { sequence, time, severity, name, subject, message } = event;
  const shown = SHOWN[severity];
  const parts = [
    String(sequence),
    time === undefined ? "" : timestampDate(time).toISOString(),
    shown === undefined ? "" : paint(shown.meaning, shown.text),
    paint("strong", name),
    subject,
  ];
  return `${parts.filter((part) => part !== "").join(" ")}: ${message}`;
}
