// Where history, show and undo read the past: from a running proxy, all pages
// put together. The same from a state folder: offline.ts.
import { create } from "@bufbuild/protobuf";
import {
  ChangeFilter,
  type GetChangeResponse,
  GetChangeResponseSchema,
  type ListChangesRequest,
  type ListChangesResponse,
  ListChangesResponseSchema,
} from "../gen/sentinel/v1/control_pb.ts";
import type { ControlClient } from "./client.ts";

/** Which changes or attempts, without paging. */
export type PastQuery = Partial<
  Pick<ListChangesRequest, "filter" | "since" | "until" | "actor" | "kind" | "id" | "upstream">
>;

/** See the head of this file. */
export interface Past {
  /** At most `limit`, newest first; `nextPageToken` is set if there are more. */
  list(query: PastQuery, limit: number): Promise<ListChangesResponse>;
  /** A whole change. */
  change(revision: bigint): Promise<GetChangeResponse>;
}

/** Rows that the proxy gives at once. */
const MAX_ROWS = 1_000;

/** The past of a running proxy. */
export function pastOf(client: ControlClient): Past {
  return {
    list: async (query, limit) => {
      const whole = create(ListChangesResponseSchema);
      do {
        const pageSize = Math.min(limit - whole.changes.length, MAX_ROWS);
        const page = await client.call("listChanges", { ...query, pageSize, pageToken: whole.nextPageToken });
        whole.changes.push(...page.changes);
        Object.assign(whole, { ...page, changes: whole.changes });
      } while (whole.nextPageToken !== "" && whole.changes.length < limit);
      return whole;
    },
    change: async (revision) => {
      const whole = create(GetChangeResponseSchema);
      let pageToken = "";
      do {
        const page = await client.call("getChange", { revision, pageSize: 10_000, pageToken });
        if (whole.change === undefined) Object.assign(whole, { change: page.change, rpc: page.rpc });
        else {
          whole.change.commands.push(...(page.change?.commands ?? []));
          whole.change.effects.push(...(page.change?.effects ?? []));
        }
        whole.inverse.push(...page.inverse);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return whole;
    },
  };
}

/** Whether committed changes are asked for, not attempts. */
export function isOfChanges({ filter = ChangeFilter.UNSPECIFIED }: PastQuery): boolean {
  return filter === ChangeFilter.UNSPECIFIED || filter === ChangeFilter.COMMITTED;
}
