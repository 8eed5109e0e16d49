#!/usr/bin/env bats
# Why is it not stopping: what the log says at half time and just before SIGKILL, and what
# `gracectl stops --why` says at any time.

bats_require_minimum_version 1.5.0

load helpers

# An application in Python that tells when it is ready. The standard input is what it does.
write_app() {
	{
		echo "import os, signal, socket, subprocess, sys, time"
		cat
		echo "os.write(1, b'ready\\n')"
		echo "while True: time.sleep(1000)"
	} >"$1.py"
}

# Usage: LADDER [LINE...] of a process called app, whose program is app.py.
start_app() {
	write_config <<-END
		[process app]
		command = exec python3 app.py
		stop = $1
		$(printf '%s\n' "${@:2}")
	END
	g start
	wait_for_log app.1 ready
}

# The lines of the log that explain, "PID" for its main process.
why_lines() {
	platform_lines app.1 | grep -A5 "^Still stopping" | grep -E "^(Still|  pid)" | sed "s/pid $pid /pid PID /"
}

# why_field FIELD [TARGET]: of the first process that holds the first dyno up.
why_field() {
	"$GRACECTL" -c "$CONFIG" --json stops --why "${@:2}" | python3 -c '
import json, sys
print(json.loads(sys.stdin.readline())["held_by"][0].get(sys.argv[1], "-"))' "$1"
}

# stop_in_background: returns when the signal is out.
stop_in_background() {
	pid=$(pid_of app.1)
	g_in_background stop app.1
	wait_for_log app.1 "with SIGTERM"
}

write_deaf() {
	write_app app <<-END
		signal.signal(signal.SIGTERM, signal.SIG_IGN)
	END
}

@test "the log says at half time and just before SIGKILL that the process ignores SIGTERM" {
	write_deaf
	start_app TERM/4/KILL/2
	stop_in_background
	finish 1
	explained=$(why_lines)
	times=$(sed -n 's/^Still stopping after \([0-9]\)\.[0-9] s of 4 s: 1 process left$/\1/p' <<<"$explained" | paste -sd " ")
	# At 2.0 s and at 3.8 s, or a little later.
	[[ $times =~ ^[23]\ [34]$ ]] || fail "the times are $times"
	assert_equal "the lines that name the reason" 2 \
		"$(grep -c "^  pid PID .*python3 app.py: ignores SIGTERM; sleeping" <<<"$explained")"
}

@test "the lines stand before those of SIGKILL" {
	write_deaf
	start_app TERM/2/KILL/2
	stop_in_background
	finish 1
	assert_equal "the order" "stop why why-process why why-process stop-timeout stop-kill" \
		"$(events kind | grep -E "^(stop|why)" | grep -v "^stopped" | paste -sd " ")"
	assert_equal "what they and the report say was allowed" "why 2000 why 2000 stopped 2000" \
		"$(events kind allowed_ms | grep -E "^(why|stopped) " | paste -sd " ")"
}

@test "they are shown to who waits for the stop" {
	write_deaf
	start_app TERM/2/KILL/2
	stop_in_background
	finish 1
	assert_has "what stop says" "Still stopping after" "$error"
	assert_has "what stop says" "ignores SIGTERM" "$error"
}

@test "a stop that is over in time is not explained" {
	write_script polite <<-'END'
		trap 'exit 0' TERM
		echo ready
		pause
	END
	write_config <<-END
		[process app]
		command = ./polite
		stop = TERM/20/KILL/2
	END
	g start
	wait_for_log app.1 ready
	g stop app.1
	refute_has "the log" "Still stopping" "$(platform_lines app.1)"
}

@test "without a SIGKILL to come the log explains once, at half of the first wait" {
	write_deaf
	start_app TERM/2/INT/forever
	stop_in_background
	wait_for_log app.1 "Stopping 1 remaining process with SIGINT"
	[[ $(why_lines) =~ ^Still\ stopping\ after\ [0-9.]+\ s,\ no\ SIGKILL\ to\ come:\ 1\ process\ left ]] || fail "the lines are" "$(why_lines)"
	finish
	assert_equal "explanations" 1 "$(why_lines | grep -c ^Still)"
}

@test "a supervisor that is killed in the middle of a stop is followed by one that explains it" {
	write_deaf
	start_app TERM/3/KILL/2
	stop_in_background
	kill -KILL "$(events kind pid | sed -n 's/^supervisor-start //p' | tail -n 1)"
	wait_for_log app.1 "Still stopping after"
	wait_for_log app.1 "Stopping remaining processes with SIGKILL"
	assert_has "the log" "ignores SIGTERM" "$(why_lines)"
	wait_for_state app.1 down
	finish 1
}

@test "--why says that a process blocks SIGTERM" {
	write_app app <<-END
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
	END
	start_app TERM/1h/KILL/2
	stop_in_background
	g stops --why app.1
	assert_has "the answer" "app.1 has been stopping for " "$output"
	[[ $output =~ \ s:\ SIGTERM\ was\ sent,\ SIGKILL\ comes\ in\ (1h|59m) ]] || fail "the answer is" "$output"
	assert_has "the answer" "1 process is left" "$output"
	assert_has "the answer" "  pid $pid " "$output"
	assert_has "the answer" "blocks SIGTERM, which still waits to be taken" "$output"
	kill -KILL "$pid"
	finish
}

@test "--why says that a process is stopped, and that the signal waits" {
	write_app app </dev/null
	start_app TERM/1h/KILL/2
	pid=$(pid_of app.1)
	kill -STOP "$pid"
	stop_in_background
	g stops --why app.1
	assert_has "the answer" "python3 app.py: stopped (SIGSTOP): does nothing until SIGCONT" "$output"
	assert_has "the answer" "SIGTERM waits until that is over" "$output"
	assert_equal "its state" stopped "$(why_field state app.1)"
	kill -CONT "$pid"
	finish
}

@test "--why names the children, and explains them too" {
	write_script app.sh <<-'END'
		trap 'echo told' TERM
		sleep 1000 &
		echo ready
		while :; do wait; done
	END
	write_config <<-END
		[process app]
		command = exec ./app.sh
		stop = TERM/1h/KILL/2
		stop_to = main
	END
	g start
	wait_for_log app.1 ready
	stop_in_background
	child=$(pgrep -P "$pid" sleep)
	g stops --why app.1
	assert_has "the answer" "2 processes are left" "$output"
	assert_has "the answer" "/app.sh: handles SIGTERM; " "$output"
	assert_has "the answer" "children: $child sleep" "$output"
	assert_has "the answer" "  pid $child sleep 1000: was not sent SIGTERM; " "$output"
	kill -KILL "$pid" "$child"
	finish
}

# Listens, holds two inbound and three outbound connections; closes its listener when told to.
write_connected() {
	write_app app <<-END
		db = socket.create_server(("127.0.0.1", 0))
		web = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		if os.fork() == 0:
		    web.close()
		    held = [db.accept() for _ in range(3)]
		    clients = [socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) for _ in range(2)]
		    os.write(1, b"connected\n")
		    signal.signal(signal.SIGTERM, signal.SIG_IGN)
		    while True: time.sleep(1000)
		name = db.getsockname()
		db.close()
		pool = [socket.create_connection(name) for _ in range(3)]
		held = [web.accept() for _ in range(2)]
		os.write(1, b"database %s:%d\n" % (name[0].encode(), name[1]))
		signal.signal(signal.SIGTERM, lambda *_: (web.close(), os.write(1, b"closed\n")))
	END
}

@test "--why names ports, inbound and outbound connections with their addresses" {
	write_connected
	start_app TERM/1h/KILL/2 "port = auto"
	wait_for_log app.1 connected
	port=$(field_of app.1 port)
	database=$(output_of app.1 | sed -n 's/^database //p')
	pid=$(pid_of app.1)
	g stops --why app.1
	mine=$(grep "^  pid $pid " <<<"$output")
	assert_has "before the stop" "; listening on $port; 2 inbound (127.0.0.1:" "$mine"
	assert_has "before the stop" "; 3 outbound ($database x3)" "$mine"
	stop_in_background
	wait_for_log app.1 closed
	g stops --why app.1
	mine=$(grep "^  pid $pid " <<<"$output")
	refute_has "with its listener closed" "listening" "$mine"
	assert_has "with its listener closed" "; 2 inbound (127.0.0.1:" "$mine"
	assert_has "with its listener closed" "; 3 outbound ($database x3)" "$mine"
	assert_equal "inbound, as JSON" 2 "$(why_field inbound app.1)"
	assert_equal "the other ends, as JSON" "$database x3" "$(why_field outbound_peers app.1)"
	g 1 stop app.1 # a second time: in a hurry
	finish 1
}

@test "--why of a dyno that is up says what would happen, of one that is down that there is nothing" {
	write_deaf
	start_app TERM/3/KILL/2
	g stops --why app.1
	assert_has "the answer" "app.1 is up; if it were stopped now (TERM/3/KILL/2), 1 process would have to end" "$output"
	assert_has "the answer" "app.py: ignores SIGTERM; " "$output"
	g 1 stop app.1
	g stops --why app
	assert_equal "the answer" "app.1 is down: there is nothing to stop" "$output"
}

@test "--why without a target shows what is being stopped, and says when nothing is" {
	write_deaf
	write_config <<-END
		[process app]
		command = exec python3 app.py
		scale = 2
		stop = TERM/1h/KILL/2
	END
	g start
	wait_for_log app.1 ready
	wait_for_log app.2 ready
	g stops --why
	assert_equal "the answer" "No dyno of shop is being stopped" "$output"
	g --json stops --why
	assert_equal "the answer as JSON" "" "$output"
	stop_in_background
	g stops --why
	assert_has "the answer" "app.1 has been stopping" "$output"
	refute_has "the answer" "app.2" "$output"
	kill -KILL "$pid"
	finish
}

@test "--why of several targets, of a type, and of nobody" {
	write_deaf
	write_config <<-END
		[process app]
		command = exec python3 app.py
		scale = 2
		stop = TERM/1h/KILL/2

		[process other]
		command = sleep 1000
	END
	g start
	wait_for_log app.1 ready
	wait_for_log app.2 ready
	g --json stops --why app other.1
	assert_equal "the dynos" "app.1 app.2 other.1" "$(python3 -c '
import json, sys
print(*(json.loads(line)["dyno"] for line in sys.stdin))' <<<"$output")"
	g 2 stops --why nobody
	assert_has "the message" 'there is no dyno or process type "nobody"' "$error"
}

@test "--why without a supervisor tells so" {
	write_config <<-END
		[process app]
		command = sleep 1000
	END
	g 3 stops --why
	assert_has "the message" "no supervisor of shop runs, so nothing is being stopped" "$error"
}
