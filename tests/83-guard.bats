#!/usr/bin/env bats
# Guard and supervisor: one replaces the other when it is killed, a new program takes the place of both, and a command
# that of both when they are dead; the dynos do not notice.

# The programs in single quotes are for the dynos to expand, $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load adopt-helpers

# ---- upgrade ----

# start_jobs: two dynos, one with a child of its own. Sets $before, their pids.
start_jobs() {
	write_config <<-END
		[process job]
		command = sleep 1000
		stop = TERM/10/KILL/5

		[process tree]
		command = sh -c 'sleep 1001 & wait'
	END
	g start
	before=$(all_pids)
}

all_pids() {
	pid_of job.1
	pid_of tree.1
}

@test "upgrade replaces the supervisor and its guard's program, and no dyno notices" {
	local supervisor guard before

	start_jobs
	supervisor=$(supervisor_pid) guard=$(guard_pid)

	g upgrade

	assert_has "what upgrade says" "has taken over" "$output"
	[ "$(supervisor_pid)" != "$supervisor" ]
	assert_equal "the guard" "$guard" "$(guard_pid)"
	assert_equal "the pids of the dynos" "$before" "$(all_pids)"
	assert_field job.1 launch 1
	g stop
}

@test "upgrade --json tells both supervisors" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
	END
	g start
	local before
	before=$(supervisor_pid)
	g --json upgrade
	python3 -c 'import json, sys
answer = json.loads(sys.argv[1])
assert answer["app"] == "shop" and answer["old_pid"] == int(sys.argv[2]), answer
assert answer["pid"] == int(sys.argv[3]) and answer["version"] == answer["old_version"], answer' \
		"$output" "$before" "$(supervisor_pid)"
}

@test "selftest finds everything as it must be, in lines or as documents, and leaves nothing behind" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	gracectl selftest
	assert_equal "the exit status" 0 "$status"
	assert_has "the last line" "Everything is as it must be after" "${output##*$'\n'}"
	gracectl --json selftest
	assert_equal "the exit status" 0 "$status"
	python3 -c 'import json, sys
checks = [json.loads(line) for line in sys.argv[1].splitlines()]
assert len(checks) >= 5 and all(check["ok"] and check["text"] for check in checks), checks' "$output"
	assert_equal "what is left" "" "$(ls "$TMPDIR")"
}

# selftest_writes: the one that works in $TMPDIR has come so far that its dynos print.
selftest_writes() {
	[ -n "$(find "$TMPDIR" -path '*/log/writer.1/*.log' -size +0)" ]
}

assert_no_process() {
	assert_equal "the processes that are left" "" "$(processes_of_test)"
}

@test "an interrupted selftest stops and removes what it has started, whatever the signal" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	for signal in INT TERM HUP; do
		# This may itself run under nohup.
		env --default-signal="$signal" "$GRACECTL" selftest >"selftest.$signal" 2>&1 3>&- &
		wait_until "$PATIENCE" selftest_writes
		kill -"$signal" "$!"
		status=0
		wait "$!" || status=$?
		cat "selftest.$signal"
		assert_equal "the exit status after SIG$signal" 1 "$status"
		assert_has "what it says of SIG$signal" "gracectl: interrupted" "$(<"selftest.$signal")"
		refute_has "what it says of SIG$signal" "FAILED" "$(<"selftest.$signal")"
		assert_equal "what is left in its directory" "" "$(ls "$TMPDIR")"
		wait_until "$PATIENCE" assert_no_process
	done
}

@test "selftest says of a TMPDIR that is too long that it is, and of one that is missing why it cannot be used" {
	local long=$BATS_TEST_TMPDIR/a-directory-of-a-hundred-bytes-more-is-longer-than-what-a-socket-can-be-given-as-its-path-by-far-and-wide

	mkdir "$long"
	TMPDIR=$long gracectl selftest
	assert_equal "what it says" "gracectl: the path of a socket in $long would be too long; set TMPDIR to a shorter directory" "$error"
	assert_equal "the exit status" 1 "$status"
	TMPDIR=/missing gracectl selftest
	assert_equal "what it says" "gracectl: cannot make a directory in /missing: No such file or directory" "$error"
}

@test "two selftests at the same time do not see each other" {
	bash -c '"$1" selftest >first' bash "$GRACECTL" 3>&- &
	gracectl selftest
	assert_equal "the exit status" 0 "$status"
	wait "$!" || fail "the other one: $(<first)"
}

@test "SIGUSR2 to the guard upgrades too" {
	local supervisor before

	start_jobs
	supervisor=$(supervisor_pid)

	kill -USR2 "$(guard_pid)"

	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "the pids of the dynos" "$before" "$(all_pids)"
}

@test "upgrade executes the program that is installed now" {
	local supervisor

	cp "$GRACECTL" installed
	GRACECTL=$BATS_TEST_TMPDIR/installed
	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	supervisor=$(supervisor_pid)
	cp installed newer
	mv newer installed

	g upgrade

	assert_equal "the program of the new supervisor" "$BATS_TEST_TMPDIR/installed" "$(readlink "/proc/$(supervisor_pid)/exe")"
	assert_equal "the program of the guard" "$BATS_TEST_TMPDIR/installed" "$(readlink "/proc/$(guard_pid)/exe")"
	g stop
}

@test "a dyno that is up in the middle of an upgrade has said so to the new supervisor" {
	local guard supervisor start

	start_booting
	start=$BACKGROUND supervisor=$(supervisor_pid) guard=$(guard_pid)
	kill -STOP "$guard"
	g_in_background upgrade
	wait_until "$PATIENCE" is_gone "$supervisor"
	timeout "$PATIENCE" sh -c 'echo >go'
	wait_until "$PATIENCE" test -e said
	kill -CONT "$guard"

	finish
	finish 0 "$start"
	assert_field job.1 launch 1
	assert_equal "sockets that are left" "" "$(find "$RUN" -name '*notify*')"
}

@test "a command that waits goes on through an upgrade" {
	write_script slow <<-'END'
		trap 'await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<-END
		[process job]
		command = ./slow
		stop = TERM/60/KILL/5
	END
	g start
	wait_for_output job.1 ready
	g_in_background stop job.1
	wait_for_state job.1 stopping

	g upgrade
	assert_state job.1 stopping
	release

	finish
	assert_state job.1 down
}

# ---- the guard, and both ----

# assert_held COUNT: so many outputs the guard holds, and none that was removed.
assert_held() {
	assert_equal "what the guard holds" "$(find "$RUN" -name '*.out' | sort)" \
		"$(find "/proc/$(guard_pid)/fd" -lname '*.out*' -printf '%l\n' | sort)" &&
		assert_equal "how many outputs there are" "$1" "$(find "$RUN" -name '*.out' | wc -l)"
}

@test "a guard that is stopped while much happens holds all outputs afterwards, and no others" {
	local guard

	write_config <<<$'[process job]\ncommand = sleep 1000\nscale = 30'
	g start -q
	guard=$(guard_pid)
	kill -STOP "$guard"
	for _ in {1..8}; do
		g restart -q
	done
	kill -CONT "$guard"
	wait_until "$PATIENCE" assert_held 30
}

@test "when the guard dies there is another, and no dyno notices" {
	local guard supervisor before

	start_jobs
	supervisor=$(supervisor_pid) guard=$(guard_pid)

	kill -KILL "$guard"

	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "the guard, which was the supervisor" "$supervisor" "$(guard_pid)"
	assert_equal "the pids of the dynos" "$before" "$(all_pids)"
	kill_supervisor
	assert_equal "the pids of the dynos, later" "$before" "$(all_pids)"
	g stop
}

# lose_before_ready COMMAND...: the supervisor is killed, and so is the next one before it listens; the command is
# executed in between.
lose_before_ready() {
	mkfifo stuck
	printf '#!/bin/sh\ncd %q; echo $$ >born; read -r _ <stuck\n' "$PWD" >installed.new
	chmod +x installed.new
	mv installed.new installed
	kill -KILL "$(supervisor_pid)"
	wait_until "$PATIENCE" test -s born
	"$@"
	cp "$GRACECTL" installed.new
	mv installed.new installed
	kill -KILL "$(<born)"
}

# terminate_guard: and it has heard it.
terminate_guard() {
	kill -TERM "$guard"
	wait_until "$PATIENCE" grep -F "SIGTERM is kept until a supervisor listens" "$STATE/supervisor.log"
}

@test "SIGTERM to a guard whose supervisor dies before it listens is heard by the next one" {
	local guard pid

	cp "$GRACECTL" installed
	write_config <<<$'[process job]\ncommand = sleep 1000'
	"$PWD/installed" -c "$CONFIG" start -q 3>&-
	guard=$(guard_pid) pid=$(pid_of job.1)

	lose_before_ready terminate_guard

	wait_until "$PATIENCE" is_gone "$guard"
	is_gone "$pid"
	assert_has "the log" "SIGTERM received" "$(lines_of)"
}

@test "SIGTERM to a guard that has not yet seen that its supervisor is dead is heard by the next one" {
	local guard pid supervisor

	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	guard=$(guard_pid) pid=$(pid_of job.1) supervisor=$(supervisor_pid)
	kill -STOP "$guard"
	kill -KILL "$supervisor"
	wait_until "$PATIENCE" is_gone "$supervisor"
	kill -TERM "$guard"
	kill -CONT "$guard"

	wait_until "$PATIENCE" is_gone "$guard"
	is_gone "$pid"
	assert_has "the log" "SIGTERM received" "$(lines_of)"
}

@test "when both die, ps adopts what runs" {
	local before

	start_jobs
	kill_both

	g ps

	assert_has "what ps says" "job.1: up" "$output"
	assert_equal "the pids of the dynos" "$before" "$(all_pids)"
}

@test "when both die, start finds everything running" {
	local before

	start_jobs
	kill_both

	g start

	assert_equal "the pids of the dynos" "$before" "$(all_pids)"
	assert_field job.1 launch 1
}

@test "when both die, stop stops everything" {
	local before

	start_jobs
	kill_both

	g stop

	for pid in $before; do
		is_gone "$pid"
	done
}

@test "when both die, logs shows what was printed before, meanwhile and after" {
	start_talker
	kill_both
	release

	wait_for_output job.1 "line 2"
	release
	wait_for_output job.1 "line 3"
	assert_equal "all its output" $'line 1\nline 2\nline 3' "$(output_of job.1)"
	assert_field job.1 launch 1
}

@test "when both die and then the instance too, the next command tells its end and starts it again" {
	local pid

	write_config <<<$'[process job]\ncommand = sleep 1000\nbackoff = 0'
	g start
	pid=$(pid_of job.1)
	kill_both
	kill -KILL "$pid"
	wait_until "$PATIENCE" is_gone "$pid"

	g ps

	wait_for_field job.1 launch 2
	wait_for_state job.1 up
	assert_log "job.1: State changed from up to crashed"
}

@test "when both die while all is stopped, the next command finds it so" {
	start_jobs
	g stop job
	kill_both

	g ps

	assert_has "what ps says" "job.1: down" "$output"
	g stop
	g 3 ps
}

@test "what takes the place of the dead needs neither the file nor the program" {
	local before

	write_script worker <<-'END'
		exec sleep 1000
	END
	write_config <<<$'[process job]\ncommand = ./worker'
	g start
	before=$(pid_of job.1)
	rm worker
	echo 'scale = many' >>"$CONFIG"

	kill_supervisor
	assert_equal "its pid after the supervisor's death" "$before" "$(pid_of job.1)"
	kill_both
	g ps
	assert_equal "its pid after the death of both" "$before" "$(pid_of job.1)"
	g stop
}

@test "when both die under a command and no others can take their place, it says why at its deadline" {
	start_stubborn TERM/1h/KILL/5
	mv "$RUN/config.ini" kept.ini
	cp "$CONFIG" right.ini
	echo 'scale = many' >>"$CONFIG"
	g_in_background stop --timeout 5s
	wait_for_output job.1 "not for SIGTERM"
	kill_both
	finish 4
	assert_has "what it says" "guard and supervisor of shop are dead, and no others can take their place: the supervisor ended before it was ready; see $STATE/supervisor.log" "$error"
	refute_has "what it says" "the supervisor goes on with it" "$error"
	mv kept.ini "$RUN/config.ini"
	mv right.ini "$CONFIG"
	g 1 stop
}

# ---- the end under way ----

@test "a supervisor killed in the middle of a stop of everything: it ends nevertheless" {
	local pid guard

	write_script slow <<-'END'
		trap 'await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<-END
		[process job]
		command = ./slow
		stop = TERM/60/KILL/5

		[process other]
		command = sleep 1000
	END
	g start
	wait_for_output job.1 ready
	pid=$(pid_of job.1)
	g_in_background stop
	wait_for_state job.1 stopping
	wait_for_state other.1 down

	kill_supervisor
	assert_state job.1 stopping
	guard=$(guard_pid)
	release

	finish
	is_gone "$pid"
	wait_until "$PATIENCE" is_gone "$guard"
	[ ! -e "$RUN/control.sock" ]
}

@test "a supervisor killed while SIGTERM ends everything: it ends nevertheless" {
	local supervisor guard pid

	write_script slow <<-'END'
		trap 'await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<-END
		[process job]
		command = ./slow
		stop = TERM/60/KILL/5
	END
	start_daemon
	wait_for_output job.1 ready
	pid=$(pid_of job.1)
	kill -TERM "$DAEMON"
	wait_for_state job.1 stopping

	kill_supervisor
	assert_state job.1 stopping
	release

	wait "$DAEMON"
	is_gone "$pid"
}

@test "the second stop of everything hurries, whoever supervises by then" {
	start_stubborn TERM/1h/KILL/5
	let_go stop
	wait_for_output job.1 "not for SIGTERM"

	kill_supervisor
	assert_state job.1 stopping
	g 1 stop --timeout "$PATIENCE"
	assert_has "what the second says" "job.1 had to be killed: it was asked to stop once more" "$error"
}

# has_caller: somebody is connected to a supervisor that has not accepted it.
has_caller() {
	grep -q " 02 [0-9 ]*$RUN/control.sock\$" /proc/net/unix
}

@test "the second stop of everything hurries, also when both die before they hear it" {
	local supervisor guard

	start_stubborn TERM/1h/KILL/5
	g 4 stop --timeout 200ms
	wait_for_output job.1 "not for SIGTERM"
	supervisor=$(supervisor_pid) guard=$(guard_pid)

	kill -STOP "$guard" "$supervisor"
	g_in_background stop --timeout "$PATIENCE"
	wait_until "$PATIENCE" has_caller
	kill -KILL "$supervisor" "$guard"
	finish 1
	assert_has "what the second says" "job.1 had to be killed: it was asked to stop once more" "$error"
}

@test "the first stop of everything after a signal makes nobody hurry, the second does, whoever supervises by then" {
	start_stubborn TERM/1h/KILL/5
	kill -TERM "$(guard_pid)"
	wait_for_output job.1 "not for SIGTERM"

	kill_supervisor
	let_go stop
	assert_state job.1 stopping
	kill_supervisor
	g 1 stop --timeout "$PATIENCE"
}

@test "a signal a second after the first one hurries, whoever supervises by then" {
	start_stubborn TERM/1/INT/1h/KILL/5
	kill -TERM "$(guard_pid)"
	wait_for_output job.1 "not for SIGINT"

	kill_supervisor
	kill -TERM "$(guard_pid)"

	wait_for_line job.1 "Stopping remaining processes with SIGKILL"
}
