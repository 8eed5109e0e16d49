"""An application of writers with its own supervisor, and the comparison of what gracectl tells of it
with what really happened.

The writers (writer.c) note on their own what they print and how they end: these are the facts. A
check returns complaints, each a sentence; none means that nothing was lost, doubled or untrue.
"""

import collections
import glob
import json
import os
import re
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("B") or os.path.join(ROOT, "build"))
GRACECTL = os.environ.get("GRACECTL") or os.path.join(BUILD, "gracectl")
WRITER = os.path.join(BUILD, "tests", "chaos", "writer")

# What no command of a test may take, and no event either.
LIMIT = 60
SHOWN = 20

# How long output may have stood in the pipe when everybody died, and how long until somebody came.
BARE_BEFORE = 10**8
BARE_AFTER = 10**9

# How an instance may end that never became the program it was to be: SIGTERM found it before its
# handler was there, or its supervisor had died before it was executed.
EXIT_BY_TERM = 128 + signal.SIGTERM
EXIT_NOT_EXECUTED = 127

# What is told of a launch at most once, beside its launch and its end.
ONCE = ["boot-timeout", "boot-kill", "stop", "stop-main", "stop-timeout", "stopped", "cooling"]

# How a stop begins.
FIRST_SIGNALS = ["boot-kill", "stop", "stop-main"]

TRUTHFUL_FAILURES = re.compile(
    r"did not come up|was up, and|was restarted, and|was stopped before it came up|was stopped, and started again|"
    r"is down; start it|had to be killed|the supervisor is ending|ended before it was ready"
)


class Killed:
    """A process that the test killed."""

    def __init__(self, pid, start, when):
        self.pid, self.start, self.when = pid, start, when


class Life:
    """What the facts say of one instance."""

    def __init__(self, dyno, launch, pid, born):
        self.dyno, self.launch, self.pid, self.born = dyno, launch, pid, born
        self.wrote = False
        self.done = None  # when it ended by itself
        self.status = self.count = self.pause = None


def monotonic():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wait_until(what, seconds, condition):
    """Waits for a condition; a complaint if it does not come true in time."""
    end = monotonic() + seconds * 10**9
    while not condition():
        if monotonic() > end:
            return [f"waited {seconds} s in vain for {what}"]
        time.sleep(0.005)
    return []


def process_stat(pid):
    """(parent, start ticks, state), or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[19]), fields[0]


def read_process(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


class Rig:
    """One application in a directory of its own."""

    def __init__(self, directory, name, processes, env=None):
        # Its instances are found by its name, which no other test has.
        self.directory, self.name = os.path.abspath(directory), f"{name}-{os.getpid()}"
        self.state = os.path.join(self.directory, "state")
        self.run = os.path.join(self.directory, "run")
        self.config = os.path.join(self.directory, "gracectl.ini")
        self.facts_path = os.path.join(self.directory, "facts")
        self.env = dict(os.environ, **(env or {}))
        self.killed = []
        self.bytes = self.unknown = self.cut = 0
        self.daemons_killed = []  # (when, roles)
        os.makedirs(self.directory)
        with open(self.config, "w", encoding="ascii") as file:
            file.write(
                f"[app]\nname = {self.name}\nroot = {self.directory}\nstate_dir = {self.state}\n"
                f"run_dir = {self.run}\n\n{processes}"
            )

    # ---- commands ----

    def popen(self, *args, **kwargs):
        return subprocess.Popen([GRACECTL, "-c", self.config, *args], env=self.env, **kwargs)

    def command(self, *args, limit=LIMIT):
        """Runs a command to its end. Returns (exit status, stdout, stderr); -1: it hung."""
        with self.popen(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                return -1, out, err.decode()
            return process.returncode, out, err.decode()

    # ---- processes ----

    def daemons(self):
        """The guards and the supervisors that run: ([(pid, start)], [(pid, start)]).

        A fresh fork looks like its parent until it executes something; it is left out as long as its
        parent is there to tell. What is killed nevertheless is known by its pid afterwards.
        """
        found = {}
        for pid in all_pids():
            args = read_process(pid, "cmdline").split(b"\0")
            if self.config.encode() not in args or b"daemon" not in args:
                continue
            stat = process_stat(pid)
            if stat is not None and stat[2] != b"Z":
                is_supervisor = any(arg.startswith(b"--guard-fd=") for arg in args)
                found[pid] = (stat[0], stat[1], is_supervisor)
        lists = ([], [])
        for pid, (parent, start, is_supervisor) in sorted(found.items()):
            if parent not in found or found[parent][2] != is_supervisor:
                lists[is_supervisor].append((pid, start))
        return lists

    def kill(self, pid, start):
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            stat = process_stat(pid)
            if stat is None or stat[1] != start:
                return False
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except OSError:
            return False
        finally:
            os.close(pidfd)
        self.killed.append(Killed(pid, start, monotonic()))
        return True

    def instances(self):
        """{dyno: [pid, ...]} of all processes of the application's instances."""
        mark = f"GRACECTL_INSTANCE={self.name}/".encode()
        found = collections.defaultdict(list)
        for pid in all_pids():
            for entry in read_process(pid, "environ").split(b"\0"):
                stat = process_stat(pid) if entry.startswith(mark) else None
                if stat is not None and stat[2] != b"Z":
                    found[entry[len(mark) :].split(b"/")[0].decode()].append(pid)
        return dict(found)

    def check_one_each(self, dynos, seconds=15):
        """Each dyno has exactly one process."""
        counts = {}

        def is_so():
            counts.clear()
            counts.update({dyno: len(pids) for dyno, pids in self.instances().items()})
            return all(counts.get(dyno, 0) == 1 for dyno in dynos)

        return [f"{line}; there are {counts}" for line in wait_until("one process for each dyno", seconds, is_so)]

    def check_nothing_left(self):
        """After `stop`."""
        complaints = [
            f"after stop, {dyno} still has the processes {pids}" for dyno, pids in self.instances().items()
        ]
        guards, supervisors = self.daemons()
        if guards or supervisors:
            complaints.append(f"after stop, there is still a guard {guards} or supervisor {supervisors}")
        return complaints

    def end(self):
        """Leaves nothing behind, whatever happened."""
        for _ in range(100):
            guards, supervisors = self.daemons()
            pids = [pid for pid, _ in guards + supervisors]
            pids += [pid for pids_of_dyno in self.instances().values() for pid in pids_of_dyno]
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.02)

    # ---- what really happened, and what was told ----

    def facts(self):
        """{(dyno, launch): Life}, and complaints about launches that happened twice."""
        lives, complaints = {}, []
        try:
            with open(self.facts_path, encoding="ascii") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            fact, dyno, launch, pid, when, *more = line.split()
            key = dyno, int(launch)
            if fact == "born":
                if key in lives:
                    complaints.append(f"{dyno} launch {launch} was started twice: {lives[key].pid} and {pid}")
                lives[key] = Life(dyno, int(launch), int(pid), int(when))
            elif fact == "wrote":
                lives[key].wrote = True
            else:
                lives[key].done = int(when)
                lives[key].status, lives[key].count, lives[key].pause = map(int, more)
        return lives, complaints

    def journal(self):
        """All events, and complaints about lines that are none and numbers that are missing."""
        events, complaints = [], []
        files = glob.glob(os.path.join(glob.escape(self.state), "journal.*.jsonl"))
        for path in sorted(files, key=lambda path: int(path.split(".")[-2])):
            with open(path, "rb") as file:
                for line in file:
                    try:
                        events.append(json.loads(line))
                    except ValueError:
                        complaints.append(f"{path} has a torn line: {line[:80]!r}")
        for before, event in zip([{"seq": 0}] + events, events):
            if event["seq"] != before["seq"] + 1:
                complaints.append(f"the journal goes from {before['seq']} to {event['seq']}")
        return events, complaints

    # ---- checks ----

    def was_killed(self, pid):
        return any(killed.pid == pid for killed in self.killed)

    def may_be_unknown(self, life):
        """Only while no guard lived can a status get lost."""
        if life is None or life.done is None:
            return any("guard" in roles for _, roles in self.daemons_killed)
        return any(
            "guard" in roles and life.born - 10**9 <= when <= life.done + 2 * 10**9
            for when, roles in self.daemons_killed
        )

    def had_no_holder(self, life):
        """It ended while neither guard nor supervisor had its output open: then the kernel drops with the
        pipe what was not moved yet. So may be lost, at its end, what was printed just before."""
        ends = [life.done] if life.done is not None else [one.when for one in self.killed if one.pid == life.pid]
        return any(begin <= when <= end for when in ends for begin, end in self.bare_times())

    def bare_times(self):
        """From the death of both, or of two in a row, to a while after it. What an instance wrote last
        lies in its pipe from the first of the two deaths on, and is lost with the second."""
        times, before = [], 0
        for when, roles in self.daemons_killed:
            in_a_row = when - before < BARE_AFTER
            if "guard" in roles and ("supervisor" in roles or in_a_row):
                times.append(((before if in_a_row else when) - BARE_BEFORE, when + BARE_AFTER))
            before = when
        return times

    def check_status(self, event, life, launch_pid):
        name = f"{event['dyno']} launch {event['launch']}"
        told = event.get("status")
        if event["kind"] == "exit-unknown":
            return [] if self.may_be_unknown(life) else [f"{name}: its exit status was lost, though a guard lived"]
        if event["kind"] != "exit":
            return [f"{name} is said to have failed, but it ran: {event}"] if life is not None else []
        if life is not None and life.done is not None:
            return [] if told == life.status else [f"{name} ended with {life.status}, told was {told}"]
        pid = life.pid if life is not None else launch_pid
        allowed = [128 + signal.SIGKILL] if self.was_killed(pid) else []
        if life is None:
            allowed += [EXIT_BY_TERM, EXIT_NOT_EXECUTED]
        return [] if told in allowed else [f"{name} (pid {pid}) is told to have ended with {told}, which it did not"]

    def check_story(self, events):
        """A change of state goes on from the one before; what happens once is told once; a stop has a beginning."""
        complaints, states, told = [], {}, {}
        for event in events:
            key = event["kind"], event.get("dyno"), event.get("launch")
            if event["kind"] == "state":
                before = states.get(key[1], event)
                if before["to" if before is not event else "from"] != event["from"]:
                    complaints.append(
                        f"{key[1]} changed from {before['from']} to {before['to']} ({before['seq']}), "
                        f"then from {event['from']} to {event['to']} ({event['seq']})"
                    )
                states[key[1]] = event
            elif event["kind"] in ONCE and key in told:
                complaints.append(f"{key} was told twice: {told[key]}, {event['seq']}")
            told[key] = event["seq"]
        complaints += [
            f"{dyno} launch {launch} was stopped, and no signal was told"
            for kind, dyno, launch in told
            if kind == "stopped" and not any((first, dyno, launch) in told for first in FIRST_SIGNALS)
        ]
        return complaints

    def check_journal(self):
        """Every launch is told once, and its end once and as it was."""
        events, complaints = self.journal()
        lives, more = self.facts()
        complaints += more + self.check_story(events)
        launches, ends = {}, {}
        for event in events:
            key = event.get("dyno"), event.get("launch")
            if event["kind"] == "launch":
                if key in launches:
                    complaints.append(f"the launch of {key} was told twice: {launches[key]['seq']}, {event['seq']}")
                launches[key] = event
            elif event["kind"] in ("exit", "exit-unknown", "launch-failed"):
                if key in ends:
                    complaints.append(f"the end of {key} was told twice: {ends[key]['seq']}, {event['seq']}")
                ends[key] = event
                complaints += self.check_status(event, lives.get(key), launches.get(key, {}).get("pid"))
        complaints += [f"the launch of {key} was told, but no end" for key in launches if key not in ends]
        complaints += [
            f"the end of {key} was told, but no launch"
            for key in ends
            if key not in launches and ends[key]["kind"] != "launch-failed"
        ]
        complaints += [f"{key} ran, and its launch was not told" for key in lives if key not in launches]
        self.unknown = sum(event["kind"] == "exit-unknown" for event in ends.values())
        return complaints

    def expected_output(self, life, size):
        """What it printed, in parts of many lines; of one that was killed, as much as size."""
        part, total, number = 20000, 0, 1
        while (life.count is None and total < size) or (life.count is not None and number <= life.count):
            last = number + part - 1 if life.count is None else min(number + part - 1, life.count)
            text = "".join([f"{life.launch} {life.pid} line {n}\n" for n in range(number, last + 1)]).encode()
            number, total = last + 1, total + len(text)
            yield text
        if life.count is not None:
            yield f"{life.launch} {life.pid} end {life.count}\n".encode()

    def pieces(self, dyno):
        """{launch: [path, ...]} of its log, in order."""
        found = collections.defaultdict(list)
        for path in glob.glob(os.path.join(glob.escape(self.state), "log", dyno, "*.log")):
            launch, piece = map(int, os.path.basename(path).split(".")[:2])
            found[launch].append((piece, path))
        return {launch: [path for _, path in sorted(paths)] for launch, paths in found.items()}

    def compare(self, name, life, chunks, size):
        """Complaints about a stream of bytes that should be what this instance printed."""
        expected, have, line = self.expected_output(life, size), b"", 0
        for chunk in chunks:
            have += chunk
            while True:
                want = next(expected, None)
                if want is None:
                    return [f"{name}: more than it printed: {have[:80]!r}"] if have else []
                if len(have) < len(want):
                    expected = _again(want, expected)
                    break
                if have[: len(want)] != want:
                    return [_difference(name, line, want, have)]
                line += want.count(b"\n")
                have = have[len(want) :]
        want = b"".join(expected) if life.count is not None else next(expected, b"")[: len(have)]
        if have == want and (life.count is not None or not have or have.endswith(b"\n")):
            return []
        if want.startswith(have) and self.had_no_holder(life):
            self.cut += 1
            return []
        return [_difference(name, line, want, have)]

    def check_output(self):
        """The segments hold what the writers printed, byte for byte. Old launches may be trimmed."""
        lives, complaints = self.facts()[0], []
        by_dyno = collections.defaultdict(list)
        for life in lives.values():
            by_dyno[life.dyno].append(life)
        for dyno, lives_of_dyno in sorted(by_dyno.items()):
            pieces = self.pieces(dyno)
            oldest = min(pieces) if sum(map(len, pieces.values())) >= 990 else 0
            for life in lives_of_dyno:
                if life.launch <= oldest:
                    continue
                paths = pieces.get(life.launch, [])
                size = sum(map(os.path.getsize, paths))
                self.bytes += size
                complaints += self.compare(f"{dyno} launch {life.launch}", life, _read_files(paths), size)
        return complaints

    def check_logs(self, dyno, lines):
        """`gracectl logs` shows the same, as far back as so many lines."""
        code, out, err = self.command("logs", "-s", "app", "-d", dyno, "-n", str(lines))
        if code != 0:
            return [f"logs -d {dyno} ended with {code}: {err}"]
        shown = collections.defaultdict(list)
        for line in out.splitlines():
            text = line.split(b" ", 2)[2]
            shown[int(text.split(b" ", 1)[0])].append(text)
        return self.compare_logs(dyno, shown, lines)

    def compare_logs(self, dyno, shown, lines):
        complaints, whole = [], sum(map(len, shown.values())) < lines
        for launch, paths in self.pieces(dyno).items():
            if launch not in shown and not whole:
                continue
            kept = b"".join(_read_files(paths)).splitlines()
            if not whole:
                kept = kept[-len(shown[launch]) :]
            if kept != shown[launch]:
                complaints.append(
                    f"logs -d {dyno} shows {len(shown[launch])} lines of launch {launch} that differ from the "
                    f"{len(kept)} in its files: {_first_difference(shown[launch], kept)}"
                )
        return complaints

    def pause(self):
        """The longest pause of a writer in milliseconds."""
        return max((life.pause or 0 for life in self.facts()[0].values()), default=0) / 10**6


def _read_files(paths):
    for path in paths:
        with open(path, "rb") as file:
            yield file.read()


def _again(first, rest):
    yield first
    yield from rest


def _first_difference(shown, kept):
    for number, (one, other) in enumerate(zip(shown, kept), 1):
        if one != other:
            return f"line {number} is {one[:60]!r}, not {other[:60]!r}"
    return "one is longer"


def _difference(name, line, want, have):
    for a, b in zip(want.splitlines(True), have.splitlines(True)):
        line += 1
        if a != b:
            return f"{name}, line {line}: {b[:80]!r}, not {a[:80]!r}"
    return f"{name} ends after line {line}; {len(want)} bytes were expected there, {len(have)} found"


def end_by_signal(signo, _):
    """A handler that lets everything end in order."""
    raise SystemExit(128 + signo)


def shorten(complaints):
    """The first ones, and how many more there are."""
    more = len(complaints) - SHOWN
    return complaints[: SHOWN] + ([f"... and {more} more"] if more > 0 else [])
