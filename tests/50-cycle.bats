#!/usr/bin/env bats
# The daily restart: the cycle of 24 hours, and restart_at, over real changes of the clock.
#
# The supervisor lives under libfaketime: its clocks begin at a chosen time and run fast, its waits are shortened
# accordingly. The dynos live in real time. So 24 hours are 24 hours, of a few seconds.

# $output and $error come from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load cycle-helpers

# start_at TIME FACTOR: the supervisor, from this time (UTC) on, that many times as fast. A client must be quick
# then, because the supervisor's patience with it runs fast too; so what has happened is read from the journal.
start_at() {
	local preload

	preload=$(faketime -f +0 printenv LD_PRELOAD)
	BEGAN=$(($(date -u -d "$1" +%s) * 1000)) FACTOR=$2
	TZ=UTC LD_PRELOAD=$preload FAKETIME="@$1 x$2" "$GRACECTL" -c "$CONFIG" daemon >>daemon.log 2>&1 3>&- &
	DAEMON=$!
	wait_until "$PATIENCE" test -e "$STATE/journal.1.jsonl"
	REAL_BEGAN=${EPOCHREALTIME/./}
}

# is_past TIME: it is later than that for the supervisor, whose clock had begun when REAL_BEGAN was read.
is_past() {
	local passed=$(((${EPOCHREALTIME/./} - REAL_BEGAN) * FACTOR / 1000))

	((BEGAN + passed > $(date -u -d "$1" +%s) * 1000))
}

# write_app: like write_config, but the dynos keep the real time, and for the supervisor a long time may pass until
# they have ended. Lines for [app] as arguments.
write_app() {
	{
		echo "env.LD_PRELOAD ="
		echo "stop = TERM/30d/KILL/5"
		cat
	} | write_config "$@"
}

# cycles DYNO: when it was cycled, to the minute, in UTC, one a line.
cycles() {
	event_times cycle "$1" | while read -r time; do
		date -u -d "@$((time / 1000))" "+%F %H:%M"
	done
}

has_cycled() {
	(($(event_times cycle "$1" | wc -l) >= ${2:-1}))
}

# wait_for_cycle DYNO [COUNT]
wait_for_cycle() {
	wait_until $((PATIENCE + 20)) has_cycled "$@"
}

# assert_between WHAT TIME FROM TO: a time in milliseconds, between two that date(1) reads. One second early is in
# time: it is less than two milliseconds of the machine's.
assert_between() {
	local from to

	from=$(date -u -d "$3" +%s) to=$(date -u -d "$4" +%s)
	(($2 >= (from - 1) * 1000 && $2 < to * 1000)) ||
		fail "$1: not from $3 to $4, but at $(date -u -d "@$(($2 / 1000))" "+%F %T")"
}

# next_restart DYNO: in seconds since 1970.
next_restart() {
	date -d "$(field_of "$1" next_restart)" +%s
}

# The cycle.

@test "a dyno is cycled 24 hours and at most 216 minutes after its launch" {
	write_app <<-'END'
		[process web]
		command = sleep 1000
		port = none
		scale = 5
	END
	start_at "2026-06-09 12:00:00" 10000
	for n in 1 2 3 4 5; do
		wait_for_cycle "web.$n"
	done
	end_daemon
	for n in 1 2 3 4 5; do
		mapfile -t launched < <(event_times launch "web.$n")
		cycled=$(event_times cycle "web.$n" | head -n 1)
		minutes=$(((cycled - launched[0]) / 60000)) all+="$minutes "
		# What comes on top of the 216 minutes is a machine that is busy, and the others' turns.
		((minutes >= 24 * 60 && minutes < 24 * 60 + 216 + 300)) ||
			fail "web.$n was cycled after $minutes minutes"
	done
	(($(tr ' ' '\n' <<<"${all% }" | sort -u | wc -l) > 2)) || fail "no jitter: $all minutes"
}

@test "the log of a cycle has Heroku's lines in Heroku's order" {
	write_app <<-'END'
		[process web]
		command = sleep 1000
		port = none
		cycle_jitter = 0
		restart_order = stop-first
		[process worker]
		command = sleep 1000
		cycle_jitter = 0
	END
	start_at "2026-06-09 12:00:00" 20000
	wait_for_line web.1 "State changed from starting to up" 2
	wait_for_line worker.1 "State changed from starting to up" 2
	wait_for_line worker.1 "Process exited with status 143"
	end_daemon
	assert_first_lines web.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000`
		State changed from starting to up
		Cycling
		State changed from up to starting
		Stopping all processes with SIGTERM
		Process exited with status 143
		Starting process with command `sleep 1000`
		State changed from starting to up
	END
	# By default the new one is launched as soon as the old one has been told.
	assert_first_lines worker.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000`
		State changed from starting to up
		Cycling
		State changed from up to starting
		Stopping all processes with SIGTERM
		Starting process with command `sleep 1000`
	END
}

@test "of a type whose dynos are all due, one is cycled at a time, up and rid of the old one before the next" {
	write_app <<-'END'
		[process web]
		command = exec python3 -m http.server $PORT
		scale = 3
		cycle_jitter = 0
		boot_timeout = 30d
	END
	start_at "2026-06-09 12:00:00" 20000
	for n in 1 2 3; do
		wait_for_line "web.$n" "State changed from starting to up" 2
	done
	end_daemon
	busy='' told=0
	while read -r kind dyno to; do
		case $kind in
		cycle)
			assert_equal "cycled while another one was" "" "$busy"
			busy=$dyno told=$((told + 1)) up='' exited=''
			;;
		exit) exited=$dyno ;;
		state) [[ $to != up ]] || up=$dyno ;;
		supervisor-stop) break ;;
		esac
		[[ -z $busy || $up != "$busy" || $exited != "$busy" ]] || busy=''
	done < <(events kind dyno to)
	assert_equal "how many were cycled" 3 "$told"
}

@test "a cycle is not a crash: it neither counts as one nor forgets the ones that were" {
	write_app <<-'END'
		[process job]
		command = test -e ran || { touch ran; exit 1; }; exec sleep 1000
		backoff = 0
		backoff_reset = 366d
		cycle_jitter = 0
	END
	start_at "2026-06-09 12:00:00" 10000
	wait_for_cycle job.1
	wait_for_field job.1 launch 3
	wait_for_field job.1 crashes 1
	wait_for_field job.1 state up
	end_daemon
	assert_equal "crashes in the log" 1 "$(count_lines job.1 "State changed from up to crashed")"
}

@test "ps shows when a dyno is due: 24 hours and up to 216 minutes after its launch, drawn for each" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		port = none
		scale = 5
	END
	g start
	for n in 1 2 3 4 5; do
		due=$(next_restart "web.$n")
		((due > EPOCHSECONDS + 86400 - 60 && due <= EPOCHSECONDS + 86400 + 216 * 60)) ||
			fail "web.$n is due at $due, and it is $EPOCHSECONDS"
		dues+="$(field_of "web.$n" next_restart) "
	done
	assert_equal "different times" 5 "$(tr ' ' '\n' <<<"${dues% }" | sort -u | wc -l)"
	g ps -l
	shown=$(date -d "@$(next_restart web.1)" "+%Y/%m/%d %H:%M:")
	assert_has "ps -l" "$shown" "$(grep '^web\.1 ' <<<"$output")"
}

@test "a restart by hand begins the 24 hours anew" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		port = none
		cycle_jitter = 0
	END
	g start
	before=$(field_of web.1 next_restart)
	g restart
	[[ $(field_of web.1 next_restart) > $before ]]
}

@test "with cycle = 0 nothing is due" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		port = none
		cycle = 0
	END
	g start
	assert_equal "the next restart" "" "$(field_of web.1 next_restart)"
}

# restart_at.

@test "restart_at takes the place of the cycle, at its hour in the time zone of the application" {
	write_config "timezone = Asia/Kathmandu" <<-'END'
		[process web]
		command = sleep 1000
		port = none
		restart_at = 30 4 * * *
	END
	g start
	assert_equal "the hour there" "04:30:00" "$(TZ=Asia/Kathmandu date -d "@$(next_restart web.1)" +%T)"
	(($(next_restart web.1) > EPOCHSECONDS && $(next_restart web.1) <= EPOCHSECONDS + 86400 + 7200))
}

@test "restart_at restarts every dyno of the type, one at a time, and tells of it as of a cycle" {
	write_app "timezone = Europe/Berlin" <<-'END'
		[process web]
		command = exec python3 -m http.server $PORT
		scale = 3
		restart_at = 30 4 * * *
		boot_timeout = 1d
	END
	# An hour, which are six seconds, for three to boot on a machine that has much to do.
	start_at "2026-06-09 01:30:00" 600
	for n in 1 2 3; do
		wait_for_line "web.$n" "State changed from starting to up" 2
	done
	end_daemon
	assert_between "web.1" "$(event_times cycle web.1)" "2026-06-09 02:30:00Z" "2026-06-09 02:45:00Z"
	assert_equal "who was cycled, and came up" "$(printf '%s\n' web.1 web.2 web.3)" \
		"$(events kind dyno | sed -n 's/^cycle //p')"
	assert_equal "cycles and the ups after them, in turn" "web.1 web.1 web.2 web.2 web.3 web.3" \
		"$(events kind dyno to | sed '1,/^cycle/{/^cycle/!d}' | sed -nE 's/^(cycle|state) (web..) (-|up)$/\2/p' | xargs)"
}

@test "an hour that the clock skips in spring: the restart comes right after it, and the next one as usual" {
	write_app "timezone = Europe/Berlin" <<-'END'
		[process web]
		command = sleep 1000
		port = none
		restart_at = 30 2 * * *
		[process later]
		command = sleep 1000
		restart_at = 45 3 * * *
	END
	# At 02:00 of that night, 01:00 UTC, it was 03:00.
	start_at "2026-03-29 00:50:00" 600
	wait_for_cycle web.1
	assert_between "the restart" "$(event_times cycle web.1)" "2026-03-29 01:00:00Z" "2026-03-29 01:15:00Z"
	wait_for_field web.1 next_restart "2026-03-30T00:30:00.000000000Z"
	wait_for_cycle later.1
	end_daemon
	assert_between "03:45" "$(event_times cycle later.1)" "2026-03-29 01:45:00Z" "2026-03-29 02:00:00Z"
	assert_equal "restarts" 1 "$(event_times cycle web.1 | wc -l)"
}

@test "an hour that the clock doubles in autumn: the restart comes once, in the first of the two" {
	write_app "timezone = Europe/Berlin" <<-'END'
		[process web]
		command = sleep 1000
		port = none
		restart_at = 30 2 * * *
		[process later]
		command = sleep 1000
		restart_at = 5 3 * * *
	END
	# At 03:00 of that night, 01:00 UTC, it was 02:00 again.
	start_at "2026-10-25 00:20:00" 1200
	wait_for_cycle web.1
	assert_between "the restart" "$(event_times cycle web.1)" "2026-10-25 00:30:00Z" "2026-10-25 01:00:00Z"
	wait_for_field web.1 next_restart "2026-10-26T01:30:00.000000000Z"
	wait_for_cycle later.1
	end_daemon
	assert_between "03:05" "$(event_times cycle later.1)" "2026-10-25 02:05:00Z" "2026-10-25 02:35:00Z"
	assert_equal "restarts" 1 "$(event_times cycle web.1 | wc -l)"
}

# The supervisor sleeps over the hour, as a machine does that is suspended. Usage: restart_window
sleep_over_the_hour() {
	write_app "timezone = Europe/Berlin" <<-END
		[process web]
		command = sleep 1000
		port = none
		scale = 2
		restart_at = 30 4 * * *
		restart_window = $1
	END
	start_at "2026-06-09 02:00:00" 600
	wait_for_line web.2 "State changed from starting to up"
	sleeper=$(supervisor_pid)
	kill -STOP "$sleeper"
	wait_until "$PATIENCE" is_past "2026-06-09 02:50:00Z"
	kill -CONT "$sleeper"
}

@test "a restart that was slept through is made up within restart_window" {
	sleep_over_the_hour 12h
	wait_for_cycle web.1
	wait_for_cycle web.2
	wait_for_field web.1 next_restart "2026-06-10T02:30:00.000000000Z"
	end_daemon
	assert_between "the restart" "$(event_times cycle web.1)" "2026-06-09 02:50:00Z" "2026-06-09 05:00:00Z"
}

@test "a restart that was slept through is not made up after restart_window, and that is said" {
	sleep_over_the_hour 10m
	wait_for_line supervisor "The restart of web was missed and is too late to be made up now (restart_window)"
	wait_for_field web.1 next_restart "2026-06-10T02:30:00.000000000Z"
	end_daemon
	assert_equal "restarts" "" "$(event_times cycle web.1)$(event_times cycle web.2)"
}

# Kills the supervisor and its guard, so that neither can replace the other. The dynos go on.
kill_daemon() {
	local supervisor

	supervisor=$(supervisor_pid)
	kill -STOP "$DAEMON" "$supervisor"
	kill -KILL "$DAEMON" "$supervisor"
	wait "$DAEMON" || true
	wait_until "$PATIENCE" is_gone "$supervisor"
}

# No supervisor runs over the hour: it and its guard are killed, and others come at 04:50 and adopt the dynos.
# Usage: restart_window
be_off_over_the_hour() {
	write_app "timezone = Europe/Berlin" <<-END
		[process web]
		command = sleep 1000
		port = none
		scale = 2
		restart_at = 30 4 * * *
		restart_window = $1
		[process later]
		command = sleep 1000
		restart_at = 15 5 * * *
	END
	start_at "2026-06-09 02:00:00" 600
	wait_for_line web.1 "State changed from starting to up"
	wait_for_line web.2 "State changed from starting to up"
	wait_for_line later.1 "State changed from starting to up"
	kill_daemon
	start_at "2026-06-09 02:50:00" 600
	wait_for_cycle later.1
	wait_for_field web.1 next_restart "2026-06-10T02:30:00.000000000Z"
	end_daemon
}

@test "a restart that fell due while no supervisor ran is made up within restart_window" {
	be_off_over_the_hour 30m
	for dyno in web.1 web.2; do
		assert_between "$dyno" "$(event_times cycle $dyno)" "2026-06-09 02:50:00Z" "2026-06-09 03:15:00Z"
		assert_equal "launches of $dyno" 2 "$(event_times launch $dyno | wc -l)"
	done
}

@test "a restart that fell due while no supervisor ran is not made up after restart_window" {
	be_off_over_the_hour 15m
	assert_equal "restarts" "" "$(event_times cycle web.1)$(event_times cycle web.2)"
	assert_equal "launches" 1 "$(event_times launch web.1 | wc -l)"
}

@test "a dyno that was launched after the appointed time is not restarted again" {
	write_app "timezone = Europe/Berlin" <<-'END'
		[process web]
		command = sleep 1000
		port = none
		restart_at = 30 4 * * *
		restart_window = 3h
		[process later]
		command = sleep 1000
		restart_at = 15 5 * * *
	END
	# It is launched ten minutes late, and ten minutes later another supervisor adopts it; both within the window.
	start_at "2026-06-09 02:40:00" 600
	wait_for_line web.1 "State changed from starting to up"
	wait_for_line later.1 "State changed from starting to up"
	kill_daemon
	start_at "2026-06-09 02:50:00" 600
	wait_for_cycle later.1
	wait_for_field web.1 next_restart "2026-06-10T02:30:00.000000000Z"
	end_daemon
	assert_equal "restarts" "" "$(event_times cycle web.1)"
	assert_equal "launches" 1 "$(event_times launch web.1 | wc -l)"
}

@test "a dyno that was restarted by hand while it waited for its turn is not restarted again" {
	# web.1 boots at once the first time, then only when the file `go` is there.
	write_script server <<-'END'
		if [ "$DYNO" = web.1 ] && ! mkdir booted 2>/dev/null; then
			until [ -e go ]; do sleep 0.05; done
		fi
		exec python3 -m http.server "$PORT"
	END
	write_app "timezone = Europe/Berlin" <<-'END'
		[process web]
		command = ./server
		scale = 2
		restart_at = 30 4 * * *
		boot_timeout = 30d
		[process later]
		command = sleep 1000
		restart_at = 30 5 * * *
	END
	start_at "2026-06-09 01:30:00" 600
	wait_for_line web.1 "State changed from starting to up"
	wait_for_line web.2 "State changed from starting to up"
	wait_for_cycle web.1
	python3 "$BATS_TEST_DIRNAME/control.py" "$RUN/control.sock" order restart web.2
	wait_for_line web.2 "State changed from starting to up" 2
	touch go
	wait_for_line web.1 "State changed from starting to up" 2
	wait_for_cycle later.1
	end_daemon
	assert_equal "restarts of web.2 by the clock" "" "$(event_times cycle web.2)"
	assert_equal "launches of web.2" 2 "$(event_times launch web.2 | wc -l)"
}
