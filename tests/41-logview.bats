#!/usr/bin/env bats
#
# `logs` and `events` without a supervisor, on a state directory that mklog has made.

# Variables such as $error are set by the helpers.
# shellcheck disable=SC2154

load helpers
bats_require_minimum_version 1.5.0

MKLOG=${MKLOG:-${GRACECTL%/*}/tests/unit/mklog}

# given_log [PIECE_SIZE]: the standard input is a script for mklog.
given_log() {
	[ -e "$CONFIG" ] || write_config <<-'END'
		[process web]
		command = sleep 1
	END
	"$MKLOG" "$STATE" "$@"
}

given_a_day() {
	given_log <<-'END'
		2026-06-09T16:13:38.269578123Z event - 0 supervisor-start pid=12|version=1.0
		2026-06-09T16:13:38.300000Z event web.1 1 launch command=npm start|pid=77
		2026-06-09T16:13:39Z out web.1 1 App running on port 57267...\n
		2026-06-09T16:13:39.5Z event web.1 1 state from=starting|to=up
		2026-06-09T16:13:41Z out worker.1 1 working\n
		2026-06-09T16:13:42Z event web.1 1 stop signal=SIGTERM|processes=2
		2026-06-09T16:13:43Z event web.1 1 exit status=143|seconds=5
	END
}

# on_terminal COMMAND: runs a command line with a terminal as its standard output; $output is what it printed.
on_terminal() {
	output=$(TERM=xterm script -qec "$1" /dev/null </dev/null | tr -d '\r')
}

@test "a line has time, source, dyno and text, as on Heroku" {
	given_a_day
	g logs -n 1
	assert_equal "the line" \
		"2026-06-09T16:13:43.000000+00:00 heroku[web.1]: Process exited with status 143" "$output"
	g logs -s app
	assert_equal "the output of the dynos" \
		"2026-06-09T16:13:39.000000+00:00 app[web.1]: App running on port 57267...
2026-06-09T16:13:41.000000+00:00 app[worker.1]: working" "$output"
	g logs --since 2026-06-09T16:13:38Z -s heroku -d supervisor
	assert_equal "an event without dyno" \
		"2026-06-09T16:13:38.269578+00:00 heroku[supervisor]: Supervisor 1.0 started with pid 12" "$output"
}

@test "the filters come first, then the last lines are counted" {
	given_a_day
	g logs -d worker.1 -n 1
	assert_has "the line of a dyno that is not among the last" "app[worker.1]: working" "$output"
	g logs -p web -s heroku --num 2
	assert_equal "the number of lines" 2 "$(wc -l <<<"$output")"
	g logs --since 2026-06-09T16:13:42Z
	assert_equal "the number of lines since a time" 2 "$(wc -l <<<"$output")"
	g logs -n 0
	assert_equal "no lines" "" "$output"
}

@test "all the names of an option mean the same" {
	given_a_day
	for option in "-d worker.1" "--dyno worker.1" "--dyno-name worker.1" "-p worker" "--ps worker" \
		"--process-type worker"; do
		# shellcheck disable=SC2086 # two words
		g logs $option
		assert_has "logs $option" "app[worker.1]: working" "$output"
		refute_has "logs $option" "web.1" "$output"
	done
}

@test "an unknown dyno is told, with those that there are" {
	given_a_day
	for command in logs events stops; do
		for words in web.9 "-d web.9" "-p web.9" "worker web.9 web.1"; do
			# shellcheck disable=SC2086 # several words
			g 2 "$command" $words
			assert_equal "the message" 'gracectl: there is no dyno or process type "web.9"; there are: web.1, worker.1' "$error"
			assert_equal "the output" "" "$output"
		done
		g 2 "$command" wbe nothing.1
		assert_has "the message about two" 'type "wbe" (did you mean "web"?), "nothing.1"; there are: web.1, worker.1' "$error"
	done
}

@test "a dyno that has said nothing is none that is not there" {
	write_config <<-'END'
		[process quiet]
		command = sleep 1000
	END
	g start
	g logs -s app -d quiet.1
	assert_equal "what is shown" "" "$output$error"
	g 2 logs -d quiet.2
	assert_equal "the message" 'gracectl: there is no dyno or process type "quiet.2"; there are: quiet.1' "$error"
	sed -i 's/quiet\]/quiet]\nscale = 2/' "$CONFIG"
	g logs quiet.2 # the next start will know it
	assert_equal "what is shown" "" "$output$error"
}

@test "targets choose, each a dyno or a type, and so do -d and -p" {
	given_a_day
	given_log <<<'now out other.1 1 something else\n'
	g logs web.1 worker
	assert_has "both" "app[worker.1]: working" "$output"
	assert_has "both" "app[web.1]: App running" "$output"
	refute_has "both" "something else" "$output"
	local both=$output
	for words in "-d web.1 worker" "-p web -d worker.1" "web worker.1" "worker --dyno web" "worker --ps web.1"; do
		# shellcheck disable=SC2086 # several words
		g logs $words
		assert_equal "logs $words" "$both" "$output"
	done
	g logs supervisor
	assert_has "events of none" "heroku[supervisor]: Supervisor 1.0 started" "$output"
	refute_has "events of none" "web" "$output"
	g events -n 1 web.1
	assert_has "an event of web.1" " exit " "$output"
	g events worker other
	assert_equal "of those there is no event" "" "$output$error"
}

@test "who is only in the journal is known" {
	given_a_day
	given_log <<<"now event gone.1 1 note text=hello"
	rm -rf "$STATE/log/gone.1"
	g logs -s app gone
	assert_equal "what is shown" "" "$output$error"
	g logs gone.1
	assert_has "what is shown" "hello" "$output"
}

@test "a time without its zone is one of the application's time zone, unless TZ names another" {
	given_a_day
	sed -i 's|^root = .*|&\ntimezone = Asia/Kathmandu|' "$CONFIG" # UTC+5:45
	unset TZ
	g logs --since "2026-06-09 21:58:42"
	assert_equal "the number of lines" 2 "$(wc -l <<<"$output")"
	g events --until "2026-06-09 21:58:39" --since 2026-06-09
	assert_equal "the number of events" 2 "$(wc -l <<<"$output")"
	TZ=UTC g logs --since "2026-06-09 16:13:42"
	assert_equal "the number of lines" 2 "$(wc -l <<<"$output")"
}

@test "wrong use is told and exits with 2" {
	given_a_day
	for wrong in "-n many" "-n -1" "-s syslog" "--since yesterday" "web.2" \
		"--raw --json" "--since" "--colour"; do
		# shellcheck disable=SC2086 # several words
		g 2 logs $wrong
		assert_has "logs $wrong" "gracectl: " "$error"
		assert_equal "the output of logs $wrong" "" "$output"
	done
	g 2 events --raw
}

@test "before the first start there is no log, and that is told" {
	write_config <<-'END'
		[process web]
		command = sleep 1
	END
	for directory in absent empty; do
		for words in logs "logs web" events stops "stops --summary" "stops --plot" "stops --plot none.svg"; do
			# shellcheck disable=SC2086 # several words
			g 1 $words
			assert_equal "the message of $words, the directory being $directory" \
				"gracectl: there is no log in $STATE yet: nothing has been started there" "$error"
		done
		mkdir -p "$STATE"
	done
}

@test "who follows before the first start waits for it" {
	write_config <<-'END'
		[process web]
		command = echo hello; exec sleep 1000
		port = none
	END
	for command in logs events; do
		rm -rf "$STATE"
		g_in_background "$command" -t web
		wait_until "$PATIENCE" grep -q "there is no log in $STATE yet; waiting for it" background.err
		g start
		wait_until "$PATIENCE" grep -q "$([ "$command" == logs ] && echo 'app\[web.1\]: hello' || echo ' to=up')" background.out
		kill -INT "$BACKGROUND"
		finish 0
		g stop
	done
	rm -rf "$STATE"
	codes=$("$GRACECTL" -c "$CONFIG" logs -t | true; echo "${PIPESTATUS[*]}")
	assert_equal "the exit codes when the reader goes away" "0 0" "$codes"
}

@test "every line of --json is a document, whatever the line holds" {
	given_log <<-'END'
		2026-06-09T16:13:40.123456789Z out web.1 3 \x1b[31m"quoted" \x00 \xff caf\xc3\xa9\ttab\n
		2026-06-09T16:13:41Z event web.1 3 exit status=0|seconds=1
	END
	g logs --json
	python3 - <<-'END' "$BATS_TEST_TMPDIR/stdout"
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
		assert lines == [
		    {"time": "2026-06-09T16:13:40.123456789Z", "source": "app", "dyno": "web.1", "launch": 3,
		     "message": '\x1b[31m"quoted" \x00 \ufffd caf\u00e9\ttab'},
		    {"time": "2026-06-09T16:13:41.000000000Z", "source": "heroku", "dyno": "web.1", "launch": 3,
		     "message": "Process exited with status 0"}], lines
	END
}

@test "a pipe gets every byte as it was written, a terminal nothing but text" {
	given_log <<-'END'
		2026-06-09T16:13:40Z out web.1 1 \x1b]0;evil\x07 \x9b \xc2\x9b2J \x7f \xff caf\xc3\xa9\ttab\r\n
	END
	g logs
	assert_equal "the bytes in a pipe" \
		"$(printf '\033]0;evil\007 \233 \302\2332J \177 \377 caf\303\251\ttab\r')" "${output#*: }"
	on_terminal "'$GRACECTL' -c '$CONFIG' --no-color logs"
	assert_equal "the text on a terminal" \
		"$(printf '\\x1b]0;evil\\x07 \\x9b \\xc2\\x9b2J \\x7f \\xff caf\303\251\ttab')" "${output#*: }"
	on_terminal "'$GRACECTL' -c '$CONFIG' --no-color logs --raw"
	assert_has "the bytes on a terminal with --raw" "$(printf '\033]0;evil\007')" "$output"
}

@test "names and words have colours, but only on a terminal and when they are wanted" {
	given_a_day
	g logs
	refute_has "the log in a pipe" $'\033' "$output"
	on_terminal "'$GRACECTL' -c '$CONFIG' logs"
	assert_has "web is cyan" $'\033[36m2026-06-09T16:13:39.000000+00:00 app[web.1]:\033[0m App' "$output"
	assert_has "SIGTERM is red" $'\033[31mStopping all processes with SIGTERM\033[0m' "$output"
	assert_has "up is green" $'to \033[32mup\033[0m' "$output"
	assert_has "a status that is not 0 is red" $'status \033[31m143\033[0m' "$output"
	on_terminal "NO_COLOR=1 '$GRACECTL' -c '$CONFIG' logs"
	refute_has "with NO_COLOR" $'\033' "$output"
	on_terminal "'$GRACECTL' -c '$CONFIG' --no-color logs"
	refute_has "with --no-color" $'\033' "$output"
}

@test "a long line, a line over many pieces and a last line without newline come through" {
	local long
	long=$(head -c 30000 /dev/zero | tr '\0' x)
	printf '%s\n' "2026-06-09T16:13:40Z out web.1 1 $long\\nend" | given_log 4096
	g logs -n 2
	assert_equal "the long line" "$long" "$(sed -n '1s/^[^ ]* [^ ]* //p' <<<"$output")"
	assert_equal "the last line" "end" "$(sed -n '2s/^[^ ]* [^ ]* //p' <<<"$output")"
	g logs -n 1
	assert_has "the last line alone" "app[web.1]: end" "$output"
}

@test "what a program prints comes through byte by byte: three megabytes in a line, NUL, no newline at the end" {
	cat >odd.py <<-'END'
		import sys
		out = sys.stdout.buffer
		out.write(b"z" * 3000000 + b"\nx\0y\n" + bytes(range(9)) + b"\xff\n" + b"no newline")
	END
	write_config <<-'END'
		log_segment = 1M
		[process odd]
		command = python3 odd.py
	END
	gracectl -c "$CONFIG" start # it is up at once, and ends, which is a crash that the start may see
	wait_for_state odd.1 crashed
	"$GRACECTL" -c "$CONFIG" logs -s app -d odd.1 >whole
	python3 - <<-'END'
		lines = [line.split(b"]: ", 1)[1] for line in open("whole", "rb").read().split(b"\n")[:-1]]
		assert [len(line) for line in lines] == [3000000, 3, 10, 10], [len(line) for line in lines]
		assert lines == [b"z" * 3000000, b"x\0y", bytes(range(9)) + b"\xff", b"no newline"], lines[1:]
	END
}

@test "twenty who follow get every line, and the supervisor knows nothing of them" {
	local i before supervisor
	write_script writer <<-'END'
		echo ready
		await_release
		for i in 1 2 3 4 5; do echo "line $i"; done
		pause
	END
	write_config <<<$'[process app]\ncommand = ./writer'
	g start
	wait_for_log app.1 ready
	supervisor=$(supervisor_pid)
	before=$(descriptors_of "$supervisor")
	local pids=()
	for i in {1..20}; do
		g_in_background logs -t -n 1 -s app
		pids+=("$BACKGROUND")
	done
	for i in "${pids[@]}"; do
		wait_until "$PATIENCE" grep -q ready "background.$i.out"
	done
	assert_equal "the descriptors" "$before" "$(descriptors_of "$supervisor")"
	release
	for i in "${pids[@]}"; do
		wait_until "$PATIENCE" grep -q "line 5" "background.$i.out"
		kill -INT "$i"
		finish 0 "$i"
		assert_equal "the lines of one" "ready,line 1,line 2,line 3,line 4,line 5" \
			"$(sed 's/.*app\[app.1\]: //' <<<"$output" | paste -sd ,)"
	done
}

@test "events shows every field, and the documents with --json" {
	given_a_day
	g events -n 2
	assert_equal "two events" \
		"2026-06-09T16:13:42.000000+00:00 web.1      stop            launch=1 signal=SIGTERM processes=2
2026-06-09T16:13:43.000000+00:00 web.1      exit            launch=1 status=143 seconds=5" "$output"
	g events -d web.1 --since 2026-06-09T16:13:38Z
	assert_has "a value of several words" 'command="npm start"' "$output"
	g --json events -n 1
	assert_equal "the document" "5 exit 143" \
		"$(python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["seq"], e["kind"], e["status"])' <<<"$output")"
}

@test "a reader that goes away ends the log with 0, a full disk is an error" {
	local codes
	given_a_day
	codes=$("$GRACECTL" -c "$CONFIG" logs | head -n 1 >head.out; echo "${PIPESTATUS[*]}")
	assert_equal "the exit codes of logs and head" "0 0" "$codes"
	codes=$("$GRACECTL" -c "$CONFIG" logs -t -n 1 | head -n 1 >head.out; echo "${PIPESTATUS[*]}")
	assert_equal "the exit codes of logs -t and head, nothing more being written" "0 0" "$codes"
	status=0
	"$GRACECTL" -c "$CONFIG" logs >/dev/full 2>full.err || status=$?
	assert_equal "the exit code on a full disk" 1 "$status"
	assert_has "the message" "the output could not be written: No space left on device" "$(<full.err)"
}

# A long text goes past the buffer of the stream, a short one through it.
@test "who follows into a full disk is told so at once, not when the next line comes" {
	local long
	long=$(printf 'long%.0s' {1..3000})
	given_log <<-END
		2026-06-09T16:13:40Z event web.1 1 launch command=$long
		2026-06-09T16:13:41Z out web.1 1 short\\n$long\\n
	END
	for words in "logs -t -n 1" "logs -t" "logs -t -n 1 --json" "events -t"; do
		status=0
		# shellcheck disable=SC2086
		timeout "$PATIENCE" "$GRACECTL" -c "$CONFIG" $words >/dev/full 2>full.err || status=$?
		assert_equal "the exit code of $words" 1 "$status"
		assert_equal "the message" "gracectl: the output could not be written: No space left on device" \
			"$(<full.err)"
	done
}

@test "logs -t shows what is written, over restarts and new pieces, until it is interrupted" {
	given_a_day
	g_in_background logs -t -n 1
	wait_until "$PATIENCE" grep -q "status 143" background.out
	given_log 64 <<-'END'
		now event web.1 2 launch command=npm start
		now out web.1 2 a first line of the new instance, long enough for a piece of its own
		now out web.1 2 \nin the next piece\nincomplete
	END
	wait_until "$PATIENCE" grep -q "in the next piece" background.out
	given_log 64 <<-'END'
		now out webhook.1 1 a new dyno\n
	END
	wait_until "$PATIENCE" grep -q "a new dyno" background.out
	given_log 64 <<<"now event web.1 2 exit status=1"
	wait_until "$PATIENCE" grep -q "status 1$" background.out
	kill -INT "$BACKGROUND"
	finish 0
	assert_equal "the lines" "heroku[web.1]: Process exited with status 143
heroku[web.1]: Starting process with command \`npm start\`
app[web.1]: a first line of the new instance, long enough for a piece of its own
app[web.1]: in the next piece
app[webhook.1]: a new dyno
app[web.1]: incomplete
heroku[web.1]: Process exited with status 1" "$(cut -d ' ' -f 2- background.out)"
}

@test "events -t follows the journal and ends with 0 on SIGTERM" {
	given_a_day
	g_in_background events -t -n 0
	wait_until "$PATIENCE" follows
	kill -TERM "$BACKGROUND"
	finish 0
}

# An event that is written now is shown.
follows() {
	given_log <<<"now event web.1 2 note text=hello" && grep -q "text=hello" background.out
}

@test "following an unknown dyno says so and waits for it" {
	given_a_day
	g_in_background logs -t -d later.1
	wait_until "$PATIENCE" grep -q 'no dyno or process type "later.1"; .*; waiting for it' background.err
	given_log <<<"now out later.1 1 here I am\n"
	wait_until "$PATIENCE" grep -q "app\[later.1\]: here I am" background.out
	kill -INT "$BACKGROUND"
	finish 0
}
