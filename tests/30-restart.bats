#!/usr/bin/env bats
# The restart: its three orders, what is said, and what it does when the new one does not come up.

bats_require_minimum_version 1.5.0

load helpers

# An app that takes its time: told to stop, it works on until the test calls `release`.
write_slow_app() {
	write_script slow <<-'END'
		trap 'echo "finishing $$"; await_release; echo "finished $$"; exit 0' TERM
		echo "ready $$"
		pause
	END
}

# One that is told to stop only once, and takes its time, but whose second run crashes at once.
write_second_run_crashes() {
	write_script slow <<-'END'
		trap 'echo finishing; await_release; exit 0' TERM
		[ ! -e ran ] || exit 3
		: >ran
		exec python3 -c '
		import os, signal, socket
		signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
		server = socket.socket()
		server.bind(("0.0.0.0", int(os.environ["PORT"])))
		server.listen()
		print("ready", flush=True)
		signal.pause()'
	END
}

# Usage: [LINE...] of a process called app that runs ./slow.
start_app() {
	write_config <<-END
		[process app]
		command = ./slow
		$(printf '%s\n' "$@")
	END
	g start
	wait_for_log app.1 ready
}

# The kinds of events of a dyno since the restart was asked for, with the number of the launch.
restart_events() {
	events kind launch dyno | sed -n '/^restart /,$ s/ app\.1$//p'
}

# overlap, as on Heroku.

@test "overlap: the lines of Heroku, byte for byte and in that order" {
	write_slow_app
	start_app
	g_in_background restart
	wait_for_log app.1 finishing
	wait_for_state app.1 up
	release
	finish
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./slow`
		State changed from starting to up
		Restarting
		State changed from up to starting
		Stopping all processes with SIGTERM
		Starting process with command `./slow`
		State changed from starting to up
		Process exited with status 0
	END
}

@test "overlap: the new one is up while the old one still works, and both are shown" {
	write_slow_app
	start_app
	local old
	old=$(pid_of app.1)
	g_in_background restart
	wait_for_log app.1 "finishing $old"
	wait_for_state app.1 up
	local new
	new=$(pid_of app.1)
	((new != old))
	is_running "$old"
	is_running "$new"
	is_running "$BACKGROUND"
	g ps
	assert_has "ps" "; old instance (pid $old) is ending, SIGKILL in " "$output"
	release
	finish
	is_gone "$old"
	assert_equal "the pid" "$new" "$(pid_of app.1)"
	assert_has "what the old one printed" "finished $old" "$(output_of app.1)"
}

@test "overlap: the command returns when the new one is up and the old one is gone" {
	write_slow_app
	start_app
	local old
	old=$(pid_of app.1)
	g_in_background restart
	wait_for_state app.1 up
	wait_for_log app.1 finishing
	release
	finish
	is_gone "$old"
	assert_state app.1 up
	[[ ${error##*$'\n'} =~ ^done,\ 1\ restarted\ in\ [0-9]+\.[0-9]\ s$ ]]
}

@test "overlap: an old one that has to be killed makes the command fail, and the new one is up" {
	write_script slow <<-'END'
		trap '' TERM
		echo ready
		pause
	END
	start_app 'stop = TERM/500ms/KILL/5'
	g 1 restart
	assert_has "the message" "app.1 is up again, but the old instance had to be killed" "$error"
	assert_state app.1 up
}

# stop-first.

@test "stop-first: there are never two at once" {
	write_script slow <<-'END'
		mkdir alone || { echo "two at once"; exit 1; }
		trap 'echo finishing; await_release; rmdir alone; exit 0' TERM
		echo ready
		pause
	END
	start_app 'restart_order = stop-first'
	g_in_background restart
	wait_for_log app.1 finishing
	assert_state app.1 starting
	assert_equal "the instances" 1 "$(field_of app.1 instances | grep -o '"pid"' | wc -l)"
	release
	finish
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./slow`
		State changed from starting to up
		Restarting
		State changed from up to starting
		Stopping all processes with SIGTERM
		Process exited with status 0
		Starting process with command `./slow`
		State changed from starting to up
	END
	refute_has "the output" "two at once" "$(output_of app.1)"
	wait_for_output app.1 ready 2
	g_in_background stop
	release
	finish
}

@test "stop-first is the order of a process with a fixed port, which it finds free" {
	local port
	port=$(python3 -c '
import socket
s = socket.socket()
s.bind(("0.0.0.0", 0))
print(s.getsockname()[1])')
	write_config <<-END
		[process web]
		command = $DEMO_SERVER
		port = $port
		ready = http:/healthz
	END
	g start
	for _ in 1 2 3; do
		g restart
		assert_field web.1 port "$port"
	done
	refute_has "the log" "Address already in use" "$(output_of web.1)"
	assert_equal "the clean exits" 3 "$(platform_lines web.1 | grep -c 'Process exited with status 0')"
}

# start-first.

@test "start-first: the old one is told to stop when the new one is up" {
	write_slow_app
	start_app 'restart_order = start-first'
	g_in_background restart
	wait_for_log app.1 finishing
	assert_state app.1 up
	release
	finish
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./slow`
		State changed from starting to up
		Restarting
		State changed from up to starting
		Starting process with command `./slow`
		Stopping all processes with SIGTERM
		State changed from starting to up
		Process exited with status 0
	END
	g stops --json
	assert_has "the report of the stop" '"reason" : "restart"' "$output"
}

@test "start-first: at every moment there is one that answers" {
	write_config <<-END
		[process web]
		command = $DEMO_SERVER
		ready = http:/healthz
		restart_order = start-first
	END
	g start
	local old new
	old=$(field_of web.1 port)
	g_in_background restart
	# Whoever is called current answers.
	while is_running "$BACKGROUND"; do
		curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$(field_of web.1 port)/" ||
			curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$(field_of web.1 port)/"
	done
	finish
	new=$(field_of web.1 port)
	((old != new))
	curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$new/"
}

@test "start-first: the old one goes on when the new one does not come up, and the command says so" {
	write_second_run_crashes
	start_app 'restart_order = start-first' 'port = auto'
	local old
	old=$(pid_of app.1)
	g 1 restart
	assert_has "the message" "gracectl: app.1 was not restarted: the new instance did not come up (exited with status 3), so the old one goes on" \
		"$error"
	assert_state app.1 up
	assert_equal "the pid" "$old" "$(pid_of app.1)"
	log_has app.1 "The new instance did not come up; the old one goes on"
	refute_has "the log" SIGTERM "$(platform_lines app.1)"
	g ps
	assert_has "ps" ": the last restart failed: the new instance did not come up (exited with status 3), so the old one goes on" \
		"$output"
}

@test "start-first: the old one goes on when the new one is not up in time" {
	write_script slow <<-'END'
		[ ! -e ran ] || pause
		: >ran
		exec python3 -c '
		import os, signal, socket
		server = socket.socket()
		server.bind(("0.0.0.0", int(os.environ["PORT"])))
		server.listen()
		print("ready", flush=True)
		signal.pause()'
	END
	start_app 'restart_order = start-first' 'port = auto' 'boot_timeout = 4s'
	local old
	old=$(pid_of app.1)
	g 1 restart
	assert_has "the message" "app.1 was not restarted: the new instance did not come up (boot timeout), so the old one goes on" "$error"
	assert_state app.1 up
	assert_equal "the pid" "$old" "$(pid_of app.1)"
	log_has app.1 "Error R10 (Boot timeout) -> Web process failed to bind to \$PORT within 4 seconds of launch"
}

# Who is meant.

@test "restart web.1 restarts only that dyno" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 2
		[process other]
		command = sleep 1000
	END
	g start
	local one two other
	one=$(pid_of app.1) two=$(pid_of app.2) other=$(pid_of other.1)
	g restart app.1
	(($(pid_of app.1) != one))
	(($(pid_of app.2) == two))
	one=$(pid_of app.1)
	g restart -p app
	(($(pid_of app.1) != one))
	(($(pid_of app.2) != two))
	(($(pid_of other.1) == other))
	g restart
	(($(pid_of other.1) != other))
	assert_field app.1 restarts 3
	assert_field other.1 restarts 1
}

@test "a dyno that was stopped on purpose stays down when all are restarted" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 2
	END
	g start
	g stop app.2
	g restart
	assert_state app.1 up
	assert_field app.1 restarts 1
	assert_state app.2 down
	assert_has "the command" "done, 1 restarted" "$error"
}

@test "a restart of a dyno that is down says how it is started" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	g stop app
	g 1 restart app.1
	assert_has "the message" "gracectl: app.1 is down; start it with \`gracectl start\`" "$error"
	assert_state app.1 down
}

@test "a restart of all when nothing is up does nothing, and says so" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	g stop app
	g restart
	assert_has "the message" "nothing to do: no dyno is up" "$error"
}

@test "a restart without a supervisor is told so by exit status 3" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g 3 restart
	assert_has "the message" "no supervisor of shop runs" "$error"
}

@test "a restart tells of a dyno that was stopped while the others were waited for" {
	write_two_servers
	g_in_background start
	release
	finish
	g_in_background restart
	wait_for_field app.1 launch 2
	wait_for_state app.1 up
	wait_for_log app.1 "Process exited with status 143"
	g stop app.1
	release
	finish 1
	assert_has "the message" "gracectl: app.1 was restarted, and was stopped by another request" "$error"
	assert_has "the sum" "failed, 1 of 2 restarted in " "$error"
}

# When the configuration is another one by now.

# change_config: the standard input takes the place of the configuration, a minute later.
change_config() {
	write_config
	touch -d "1 minute" "$CONFIG"
}

@test "ps, start and restart say that the configuration has changed and is not taken up, stop does not" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	assert_equal "what start says of an unchanged file" "" "$(grep warning <<<"$error")"
	change_config <<<$'[process app]\ncommand = sleep 2000'
	for command in ps start restart; do
		g "$command"
		assert_has "what $command says" "warning: $CONFIG has changed, but the supervisor goes on with what it was started with; \`gracectl stop\` and then \`gracectl start\` take up the file as it is now" "$error"
	done
	g stop app.1
	refute_has "what stop says" "warning" "$error"
}

@test "a file that was only touched is not called changed, one with mistakes is called so" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	touch -d "1 minute" "$CONFIG"
	g ps
	assert_equal "what ps says of the same file" "" "$error"
	change_config <<<$'[process app]\ncommand ='
	g ps
	assert_has "what ps says" "warning: $CONFIG has 1 mistake now, see \`gracectl check\`; the supervisor goes on with what it was started with" "$error"
}

@test "a file that was moved there is told, whatever its time says" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	sed 's/sleep 1000/sleep 2000/' "$CONFIG" >other
	touch -d "1 hour ago" other
	mv other "$CONFIG"
	g ps
	assert_has "what ps says" "warning: $CONFIG has changed" "$error"
}

@test "a .env that was written meanwhile is told as well" {
	echo "V=1" >.env
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	echo "V=2" >.env
	touch -d "1 minute" .env
	g restart
	assert_has "what restart says" "warning: $BATS_TEST_TMPDIR/.env is newer than the supervisor, which goes on with the values that it has read" "$error"
}

# When the new one crashes.

@test "a new one that crashes makes the command fail with the reason" {
	write_second_run_crashes
	start_app 'port = auto'
	g 1 restart
	assert_has "the message" "gracectl: app.1 did not come up: exited with status 3" "$error"
	assert_has "the sum" "failed, 0 of 1 restarted in " "$error"
	assert_state app.1 crashed
}

@test "a restart of a dyno that has crashed starts it anew" {
	write_config <<-'END'
		[process app]
		command = ./sometimes
		port = auto
		ready = none
	END
	write_script sometimes <<-'END'
		[ -e good ] || exit 1
		echo ready
		pause
	END
	"$GRACECTL" -c "$CONFIG" start -q 3>&- || true
	wait_for_state app.1 crashed
	: >good
	g restart
	assert_state app.1 up
	assert_field app.1 crashes 0
}

# A second wish during the restart.

@test "a restart of a restart that is under way ends with one new process" {
	write_slow_app
	start_app
	g_in_background restart
	local first=$BACKGROUND
	wait_for_field app.1 launch 2
	wait_for_log app.1 "ready $(pid_of app.1)"
	wait_for_log app.1 finishing
	g_in_background restart
	wait_for_field app.1 launch 3
	release
	release
	finish 0 "$first"
	finish
	assert_state app.1 up
	assert_equal "the processes" 1 "$(pgrep -c -f "^/bin/sh ./slow$" -s "$(pid_of app.1)")"
	assert_field app.1 launch 3
}

@test "a stop during a restart ends both instances" {
	write_slow_app
	start_app
	local old
	old=$(pid_of app.1)
	g_in_background restart
	local restart=$BACKGROUND
	wait_for_log app.1 "finishing $old"
	wait_for_state app.1 up
	local new
	new=$(pid_of app.1)
	wait_for_log app.1 "ready $new"
	g_in_background stop app.1
	wait_for_log app.1 "finishing $new"
	release
	release
	finish
	finish 1 "$restart"
	assert_has "the restart" "app.1 is down" "$error"
	assert_state app.1 down
	is_gone "$old"
	is_gone "$new"
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
}

@test "Ctrl-C ends the command, and the restart goes on" {
	write_slow_app
	start_app
	g_in_background restart
	wait_for_log app.1 finishing
	kill -INT "$BACKGROUND"
	finish 1
	assert_has "the message" "the supervisor goes on with it" "$error"
	release
	wait_for_state app.1 up
	assert_field app.1 restarts 1
}
