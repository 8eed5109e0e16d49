#!/usr/bin/env python3
"""Compares what clients were told with what the database has.

    check-users.py OUTCOMES NAMES RESTARTS

OUTCOMES is what restart-load.py has printed, NAMES the users in the database, one a line. There were
RESTARTS at least, and none of them failed. Who was told 201 is there exactly once, and at least half
were; who was refused is not there; and nobody was told anything else. A client that was cut off while
its request crossed the server's close (stale) does not know, and is there once at most; the two miss
each other by some millionths of a second, so there may be two of these. Prints the numbers; the exit
status is 1 when something is wrong.
"""

import collections
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    *lines, restarts = [line.split() for line in file]
with open(sys.argv[2], encoding="utf-8") as file:
    stored = collections.Counter(line.strip() for line in file)

ALLOWED = {"201": {1}, "refused": {0}, "stale": {0, 1}}
STALE_MAX = 2

told = collections.Counter(outcome for outcome, _ in lines)
print(*restarts, dict(told), "stored", stored.total())
wrong = [
    f"{name}: the client was told {outcome}, and it is in the database {stored[name]} times"
    for outcome, name in lines
    if stored[name] not in ALLOWED.get(outcome, {})
]
wrong += [f"{name}: it is in the database, and nobody has sent it" for name in stored.keys() - {n for _, n in lines}]
if told["201"] < len(lines) / 2:
    wrong.append(f"{told['201']} of {len(lines)} were told 201: expected half of them at least")
if told["stale"] > STALE_MAX:
    wrong.append(f"{told['stale']} requests crossed a close: expected {STALE_MAX} at most")
if int(restarts[1]) < int(sys.argv[3]) or restarts[2] != "0":
    wrong.append(f"{restarts[1]} restarts, {restarts[2]} failed: expected {sys.argv[3]} at least, and 0")
for sentence in wrong:
    print(sentence)
sys.exit(1 if wrong else 0)
