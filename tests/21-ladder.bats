#!/usr/bin/env bats
# The graceful stop: who is told, and how; who is waited for; who is killed, and when not.

bats_require_minimum_version 1.5.0

load end-helpers

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
	assert_has "the message" "failed, 0 of 1 stopped gracefully" "$error"
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
	start_app hard 'stop = TERM/2/INT/30/KILL/5'
	g stop app.1
	assert_equal "the lines of the stop" "Stopping all processes with SIGTERM
Stopping 1 remaining process with SIGINT
Process exited with status 7" "$(platform_lines app.1 | tail -n 3)"
	assert_equal "the output" $'ready\ntold to terminate\ntold to stop' "$(output_of app.1)"
}
