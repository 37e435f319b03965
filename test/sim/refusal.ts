// Why a watch ended, as a client reads it from the status, and whether that was
// true: nobody is sent away without need, and what is said about where to go on
// is right.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { ServiceError } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import type { WatchChangesRequest } from "../../src/gen/sentinel/v1/control_pb.ts";
import type { World } from "./world.ts";

/** ErrorInfo of a status. */
export interface Reason {
  readonly code: number;
  readonly reason: string;
  readonly info: Readonly<Record<string, string>>;
}

/** gRPC status numbers of the reasons. */
const CODES: Readonly<Record<string, number>> = {
  limit: 8,
  history_changed: 9,
  compacted: 11,
  unavailable: 14,
};

/** What was true when the stream ended. */
export interface Situation {
  readonly request: WatchChangesRequest;
  /** What the client has, when it has read everything. */
  readonly bookmark: bigint;
  readonly isInSnapshot: boolean;
  /** The first change up to that revision that the client has not received. */
  readonly missed: (to: bigint) => bigint | undefined;
  /** Oldest retained revision when the stream began, and when it ended. */
  readonly oldestAtFirst: bigint;
  readonly oldest: bigint;
  readonly historyId: string;
  readonly isClosed: boolean;
}

/** Reads the details of a status. */
export function reasonOf(status: ServiceError): Reason {
  const bytes = status.metadata.get("grpc-status-details-bin")[0];
  if (!(bytes instanceof Uint8Array)) return { code: status.code, reason: "none", info: {} };
  for (const detail of fromBinary(StatusSchema, bytes).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) return { code: status.code, reason: info.reason, info: info.metadata };
  }
  return { code: status.code, reason: "none", info: {} };
}

/** Checks that a watch was ended or refused for the reason it was told. */
export function checkRefusal(world: World, who: string, { code, reason, info }: Reason, at: Situation): void {
  const { request, bookmark, oldest } = at;
  const wrong = () => `${who} was told ${reason} ${JSON.stringify(info)} at ${bookmark}, oldest is ${oldest}`;
  world.check(CODES[reason] === code, "Resumable", wrong);
  switch (reason) {
    case "history_changed":
      return world.check(request.historyId !== at.historyId, "Resumable", wrong);
    case "unavailable":
      return world.check(at.isClosed, "Resumable", wrong);
    case "compacted": {
      const isTrue = request.fromRevision < oldest && info["oldest_revision"] === String(oldest);
      return world.check(isTrue, "Resumable", wrong);
    }
    case "limit":
      return checkFallenBehind(world, info, at, wrong);
  }
}

/**
 * A slow reader is ended only when what it needs is gone, and is told how far it
 * got: never more than it has received. It may be one step less: the server has
 * sent the whole of a change before it looks whether more of it is to come.
 */
function checkFallenBehind(world: World, info: Reason["info"], at: Situation, wrong: () => string): void {
  const { request, bookmark, oldest, isInSnapshot } = at;
  const isTrue = info["oldest_revision"] === String(oldest) && info["history_id"] === at.historyId;
  // Whoever comes too late is refused at once, and not called slow.
  const wasThere = request.fromRevision === 0n || request.fromRevision >= at.oldestAtFirst;
  world.check(isTrue && wasThere, "Resumable", wrong);
  const resume = info["resume_from"];
  if (resume === undefined) return world.check(isInSnapshot || request.includeState, "Bookmarkable", wrong);
  const from = BigInt(resume);
  world.check(!isInSnapshot && from < oldest, "Bookmarkable", wrong);
  const isRight = bookmark < 0n || (from >= bookmark - 1n && at.missed(from) === undefined);
  world.check(isRight, "Bookmarkable", wrong);
}
