// The plan of a file: the commands that lead from the live state to what the
// file asks for, and what they would do. The proxy computes it; nothing changes.
import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import type { Command } from "../gen/sentinel/v1/commands_pb.ts";
import { ApplyDiffRequestSchema, DiffStatesResponseSchema } from "../gen/sentinel/v1/control_pb.ts";
import type { Effect } from "../gen/sentinel/v1/events_pb.ts";
import { type ConfigState, ConfigStateSchema } from "../gen/sentinel/v1/resources_pb.ts";
import type { ControlClient } from "./client.ts";
import type { Input } from "./input-file.ts";
import { callMutation } from "./mutation.ts";
import { keepOrderKeys } from "./route-order.ts";
import { readLive } from "./state.ts";

/** What a file would change. */
export interface Plan {
  readonly commands: readonly Command[];
  readonly effects: readonly Effect[];
  /** Whether the effects were too many to be told. */
  readonly isTruncated: boolean;
  /** The state that the plan starts from. */
  readonly revision: bigint;
  readonly historyId: string;
  /** That state and the one that the file describes, where they were read. */
  readonly states?: { readonly before: ConfigState; readonly after: ConfigState };
}

/** The plan for what a file asks for. */
export function planOf(client: ControlClient, input: Input): Promise<Plan> {
  return input.kind === "desired"
    ? planOfState(client, input.config)
    : planOfCommands(client, input.request.commands);
}

/** Commands and effects that lead from the live state to `wanted`. */
export async function planOfState(client: ControlClient, wanted: ConfigState): Promise<Plan> {
  const { config: before, revision, historyId } = await readLive(client);
  const routes = [...keepOrderKeys(wanted.routes, before.routes)];
  const after = create(ConfigStateSchema, { ...wanted, routes });
  const commands: Command[] = [];
  const effects: Effect[] = [];
  let pageToken = "";
  do {
    const page = await client.call("diffStates", {
      from: { source: { case: "revision", value: revision } },
      to: { source: { case: "state", value: after } },
      pageSize: 10_000,
      pageToken,
    });
    commands.push(...page.commands);
    effects.push(...page.effects);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { commands, effects, isTruncated: false, revision, historyId, states: { before, after } };
}

async function planOfCommands(client: ControlClient, commands: readonly Command[]): Promise<Plan> {
  const result = await callMutation(client, "applyDiff", { commands, options: { validateOnly: true } });
  if (result === undefined) throw new Error("ApplyDiff answered without a result");
  const { effects, truncated, revision, historyId } = result;
  return { commands, effects, isTruncated: truncated, revision, historyId };
}

/** Whether the plan changes anything. */
export function hasEffect({ effects, isTruncated }: Plan): boolean {
  return effects.length > 0 || isTruncated;
}

/** The plan as an ApplyDiffRequest that holds for its revision only, and its effects. `apply` takes it. */
export function planJson({ commands, effects, revision, historyId }: Plan): string {
  const options = { expectedRevision: revision, expectedHistoryId: historyId };
  const request = requestJson({ commands: [...commands], options });
  const told = toJson(DiffStatesResponseSchema, create(DiffStatesResponseSchema, { effects: [...effects] }));
  return `${JSON.stringify({ commands: [], ...request, ...(told as object) })}\n`;
}

function requestJson(request: MessageInitShape<typeof ApplyDiffRequestSchema>): object {
  return toJson(ApplyDiffRequestSchema, create(ApplyDiffRequestSchema, request)) as object;
}
