#!/usr/bin/env bats
# Whoever takes the place of a dead supervisor goes on in its run directory, wherever his own configuration leads.

# $output and $error come from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load adopt-helpers

# lead_elsewhere FILE [SED]: FILE is the configuration with another run directory, as it is for cron or sudo, where
# XDG_RUNTIME_DIR is not set, and with what else SED changes.
lead_elsewhere() {
	sed "s|^run_dir = .*|run_dir = $BATS_TEST_TMPDIR/elsewhere|; ${2:-}" "$CONFIG" >new.ini
	mv new.ini "$1"
}

# assert_talks: what it said meanwhile, and what it says now, is in the log.
assert_talks() {
	wait_for_output job.1 "line 2"
	release
	wait_for_output job.1 "line 3"
	refute_has "the journal" "cannot be opened" "$(events text)"
	assert_field job.1 launch 1
}

# assert_nothing_elsewhere: nobody has made anything there.
assert_nothing_elsewhere() {
	[ ! -e elsewhere ] || fail "what is in the other run directory:" "$(ls elsewhere)"
}

# ---- when both have died ----

@test "when both die, a command that is led to another run directory goes on in that of the dead" {
	local pid

	start_talker
	pid=$(pid_of job.1)
	lead_elsewhere other.ini
	kill_both
	release

	gracectl -c other.ini ps
	assert_equal "the exit status" 0 "$status"
	assert_has "what ps says" "job.1: up" "$output"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	assert_talks
	assert_nothing_elsewhere
	g stop
	assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
}

@test "when both die, a command that is led to another run directory goes on with what was kept in that of the dead" {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	lead_elsewhere other.ini "s|sleep 1000|sleep 2000|"
	kill_both

	gracectl -c other.ini ps
	assert_has "what ps says" "=== job: sleep 1000 (1)" "$output"
	gracectl -c other.ini stop
	assert_equal "the exit status" 0 "$status"
	gracectl -c other.ini start
	assert_has "what it starts then" "with command \`sleep 2000\`" "$error"
	assert_equal "what is in the old run directory" "" "$(ls "$RUN")"
	gracectl -c other.ini stop
}

@test "when both die in the middle of an end, a command that is led to another run directory goes on with that" {
	local pid

	start_stubborn TERM/1h/KILL/5
	pid=$(pid_of job.1)
	lead_elsewhere other.ini
	let_go stop
	wait_for_output job.1 "not for SIGTERM"
	kill_both

	gracectl -c other.ini ps
	assert_state job.1 stopping
	gracectl -c other.ini stop --timeout "$PATIENCE"
	assert_equal "the exit status" 1 "$status"
	assert_has "what stop says" "job.1 had to be killed: it was asked to stop once more" "$error"
	is_gone "$pid"
	assert_nothing_elsewhere
}

@test "when both die, two commands at once that are led to different run directories find one supervisor" {
	local first pid

	start_talker
	pid=$(pid_of job.1)
	lead_elsewhere other.ini
	kill_both
	release

	g_in_background ps
	first=$BACKGROUND
	gracectl -c other.ini ps
	assert_equal "the exit status" 0 "$status"
	finish 0 "$first"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	assert_equal "how many have taken over" 2 "$(events kind | grep -c supervisor-start)"
	assert_talks
	assert_nothing_elsewhere
}

# lose_run_dir: guard and supervisor are dead, and the directory is gone in which a dyno runs on. Sets $pid, and makes other.ini.
lose_run_dir() {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	pid=$(pid_of job.1)
	lead_elsewhere other.ini
	kill_both
	rm -r "$RUN"
}

@test "when both die and their run directory is gone, it is made anew" {
	local pid

	lose_run_dir

	gracectl -c other.ini ps
	assert_equal "the exit status" 0 "$status"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	[ -S "$RUN/control.sock" ] || fail "nobody listens in the run directory"
	[ -s "$RUN/config.ini" ] || fail "the next supervisor would not know the configuration"
	assert_nothing_elsewhere
}

@test "when both die and their run directory cannot be made anew, that of the command does" {
	local pid

	lose_run_dir
	touch "$RUN"

	gracectl -c other.ini ps
	assert_equal "the exit status" 0 "$status"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	kill_supervisor
	assert_equal "its pid under the next supervisor" "$pid" "$(pid_of job.1)"
	[ -S elsewhere/control.sock ] || fail "nobody listens in the run directory of the command"
	gracectl -c other.ini stop
}

@test "when both die, a daemon that is led to another run directory starts in that of the dead" {
	local pid supervisor

	start_talker
	pid=$(pid_of job.1) supervisor=$(supervisor_pid)
	lead_elsewhere "$CONFIG"
	kill_both
	wait_until "$PATIENCE" is_gone "$supervisor"
	release

	# Any command that asked for it meanwhile would take over itself.
	"$GRACECTL" -c "$CONFIG" daemon >daemon.log 2>&1 3>&- &
	# shellcheck disable=SC2034 # for end_daemon
	DAEMON=$!
	wait_until "$PATIENCE" grep "listens in $RUN\$" daemon.log
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	assert_talks
	assert_nothing_elsewhere
	end_daemon
	assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
}

@test "when both die and the next command cannot take over, the one after it still finds where they were" {
	local pid

	start_talker
	pid=$(pid_of job.1)
	lead_elsewhere other.ini
	lead_elsewhere wrong.ini "s|^backoff = .*|backoff = many|"
	kill_both
	release
	mv "$RUN/config.ini" kept.ini

	gracectl -c wrong.ini ps
	assert_equal "the exit status" 1 "$status"
	assert_has "why" "no others can take their place: the supervisor ended before it was ready; see $STATE/supervisor.log" "$error"
	gracectl -c wrong.ini logs
	assert_equal "the exit status of logs" 0 "$status"
	assert_has "why, as logs says" "no others can take their place: the supervisor ended before" "$error"
	mv kept.ini "$RUN/config.ini"
	gracectl -c other.ini ps
	assert_equal "the exit status" 0 "$status"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	assert_talks
	assert_nothing_elsewhere
}

@test "what has ended in order, or before this boot, leads nobody to its run directory" {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	lead_elsewhere other.ini
	g start
	g stop
	gracectl -c other.ini start -q
	[ -S elsewhere/control.sock ] || fail "nobody listens in the new run directory"
	assert_equal "what is in the old run directory" "" "$(ls "$RUN")"
	gracectl -c other.ini stop -q

	printf '%s\n%s\n' "$RUN" "another boot" >"$STATE/lock"
	gracectl -c other.ini start -q
	[ -S elsewhere/control.sock ] || fail "nobody listens in the new run directory"
	gracectl -c other.ini stop -q
}

# ---- when one has died ----

# replace_all: the supervisor is killed, then its guard, then both are upgraded; each time another supervisor goes on with
# the same dyno.
replace_all() {
	local pid supervisor

	pid=$(pid_of job.1)
	kill_supervisor
	assert_equal "its pid after the supervisor's death" "$pid" "$(pid_of job.1)"
	supervisor=$(supervisor_pid)
	kill -KILL "$(guard_pid)"
	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "its pid after the guard's death" "$pid" "$(pid_of job.1)"
	g upgrade
	assert_equal "its pid after the upgrade" "$pid" "$(pid_of job.1)"
	assert_field job.1 launch 1
}

@test "when run_dir is edited, whoever takes over stays where the dead one was" {
	start_talker
	cp "$CONFIG" old.ini
	lead_elsewhere "$CONFIG"

	replace_all

	release
	assert_talks
	assert_nothing_elsewhere
	gracectl -c old.ini ps
	assert_equal "the exit status of an old client" 0 "$status"
	g stop
	assert_equal "what is left in the run directory" "" "$(ls "$RUN")"
}

@test "when run_dir is edited, what ends while the next supervisor is on its way is told with its status" {
	local guard pid

	write_config <<-'END'
		[process job]
		command = sh -c 'read -r line <go; exit 7'
		backoff = 0 0
	END
	mkfifo go
	g start
	pid=$(pid_of job.1) guard=$(guard_pid)
	kill -STOP "$guard"
	kill -KILL "$(supervisor_pid)"
	lead_elsewhere "$CONFIG"
	timeout "$PATIENCE" sh -c 'echo >go'
	wait_until "$PATIENCE" is_gone "$pid"
	kill -CONT "$guard"

	wait_for_field job.1 launch 2
	assert_equal "its exit" "job.1 1 7" "$(events kind dyno launch status | sed -n 's/^exit //p')"
}

# start_and_stun: a dyno that is up, and nobody who notices what is done to the run directory. Sets $guard, $supervisor, $pid.
start_and_stun() {
	write_config <<<$'[process job]\ncommand = sleep 1000\nbackoff = 0 0'
	g start
	supervisor=$(supervisor_pid) guard=$(guard_pid) pid=$(pid_of job.1)
	kill -STOP "$guard" "$supervisor"
	wait_until "$PATIENCE" is_stopped "$supervisor"
}

@test "when the guard dies and the run directory is gone, it is made anew" {
	local supervisor guard pid

	start_and_stun
	rm -r "$RUN"
	kill -KILL "$guard"
	kill -CONT "$supervisor"

	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"
	[ -s "$RUN/config.ini" ] || fail "the next supervisor would not know the configuration"
}

@test "when the supervisor dies and the run directory is gone, the guard goes over to the new one" {
	local supervisor guard pid

	start_and_stun
	rm -r "$RUN"
	kill -KILL "$supervisor"
	kill -CONT "$guard"
	wait_until "$PATIENCE" another_supervisor "$supervisor"
	assert_equal "its pid" "$pid" "$(pid_of job.1)"

	kill -STOP "$guard"
	kill -KILL "$(supervisor_pid)" "$pid"
	kill -CONT "$guard"
	wait_for_field job.1 launch 2
	assert_equal "its exit" "job.1 1 137" "$(events kind dyno launch status | sed -n 's/^exit //p')"
}

@test "when the file is moved away, whoever takes over goes on with what was kept" {
	start_talker
	mv "$CONFIG" moved.ini
	CONFIG=$BATS_TEST_TMPDIR/moved.ini

	replace_all

	release
	assert_talks
	kill_both
	g ps
	assert_field job.1 launch 1
}

# ---- who speaks to it ----

@test "who is led to another run directory hears that the file has changed, and not that the environment has" {
	write_config <<<$'[process job]\ncommand = sleep 1000'
	g start
	lead_elsewhere "$CONFIG"
	g ps
	assert_has "what ps says" "warning: $CONFIG has changed, but the supervisor goes on with what it was started with" "$error"
	sed -i '/^run_dir = /d' "$CONFIG"
	g ps
	assert_equal "what ps says when the run directory follows from the environment" "" "$error"
	sed -i 's|sleep 1000|sleep 2000|' "$CONFIG"
	g ps
	assert_has "what ps says" "warning: $CONFIG has changed, but" "$error"
}
