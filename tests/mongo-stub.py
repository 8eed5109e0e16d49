#!/usr/bin/env python3
"""A stub of a MongoDB server, which does what no real server does on demand.

    mongo-stub.py PORT_FILE [COMMAND=ACTION]...

It listens on a port that the kernel chooses, writes it to PORT_FILE, and answers every command
with success; nothing is stored. ACTION, for a command such as insert, endSessions or hello:

    delay:SECONDS   answer late
    hang            never answer
    trickle:SECONDS send the first bytes of an answer late, and no more
    refuse[:COUNT]  answer with an error, to the first COUNT of them
    drop            close the connection instead

Each connection that is opened, named or closed, and each command but the heartbeats, is a line on
the standard output. Storing and finding are tested with a real server; see demo-helpers.bash.
"""

import collections
import os
import socket
import sys
import threading
import time

import mongowire

HELLO = {
    "ok": 1,
    "ismaster": True,
    "isWritablePrimary": True,
    "helloOk": True,
    "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000,
    "maxWriteBatchSize": 100000,
    "minWireVersion": 0,
    "maxWireVersion": 17,
    "logicalSessionTimeoutMinutes": 30,
}
lock = threading.Lock()
HEARTBEATS = ("hello", "isMaster", "ismaster")


def answer_to(name):
    if name in HEARTBEATS:
        return HELLO
    if name == "find":
        return {"ok": 1, "cursor": {"id": mongowire.Number64(0), "ns": "demo.users", "firstBatch": []}}
    if name == "saslStart":  # of the mechanism PLAIN, which has only this step
        return {"ok": 1, "conversationId": 1, "done": True, "payload": b""}
    return {"ok": 1, "n": 1}


refused = collections.Counter()


def is_refused(name, limit):
    with lock:
        refused[name] += 1
        return not limit or refused[name] <= int(limit)


def say(text):
    print(text, flush=True)


def serve(sock, actions):
    while True:
        number, kind, command = mongowire.receive(sock)
        name = next(iter(command))
        action, _, seconds = actions.get("hello" if name in HEARTBEATS else name, "").partition(":")
        if name not in HEARTBEATS:
            say(f"{name} asked")
        elif "application" in command.get("client", {}):
            say(f"connection of {command['client']['application']['name']}")
        if action == "hang":
            sock.recv(1)
        if action == "drop":
            return
        if action in ("delay", "trickle"):
            time.sleep(float(seconds))
        if action == "trickle":
            sock.sendall(b"\xff\0\0\0")
            sock.recv(1)
        answer = answer_to(name)
        if action == "refuse" and is_refused(name, seconds):
            answer = {"ok": 0, "code": 8000, "errmsg": "the stub refuses this"}
        if kind == mongowire.OP_QUERY:
            mongowire.send_reply(sock, answer, number)
        else:
            mongowire.send(sock, answer, answers=number)
        if name not in HEARTBEATS:
            say(f"{name} answered")


def serve_until_closed(sock, actions):
    with sock:
        try:
            serve(sock, actions)
        except OSError:
            pass
    say("connection closed")


def main():
    port_file, *words = sys.argv[1:]
    actions = dict(word.split("=", 1) for word in words)
    listener = socket.create_server(("127.0.0.1", 0))
    with open(port_file + ".new", "w", encoding="ascii") as file:
        file.write(f"{listener.getsockname()[1]}\n")
    os.rename(port_file + ".new", port_file)
    while True:
        sock, _ = listener.accept()
        say("connection opened")
        threading.Thread(target=serve_until_closed, args=(sock, actions), daemon=True).start()


if __name__ == "__main__":
    main()
