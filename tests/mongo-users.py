#!/usr/bin/env python3
"""Prints the names of the users in a MongoDB server, one a line, in the order of their storing.

    mongo-users.py HOST:PORT DATABASE [FIELD... | --drop]

Written against the wire protocol and not with the driver that the demo server uses, so that the
two cannot share a mistake. With FIELDs it prints those instead of username, as Python writes them. --drop removes the database.
"""

import sys

from mongowire import Client

address, database, *fields = sys.argv[1:]
host, _, port = address.rpartition(":")
client = Client(host, int(port))
if fields == ["--drop"]:
    client.command({"dropDatabase": 1, "$db": database})
    sys.exit()
for user in client.find(database, "users"):
    print(*(repr(user[field]) for field in fields) if fields else [user["username"]])
