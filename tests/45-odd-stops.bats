#!/usr/bin/env bats
#
# `gracectl stops` over journals in which something is odd: clocks that went wrong, files that are missing.

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
