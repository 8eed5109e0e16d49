#!/usr/bin/env bats
# The demo server and its SQLite file: when somebody else has locked it, when it cannot be written,
# and when the disk is full. What the answers say of it has to be true.

bats_require_minimum_version 1.5.0

load demo-helpers

setup() {
	demo_setup
	DISK=
}

teardown() {
	local status=0

	demo_teardown || status=$?
	[ -z "$DISK" ] || kill "$DISK"
	return "$status"
}

# A locked file.

@test "sqlite: while the file is locked, each request has its answer when its time is up, however many wait" {
	start_demo
	hold_database 8 held
	play <<-'END'
		request first POST /user body=username=first
		pass 0.1
		request second POST /user body=username=second
		request third POST /user body=username=third
		request fourth POST /user body=username=fourth
		request quick GET /healthz
		answer quick 200
		answer first 503 within=4 body="cannot store the user in demo.db: database is locked"
		answer second 503 within=2
		answer third 503 within=2
		answer fourth 503 within=2
	END
	[ "$(users)" = '' ]
}

@test "sqlite: requests that wait for a locked file are answered, and the shutdown cuts nothing" {
	start_demo
	hold_database 8 held
	play <<-'END'
		request first POST /user body=username=first
		pass 0.1
		request second POST /user body=username=second
		pass 0.1
		signal TERM
		answer first 503 close
		answer second 503 close
		exits within=4.5
	END
	assert_clean_stop
	[ "$(users)" = '' ]
}

@test "sqlite: at the deadline a request that waits for its turn is told that nothing has happened" {
	start_demo --deadline 500ms
	hold_database 8 held
	play <<-'END'
		request first POST /user body=username=first
		pass 0.1
		request second POST /user body=username=second
		request third GET /user?name=ann
		pass 0.1
		signal TERM
		answer second 503 close body="the database could not be asked any more"
		answer third 503 close
		broken first
		exits after=0.4 within=2
	END
	assert_exits 1
	assert_log_has 'the deadline of 0.5 s for the shutdown has passed'
	assert_log_has 'Database connection closed.'
	[ "$(users)" = '' ]
}

# A file that cannot be written.

@test "sqlite: a file that may only be read is refused at the start, also in a directory that may be written" {
	local dir user=()

	dir=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
	cd "$dir"
	start_demo
	kill -TERM "$DEMO_PID"
	assert_clean_stop
	chmod 777 .
	chmod 444 demo.db
	[ "$(id -u)" -ne 0 ] || user=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups)
	run timeout 10 "${user[@]}" "$DEMO_SERVER"
	cd "$BATS_TEST_TMPDIR"
	rm -r "$dir"
	[ "$status" -eq 1 ]
	[ "$output" = 'demo-server: cannot open the database demo.db: it may only be read' ]
}

# add_user_beside NAME: stores a user past the server.
add_user_beside() {
	python3 -c '
import sqlite3, sys
with sqlite3.connect("demo.db") as db:
    db.execute("INSERT INTO users (username, created_ms) VALUES (?, 0)", sys.argv[1:])
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")' "$1"
}

@test "sqlite: when the file is spoiled, the first request tells it, and from then on /healthz" {
	start_demo
	http 201 /user -d username=ann
	add_user_beside abe
	printf 'spoiled' | dd of=demo.db conv=notrunc status=none
	http 200 /healthz
	http 500 /user -d username=bob
	assert_body 'cannot store the user in demo.db: file is not a database'
	http 503 /healthz
	assert_body 'cannot store the user in demo.db: file is not a database'
	http 200 /livez
	printf 'SQLite ' | dd of=demo.db conv=notrunc status=none
	add_user_beside bob
	http 201 /user -d username=cid
	http 200 /healthz
}

# A disk of 256 KiB in a mount namespace of this test alone; the server is run in there.
use_small_disk() {
	mkdir disk
	unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=256k tmpfs disk && exec sleep infinity' 3>&- &
	DISK=$!
	wait_for 10 grep -q " $PWD/disk tmpfs" "/proc/$DISK/mounts"
	on_disk=(nsenter --target "$DISK" --user --preserve-credentials --mount "--wd=$PWD/disk")
}

@test "sqlite: when the disk is full, 500 says so, what was answered with 201 is there, and the rest is not" {
	local stored=0

	use_small_disk
	printf '#!/bin/sh\nexec %s %s "$@"\n' "${on_disk[*]}" "$DEMO_SERVER" >there
	chmod +x there
	DEMO_SERVER=./there start_demo
	while [ "$stored" -lt 1000 ] && http 201 /user -d "username=$(printf '%0250d' "$stored")"; do
		stored=$((stored + 1))
	done
	assert_body 'cannot store the user in demo.db: database or disk is full'
	http 500 /user -d "username=$(printf 'b%0250d' "$stored")"
	http 200 "/user?name=$(printf '%0250d' "$((stored - 1))")"
	kill -TERM "$DEMO_PID"
	assert_clean_stop
	[ "$("${on_disk[@]}" python3 -c '
import sqlite3
names = [int(name) for name, in sqlite3.connect("demo.db").execute("SELECT username FROM users ORDER BY id")]
print(names == list(range(len(names))), len(names))')" = "True $stored" ]
}
