#!/usr/bin/env bats
# Many dynos: what one of them costs does not grow with their number.

bats_require_minimum_version 1.5.0

load adopt-helpers

# spent: the CPU time of the supervisor, in us.
spent() {
	local ns rest

	read -r ns rest <"/proc/$(supervisor_pid)/schedstat"
	echo $((ns / 1000))
}

# stop_many COUNT [COMMAND]: starts so many, runs the command, and stops them; leaves in COST what the stop cost the
# supervisor for each, in us.
stop_many() {
	local before

	write_config <<-END
		[process web]
		command = sleep 1000
		scale = $1
		port = none
		[process other]
		command = sleep 1000
	END
	g start
	${2:-true}
	before=$(spent)
	g stop web
	COST=$((($(spent) - before) / $1))
	stop_supervisor
}

@test "what a stop costs for each dyno does not grow with their number" {
	stop_many 20
	local few=$COST
	stop_many 300
	((COST < 3 * few)) || fail "with 300 dynos a stop costs $COST us of CPU for each, and $few us with 20"
}

# adopt_all: by a new supervisor below a new guard, which reaps for it.
adopt_all() {
	kill_both
	g ps
}

@test "nor does it when they were adopted" {
	stop_many 20 adopt_all
	local few=$COST
	stop_many 300 adopt_all
	((COST < 2 * few)) || fail "with 300 dynos a stop costs $COST us of CPU for each, and $few us with 20"
}
