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

# write_many COUNT: the configuration of so many dynos, and before them one that stops the supervisor as soon as it is
# executed, once, if the file `brake` is there.
write_many() {
	write_config <<-END
		[process brake]
		command = rm brake && kill -STOP \$PPID; exec sleep 1000
		[process web]
		command = sleep 1000
		scale = $1
		port = none
		[process first]
		command = sleep 1000
	END
}

# start_many: a command starts 500 dynos in the background, and the supervisor, $SUPERVISOR, is stopped when it has
# hardly begun.
start_many() {
	write_many 500
	g start first
	SUPERVISOR=$(supervisor_pid)
	touch brake
	g_in_background start
	START=$BACKGROUND
	wait_until "$PATIENCE" is_stopped "$SUPERVISOR"
}

# waits_with CLIENTS: so many are connected, accepted or not.
waits_with() {
	(($(grep -c " $RUN/control.sock\$" /proc/net/unix) > $1))
}

@test "while many are started, the supervisor has time for others" {
	local down json

	start_many
	g_in_background --json ps
	json=$BACKGROUND
	g_in_background ps
	wait_until "$PATIENCE" waits_with 3
	kill -CONT "$SUPERVISOR"
	finish
	down=$(grep -c '^web\..*: down ' <<<"$output")
	finish 0 "$json"
	assert_equal "how many are not wanted up" 0 "$(grep -c '"wanted" : "down"' <<<"$output")"
	((down > 100)) || fail "ps was answered when no more than $down of 500 were still to be started"
	finish 0 "$START"
	assert_equal "how many are up in the end" 502 "$(g ps | grep -c '\.[0-9]*: up ')"
}

@test "while many are started, a stop takes back what was not yet begun" {
	local launched

	start_many
	g_in_background stop web
	wait_until "$PATIENCE" waits_with 2
	kill -CONT "$SUPERVISOR"
	finish
	launched=$(events kind dyno | grep -c '^launch web\.')
	((launched < 400)) || fail "$launched of 500 were launched all the same"
	finish 1 "$START"
	assert_has "what the start is told" "web.500 was stopped before it came up" "$error"
	assert_state web.500 down
	assert_state brake.1 up
}

@test "while many are started, a stop of everything takes back what was not yet begun, and ends the supervisor" {
	local launched

	start_many
	g_in_background stop
	wait_until "$PATIENCE" waits_with 2
	kill -CONT "$SUPERVISOR"
	finish
	launched=$(events kind dyno | grep -c '^launch web\.')
	((launched < 400)) || fail "$launched of 500 were launched all the same"
	finish 1 "$START"
	is_gone "$SUPERVISOR"
}

@test "while many are started, a restart of everything waits for those that are still to come" {
	start_many
	g_in_background restart
	wait_until "$PATIENCE" waits_with 2
	kill -CONT "$SUPERVISOR"
	finish
	assert_has "what the restart says" "502 restarted" "$output$error"
	finish 0 "$START"
}

# restart_many: the same for a restart of 300.
restart_many() {
	write_many 300
	g start -q
	SUPERVISOR=$(supervisor_pid)
	touch brake
	g_in_background restart -q
	RESTART=$BACKGROUND
	wait_until "$PATIENCE" is_stopped "$SUPERVISOR"
}

@test "while many are restarted, a stop of them stops all, and both commands say so" {
	restart_many
	g_in_background stop web
	wait_until "$PATIENCE" waits_with 2
	kill -CONT "$SUPERVISOR"
	finish
	finish 1 "$RESTART"
	grep -qE 'web\.300 (is down; start it with|was restarted, and was stopped by another request)' <<<"$error" ||
		fail "the restart is told of web.300: $(grep -F web.300 <<<"$error")"
}

has_launched() {
	events kind dyno 2>/dev/null | grep -q "^launch $1\$"
}

# all_up COUNT: so many dynos are.
all_up() {
	(($("$GRACECTL" -c "$CONFIG" ps | grep -c '\.[0-9]*: up ') == $1))
}

@test "what a daemon that is killed had not yet started is started by the next supervisor, but not what was stopped since" {
	local daemon supervisor

	write_many 300
	touch brake
	g_in_background daemon
	daemon=$BACKGROUND
	wait_until "$PATIENCE" has_launched brake.1
	supervisor=$(supervisor_pid)
	wait_until "$PATIENCE" is_stopped "$supervisor"
	kill -KILL "$supervisor"
	wait_until "$PATIENCE" all_up 302
	g stop -q web.7
	kill_supervisor
	assert_state web.7 down
	g stop -q
	finish 0 "$daemon"
}

# forsake_many: many are being started, and who has asked for it is gone.
forsake_many() {
	start_many
	kill -KILL "$START"
	finish 137 "$START"
}

@test "what was not yet started when an upgrade is asked for is started, even when nobody waits for it" {
	forsake_many
	g_in_background upgrade
	wait_until "$PATIENCE" waits_with 2
	kill -CONT "$SUPERVISOR"
	finish
	wait_until "$PATIENCE" all_up 502
}

@test "what was not yet started when the guard dies is started, even when nobody waits for it" {
	forsake_many
	kill -KILL "$(guard_pid)"
	kill -CONT "$SUPERVISOR"
	wait_until "$PATIENCE" all_up 502
}

# is_past SECONDS: since 1970.
is_past() {
	(($(date +%s) > $1))
}

@test "while many are stopped, one that crashes or is to be tried again is not launched before its turn" {
	local supervisor crash next_try

	write_config <<-'END'
		[process brake]
		command = trap 'kill -STOP $PPID; exit' TERM; sleep 1000 & wait
		[process web]
		command = sleep 1000
		scale = 300
		port = none
		[process crash]
		command = exec sleep 1000
		port = none
		backoff = 0
		[process cool]
		command = [ -e well ] && exec sleep 1000; exit 1
		port = none
		backoff = 6
	END
	g start -q brake web crash
	g 1 start -q cool
	supervisor=$(supervisor_pid) crash=$(pid_of crash.1) next_try=$(date -d "$(field_of cool.1 next_try)" +%s)
	touch well
	g_in_background stop -q
	wait_until "$PATIENCE" is_stopped "$supervisor"
	kill -KILL "$crash"
	wait_until "$PATIENCE" is_past $((next_try + 1))
	kill -CONT "$supervisor"
	finish
	assert_equal "launches" $'launch crash.1\nlaunch cool.1' "$(events kind dyno | grep '^launch c')"
}
