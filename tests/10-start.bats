#!/usr/bin/env bats
# The start: of a supervisor in the background, and of the dynos; what is said, and how long is waited.

bats_require_minimum_version 1.5.0

load helpers

# supervisors: how many there have been.
supervisors() {
	events kind | grep -c '^supervisor-start$'
}

# The supervisor.

@test "start brings up a supervisor in the background, in a session of its own" {
	write_sleepers
	g start
	assert_state app.1 up
	assert_state app.2 up
	assert_state worker.1 up
	local pid
	pid=$(supervisor_pid)
	assert_equal "its session" "$pid" "$(ps -o sid= -p "$pid" | tr -d ' ')"
	assert_equal "its standard input" /dev/null "$(readlink "/proc/$pid/fd/0")"
	assert_equal "its standard output" "$STATE/supervisor.log" "$(readlink "/proc/$pid/fd/1")"
	assert_equal "its directory" / "$(readlink "/proc/$pid/cwd")"
}

@test "the socket is for its owner alone" {
	write_sleepers
	g start
	assert_equal "its mode" "srw-------" "$(stat -c %A "$RUN/control.sock")"
}

@test "started means listening: the next command is always answered" {
	write_sleepers
	for _ in {1..10}; do
		g start -q worker
		g ps
		g stop
		assert_equal "what is left in the lock" "" "$(<"$STATE/lock")"
	done
}

@test "many starts at once make one supervisor and one process for each dyno" {
	write_sleepers
	local starts=()
	for _ in {1..8}; do
		g_in_background start
		starts+=("$BACKGROUND")
	done
	for pid in "${starts[@]}"; do
		finish 0 "$pid"
	done
	assert_equal "the supervisors" 1 "$(supervisors)"
	assert_equal "the launches" "app.1 app.2 worker.1" "$(events kind dyno | sed -n 's/^launch //p' | sort | paste -sd ' ')"
	assert_equal "the processes of sleep" 3 "$(pgrep -c -P "$(supervisor_pid)" sleep)"
}

@test "a daemon beside a running supervisor gives up and says so" {
	write_sleepers
	g start
	g 1 daemon
	assert_equal "the message" "gracectl: a supervisor of shop runs already (it holds $STATE/lock)" "$error"
	g ps
}

@test "the run directory of another application is not taken" {
	write_sleepers
	g start
	sed "s|^name = shop|name = other|; s|^state_dir = .*|state_dir = $BATS_TEST_TMPDIR/other|" "$CONFIG" >other.ini
	gracectl -c other.ini daemon
	assert_equal "the exit status" 1 "$status"
	assert_has "the message" "the supervisor of another application listens in $RUN; set run_dir to another directory" "$error"
	assert_state app.1 up
	assert_field app.1 launch 1
}

@test "a daemon starts all dynos and ends with status 0" {
	write_sleepers
	g_in_background daemon
	wait_for_log worker.1 "State changed from starting to up"
	kill -TERM "$BACKGROUND"
	finish
	assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
}

@test "a stale socket, lock or pipe does not block a start" {
	write_sleepers
	mkdir -p "$RUN"
	python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$RUN/control.sock"
	mkdir -p "$STATE"
	echo 1 >"$STATE/lock"
	mkfifo "$RUN/app.1.1.out"
	g start
	assert_state app.1 up
}

@test "a start of what is not there starts nothing, not even a supervisor" {
	write_sleepers
	g 2 start app worke
	assert_equal "standard error" \
		'gracectl: there is no dyno or process type "worke" (did you mean "worker"?); the types are: app (2), worker (1)' "$error"
	assert_equal "the supervisors" 0 "$(supervisors)"
	g 2 start app.3
	g 3 ps
}

@test "what a killed supervisor leaves does not block a start" {
	write_sleepers
	g start
	g stop app worker
	local pid guard
	pid=$(supervisor_pid)
	guard=$(ps -o ppid= -p "$pid" | tr -d ' ')
	kill -STOP "$guard" # it would start the next one
	kill -KILL "$pid"
	kill -KILL "$guard"
	[ -S "$RUN/control.sock" ]
	g ps
	assert_equal "the supervisors" 2 "$(supervisors)"
	g start
	assert_state app.1 up
	assert_equal "the supervisors" 2 "$(supervisors)"
}

@test "a run directory that cannot be made is told with its path" {
	write_sleepers
	echo "a file" >"$RUN"
	g 1 start
	assert_has "the message" "$RUN" "$error"
}

@test "a mistake in the configuration is told before anything starts" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = many
	END
	g 2 start
	assert_has "the message" "$CONFIG:11: error: " "$error"
	[ ! -e "$RUN" ]
	g 2 daemon
	assert_has "the message" "$CONFIG:11: error: " "$error"
	[ ! -e "$RUN" ]
}

@test "a command works from any directory, and with a relative path of the configuration" {
	write_sleepers
	mkdir -p elsewhere
	cd elsewhere
	gracectl -c ../gracectl.ini start
	assert_equal "the exit status" 0 "$status"
	cd /
	assert_state app.1 up
}

# What is started.

@test "a target starts only that dyno, a type all its dynos" {
	write_sleepers
	g start app.2
	assert_state app.1 down
	assert_state app.2 up
	assert_state worker.1 down
	g start app
	assert_state app.1 up
	assert_state worker.1 down
}

@test "Heroku's options name the targets as well" {
	write_sleepers
	g start -d app.2
	assert_state app.2 up
	assert_state app.1 down
	g start --process-type worker
	assert_state worker.1 up
	g start -d app.1 -p worker
	assert_state app.1 up
}

@test "an unknown target is told with those that there are, and nothing is started" {
	write_sleepers
	g start worker
	g 2 start app.1 nobody
	assert_has "the message" "there is no dyno or process type \"nobody\"; the types are: app (2), worker (1)" "$error"
	assert_state app.1 down
}

@test "what is up already is left alone" {
	write_sleepers
	g start
	local before
	before=$(pid_of app.1) log=$(lines_of)
	g start
	assert_equal "the pid" "$before" "$(pid_of app.1)"
	assert_equal "the log" "$log" "$(lines_of)"
}

@test "a boot says what Heroku says, byte for byte and in that order" {
	write_late_server
	write_config <<-'END'
		[process web]
		command = ./late --port $PORT ${PORT:-5000}
	END
	g_in_background start
	wait_for_log web.1 booting
	assert_state web.1 starting
	release
	finish
	assert_equal "the log" "State changed from down to starting
Starting process with command \`./late --port $(field_of web.1 port) \${PORT:-5000}\`
State changed from starting to up" "$(platform_lines web.1)"
	assert_equal "the command's lines" "Starting all dynos on shop...
  web.1: State changed from down to starting
  web.1: Starting process with command \`./late --port $(field_of web.1 port) \${PORT:-5000}\`
  web.1: State changed from starting to up" "${error%$'\n'*}"
}

@test "a dyno that does not come up makes start fail, and the others are up" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		[process web]
		command = false
	END
	g 1 start
	assert_has "the message" "gracectl: web.1 did not come up: exited with status 1" "$error"
	assert_has "the sum" "failed, 1 of 2 up in " "$error"
	assert_state app.1 up
}

@test "one that ends at once is not called up, though nothing checks whether it is ready" {
	write_config <<-'END'
		[process app]
		command = false
	END
	g 1 start
	assert_has "the message" "gracectl: app.1 did not come up: exited with status 1" "$error"
}

@test "one that crashes while the others are waited for makes start fail" {
	write_two_servers
	g_in_background start --json
	wait_for_state app.1 up
	kill -KILL "$(pid_of app.1)"
	wait_for_state app.1 crashed
	release
	finish 1
	assert_equal "what is told of it" "app.1 1 was up, and crashed: exited with status 137 (SIGKILL)
web.1 0 up" "$(python3 -c '
import json, sys
for dyno in sorted(json.load(sys.stdin)["dynos"], key=lambda dyno: dyno["dyno"]):
    print(dyno["dyno"], dyno["code"], dyno["text"])' <<<"$output")"
}

@test "that one has crashed is told at once, not when the others are there" {
	write_two_servers
	g_in_background start
	wait_for_state app.1 up
	kill -KILL "$(pid_of app.1)"
	wait_until "$PATIENCE" grep -qx "gracectl: app.1 was up, and crashed: exited with status 137 (SIGKILL)" \
		background.err
	assert_state web.1 starting
	release
	finish 1
	assert_equal "how often it is told" 1 "$(grep -c "was up, and crashed" <<<"$error")"
	assert_has "the sum" "failed, 1 of 2 up in " "$error"
}

@test "a directory that cannot be made is told with what it is for, and what to set" {
	local nowhere=$BATS_TEST_TMPDIR/file

	echo >file
	write_config <<<$'[process web]\ncommand = sleep 1000\nport = none'
	sed -i "s|^state_dir = .*|state_dir = $nowhere/x|" "$CONFIG"
	g 1 start
	assert_has "the message" "gracectl: there is no place for logs and state: " "$error"
	assert_has "the message" "$nowhere" "$error"
	assert_has "the message" "; set state_dir" "$error"
}

@test "a program that cannot be executed is told with the reason" {
	printf '#!/no/such/interpreter\n' >broken
	chmod +x broken
	write_config <<-'END'
		[process app]
		command = ./broken
		port = auto
	END
	g 1 start
	assert_has "the message" "app.1 did not come up: the program cannot be executed: its interpreter /no/such/interpreter: No such file or directory" "$error"
	log_has app.1 "Cannot start \`./broken\`: the program cannot be executed: its interpreter /no/such/interpreter: No such file or directory"
}

@test "a script whose first line would steer a terminal cannot do so" {
	printf '#!/no/\033]0;evil\007\n' >broken
	chmod +x broken
	write_config <<<$'[process app]\ncommand = ./broken\nport = none'
	g 1 start
	assert_has "the message" "its interpreter /no/?]0;evil?: No such file or directory" "$error"
	refute_has "the message" $'\033' "$error"
	g ps
	assert_has "ps" "its interpreter /no/?]0;evil?: No such file or directory" "$output"
	refute_has "ps" $'\033' "$output"
}

@test "a control character of two bytes in a command is shown and does nothing" {
	write_config <<<$'[process app]\ncommand = sh -c "exec sleep 1000 \u009b2J"\nport = none\nstop = KILL/5'
	gracectl -c "$CONFIG" start # whether it was up for a moment is a matter of luck
	assert_has "what start says" '\xc2\x9b2J' "$error"
	refute_has "what start says" $'\u009b' "$error"
	g ps
	assert_has "ps" '=== app: sh -c "exec sleep 1000 \xc2\x9b2J"' "$output"
	refute_has "ps" $'\u009b' "$output"
	for command in ps "logs -s heroku" events "stops --why"; do
		# shellcheck disable=SC2086 # a command and its options
		g --json $command
		refute_has "$command --json" $'\u009b' "$output"
	done
	g --json ps
	assert_has "ps --json" 'exec sleep 1000 \u009b2J' "$output"
	python3 -c 'import json, sys
assert json.loads(sys.argv[1])[0]["command"].endswith("\u009b2J\""), sys.argv[1]' "$output"
}

@test "a mistake quotes such a character without doing what it says" {
	write_config <<<$'[process app]\ncommand = sleep 1000\nport = \u009b2J'
	g 2 check
	assert_has "what check says" '\xc2\x9b2J' "$error"
	refute_has "what check says" $'\u009b' "$error"
	g 2 check --json
	assert_has "what check --json says" '\u009b2J' "$output"
}

@test "what is typed and unknown does nothing to a terminal either" {
	write_sleepers
	g start
	g 2 stop $'app.\e[31m'
	assert_has "what stop says" 'app.\x1b[31m' "$error"
	g 2 ps $'app.\e[31m'
	assert_has "what ps says" 'app.\x1b[31m' "$error"
	g 2 logs $'app.\e[31m'
	assert_has "what logs says" 'app.\x1b[31m' "$error"
}

@test "--timeout holds while a supervisor is waited for that has the lock and does not listen" {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	mkdir -p "$STATE"
	hold_lock "$STATE/lock"
	g 4 start --timeout 2s
	kill "$HOLDER"
	assert_equal "the message" "gracectl: not done in time: the supervisor of shop does not listen yet; see \`gracectl ps\`" "$error"
}

@test "--timeout: the command gives up with exit status 4, the start goes on" {
	write_late_server
	write_config <<<$'[process web]\ncommand = ./late'
	g 4 start --timeout 2s
	assert_has "the message" "the supervisor goes on with it, see \`gracectl ps\`" "$error"
	release
	wait_for_state web.1 up
}

@test "Ctrl-C ends the command and says that the start goes on" {
	write_late_server
	write_config <<<$'[process web]\ncommand = ./late'
	g_in_background start
	wait_for_log web.1 booting
	kill -INT "$BACKGROUND"
	finish 1
	assert_has "the message" "interrupted after" "$error"
	assert_has "the message" "the supervisor goes on with it, see \`gracectl ps\`" "$error"
	release
	wait_for_state web.1 up
}

@test "Ctrl-C on the terminal where it was started reaches neither the supervisor nor a dyno" {
	write_late_server
	write_config <<<$'[process web]\ncommand = ./late'
	python3 - "$GRACECTL" -c "$CONFIG" start 3>&- <<-'END'
		import os, pty, sys
		pid, terminal = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], sys.argv[1:])
		shown = b""
		while b"starting" not in shown:
		    shown += os.read(terminal, 4096)
		os.write(terminal, b"\x03")
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 1)
	END
	assert_state web.1 starting
	release
	wait_for_state web.1 up
	assert_equal "the launches" 1 "$(field_of web.1 launch)"
}
