"""Speaks the protocol of the control socket, rightly and wrongly; see src/wire.h.

Usage: control.py SOCKET SCENARIO [ARGUMENT...]. Each scenario prints what came of it and exits with 0; what the
supervisor must not do ends it with an error.
"""
import os
import random
import socket
import struct
import sys
import time

PATIENCE = 30


# ---- BSON, as much as is needed ----

def encode(doc):
    """Takes dict, list, str, bytes (as a string, valid UTF-8 or not), bool and int."""
    items = doc.items() if isinstance(doc, dict) else ((str(i), v) for i, v in enumerate(doc))
    body = b"".join(encode_element(key.encode(), value) for key, value in items)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def encode_element(key, value):
    if isinstance(value, bool):
        return b"\x08" + key + b"\0" + bytes([value])
    if isinstance(value, int):
        return b"\x10" + key + b"\0" + struct.pack("<i", value)
    if isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        return b"\x02" + key + b"\0" + struct.pack("<i", len(data) + 1) + data + b"\0"
    return (b"\x04" if isinstance(value, list) else b"\x03") + key + b"\0" + encode(value)


def decode_top(data):
    """The strings, numbers and booleans of the top level."""
    out, at = {}, 4
    while data[at]:
        end = data.index(0, at + 1)
        kind, key, at = data[at], data[at + 1:end].decode(), end + 1
        size = struct.unpack_from("<i", data, at)[0] if kind in (2, 3, 4) else 0
        if kind == 2:
            out[key] = data[at + 4:at + 3 + size].decode(errors="replace")
            at += 4 + size
        elif kind in (3, 4):
            at += size
        elif kind == 8:
            out[key] = bool(data[at])
            at += 1
        else:
            out[key] = struct.unpack_from("<i" if kind == 16 else "<q", data, at)[0]
            at += 4 if kind == 16 else 8
    return out


def request(cmd, *targets, **fields):
    return encode({"v": 1, "cmd": cmd, "targets": list(targets), **fields})


# ---- a connection ----

class Connection:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(sys.argv[1])

    def send(self, data):
        """What the supervisor does not want to hear it need not read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def receive(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            data += part
        return data

    def messages(self):
        """All messages until the supervisor closes the connection."""
        while (head := self.receive(4)) is not None:
            yield decode_top(head + self.receive(struct.unpack("<i", head)[0] - 4))

    def answer(self):
        """The last message, or None."""
        last = None
        for last in self.messages():
            pass
        return last


def tell(name, answer):
    print(name + ":", "closed" if answer is None else f"code {answer['code']}, {answer['text']}")


def expect_ping():
    answer = Connection().send(request("ping")).answer()
    assert answer["type"] == "done" and answer["code"] == 0, answer


# ---- the scenarios ----

def order(cmd, target):
    """Asks for it, and goes away when the supervisor has begun."""
    connection = Connection().send(request(cmd, target))
    assert next(connection.messages())["type"] == "accepted"


def frames():
    """Bytes that are no frame: the connection is closed without an answer."""
    for name, data in {
        "length 0": struct.pack("<i", 0),
        "length 4": struct.pack("<i", 4),
        "length -1": struct.pack("<i", -1),
        "length 2147483647": struct.pack("<i", 2 ** 31 - 1),
        "one more than the limit": struct.pack("<i", 256 * 1024 + 1),
        "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a megabyte of 0xff": b"\xff" * 1024 * 1024,
    }.items():
        tell(name, Connection().send(data).answer())


def documents():
    """Frames that are no request, or one that cannot be granted: the client is told."""
    long_name = "w" * 129
    for name, data in {
        "empty document": encode({}),
        "no terminator": struct.pack("<i", 8) + b"\x01\x02\x03\x04",
        "a string longer than the document": struct.pack("<i", 17) + b"\x02v\0\xff\xff\xff\x7fabcde\0",
        "invalid UTF-8": encode({"v": 1, "cmd": b"p\xffs"}),
        "no version": encode({"cmd": "ps"}),
        "version 2": encode({"v": 2, "cmd": "ps"}),
        "version as text": encode({"v": "1", "cmd": "ps"}),
        "no command": encode({"v": 1}),
        "command as a number": encode({"v": 1, "cmd": 7}),
        "unknown command": request("explode"),
        "long command": request("p" * 100000),
        "targets as text": encode({"v": 1, "cmd": "ps", "targets": "web"}),
        "target as a number": encode({"v": 1, "cmd": "stop", "targets": [1]}),
        "target as a document": encode({"v": 1, "cmd": "stop", "targets": [{"a": "web"}]}),
        "empty target": request("stop", ""),
        "long target": request("stop", long_name),
        "target with NUL": request("stop", "web.1\0x"),
        "unknown target": request("stop", "nobody"),
        "too many targets": request("stop", *["web"] * 10001),
    }.items():
        tell(name, Connection().send(data).answer())


def noise(count):
    """Random bytes behind every possible first byte, and random changes of a good request."""
    dice = random.Random(1)
    good = request("ps", "web.1", "web", events=True)
    for i in range(int(count)):
        data = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if i % 2:
            data = bytes([i // 2 % 256]) + dice.randbytes(dice.randrange(200))
        connection = Connection().send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        connection.answer()


def halves(count):
    """Every part of a request that is not the whole, and then the end; nothing is answered."""
    data = request("stop", "web")
    for i in range(int(count)):
        connection = Connection().send(data[:i % len(data)])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer() is None


def pieces():
    """A request in pieces of one byte is a request."""
    connection = Connection()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    for byte in request("ping"):
        connection.send(bytes([byte]))
    tell("in pieces", connection.answer())


def sequence(count):
    """One connection after another; some say nothing, some do not wait for the answer."""
    for i in range(int(count)):
        if i % 4 == 0:
            Connection().socket.close()
        elif i % 4 == 1:
            Connection().send(request("ps")).socket.close()
        else:
            expect_ping()


def crowd(count):
    """All at once: first all are connected, then all ask, then all get their answers."""
    crowd_of = [Connection() for _ in range(int(count))]
    for connection in crowd_of:
        connection.send(request("ping"))
    codes = {connection.answer()["code"] for connection in crowd_of}
    print("codes:", codes)


def idlers(count):
    """Connect, send nothing or half a request, and wait until the supervisor has had enough."""
    connections = [Connection() for _ in range(int(count))]
    for connection in connections[::2]:
        connection.send(request("ping")[:7])
    print("connected", flush=True)
    for connection in connections:
        assert connection.answer() is None
    print("closed", flush=True)


def mutes(count):
    """Ask for everything and never read, until the file `go` is there; then see what is left to read."""
    connections = [Connection().send(request("ps", long=True)) for _ in range(int(count))]
    print("asked", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    for connection in connections:
        assert sum(1 for _ in connection.socket.makefile("rb")) >= 0
    print("done", flush=True)


def refused():
    """The supervisor hangs up before anything was said."""
    connection = Connection()
    tell("refused", connection.send(request("ping")).answer())


globals()[sys.argv[2]](*sys.argv[3:])
