"""Scales the weights of all backends of an upstream: read, compute, write, unless somebody was faster.

python weights.py CONTROL UPSTREAM FACTOR
"""

import sys

import grpc
from reflect import Sentinel, reason_of

BACKEND = 5  # ResourceKind


def scale(sentinel, upstream, factor):
    while True:
        backends, page = [], sentinel.call("GetState", kinds=[BACKEND], id_prefix=upstream)
        while True:
            backends += [b for u in page.state.upstreams if u.id == upstream for b in u.backends]
            if not page.next_page_token:
                break
            page = sentinel.call("GetState", page_token=page.next_page_token)
        commands = []
        for backend in backends:
            weight = (backend.weight if backend.HasField("weight") else 1) * factor
            changed = sentinel.message("Backend", id=backend.id, weight=weight)
            update = sentinel.message("UpdateBackend", upstream=upstream, backend=changed)
            commands.append(sentinel.message("Command", update_backend=update))
        options = sentinel.message(
            "CommitOptions",
            expected_revision=page.revision,
            expected_history_id=page.history_id,
            reason=f"weights of {upstream} times {factor}",
        )
        try:
            return sentinel.call("ApplyDiff", commands=commands, options=options).result
        except grpc.RpcError as error:
            # Somebody was faster, or this is another life of the state: read again.
            if reason_of(error) not in ("stale_revision", "history_changed"):
                raise


if __name__ == "__main__":
    result = scale(Sentinel(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
    print(f"revision {result.revision}: {len(result.effects)} weights")
