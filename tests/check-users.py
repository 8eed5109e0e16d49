#!/usr/bin/env python3
"""Compares what clients were told with what the database has.

    check-users.py OUTCOMES NAMES

OUTCOMES is what restart-load.py has printed, NAMES the users in the database, one a line. Who was
told 201 is there exactly once, who was refused or told 503 is not there, and who got no answer or
another one is there once at most. Prints the numbers; the exit status is 1 when something is wrong.
"""

import collections
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    *lines, restarts = [line.split() for line in file]
with open(sys.argv[2], encoding="utf-8") as file:
    stored = collections.Counter(line.strip() for line in file)

ALLOWED = {"201": {1}, "refused": {0}, "503": {0}}
wrong = [(outcome, name, stored[name]) for outcome, name in lines if stored[name] not in ALLOWED.get(outcome, {0, 1})]
strangers = stored.keys() - {name for _, name in lines}
print(*restarts, dict(collections.Counter(outcome for outcome, _ in lines)), "stored", stored.total())
for outcome, name, times in wrong:
    print(f"{name}: the client was told {outcome}, and it is in the database {times} times")
sys.exit(1 if wrong or strangers or restarts[2] != "0" else 0)
