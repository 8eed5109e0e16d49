#!/usr/bin/env bats
# Adoption: a supervisor that is killed in any state of a dyno, or replaced by another, changes nothing for it.

# The programs in single quotes are for the dynos to expand, $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load cycle-helpers

guard_pid() {
	ps -o ppid= -p "$(supervisor_pid)" | tr -d ' '
}

# kill_both: supervisor and guard at once; nobody is left to start the next.
kill_both() {
	local supervisor guard

	supervisor=$(supervisor_pid) guard=$(guard_pid)
	kill -STOP "$guard"
	kill -KILL "$supervisor" "$guard"
	wait_until "$PATIENCE" is_gone "$guard"
}

# same_time WHAT TIME TIME: they differ by a tenth of a second at most; each is counted from two clocks.
same_time() {
	local difference

	difference=$(($(date -d "$2" +%s%3N) - $(date -d "$3" +%s%3N)))
	((difference >= -100 && difference <= 100)) || fail "$1 has changed" "  before: $2" "  after:  $3"
}

# instance_of DYNO FIELD: of its first instance, such as signal or kill_at.
instance_of() {
	field_of "$1" instances | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$2"
}

# assert_story: the standard input has what happened, in order: "KIND DYNO", without changes of state.
assert_story() {
	local expected

	expected=$(cat)
	assert_equal "what happened" "$expected" "$(events kind dyno | sed 's/ -$//' |
		grep -E '^(supervisor-start|launch|stop|stop-next|stop-timeout|stop-kill|boot-timeout|exit|cooling)( |$)')"
}

# milliseconds_between DYNO KIND KIND: the time between the last events of these kinds.
milliseconds_between() {
	echo $(($(event_times "$3" "$1" | tail -n 1) - $(event_times "$2" "$1" | tail -n 1)))
}

# assert_about WHAT MILLISECONDS ACTUAL: not earlier, and not much later.
assert_about() {
	(($3 >= $2 - 50 && $3 <= $2 + 2000)) || fail "$1" "  expected: about $2 ms" "  actual:   $3 ms"
}

# start_stubborn: a dyno that ignores SIGTERM and SIGINT, and says so when it does. Usage: LADDER.
start_stubborn() {
	write_script stubborn <<-'END'
		trap 'echo "not for SIGTERM"' TERM
		trap 'echo "not for SIGINT"' INT
		echo ready
		pause
	END
	write_config <<-END
		[process job]
		command = ./stubborn
		stop = $1
	END
	g start
	wait_for_output job.1 ready
}

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
	assert_about "the time from the launch to the cycle" 3000 \
		$(($(event_times cycle job.1 | head -n 1) - $(event_times launch job.1 | head -n 1)))
}

@test "a dyno that is starting keeps its boot deadline" {
	local pid

	write_config <<-END
		[process job]
		command = sleep 1000
		ready = notify
		boot_timeout = 5s
		backoff = never
	END
	g_in_background start
	wait_for_state job.1 starting
	pid=$(pid_of job.1)

	kill_supervisor

	finish 1
	assert_has "what the waiting command says" "boot timeout" "$error"
	assert_about "the time from the launch to the end of the boot" 5000 "$(milliseconds_between job.1 launch boot-timeout)"
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

# start_booting: a dyno that says that it is ready when a line is written to `go`.
start_booting() {
	write_config <<-END
		[process job]
		command = sh -c 'read -r line <go; exec python3 $BATS_TEST_TMPDIR/ready.py'
		ready = notify
	END
	mkfifo go
	cat >ready.py <<-'END'
		import os, signal, socket
		socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
		open("said", "w").close()
		signal.pause()
	END
	g_in_background start
	wait_for_state job.1 starting
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

@test "a dyno that is stopping keeps the deadline of the rung it is on, and gets each signal once" {
	local kill_at

	start_stubborn TERM/4/INT/4/KILL/5
	g_in_background stop job.1
	wait_for_output job.1 "not for SIGTERM"
	kill_at=$(instance_of job.1 kill_at)

	kill_supervisor
	same_time "the time of SIGKILL" "$kill_at" "$(instance_of job.1 kill_at)"
	wait_for_output job.1 "not for SIGINT"
	kill_supervisor
	same_time "the time of SIGKILL" "$kill_at" "$(instance_of job.1 kill_at)"

	finish 1
	assert_has "what the waiting command says" "had to be killed" "$error"
	assert_about "the time from SIGTERM to SIGINT" 4000 "$(milliseconds_between job.1 stop stop-next)"
	assert_about "the time from SIGTERM to the end" 8000 "$(milliseconds_between job.1 stop exit)"
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

@test "a dyno on the last rung, whose supervisor dies, is gone nevertheless" {
	local pid

	start_stubborn TERM/1/KILL/5
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
	g 4 start --timeout 100ms
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
	start_stubborn TERM/1h/INT/1/KILL/5
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
	refute_has "the log" "failed to exit within 3601 seconds" "$(platform_lines job.1)"
	kill_supervisor
	assert_equal "what is kept of it" False "$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["kill_hurried"])' "$STATE/job.1.state")"
}

@test "a dyno that cools keeps the time of its next try" {
	write_config <<-END
		[process job]
		command = sh -c 'exit 3'
		backoff = 5s 1h
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
	assert_about "the time from the crash to the next try" 5000 \
		$(($(event_times launch job.1 | tail -n 1) - $(event_times cooling job.1 | head -n 1)))
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
	write_script talker <<-'END'
		n=0
		while :; do
			n=$((n + 1))
			echo "line $n"
			await_release
		done
	END
	write_config <<<$'[process job]\ncommand = ./talker'
	g start
	wait_for_output job.1 "line 1"
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
	python3 - "$RUN/job.1.1.id" >held 3>&- <<-'END' &
		import fcntl, sys, time
		with open(sys.argv[1], "r+") as file:
		    fcntl.lockf(file, fcntl.LOCK_EX)
		    print("held", flush=True)
		    time.sleep(1000)
	END
	holder=$!
	wait_until "$PATIENCE" test -s held

	g ps

	assert_state job.1 down
	kill "$holder"
	assert_equal "the launches and ends" $'launch job.1\nexit job.1' "$(events kind dyno | grep -E '^(launch|exit)')"
}
