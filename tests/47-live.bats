#!/usr/bin/env bats
# What a person sees on a terminal while dynos start, stop and restart: a line for each that moves, then one
# that stays. And what ps says of a stop meanwhile.

# The programs in single quotes are for the dynos to expand; $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load helpers

# A server that, once it was told to stop, accepts nobody and closes a connection at each `release`. With
# the last one it ends.
write_drainer() {
	[ -p released ] || mkfifo released
	cat >drainer <<-'END'
		#!/usr/bin/env python3
		import os, select, signal, socket
		listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		told, tell = os.pipe()
		os.set_blocking(tell, False)
		signal.set_wakeup_fd(tell)
		signal.signal(signal.SIGTERM, lambda *_: None)
		connections = []
		while told not in select.select([listener, told], [], [])[0]:
		    connections.append(listener.accept()[0])
		    print("connections:", len(connections), flush=True)
		listener.close()
		released = os.open("released", os.O_RDWR)
		while connections:
		    os.read(released, len("go\n"))
		    connections.pop().close()
	END
	chmod +x drainer
}

# start_drainer CONNECTIONS [LINE...]: starts it as web.1 and connects to it so many times.
start_drainer() {
	write_drainer
	write_config <<-END
		[process web]
		command = ./drainer
		port = auto
		ready = port
		$(printf '%s\n' "${@:2}")
	END
	g start
	hold web.1 "$1"
}

# hold DYNO COUNT: so many connections that only the server closes.
hold() {
	python3 - "$(field_of "$1" port)" "$2" 3>&- <<-'END' &
		import socket, sys
		held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
		for connection in held:
		    connection.recv(1)
	END
	wait_for_log "$1" "connections: $2"
}

# One that ends when the test calls `release`, and not before.
write_slow_app() {
	write_script slow <<-'END'
		trap 'await_release; exit 0' TERM
		echo ready
		pause
	END
}

# on_terminal [STATUS] SIZE [STEP...] -- ARG...: gracectl on a terminal, see terminal.py. Sets $screen, all
# that it shows at the end.
on_terminal() {
	local expected=0 arguments=() argument

	[[ $1 == *x* ]] || {
		expected=$1
		shift
	}
	for argument; do
		arguments+=("$argument")
		[ "$argument" != -- ] || arguments+=("$GRACECTL" -c "$CONFIG")
	done
	status=0
	screen=$(TERM=${TERMINAL-xterm} LC_ALL=${LOCALE-C.UTF-8} \
		python3 "$BATS_TEST_DIRNAME/terminal.py" "${arguments[@]}" 3>&-) || status=$?
	printf '%s\n' "the terminal:" "$screen"
	assert_equal "the exit status" "$expected" "$status"
}

# assert_screen REGEX...: line by line.
assert_screen() {
	local lines line=0 regex

	mapfile -t lines <<<"$screen"
	for regex; do
		[[ ${lines[line]-} =~ ^$regex$ ]] || fail "line $line" "  expected: $regex" "  actual:   ${lines[line]-}"
		line=$((line + 1))
	done
	assert_equal "how many lines there are" "$#" "${#lines[@]}"
}

refute_escapes() {
	! LC_ALL=C grep -q $'\033' terminal.raw || fail "there are escape sequences:" "$(cat -v terminal.raw)"
}

refute_colors() {
	! LC_ALL=C grep -q $'\033\[[0-9]*m' terminal.raw || fail "there are colours:" "$(cat -v terminal.raw)"
}

release_one='echo go >released'

T='[0-9]+\.[0-9]+'
S="$T s"

# A stop.

@test "a stop is one line that moves through the phases, and one that stays" {
	start_drainer 3
	on_terminal 80x24 see '^web\.1  draining 3 connections +▕[█▉▊▋▌▍▎▏▁]+▏ [0-9.]+ s of 30 s$' run "$release_one" \
		see '^web\.1  draining 2 connections' run "$release_one" \
		see '^web\.1  draining 1 connection ' run "$release_one" -- stop web.1
	assert_screen "Stopping dyno web\.1 on shop\.\.\." \
		"web\.1  stopped in $S: drained $T, status 0" \
		"done, 1 stopped in $S"
}

@test "the display is drawn no more than ten times a second" {
	start_drainer 3
	on_terminal 80x24 see 'draining 3' run "$release_one" see 'draining 2' run "$release_one" see 'draining 1' \
		run "$release_one" -- stop web.1
	read -r frames seconds <terminal.frames
	echo "$frames frames in $seconds s"
	python3 -c 'import sys; frames, seconds = map(float, sys.argv[1:]); sys.exit(frames > 10 * seconds + 4)' \
		"$frames" "$seconds"
}

@test "a dyno that had to be killed says so, and who was left" {
	write_script deaf <<-'END'
		trap '' TERM
		echo ready
		pause
	END
	write_config <<<$'[process app]\ncommand = ./deaf\nstop = TERM/1900ms/KILL/5'
	g start
	wait_for_log app.1 ready
	on_terminal 1 120x24 see '^app\.1 .* [01]\.[0-9] s of 1\.9 s$' -- stop app.1
	assert_screen "Stopping dyno app\.1 on shop\.\.\." \
		"app\.1  had to be killed: it did not end in time \(after $S, status 137\); killed [0-9]+ \(deaf\)" \
		"failed, 0 of 1 stopped gracefully in $S"
}

@test "more dynos than the terminal has rows: as many as there is room for, and the number of the others" {
	write_script gated <<-'END'
		trap 'read _ <gate.$DYNO; exit 0' TERM
		echo ready
		pause
	END
	mkfifo gate.app.{1..12}
	write_config <<<$'[process app]\ncommand = ./gated\nscale = 12'
	g start
	for n in {1..12}; do
		wait_for_log "app.$n" ready
	done
	on_terminal 80x8 see '^and 6 more, 0 of 12 stopped$' run 'for n in 3 4 9 10; do echo >gate.app.$n; done' \
		see '^and 2 more, 4 of 12 stopped$' run 'for n in 1 2 5 6 7 8 11 12; do echo >gate.app.$n; done' \
		-- stop app
	assert_equal "the lines that stay" 12 "$(grep -cE "^app\.[0-9]+ +stopped in $S: status 0$" <<<"$screen")"
	assert_equal "all lines" 14 "$(wc -l <<<"$screen")"
}

# A restart, a start.

@test "a restart shows the old one and the new one on one line" {
	start_drainer 2
	on_terminal 100x24 see '^web\.1  up, old draining 2 connections +▕.*▏ [0-9.]+ s of 30 s$' run "$release_one" \
		see '^web\.1  up, old draining 1 connection ' run "$release_one" -- restart web
	assert_screen "Restarting all web dynos on shop\.\.\." \
		"web\.1  restarted in $S: new up $T; old drained $T, ended $T, status 0" \
		"done, 1 restarted in $S"
}

@test "stop-first: the line goes from the end of the old one to the start of the new one" {
	start_drainer 1 'restart_order = stop-first'
	on_terminal 100x24 see '^web\.1  draining 1 connection ' run "$release_one" -- restart web
	assert_screen "Restarting all web dynos on shop\.\.\." \
		"web\.1  restarted in $S: new up $T; old drained $T, ended $T, status 0" \
		"done, 1 restarted in $S"
}

@test "a start shows how much of the time to boot is gone" {
	write_late_server
	write_config <<<$'[process web]\ncommand = ./late\nboot_timeout = 40s'
	on_terminal 80x24 see '^web\.1  starting +▕.*▏ [0-9.]+ s of 40 s$' run "$release_one" -- start
	assert_screen "Starting all dynos on shop\.\.\." \
		"web\.1  up in $S: pid $(pid_of web.1), port $(field_of web.1 port)" \
		"done, 1 up in $S"
}

@test "a start that fails says why in its line" {
	write_config <<<$'[process app]\ncommand = sh -c "exit 3"\nready = port\nport = auto'
	on_terminal 1 80x24 -- start
	assert_screen "Starting all dynos on shop\.\.\." \
		"app\.1  did not come up: exited with status 3 \(after $S\)" \
		"failed, 0 of 1 up in $S"
}

@test "the line of a dyno that came up and crashes says so, at once" {
	write_two_servers
	on_terminal 1 80x24 see '^app\.1  up in [0-9.]+ s: pid [0-9]+, port [0-9]+\nweb\.1  starting ' \
		run "kill -KILL \$('$GRACECTL' -c '$CONFIG' ps -l app | awk '/^app/ { print \$6 }')" \
		see '^app\.1  was up, and crashed: exited with status 137 \(SIGKILL\)\nweb\.1  starting ' \
		run "$release_one" -- start
	assert_screen "Starting all dynos on shop\.\.\." \
		"app\.1  was up, and crashed: exited with status 137 \(SIGKILL\)" \
		"web\.1  up in $S: pid $(pid_of web.1), port $(field_of web.1 port)" \
		"failed, 1 of 2 up in $S"
}

# The terminal.

@test "without Unicode the display is ASCII" {
	start_drainer 1
	LOCALE=C on_terminal 80x24 see '^web\.1  draining 1 connection +\[[-#]+\] [0-9.]+ s of 30 s$' run "$release_one" \
		-- stop web.1
	! LC_ALL=C grep -q '[^ -~[:cntrl:]]' terminal.raw || fail "not ASCII:" "$(cat -v terminal.raw)"
}

@test "colours are there, and not with NO_COLOR or --no-color" {
	start_drainer 1
	hold_on=(80x24 see 'draining 1' key '^C')
	on_terminal 1 "${hold_on[@]}" -- stop web.1
	grep -q $'\033\[32m' terminal.raw
	NO_COLOR=1 on_terminal 1 "${hold_on[@]}" -- start web.1
	refute_colors
	on_terminal 1 "${hold_on[@]}" -- --no-color start web.1
	refute_colors
	release
	wait_for_state web.1 up
}

@test "on a dumb terminal and on none there are plain lines" {
	write_slow_app
	write_config <<<$'[process app]\ncommand = ./slow'
	for terminal in dumb ''; do
		g start
		wait_for_log app.1 ready
		TERMINAL=$terminal on_terminal 80x24 see 'Stopping all processes' run "$release_one" -- stop app.1
		refute_escapes
		assert_screen "Stopping dyno app\.1 on shop\.\.\." \
			"  app\.1: State changed from up to down" \
			"  app\.1: Stopping all processes with SIGTERM" \
			"  app\.1: Process exited with status 0" \
			"done, 1 stopped in $S"
	done
	g start
	g_in_background stop app.1
	release
	finish
	refute_has "what is written to a file" $'\033' "$error"
	assert_has "what is written to a file" "  app.1: Process exited with status 0" "$error"
}

@test "with --quiet and with --json a terminal shows nothing of it" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	on_terminal 80x24 -- restart -q
	assert_equal "the screen" "" "$screen"
	on_terminal 80x24 -- --json restart
	refute_escapes
	python3 -c 'import json, sys; assert json.loads(sys.argv[1])["code"] == 0' "$screen"
}

@test "no line is wider than the terminal, also when that changes" {
	start_drainer 3
	on_terminal 80x24 see 'draining 3 connections .* s of 30 s$' size 46x24 see '^web\.1  draining 3 +▕.*▏ [0-9.]+/30 s$' \
		size 30x24 see '^web\.1  draining 3  [0-9.]+/30 s$' size 120x24 see 'draining 3 connections .* s of 30 s$' \
		run "$release_one; $release_one; $release_one" -- stop web.1
	assert_screen "Stopping dyno web\.1 on shop\.\.\." \
		"web\.1  stopped in $S: drained $T, status 0" \
		"done, 1 stopped in $S"
}

@test "in the background there are plain lines" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	TERM=xterm python3 "$BATS_TEST_DIRNAME/terminal.py" 80x24 -- \
		bash -c 'set -m; "$@" & wait' bash "$GRACECTL" -c "$CONFIG" stop app.1 3>&- >shown
	cat shown
	refute_escapes
	grep -qx "  app.1: Process exited with status 143" shown
}

@test "after Ctrl-Z the display begins anew below what stands there" {
	start_drainer 1
	on_terminal 80x24 see 'draining 1 ' run 'kill -STOP $TERMINAL_PID; kill -CONT $TERMINAL_PID' \
		see '^web\.1  draining 1 .*\nweb\.1  draining 1 ' run "$release_one" -- stop web.1
	assert_screen "Stopping dyno web\.1 on shop\.\.\." \
		"web\.1  draining 1 connection .*" \
		"web\.1  stopped in $S: drained $T, status 0" \
		"done, 1 stopped in $S"
}

@test "Ctrl-C takes the moving part away and says that the stop goes on" {
	start_drainer 1
	on_terminal 1 100x24 see 'draining 1 connection' key '^C' -- stop web.1
	assert_screen "Stopping dyno web\.1 on shop\.\.\." \
		"gracectl: interrupted after $S; the supervisor goes on with it, see .gracectl ps." \
		"gracectl: another .gracectl stop. would end it by force"
	assert_state web.1 stopping
	release
	wait_for_state web.1 down
}

@test "--timeout takes it away as well" {
	start_drainer 1
	on_terminal 4 100x24 -- stop web.1 --timeout 2s
	assert_screen "Stopping dyno web\.1 on shop\.\.\." \
		"gracectl: not done after [2-9]\.[0-9] s; the supervisor goes on with it, see .gracectl ps." \
		"gracectl: another .gracectl stop. would end it by force"
	release
	wait_for_state web.1 down
}

@test "a second stop shows how long the first has taken already" {
	write_script patient <<-'END'
		trap '' INT
		trap 'await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<<$'[process app]\ncommand = ./patient\nstop = TERM/1h/INT/1h/KILL/5'
	g start
	wait_for_log app.1 ready
	g 4 stop app.1 --timeout 2s
	on_terminal 80x24 see '^app\.1  ending .* [1-9][0-9.]* s of 1h[0-9]+s$' run "$release_one" -- stop app.1
	assert_has "the end" "done, 1 stopped" "$screen"
}

@test "the display goes on when the supervisor was killed and another takes over" {
	start_drainer 2
	local supervisor
	supervisor=$(events kind pid | sed -n 's/^supervisor-start //p')
	on_terminal 80x24 see 'draining 2' run "kill -KILL $supervisor; $release_one" \
		see '^web\.1  (draining 1|stopping|ending)' run "$release_one" -- stop
	assert_equal "the first line" "Stopping all dynos on shop..." "${screen%%$'\n'*}"
	[[ $screen =~ web\.1\ \ stopped ]]
	[[ ${screen##*$'\n'} =~ ^done,\ 1\ stopped\ in\  ]]
}

# ps.

# A supervisor with as many connections as it takes closes each further one at once.
@test "a supervisor that closes every connection is asked again in peace, and with no more memory" {
	write_config <<<$'[process web]\ncommand = sleep 1000'
	mkdir -m 700 "$RUN"
	python3 - <<-'END' "$RUN/control.sock" 3>&- &
		import os, socket, sys
		server = socket.socket(socket.AF_UNIX)
		server.bind("early.sock")
		server.listen()
		os.rename("early.sock", sys.argv[1])
		for i in range(300):
		    server.accept()[0].close()
		open("closed", "w")
		server.accept()[0].recv(1)
	END
	local server=$!
	wait_until "$PATIENCE" test -S "$RUN/control.sock"
	ulimit -s 128
	g_in_background restart
	wait_until "$PATIENCE" test -e closed
	kill -INT "$BACKGROUND"
	finish 1
	assert_has "the message" "interrupted after" "$error"
	kill "$server" 2>/dev/null || true # it ends by itself when the command was connected once more
	wait "$server" || true
}

@test "ps says how far a stop is, and when SIGKILL comes" {
	start_drainer 3
	g_in_background stop web.1
	wait_until "$PATIENCE" ps_has ': draining 3 connections, SIGKILL in 2[0-9]s$'
	release
	wait_until "$PATIENCE" ps_has ': draining 2 connections, SIGKILL in 2[0-9]s$'
	g --json ps web.1
	python3 -c '
import json, sys
dyno = json.loads(sys.argv[1])[0]
stop = dyno["stop"]
print(stop)
assert stop["signal"] == "SIGTERM" and stop["phase"] == "draining", stop
assert (stop["listeners"], stop["inbound"], stop["outbound"], stop["processes"]) == (0, 2, 0, 1), stop
assert stop["elapsed_ms"] >= 0 and abs(stop["elapsed_ms"] + stop["kill_in_ms"] - 30000) < 1000, stop
assert dyno["instances"][0]["stop"]["phase"] == "draining"' "$output"
	release
	release
	finish
}

@test "ps says how far an old instance is" {
	start_drainer 1
	g_in_background restart web.1
	wait_until "$PATIENCE" ps_has '^web\.1: up .*; old instance \(pid [0-9]+\) is draining 1 connection, SIGKILL in 2[0-9]s$'
	release
	finish
	g --json ps web.1
	refute_has "a dyno that is up" '"stop"' "$output"
}

ps_has() {
	"$GRACECTL" -c "$CONFIG" ps | tee /dev/stderr | grep -qE "$1"
}

# The option.

@test "--timeout 0 is refused, and what is allowed is said" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	for command in start stop restart; do
		for zero in 0 0s 0h0m; do
			g 2 "$command" --timeout "$zero"
			assert_has "the message" "gracectl: --timeout: \"$zero\" leaves no time at all; give at least 1ms" "$error"
		done
	done
	g 3 ps
}
