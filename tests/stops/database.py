#!/usr/bin/env python3
"""What an application takes for its database: it accepts connections, and neither reads nor answers.

    database.py FILE [ADDRESS]

Listens at ADDRESS (127.0.0.1, or ::1, or unix:PATH), and writes to FILE where: "127.0.0.1:40123",
"[::1]:40123", "unix:PATH". Stopped by SIGSTOP it is hung; killed it is gone.
"""

import os
import socket
import sys


def listen(address):
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(address[len("unix:") :])
        return sock, address
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind((address, 0))
    host = f"[{address}]" if ":" in address else address
    return sock, f"{host}:{sock.getsockname()[1]}"


def main():
    file, address = sys.argv[1], (sys.argv[2:] or ["127.0.0.1"])[0]
    sock, where = listen(address)
    sock.listen(1024)
    with open(file + ".new", "w", encoding="utf-8") as out:
        out.write(where)
    os.rename(file + ".new", file)
    connections = []
    while True:
        connections.append(sock.accept()[0])


if __name__ == "__main__":
    main()
