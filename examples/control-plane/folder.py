"""Keeps the backends of one upstream in step with a folder: a file's name is the id, its text the address.

It remembers nothing: whenever anything may have changed it sends the full list, which has no effect if
nothing differs.

python folder.py CONTROL UPSTREAM FOLDER
"""

import pathlib
import sys
import threading
import time

import grpc
from reflect import Sentinel

BACKEND = 5  # ResourceKind
PAUSE = 1  # seconds between looks at the folder, and after a failure


def read(folder):
    """What the folder says: id -> address."""
    files = [file for file in pathlib.Path(folder).iterdir() if not file.name.startswith(".")]
    return {file.name: file.read_text().strip() for file in files}


def send(sentinel, upstream, wanted):
    backends = [sentinel.message("Backend", id=id, address=address) for id, address in wanted.items()]
    options = sentinel.message("CommitOptions", reason="folder")
    result = sentinel.call("ReplaceBackends", upstream=upstream, backends=backends, options=options).result
    if result.changed:
        print(f"revision {result.revision}: {len(backends)} backends", flush=True)


def follow(sentinel, changed):
    """Sets the event at each change to a backend, and when a watch begins: it may be another life."""
    while True:
        try:
            for _ in sentinel.stream("WatchChanges", kinds=[BACKEND]):
                changed.set()
        except grpc.RpcError:
            time.sleep(PAUSE)  # send() says what is wrong


def main(address, upstream, folder):
    sentinel, changed, sent = Sentinel(address), threading.Event(), None
    threading.Thread(target=follow, args=(sentinel, changed), daemon=True).start()
    while True:
        try:
            wanted = read(folder)
            if wanted != sent:
                send(sentinel, upstream, wanted)
                sent = wanted
        except (OSError, grpc.RpcError) as error:
            print(error, file=sys.stderr)
            time.sleep(PAUSE)
        if changed.wait(PAUSE):
            changed.clear()
            sent = None


if __name__ == "__main__":
    main(*sys.argv[1:])
