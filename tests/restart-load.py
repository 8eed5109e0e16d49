#!/usr/bin/env python3
"""Stores users through the demo server while it is restarted again and again.

    restart-load.py PORT COUNT SECONDS COMMAND...

Sends COUNT requests POST /user, each with a name of its own, evenly spread over SECONDS, and runs
COMMAND once in a second meanwhile. Half of the clients keep their connection, as browsers do, the
others open one for each request. Prints a line for each request, OUTCOME NAME, in which OUTCOME is

    201...    the status of the answer
    refused   there was no connection to be had
    failed    there was one, and no whole answer came
    stale     no byte of an answer came on a connection that had been used before, and was still open
              when the request was sent: the server has closed it while the request was on its way,
              which HTTP/1.1 cannot prevent

and at the end a line "restarts N FAILED".
"""

import re
import select
import socket
import subprocess
import sys
import threading
import time

CLIENTS = 4
PORT, COUNT, SECONDS = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
COMMAND = sys.argv[4:]
REQUEST = """POST /user HTTP/1.1\r
Host: localhost\r
Content-Type: application/x-www-form-urlencoded\r
Content-Length: %d\r
\r
username=%s"""
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    return end != b"" and len(body) == int(LENGTH.search(head)[1])


class Client:
    def __init__(self):
        self.sock = None

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def is_kept(self):
        """Whether there is a connection. One that the server has closed is none, as every client knows."""
        if self.sock and select.select([self.sock], [], [], 0)[0]:
            self.close()
        return self.sock is not None

    def connect(self):
        self.sock = socket.create_connection(("127.0.0.1", PORT), timeout=20)

    def ask(self, name):
        """Sends a request. Returns as much of the answer as comes."""
        answer = b""
        try:
            self.sock.sendall((REQUEST % (len(name) + 9, name)).encode())
            while not is_whole(answer) and (piece := self.sock.recv(65536)):
                answer += piece
        except OSError:
            pass
        return answer

    def store(self, name):
        """Returns the outcome."""
        reused = self.is_kept()
        try:
            if not reused:
                self.connect()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "failed"
        answer = self.ask(name)
        if not is_whole(answer) or b"\r\nConnection: close\r\n" in answer:
            self.close()
        if is_whole(answer):
            return answer.split()[1].decode()
        return "stale" if reused and not answer else "failed"


def run_client(number, begin, lines):
    client = Client()
    for i in range(number, COUNT, CLIENTS):
        time.sleep(max(0.0, begin + i * SECONDS / COUNT - time.monotonic()))
        name = f"user{i}"
        lines.append(f"{client.store(name)} {name}")
        if number % 2 == 0:
            client.close()
    client.close()


def main():
    lines, begin = [], time.monotonic()
    clients = [threading.Thread(target=run_client, args=(n, begin, lines)) for n in range(CLIENTS)]
    for thread in clients:
        thread.start()
    restarts = bad = 0
    while any(thread.is_alive() for thread in clients):
        time.sleep(max(0.0, begin + restarts + 1 - time.monotonic()))
        bad += subprocess.run(COMMAND, check=False, stdout=sys.stderr).returncode != 0
        restarts += 1
    for thread in clients:
        thread.join()
    print(*lines, f"restarts {restarts} {bad}", sep="\n")


if __name__ == "__main__":
    main()
