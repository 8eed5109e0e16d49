#!/usr/bin/env bats
# Crashes: what counts as one, what is said, when the next try comes, and when they are forgotten.

# The programs in single quotes are for the dynos to expand, $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load cycle-helpers

# crash DYNO: kills its process.
crash() {
	local pid

	pid=$(pid_of "$1")
	kill -KILL "$pid"
	wait_until "$PATIENCE" is_gone "$pid"
}

# What is said, and when it is tried again.

@test "the first crash is followed by a start at once, the next ones by the pauses of the table" {
	write_config <<-'END'
		[process job]
		command = sh -c 'exit 7'
		backoff = 0 200ms 400ms
	END
	gracectl -c "$CONFIG" start # whether it was up for a moment is a matter of luck
	wait_for_line job.1 "Crashed 4 times in a row, next try in 400ms"
	assert_first_lines job.1 <<-'END'
		State changed from down to starting
		Starting process with command `sh -c 'exit 7'`
		State changed from starting to up
		Process exited with status 7
		State changed from up to crashed
		State changed from crashed to starting
		Starting process with command `sh -c 'exit 7'`
		State changed from starting to up
		Process exited with status 7
		State changed from up to crashed
		Crashed 2 times in a row, next try in 200ms
		State changed from crashed to starting
		Starting process with command `sh -c 'exit 7'`
		State changed from starting to up
		Process exited with status 7
		State changed from up to crashed
		Crashed 3 times in a row, next try in 400ms
		State changed from crashed to starting
		Starting process with command `sh -c 'exit 7'`
		State changed from starting to up
		Process exited with status 7
		State changed from up to crashed
		Crashed 4 times in a row, next try in 400ms
	END
}

@test "each pause is as long as it was announced" {
	write_config <<-'END'
		[process job]
		command = sh -c 'exit 7'
		backoff = 100ms 300ms 200ms
	END
	gracectl -c "$CONFIG" start # whether it was up for a moment is a matter of luck
	wait_for_line job.1 "Crashed 4 times in a row, next try in 200ms"
	mapfile -t crashed < <(event_times exit job.1)
	mapfile -t launched < <(event_times launch job.1)
	expected=(100 300 200)
	for i in 0 1 2; do
		pause=$((launched[i + 1] - crashed[i]))
		((pause >= expected[i] && pause < expected[i] + 5000)) ||
			fail "a pause of ${expected[i]} ms took $pause ms"
	done
}

@test "an exit with status 0 is a crash too" {
	write_config <<-'END'
		[process job]
		command = true
		backoff = 1h
	END
	gracectl -c "$CONFIG" start # whether it was up for a moment is a matter of luck
	wait_for_state job.1 cooling
	assert_log job.1 <<-'END'
		State changed from down to starting
		Starting process with command `true`
		State changed from starting to up
		Process exited with status 0
		State changed from up to crashed
		Crashed 1 time in a row, next try in 1h
	END
}

@test "the status of a process that died of a signal is 128 and its number" {
	start_steady_job "backoff = 1h"
	kill -SEGV "$(pid_of job.1)"
	wait_for_state job.1 cooling
	has_line job.1 "Process exited with status 139"
	assert_equal "why" "exited with status 139 (SIGSEGV)" "$(field_of job.1 why)"
	assert_equal "the last status" 139 "$(field_of job.1 last_status)"
}

@test "a crash during the boot goes from starting to crashed, and start says why and exits with 1" {
	write_config <<-'END'
		[process web]
		command = echo no database; exit 4
		backoff = 1h
	END
	g 1 start
	assert_has "the message" "web.1 did not come up: exited with status 4" "$error"
	assert_has "the summary" "failed, 0 of 1 up" "$error"
	assert_log web.1 <<-'END'
		State changed from down to starting
		Starting process with command `echo no database; exit 4`
		Process exited with status 4
		State changed from starting to crashed
		Crashed 1 time in a row, next try in 1h
	END
	assert_equal "its output" "no database" "$(output_of web.1)"
}

@test "a crash of one dyno leaves the others alone" {
	start_steady_job "backoff = 1h" "scale = 3"
	first=$(pid_of job.1) third=$(pid_of job.3)
	crash job.2
	wait_for_state job.2 cooling
	assert_state job.1 up
	assert_state job.3 up
	assert_equal "the pids of the others" "$first $third" "$(pid_of job.1) $(pid_of job.3)"
}

@test "what a crashed main process leaves behind is stopped before anything else happens" {
	write_config <<-'END'
		[process job]
		command = sleep 1000 & echo started; read line <go; exit 5
		backoff = 1h
	END
	mkfifo go
	g start
	wait_for_output job.1 started
	echo >go
	wait_for_state job.1 cooling
	assert_log job.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000 & echo started; read line <go; exit 5`
		State changed from starting to up
		Main process exited with status 5, waiting for 1 more: PID (sleep)
		State changed from up to crashed
		Stopping all processes with SIGTERM
		Process exited with status 5
		Crashed 1 time in a row, next try in 1h
	END
}

# While it cools.

@test "ps shows of a cooling dyno why it crashed and when the next try is" {
	start_steady_job "backoff = 30m"
	crash job.1
	wait_for_state job.1 cooling
	g ps
	line="^job\.1: cooling [0-9/]+ [0-9:]+ [-+][0-9]+ \(~ [0-9]+s ago\): "
	line+="exited with status 137 \(SIGKILL\), next try in (30m|29m[0-9]+s)$"
	grep -Eq "$line" <<<"$output" || fail "no such line: $line"
	g ps -l
	assert_has "ps -l" "exited with status 137 (SIGKILL), next try in " "$output"
	assert_equal "the crashes" 1 "$(field_of job.1 crashes)"
	assert_equal "the pid" 0 "$(pid_of job.1)"
	next=$(date -d "$(field_of job.1 next_try)" +%s)
	((next > EPOCHSECONDS + 1700 && next <= EPOCHSECONDS + 1801))
}

@test "start ends the pause and forgives the crashes" {
	start_steady_job "backoff = 0 1h"
	crash job.1
	wait_for_field job.1 launch 2
	wait_for_state job.1 up
	crash job.1
	wait_for_state job.1 cooling
	assert_equal "the crashes before" 2 "$(field_of job.1 crashes)"
	g start job
	assert_state job.1 up
	assert_equal "the crashes after" 0 "$(field_of job.1 crashes)"
	assert_equal "the next try" "" "$(field_of job.1 next_try)"
	crash job.1
	wait_for_field job.1 launch 4
	wait_for_state job.1 up
}

@test "restart ends the pause and forgives the crashes" {
	start_steady_job "backoff = 1h"
	crash job.1
	wait_for_state job.1 cooling
	g restart
	assert_state job.1 up
	assert_equal "the crashes" 0 "$(field_of job.1 crashes)"
	assert_last_lines job.1 <<-'END'
		Crashed 1 time in a row, next try in 1h
		Restarting
		State changed from crashed to starting
		Starting process with command `sleep 1000`
		State changed from starting to up
	END
}

@test "stop of a cooling dyno keeps it down" {
	start_steady_job "backoff = 6s" "scale = 2"
	crash job.1
	wait_for_state job.1 cooling
	g stop job.1
	assert_state job.1 down
	assert_equal "the next try" "" "$(field_of job.1 next_try)"
	assert_equal "the last line" "State changed from crashed to down" "$(platform_lines job.1 | tail -n 1)"
	# The other dyno begins a pause of the same length later; when that is over, the first one would be too.
	crash job.2
	wait_for_field job.2 launch 2
	assert_state job.1 down
	assert_equal "its launches" 1 "$(field_of job.1 launch)"
}

# When crashes are forgotten.

@test "a stop of everything ends the supervisor only when a cooling dyno is told to be down" {
	start_steady_job "backoff = 1h"
	crash job.1
	wait_for_state job.1 cooling
	g stop
	assert_equal "the end of the log" "State changed from crashed to down" "$(platform_lines job.1 | tail -n 1)"
	assert_has "the record" '"wanted_up" : false' "$(<"$STATE/job.1.state")"
}

@test "after backoff_reset the crashes are forgotten" {
	start_steady_job "backoff = 0 1h" "backoff_reset = 200ms"
	crash job.1
	wait_for_field job.1 launch 2
	wait_for_field job.1 crashes 0
	crash job.1
	wait_for_field job.1 launch 3
	wait_for_state job.1 up
}

@test "before backoff_reset a crash counts, although the dyno was up in between" {
	start_steady_job "backoff = 0 1h" "backoff_reset = 1h"
	crash job.1
	wait_for_field job.1 launch 2
	wait_for_state job.1 up
	assert_equal "the crashes" 1 "$(field_of job.1 crashes)"
	crash job.1
	wait_for_line job.1 "Crashed 2 times in a row, next try in 1h"
}

@test "with backoff = never a crashed dyno stays crashed until somebody starts, restarts or stops it" {
	start_steady_job "backoff = never"
	crash job.1
	wait_for_state job.1 crashed
	g ps
	assert_has "ps" "exited with status 137 (SIGKILL), not tried again by itself" "$output"
	g start
	assert_state job.1 up
	crash job.1
	wait_for_state job.1 crashed
	g restart
	assert_state job.1 up
	crash job.1
	wait_for_state job.1 crashed
	g stop job
	assert_state job.1 down
	assert_equal "the launches" 3 "$(field_of job.1 launch)"
}
