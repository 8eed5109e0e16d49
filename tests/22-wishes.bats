#!/usr/bin/env bats
# A second wish while a stop goes on: another stop, a start, a signal to the supervisor; who is hurried by it, and
# who is not.

bats_require_minimum_version 1.5.0

load end-helpers

# Commands.

@test "a second stop goes on to the next rung, and both commands say what came of it" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	g_in_background stop app.1
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	g 1 stop app.1
	finish 1
	assert_has "the first" "app.1 had to be killed: it was asked to stop once more" "$error"
	g stops
	assert_has "the history" "SIGKILL was needed when it was asked to stop once more" "$output"
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./deaf`
		State changed from starting to up
		State changed from up to down
		Stopping all processes with SIGTERM
		Stopping remaining processes with SIGKILL
		Killed 1 process that did not end after SIGTERM: PID (deaf)
		Process exited with status 137
	END
}

@test "a second stop takes one rung, not all" {
	write_script hard <<-'END'
		trap '' TERM
		trap 'echo "told to stop"; exit 0' INT
		echo ready
		pause
	END
	start_app hard 'stop = TERM/1h/INT/1h/KILL/5'
	g_in_background stop app.1
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	g stop app.1
	finish
	assert_equal "the output" $'ready\ntold to stop' "$(output_of app.1)"
}

@test "a stop of everything leaves a dyno that is stopping already its time; the next one hurries it" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	g_in_background stop app.1
	local first=$BACKGROUND
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	let_go stop
	assert_state app.1 stopping
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g 1 stop
	finish 1 "$first"
	assert_has "the first" "app.1 had to be killed: it was asked to stop once more" "$error"
}

@test "a stop of a type that has others to stop makes nobody hurry" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5' 'scale = 2'
	let_go stop app.1
	let_go stop app
	assert_state app.1 stopping
	assert_state app.2 stopping
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g 1 stop app
	assert_has "the sum" "failed, 0 of 2 stopped gracefully" "$error"
}

@test "a start during a stop is kept as the wish: the old one ends in peace, then comes a new one" {
	write_slow_app
	start_app slow
	local old
	old=$(pid_of app.1)
	g_in_background stop app.1
	wait_for_log app.1 finishing
	local stopping=$BACKGROUND
	g_in_background start app.1
	wait_for_field app.1 wanted up
	assert_state app.1 stopping
	is_running "$old"
	release
	finish
	finish 1 "$stopping"
	assert_has "the stop that was overruled" "app.1 was stopped, and started again by another request" "$error"
	assert_state app.1 up
	is_gone "$old"
	assert_equal "the output of the old one" $'ready\nfinishing\nfinished' "$(output_of app.1 | head -n 3)"
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g_in_background stop app.1
	release
	finish
}

@test "a start while everything is being stopped waits for the end, and starts it anew" {
	write_slow_app
	start_app slow
	g_in_background stop
	local stop=$BACKGROUND first
	first=$(supervisor_pid)
	wait_for_log app.1 finishing
	g 4 start --timeout 2s
	assert_has "the message" "not done after 2." "$error"
	assert_has "the message" " s: the supervisor of shop is still ending, so nothing was started" "$error"
	g 1 restart
	assert_has "the message" 'the supervisor is ending; `gracectl start` waits for that and starts everything anew' "$error"
	g_in_background start
	wait_until "$PATIENCE" grep -qx "  the supervisor of shop is ending; another one is started after it" background.err
	release
	finish
	assert_has "the sum" "done, 1 up in" "$error"
	finish 0 "$stop"
	assert_has "the sum" "done, 1 stopped in" "$error"
	assert_state app.1 up
	[ "$(supervisor_pid)" != "$first" ] || fail "it is the same supervisor"
}

@test "Ctrl-C in a start that waits for the end of everything starts nothing" {
	write_slow_app
	start_app slow
	g_in_background stop
	local stop=$BACKGROUND
	wait_for_log app.1 finishing
	g_in_background --json start
	local start=$BACKGROUND
	wait_until "$PATIENCE" is_waiting_for_process "$start"
	kill -INT "$start"
	finish 1 "$start"
	assert_has "the message" "the supervisor of shop is still ending, so nothing was started" "$error"
	python3 -c 'import json, sys; assert json.loads(sys.argv[1])["code"] == 1' "$output"
	release
	finish 0 "$stop"
	g 3 ps
}

# is_waiting_for_process PID: it holds a descriptor of a process.
is_waiting_for_process() {
	find "/proc/$1/fd" -lname 'anon_inode:*pidfd*' | grep -q .
}

@test "a stop takes back the wish to start, without hurrying" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	let_go start app.1
	assert_field app.1 wanted up
	let_go stop app.1
	assert_field app.1 wanted down
	release
	finish
	assert_state app.1 down
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
}

# Signals to the supervisor and the guard.

@test "SIGTERM to the supervisor stops everything gracefully; a second one hurries" {
	write_slow_app
	write_deaf_app
	write_config <<-'END'
		[process app]
		command = ./slow
		[process deaf]
		command = ./deaf
		stop = TERM/1h/KILL/5
	END
	g_in_background daemon
	wait_for_log app.1 ready
	wait_for_log deaf.1 ready
	kill -TERM "$BACKGROUND"
	wait_for_log app.1 finishing
	release
	wait_for_log app.1 'Process exited with status 0'
	wait_until "$PATIENCE" a_signal_hurries deaf.1
	finish
	assert_equal "the end of the other" "Process exited with status 137" "$(platform_lines deaf.1 | tail -n 1)"
	assert_has "the journal" "supervisor-stop SIGTERM received" "$(events kind reason)"
	assert_has "what the daemon says" "info: SIGTERM received: everything is being stopped; a second signal, a second later or more, makes it hurry" "$error"
}

# a_signal_hurries DYNO: one more to the daemon, and its stop has gone on to SIGKILL.
a_signal_hurries() {
	log_has "$1" 'Stopping remaining processes with SIGKILL' || ! kill -TERM "$BACKGROUND"
}

# is_pending SIGNAL... PID: all of these wait for the process to go on.
is_pending() {
	local pid=${!#} signal mask

	mask=0x$(sed -n 's/^ShdPnd:\t//p' "/proc/$pid/status")
	for signal in "${@:1:$#-1}"; do
		((mask >> ($(kill -l "$signal") - 1) & 1)) || return 1
	done
}

@test "one wish to end that the supervisor hears twice is no hurry" {
	write_slow_app
	start_app slow
	local supervisor guard
	supervisor=$(supervisor_pid)
	guard=$(ps -o ppid= -p "$supervisor" | tr -d ' ')
	kill -STOP "$supervisor"
	wait_until "$PATIENCE" is_stopped "$supervisor"
	kill -INT "$supervisor"
	kill -TERM "$guard"
	wait_until "$PATIENCE" is_pending INT TERM "$supervisor"
	kill -CONT "$supervisor"
	wait_for_log app.1 finishing
	assert_state app.1 stopping
	release
	wait_until "$PATIENCE" is_gone "$guard"
	assert_equal "the last line" "Process exited with status 0" "$(platform_lines app.1 | tail -n 1)"
}

@test "SIGTERM to the guard leaves a dyno that is stopping already its time" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	kill -TERM "$(ps -o ppid= -p "$(supervisor_pid)" | tr -d ' ')"
	wait_until "$PATIENCE" has_journal_line 'supervisor-stop SIGTERM received'
	assert_state app.1 stopping
	release
	finish
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
}

@test "the first stop of everything leaves what a signal is stopping its time" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	kill -TERM "$(supervisor_pid)"
	wait_until "$PATIENCE" has_journal_line 'supervisor-stop SIGTERM received'
	let_go stop
	assert_state app.1 stopping
	g 1 stop
	refute_has "the log" "failed to exit" "$(platform_lines app.1)"
}

has_journal_line() {
	events kind reason | grep -qxF "$1"
}
