# Helpers for the tests of the demo server. Each test has one server, in its own directory,
# on a port that the kernel has chosen.

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
DEMO_SERVER=${DEMO_SERVER:-$ROOT/build/demo-server}

demo_setup() {
	unset PORT DATABASE MONGO_DB
	# shellcheck disable=SC2034 # for mongo-helpers.bash
	GIVEN_MONGODB_URI=${MONGODB_URI:-} MONGO_PID=
	unset MONGODB_URI
	cd "$BATS_TEST_TMPDIR" || return 1
	DEMO_LOG=$BATS_TEST_TMPDIR/log
	DEMO_PID=
	DEMO_HOLDER=
}

# Ends the server if the test has not, which must succeed as well, and shows the log, which bats
# prints only on failure.
demo_teardown() {
	local status=0
	if [ -n "$DEMO_HOLDER" ]; then
		kill "$DEMO_HOLDER" 2>/dev/null
		wait "$DEMO_HOLDER" 2>/dev/null
	fi
	if [ -n "$DEMO_PID" ]; then
		kill -CONT "$DEMO_PID" && kill -TERM "$DEMO_PID"
		timeout 8 tail -f /dev/null -s 0.02 --pid "$DEMO_PID" || kill -KILL "$DEMO_PID"
		wait "$DEMO_PID" 2>/dev/null || status=$?
	fi
	if [ -f "$DEMO_LOG" ]; then
		echo "The log of the server:"
		cat "$DEMO_LOG"
	fi
	return "$status"
}

# libmongoc keeps counters in shared memory, and warns when a dead process of the same number has left some.
export MONGOC_DISABLE_SHM=1

# wait_for LIMIT COMMAND...: tries a command until it succeeds, for LIMIT seconds at most.
wait_for() {
	local tries=$(($1 * 50))
	shift
	until "$@"; do
		((tries-- > 0)) || {
			echo "waited in vain for: $*"
			return 1
		}
		sleep 0.02
	done
}

# start_demo [OPTION...]: starts the server and waits until it listens. Sets DEMO_PID and DEMO_PORT.
start_demo() {
	launch_demo "$@"
	await_demo
}

# launch_demo [OPTION...]: only starts it. Sets DEMO_PID.
launch_demo() {
	: >"$DEMO_LOG" # what an earlier one has said
	"$DEMO_SERVER" "$@" >"$DEMO_LOG" 2>&1 3>&- &
	DEMO_PID=$!
}

# await_demo: until it listens. Sets DEMO_PORT.
await_demo() {
	wait_for 10 grep -q 'App running on port' "$DEMO_LOG"
	DEMO_PORT=$(sed -n 's/^App running on port \([0-9]*\)\.\.\.$/\1/p' "$DEMO_LOG")
}

# start_demo_into_pipe [OPTION...]: starts it with a pipe of that name behind its output, which nobody reads.
# Sets DEMO_PID and DEMO_PORT.
start_demo_into_pipe() {
	local line

	mkfifo pipe
	exec 4<>pipe # without a reader it would not even begin
	"$DEMO_SERVER" "$@" >pipe 2>&1 3>&- 4>&- &
	DEMO_PID=$!
	read -r line <&4
	DEMO_PORT=${line//[^0-9]/}
}

# play: the scenario on the standard input, see rawhttp.py.
play() {
	python3 "$ROOT/tests/rawhttp.py" --port "$DEMO_PORT" --pid "$DEMO_PID" --log "$DEMO_LOG"
}

# assert_exits STATUS: the server has ended, or does so now, with this status.
assert_exits() {
	local status=0
	wait "$DEMO_PID" || status=$?
	DEMO_PID=
	[ "$status" -eq "$1" ] || {
		echo "expected the exit status $1, got $status"
		return 1
	}
}

# http STATUS ARG...: a request by curl to the server; checks the status, leaves the body in $body.
http() {
	local expected=$1 path=$2 got
	shift 2
	got=$(curl -sS --max-time 10 -o "$BATS_TEST_TMPDIR/body" -D "$BATS_TEST_TMPDIR/headers" \
		-w '%{http_code}' "$@" "http://127.0.0.1:$DEMO_PORT$path")
	body=$(cat "$BATS_TEST_TMPDIR/body" 2>/dev/null || true)
	rm -f "$BATS_TEST_TMPDIR/body"
	[ "$got" = "$expected" ] || {
		echo "$path: expected $expected, got $got with: $body"
		return 1
	}
}

assert_body() {
	[ "$body" = "$1" ] || {
		printf 'expected the body: %s\ngot:               %s\n' "$1" "$body"
		return 1
	}
}

assert_body_has() {
	[[ $body == *"$1"* ]] || {
		printf 'expected in the body: %s\ngot:                  %s\n' "$1" "$body"
		return 1
	}
}

assert_header() {
	tr -d '\r' <"$BATS_TEST_TMPDIR/headers" | grep -qixF "$1" || {
		echo "expected the header: $1, got:"
		cat "$BATS_TEST_TMPDIR/headers"
		return 1
	}
}

assert_log_has() {
	grep -qF -- "$1" "$DEMO_LOG" || {
		echo "expected in the log: $1"
		return 1
	}
}

# assert_log LINE...: these are all the lines that the server has printed.
assert_log() {
	diff -u --label expected --label log <(printf '%s\n' "$@") "$DEMO_LOG"
}

# What a clean stop by SIGTERM prints, from the first line to the last.
clean_log() {
	local name=${1:-SIGTERM}
	printf '%s\n' "App running on port $DEMO_PORT..." \
		"👋 $name RECEIVED. Shutting down gracefully" \
		"$name signal received." \
		"Closing http server." \
		"Http server closed." \
		"Database connection closed." \
		"💥 Process terminated!"
}

assert_clean_stop() {
	assert_exits 0
	diff -u --label expected --label log <(clean_log "$@") "$DEMO_LOG"
}

# users: the names in the database, one a line.
users() {
	python3 -c '
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT username FROM users ORDER BY id"):
    print(row[0])' "${1:-demo.db}"
}

# hold_database SECONDS FILE [EXCLUSIVE]: locks the database for a time, against writers or everybody; creates
# FILE when it is locked.
hold_database() {
	python3 -c '
import sqlite3, sys, time
db = sqlite3.connect("demo.db", isolation_level=None)
db.execute("BEGIN " + sys.argv[3])
open(sys.argv[2], "w").close()
time.sleep(float(sys.argv[1]))
db.execute("COMMIT")' "$1" "$2" "${3:-IMMEDIATE}" 3>&- &
	DEMO_HOLDER=$!
	wait_for 10 test -e "$2"
}
