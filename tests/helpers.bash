# Helpers for the tests of gracectl. Each test has its own directory, and in it its own configuration,
# supervisor, socket and state; no port is fixed, and no time is waited for, only events.

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
GRACECTL=${GRACECTL:-$ROOT/build/gracectl}
DEMO_SERVER=${DEMO_SERVER:-$ROOT/build/demo-server}

# The limits are generous, because they cost nothing when things work.
PATIENCE=${PATIENCE:-20}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	unset PORT DYNO GRACECTL_CONFIG NO_COLOR FORCE_COLOR
	CONFIG=$BATS_TEST_TMPDIR/gracectl.ini
	STATE=$BATS_TEST_TMPDIR/state
	RUN=$BATS_TEST_TMPDIR/run
	# Every process that the test starts, however far away from it, carries this in its environment.
	export GRACECTL_TEST=$BATS_TEST_TMPDIR
	status='' output='' error=''
}

# A test that leaves its supervisor running has it stopped here. What survives `stop` is a failure
# of the test, whatever else it has found.
teardown() {
	local survivors result=0

	if [ -e "$RUN/control.sock" ]; then
		"$GRACECTL" -c "$CONFIG" stop -q --timeout 30s 3>&- || result=$?
		[ "$result" -ne 4 ] || echo "teardown: the supervisor does not stop"
		[ "$result" -eq 4 ] || result=0
	fi
	survivors=$(processes_of_test)
	if [ -n "$survivors" ]; then
		result=1
		echo "teardown: these processes survived \`stop\`:"
		# shellcheck disable=SC2086 # one word for each pid
		ps -o pid,ppid,stat,args -p "$(echo $survivors | tr ' ' ,)" || true
		# shellcheck disable=SC2086
		kill -KILL $survivors 2>/dev/null || true
	fi
	[ -n "${BATS_TEST_COMPLETED:-}" ] && [ "$result" -eq 0 ] || show_traces
	return "$result"
}

# The pids of the processes that the test has started, one a line.
processes_of_test() {
	env -u GRACECTL_TEST grep -lzxF "GRACECTL_TEST=$GRACECTL_TEST" /proc/[0-9]*/environ 2>/dev/null |
		sed 's|/proc/||; s|/environ||'
}

# What helps to understand a failure.
show_traces() {
	echo "--- the log:"
	"$GRACECTL" -c "$CONFIG" logs -n 200 || true
	echo "--- the supervisor's own log:"
	tail -n 50 "$STATE/supervisor.log" 2>/dev/null || true
}

# ---- the program ----

# g [STATUS] ARG...: runs gracectl with the configuration of this test; it must exit with STATUS (0).
# Leaves $output, $error and $status.
g() {
	local expected=0

	[[ $1 != [0-9]* ]] || {
		expected=$1
		shift
	}
	gracectl -c "$CONFIG" "$@"
	assert_equal "the exit status" "$expected" "$status"
}

# gracectl ARG...: the program as it is, without a configuration.
gracectl() {
	status=0
	"$GRACECTL" "$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- || status=$?
	output=$(<"$BATS_TEST_TMPDIR/stdout")
	error=$(<"$BATS_TEST_TMPDIR/stderr")
	printf '$ gracectl %s\n%s%s(exit status %s)\n' "$*" "${output:+$output$'\n'}" "${error:+$error$'\n'}" \
		"$status"
}

# g_in_background ARG...: the same, but does not wait. `finish` waits for it and sets $status and $error.
g_in_background() {
	"$GRACECTL" -c "$CONFIG" "$@" >"$BATS_TEST_TMPDIR/background.out" 2>"$BATS_TEST_TMPDIR/background.err" 3>&- &
	BACKGROUND=$!
}

# finish [STATUS]: the command in the background has ended, or does so now, with this exit status.
finish() {
	status=0
	wait "$BACKGROUND" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/background.out")
	error=$(<"$BATS_TEST_TMPDIR/background.err")
	printf '(in the background)\n%s\n(exit status %s)\n' "$error" "$status"
	assert_equal "the exit status of the command in the background" "${1:-0}" "$status"
}

# ---- given ----

# write_config: the standard input is the configuration, but for [app], which is put before it.
# Lines for [app] can be given as arguments.
write_config() {
	{
		printf '%s\n' "[app]" "name = shop" "root = $BATS_TEST_TMPDIR" "state_dir = $STATE" \
			"run_dir = $RUN" "$@" "" "[defaults]" "backoff = never"
		cat
	} >"$CONFIG"
}

# write_script NAME: the standard input is a shell script for the dynos of this test.
write_script() {
	{
		echo '#!/bin/sh'
		cat
	} >"$BATS_TEST_TMPDIR/$1"
	chmod +x "$BATS_TEST_TMPDIR/$1"
}

# ---- when, and what for ----

# wait_until SECONDS COMMAND...: tries a command until it succeeds.
wait_until() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >"$BATS_TEST_TMPDIR/attempt" 2>&1; do
		((SECONDS <= end)) || {
			echo "waited in vain for: $*"
			cat "$BATS_TEST_TMPDIR/attempt"
			return 1
		}
		sleep 0.02
	done
}

# wait_for_log [DYNO] TEXT: a line with this text is in the log, of whatever source.
wait_for_log() {
	wait_until "$PATIENCE" log_has "$@"
}

log_has() {
	lines_of "$@" | grep -qF -- "${!#}"
}

# lines_of [DYNO] ...: all lines of the log, without the time.
lines_of() {
	local filter=()

	[ $# -lt 2 ] || filter=(-d "$1")
	"$GRACECTL" -c "$CONFIG" logs -n 100000 "${filter[@]}" | sed 's/^[^ ]* //'
}

# platform_lines DYNO: what the platform says of a dyno, without time and source.
platform_lines() {
	"$GRACECTL" -c "$CONFIG" logs -n 100000 -s heroku -d "$1" | sed 's/^[^ ]* [^ ]*: //'
}

# output_of DYNO: what its processes have printed.
output_of() {
	"$GRACECTL" -c "$CONFIG" logs -n 100000 -s app -d "$1" | sed 's/^[^ ]* [^ ]*: //'
}

# ---- then ----

fail() {
	printf '%s\n' "$@"
	return 1
}

# assert_equal WHAT EXPECTED ACTUAL
assert_equal() {
	[ "$2" == "$3" ] || fail "$1" "  expected: $2" "  actual:   $3"
}

# assert_has WHAT TEXT ACTUAL
assert_has() {
	[[ $3 == *"$2"* ]] || fail "$1" "  expected in it: $2" "  actual:         $3"
}

refute_has() {
	[[ $3 != *"$2"* ]] || fail "$1" "  not expected in it: $2" "  actual:             $3"
}

# field_of DYNO FIELD: of `ps --json`, such as state, pid, port, launch, why, instances.
field_of() {
	"$GRACECTL" -c "$CONFIG" --json ps -l "$1" | python3 -c '
import json, sys
value = json.load(sys.stdin)[0][sys.argv[1]]
print(value if isinstance(value, (str, int)) else json.dumps(value))' "$2"
}

pid_of() {
	field_of "$1" pid
}

# assert_state DYNO STATE
assert_state() {
	assert_equal "the state of $1" "$2" "$(field_of "$1" state)"
}

# wait_for_state DYNO STATE
wait_for_state() {
	wait_until "$PATIENCE" assert_state "$@"
}

# assert_log DYNO: the standard input has all lines that the platform says of the dyno, in their order.
# "PID" in it stands for any number.
assert_log() {
	local expected actual

	expected=$(cat)
	actual=$(platform_lines "$1" | sed 's/\b[0-9]* (/PID (/g')
	diff -u --label "expected of $1" --label "actual log of $1" <(echo "$expected") <(echo "$actual")
}

# is_running PID: it runs, and is no zombie.
is_running() {
	[[ $(ps -o stat= -p "$1") == [!Z]* ]]
}

is_gone() {
	! is_running "$1"
}

# events FIELD...: the journal, one event a line, with these fields ("-" where it has none).
events() {
	"$GRACECTL" -c "$CONFIG" --json events -n 100000 | python3 -c '
import json, sys
for line in sys.stdin:
    event = json.loads(line)
    print(*(event.get(key, "-") for key in sys.argv[1:]))' "$@"
}
