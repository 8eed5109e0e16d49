#!/usr/bin/env python3
"""An application whose shutdown is a list of steps.

    app.py [OPTION]... [STEP]...

It serves HTTP in one thread: GET / is answered at once and the connection kept, GET /slow and GET /large
(4 MB, as much of it as the socket takes) are answered by the step `answer`. On SIGTERM it takes the steps, one after the other; without any it leaves SIGTERM
alone and dies of it. What happens is a line on the standard output: "ready", "connected N" (to its
databases), "inbound N slow M" (how many connections are open, and how many of them wait for an answer,
when that changes), "database gone", and each step when it is done, behind "worker N:" if it is one.

  --listen ADDRESS    listen here, at $PORT; more than once if need be (127.0.0.1; "none": nowhere)
  --no-accept         leave the connections in the queue of the listener
  --workers N         fork N workers; they accept and take the steps, on SIGTERM to them; this process
                      closes its listeners, and ends with them, with status 0
  --reuseport         each worker has a listener of its own, with SO_REUSEPORT
  --db ADDRESS*N      N connections to a database: 127.0.0.1:5432, [::1]:5432 or unix:/path; more
                      than once if need be
  --keep-dead         do not close the connections of a database that is gone
  --lend PATH         hand the listener to the process that waits at this unix socket (see holder.py)
  --child NAME        fork a child that ignores SIGTERM and is called NAME
  --name NAME         the name of the process

The steps:

  close-listeners     accept what is in the queue, then close the listeners
  close-idle          close the inbound connections without a request (idle, silent, half a header)
  close-inbound       close all of them
  answer              answer GET /slow, from now on; closes the connection behind it
  drain               wait until no inbound connection is left
  release             close the connections to the databases
  flood               send to the databases until they take no more
  touch=NAME          create the file NAME
  await=NAME          wait until the file NAME is there; N in it is the number of the worker
  since=SECONDS       wait until so much time has passed since the signal
  late                the same until a connection is late for sure: more than a second after the signal, and
                      after the look that finds it so
  ignore              nothing; as the only step it makes the process ignore SIGTERM
  exit=N              end with this status, as the end of the steps does with 0
  die=SIGNAL          end by this signal
"""

import argparse
import os
import selectors
import signal
import socket
import sys
import time

LATE = 2.3
LARGE = 4000000
TURN = 0.005  # how long it waits for the network before it looks at its step again


def say(*words):
    prefix = [f"worker {app.number}:"] if app.number else []
    os.write(1, (" ".join(map(str, prefix + list(words))) + "\n").encode())


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.data = b""
        self.slow = False
        self.body = b"hello\n"


class App:
    def __init__(self, options):
        self.options = options
        self.number = 0
        self.selector = None
        self.listeners = []
        self.inbound = {}
        self.databases = []
        self.answering = False
        self.signalled = None
        self.children = []

    # ---- the beginning ----

    def listen(self):
        for address in self.options.listen or ["127.0.0.1"]:
            if address == "none":
                continue
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.options.reuseport:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((address, int(os.environ["PORT"])))
            sock.listen(1024)
            sock.setblocking(False)
            self.listeners.append(sock)

    def connect(self):
        for database in self.options.db:
            address, _, count = database.rpartition("*")
            for _ in range(int(count)):
                if address.startswith("unix:"):
                    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    sock.connect(address[len("unix:") :])
                else:
                    host, _, port = address.rpartition(":")
                    sock = socket.create_connection((host.strip("[]"), int(port)))
                sock.setblocking(False)
                self.databases.append(sock)
        if self.databases:
            say("connected", len(self.databases))

    def lend(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.connect(self.options.lend)
            socket.send_fds(channel, [b"listener"], [self.listeners[0].fileno()])
            channel.recv(1)  # it has it

    def serve(self):
        self.selector = selectors.DefaultSelector()  # one for each process
        for sock in [] if self.options.no_accept else self.listeners:
            self.selector.register(sock, selectors.EVENT_READ, self.accept)
        for sock in self.databases:
            self.selector.register(sock, selectors.EVENT_READ, self.hear_database)
        if self.options.step == ["ignore"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif self.options.step:
            signal.signal(signal.SIGTERM, self.told)
        say("ready")

    def told(self, _signo, _frame):
        if self.signalled is None:
            self.signalled = time.monotonic()

    # ---- the network ----

    def turn(self, patience=TURN):
        for key, _ in self.selector.select(patience):
            if key.fileobj.fileno() >= 0:
                key.data(key.fileobj)

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            self.inbound[sock] = Connection(sock)
            self.selector.register(sock, selectors.EVENT_READ, self.hear_client)
            self.say_inbound()

    def say_inbound(self):
        say("inbound", len(self.inbound), "slow", sum(c.slow for c in self.inbound.values()))

    def hear_client(self, sock):
        connection = self.inbound[sock]
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.close(connection)
            return
        connection.data += piece
        while b"\r\n\r\n" in connection.data:
            head, _, connection.data = connection.data.partition(b"\r\n\r\n")
            path = head.split()[1].decode()
            connection.slow = path in ("/slow", "/large")
            if path == "/large":
                connection.body = b"x" * LARGE
            if not connection.slow or self.answering:
                self.answer(connection)
            else:
                self.say_inbound()

    def answer(self, connection):
        closes = self.signalled is not None
        connection.slow = False
        connection.sock.setblocking(False)
        connection.sock.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s"
            % (len(connection.body), b"close" if closes else b"keep-alive", connection.body)
        )
        if closes:
            self.close(connection)

    def close(self, connection):
        self.selector.unregister(connection.sock)
        del self.inbound[connection.sock]
        connection.sock.close()
        self.say_inbound()

    def hear_database(self, sock):
        try:
            gone = sock.recv(65536) == b""
        except BlockingIOError:
            return
        except ConnectionResetError:
            gone = True
        if gone:
            self.selector.unregister(sock)
            if not self.options.keep_dead:
                self.databases.remove(sock)
                sock.close()
            say("database gone")

    # ---- the steps: each is a generator, which waits where it yields ----

    def do_close_listeners(self):
        for sock in self.listeners:
            if not self.options.no_accept:
                self.accept(sock)
                self.selector.unregister(sock)
            sock.close()
        self.listeners = []
        yield from ()

    def do_close_idle(self):
        for connection in list(self.inbound.values()):
            if not connection.slow:
                self.close(connection)
        yield from ()

    def do_close_inbound(self):
        for connection in list(self.inbound.values()):
            self.close(connection)
        yield from ()

    def do_answer(self):
        self.answering = True
        for connection in list(self.inbound.values()):
            if connection.slow:
                self.answer(connection)
        yield from ()

    def do_drain(self):
        while self.inbound:
            yield

    def do_release(self):
        for sock in self.databases:
            if sock in self.selector.get_map():
                self.selector.unregister(sock)
            sock.close()
        self.databases = []
        yield from ()

    def do_flood(self):
        for sock in self.databases:
            try:
                while True:
                    sock.send(b"x" * 65536)
            except BlockingIOError:
                pass
        yield from ()

    def do_touch(self, name):
        with open(name, "w", encoding="utf-8"):
            yield from ()

    def do_await(self, name):
        while not os.path.exists(name.replace("N", str(self.number))):
            yield

    def do_since(self, seconds):
        while time.monotonic() < self.signalled + float(seconds):
            yield

    def do_late(self):
        yield from self.do_since(LATE)

    def do_exit(self, status):
        # The sockets that are still open are closed by the end of the process, and by nothing else.
        os._exit(int(status))
        yield

    def do_die(self, name):
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
        os.kill(os.getpid(), getattr(signal, "SIG" + name))
        yield

    def run(self):
        while self.signalled is None:
            self.turn(TURN if self.options.step else None)
        for step in self.options.step:
            name, _, argument = step.partition("=")
            function = getattr(self, "do_" + name.replace("-", "_"))
            for _ in function(argument) if argument else function():
                self.turn()
            say(step)
        os._exit(0)

    # ---- several processes ----

    def fork_child(self, name):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            set_name(name)
            for sock in self.listeners + self.databases:
                sock.close()
            say("child", os.getpid())
            while True:
                signal.pause()

    def fork_workers(self):
        for number in range(1, self.options.workers + 1):
            pid = os.fork()
            if pid == 0:
                self.number = number
                if self.options.reuseport:
                    self.listen()
                self.connect()
                self.serve()
                self.run()
            self.children.append(pid)
        for sock in self.listeners:
            sock.close()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for pid in self.children:
            os.waitpid(pid, 0)
        os._exit(0)


def set_name(name):
    with open("/proc/self/comm", "w", encoding="utf-8") as comm:
        comm.write(name)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", action="append")
    parser.add_argument("--no-accept", action="store_true")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--reuseport", action="store_true")
    parser.add_argument("--db", action="append", default=[])
    parser.add_argument("--keep-dead", action="store_true")
    parser.add_argument("--lend")
    parser.add_argument("--child")
    parser.add_argument("--name")
    parser.add_argument("step", nargs="*")
    return parser.parse_intermixed_args()


app = App(parse())


def main():
    options = app.options
    if options.name:
        set_name(options.name)
    if not (options.workers and options.reuseport):
        app.listen()
    if options.lend:
        app.lend()
    if options.child:
        app.fork_child(options.child)
    if options.workers:
        app.fork_workers()
    app.connect()
    app.serve()
    app.run()


if __name__ == "__main__":
    sys.exit(main())
