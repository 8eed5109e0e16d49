# What the tests of stops need besides helpers.bash: an application that is told how to stop, clients that hold
# connections, databases, and a look at what was observed. The programs are in tests/stops/, and say at
# their beginning what they do.

load helpers

eval "supervisor_$(declare -f setup)"
eval "supervisor_$(declare -f teardown)"

STOPS=$ROOT/tests/stops
# The interpreter itself: what is found on the PATH may be a script that looks for it, with processes of its own.
PATH=$(dirname "$(python3 -c 'import sys; print(sys.executable)')"):$PATH
# shellcheck disable=SC2034 # for the tests
APP="python3 $STOPS/app.py"

setup() {
	supervisor_setup
	BESIDE=()
}

# What runs beside the supervisor ends by its pid, whatever has become of the test.
teardown() {
	local result=0 pid

	for pid in "${BESIDE[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	supervisor_teardown || result=$?
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		echo "--- the stops:"
		"$GRACECTL" -c "$CONFIG" --json stops -n 100 || true
		tail -n 50 ./*.outcome ./*.log 2>/dev/null || true
	fi
	return "$result"
}

# beside OUTPUT COMMAND...: runs a program beside the supervisor. Sets BESIDE_PID.
beside() {
	local output=$1

	shift
	"$@" >"$output" 2>&1 3>&- &
	BESIDE_PID=$!
	BESIDE+=("$BESIDE_PID")
}

# ---- given ----

# start_apps: the standard input is the configuration, as for write_config. Returns when all is up.
start_apps() {
	write_config
	g start
}

# start_database NAME [ADDRESS]: sets DATABASE, where it listens, and DATABASE_PID.
start_database() {
	beside "$1.log" python3 "$STOPS/database.py" "$1.address" "${@:2}"
	# shellcheck disable=SC2034 # for the tests
	DATABASE_PID=$BESIDE_PID
	wait_until "$PATIENCE" test -s "$1.address"
	# shellcheck disable=SC2034 # for the tests
	DATABASE=$(<"$1.address")
}

# end_beside PID: it ends at once, without a word.
end_beside() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

# hold DYNO ARG...: clients of the dyno, see clients.py; returns when they have every connection in its
# state. What becomes of them is in DYNO.outcome.
hold() {
	local dyno=$1

	shift
	beside "$dyno.outcome" python3 "$STOPS/clients.py" "$@" "$(field_of "$dyno" port)"
	wait_until "$PATIENCE" grep -qx held "$dyno.outcome"
}

# hold_app DYNO [--host=ADDRESS] STATE[=COUNT]...: the same with app.py, which has accepted them all, and read
# the requests.
hold_app() {
	local word count all=0 slow=0

	for word in "${@:2}"; do
		[[ $word != --* ]] || continue
		count=1
		[[ $word != *=* ]] || count=${word#*=}
		all=$((all + count))
		[[ $word != in-flight* ]] || slow=$((slow + count))
	done
	hold "$@"
	wait_for_output "$1" "inbound $all slow $slow"
}

# ---- when ----

# wait_for_event KIND DYNO [COUNT]: the journal has it, at least so often.
wait_for_event() {
	wait_until "$PATIENCE" has_event "$@"
}

has_event() {
	local count

	count=$("$GRACECTL" -c "$CONFIG" --json events -n 100000 -d "$2" | grep -cE "\"kind\" ?: ?\"$1\"")
	((count >= ${3:-1}))
}

refute_event() {
	! has_event "$@" || fail "there is an event $1 of $2 already"
}

# ---- then ----

# assert_outcome DYNO: the standard input has what became of each connection, in any order.
assert_outcome() {
	local expected

	expected=$(sort)
	wait_until "$PATIENCE" has_lines "$1.outcome" $(($(wc -l <<<"$expected") + 1)) || true
	assert_equal "what became of the connections to $1" "$expected" \
		"$(grep -vx held "$1.outcome" | sort)"
}

has_lines() {
	(($(wc -l <"$1") >= $2))
}

# assert_stop DYNO: the standard input has what is expected of its last stop, see expect.py.
assert_stop() {
	local lines

	mapfile -t lines
	stop_of "$1" >stop.json || fail "there is no stop of $1"
	python3 "$STOPS/expect.py" "${lines[@]}" <stop.json
}

# stop_of DYNO: its last stop, a document.
stop_of() {
	"$GRACECTL" -c "$CONFIG" --json stops -n 100000 -d "$1" | tail -n 1 | grep .
}

# assert_phases DYNO PHASE...: these were told in the log, in this order, and no others.
assert_phases() {
	assert_equal "the phases of $1" "${*:2}" \
		"$(events kind dyno | grep -xE "(open|not-accepting|drained|released) $1" | cut -d ' ' -f 1 | paste -sd ' ')"
}
