#!/usr/bin/env bats
# The phases of a stop with databases in every state and listeners of every kind, and what is said when nothing can
# be seen.

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
