#!/usr/bin/env bats
#
# `gracectl stops` where something is odd: clocks that went wrong, files that cannot be read, more processes than are
# watched.

# Variables such as $error are set by the helpers.
# shellcheck disable=SC2154

load history-helpers
bats_require_minimum_version 1.5.0

# times ARG...: those of the stops that are listed, on one line.
times() {
	g stops "$@" >&2
	sed -E 's/^[0-9]+-[0-9]+-[0-9]+T([0-9]+:[0-9]+).*/\1/' <<<"$output" | xargs
}

# assert_times EXPECTED ARG...
assert_times() {
	local expected=$1

	shift
	assert_equal "stops $*" "$expected" "$(times "$@")"
}

# ---- clocks ----

@test "--since finds what stands before an event of 1970" {
	given_stops <<-'END'
		for hour in range(10, 20):
		    stop("2026-06-09T%d:00:00Z" % hour if hour != 14 else "1970-01-01T00:00:07Z", "web.1")
	END
	assert_times "11:00 12:00 13:00 15:00 16:00 17:00 18:00 19:00" --since 2026-06-09T10:30:00Z
	assert_times "13:00 15:00 16:00 17:00 18:00 19:00" --since 2026-06-09T10:30:00Z -n 6
	g events --since 2026-06-09T10:30:00Z -n 100
	assert_equal "the number of events" 8 "$(wc -l <<<"$output")"
	g stops --since 2026-06-09T10:30:00Z --summary --json
	assert_has "the summary" '"n" : 8,' "$output"
}

@test "--since finds what stands before a clock that was set back" {
	given_stops <<-'END'
		stop("2026-06-09T10:00:00Z", "web.1")
		stop("2026-06-09T11:00:00Z", "web.1")
		stop("2026-06-09T12:00:00Z", "web.1", verdict="leaked")
		stop("2026-06-09T09:10:00Z", "web.1")
		stop("2026-06-09T09:20:00Z", "web.1")
	END
	touch -d 2026-06-09T09:20:00Z "$STATE/journal.1.jsonl"
	assert_times "11:00 12:00" --since 2026-06-09T10:30:00Z
	assert_times "12:00" --since 2026-06-09T10:30:00Z -n 1
	g stops --since 2026-06-09T10:30:00Z --summary --json
	assert_has "the summary" '"n" : 2,' "$output"
	g stops --since 2026-06-09T10:30:00Z --plot
	assert_has "the newest one" "leaked" "$output"
}

@test "stops -t --since goes on when the clock is set back" {
	given_stops <<-'END'
		stop("2026-06-09T11:00:00Z", "web.1")
	END
	g_in_background stops -t --since 2026-06-09T10:30:00Z
	wait_until "$PATIENCE" grep -q T11:00 background.out
	given_stops <<-'END'
		stop("2026-06-09T09:00:00Z", "web.1")
	END
	wait_until "$PATIENCE" grep -q T09:00 background.out
	kill -INT "$BACKGROUND"
	finish 0
}

# ---- files ----

given_two_files() {
	given_stops <<-'END'
		stop("2026-06-09T10:00:00Z", "web.1")
	END
	mv "$STATE/journal.1.jsonl" older
	given_stops <<-'END'
		stop("2026-06-09T11:00:00Z", "web.1")
		stop("2026-06-09T12:00:00Z", "web.1")
	END
	mv "$STATE/journal.1.jsonl" "$STATE/journal.2.jsonl"
	mv older "$STATE/journal.1.jsonl"
}

# without_rights: from now on gracectl may read only what its user may; root could read everything.
without_rights() {
	cat >limited <<-END
		#!/bin/sh
		exec setpriv --bounding-set=-dac_override,-dac_read_search "$GRACECTL" "\$@"
	END
	chmod +x limited
	[ "$(id -u)" -ne 0 ] || GRACECTL=$BATS_TEST_TMPDIR/limited
}

@test "a file of the journal that may not be read is named, and what can be read is shown" {
	local command

	given_two_files
	without_rights
	chmod 000 "$STATE/journal.2.jsonl"
	for command in stops events "logs -s heroku" "stops -n 5" "stops --since 2026-06-09" "stops --summary" "stops --plot"; do
		# shellcheck disable=SC2086 # words
		g 1 $command
		assert_has "$command" "cannot read $STATE/journal.2.jsonl: Permission denied" "$error"
	done
	g 1 stops
	assert_has "the older one" "2026-06-09T10:00:00Z web.1" "$output"
	g_in_background stops -t
	wait_until "$PATIENCE" grep -q "2026-06-09T10:00:00Z web.1" background.out
	wait_until "$PATIENCE" grep -q -F "cannot read $STATE/journal.2.jsonl: Permission denied" background.err
	kill -TERM "$BACKGROUND"
	finish

	chmod 600 "$STATE/journal.2.jsonl"
	chmod 000 "$STATE/journal.1.jsonl"
	g stops -n 1
	assert_equal "what is not needed is not missed" "" "$error"
}

@test "output that may not be read is named" {
	given_two_files
	without_rights
	echo hello >"$STATE/log/web.1/1.1.log"
	echo hello >"$STATE/log/worker.1/1.1.log"
	chmod 000 "$STATE/log/web.1/1.1.log"
	g 1 logs -s app
	assert_has "the error" "cannot read $STATE/log/web.1/1.1.log: Permission denied" "$error"
	assert_has "what can be read" "app[worker.1]: hello" "$output"
}

@test "what is no file hides no other file of the journal" {
	given_two_files
	mkdir "$STATE/journal.3.jsonl"
	ln -s nowhere "$STATE/journal.4.jsonl"
	assert_times "10:00 11:00 12:00"
	assert_times "10:00 11:00 12:00" -n 5
	assert_times "11:00 12:00" --since 2026-06-09T10:30:00Z
	g stops --summary --json
	assert_has "the summary" '"n" : 3,' "$output"
	g events
	assert_equal "the number of events" 3 "$(wc -l <<<"$output")"
}

# ---- many processes ----

@test "of very many processes the oldest are watched, and the picture counts them all" {
	write_script held <<-'END'
		trap 'echo told; await_release; exit 0' TERM
		echo ready
		pause
	END
	write_script many <<-'END'
		trap 'wait; exit 0' TERM
		./held &
		for i in $(seq 70); do
			sleep 1000 &
		done
		echo "all started"
		pause
	END
	write_config <<-'END'
		[process app]
		command = ./many
	END
	g start
	wait_for_output app.1 ready
	wait_for_output app.1 "all started"
	g_in_background stop
	wait_for_output app.1 told
	release
	finish 0
	g stops --json
	python3 - <<-'END' "$output"
		import json, sys
		stop = json.loads(sys.argv[1])
		assert stop["processes"] == 72 and len(stop["exits"]) == 64, stop
		last = sorted(end["name"] for end in stop["exits"][-2:])
		assert last == ["held", "many"], f"expected that held and many ended last, got {last}"
	END
	g stops --plot
	assert_has "the others" "61 more" "$output"
	g stops --plot -
	assert_has "the others" ">48 more<" "$output"
}
