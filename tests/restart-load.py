#!/usr/bin/env python3
"""Stores users through the demo server while it is restarted again and again.

    restart-load.py PORT COUNT SECONDS COMMAND...

Sends COUNT requests POST /user, each with a name of its own, evenly spread over SECONDS, and runs
COMMAND once in a second meanwhile. Half of the clients keep their connection, as browsers do, the
others open one for each request. Prints a line for each request, OUTCOME NAME, in which OUTCOME is

    201...    the status of the answer
    refused   there was no connection to be had
    failed    the request was sent, perhaps in part, and no answer came
    stale     the same on a connection that had been used before: the server may have closed it while
              the request was on its way, which HTTP/1.1 cannot prevent

and at the end a line "restarts N FAILED".
"""

import http.client
import subprocess
import sys
import threading
import time

CLIENTS = 4
PORT, COUNT, SECONDS = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
COMMAND = sys.argv[4:]
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def store(connection, name):
    reused = connection.sock is not None
    if not reused:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "failed"
    try:
        connection.request("POST", "/user", f"username={name}", HEADERS)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        connection.close()
        return "stale" if reused else "failed"


def client(number, begin, lines):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    for i in range(number, COUNT, CLIENTS):
        time.sleep(max(0.0, begin + i * SECONDS / COUNT - time.monotonic()))
        name = f"user{i}"
        lines.append(f"{store(connection, name)} {name}")
        if number % 2 == 0:
            connection.close()
    connection.close()


def main():
    lines, begin = [], time.monotonic()
    clients = [threading.Thread(target=client, args=(n, begin, lines)) for n in range(CLIENTS)]
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
