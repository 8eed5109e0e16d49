#!/usr/bin/env python3
"""Raw clients that hold connections to a server, each in a state of its own.

    clients.py [--host ADDRESS] [--path PATH] [--when FILE] [OPTION] STATE[=COUNT]... PORT

It connects at once, or when FILE is there.

  in-flight   has sent a request for PATH (/slow) and waits for the answer
  idle        has had an answer, and sends nothing more: keep-alive
  silent      has sent nothing
  half        has sent half a header
  download    has sent a request for PATH (/big), and reads no more than the beginning of the answer
              before the file `go` is there; nothing at all with --unanswered

"held" is printed when every connection is in its state. Then, for each, how it ended: "idle: eof",
"in-flight: 200 eof", "download: 200 eof 4000000" (the bytes of the body), "half: reset"; after which
it is closed, unless --keep-open. It ends when they all have.
"""

import argparse
import os
import selectors
import socket
import time

PATIENCE = 20
PATHS = {"in-flight": "/slow", "download": "/big", "idle": "/"}


def say(text):
    print(text, flush=True)


class Client:
    def __init__(self, options, state):
        self.state = state
        self.data = b""
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        if state == "download":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect((options.host, options.port))
        getattr(self, "hold_" + state.replace("-", "_"))(options)

    def request(self, path):
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def receive(self, size=65536):
        """Returns what ends the stream, or nothing."""
        try:
            piece = self.sock.recv(size)
        except ConnectionResetError:
            return "reset"
        self.data += piece
        return "" if piece else "eof"

    def hold_in_flight(self, options):
        self.request(options.path or PATHS["in-flight"])

    def hold_idle(self, _options):
        self.request(PATHS["idle"])
        while not self.is_whole():
            end = self.receive()
            if end:
                raise SystemExit(f"idle: {end} instead of an answer, after {self.data!r}")
        self.data = b""

    def hold_silent(self, _options):
        pass

    def hold_half(self, _options):
        self.sock.sendall(b"GET / HTTP/1.1\r\nHost: loc")

    def hold_download(self, options):
        self.request(options.path or PATHS["download"])
        if not options.unanswered:
            self.receive(100)

    def is_whole(self):
        head, found, body = self.data.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return bool(found) and len(body) >= int(line.split(b":")[1])
        return found and (b"chunked" not in head.lower() or body.endswith(b"0\r\n\r\n"))

    def outcome(self, end):
        head, _, body = self.data.partition(b"\r\n\r\n")
        words = [f"{self.state}:"]
        if head:
            words.append(head.split()[1].decode())
        words.append(end)
        if self.state == "download":
            words.append(str(len(body)))
        return " ".join(words)


def wait_for_ends(options, clients):
    selector = selectors.DefaultSelector()
    waiting = [c for c in clients if c.state == "download"]
    for client in clients:
        if client not in waiting:
            selector.register(client.sock, selectors.EVENT_READ, client)
    left = len(clients)
    while left > 0:
        if waiting and os.path.exists("go"):
            for client in waiting:
                selector.register(client.sock, selectors.EVENT_READ, client)
            waiting = []
        if not selector.get_map():
            time.sleep(0.01)
        for key, _ in selector.select(0.01):
            end = key.data.receive()
            if end:
                say(key.data.outcome(end))
                selector.unregister(key.fileobj)
                if not options.keep_open:
                    key.fileobj.close()
                left -= 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--path")
    parser.add_argument("--when")
    parser.add_argument("--unanswered", action="store_true")
    parser.add_argument("--keep-open", action="store_true")
    parser.add_argument("states", nargs="+")
    parser.add_argument("port", type=int)
    options = parser.parse_intermixed_args()
    while options.when and not os.path.exists(options.when):
        time.sleep(0.002)
    clients = []
    for word in options.states:
        state, _, count = word.partition("=")
        clients += [Client(options, state) for _ in range(int(count or 1))]
    say("held")
    wait_for_ends(options, clients)


if __name__ == "__main__":
    main()
