#!/usr/bin/env bats
# The phases of a stop as they are seen from outside: connections in every state, databases in every state,
# listeners of every kind, and what is said when nothing can be seen.

# $output comes from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load stop-helpers

# The kernel's own count, to compare with what is claimed.
established() {
	ss -Htn state established "dport = :$1" | wc -l
}

closing() {
	ss -Htn state close-wait "dport = :$1" | wc -l
}

has_count() {
	assert_equal "$1 on port $2" "$3" "$("$1" "$2")"
}

# ---- connections ----

@test "connections in every state are counted, and the phases told one after the other" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners close-idle await=answer answer drain await=release release await=exit
	END
	hold_app web.1 in-flight=2 idle silent half
	g_in_background stop web
	wait_for_event not-accepting web.1
	wait_for_output web.1 "inbound 2 slow 2"
	refute_event drained web.1
	touch answer
	wait_for_event drained web.1
	refute_event released web.1
	touch release
	wait_for_event released web.1
	touch exit
	finish
	assert_outcome web.1 <<-'END'
		in-flight: 200 eof
		in-flight: 200 eof
		idle: eof
		silent: eof
		half: eof
	END
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-END
		reason = stop
		signal = SIGTERM
		allowed_ms = 30000
		processes = 1
		visible = 1
		watched = events
		listeners = 1
		inbound = 5
		outbound = 10
		peers = $DATABASE x10
		accepted = 0
		inbound_at_exit = 0
		outbound_at_exit = 0
		not_accepting_ms <= drained_ms
		drained_ms <= released_ms
		saw 2 inbound
		saw 0 inbound
		saw 0 outbound
		status = 0
		unanswered = 1
		verdict = unanswered
	END
}

@test "a connection in each state alone holds the stop up until it is closed" {
	local dyno steps="close-listeners await=answer answer close-idle await=drain drain await=exit"

	start_apps <<-END
		[process busy]
		command = $APP $steps
		port = auto
		[process idle]
		command = $APP $steps
		port = auto
		[process silent]
		command = $APP $steps
		port = auto
		[process half]
		command = $APP $steps
		port = auto
	END
	hold_app busy.1 in-flight
	hold_app idle.1 idle
	hold_app silent.1 silent
	hold_app half.1 half
	g_in_background stop busy idle silent half
	for dyno in busy.1 idle.1 silent.1 half.1; do
		wait_for_event not-accepting "$dyno"
		refute_event drained "$dyno"
	done
	touch answer
	for dyno in busy.1 idle.1 silent.1 half.1; do
		wait_for_event drained "$dyno"
	done
	touch drain exit
	finish
	for dyno in busy.1 idle.1 silent.1 half.1; do
		assert_phases "$dyno" open not-accepting drained
		assert_stop "$dyno" <<-'END'
			listeners = 1
			inbound = 1
			outbound = 0
			accepted = 0
			peers =
			not_accepting_ms <= drained_ms
			released_ms absent
			inbound_at_exit = 0
		END
	done
	for dyno in busy.1 idle.1 silent.1; do
		assert_stop "$dyno" <<<"verdict = clean"
	done
	# Half a request looks like one in flight.
	assert_stop half.1 <<<"verdict = unanswered"
	assert_outcome busy.1 <<<"in-flight: 200 eof"
	assert_outcome half.1 <<<"half: eof"
}

@test "connections that wait to be accepted are open ones" {
	start_apps <<-END
		[process web]
		command = $APP --no-accept close-listeners await=exit
	END
	hold web.1 silent=2 half=1
	g_in_background stop web
	wait_for_event not-accepting web.1
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 3
		accepted = 0
		drained_ms there
	END
}

@test "what has no connection has no phases" {
	start_apps <<-END
		[process job]
		command = $APP --listen none await=exit
	END
	wait_for_output job.1 ready
	g_in_background stop job
	wait_for_event stop job.1
	touch exit
	finish
	assert_phases job.1
	assert_stop job.1 <<-'END'
		visible = 1
		listeners = 0
		inbound = 0
		outbound = 0
		peers =
		not_accepting_ms absent
		drained_ms absent
		released_ms absent
		verdict = clean
	END
}

@test "a listener without a connection is all that is told of it" {
	start_apps <<-END
		[process web]
		command = $APP close-listeners await=exit
	END
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch exit
	finish
	assert_phases web.1 not-accepting
	assert_stop web.1 <<-'END'
		listeners = 1
		inbound = 0
		not_accepting_ms there
		drained_ms absent
		verdict = clean
	END
}

@test "connections that are accepted soon after the signal are counted, and are not late" {
	start_apps <<-END
		[process web]
		command = $APP since=0.1 touch=told await=seen close-listeners answer drain await=exit
	END
	hold_app web.1 in-flight
	# These come and go between two looks. (What is closed still sooner may have been closed before the signal.)
	beside more.outcome python3 "$STOPS/clients.py" --when told idle=3 "$(field_of web.1 port)"
	g_in_background stop web
	wait_until "$PATIENCE" has_lines more.outcome 4
	touch seen
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 1
		accepted = 3
		late = 0
		verdict = clean
	END
}

@test "a thousand connections are all seen, and the list of counts stays short" {
	start_apps <<-END
		[process web]
		command = $APP close-listeners close-idle await=go answer drain await=exit
	END
	hold_app web.1 silent=500 in-flight=500
	g_in_background stop web
	wait_for_output web.1 "inbound 500 slow 500"
	touch go
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 1000
		inbound_at_exit = 0
		drained_ms there
		saw 0 inbound
		verdict = clean
	END
}

# ---- databases ----

@test "databases that are up, hung and gone: what was open at the signal is released all the same" {
	local dyno up hung gone hung_pid gone_pid steps="release await=exit"

	start_database up
	up=$DATABASE
	start_database hung
	hung=$DATABASE hung_pid=$DATABASE_PID
	start_database gone
	gone=$DATABASE gone_pid=$DATABASE_PID
	start_apps <<-END
		[process up]
		command = $APP --listen none --db $up*10 $steps
		[process hung]
		command = $APP --listen none --db $hung*10 flood $steps
		[process gone]
		command = $APP --listen none --keep-dead --db $gone*10 $steps
		[process noticed]
		command = $APP --listen none --db $gone*10 $steps
	END
	for dyno in up.1 hung.1 gone.1 noticed.1; do
		wait_for_output "$dyno" ready
	done
	kill -STOP "$hung_pid"
	end_beside "$gone_pid"
	wait_until "$PATIENCE" has_count closing "${gone##*:}" 10
	g_in_background stop up hung gone noticed
	for dyno in up.1 hung.1 gone.1; do
		wait_for_event released "$dyno"
	done
	touch exit
	finish
	for dyno in up hung gone; do
		assert_phases "$dyno.1" open released
		assert_stop "$dyno.1" <<-END
			outbound = 10
			peers = ${!dyno} x10
			released_ms there
			outbound_at_exit = 0
			verdict = clean
		END
	done
	# Its driver has closed them when the database went.
	assert_phases noticed.1
	assert_stop noticed.1 <<-'END'
		outbound = 0
		peers =
		released_ms absent
		verdict = clean
	END
}

@test "each database is named, with the number of connections to it" {
	local first

	start_database first
	first=$DATABASE
	start_database second
	start_apps <<-END
		[process web]
		command = $APP --db $first*3 --db $DATABASE*1 close-listeners release await=exit
	END
	g_in_background stop web
	wait_for_event released web.1
	touch exit
	finish
	assert_stop web.1 <<-END
		outbound = 4
		peers has $first x3
		peers has $DATABASE
		peers lacks $DATABASE x
		verdict = clean
	END
}

@test "a database at a unix socket is a database" {
	start_database db "unix:$BATS_TEST_TMPDIR/db.sock"
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*3 close-listeners await=release release await=exit
	END
	g_in_background stop web
	wait_for_event not-accepting web.1
	refute_event released web.1
	touch release
	wait_for_event released web.1
	touch exit
	finish
	assert_stop web.1 <<-END
		inbound = 0
		outbound = 3
		peers = unix:$BATS_TEST_TMPDIR/db.sock x3
		outbound_at_exit = 0
		released_ms there
		verdict = clean
	END
}

# ---- listeners ----

@test "IPv6: listener, connections and database" {
	start_database db ::1
	start_apps <<-END
		[process web]
		command = $APP --listen ::1 --db $DATABASE*2 close-listeners close-idle await=go answer drain release await=exit
	END
	hold_app web.1 --host=::1 in-flight idle
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch go
	wait_for_event released web.1
	touch exit
	finish
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-END
		listeners = 1
		inbound = 2
		outbound = 2
		peers = $DATABASE x2
		verdict = clean
	END
}

@test "a listener for IPv4 and IPv6 alike: connections of both kinds" {
	start_apps <<-END
		[process web]
		command = $APP --listen :: close-listeners close-idle await=go answer drain await=exit
	END
	hold web.1 in-flight
	beside six.outcome python3 "$STOPS/clients.py" --host ::1 in-flight "$(field_of web.1 port)"
	wait_for_output web.1 "inbound 2 slow 2"
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch go
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		listeners = 1
		inbound = 2
		drained_ms there
		verdict = clean
	END
}

@test "listeners on several addresses: not accepting when the last one is closed" {
	start_apps <<-END
		[process web]
		command = $APP --listen 127.0.0.1 --listen ::1 close-listeners await=exit
	END
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		listeners = 2
		not_accepting_ms there
		verdict = clean
	END
}

# closes_one_after_the_other LISTENERS: web.1 has two workers, each with a listener, or both with the same.
closes_one_after_the_other() {
	wait_for_output web.1 "worker 1: ready"
	wait_for_output web.1 "worker 2: ready"
	hold web.1 silent=4
	g_in_background stop web
	wait_for_output web.1 "worker 1: close-listeners"
	touch exit1
	wait_for_output web.1 "worker 1: await=exitN"
	refute_event not-accepting web.1
	touch close2
	wait_for_event not-accepting web.1
	touch exit2
	finish
	assert_stop web.1 <<-END
		processes = 3
		listeners = $1
		inbound = 4
		accepted = 0
		not_accepting_ms there
		status = 0
	END
}

@test "SO_REUSEPORT: not accepting when the listener of the last process is closed" {
	touch close1
	start_apps <<-END
		[process web]
		command = $APP --workers 2 --reuseport await=closeN close-listeners close-idle await=exitN
	END
	closes_one_after_the_other 2
}

@test "workers with the same listener: not accepting when the last of them has closed it" {
	touch close1
	start_apps <<-END
		[process web]
		command = $APP --workers 2 await=closeN close-listeners close-idle await=exitN
	END
	closes_one_after_the_other 1
}

@test "a listener that a process outside of the dyno has as well: closed when the dyno has closed it" {
	local port

	beside holder.log python3 "$STOPS/holder.py" holder.sock
	wait_until "$PATIENCE" test -S holder.sock
	start_apps <<-END
		[process web]
		command = $APP --lend holder.sock close-listeners answer drain await=exit
	END
	port=$(field_of web.1 port)
	hold_app web.1 in-flight
	g_in_background stop web
	wait_for_event not-accepting web.1
	# What the other one accepts now is not the dyno's.
	touch accept
	beside other.outcome python3 "$STOPS/clients.py" silent=3 "$port"
	wait_until "$PATIENCE" has_lines holder.log 4
	wait_for_event drained web.1
	touch exit
	finish
	assert_phases web.1 open not-accepting drained
	assert_stop web.1 <<-'END'
		listeners = 1
		inbound = 1
		accepted = 0
		late = 0
		not_accepting_ms <= drained_ms
		verdict = clean
	END
}

# ---- what cannot be seen ----

# sees DENIED: a stop under a supervisor from which the kernel hides something.
sees() {
	local denied=$1

	start_database db
	write_config <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners close-idle await=answer answer drain await=release release await=exit
		ready = none
	END
	"$STOPS/deny" "$denied" "$GRACECTL" -c "$CONFIG" start -q 3>&-
	wait_for_output web.1 ready
	hold_app web.1 in-flight=2 idle
	g_in_background stop web
}

@test "without news of the kernel a look once a second finds the same phases" {
	sees news
	wait_for_event not-accepting web.1
	touch answer
	wait_for_event drained web.1
	touch release
	wait_for_event released web.1
	touch exit
	finish
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-END
		visible = 1
		watched = looks
		listeners = 1
		inbound = 3
		outbound = 10
		peers = $DATABASE x10
		not_accepting_ms <= drained_ms
		drained_ms <= released_ms
		verdict = clean
	END
}

@test "when no socket can be seen nothing is claimed" {
	sees table
	wait_for_output web.1 "close-idle"
	touch answer release
	wait_for_output web.1 "release"
	touch exit
	finish
	assert_phases web.1
	assert_stop web.1 <<-'END'
		visible = 0
		watched = unknown
		inbound absent
		peers absent
		not_accepting_ms absent
		drained_ms absent
		released_ms absent
		status = 0
		evidence has what its sockets did could not be seen: the kernel does not tell
	END
}

# ---- the rest of the document ----

@test "the signals of the ladder are listed with their times, and each end of a process" {
	start_apps <<-END
		[process deaf]
		command = $APP --listen none --name deaf-one ignore
		stop = TERM/0.2/HUP/5/KILL/5
		[process never]
		command = $APP --listen none --name never-killed ignore
		stop = TERM/0.2/HUP/10
	END
	wait_for_output deaf.1 ready
	wait_for_output never.1 ready
	g stop deaf never
	assert_stop deaf.1 <<-END
		ladder = TERM/200ms/HUP/5/KILL/5
		allowed_ms = 5200
		200 <= ms
		signals has 'ms': 0, 'signal': 'SIGTERM', 'processes': 1
		signals has 'signal': 'SIGHUP', 'processes': 1
		signals lacks SIGKILL
		exits has 'name': 'deaf-one'
		status = 129
	END
	assert_stop never.1 <<<"allowed_ms absent"
}

@test "what asked for a stop is its reason" {
	write_script leaves <<-'END'
		./stays &
		await_release
	END
	write_script stays <<-'END'
		trap 'exit 0' TERM
		echo here
		pause
	END
	write_config <<-END
		[process web]
		command = $APP close-listeners
		[process leaves]
		command = ./leaves
		[process boots]
		command = $APP --listen none await=nothing
		port = auto
		boot_timeout = 100ms
	END
	g 1 start
	wait_for_log leaves.1 here
	g restart web
	release
	wait_for_event stopped leaves.1
	g stop web
	assert_equal "the reasons" $'boot timeout\nexit\nrestart\nstop' \
		"$(for dyno in boots.1 leaves.1 web.1; do
			"$GRACECTL" -c "$CONFIG" --json stops -d "$dyno"
		done | python3 -c 'import json, sys; [print(json.loads(line)["reason"]) for line in sys.stdin]')"
	assert_stop leaves.1 <<-'END'
		processes = 1
		verdict = clean
	END
	assert_stop boots.1 <<-'END'
		signal = SIGKILL
		not_accepting_ms absent
		drained_ms absent
		released_ms absent
		verdict has forced
	END
}

@test "a supervisor that is killed in the middle of a stop: the next one goes on watching" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*3 close-listeners await=one close-inbound await=two release await=three
	END
	hold_app web.1 idle=2
	g_in_background stop web
	wait_for_event not-accepting web.1
	kill_supervisor
	touch one
	wait_for_event drained web.1
	kill_supervisor
	touch two
	wait_for_event released web.1
	kill_supervisor
	touch three
	finish
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-END
		reason = stop
		listeners = 1
		inbound = 2
		outbound = 3
		peers = $DATABASE x3
		accepted = 0
		not_accepting_ms <= drained_ms
		drained_ms <= released_ms
		watched = looks
		status = 0
		verdict = clean
	END
}
