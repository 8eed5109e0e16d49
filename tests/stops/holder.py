#!/usr/bin/env python3
"""A process outside of the dyno that has its listener as well.

    holder.py PATH

Takes a listener at the unix socket PATH (see `app.py --lend`), prints "held", and accepts each
connection that the dyno leaves to it when the file `accept` is there; prints "accepted".
"""

import os
import select
import socket
import sys
import time


def main():
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.bind(sys.argv[1])
    channel.listen(1)
    giver, _ = channel.accept()
    _, descriptors, _, _ = socket.recv_fds(giver, 100, 1)
    listener = socket.socket(fileno=descriptors[0])
    print("held", flush=True)
    giver.send(b".")
    giver.close()
    while not os.path.exists("accept"):
        time.sleep(0.01)
    connections = []
    while True:
        # The dyno has made it non-blocking, for both.
        select.select([listener], [], [])
        connections.append(listener.accept()[0])
        print("accepted", flush=True)


if __name__ == "__main__":
    main()
