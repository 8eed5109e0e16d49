#!/usr/bin/env bats
# What a process is given at its start: variables, ports, descriptors, signals, session, directory.

bats_require_minimum_version 1.5.0

load helpers

# A dyno that shows what it was given; further lines for [process app] as arguments.
start_shower() {
	write_script shower <<-'END'
		env | sort | sed 's/^/env /'
		echo "umask $(umask)"
		echo "workdir $(pwd)"
		read -r line || echo "nothing to read"
		echo ready
		exec sleep 1000
	END
	write_config <<-END
		[process app]
		command = $BATS_TEST_TMPDIR/shower
		$(printf '%s\n' "$@")
	END
	g start
	wait_for_log app.1 ready
}

# assert_env NAME VALUE: the newest instance of app.1 has this variable.
assert_env() {
	assert_equal "\$$1" "$2" "$(output_of app.1 | sed -n "s/^env $1=//p" | tail -n 1)"
}

refute_env() {
	refute_has "the environment" "env $1=" "$(output_of app.1)"
}

@test "a process has DYNO, and PORT only when it has a port" {
	start_shower
	assert_env DYNO app.1
	refute_env PORT
}

@test "a process with a port has a fresh one at each start" {
	export PORT=1 DYNO=somebody.7
	start_shower 'port = auto' 'ready = none'
	local first
	first=$(field_of app.1 port)
	assert_env PORT "$first"
	assert_env DYNO app.1
	((first > 1023))
	g restart
	wait_until "$PATIENCE" eval '[ "$(output_of app.1 | grep -c ^ready)" -eq 2 ]'
	assert_env PORT "$(field_of app.1 port)"
	((first != $(field_of app.1 port)))
}

@test "the dynos of a type have different ports" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 20
		port = auto
		ready = none
	END
	g start
	assert_equal "the different ports" 20 "$("$GRACECTL" -c "$CONFIG" --json ps | grep -o '"port" : [1-9][0-9]*, "launch"' | sort -u | wc -l)"
}

@test "a fixed port is that of the first dyno, the second has the next one" {
	write_config <<-'END'
		[process app]
		command = sleep 1000
		scale = 2
		port = 20123
		ready = none
	END
	g start
	assert_field app.1 port 20123
	assert_field app.2 port 20124
}

@test "the process's variables count more than those of [defaults], these more than .env, this more than the shell" {
	cat >.env <<-'END'
		A=file
		B=file
		C=file
		export QUOTED="two words"
	END
	export A=shell B=shell C=shell D=shell
	write_script shower <<-'END'
		env | sort | sed 's/^/env /'
		echo ready
		exec sleep 1000
	END
	write_config <<-'END'
		env.A = defaults
		env.B = defaults
		[process app]
		command = ./shower
		env.A = process
	END
	g start
	wait_for_log app.1 ready
	assert_env A process
	assert_env B defaults
	assert_env C file
	assert_env D shell
	assert_env QUOTED "two words"
}

@test "a process reads nothing, and writes to its log with both outputs" {
	write_script talker <<-'END'
		cat
		echo "to the output"
		echo "to the errors" >&2
		echo ready
		exec sleep 1000
	END
	write_config <<<$'[process app]\ncommand = ./talker'
	echo "not for it" | g start
	wait_for_log app.1 ready
	assert_equal "the output" "to the output
to the errors
ready" "$(output_of app.1)"
}

@test "neither the supervisor nor a process inherits a descriptor of the shell" {
	write_sleepers
	exec 9>held
	g start
	exec 9>&-
	local pid
	for pid in "$(supervisor_pid)" "$(pid_of app.1)"; do
		refute_has "the descriptors of $pid" "$BATS_TEST_TMPDIR/held" "$(ls -l "/proc/$pid/fd")"
	done
	# Beside the three it has the lock by which it is known, and nothing else.
	assert_equal "the descriptors of app.1" "0 1 2 200" "$(find "/proc/$(pid_of app.1)/fd" -type l -printf '%f\n' |
		sort -n | paste -sd ' ')"
}

@test "a process has no signal ignored or blocked, whatever the shell had" {
	write_sleepers
	(
		trap '' HUP INT QUIT PIPE TERM CHLD USR1
		"$GRACECTL" -c "$CONFIG" start -q 3>&-
	)
	local pid
	pid=$(pid_of app.1)
	assert_equal "ignored" 0000000000000000 "$(sed -n 's/^SigIgn:\t//p' "/proc/$pid/status")"
	assert_equal "blocked" 0000000000000000 "$(sed -n 's/^SigBlk:\t//p' "/proc/$pid/status")"
}

@test "a process leads its own session and process group" {
	write_sleepers
	g start
	local pid
	pid=$(pid_of app.1)
	assert_equal "group and session" "$pid $pid" "$(ps -o pgid=,sid= -p "$pid" | xargs)"
}

@test "a command without characters of the shell is executed directly, others by sh" {
	write_config <<-'END'
		[process direct]
		command = sleep 1000
		[process shell]
		command = sleep 1000 | cat
	END
	g start
	wait_until "$PATIENCE" eval '[ "$(ps -o args= -p "$(pid_of direct.1)")" = "sleep 1000" ]'
	assert_equal "the other" "/bin/sh -c sleep 1000 | cat" "$(ps -o args= -p "$(pid_of shell.1)")"
}

@test "a process has the umask and the working directory of its configuration" {
	mkdir -p below
	start_shower 'umask = 027' 'workdir = below'
	assert_has "the output" "umask 0027" "$(output_of app.1)"
	assert_has "the output" "workdir $BATS_TEST_TMPDIR/below" "$(output_of app.1)"
	assert_has "the output" "nothing to read" "$(output_of app.1)"
}
