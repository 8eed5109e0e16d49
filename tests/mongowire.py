"""The wire protocol of MongoDB, as much of it as the tests need: BSON and OP_MSG.

Documents are dicts in their order. Beside the types that Python has there is ObjectId,
12 bytes; dates are read as milliseconds.
"""

import socket
import struct

OP_REPLY = 1
OP_QUERY = 2004
OP_MSG = 2013


class ObjectId(bytes):
    pass


class Number64(int):
    """An int that is sent with 64 bits even when it is small."""


def encode_value(value):
    """Returns the type's byte and the bytes of the value."""
    if isinstance(value, bool):
        return b"\x08", b"\x01" if value else b"\x00"
    if isinstance(value, Number64) or (isinstance(value, int) and abs(value) >= 2**31):
        return b"\x12", struct.pack("<q", value)
    if isinstance(value, int):
        return b"\x10", struct.pack("<i", value)
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02", struct.pack("<i", len(text)) + text
    if isinstance(value, dict):
        return b"\x03", encode(value)
    if isinstance(value, list):
        return b"\x04", encode({str(i): item for i, item in enumerate(value)})
    if isinstance(value, ObjectId):
        return b"\x07", bytes(value)
    if isinstance(value, bytes):
        return b"\x05", struct.pack("<iB", len(value), 0) + value
    raise TypeError(f"no BSON for {value!r}")


def encode(document):
    body = b""
    for key, value in document.items():
        kind, content = encode_value(value)
        body += kind + key.encode() + b"\0" + content
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def decode_value(kind, data, at):
    """Returns the value and the place behind it."""
    fixed = {1: "<d", 9: "<q", 16: "<i", 17: "<q", 18: "<q"}
    if kind in fixed:
        size = struct.calcsize(fixed[kind])
        return struct.unpack_from(fixed[kind], data, at)[0], at + size
    if kind == 2:
        end = at + 4 + struct.unpack_from("<i", data, at)[0]
        return data[at + 4 : end - 1].decode(), end
    if kind in (3, 4):
        end = at + struct.unpack_from("<i", data, at)[0]
        document = decode(data[at:end])
        return (document if kind == 3 else list(document.values())), end
    if kind == 5:
        end = at + 5 + struct.unpack_from("<i", data, at)[0]
        return data[at + 5 : end], end
    if kind == 7:
        return ObjectId(data[at : at + 12]), at + 12
    if kind == 8:
        return data[at] != 0, at + 1
    if kind == 10:
        return None, at
    raise ValueError(f"the BSON type {kind} is not known here")


def decode(data):
    document = {}
    at = 4
    while data[at]:
        kind = data[at]
        end = data.index(b"\0", at + 1)
        key = data[at + 1 : end].decode()
        document[key], at = decode_value(kind, data, end + 1)
    return document


def receive_exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("the other side has closed")
        data += piece
    return data


def receive(sock):
    """Reads one message. Returns its id, its kind and its command."""
    length, number, _, kind = struct.unpack("<iiii", receive_exactly(sock, 16))
    data = receive_exactly(sock, length - 16)
    if kind == OP_QUERY:  # flags, name of a collection, two numbers
        return number, kind, decode(data[data.index(b"\0", 4) + 9 :])
    at, command = 4, {}
    while at < len(data):
        section, size = data[at], struct.unpack_from("<i", data, at + 1)[0]
        piece = data[at + 1 : at + 1 + size]
        if section == 0:
            command.update(decode(piece))
        else:  # a list of documents beside the command, such as those of an insert
            end = piece.index(b"\0", 4)
            name, documents, place = piece[4:end].decode(), [], end + 1
            while place < size:
                step = struct.unpack_from("<i", piece, place)[0]
                documents.append(decode(piece[place : place + step]))
                place += step
            command[name] = documents
        at += 1 + size
    return number, kind, command


def send(sock, document, number=1, answers=0):
    body = struct.pack("<i", 0) + b"\0" + encode(document)
    sock.sendall(struct.pack("<iiii", len(body) + 16, number, answers, OP_MSG) + body)


def send_reply(sock, document, answers):
    """The answer to an OP_QUERY."""
    body = struct.pack("<iqii", 8, 0, 0, 1) + encode(document)
    sock.sendall(struct.pack("<iiii", len(body) + 16, 1, answers, OP_REPLY) + body)


class Client:
    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), timeout=20)

    def command(self, document):
        send(self.sock, document)
        answer = receive(self.sock)[2]
        if answer.get("ok") != 1:
            raise RuntimeError(f"the server refuses {document}: {answer}")
        return answer

    def find(self, database, collection):
        """Yields every document."""
        answer = self.command({"find": collection, "filter": {}, "$db": database})
        cursor, batch = answer["cursor"], answer["cursor"]["firstBatch"]
        while True:
            yield from batch
            if cursor["id"] == 0:
                return
            more = {"getMore": Number64(cursor["id"]), "collection": collection, "$db": database}
            cursor = self.command(more)["cursor"]
            batch = cursor["nextBatch"]
