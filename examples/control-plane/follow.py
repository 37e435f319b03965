"""Prints every change, in order and without a gap, for as long as there is a Sentinel.

python follow.py CONTROL
"""

import sys
import time

import grpc
from reflect import Sentinel, reason_of


def follow(sentinel):
    """Yields ("state", revision, parts) first and after every gap, else ("change", revision, effects)."""
    history_id, revision = "", 0
    while True:
        place = {"history_id": history_id, "from_revision": revision} if revision else {"include_state": True}
        parts = []
        try:
            for message in sentinel.stream("WatchChanges", **place):
                event = message.WhichOneof("event")
                if event == "snapshot":
                    parts.append(message.snapshot)
                elif event == "snapshot_complete":
                    history_id, revision = message.snapshot_complete.history_id, message.snapshot_complete.revision
                    yield "state", revision, parts
                    parts = []
                elif event == "change":
                    parts.extend(message.change.change.effects)
                    if message.change.last:
                        revision = message.change.change.revision
                        yield "change", revision, parts
                        parts = []
        except grpc.RpcError as error:
            if reason_of(error) in ("compacted", "history_changed"):
                revision = 0  # only a new snapshot helps
            elif error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                time.sleep(0.5)  # away, or we read too slowly: go on where we were
            else:
                raise


if __name__ == "__main__":
    for kind, revision, parts in follow(Sentinel(sys.argv[1])):
        print(kind, revision, len(parts), flush=True)
