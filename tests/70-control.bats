#!/usr/bin/env bats
# The control socket: whoever comes and whatever is said there, the supervisor goes on as before.

# $output and $error come from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load cycle-helpers

# A supervisor with one dyno that is up, and any number that are not. Usage: [NUMBER]
start_app() {
	write_config <<-END
		[process web]
		command = sleep 1000
		port = none
		[process other]
		command = sleep 1000
		scale = ${1:-2}
	END
	g start web
	SUPERVISOR=$(supervisor_pid)
	DESCRIPTORS=$(descriptors_of "$SUPERVISOR")
	WEB=$(pid_of web.1)
}

control() {
	python3 "$BATS_TEST_DIRNAME/control.py" "$RUN/control.sock" "$@" 3>&-
}

# It is the same supervisor, with the same dyno, as many descriptors as before, and it answers.
assert_undisturbed() {
	wait_until "$PATIENCE" has_descriptors "$DESCRIPTORS"
	g ps web
	assert_equal "the supervisor" "$SUPERVISOR" "$(supervisor_pid)"
	is_running "$SUPERVISOR"
	assert_equal "the process of web.1" "$WEB up" "$(pid_of web.1) $(field_of web.1 state)"
}

has_descriptors() {
	assert_equal "the descriptors" "$1" "$(descriptors_of "$SUPERVISOR")"
}

@test "only its owner may read and write the socket, and nobody else may list its directory" {
	start_app
	assert_equal "the socket" "600 $(id -u)" "$(stat -c '%a %u' "$RUN/control.sock")"
	[[ $(stat -c %a "$RUN") == 7[01][01] ]]
}

@test "what is no message at all is not answered, and the connection is closed" {
	start_app
	run -0 control frames
	assert_equal "what came of each" "closed" "$(cut -d ' ' -f 2- <<<"$output" | sed 's/.*: //' | sort -u)"
	assert_equal "how many" 7 "$(wc -l <<<"$output")"
	assert_undisturbed
}

@test "what is no request is answered with exit code 2 and a sentence" {
	start_app
	run -0 control documents
	assert_equal "answers" 19 "$(wc -l <<<"$output")"
	assert_equal "answers that are not code 2 with a sentence" "" "$(grep -vE ': code 2, .{10}' <<<"$output" || true)"
	assert_has "the version" "version 2: code 2, the client speaks version 2 of the protocol, the supervisor version 1" "$output"
	assert_has "the target" 'unknown target: code 2, there is no dyno or process type "nobody"; the types are: web (1), other (2)' "$output"
	assert_undisturbed
}

@test "3,000 messages of noise change nothing" {
	start_app
	control noise 3000
	assert_undisturbed
}

@test "half a message is no message" {
	start_app
	control halves 300
	assert_undisturbed
}

@test "a message in pieces of one byte is a message" {
	start_app
	run -0 control pieces
	assert_equal "the answer" "in pieces: code 0, " "$output"
	assert_undisturbed
}

@test "2,000 connections one after another leave nothing behind" {
	start_app
	control sequence 2000
	assert_undisturbed
}

@test "300 connections at once are all answered" {
	start_app
	run -0 control crowd 300
	assert_equal "the codes" "codes: {0}" "$output"
	assert_undisturbed
}

@test "clients that say nothing, or half of it, are sent away after a while; others are served meanwhile" {
	start_app
	control idlers 100 >heard &
	idlers=$!
	wait_until "$PATIENCE" grep -q connected heard
	g ps
	g start other.1
	g stop other.1
	wait "$idlers"
	assert_equal "the end" closed "$(tail -n 1 heard)"
	assert_undisturbed
}

@test "clients that ask for much and never read are sent away after a while; others are served meanwhile" {
	start_app 10000
	control mutes 10 >heard &
	mutes=$!
	wait_until "$PATIENCE" grep -q asked heard
	g ps web
	g ps
	assert_equal "all dynos" 10001 "$(grep -c '^[a-z]*\.[0-9]*:' <<<"$output")"
	g start other.7
	# They are gone for the supervisor while they still sit there.
	wait_until "$PATIENCE" has_no_client
	is_running "$mutes"
	touch go
	wait "$mutes"
	g stop other.7
	assert_undisturbed
}

@test "another user is refused, even when he can reach the socket" {
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
	start_app
	if [ "$(id -u)" -eq 0 ]; then
		cp "$BATS_TEST_DIRNAME/control.py" "$RUN"
		chmod 755 "$RUN" "$RUN/control.py"
		as_nobody=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups
			/usr/bin/python3 "$RUN/control.py" "$RUN/control.sock" refused)
		run -1 "${as_nobody[@]}"
		assert_has "the error" "Permission denied" "$output"
		chmod 666 "$RUN/control.sock"
		run -0 "${as_nobody[@]}"
		assert_equal "the answer" "refused: closed" "$output"
	fi
	assert_undisturbed
	g stop
	rm -r "$RUN"
}

@test "root operates the application of another user" {
	if [ "$(id -u)" -eq 0 ]; then
		local home

		home=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
		CONFIG=$home/gracectl.ini STATE=$home/state RUN=$home/run
		printf '%s\n' "[app]" "name = shop" "state_dir = $STATE" "run_dir = $RUN" \
			"[process web]" "command = sleep 1000" "port = none" >"$CONFIG"
		cp "$GRACECTL" "$home/gracectl"
		chown -R nobody "$home"
		setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups \
			"$home/gracectl" -c "$CONFIG" start -q 3>&-
		assert_equal "the user of the supervisor" nobody "$(ps -o user= -p "$(supervisor_pid)")"
		assert_state web.1 up
		g restart
		g stop
		rm -r "$home"
	fi
}

# Clients that go away while they are waited for.

# A dyno that ends when the test calls `release`.
start_slow_app() {
	write_script slow <<-'END'
		trap 'echo ending; await_release; exit 0' TERM
		echo ready
		pause
	END
	write_config <<-'END'
		[process slow]
		command = ./slow
	END
	g start
	wait_for_output slow.1 ready
	SUPERVISOR=$(supervisor_pid)
	DESCRIPTORS=$(descriptors_of "$SUPERVISOR")
}

# vanish SIGNAL: the command in the background is ended by it. Sets status.
vanish() {
	kill "-$1" "$BACKGROUND"
	status=0
	wait "$BACKGROUND" || status=$?
}

@test "a client that is killed during a stop does not end the stop" {
	start_slow_app
	g_in_background stop slow.1
	wait_for_output slow.1 ending
	vanish KILL
	assert_equal "how it ended" 137 "$status"
	wait_until "$PATIENCE" has_no_client
	assert_state slow.1 stopping
	release
	wait_for_state slow.1 down
	assert_last_lines slow.1 <<-'END'
		State changed from up to down
		Stopping all processes with SIGTERM
		Process exited with status 0
	END
}

@test "Ctrl-C during a stop leaves the supervisor at its work, and says so" {
	start_slow_app
	g_in_background stop slow.1
	wait_for_output slow.1 ending
	vanish INT
	assert_equal "the exit status" 1 "$status"
	assert_has "what it says" "the supervisor goes on with it, see \`gracectl ps\`" "$(<background.err)"
	release
	wait_for_state slow.1 down
}

@test "when some of those who wait for a stop go away, the others get their answer" {
	start_slow_app
	g_in_background stop slow.1
	wait_for_output slow.1 ending
	for i in 1 2 3; do
		"$GRACECTL" -c "$CONFIG" start slow.1 >"start.$i" 2>&1 3>&- &
		starters[i]=$!
	done
	wait_for_field slow.1 wanted up
	kill -KILL "${starters[1]}" "${starters[3]}"
	wait "${starters[1]}" "${starters[3]}" || true
	release
	wait "${starters[2]}"
	wait "$BACKGROUND" || true
	assert_state slow.1 up
	wait_until "$PATIENCE" has_descriptors "$DESCRIPTORS"
	g_in_background stop
	wait_for_output slow.1 ending 2
	release
	finish
}

@test "when the client goes away that wanted the whole application stopped, it is stopped all the same" {
	start_slow_app
	g_in_background stop
	wait_for_output slow.1 ending
	vanish KILL
	release
	wait_until "$PATIENCE" is_gone "$SUPERVISOR"
	g 3 ps
	has_line slow.1 "Process exited with status 0"
}

@test "a command waits for an answer no longer than its --timeout, and does not say that it was heard" {
	start_app
	kill -STOP "$SUPERVISOR"
	g 4 stop web --timeout 200ms
	kill -CONT "$SUPERVISOR"
	assert_has "the message" "no answer within 0." "$error"
	assert_has "the message" " s: the supervisor of shop did not answer, so it may not have heard this" "$error"
	refute_has "the message" "goes on with it" "$error"
}
