# What the tests of crashes, programs, the cycle and the control socket need besides helpers.bash.

load helpers

# A dyno that is up until it is killed. Usage: [LINE...] of its section.
start_steady_job() {
	write_config <<-END
		[process job]
		command = sleep 1000
		$(printf '%s\n' "$@")
	END
	g start
}

# count_lines DYNO LINE: how often the platform said exactly this of the dyno.
count_lines() {
	platform_lines "$1" | grep -cxF -- "$2"
}

# wait_for_line DYNO LINE [COUNT]: the platform has said exactly this, at least so often.
wait_for_line() {
	wait_until "$PATIENCE" has_line "$@"
}

has_line() {
	(($(count_lines "$1" "$2") >= ${3:-1}))
}

# main_lines DYNO: what the platform said of the dyno, without the phases of its stops, which differ with luck.
main_lines() {
	platform_lines "$1" |
		grep -vE '^(Open at the signal: |(Not accepting any more|Drained|Released) after |Process [0-9]+ \(.*\) ended after )'
}

# assert_first_lines DYNO: what the platform said of the dyno begins with the standard input.
# assert_last_lines DYNO: it ends with it. Both look at the main lines.
assert_first_lines() {
	local expected

	expected=$(cat)
	assert_equal "the first lines of $1" "$expected" \
		"$(main_lines "$1" | head -n "$(wc -l <<<"$expected")")"
}

assert_last_lines() {
	local expected

	expected=$(cat)
	assert_equal "the last lines of $1" "$expected" \
		"$(main_lines "$1" | tail -n "$(wc -l <<<"$expected")")"
}

# event_times KIND DYNO: the times of these events, in milliseconds since 1970, one a line.
event_times() {
	local time

	events kind dyno time | sed -n "s/^$1 $2 //p" | while read -r time; do
		time=$(date -d "$time" +%s%N)
		echo "$((time / 1000000))"
	done
}

# start_time DYNO: when the dyno began to start. Its times count from then on; that it is launched is told when it has been.
start_time() {
	event_times state "$1" | head -n 1
}

# start_daemon [COMMAND...]: the supervisor as a job of the test, run by COMMAND if there is one. Sets DAEMON.
start_daemon() {
	"$@" "$GRACECTL" -c "$CONFIG" daemon >>"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
	DAEMON=$!
	wait_until "$PATIENCE" "$GRACECTL" -c "$CONFIG" ps
}

# end_daemon: SIGTERM ends it, and all its dynos, with exit status 0.
end_daemon() {
	local code=0

	kill -TERM "$DAEMON"
	wait "$DAEMON" || code=$?
	cat "$BATS_TEST_TMPDIR/daemon.log"
	assert_equal "the exit status of the daemon" 0 "$code"
}
