# Helpers for the tests of gracectl. Each test has its own directory, and in it its own configuration,
# supervisor, socket and state; no port is fixed, and no time is waited for, only events.

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
GRACECTL=${GRACECTL:-$ROOT/build/gracectl}
DEMO_SERVER=${DEMO_SERVER:-$ROOT/build/demo-server}

# The limits are generous, because they cost nothing when things work.
PATIENCE=${PATIENCE:-20}

# nginx stands where an ordinary user of Debian does not look.
PATH=$PATH:/usr/sbin:/sbin

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	unset PORT DYNO GRACECTL_CONFIG NO_COLOR FORCE_COLOR
	CONFIG=$BATS_TEST_TMPDIR/gracectl.ini
	STATE=$BATS_TEST_TMPDIR/state
	RUN=$BATS_TEST_TMPDIR/run
	# Every process that the test starts, however far away from it, carries this in its environment.
	export GRACECTL_TEST=$BATS_TEST_TMPDIR
	status='' output='' error='' NUDGER=''
}

# A test that leaves its supervisor running has it stopped here, in a hurry if need be. What survives
# `stop` is a failure of the test, whatever else it has found.
teardown() {
	local survivors result=0

	stop_supervisor || result=1
	[ -z "$NUDGER" ] || end_nudger
	# The guard, the parent of the supervisor, is the last to go, a moment after the answer.
	for _ in {1..40}; do
		survivors=$(processes_of_test)
		[ -n "$survivors" ] || break
		sleep 0.05
	done
	if [ -n "$survivors" ]; then
		result=1
		echo "teardown: these processes survived \`stop\`:"
		ps -o pid,ppid,stat,args -p "$(echo "$survivors" | paste -sd ,)" || true
		kill_survivors
	fi
	if [ -z "${BATS_TEST_COMPLETED:-}" ] || [ "$result" -ne 0 ]; then
		show_traces
	fi
	return "$result"
}

# Guard and supervisor replace each other when one of them is killed, so once may not be enough.
kill_survivors() {
	local survivors

	for _ in {1..100}; do
		survivors=$(processes_of_test)
		[ -n "$survivors" ] || return 0
		# shellcheck disable=SC2086 # one word for each pid
		kill -KILL $survivors 2>/dev/null || true
		sleep 0.05
	done
}

stop_supervisor() {
	local patience result=0

	for patience in 1s 10s 10s; do
		[ -e "$RUN/control.sock" ] || return 0
		result=0
		"$GRACECTL" -c "$CONFIG" stop -q --timeout "$patience" 3>&- || result=$?
		[ "$result" -eq 4 ] || return 0
	done
	fail "teardown: the supervisor does not stop"
}

# The pids of the processes that the test has started, one a line.
processes_of_test() {
	local mark=GRACECTL_TEST=$GRACECTL_TEST

	( # the processes of this search are not meant
		unset GRACECTL_TEST
		grep -lzxF "$mark" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/||; s|/environ||'
	)
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

# visible_commands: the words of the commands that help lists.
visible_commands() {
	"$GRACECTL" __complete commands | cut -f1 | grep -v :
}

# g_in_background ARG...: the same, but does not wait. Sets BACKGROUND, its pid. What it prints is in
# background.out and background.err, that of an earlier one in background.PID.out and .err.
g_in_background() {
	# shellcheck disable=SC2016 # the shell that becomes the program has the pid that names the files
	bash -c '
		for stream in out err; do
			: >"background.$$.$stream"
			ln -sf "background.$$.$stream" "background.$stream"
		done
		exec "$@" >"background.$$.out" 2>"background.$$.err"' bash "$GRACECTL" -c "$CONFIG" "$@" 3>&- &
	BACKGROUND=$!
}

# finish [STATUS [PID]]: the command in the background (the last one) has ended, or does so now, with
# this exit status. Sets $output, $error and $status.
finish() {
	local pid=${2:-$BACKGROUND}

	status=0
	wait "$pid" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/background.$pid.out")
	error=$(<"$BATS_TEST_TMPDIR/background.$pid.err")
	printf '(in the background)\n%s\n(exit status %s)\n' "$error" "$status"
	assert_equal "the exit status of the command in the background" "${1:-0}" "$status"
}

# let_go ARG...: the same for a command whose request is heard and which does not end: it is interrupted as soon as
# it has been heard. The supervisor goes on with it.
let_go() {
	local BACKGROUND

	g_in_background "$@"
	wait_until "$PATIENCE" test -s "background.$BACKGROUND.err"
	kill -INT "$BACKGROUND"
	finish 1
	assert_has "what it says" "the supervisor goes on with it" "$error"
}

# ---- given ----

# write_config: the standard input is the configuration, but for [app], which is put before it.
# Lines for [app] can be given as arguments.
# shellcheck disable=SC2120 # the tests give them
write_config() {
	{
		printf '%s\n' "[app]" "name = shop" "root = $BATS_TEST_TMPDIR" "state_dir = $STATE" \
			"run_dir = $RUN" "$@" "" "[defaults]" "backoff = never"
		cat
	} >"$CONFIG"
}

# Two types of processes that only wait.
write_sleepers() {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 2
		[process worker]
		command = sleep 1000
	END
}

# write_script NAME: the standard input is a shell script for the dynos of this test. It has two
# functions that wait without a child: `pause` for signals, and `await_release` for the test's `release`.
write_script() {
	[ -n "$NUDGER" ] || start_nudger
	{
		cat <<-'HEAD'
			#!/bin/sh
			pause() { while :; do read -r _ <>never; done; }
			await_release() { until read -r _ <released; do :; done; }
		HEAD
		cat
	} >"$BATS_TEST_TMPDIR/$1"
	chmod +x "$BATS_TEST_TMPDIR/$1"
}

# A shell misses a signal that comes between its last look for one and its read(). So what `pause` reads are lines that come
# again and again: it looks for signals after each. Sets NUDGER, who writes them.
start_nudger() {
	mkfifo never released silence
	# shellcheck disable=SC2016 # for the inner shell
	bash -c 'while [ -p never ] && printf "\n\n\n\n" >&8; do read -rt 0.1 _ <&9; done' bash 8<>never 9<>silence \
		>/dev/null 2>&1 3>&- &
	NUDGER=$!
}

end_nudger() {
	kill "$NUDGER"
	wait "$NUDGER" || true
}

# `late` is a server that listens when the test calls `release`.
write_late_server() {
	write_script late <<-'END'
		echo booting
		await_release
		exec python3 -m http.server --bind 127.0.0.1 "$PORT"
	END
}

# app.1 listens at once, web.1 when the test calls `release`.
write_two_servers() {
	write_late_server
	write_config <<-'END'
		[process app]
		command = python3 -m http.server --bind 127.0.0.1 $PORT
		port = auto
		[process web]
		command = ./late
	END
}

# hold_lock FILE: somebody else holds its lock, until the test kills HOLDER, which is set.
hold_lock() {
	python3 - "$1" >held 3>&- <<-'END' &
		import fcntl, sys, time
		with open(sys.argv[1], "a") as file:
		    fcntl.lockf(file, fcntl.LOCK_EX)
		    print("held", flush=True)
		    time.sleep(1000)
	END
	# shellcheck disable=SC2034 # for the tests
	HOLDER=$!
	wait_until "$PATIENCE" test -s held
}

# ---- when, and what for ----

# Lets a script go on that waits, or will wait, for it.
release() {
	timeout "$PATIENCE" sh -c 'echo go >released' || fail "nobody waits for its release"
}

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

# wait_for_output DYNO LINE [COUNT]: its processes have printed exactly this, at least so often.
wait_for_output() {
	wait_until "$PATIENCE" has_output "$@"
}

has_output() {
	(($(output_of "$1" | grep -cxF -- "$2") >= ${3:-1}))
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

# assert_field DYNO FIELD VALUE
assert_field() {
	assert_equal "$2 of $1" "$3" "$(field_of "$1" "$2")"
}

# assert_state DYNO STATE
assert_state() {
	assert_field "$1" state "$2"
}

# wait_for_field DYNO FIELD VALUE
wait_for_field() {
	wait_until "$PATIENCE" assert_field "$@"
}

# wait_for_state DYNO STATE
wait_for_state() {
	wait_for_field "$1" state "$2"
}

# assert_log DYNO: the standard input has all lines that the platform says of the dyno, in their order.
# "PID" in it stands for any number, "N s" for any time.
assert_log() {
	local expected actual

	expected=$(cat)
	actual=$(platform_lines "$1" | sed 's/\b[0-9]\+ (/PID (/g; s/\b[0-9.]\+ s\b/N s/g')
	diff -u --label "expected of $1" --label "actual log of $1" <(echo "$expected") <(echo "$actual")
}

# is_running PID: it runs, and is no zombie.
is_running() {
	[[ $(ps -o stat= -p "$1") == [!Z]* ]]
}

is_gone() {
	! is_running "$1"
}

is_stopped() {
	[[ $(ps -o stat= -p "$1") == T* ]]
}

# supervisor_pid: the one that was started last.
supervisor_pid() {
	events kind pid | sed -n 's/^supervisor-start //p' | tail -n 1
}

# kill_supervisor: and waits until the next one has adopted.
kill_supervisor() {
	local before

	before=$(supervisor_pid)
	kill -KILL "$before"
	wait_until "$PATIENCE" another_supervisor "$before"
}

# another_supervisor PID: not this one but another answers.
another_supervisor() {
	[ "$(supervisor_pid)" != "$1" ] && "$GRACECTL" -c "$CONFIG" ps
}

# events FIELD...: the journal, one event a line, with these fields ("-" where it has none).
events() {
	"$GRACECTL" -c "$CONFIG" --json events -n 100000 | python3 -c '
import json, sys
for line in sys.stdin:
    event = json.loads(line)
    print(*(event.get(key, "-") for key in sys.argv[1:]))' "$@"
}

# descriptors_of PID: how many guard or supervisor has open when nobody is connected to the control socket. The
# supervisor closes a connection when the client may have its answer already.
descriptors_of() {
	wait_until "$PATIENCE" has_no_client >&2
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# 03 is "connected" in this list.
has_no_client() {
	! grep -q " 03 [0-9 ]*$RUN/control.sock\$" /proc/net/unix
}
