#!/usr/bin/env bats
# The graceful stop: what is said, who is meant, and how the command ends.

bats_require_minimum_version 1.5.0

load end-helpers

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

# The command's own end.

@test "--timeout: the command gives up with exit status 4, the stop goes on" {
	write_slow_app
	start_app slow
	g 4 stop app.1 --timeout 2s
	assert_has "the message" "the supervisor goes on with it, see \`gracectl ps\`" "$error"
	assert_has "the warning" "another \`gracectl stop\` would end it by force" "$error"
	assert_state app.1 stopping
	release
	wait_for_state app.1 down
}

@test "--timeout with --json: the document names the dynos that are not done" {
	write_slow_app
	start_app slow
	g 4 stop app.1 --timeout 2s --json
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
