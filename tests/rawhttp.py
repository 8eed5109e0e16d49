#!/usr/bin/env python3
"""A raw HTTP client that plays a scenario against a server, step by step.

Ordinary clients hide what a graceful shutdown is about: half a header, a
connection that sends nothing, an end of stream against a reset. Here every
connection is a bare socket with a name, and each line on the standard input is
one step:

  open A                     connect
  send A TEXT                send bytes; \\r, \\n and \\x41 are understood (connects if needed)
  request A METHOD PATH [HEADER...] [body=TEXT]
                             send a whole HTTP/1.1 request
  fill A COUNT               send COUNT bytes; the server may stop reading
  halfclose A                send no more, but go on reading
  reset A                    break the connection off
  shrink A                   connect with a small receive buffer and do not read
  answer A STATUS [close|keep] [body=TEXT] [size=N] [within=S]
                             read one complete answer and look at it
  eof A [within=S] [after=S] [soon=S]
                             the server closes, cleanly, with nothing more sent
  broken A                   the server closes, cleanly or not, whatever was sent before
  begun A                    something has come, which is left unread
  silent A [for=S]           nothing happens on the connection
  refused                    a new connection is refused, not taken and broken
  crowd COUNT PATH [METHOD]  COUNT connections at once, each with a request
  crowd-answers STATUS [within=S]
                             every one of them gets a complete answer
  burst COUNT PATH signal=NAME
                             COUNT clients at once, one each millisecond, and the signal in the
                             middle: each gets an answer of 200 or is refused, some are answered
  leavers COUNT PATH         COUNT clients, one after the other, whose request and end of stream
                             come together; each is answered with 200 and then gone
  churn COUNT                COUNT connections, one after the other, that end in every way there is
  sequence PATH PATTERN [for=S] [signal=NAME]
                             one request after the other, each on its own connection, the
                             signal after a quarter of the time; the outcomes as letters
                             (s: 2xx, u: 503, r: reset or end, x: refused) match PATTERN
  signal NAME                send a signal to the server
  resume PID, kill PID       let another process go on (SIGCONT), or kill it
  choke FIFO                 fill a pipe that the server writes to, until nothing fits in any more
  hear FIFO TEXT             read from it until TEXT has come
  log TEXT                   the server's log has a line with TEXT
  lines FILE COUNT TEXT      so many lines of a file have TEXT
  pass SECONDS               let time pass, as a part of the scenario
  exits [within=S] [after=S] [soon=S]
                             the server's process ends; soon= counts from this step on

within= is the longest wait, after= the shortest; both count from the last signal
that was sent, or from the step where there was none. The first step that fails
ends the scenario with exit status 1 and a sentence. What takes longer than soon= is
right but late: then that is told, and the exit status is 3.
"""

import argparse
import os
import re
import resource
import select
import shlex
import signal
import socket
import struct
import sys
import threading
import time

LIMIT = 10.0  # a step that does not say otherwise waits this long
OPTION = re.compile("(after|body|for|signal|size|soon|within)=")


class Failure(Exception):
    pass


# The exit status when all is right but the time.
LATE = 3


class Connection:
    def __init__(self, port, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(LIMIT)
        self.sock.connect(("127.0.0.1", port))
        self.data = bytearray()  # grows without being copied

    def receive(self, until):
        """Reads once. Returns False at the end of the stream."""
        self.sock.settimeout(max(until - time.monotonic(), 0.001))
        try:
            piece = self.sock.recv(65536)
        except (TimeoutError, socket.timeout):
            raise Failure(f"nothing came in time; so far: {self.data!r}") from None
        self.data += piece
        return piece != b""

    def answer(self, until):
        """Reads one complete answer. Returns its status, headers and body."""
        while b"\r\n\r\n" not in self.data:
            if not self.receive(until):
                raise Failure(f"the stream ended before an answer; so far: {self.data!r}")
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        if status == 100:
            return self.answer(until)
        headers = dict(
            (name.lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines[1:])
        )
        length = int(headers.get("content-length", "0"))
        while len(self.data) < length:
            if not self.receive(until):
                raise Failure(f"the body ended after {len(self.data)} of {length} bytes")
        body, self.data = bytes(self.data[:length]), self.data[length:]
        return status, headers, body


class Scenario:
    def __init__(self, args):
        self.port = args.port
        self.pid = args.pid
        self.log_file = args.log
        self.pidfd = os.pidfd_open(args.pid) if args.pid else -1
        self.conns = {}
        self.crowd = []
        self.signalled = None
        self.late = []

    def connection(self, name):
        if name not in self.conns:
            self.conns[name] = Connection(self.port)
        return self.conns[name]

    def since_signal(self):
        return time.monotonic() - (self.signalled or self.step_began)

    def play(self, line):
        words = shlex.split(line, comments=True)
        if not words:
            return
        options = dict(w.split("=", 1) for w in words[1:] if OPTION.match(w))
        plain = [w for w in words[1:] if not OPTION.match(w)]
        self.step_began = time.monotonic()
        self.until = self.step_began + LIMIT
        step = getattr(self, "do_" + words[0].replace("-", "_"), None)
        if step is None:
            raise Failure("there is no such step")
        step(*plain, **{"for_" if k == "for" else k: v for k, v in options.items()})

    def limit_to(self, within):
        if within is not None:
            self.until = (self.signalled or self.step_began) + float(within)

    def check_after(self, after):
        if after is not None and self.since_signal() < float(after):
            raise Failure(f"that was after {self.since_signal():.3f} s, sooner than {after} s")

    def do_open(self, name):
        self.connection(name)

    def do_shrink(self, name):
        self.conns[name] = Connection(self.port, receive_buffer=4096)

    def do_send(self, name, text):
        self.connection(name).sock.sendall(text.encode().decode("unicode_escape").encode("latin-1"))

    def do_request(self, name, method, path, *headers, body=None):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body.encode())}")
        text = "\r\n".join(lines) + "\r\n\r\n" + (body or "")
        self.connection(name).sock.sendall(text.encode())

    def do_fill(self, name, count):
        sock = self.connection(name).sock
        sock.settimeout(LIMIT)
        try:
            sock.sendall(b"x" * int(count))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Failure(f"the upload was not taken to its end: {error}") from None

    def do_halfclose(self, name):
        self.connection(name).sock.shutdown(socket.SHUT_WR)

    def do_reset(self, name):
        self.reset(self.conns.pop(name))

    def reset(self, conn):
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.sock.close()

    def do_answer(self, name, status, connection=None, body=None, size=None, within=None):
        self.limit_to(within)
        got, headers, content = self.connection(name).answer(self.until)
        closes = headers.get("connection", "").lower() == "close"
        if got != int(status):
            raise Failure(f"the answer is {got}, with the body {content[:200]!r}")
        if connection == "close" and not closes:
            raise Failure(f"the answer has no Connection: close; its headers: {headers}")
        if connection == "keep" and closes:
            raise Failure("the answer says Connection: close")
        if body is not None and body.encode() not in content:
            raise Failure(f"the body is {content[:200]!r}")
        if size is not None and len(content) != int(size):
            raise Failure(f"the body has {len(content)} bytes")

    def check_soon(self, took, soon):
        if soon is not None and took > float(soon):
            self.late.append(f"{took:.3f} s instead of {soon}")

    def do_eof(self, name, after=None, within=None, soon=None):
        conn = self.connection(name)
        self.limit_to(within)
        while conn.receive(self.until):
            pass
        if conn.data:
            raise Failure(f"instead of the end came {conn.data[:200]!r}")
        self.check_after(after)
        self.check_soon(self.since_signal(), soon)

    def do_broken(self, name):
        self.wait_for_end(self.connection(name))

    def do_begun(self, name):
        limit = max(self.until - time.monotonic(), 0)
        if not select.select([self.connection(name).sock], [], [], limit)[0]:
            raise Failure("nothing has come")

    def do_silent(self, name, for_="0.3"):
        poll = select.poll()
        poll.register(self.connection(name).sock, select.POLLIN)
        if poll.poll(float(for_) * 1000):
            raise Failure(f"something came: {self.connection(name).sock.recv(200)!r}")

    def do_refused(self):
        try:
            Connection(self.port).sock.close()
        except ConnectionRefusedError:
            return
        raise Failure("the connection is taken")

    def do_crowd(self, count, path, method="GET"):
        for _ in range(int(count)):
            try:
                conn = Connection(self.port)
                conn.sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                self.crowd.append(conn)
            except ConnectionRefusedError:
                self.crowd.append(None)

    def crowd_outcome(self):
        answers = []
        for number, conn in enumerate(self.crowd):
            try:
                answers.append(conn.answer(self.until)[0] if conn else None)
            except (Failure, ConnectionResetError) as error:
                raise Failure(f"connection {number} of {len(self.crowd)}: {error}") from None
        self.crowd = []
        return answers

    def do_crowd_answers(self, status, within=None):
        self.limit_to(within)
        answers = self.crowd_outcome()
        if set(answers) != {int(status)}:
            raise Failure(f"the answers are {answers}")

    def do_burst(self, count, path, signal):
        begin = time.monotonic() + 0.05
        outcomes = ["?"] * int(count)

        def client(number):
            time.sleep(max(begin + number / 1000 - time.monotonic(), 0))
            outcomes[number] = self.one_outcome(path)

        clients = [threading.Thread(target=client, args=[i]) for i in range(len(outcomes))]
        for thread in clients:
            thread.start()
        time.sleep(max(begin + len(outcomes) / 2000 - time.monotonic(), 0))
        self.do_signal(signal)
        for thread in clients:
            thread.join()
        if not re.fullmatch("[sx]*s[sx]*", "".join(outcomes)):
            raise Failure(f"the outcomes are {''.join(outcomes)}")

    def do_leavers(self, count, path):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for number in range(int(count)):
            conn = Connection(self.port)
            conn.sock.send(request, socket.MSG_MORE)  # waits for what ends it
            conn.sock.shutdown(socket.SHUT_WR)
            try:
                status = conn.answer(self.until)[0]
            except Failure as error:
                raise Failure(f"client {number} of {count}: {error}") from None
            if status != 200:
                raise Failure(f"client {number} of {count} is answered with {status}")
            conn.sock.close()

    def do_churn(self, count):
        whole = b"GET /user?name=ann HTTP/1.1\r\nHost: x\r\n\r\n"
        requests = [b"", b"GET / HT", b"nonsense\r\n\r\n", whole, whole * 3]
        for number in range(int(count)):
            conn = Connection(self.port)
            request = requests[number % len(requests)]
            conn.sock.sendall(request)
            if number % 3 == 1:
                self.reset(conn)
            elif number % 3 == 2 and request.startswith(whole):
                conn.answer(self.until)
            conn.sock.close()

    def wait_for_end(self, conn):
        try:
            while conn.receive(self.step_began + LIMIT):
                pass
        except ConnectionResetError:
            pass

    def one_outcome(self, path):
        try:
            conn = Connection(self.port)
        except ConnectionRefusedError:
            return "x"
        try:
            conn.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            status = conn.answer(self.until)[0]
        except (Failure, ConnectionResetError, BrokenPipeError):
            return "r"
        finally:
            conn.sock.close()
        return {2: "s", 5: "u"}.get(status // 100, "?")

    def do_sequence(self, path, pattern, for_="2", signal=None):
        outcomes = ""
        end = self.step_began + float(for_)
        signal_at = self.step_began + float(for_) / 4
        while time.monotonic() < end:
            if signal and time.monotonic() >= signal_at:
                self.do_signal(signal)
                signal = None
            outcomes += self.one_outcome(path)
            time.sleep(0.01)
        if not re.fullmatch(pattern, outcomes):
            raise Failure(f"the outcomes are {outcomes}")

    def do_signal(self, name):
        self.signalled = time.monotonic()
        signal.pidfd_send_signal(self.pidfd, getattr(signal, "SIG" + name))

    def do_resume(self, pid):
        os.kill(int(pid), signal.SIGCONT)

    def do_kill(self, pid):
        os.kill(int(pid), signal.SIGKILL)

    def do_choke(self, fifo):
        pipe = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(pipe, b"x" * select.PIPE_BUF)
        except BlockingIOError:
            os.close(pipe)

    def do_hear(self, fifo, text):
        pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        heard = b""
        while text.encode() not in heard:
            if not select.select([pipe], [], [], max(self.until - time.monotonic(), 0))[0]:
                raise Failure(f"it has not come; the latest are {heard[-1000:]!r}")
            heard += os.read(pipe, 65536)
        os.close(pipe)

    def do_log(self, text):
        while time.monotonic() < self.until:
            with open(self.log_file, encoding="utf-8") as log:
                if text in log.read():
                    return
            time.sleep(0.005)
        raise Failure("the log does not have it")

    def do_lines(self, file, count, text):
        while time.monotonic() < self.until:
            with open(file, encoding="utf-8") as log:
                found = sum(text in line for line in log)
            if found == int(count):
                return
            time.sleep(0.005)
        raise Failure(f"{file} has {found} of them")

    def do_pass(self, seconds):
        time.sleep(float(seconds))

    def do_exits(self, within=None, after=None, soon=None):
        limit = LIMIT if within is None else float(within) - self.since_signal()
        ready, _, _ = select.select([self.pidfd], [], [], max(limit, 0))
        if not ready:
            raise Failure(f"the process still runs {self.since_signal():.3f} s after the signal")
        self.check_after(after)
        self.check_soon(time.monotonic() - self.step_began, soon)


def main():
    parser = argparse.ArgumentParser(description="Plays a scenario of raw HTTP connections.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int)
    parser.add_argument("--log")
    # Whoever sends crowds needs many descriptors.
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    scenario = Scenario(parser.parse_args())
    for number, line in enumerate(sys.stdin, 1):
        try:
            scenario.play(line)
        except (Failure, OSError, TypeError) as error:
            sys.exit(f"step {number}, {line.strip()!r}: {error}")
        if scenario.late:
            print(f"late in step {number}, {line.strip()!r}: {scenario.late[0]}", file=sys.stderr)
            sys.exit(LATE)


if __name__ == "__main__":
    main()
