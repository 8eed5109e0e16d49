#!/usr/bin/env bats
# What the machine lacks: room on the disk, directories, whole files. Each is told, nothing ends by it, and when the
# trouble is over things go on.

bats_require_minimum_version 1.5.0

load adopt-helpers

# A disk of 1 MiB in a mount namespace of this test alone; what is run by `on_small_disk` sees it. The user namespace around it
# lets an ordinary user mount it, who is root in there.
setup_small_disk() {
	mkdir -p "$STATE"
	unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=1m tmpfs "$1" && exec sleep infinity' - "$STATE" 3>&- &
	DISK=$!
	wait_until "$PATIENCE" sh -c "grep -q ' $STATE tmpfs' /proc/$DISK/mounts"
	on_small_disk() { nsenter --target "$DISK" --user --preserve-credentials --mount --wd="$PWD" "$@"; }
	printf '#!/bin/sh\nexec nsenter --target %s --user --preserve-credentials --mount --wd="$PWD" "%s" "$@"\n' "$DISK" "$GRACECTL" >there
	chmod +x there
	GRACECTL=$PWD/there
}

# Leaves the disk before the supervisor's end is looked for.
leave_small_disk() {
	g stop -q
	kill "$DISK"
	wait "$DISK" || true
}

told() {
	[ "$(events text | grep -c -F -- "$1")" -ge "${2:-1}" ]
}

@test "a full disk: the application runs on, the loss is counted, and logging goes on when there is room" {
	setup_small_disk
	write_config <<-'END'
		[process flood]
		command = trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo "line $i of a flood that fills every disk"; done
		log_segment = 64M
		log_keep = 256M
	END
	g start
	wait_until "$PATIENCE" told "Its output cannot be logged and is dropped: No space left on device"
	assert_state flood.1 up
	pid=$(pid_of flood.1)
	on_small_disk sh -c "rm -f '$STATE'/log/flood.1/*"
	wait_until "$PATIENCE" sh -c "'$GRACECTL' -c '$CONFIG' --json events | grep -q output-dropped"
	assert_equal "the pid" "$pid" "$(pid_of flood.1)"
	on_small_disk sh -c "rm -f '$STATE'/log/flood.1/*"
	leave_small_disk
}

@test "a state directory that is removed is made anew, and what runs goes on" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
	END
	g start
	pid=$(pid_of app.1)
	rm -r "$STATE"
	g start # what is up stays up, and the next change is written
	g stop app
	wait_until "$PATIENCE" told "had been removed; it was made anew"
	[ -s "$STATE/app.1.state" ]
	is_gone "$pid"
	g start
	assert_state app.1 up
}

@test "when the state directory is removed the log of a dyno that runs goes on in a new one" {
	write_script talker <<-'END'
		while :; do
			await_release
			echo "a line"
		done
	END
	write_config <<<$'[process app]\ncommand = ./talker'
	g start
	release
	wait_for_log app.1 "a line"
	rm -r "$STATE"
	wait_until "$PATIENCE" talks_again
}

# talks_again: one more line, and it is in the log.
talks_again() {
	release
	log_has app.1 "a line"
}

@test "a run directory that is removed is made anew, and everything goes on" {
	local pid guard

	write_config <<<$'[process app]\ncommand = sleep 1000\nbackoff = 0 0'
	g start
	pid=$(pid_of app.1) guard=$(ps -o ppid= -p "$(supervisor_pid)" | tr -d ' ')
	rm -r "$RUN"
	wait_until "$PATIENCE" told "The directory $RUN had been removed; it was made anew"
	g ps
	assert_equal "the pid" "$pid" "$(pid_of app.1)"
	[ -s "$RUN/config.ini" ] || fail "the next supervisor would not know the configuration"
	g restart
	assert_field app.1 launch 2

	# The guard notes in the new one how it ends while there is no supervisor.
	pid=$(pid_of app.1)
	kill -STOP "$guard"
	kill -KILL "$(supervisor_pid)" "$pid"
	kill -CONT "$guard"
	wait_for_field app.1 launch 3
	assert_equal "its exit" "exit app.1 2 137" "$(events kind dyno launch status | grep '^exit.* 2 ')"
	g stop
	assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
}

@test "a control socket that is removed is made anew, time after time" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	for i in 1 2; do
		rm "$RUN/control.sock"
		wait_until "$PATIENCE" told "The socket $RUN/control.sock had been removed; it was made anew" "$i"
		g start
	done
}

# start_without LIMIT: the supervisor in a user namespace in which the kernel refuses that.
start_without() {
	# shellcheck disable=SC2016 # the shell in there expands it
	unshare --map-root-user sh -c 'echo 0 >"/proc/sys/user/$0" && exec "$@"' "$1" "$GRACECTL" -c "$CONFIG" start -q 3>&-
}

@test "a control socket whose removal the kernel does not tell is made anew too, and without more words" {
	local limit i=0

	write_config <<<$'[process app]\ncommand = sleep 1000'
	for limit in max_inotify_instances max_inotify_watches; do
		start_without "$limit"
		rm "$RUN/control.sock"
		wait_until "$PATIENCE" told "The socket $RUN/control.sock had been removed; it was made anew" "$((++i))"
		rm "$RUN/control.sock"
		wait_until "$PATIENCE" told "The socket $RUN/control.sock had been removed; it was made anew" "$((++i))"
		g stop
	done
	assert_equal "what the supervisor says of itself" "" "$(grep -v 'info:' "$STATE/supervisor.log")"
}

# sizes_of FILE...: in bytes, one a line; nothing of one that is not there.
sizes_of() {
	stat -c %s "$@" 2>/dev/null
}

@test "the supervisor's own log is put aside when it has become large, and what was aside goes" {
	local log=$STATE/supervisor.log large=$((4 * 1024 * 1024))

	write_config <<<$'[process app]\ncommand = sleep 1000'
	mkdir "$STATE"
	truncate -s "$large" "$log"
	g start
	assert_equal "what is aside" "" "$(sizes_of "$log.old")"
	g stop
	large=$(sizes_of "$log")
	g start
	assert_equal "the size of what is aside" "$large" "$(sizes_of "$log.old")"
	(($(sizes_of "$log") < 4096)) || fail "the new one is not new: $(sizes_of "$log") bytes"
	g stop

	truncate -s $((++large)) "$log"
	g start
	assert_equal "the size of what is aside, later" "$large" "$(sizes_of "$log.old")"
}

@test "a supervisor in the foreground leaves that log alone" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	mkdir "$STATE"
	truncate -s 5M "$STATE/supervisor.log"
	start_daemon
	end_daemon
	assert_equal "the size of the log" $((5 * 1024 * 1024)) "$(sizes_of "$STATE"/supervisor.log*)"
}

# is_locked: a supervisor started elsewhere, with another run directory, is refused.
is_locked() {
	sed "s|^run_dir = .*|run_dir = $BATS_TEST_TMPDIR/elsewhere|" "$CONFIG" >elsewhere.ini
	status=0
	timeout "$PATIENCE" "$GRACECTL" -c elsewhere.ini daemon >refused 2>&1 3>&- || status=$?
	assert_has "what it says" "a supervisor of shop runs already (it holds $STATE/lock)" "$(<refused)"
	assert_equal "the exit status" 1 "$status"
}

@test "a lock that is removed is made anew, and guard and supervisor hold it" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	g stop app
	rm "$STATE/lock"
	is_locked # though nobody can see it
	wait_until "$PATIENCE" told "The lock $STATE/lock had been removed; it was made anew"
	is_locked
	kill_supervisor
	is_locked

	# It tells the next command that something was going on.
	kill_both
	g ps
	assert_state app.1 down
}

@test "when both directories are removed, a start at once finds the supervisor that runs" {
	local supervisor guard pid since

	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	pid=$(pid_of app.1) since=$(field_of app.1 since) supervisor=$(supervisor_pid) guard=$(guard_pid)
	kill -STOP "$supervisor"
	wait_until "$PATIENCE" is_stopped "$supervisor"
	rm -r "$STATE" "$RUN"
	g_in_background start
	wait_until "$PATIENCE" test -e "$STATE/supervisor.log"
	kill -CONT "$supervisor"
	finish
	assert_equal "the pid of the dyno" "$pid" "$(pid_of app.1)"
	assert_equal "its guard" "$guard" "$(ps -o ppid= -p "$supervisor" | tr -d ' ')"

	# What was to be known of it is on the disk again.
	kill -STOP "$guard"
	kill -KILL "$supervisor" "$guard"
	wait_until "$PATIENCE" is_gone "$guard"
	g ps
	assert_equal "the pid of the dyno" "$pid" "$(pid_of app.1)"
	assert_field app.1 launch 1
	assert_field app.1 since "$since"
}

# start_talkative: a dyno that prints each line which the test has it `say`.
start_talkative() {
	mkfifo said
	write_script talkative <<-'END'
		trap 'exit 0' TERM
		while :; do read -r line <>said && echo "$line"; done
	END
	write_config <<<$'[process app]\ncommand = ./talkative'
	g start
}

say() {
	timeout "$PATIENCE" sh -c 'echo "$1" >said' - "$1"
}

@test "an output that was removed is read on by the next supervisor" {
	start_talkative
	say before
	wait_for_log app.1 before
	rm "$RUN/app.1.1.out"
	kill_supervisor
	say after
	wait_for_log app.1 after
	kill_supervisor
	say "and after"
	wait_for_log app.1 "and after"
	refute_has "the journal" "cannot be opened" "$(events text)"
}

@test "an output that was removed and that nobody holds is told" {
	local supervisor guard

	start_talkative
	rm "$RUN/app.1.1.out"
	supervisor=$(supervisor_pid)
	guard=$(ps -o ppid= -p "$supervisor" | tr -d ' ')
	kill -STOP "$guard"
	kill -KILL "$supervisor" "$guard"
	wait_until "$PATIENCE" is_gone "$guard"
	g ps
	told "Its output $RUN/app.1.1.out cannot be opened: No such file or directory"
}

@test "a torn state file is set aside and told, and its instance is still found and not started twice" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
	END
	g start
	pid=$(pid_of app.1)
	supervisor=$(events kind pid | sed -n 's/^supervisor-start //p')
	head -c 40 "$STATE/app.1.state" >torn
	cp torn "$STATE/app.1.state"
	kill -KILL "$supervisor"
	wait_until "$PATIENCE" told "torn or not ours"
	[ -e "$STATE/app.1.state.bad" ]
	wait_for_state app.1 up
	assert_equal "the pid" "$pid" "$(pid_of app.1)"
	g stop app
	is_gone "$pid"
}

@test "a log piece without its index is read all the same" {
	write_script once <<-'END'
		echo one
		echo two
		trap 'exit 0' TERM
		pause
	END
	write_config <<-'END'
		[process app]
		command = ./once
	END
	g start
	wait_for_log app.1 two
	g stop app
	rm "$STATE"/log/app.1/1.1.idx
	assert_equal "the output" $'one\ntwo' "$(output_of app.1)"
}

@test "a stop whose report cannot be written says so, and ends as it would have" {
	local lost="cannot write to $STATE/journal.1.jsonl: File too large"

	write_sleepers
	g start
	prlimit --pid "$(supervisor_pid)" --fsize=0:
	g stop -q worker
	assert_equal "what it says" "gracectl: the report of the stop is lost: $lost" "$error"
	g stop app
	assert_has "what the other one says" "gracectl: the reports of 2 stops are lost: $lost" "$error"
	prlimit --pid "$(supervisor_pid)" --fsize=unlimited:
	g start
	g stop -q
	assert_equal "what is said of one that could be written" "" "$error"
}

# start_unwritable: two dynos, of which the record of one cannot be replaced any more; and a change of it.
start_unwritable() {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		[process other]
		command = sleep 1000
	END
	g start
	rm -f "$STATE/app.1.state.new"
	mkdir "$STATE/app.1.state.new"
	g "$1" app
	wait_until "$PATIENCE" told "The state of the dynos cannot be kept: cannot write $STATE/app.1.state: Is a directory"
}

# recorded DYNO KEY
recorded() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$STATE/$1.state" "$2"
}

@test "a record that cannot be written is tried again, though nothing changes, and both is told once" {
	start_unwritable stop
	g restart other # whose record can be written
	g restart other
	assert_equal "the record" up "$(recorded app.1 state)"
	rmdir "$STATE/app.1.state.new"
	wait_until "$PATIENCE" told "The state of the dynos can be kept again"
	assert_equal "the record" down "$(recorded app.1 state)"
	assert_equal "what was told" "The state of the dynos cannot be kept
The state of the dynos can be kept again" "$(events text | grep -o "^The state of the dynos can[^:]*")"
}

# The next supervisor reads the journal from there on; what was told before is in the records.
@test "while a record cannot be written, those of others do not tell that all are complete" {
	start_unwritable restart
	g restart other
	wait_for_field other.1 launch 2
	local complete told
	complete=$(recorded other.1 saved)
	told=$(events kind dyno launch seq | sed -n 's/^launch app.1 2 //p')
	((complete < told)) || fail "event $told, which no record tells of, is taken for one of the $complete that are recorded"
}

# inherits DYNO NAME: a process of the dyno has something of that name open.
inherits() {
	[ -n "$(find "/proc/$(pid_of "$1")/fd" -lname "*$2*")" ]
}

# start_unguarded: the guard is dead, and another one could not be executed. Sets $supervisor.
start_unguarded() {
	local guard large

	write_config <<-'END'
		[process app]
		command = sleep 1000
		[process other]
		command = sleep 1000
	END
	# With a small stack so much environment cannot be executed.
	large=$(head -c 100000 /dev/zero | tr '\0' x)
	LARGE=$large LARGE_TOO=$large g start
	supervisor=$(supervisor_pid) guard=$(guard_pid)
	prlimit --pid "$supervisor" --stack=262144:
	kill -KILL "$guard"
	wait_until "$PATIENCE" grep "gracectl cannot be executed: Argument list too long; there is no guard now" "$STATE/supervisor.log"
	prlimit --pid "$supervisor" --stack=8388608:
}

@test "a guard that cannot be replaced now is replaced later, and what is launched until then inherits nothing" {
	local supervisor

	start_unguarded
	g restart app
	inherits app.1 app.1.2.out || fail "its own output is not found"
	! inherits app.1 other.1.1.out || fail "it has inherited an output"
	! inherits app.1 state/lock || fail "it has inherited the lock"
	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "the guard, which was the supervisor" "$supervisor" "$(guard_pid)"
	assert_state app.1 up
}

@test "an upgrade of a supervisor without a guard makes one" {
	local supervisor

	start_unguarded
	g upgrade
	assert_equal "the guard, which was the supervisor" "$supervisor" "$(guard_pid)"
	assert_field app.1 launch 1
}
