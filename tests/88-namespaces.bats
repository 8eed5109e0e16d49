#!/usr/bin/env bats
# Other pid namespaces: a supervisor in one of its own, and a command that sees it from outside.

bats_require_minimum_version 1.5.0

load adopt-helpers

@test "a supervisor whom the next one could not see, and that has lost everything to it, stops its dynos and ends" {
	local supervisor guard pid

	write_script app <<-'END'
		trap 'echo "$DYNO of $PPID stops" >>told; exit 0' TERM
		echo ready
		pause
	END
	write_config <<<$'[process app]\ncommand = ./app'
	g start
	wait_for_output app.1 ready
	pid=$(pid_of app.1) supervisor=$(supervisor_pid) guard=$(guard_pid)
	kill -STOP "$supervisor"
	wait_until "$PATIENCE" is_stopped "$supervisor"
	rm -r "$STATE" "$RUN"
	start_daemon unshare --map-root-user --pid --fork --mount-proc
	wait_for_state app.1 up
	kill -CONT "$supervisor"

	wait_until "$PATIENCE" is_gone "$guard"
	is_gone "$pid"
	assert_equal "who was told to stop" "app.1 of $supervisor stops" "$(<told)"
	assert_state app.1 up
	assert_equal "what the journal tells" "supervisor-start -
state app.1
launch app.1
state app.1" "$(events kind dyno)"
	g stop
}

@test "where /proc is that of another pid namespace nothing is started, and what to do about it is said" {
	local command

	write_config <<<$'[process app]\ncommand = touch started'
	for command in start daemon; do
		status=0
		timeout "$PATIENCE" unshare --map-root-user --pid --fork --kill-child "$GRACECTL" -c "$CONFIG" "$command" \
			>said 2>&1 3>&- || status=$?
		assert_equal "what $command says" "gracectl: /proc does not show the processes of this pid namespace; \
mount the one that does, as \`unshare --mount-proc\` would" "$(<said)"
		assert_equal "its exit status" 1 "$status"
	done
	[ ! -e started ] || fail "the program was started"
}

@test "a stop from another pid namespace ends when the supervisor has ended, and waits for no stranger" {
	local began

	write_config <<<$'[process app]\ncommand = sleep 1000'
	start_daemon unshare --map-root-user --pid --fork --mount-proc # its guard is process 1 in there
	wait_for_state app.1 up
	began=$SECONDS
	g stop
	((SECONDS - began < 5)) || fail "process 1 out here was waited for"
	[ ! -e "$RUN/control.sock" ] || fail "the supervisor has not ended"
	wait "$DAEMON"
}

@test "where /proc hides the processes of others, a stop ends all the same" {
	local dir pid

	[ "$(id -u)" -eq 0 ] || skip "it takes root to become somebody else"
	dir=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
	cp "$GRACECTL" "$dir/gracectl"
	printf '[app]\nname = hidden\nstate_dir = %s/state\nrun_dir = %s/run\n[process app]\ncommand = sleep 1000\n' \
		"$dir" "$dir" >"$dir/gracectl.ini"
	chown -R nobody "$dir"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t proc -o hidepid=1 proc /proc && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"' sh \
		"$dir/gracectl" -c "$dir/gracectl.ini" daemon >"$dir/said" 2>&1 3>&- &
	pid=$!
	wait_until "$PATIENCE" grep -q '"to" : "up"' "$dir/state/journal.1.jsonl"
	kill -TERM "$pid"
	wait_until "$PATIENCE" is_gone "$pid"
	assert_has "what was told" '"kind" : "stopped"' "$(<"$dir/state/journal.1.jsonl")"
	rm -r "$dir"
}
