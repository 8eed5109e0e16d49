#!/usr/bin/env bats
# The graceful stop: what is said, who is told, who is waited for, who is killed, and when not.

bats_require_minimum_version 1.5.0

load helpers

# A program that ends at once when it is told to, with status 0.
write_polite_app() {
	write_script polite <<-'END'
		trap 'echo bye; exit 0' TERM
		echo ready
		pause
	END
}

# A program that ends when the test calls `release`, and not before.
write_slow_app() {
	write_script slow <<-'END'
		trap 'echo finishing; await_release; echo finished; exit 0' TERM
		echo ready
		pause
	END
}

# One that does not listen to SIGTERM.
write_deaf_app() {
	write_script deaf <<-'END'
		trap '' TERM
		echo ready
		pause
	END
}

# Usage: COMMAND [LINE...] of a process called app.
start_app() {
	write_config <<-END
		[process app]
		command = ./$1
		$(printf '%s\n' "${@:2}")
	END
	g start
	wait_for_log app.1 ready
}

# What is said.

@test "a stop says what Heroku says, byte for byte and in that order" {
	write_polite_app
	start_app polite
	g stop app.1
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./polite`
		State changed from starting to up
		State changed from up to down
		Stopping all processes with SIGTERM
		Process exited with status 0
	END
}

@test "the lines carry time and source as on Heroku" {
	write_polite_app
	start_app polite
	g stop app.1
	g logs -n 1
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\+00:00\ heroku\[app\.1\]:\ Process\ exited\ with\ status\ 0$ ]]
}

@test "the command shows the same lines while it waits, and how it ended" {
	write_polite_app
	start_app polite
	g stop app.1
	assert_equal "all but the last line" "Stopping dyno app.1 on shop...
  app.1: State changed from up to down
  app.1: Stopping all processes with SIGTERM
  app.1: Process exited with status 0" "${error%$'\n'*}"
	[[ ${error##*$'\n'} =~ ^done,\ 1\ stopped\ in\ [0-9]+\.[0-9]\ s$ ]]
}

@test "the end of a process that a signal ended is 128 plus its number" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
	END
	g start
	g stop app
	assert_equal "the last line" "Process exited with status 143" "$(platform_lines app.1 | tail -n 1)"
}

@test "what a program prints at its end comes before its exit, even without a newline" {
	write_script last <<-'END'
		trap 'printf "the last words"; exit 0' TERM
		echo ready
		pause
	END
	start_app last
	g stop app.1
	assert_equal "the end of the log" "app[app.1]: the last words
heroku[app.1]: Process exited with status 0" "$(lines_of | grep -A 1 'last words')"
}

@test "with --json the result is a document" {
	write_polite_app
	start_app polite
	g --json stop app.1
	assert_equal "standard error" "" "$error"
	python3 -c '
import json, sys
answer = json.loads(sys.argv[1])
assert answer["code"] == 0, answer
assert [(d["dyno"], d["code"], d["text"]) for d in answer["dynos"]] == [("app.1", 0, "stopped")], answer' "$output"
}

@test "with --quiet nothing is said when all goes well" {
	write_polite_app
	start_app polite
	g stop -q app.1
	assert_equal "all output" "" "$output$error"
}

# Who is meant.

@test "a stop of one dyno leaves the others and the supervisor alone" {
	write_polite_app
	start_app polite 'scale = 2'
	local other
	other=$(pid_of app.2)
	g stop app.1
	assert_state app.1 down
	assert_state app.2 up
	assert_equal "the pid of app.2" "$other" "$(pid_of app.2)"
}

@test "a stop of a type stops all its dynos" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 3
		[process other]
		command = sleep 1000
	END
	g start
	g stop app
	for dyno in app.1 app.2 app.3; do
		assert_state "$dyno" down
	done
	assert_state other.1 up
}

@test "a stop without a target ends the supervisor too, and the next start finds the way free" {
	write_polite_app
	start_app polite
	local supervisor
	supervisor=$(events kind pid | sed -n 's/^supervisor-start //p')
	for _ in 1 2 3; do
		g stop
		assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
		g 3 ps
		g start
	done
	is_gone "$supervisor"
	assert_equal "how many supervisors there were" 4 "$(events kind | grep -c supervisor-start)"
}

@test "a start right behind a stop works every time" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
	END
	for _ in {1..60}; do
		"$GRACECTL" -c "$CONFIG" start -q 3>&-
		"$GRACECTL" -c "$CONFIG" stop -q
	done
}

@test "a stop of what is down is done at once and says nothing in the log" {
	write_polite_app
	start_app polite
	g stop app.1
	local before
	before=$(platform_lines app.1)
	g stop app.1
	assert_equal "the log" "$before" "$(platform_lines app.1)"
	assert_has "the sum" "done, 1 was down already" "$error"
	g --json stop app.1
	python3 -c 'import json, sys
answer = json.loads(sys.argv[1])
assert answer["code"] == 0, answer
assert answer["dynos"] == [{"dyno": "app.1", "code": 0, "text": "was down already", "already": True}], answer' "$output"
}

@test "what was down already is not counted as stopped" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 3
	END
	g start
	g stop app.3
	assert_has "one of one" "done, 1 stopped in" "$error"
	refute_has "one of one" "already" "$error"
	g stop app.1 app.3
	[[ $error =~ "done, 1 stopped in "[0-9.]+" s, 1 was down already" ]] || fail "the sum: $error"
	g stop
	[[ $error =~ "done, 1 stopped in "[0-9.]+" s, 2 were down already" ]] || fail "the sum: $error"
}

@test "a stop without a supervisor is told so by exit status 3" {
	write_polite_app
	write_config <<<$'[process app]\ncommand = ./polite'
	g 3 stop
	assert_equal "the message" "gracectl: no supervisor of shop runs; \`gracectl start\` starts one" "$error"
}

# Who is told, and how.

@test "every process of the dyno gets the signal" {
	write_script child <<-'END'
		trap 'echo "child told"; exit 0' TERM
		echo "child ready"
		pause
	END
	write_script parent <<-'END'
		trap 'echo "parent told"; wait; exit 0' TERM
		./child &
		echo ready
		wait
	END
	start_app parent
	wait_for_log app.1 'child ready'
	g stop app.1
	assert_equal "who was told" $'child told\nparent told' "$(output_of app.1 | grep told | sort)"
}

@test "stop_to = main: only the main process is told, its child when it has ended" {
	write_script child <<-'END'
		trap 'echo "child told"; exit 0' TERM
		echo "child ready"
		pause
	END
	write_script parent <<-'END'
		trap 'await_release; echo "parent ends"; exit 0' TERM
		./child &
		echo ready
		wait
		pause
	END
	start_app parent 'stop_to = main'
	wait_for_log app.1 'child ready'
	g_in_background stop app.1
	wait_for_log app.1 'Stopping main process with SIGTERM'
	release
	finish
	assert_equal "the order" $'parent ends\nchild told' "$(output_of app.1 | grep -v ready)"
}

@test "a ladder begins with the signal that the program needs" {
	write_script quitter <<-'END'
		trap 'echo "told to quit"; exit 0' QUIT
		trap 'echo "told to terminate"; exit 1' TERM
		echo ready
		pause
	END
	start_app quitter 'stop = QUIT/30/KILL/5'
	g stop app.1
	assert_equal "the output" $'ready\ntold to quit' "$(output_of app.1)"
	log_has app.1 'Stopping all processes with SIGQUIT'
}

@test "what a program starts for its clean-up is left alone" {
	write_script tidy <<-'END'
		trap 'sleep 0.3; echo "clean-up ended with $?"; exit 0' TERM
		echo ready
		pause
	END
	start_app tidy
	g stop app.1
	assert_equal "the output" $'ready\nclean-up ended with 0' "$(output_of app.1)"
}

# Who is waited for.

@test "a stop takes as long as the program needs, and is not done before" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	assert_state app.1 stopping
	is_running "$BACKGROUND"
	release
	finish
	assert_state app.1 down
	assert_equal "the output" $'ready\nfinishing\nfinished' "$(output_of app.1)"
}

@test "a slow child is waited for when its parent has ended, as with npm start" {
	write_slow_app
	write_script npm <<-'END'
		trap 'exit 0' TERM
		./slow &
		wait
	END
	start_app npm
	g_in_background stop app.1
	wait_for_log app.1 'Main process exited with status 0, waiting for 1 more: '
	wait_for_log app.1 finishing
	assert_state app.1 stopping
	release
	finish
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./npm`
		State changed from starting to up
		State changed from up to down
		Stopping all processes with SIGTERM
		Main process exited with status 0, waiting for 1 more: PID (slow)
		Process PID (slow) ended after N s, 0 left
		Process exited with status 0
	END
	assert_equal "the output" $'ready\nfinishing\nfinished' "$(output_of app.1)"
}

@test "a child that left the session of its dyno is told and waited for too" {
	write_slow_app
	write_script parent <<-'END'
		trap 'exit 0' TERM
		setsid ./slow &
		wait
	END
	start_app parent
	g_in_background stop app.1
	wait_for_log app.1 finishing
	assert_state app.1 stopping
	release
	finish
}

# Who is killed, and when not.

@test "R12: a process that ignores SIGTERM is killed when the time is up, and the command says so" {
	write_deaf_app
	start_app deaf 'stop = TERM/1/KILL/5'
	g 1 stop app.1
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./deaf`
		State changed from starting to up
		State changed from up to down
		Stopping all processes with SIGTERM
		Error R12 (Exit timeout) -> At least one process failed to exit within 1 seconds of SIGTERM
		Stopping remaining processes with SIGKILL
		Killed 1 process that did not end after SIGTERM: PID (deaf)
		Process exited with status 137
	END
	assert_has "the message" "gracectl: app.1 had to be killed: it did not end in time" "$error"
	assert_has "the message" "failed, 0 of 1 stopped" "$error"
	assert_state app.1 down
}

@test "nothing is killed before the time is up" {
	write_deaf_app
	start_app deaf 'stop = TERM/700ms/KILL/5'
	g 1 stop app.1
	events kind time | python3 -c '
import datetime, sys
at = {}
for line in sys.stdin:
    kind, time = line.split()
    at[kind] = datetime.datetime.fromisoformat(time[:26])
waited = (at["stop-kill"] - at["stop"]).total_seconds()
print("killed after", waited)
assert 0.7 <= waited < 5'
}

@test "a grandchild that ignores SIGTERM is named and killed" {
	write_deaf_app
	write_script parent <<-'END'
		trap 'exit 0' TERM
		(./deaf & wait) &
		wait
	END
	start_app parent 'stop = TERM/1/KILL/5'
	local deaf
	deaf=$(pgrep -f "^/bin/sh ./deaf$" --session "$(pid_of app.1)")
	g 1 stop app.1
	is_gone "$deaf"
	# The shell between them has ended too by then, or is about to.
	platform_lines app.1 | grep -qE "^Main process exited with status 0, waiting for [12] more: ([0-9]+ \(parent\), )?$deaf \(deaf\)$"
	log_has app.1 "Killed 1 process that did not end after SIGTERM: $deaf (deaf)"
	assert_equal "the last line" "Process exited with status 0" "$(platform_lines app.1 | tail -n 1)"
}

@test "a frozen process is killed when the time is up" {
	write_polite_app
	start_app polite 'stop = TERM/500ms/KILL/5'
	kill -STOP "$(pid_of app.1)"
	g 1 stop app.1
	log_has app.1 'At least one process failed to exit within 0.5 seconds of SIGTERM'
	assert_equal "the last line" "Process exited with status 137" "$(platform_lines app.1 | tail -n 1)"
}

@test "the rungs of a longer ladder come one after the other" {
	write_script hard <<-'END'
		trap 'echo "told to terminate"' TERM
		trap 'echo "told to stop"; exit 7' INT
		echo ready
		pause
	END
	start_app hard 'stop = TERM/300ms/INT/30/KILL/5'
	g stop app.1
	assert_equal "the lines of the stop" "Stopping all processes with SIGTERM
Stopping 1 remaining process with SIGINT
Process exited with status 7" "$(platform_lines app.1 | tail -n 3)"
	assert_equal "the output" $'ready\ntold to terminate\ntold to stop' "$(output_of app.1)"
}

# A second wish during the stop.

@test "a second stop goes on to the next rung, and both commands say what came of it" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	g_in_background stop app.1
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	g 1 stop app.1
	finish 1
	assert_has "the first" "app.1 had to be killed: it was asked to stop once more" "$error"
	g stops
	assert_has "the history" "SIGKILL was needed when it was asked to stop once more" "$output"
	assert_log app.1 <<-'END'
		State changed from down to starting
		Starting process with command `./deaf`
		State changed from starting to up
		State changed from up to down
		Stopping all processes with SIGTERM
		Stopping remaining processes with SIGKILL
		Killed 1 process that did not end after SIGTERM: PID (deaf)
		Process exited with status 137
	END
}

@test "a second stop takes one rung, not all" {
	write_script hard <<-'END'
		trap '' TERM
		trap 'echo "told to stop"; exit 0' INT
		echo ready
		pause
	END
	start_app hard 'stop = TERM/1h/INT/1h/KILL/5'
	g_in_background stop app.1
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	g stop app.1
	finish
	assert_equal "the output" $'ready\ntold to stop' "$(output_of app.1)"
}

@test "a stop of everything leaves a dyno that is stopping already its time; the next one hurries it" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	g_in_background stop app.1
	local first=$BACKGROUND
	wait_for_log app.1 'Stopping all processes with SIGTERM'
	g 4 stop --timeout 200ms
	assert_state app.1 stopping
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g 1 stop
	finish 1 "$first"
	assert_has "the first" "app.1 had to be killed: it was asked to stop once more" "$error"
}

@test "a stop of a type that has others to stop makes nobody hurry" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5' 'scale = 2'
	g 4 stop app.1 --timeout 200ms
	g 4 stop app --timeout 200ms
	assert_state app.1 stopping
	assert_state app.2 stopping
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g 1 stop app
	assert_has "the sum" "failed, 0 of 2 stopped" "$error"
}

@test "a start during a stop is kept as the wish: the old one ends in peace, then comes a new one" {
	write_slow_app
	start_app slow
	local old
	old=$(pid_of app.1)
	g_in_background stop app.1
	wait_for_log app.1 finishing
	local stopping=$BACKGROUND
	g_in_background start app.1
	wait_for_field app.1 wanted up
	assert_state app.1 stopping
	is_running "$old"
	release
	finish
	finish 1 "$stopping"
	assert_has "the stop that was overruled" "app.1 was stopped, and started again by another request" "$error"
	assert_state app.1 up
	is_gone "$old"
	assert_equal "the output of the old one" $'ready\nfinishing\nfinished' "$(output_of app.1 | head -n 3)"
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
	g_in_background stop app.1
	release
	finish
}

@test "a start while everything is being stopped waits for the end, and starts it anew" {
	write_slow_app
	start_app slow
	g_in_background stop
	local stop=$BACKGROUND first
	first=$(supervisor_pid)
	wait_for_log app.1 finishing
	g 4 start --timeout 100ms
	assert_has "the message" "not done after 0.1 s: the supervisor of shop is still ending, so nothing was started" "$error"
	g 1 restart
	assert_has "the message" 'the supervisor is ending; `gracectl start` waits for that and starts everything anew' "$error"
	g_in_background start
	wait_until "$PATIENCE" grep -qx "  the supervisor of shop is ending; another one is started after it" background.err
	release
	finish
	assert_has "the sum" "done, 1 up in" "$error"
	finish 0 "$stop"
	assert_has "the sum" "done, 1 stopped in" "$error"
	assert_state app.1 up
	[ "$(supervisor_pid)" != "$first" ] || fail "it is the same supervisor"
}

@test "Ctrl-C in a start that waits for the end of everything starts nothing" {
	write_slow_app
	start_app slow
	g_in_background stop
	local stop=$BACKGROUND
	wait_for_log app.1 finishing
	g_in_background --json start
	local start=$BACKGROUND
	wait_until "$PATIENCE" is_waiting_for_process "$start"
	kill -INT "$start"
	finish 1 "$start"
	assert_has "the message" "the supervisor of shop is still ending, so nothing was started" "$error"
	python3 -c 'import json, sys; assert json.loads(sys.argv[1])["code"] == 1' "$output"
	release
	finish 0 "$stop"
	g 3 ps
}

# is_waiting_for_process PID: it holds a descriptor of a process.
is_waiting_for_process() {
	find "/proc/$1/fd" -lname 'anon_inode:*pidfd*' | grep -q .
}

@test "a stop takes back the wish to start, without hurrying" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	g 4 start app.1 --timeout 100ms
	assert_field app.1 wanted up
	g 4 stop app.1 --timeout 100ms
	assert_field app.1 wanted down
	release
	finish
	assert_state app.1 down
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
}

# The command's own end.

@test "--timeout: the command gives up with exit status 4, the stop goes on" {
	write_slow_app
	start_app slow
	g 4 stop app.1 --timeout 200ms
	assert_has "the message" "the supervisor goes on with it, see \`gracectl ps\`" "$error"
	assert_has "the warning" "another \`gracectl stop\` would end it by force" "$error"
	assert_state app.1 stopping
	release
	wait_for_state app.1 down
}

@test "--timeout with --json: the document names the dynos that are not done" {
	write_slow_app
	start_app slow
	g 4 stop app.1 --timeout 200ms --json
	assert_equal "what is told of it" "[{'dyno': 'app.1', 'code': 4, 'text': 'not done yet'}] 4" \
		"$(python3 -c 'import json, sys; doc = json.load(sys.stdin); print(doc["dynos"], doc["code"])' <<<"$output")"
	release
	wait_for_state app.1 down
}

@test "Ctrl-C ends the command and says that the stop goes on" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	kill -INT "$BACKGROUND"
	finish 1
	assert_has "the message" "interrupted after" "$error"
	assert_has "the message" "the supervisor goes on with it, see \`gracectl ps\`" "$error"
	assert_has "the warning" "another \`gracectl stop\` would end it by force" "$error"
	assert_state app.1 stopping
	release
	wait_for_state app.1 down
}

# What is not up.

@test "a dyno that is not up yet can be stopped" {
	write_script booting <<-'END'
		trap 'exit 0' TERM
		echo ready
		pause
	END
	write_config <<-'END'
		[process app]
		command = ./booting
		port = auto
		ready = port
	END
	g_in_background start
	wait_for_log app.1 ready
	assert_state app.1 starting
	g stop app.1
	finish 1
	assert_has "the start" "app.1 was stopped before it came up" "$error"
	assert_state app.1 down
	log_has app.1 "State changed from starting to down"
}

@test "a dyno that waits after a crash is not tried again when it was stopped" {
	write_config <<-'END'
		[process app]
		command = false
		port = auto
		backoff = 1h
	END
	g 1 start
	assert_state app.1 cooling
	g stop app.1
	assert_state app.1 down
	assert_field app.1 next_try ""
	assert_equal "the last line" "State changed from crashed to down" "$(platform_lines app.1 | tail -n 1)"
}

@test "SIGTERM to the supervisor stops everything gracefully; a second one hurries" {
	write_slow_app
	write_deaf_app
	write_config <<-'END'
		[process app]
		command = ./slow
		[process deaf]
		command = ./deaf
		stop = TERM/1h/KILL/5
	END
	g_in_background daemon
	wait_for_log app.1 ready
	wait_for_log deaf.1 ready
	kill -TERM "$BACKGROUND"
	wait_for_log app.1 finishing
	release
	wait_for_log app.1 'Process exited with status 0'
	wait_until "$PATIENCE" a_signal_hurries deaf.1
	finish
	assert_equal "the end of the other" "Process exited with status 137" "$(platform_lines deaf.1 | tail -n 1)"
	assert_has "the journal" "supervisor-stop SIGTERM received" "$(events kind reason)"
	assert_has "what the daemon says" "info: SIGTERM received: everything is being stopped; a second signal, a second later or more, makes it hurry" "$error"
}

# a_signal_hurries DYNO: one more to the daemon, and its stop has gone on to SIGKILL.
a_signal_hurries() {
	log_has "$1" 'Stopping remaining processes with SIGKILL' || ! kill -TERM "$BACKGROUND"
}

# is_pending SIGNAL... PID: all of these wait for the process to go on.
is_pending() {
	local pid=${!#} signal mask

	mask=0x$(sed -n 's/^ShdPnd:\t//p' "/proc/$pid/status")
	for signal in "${@:1:$#-1}"; do
		((mask >> ($(kill -l "$signal") - 1) & 1)) || return 1
	done
}

@test "one wish to end that the supervisor hears twice is no hurry" {
	write_slow_app
	start_app slow
	local supervisor guard
	supervisor=$(supervisor_pid)
	guard=$(ps -o ppid= -p "$supervisor" | tr -d ' ')
	kill -STOP "$supervisor"
	wait_until "$PATIENCE" is_stopped "$supervisor"
	kill -INT "$supervisor"
	kill -TERM "$guard"
	wait_until "$PATIENCE" is_pending INT TERM "$supervisor"
	kill -CONT "$supervisor"
	wait_for_log app.1 finishing
	assert_state app.1 stopping
	release
	wait_until "$PATIENCE" is_gone "$guard"
	assert_equal "the last line" "Process exited with status 0" "$(platform_lines app.1 | tail -n 1)"
}

@test "SIGTERM to the guard leaves a dyno that is stopping already its time" {
	write_slow_app
	start_app slow
	g_in_background stop app.1
	wait_for_log app.1 finishing
	kill -TERM "$(ps -o ppid= -p "$(supervisor_pid)" | tr -d ' ')"
	wait_until "$PATIENCE" has_journal_line 'supervisor-stop SIGTERM received'
	assert_state app.1 stopping
	release
	finish
	refute_has "the log" SIGKILL "$(platform_lines app.1)"
}

@test "the first stop of everything leaves what a signal is stopping its time" {
	write_deaf_app
	start_app deaf 'stop = TERM/1h/KILL/5'
	kill -TERM "$(supervisor_pid)"
	wait_until "$PATIENCE" has_journal_line 'supervisor-stop SIGTERM received'
	g 4 stop --timeout 200ms
	assert_state app.1 stopping
	g 1 stop
	refute_has "the log" "failed to exit" "$(platform_lines app.1)"
}

has_journal_line() {
	events kind reason | grep -qxF "$1"
}
