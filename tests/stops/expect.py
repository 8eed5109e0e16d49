#!/usr/bin/env python3
"""Looks at a `stopped` event, a JSON document on the standard input.

    expect.py [EXPECTATION...]

  FIELD = VALUE       exactly this
  FIELD has TEXT      somewhere in it
  FIELD lacks TEXT
  FIELD there, FIELD absent
  FIELD <= FIELD      the first not after the second, which may also be a number
  FIELD verdicts A, B the parts of the verdict, in any order
  saw N inbound, saw N outbound
                      so many were open at some time

Whatever is expected, a document must agree with itself: see `agrees`. Every difference is told.
"""

import json
import sys

NUMBERS = (
    "ms allowed_ms processes visible listeners inbound outbound accepted late inbound_at_exit "
    "outbound_at_exit not_accepting_ms drained_ms released_ms status"
).split()
TEXTS = "reason signal ladder watched peers verdict evidence".split()
LISTS = {
    "signals": ("ms", "signal", "processes"),
    "connections": ("ms", "inbound", "outbound"),
    "exits": ("ms", "pid", "name"),
}
MAY_BE_ABSENT = "allowed_ms not_accepting_ms drained_ms released_ms status".split()
# Where nothing could be seen nothing is claimed.
NEED_SIGHT = "listeners inbound outbound accepted late inbound_at_exit outbound_at_exit peers".split()
LIMITS = {"signals": 32, "connections": 100, "exits": 64}


def types(stop):
    """Every field is there and of its type."""
    for field in NUMBERS:
        if field not in stop and (field in MAY_BE_ABSENT or field in NEED_SIGHT and not stop["visible"]):
            continue
        if type(stop.get(field)) is not int or stop[field] < 0:
            yield f"{field}: expected a number, got {stop.get(field)!r}"
    for field in TEXTS:
        if field in NEED_SIGHT and field not in stop and not stop["visible"]:
            continue
        if not isinstance(stop.get(field), str):
            yield f"{field}: expected text, got {stop.get(field)!r}"
    for field, keys in LISTS.items():
        if not isinstance(stop.get(field), list):
            yield f"{field}: expected an array, got {stop.get(field)!r}"
            continue
        if len(stop[field]) > LIMITS[field]:
            yield f"{field}: expected {LIMITS[field]} at most, got {len(stop[field])}"
        for entry in stop[field]:
            if set(entry) != set(keys):
                yield f"{field}: expected the fields {', '.join(keys)}, got {entry}"


def agrees(stop):
    """What must be true of every stop."""
    for field in ("not_accepting_ms", "drained_ms", "released_ms"):
        if not 0 <= stop.get(field, 0) <= stop["ms"]:
            yield f"{field}: expected within the {stop['ms']} ms of the stop, got {stop[field]}"
    for field in LISTS:
        times = [entry["ms"] for entry in stop[field]]
        if times != sorted(times) or not all(0 <= ms <= stop["ms"] for ms in times):
            yield f"{field}: expected times in order, within {stop['ms']} ms, got {times}"
    if stop.get("late", 0) > stop.get("accepted", 0):
        yield f"late: expected {stop['accepted']} at most, all that were accepted, got {stop['late']}"
    if stop["watched"] not in ("events", "looks", "unknown"):
        yield f"watched: expected events, looks or unknown, got {stop['watched']}"
    if not stop["signals"] or stop["signals"][0]["signal"] != stop["signal"]:
        yield f"signals: expected {stop['signal']} first, got {stop['signals']}"
    if "clean" in stop["verdict"] and stop["verdict"] != "clean":
        yield f"verdict: expected no other beside clean, got {stop['verdict']}"
    connections = stop["connections"]
    if connections:
        first = (connections[0]["ms"], connections[0]["inbound"], connections[0]["outbound"])
        if first != (0, stop["inbound"], stop["outbound"]):
            yield f"connections: expected the counts at the signal first, got {connections[0]}"
    elif stop.get("inbound", 0) + stop.get("outbound", 0) > 0:
        yield "connections: expected the counts after each change, got none"


def value_of(stop, word):
    return int(word) if word.isdigit() else stop.get(word)


def differs(stop, line):
    """What is wrong with an expectation, or nothing."""
    field, relation, *rest = line.split(" ", 2)
    wanted, got = rest[0] if rest else "", stop.get(field)
    if field == "saw":
        kind = wanted
        counts = [entry[kind] for entry in stop["connections"]]
        return "" if int(relation) in counts else f"got the counts {counts}"
    if relation == "<=":
        first, second = value_of(stop, field), value_of(stop, wanted)
        good = first is not None and second is not None and first <= second
        return "" if good else f"got {first} and {second}"
    good = {
        "=": lambda: field in stop and str(got) == wanted,
        "has": lambda: wanted in str(got or ""),
        "lacks": lambda: wanted not in str(got or ""),
        "there": lambda: field in stop,
        "absent": lambda: field not in stop,
        "verdicts": lambda: set(str(got).split(", ")) == set(wanted.split(", ")),
    }[relation]()
    return "" if good else f"got {got!r}"


def main():
    stop = json.load(sys.stdin)
    wrong = list(types(stop))
    if not wrong:
        wrong = list(agrees(stop))
    for line in sys.argv[1:]:
        difference = differs(stop, line)
        if difference:
            wrong.append(f"expected {line}; {difference}")
    if wrong:
        print(f"the stop of {stop.get('dyno')}:", *wrong, sep="\n  ")
        print("the whole document:", json.dumps(stop))
        sys.exit(1)


if __name__ == "__main__":
    main()
