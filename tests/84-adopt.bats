#!/usr/bin/env bats
# Adoption: a supervisor that is killed in any state of a dyno, or replaced by another, changes nothing for it.

# The programs in single quotes are for the dynos to expand, $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load adopt-helpers

# ---- the states ----

@test "a dyno that is up goes on: same process, counters, times and the hour of its cycle" {
	local pid since next

	write_config <<-END
		[process job]
		command = sleep 1000
		cycle = 20h
		cycle_jitter = 0
	END
	g start
	pid=$(pid_of job.1) since=$(field_of job.1 since) next=$(field_of job.1 next_restart)

	kill_supervisor

	assert_state job.1 up
	assert_field job.1 pid "$pid"
	assert_field job.1 since "$since"
	assert_field job.1 launch 1
	assert_field job.1 restarts 0
	same_time "the hour of the cycle" "$next" "$(field_of job.1 next_restart)"
}

@test "a cycle that comes due after the supervisor's death is done at its hour" {
	write_config <<-END
		[process job]
		command = sleep 1000
		cycle = 3s
		cycle_jitter = 0
	END
	g start

	kill_supervisor

	wait_for_field job.1 launch 2
	assert_about "the time from the start to the cycle" 3000 $(($(event_times cycle job.1 | head -n 1) - $(start_time job.1)))
}

@test "a dyno that is starting keeps its boot deadline" {
	local pid

	write_config <<-END
		[process job]
		command = sleep 1000
		ready = notify
		boot_timeout = 10s
		backoff = never
	END
	g_in_background start
	wait_for_state job.1 starting
	pid=$(pid_of job.1)

	kill_supervisor

	finish 1
	assert_has "what the waiting command says" "boot timeout" "$error"
	assert_about "the time from the start to the end of the boot" 10000 $(($(event_times boot-timeout job.1) - $(start_time job.1)))
	assert_story <<-END
		supervisor-start
		launch job.1
		supervisor-start
		boot-timeout job.1
		exit job.1
	END
	is_gone "$pid"
	assert_state job.1 crashed
}

@test "a dyno that is starting is up when it says so to the next supervisor" {
	start_booting

	kill_supervisor
	assert_state job.1 starting
	timeout "$PATIENCE" sh -c 'echo >go'

	finish
	assert_state job.1 up
	assert_field job.1 launch 1
}

@test "a dyno that is up while no supervisor lives has said so to the next one" {
	local guard

	start_booting
	guard=$(guard_pid)
	kill -STOP "$guard"
	kill -KILL "$(supervisor_pid)"
	timeout "$PATIENCE" sh -c 'echo >go'
	wait_until "$PATIENCE" test -e said
	kill -CONT "$guard"

	finish
	assert_state job.1 up
	assert_field job.1 launch 1
	assert_equal "sockets that are left" "" "$(find "$RUN" -name '*notify*')"
}

# held_open: how many descriptors guard and supervisor have, one line each.
held_open() {
	descriptors_of "$(guard_pid)"
	descriptors_of "$(supervisor_pid)"
}

is_held_open() {
	[ "$(held_open)" = "$1" ]
}

# assert_nothing_held COMMAND...: of a dyno that has ended together with its supervisor, before it was ready and after
# this command.
assert_nothing_held() {
	local before guard pid

	write_config <<-'END'
		[process job]
		command = sleep 1000
		ready = notify
		backoff = never
		[process other]
		command = sleep 1000
	END
	g start other
	kill_supervisor # so that both are as after another death of it
	before=$(held_open)
	let_go start job
	wait_for_state job.1 starting
	pid=$(pid_of job.1) guard=$(guard_pid)
	"$@"
	kill -STOP "$guard"
	kill -KILL "$(supervisor_pid)" "$pid"
	kill -CONT "$guard"

	wait_for_state job.1 crashed
	assert_equal "the files of job" "" "$(find "$RUN" -name 'job.*')"
	wait_until "$PATIENCE" is_held_open "$before"
}

@test "of a dyno that has ended together with its supervisor before it was ready nothing is held" {
	assert_nothing_held true
}

# remove_run_dir: and waits until it was made anew.
remove_run_dir() {
	rm -r "$RUN"
	wait_until "$PATIENCE" test -S "$RUN/control.sock"
}

@test "of a dyno that has ended together with its supervisor before it was ready nothing is held, nor when its socket was removed" {
	assert_nothing_held remove_run_dir
}

@test "a dyno that is stopping keeps the deadline of the rung it is on, and gets each signal once" {
	local kill_at

	start_stubborn TERM/9/INT/9/KILL/5
	g_in_background stop job.1
	wait_for_output job.1 "not for SIGTERM"
	kill_at=$(instance_of job.1 kill_at)

	kill_supervisor
	same_time "the time of SIGKILL" "$kill_at" "$(instance_of job.1 kill_at)"
	wait_for_output job.1 "not for SIGINT"
	kill_at=$(instance_of job.1 kill_at) # it counts from SIGINT now
	kill_supervisor
	same_time "the time of SIGKILL" "$kill_at" "$(instance_of job.1 kill_at)"

	finish 1
	assert_has "what the waiting command says" "had to be killed" "$error"
	assert_about "the time from SIGTERM to SIGINT" 9000 "$(milliseconds_between job.1 stop stop-next)"
	assert_about "the time from SIGTERM to the end" 18000 "$(milliseconds_between job.1 stop exit)"
	assert_story <<-END
		supervisor-start
		launch job.1
		stop job.1
		supervisor-start
		stop-next job.1
		supervisor-start
		stop-timeout job.1
		stop-kill job.1
		exit job.1
	END
	assert_equal "what the dyno heard" $'ready\nnot for SIGTERM\nnot for SIGINT' "$(output_of job.1)"
	assert_equal "its exit" "job.1 1 137" "$(events kind dyno launch status | sed -n 's/^exit //p')"
}

@test "a stop that ends when both are dead is called so, and counts in no percentile" {
	local pid

	write_script held <<-'END'
		trap 'echo told; await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<<$'[process job]\ncommand = ./held'
	g start
	wait_for_output job.1 ready
	pid=$(pid_of job.1)
	g_in_background stop job.1
	wait_for_output job.1 told
	kill -INT "$BACKGROUND"
	finish 1
	kill_both
	release
	wait_until "$PATIENCE" is_gone "$pid"

	g ps
	wait_for_state job.1 down
	g stops --json
	assert_has "the document" '"ms_at_most" : 1,' "$output"
	g stops
	[[ $output =~ \ at\ most\ [0-9.]+m?s\ of\ 30s ]] || fail "the list" "  expected: at most ...s of 30s" "  actual:   $output"
	g stops --plot
	assert_has "the picture" "took at most " "$output"
	g stops --summary
	assert_equal "the summary" "without 1 whose end nobody saw" "$output"
}

@test "a dyno on the last rung, whose supervisor dies, is gone nevertheless" {
	local pid

	start_stubborn TERM/3/KILL/5
	pid=$(pid_of job.1)
	g_in_background stop job.1
	wait_for_output job.1 "not for SIGTERM"
	wait_for_line job.1 "Stopping remaining processes with SIGKILL"

	kill -KILL "$(supervisor_pid)"

	finish 1
	is_gone "$pid"
	assert_state job.1 down
	assert_equal "how often its end was told" 1 "$(event_times exit job.1 | wc -l)"
}

# change_record DYNO KEY=VALUE...: in its state file, for its first instance.
change_record() {
	python3 - "$STATE/$1.state" "${@:2}" <<-'END'
		import json, sys
		record = json.load(open(sys.argv[1]))
		for pair in sys.argv[2:]:
		    key, value = pair.split("=")
		    record["instances"][0][key] = int(value) if value.isdigit() else value
		json.dump(record, open(sys.argv[1], "w"))
	END
}

@test "what did not boot is killed by the next supervisor, whatever its ladder says" {
	local pid

	write_script deaf <<-'END'
		trap '' TERM
		echo deaf
		pause
	END
	write_config <<-END
		[process job]
		command = ./deaf
		ready = notify
		stop = TERM/forever
	END
	let_go start
	wait_for_output job.1 deaf
	pid=$(pid_of job.1)
	kill_both

	# As it is just before the signal: the state, the end for its boot, and a rung that is not sent.
	change_record job.1 state=stopping ending=2 rung=1 sent=0
	g ps
	wait_until "$PATIENCE" is_gone "$pid"
	wait_for_state job.1 crashed
	assert_field job.1 why "boot timeout"
}

@test "why a program could not be executed is told by the next supervisor, when the last one died of it" {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	local pid
	pid=$(pid_of job.1)
	kill_both

	# As the child leaves it that cannot become its program.
	echo "failed 5 2" >>"$RUN/job.1.1.id"
	kill -KILL "$pid"
	g ps
	wait_for_state job.1 crashed
	assert_field job.1 why "the program cannot be executed: No such file or directory"
	assert_equal "how often that was told" "launch-failed job.1 the program cannot be executed: No such file or directory" \
		"$(events kind dyno reason | grep launch-failed)"
	assert_equal "its end" 1 "$(events kind | grep -cE '^exit(-unknown)?$')"
}

@test "a stop that was hurried is called so by the next supervisor too" {
	start_stubborn TERM/1h/INT/3/KILL/5
	g_in_background stop job.1
	local first=$BACKGROUND
	wait_for_output job.1 "not for SIGTERM"
	g_in_background stop job.1
	wait_for_output job.1 "not for SIGINT"

	kill_supervisor

	finish 1 "$first"
	# It was hurried on to SIGINT; SIGKILL came in its time.
	assert_has "what the first says" "had to be killed: it did not end in time" "$error"
	finish 1
	refute_has "the log" "failed to exit within 3603 seconds" "$(platform_lines job.1)"
	kill_supervisor
	assert_equal "what is kept of it" False "$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["kill_hurried"])' "$STATE/job.1.state")"
}

@test "a dyno that cools keeps the time of its next try" {
	write_config <<-END
		[process job]
		command = sh -c 'exit 3'
		backoff = 12s 1h
	END
	g_in_background start
	wait_for_state job.1 cooling

	kill_supervisor

	assert_field job.1 crashes 1
	assert_field job.1 why "exited with status 3"
	wait_for_field job.1 crashes 2
	assert_story <<-END
		supervisor-start
		launch job.1
		exit job.1
		cooling job.1
		supervisor-start
		launch job.1
		exit job.1
		cooling job.1
	END
	assert_about "the time from the crash to the next try" 12000 \
		$(($(event_times launch job.1 | tail -n 1) - $(event_times exit job.1 | head -n 1)))
}

@test "what ends while the next supervisor is on its way is told with its status, and started again" {
	local guard supervisor pid

	write_config <<-END
		[process job]
		command = sh -c 'read -r line <go; exit 7'
		backoff = 0 0
	END
	mkfifo go
	g start
	supervisor=$(supervisor_pid) guard=$(guard_pid) pid=$(pid_of job.1)
	kill -STOP "$guard"
	kill -KILL "$supervisor"
	timeout "$PATIENCE" sh -c 'echo >go'
	wait_until "$PATIENCE" is_gone "$pid"
	kill -CONT "$guard"

	wait_for_field job.1 launch 2
	assert_equal "its exit" "job.1 1 7" "$(events kind dyno launch status | sed -n 's/^exit //p')"
}

@test "what an instance that is over has left in the run directory is no instance" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		[process other]
		command = sleep 1000
	END
	g start
	cp "$RUN/app.1.1.id" left
	g stop app.1
	# As after a supervisor that died between its record and the removal.
	cp left "$RUN/app.1.1.id"
	kill_supervisor
	assert_state app.1 down
	assert_equal "what the log says of it" "State changed from down to starting
Starting process with command \`sleep 1000\`
State changed from starting to up
State changed from up to down
Stopping all processes with SIGTERM
Process exited with status 143" "$(main_lines app.1)"
	wait_until "$PATIENCE" test ! -e "$RUN/app.1.1.id"
}

# ---- what was told and not noted ----

# tell KIND [FIELD VALUE]...: as a supervisor did that dies before its next record is written.
tell() {
	python3 - "$STATE/journal.1.jsonl" "$@" <<-'END'
		import json, sys
		path, kind, *fields = sys.argv[1:]
		last = json.loads(open(path).read().splitlines()[-1])
		event = {"seq": last["seq"] + 1, "time": last["time"], "kind": kind, "dyno": "job.1", "launch": 1}
		for key, value in zip(fields[::2], fields[1::2]):
		    event[key] = int(value) if value.isdigit() else value
		print(json.dumps(event), file=open(path, "a"))
	END
}

# start_and_kill: a dyno that is up, and nobody to watch it.
start_and_kill() {
	write_config <<-'END'
		[process job]
		command = sleep 1000
		backoff = 1h
	END
	g start
	pid=$(pid_of job.1)
	kill_both
}

@test "a restart that was told, and that no record tells of, is done, and not told again" {
	start_and_kill
	tell restart why "restart was asked for"
	tell state from up to starting

	g ps

	wait_for_field job.1 launch 2
	wait_for_state job.1 up
	assert_equal "the lines of both" "Restarting
State changed from up to starting
Stopping all processes with SIGTERM
Starting process with command \`sleep 1000\`" "$(platform_lines job.1 | sed -n '4,7p')"
}

@test "a stop that was told, and that no record tells of, is done, and not told again" {
	start_and_kill
	tell state from up to down

	g ps

	wait_for_state job.1 down
	assert_equal "the lines of both" "State changed from up to down
Stopping all processes with SIGTERM
Process exited with status 143" "$(platform_lines job.1 | sed -n '4,$p' | grep -v '^Supervisor')"
}

@test "a crash that was told, and that no record tells of, is not told again" {
	start_and_kill
	kill -KILL "$pid"
	tell exit status 137
	tell state from up to crashed
	tell cooling crashes 1 pause 1h

	g ps

	wait_for_state job.1 cooling
	assert_field job.1 crashes 1
	assert_equal "the lines of both" "Process exited with status 137
State changed from up to crashed
Crashed 1 time in a row, next try in 1h" "$(platform_lines job.1 | sed -n '4,$p')"
}

# ---- who belongs to nobody ----

# start_stranger: what runs, while nobody watches, belongs to no dyno of the file any more.
start_stranger() {
	start_and_kill
	rm "$RUN/config.ini"
	write_config <<-'END'
		[process new]
		command = sleep 1000
	END
}

@test "when both die, what is not in the configuration any more is named" {
	start_stranger

	g ps

	has_line job.1 "Process $pid of job.1, which is not in the configuration any more, is still running and is not supervised; end it with \`kill $pid\`"
	kill "$pid"
}

@test "when both die, a record that cannot be read is no reason to advise a kill of pid 0" {
	start_stranger
	truncate -s 0 "$RUN/job.1.1.id"

	g ps

	has_line job.1 "A process of job.1, which is not in the configuration any more, is still running and is not supervised; \`fuser $RUN/job.1.1.id\` tells which"
	kill "$pid"
}

@test "when both die, an instance that is over stays over, whoever holds its lock" {
	start_and_kill
	g ps
	cp "$RUN/job.1.1.id" left
	g stop job.1
	kill_both
	mv left "$RUN/job.1.1.id"
	hold_lock "$RUN/job.1.1.id"

	g ps

	assert_state job.1 down
	kill "$HOLDER"
	assert_equal "the launches and ends" $'launch job.1\nexit job.1' "$(events kind dyno | grep -E '^(launch|exit)')"
}
