#!/usr/bin/env bats
# Descriptors have run out: nothing that lives is taken for dead, what cannot be done is told, and tried again.

# $output and $error come from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load adopt-helpers

@test "without descriptors a launch is told to have failed, is no crash, and is tried again until it works" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 8
	END
	g start
	g stop app
	supervisor=$(events kind pid | sed -n 's/^supervisor-start //p')
	used=$(descriptors_of "$supervisor")
	prlimit --pid "$supervisor" --nofile="$((used + 12)):"
	gracectl -c "$CONFIG" start -q
	assert_equal "the exit status" 1 "$status"
	wait_until "$PATIENCE" sh -c "'$GRACECTL' -c '$CONFIG' --json events | grep launch-failed |
		grep -q 'no descriptors left for it: Too many open files'"
	prlimit --pid "$supervisor" --nofile=1024:
	for n in {1..8}; do
		wait_for_state "app.$n" up
		assert_field "app.$n" crashes 0
	done
	assert_equal "the supervisor" "$supervisor" "$(events kind pid | sed -n 's/^supervisor-start //p')"
}

@test "who has used up all descriptors is adopted, and stopped to the last process" {
	local up after child

	write_script family <<-'END'
		setsid sleep 1000 &
		exec sleep 1000
	END
	write_config <<-'END'
		[process app]
		command = ./family
		scale = 60
	END
	(
		ulimit -n 64
		gracectl -c "$CONFIG" start -q
		assert_equal "the exit status" 1 "$status"
		assert_has "why" "no descriptors left for it: Too many open files" "$error"
	)
	up=$("$GRACECTL" -c "$CONFIG" ps | grep -c ': up ')
	((up >= 10)) || fail "only $up of 60 are up, of 64 descriptors"
	kill_supervisor
	after=$("$GRACECTL" -c "$CONFIG" ps | grep -c ': up ')
	((after >= up)) || fail "only $after of $up are up after the adoption"
	refute_has "what was told" "cannot be opened" "$(events text)"
	child=$(pgrep -P "$(pid_of app.1)")
	kill -KILL "$(pid_of app.1)"
	wait_until "$PATIENCE" is_gone "$child"
	g stop
	refute_has "what was told" "had to be killed" "$output$error"
}

# with_few_descriptors COMMAND...: gracectl in it can start a guard, and that one no supervisor.
with_few_descriptors() {
	[ -e few ] || printf '#!/bin/sh\nulimit -n 8\nexec "%s" "$@"\n' "$GRACECTL" >few
	chmod +x few
	GRACECTL=$PWD/few "$@"
}

@test "a start whose guard cannot start a supervisor says why at once, and nothing is left of it" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	with_few_descriptors g 1 start
	assert_equal "what it says" "gracectl: no supervisor can be started: Too many open files" "$error"
	g start
}

@test "when both have died and no supervisor can be started in their place, that is told, and the next command tries again" {
	local pid

	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	pid=$(pid_of app.1)
	kill_both
	kill -KILL "$pid"
	for command in ps stop upgrade; do
		with_few_descriptors g 1 $command
		assert_equal "what $command says" "gracectl: guard and supervisor of shop are dead, and no others can take their place: no supervisor can be started: Too many open files; what runs of it runs on, and the next command tries again" "$error"
	done
	g ps
	assert_has "the log" "Process exited" "$(platform_lines app.1)"
}

# lose_supervisor: it is dead, and the guard has no descriptors left for another one. Sets $guard.
lose_supervisor() {
	local supervisor used

	supervisor=$(supervisor_pid) guard=$(guard_pid)
	used=$(descriptors_of "$guard")
	prlimit --pid "$guard" --nofile="$used:"
	kill -KILL "$supervisor"
	wait_until "$PATIENCE" grep -F "no supervisor can be started: Too many open files" "$STATE/supervisor.log"
}

@test "SIGTERM to a guard that has no supervisor ends it when nothing runs" {
	local guard

	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	g stop app
	lose_supervisor
	kill -TERM "$guard"
	wait_until "$PATIENCE" is_gone "$guard"
	assert_has "its last words" "SIGTERM, and nothing runs: this was the end" "$(<"$STATE/supervisor.log")"
	g 3 ps
}

@test "SIGTERM to a guard that has no supervisor is kept for the next one while something runs" {
	local guard pid

	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	pid=$(pid_of app.1)
	lose_supervisor
	kill -TERM "$guard"
	wait_until "$PATIENCE" grep -F "SIGTERM is kept until a supervisor listens" "$STATE/supervisor.log"
	is_running "$pid"
	prlimit --pid "$guard" --nofile=1024:
	wait_until "$PATIENCE" is_gone "$guard"
	is_gone "$pid"
	assert_has "the log" "SIGTERM received" "$(lines_of)"
}

has_lines() {
	[ "$("$GRACECTL" -c "$CONFIG" logs -s app -n 1000 | grep -c 'a line')" -eq "$1" ]
}

@test "dynos that begin to print when descriptors are few take none from those who look, and are stopped" {
	write_config <<-'END'
		[process app]
		command = until [ -e go ]; do sleep 0.1; done; echo a line; exec sleep 1000
		scale = 24
	END
	(
		ulimit -n 86
		g start
	)
	touch go
	wait_until "$PATIENCE" has_lines 24
	g stop
	assert_has "what is said" "24 stopped" "$error"
}

@test "a client that comes when no descriptor is left waits, which is told once, and is answered when there is one" {
	local supervisor used

	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	supervisor=$(supervisor_pid)
	used=$(descriptors_of "$supervisor")
	prlimit --pid "$supervisor" --nofile="$used:"
	g_in_background ps
	wait_until "$PATIENCE" grep -q -F "clients must wait: Too many open files" "$STATE/supervisor.log"
	prlimit --pid "$supervisor" --nofile=1024:
	finish 0
	assert_has "the answer" "app.1: up" "$output"
	assert_equal "how often it was told" 1 "$(grep -c "clients must wait" "$STATE/supervisor.log")"
}
