#!/usr/bin/env python3
"""Runs a command on a terminal of its own, and tells what a person sees there.

    terminal.py COLUMNSxROWS [STEP...] -- COMMAND...

Steps, in this order, while the command runs:

    see REGEX      waits until the screen shows it (lines are joined by newlines)
    key TEXT       types it; ^C is Ctrl-C
    size CxR       changes the size of the window
    run COMMAND    runs a command of the shell; TERMINAL_PID is the pid of the command on the terminal

At the end all that the terminal shows, with what was scrolled off, goes to the standard output; every
byte that was written to the terminal to the file terminal.raw, and the number of frames and the seconds
that the command took to terminal.frames. The exit status is that of the command, or 99 when something was not seen.
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = float(os.environ.get("PATIENCE", "20"))


class Screen:
    """As much of a terminal as is needed: what else is written to it is a mistake."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.y = self.x = 0

    def newline(self):
        self.y += 1
        if self.y == len(self.lines):
            self.lines.append("")

    def put(self, char):
        if self.x == self.columns:
            self.newline()
            self.x = 0
        line = self.lines[self.y].ljust(self.x)
        self.lines[self.y] = line[: self.x] + char + line[self.x + 1 :]
        self.x += 1

    def up(self, count):
        top = max(0, len(self.lines) - self.rows)
        self.y = max(top, self.y - count)

    def clear_line(self):
        self.lines[self.y] = self.lines[self.y][: self.x]

    def clear_below(self):
        self.clear_line()
        del self.lines[self.y + 1 :]

    def sequence(self, parameters, final):
        count = int(parameters or "0")
        if final == "A":
            self.up(max(count, 1))
        elif final == "K" and count == 0:
            self.clear_line()
        elif final == "J" and count == 0:
            self.clear_below()
        elif final != "m":
            sys.exit(f"a sequence that this terminal does not know: ESC [ {parameters} {final}")

    def write(self, text):
        """Returns what is not complete yet."""
        while text:
            if text[0] == "\033":
                found = re.match(r"\033\[([0-9;]*)([A-Za-z])", text)
                if not found:
                    return text
                if found[2] != "m":
                    self.sequence(found[1], found[2])
                text = text[found.end() :]
                continue
            if text[0] == "\r":
                self.x = 0
            elif text[0] == "\n":
                self.newline()
            else:
                self.put(text[0])
            text = text[1:]
        return ""

    def resize(self, columns, rows):
        """As most terminals do: what is too wide now is wrapped."""
        lines = []
        for at, line in enumerate(self.lines):
            if at == self.y:
                self.y = len(lines)
            lines += [line[i : i + columns] for i in range(0, max(len(line), 1), columns)]
        self.lines, self.columns, self.rows = lines, columns, rows

    def shown(self):
        """What the window shows."""
        return "\n".join(line.rstrip() for line in self.lines[-self.rows :])

    def all(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")


class Terminal:
    def __init__(self, size, command):
        columns, rows = size
        self.screen = Screen(columns, rows)
        self.raw = b""
        self.partial = b""
        self.text = ""
        self.frames = 0
        self.began = time.monotonic()
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.setdefault("TERM", "xterm")
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvp(command[0], command)
        self.pid, self.fd = pid, fd

    def resize(self, size):
        self.screen.resize(*size)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def read(self, timeout):
        """False when the command has closed the terminal."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.raw += data
        self.frames += data.count(b"\033[J")
        data = self.partial + data
        complete = data
        for cut in range(min(3, len(data)) + 1):
            complete = data[: len(data) - cut]
            try:
                self.text += complete.decode()
                break
            except UnicodeDecodeError:
                continue
        self.partial = data[len(complete) :]
        self.text = self.screen.write(self.text)
        return data != b""

    def see(self, regex):
        end = time.monotonic() + PATIENCE
        while not re.search(regex, self.screen.shown(), re.MULTILINE):
            if time.monotonic() > end or not self.read(0.2):
                print(self.screen.all())
                print(f"(terminal.py: not seen: {regex})")
                sys.exit(99)

    def finish(self):
        end = time.monotonic() + 3 * PATIENCE
        while self.read(0.2):
            if time.monotonic() > end:
                print(self.screen.all())
                print("(terminal.py: the command does not end)")
                sys.exit(99)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def size_of(text):
    return tuple(map(int, text.split("x")))


def main():
    border = sys.argv.index("--")
    steps = sys.argv[2:border]
    terminal = Terminal(size_of(sys.argv[1]), sys.argv[border + 1 :])
    try:
        for action, value in zip(steps[::2], steps[1::2]):
            if action == "see":
                terminal.see(value)
            elif action == "key":
                os.write(terminal.fd, value.replace("^C", "\003").encode())
            elif action == "size":
                terminal.resize(size_of(value))
            elif action == "run":
                environment = dict(os.environ, TERMINAL_PID=str(terminal.pid))
                subprocess.run(value, shell=True, check=True, env=environment)
        status = terminal.finish()
    finally:
        with open("terminal.raw", "wb") as file:
            file.write(terminal.raw)
        with open("terminal.frames", "w", encoding="ascii") as file:
            took = time.monotonic() - terminal.began
            file.write(f"{terminal.frames} {took:.2f}\n")
    print(terminal.screen.all())
    sys.exit(status)


main()
