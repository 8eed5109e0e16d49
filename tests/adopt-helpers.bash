# What the tests of adoption need besides cycle-helpers.bash.

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
	wait_until "$PATIENCE" is_gone "$supervisor"
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

# start_talker: a dyno that prints one line more whenever it is released.
start_talker() {
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
}
