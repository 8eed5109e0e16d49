#!/usr/bin/env bats
# The verdict on each kind of stop, by an application made for it, and the evidence. A clean one is never called
# anything else; and what cannot be told apart from outside is said to be so.

# $output comes from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load stop-helpers

# ---- clean ----

@test "a clean stop is called clean, whatever the order of its close() looks like in the kernel" {
	local dyno round

	start_database db
	# They answer, close everything in the right order, and are gone at once: nothing waits for anything.
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners close-idle answer drain release
		scale = 4
	END
	for round in 1 2; do
		for dyno in web.{1..4}; do
			beside "$dyno.outcome" python3 "$STOPS/clients.py" in-flight=3 idle=2 silent "$(field_of "$dyno" port)"
		done
		for dyno in web.{1..4}; do
			wait_for_output "$dyno" "inbound 6 slow 3" "$round"
		done
		g restart web
		for dyno in web.{1..4}; do
			assert_stop "$dyno" <<-END
				reason = restart
				inbound = 6
				outbound = 10
				peers = $DATABASE x10
				accepted = 0
				status = 0
				verdict = clean
			END
		done
	done
}

@test "clean is what keeps its order while the database holds back its goodbye, or is gone" {
	local gone gone_pid

	start_database gone
	gone=$DATABASE gone_pid=$DATABASE_PID
	start_database hung
	start_apps <<-END
		[process hung]
		command = $APP --db $DATABASE*3 flood close-listeners answer drain release
		port = auto
		[process gone]
		command = $APP --keep-dead --db $gone*3 close-listeners answer drain release
		port = auto
	END
	hold_app hung.1 in-flight
	hold_app gone.1 in-flight
	kill -STOP "$DATABASE_PID"
	end_beside "$gone_pid"
	wait_for_output gone.1 "database gone"
	g stop hung gone
	assert_stop hung.1 <<<"verdict = clean"
	assert_stop gone.1 <<<"verdict = clean"
}

@test "clean is a client that does not read its answer, when the program has closed the connection" {
	# What it has not read stays in the kernel for long, and is no connection of the program any more.
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*2 close-listeners answer drain await=release release await=exit
	END
	hold web.1 --unanswered --path=/large download
	wait_for_output web.1 "inbound 1 slow 1"
	g_in_background stop web
	wait_for_output web.1 drain
	touch release
	wait_for_event released web.1
	touch exit
	finish
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-'END'
		inbound = 1
		inbound_at_exit = 0
		drained_ms <= released_ms
		verdict = clean
	END
}

@test "clean is what the kernel still holds, for seconds, after the program has closed it" {
	local first

	# When these clients end, what they have not read goes with them: long after the program's close().
	start_apps <<-END
		[process web]
		command = $APP close-listeners close-idle answer drain since=1.4 touch=one late touch=two await=exit
	END
	hold web.1 --unanswered --path=/large download=3
	first=$BESIDE_PID
	hold web.1 --unanswered --path=/large download=3
	wait_for_output web.1 "inbound 6 slow 6"
	g_in_background stop web
	wait_until "$PATIENCE" test -e one
	end_beside "$first"
	wait_until "$PATIENCE" test -e two
	end_beside "$BESIDE_PID"
	wait_for_event drained web.1
	touch exit
	finish
	assert_phases web.1 open not-accepting drained
	assert_stop web.1 <<-'END'
		inbound = 6
		accepted = 0
		late = 0
		inbound_at_exit = 0
		drained_ms <= 1400
		verdict = clean
	END
}

# ---- unanswered ----

@test "unanswered: it exits by itself with requests in flight; who closed what else was open is no verdict" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners await=exit exit=0
	END
	hold_app web.1 in-flight=2
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 2
		outbound = 10
		inbound_at_exit = 2
		outbound_at_exit = 10
		unanswered = 2
		status = 0
		verdict = unanswered
		evidence has 2 connections had sent something and were closed without a byte of answer
		evidence has 2 inbound
		evidence has 10 outbound
		evidence has cannot be told
	END
}

@test "unanswered: it closes connections with requests in flight while it lives on" {
	start_apps <<-END
		[process web]
		command = $APP close-listeners close-inbound await=exit
	END
	hold_app web.1 in-flight=2 idle silent
	g_in_background stop web
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 4
		inbound_at_exit = 0
		unanswered = 2
		last_words = 0
		verdict = unanswered
	END
	assert_has "the log" "2 connections had sent something and got no byte of answer" "$(platform_lines web.1)"
}

# ---- forced ----

@test "forced: it ignores SIGTERM, and is named" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --name deaf-main --db $DATABASE*10 ignore
		stop = TERM/300ms/KILL/5
	END
	hold_app web.1 in-flight=2
	g 1 stop web
	assert_outcome web.1 <<-'END'
		in-flight: eof
		in-flight: eof
	END
	assert_phases web.1 open
	assert_stop web.1 <<-'END'
		allowed_ms = 300
		300 <= ms
		signals has 'signal': 'SIGKILL', 'processes': 1
		exits has 'name': 'deaf-main'
		inbound_at_exit = 2
		outbound_at_exit = 10
		not_accepting_ms absent
		drained_ms absent
		released_ms absent
		status = 137
		verdict has forced
		verdict has cut
		verdict has leaked
		verdict lacks order wrong
		verdict lacks clean
		evidence has deaf-main
		evidence has 2 inbound
		evidence has 10 outbound
	END
}

@test "forced: its child ignores SIGTERM, and the child is named" {
	start_apps <<-END
		[process web]
		command = $APP --child deaf-child --name good-main close-listeners exit=0
		stop = TERM/2/KILL/5
	END
	g 1 stop web
	assert_stop web.1 <<-'END'
		processes = 2
		signals has 'signal': 'SIGKILL', 'processes': 1
		exits has 'name': 'good-main'
		exits has 'name': 'deaf-child'
		status = 0
		verdict = forced
		evidence has deaf-child
		evidence lacks good-main
	END
}

# Root without the right to signal others, as in some containers.
@test "refused: its process may not be signalled, and is named; nobody calls it killed" {
	[ "$(id -u)" -eq 0 ] || skip "it takes root to lose the right"
	GATE=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
	chmod 711 "$GATE"
	mkfifo -m 666 "$GATE/gate"
	write_config <<-END
		[process web]
		command = echo ready; read -r _ <$GATE/gate
		user = nobody
		workdir = /
		ready = none
		stop = TERM/300ms/KILL/300ms
	END
	printf '#!/bin/sh\nexec setpriv --bounding-set=-kill --inh-caps=-kill "%s" "$@"\n' "$GRACECTL" >powerless
	chmod +x powerless
	GRACECTL=$PWD/powerless
	g start
	wait_for_output web.1 ready
	pid=$(pid_of web.1)
	g_in_background stop web
	wait_for_log web.1 "1 process may not be signalled by the supervisor: $pid (sh); whoever may can end it"
	kill_supervisor
	wait_for_log web.1 "Error R12 (Exit timeout)"
	echo >"$GATE/gate"
	rm -r "$GATE"
	finish 1
	assert_has "what is said" "web.1 did not end in time, and the supervisor may not kill it" "$error"
	assert_stop web.1 <<-END
		status = 0
		signals has 'signal': 'SIGKILL', 'processes': 0
		verdict = refused
		evidence = the supervisor may not signal $pid (sh)
	END
	assert_equal "how often it was told" 1 "$(platform_lines web.1 | grep -c "may not be signalled")"
	refute_has "the log" "Killed" "$(platform_lines web.1)"
	refute_has "the log" "SIGKILL" "$(platform_lines web.1)"
}

@test "forced: a drained and released program that does not end" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --name lingers --db $DATABASE*2 close-listeners answer drain release await=nothing
		stop = TERM/2/KILL/5
	END
	hold_app web.1 in-flight
	g 1 stop web
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-'END'
		inbound_at_exit = 0
		outbound_at_exit = 0
		released_ms there
		status = 137
		verdict has forced
		verdict lacks cut
		verdict lacks leaked
		evidence has lingers
	END
}

# ---- cut, leaked ----

@test "cut: it dies of SIGTERM with requests in flight" {
	start_apps <<-END
		[process web]
		command = $APP
	END
	hold_app web.1 in-flight=2 idle silent half
	g stop web
	assert_stop web.1 <<-'END'
		inbound = 5
		inbound_at_exit = 5
		outbound_at_exit = 0
		drained_ms absent
		status = 143
		unanswered = 3
		verdict verdicts cut, unanswered, status 143
		evidence has 5 inbound
	END
}

@test "a worker that is killed: its connections were closed by its end, of which nobody knows the reason" {
	local victim

	touch go1
	start_apps <<-END
		[process web]
		command = $APP --workers 2 --reuseport await=goN close-listeners answer drain await=exit
	END
	wait_for_output web.1 "worker 1: ready"
	wait_for_output web.1 "worker 2: ready"
	# Enough for both to have some.
	hold web.1 in-flight=40
	victim=$(worker_pid 2)
	g_in_background stop web
	wait_for_output web.1 "worker 1: drain"
	kill -KILL "$victim"
	wait_for_event not-accepting web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 40
		inbound_at_exit <= 39
		1 <= inbound_at_exit
		status = 0
		verdict lacks order wrong
		evidence has inbound
	END
}

# worker_pid NUMBER: they are forked in their order.
worker_pid() {
	pgrep -P "$(pid_of web.1)" | sort -n | sed -n "$1p"
}

@test "leaked: it dies of SIGTERM with its database connections" {
	start_database db
	start_apps <<-END
		[process job]
		command = $APP --listen none --db $DATABASE*10
	END
	wait_for_output job.1 ready
	g stop job
	assert_phases job.1 open
	assert_stop job.1 <<-END
		inbound = 0
		outbound = 10
		peers = $DATABASE x10
		outbound_at_exit = 10
		released_ms absent
		status = 143
		verdict verdicts leaked, status 143
		evidence has 10 outbound
	END
}

@test "a program that handles SIGTERM and dies of it then: who closed what is not known" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners answer drain await=die die=TERM
	END
	hold_app web.1 in-flight
	g_in_background stop web
	wait_for_event drained web.1
	touch die
	finish
	assert_stop web.1 <<-END
		inbound_at_exit = 0
		outbound_at_exit = 10
		drained_ms there
		status = 143
		verdict = status 143
		evidence has 10 outbound
		evidence has cannot be told
	END
}
