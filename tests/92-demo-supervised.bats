#!/usr/bin/env bats
# The demo server under gracectl: behind a shell and behind npm, and restarted under load.

# The programs in single quotes are for the dynos to expand; $output comes from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load demo-helpers
load mongo-helpers
load helpers

eval "supervisor_$(declare -f setup)"
eval "supervisor_$(declare -f teardown)"

setup() {
	demo_setup
	supervisor_setup
}

teardown() {
	local result=0

	stop_mongo
	supervisor_teardown || result=$?
	return "$result"
}

# Behind others.

# passes_scenario_S: web.1 is the server behind something. A request is in flight when the stop comes.
passes_scenario_S() {
	local port slow

	g start
	port=$(field_of web.1 port)
	wait_for_log web.1 'App running on port'
	curl -sS --max-time 20 -o answer "http://127.0.0.1:$port/slow?ms=1000" 3>&- &
	slow=$!
	wait_until "$PATIENCE" is_connected "$port"
	g stop web
	wait "$slow"
	assert_equal "the answer to the request in flight" 'That took 1000 ms.' "$(<answer)"
	assert_equal "what the server itself has said" "$(printf '%s\n' \
		"App running on port $port..." \
		'👋 SIGTERM RECEIVED. Shutting down gracefully' \
		'SIGTERM signal received.' \
		'Closing http server.' \
		'Http server closed.' \
		'Database connection closed.' \
		'💥 Process terminated!')" "$(output_of web.1 | grep -v -e '^>' -e '^npm ' -e '^$')"
	assert_equal "what was said of SIGKILL" 0 "$(platform_lines web.1 | grep -c SIGKILL || true)"
	assert_equal "the demo servers that are left" '' "$(grep -lzxF "$DEMO_SERVER" /proc/[0-9]*/cmdline 2>/dev/null |
		xargs -rn1 dirname | while read -r dir; do
			grep -zqxF "GRACECTL_TEST=$GRACECTL_TEST" "$dir/environ" && echo "$dir"
		done)"
}

is_connected() {
	[ -n "$(ss -Htn state established "sport = :$1")" ]
}

@test "supervised: behind sh -c the server itself is told, and no orphan is left" { # S
	write_config <<-END
		[process web]
		command = sh -c '"$DEMO_SERVER" --database demo.db; exit 7'
	END
	passes_scenario_S
}

@test "supervised: behind npm start the server itself is told, and no orphan is left" { # S
	cat >package.json <<-END
		{"name": "demo", "version": "1.0.0", "private": true, "scripts": {"start": "$DEMO_SERVER"}}
	END
	write_config <<-END
		[process web]
		command = npm start
		env.npm_config_cache = $BATS_TEST_TMPDIR/cache
		env.npm_config_update_notifier = false
	END
	passes_scenario_S
}

# Two deadlines.

# stops_with_a_request_in_flight STATUS: web.1 has a request that takes longer than both deadlines.
stops_with_a_request_in_flight() {
	local port slow

	g start
	port=$(field_of web.1 port)
	wait_for_log web.1 'App running on port'
	curl -sS --max-time 20 -o answer -w '%{http_code}' "http://127.0.0.1:$port/slow?ms=20000" >code 2>curl.err 3>&- &
	slow=$!
	wait_until "$PATIENCE" is_connected "$port"
	g "$1" stop web
	wait "$slow" || true
}

@test "supervised: a deadline shorter than the supervisor's ends with words and status 1, without SIGKILL" { # N
	write_config <<-END
		[process web]
		command = $DEMO_SERVER --deadline 1s
		stop = TERM/15/KILL/5
	END
	stops_with_a_request_in_flight 0
	assert_equal "the answer" 503 "$(<code)"
	assert_has "what the server has said" 'the deadline of 1 s for the shutdown has passed' "$(output_of web.1)"
	assert_has "what the server has said" 'cut off: GET /slow from 127.0.0.1:' "$(output_of web.1)"
	refute_has "the log" SIGKILL "$(platform_lines web.1)"
	assert_has "the log" 'Process exited with status 1' "$(platform_lines web.1)"
}

@test "supervised: a deadline longer than the supervisor's is cut short by SIGKILL, and the log has R12" { # N
	write_config <<-END
		[process web]
		command = $DEMO_SERVER --deadline 15s
		stop = TERM/1/KILL/5
	END
	stops_with_a_request_in_flight 1
	assert_equal "the answer" 000 "$(<code)"
	assert_has "the log" 'Error R12 (Exit timeout) -> At least one process failed to exit within 1 seconds of SIGTERM' \
		"$(platform_lines web.1)"
	assert_has "the log" 'Stopping remaining processes with SIGKILL' "$(platform_lines web.1)"
	assert_has "the log" 'Process exited with status 137' "$(platform_lines web.1)"
	refute_has "what the server has said" 'Process terminated!' "$(output_of web.1)"
}

# The documents are there.

# survives_restarts COUNT SECONDS LIST-COMMAND...
survives_restarts() {
	local port result=0 count=$1 seconds=$2

	shift 2
	g start
	port=$(field_of web.1 port)
	wait_for_log web.1 'App running on port'
	python3 "$ROOT/tests/restart-load.py" "$port" "$count" "$seconds" \
		"$GRACECTL" -c "$CONFIG" restart -q web >outcomes 3>&-
	g stop web
	"$@" >names
	python3 "$ROOT/tests/check-users.py" outcomes names $((seconds / 2)) >verdict || result=$?
	tee -a "${SUMMARY:-/dev/null}" <verdict
	[ "$result" -eq 0 ]
}

@test "supervised: 1000 users stored in MongoDB during restarts are there exactly once" {
	start_mongo
	write_config <<-END
		[process web]
		command = $DEMO_SERVER
		port = $(free_port)
		env.MONGO_DB = $MONGO_URI
	END
	survives_restarts 1000 12 mongo_users
}

@test "supervised: 500 users stored in SQLite during restarts are there exactly once" {
	write_config <<-END
		[process web]
		command = $DEMO_SERVER
		port = $(free_port)
	END
	survives_restarts 500 6 users
}
