#!/usr/bin/env bats
# ps: its layout, its columns, and what it shows again and again.

bats_require_minimum_version 1.5.0

load helpers

@test "ps shows the dynos in Heroku's layout" {
	write_sleepers
	g start
	g stop worker
	g ps
	local time='[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4} \(~ [0-9]+s ago\)'
	[[ $output =~ ^"=== app: sleep 1000 (2)"$'\n\n'"app.1: up "$time$'\n'"app.2: up "$time$'\n\n'"=== worker: sleep 1000 (1)"$'\n\n'"worker.1: down "$time$ ]]
}

@test "ps TYPE shows only those" {
	write_sleepers
	g start
	g ps worker
	assert_has "the output" "worker.1: up" "$output"
	refute_has "the output" "app" "$output"
	g ps app.2
	assert_has "the output" "app.2: up" "$output"
	refute_has "the output" "app.1" "$output"
}

@test "ps, start and stop know -d and -p in all their forms" {
	write_sleepers
	for words in worker "-p worker" "-d worker.1" "--ps worker" "--dyno worker.1" "--process-type=worker"; do
		# shellcheck disable=SC2086 # several words
		g start $words
		assert_has "start $words" "done, 1 up" "$error"
		# shellcheck disable=SC2086 # several words
		g restart $words
		assert_has "restart $words" "done, 1 restarted" "$error"
	done
	g start
	for words in worker "-p worker" "-d worker.1" "--ps worker" "--dyno worker.1"; do
		# shellcheck disable=SC2086 # several words
		g ps $words
		assert_has "ps $words" "worker.1: up" "$output"
		refute_has "ps $words" "app.1" "$output"
	done
}

@test "ps shows times in the time zone of the application, unless TZ names another" {
	write_config 'timezone = Asia/Kathmandu' <<<$'[process web]\ncommand = sleep 1000\nport = none'
	unset TZ
	g start
	g ps
	assert_has "the time" " +0545 (~ " "$output"
	g ps -l
	assert_equal "SINCE and NEXT RESTART" 2 "$(grep -o ' +0545' <<<"$output" | wc -l)"
	TZ=UTC g ps
	assert_has "the time" " +0000 (~ " "$output"
	g restart # what ps starts or asks does not hand the zone on to a dyno
	assert_equal "TZ of the dyno" "" "$(tr '\0' '\n' <"/proc/$(pid_of web.1)/environ" | grep ^TZ= || true)"
}

@test "ps -l keeps its columns in line behind a long name" {
	local long=a-type-whose-name-is-rather-long
	write_config <<<"[process $long]"$'\ncommand = sleep 1000\n[process web]\ncommand = sleep 1000\nport = none'
	g start
	g ps -l
	local columns
	columns=$(grep -E '^(DYNO|a-type|web)' <<<"$output" | sed -E 's/^(\S+ +)(STATE|up).*/\1/' | awk '{ print length }' | sort -u)
	assert_equal "where the second column begins" "$((${#long} + 3))" "$columns"
}

@test "ps -l shows pid, memory, restarts and the next restart" {
	write_sleepers
	g start
	g restart app.1
	g ps -l app
	local row
	row=$(grep '^app\.1 ' <<<"$output")
	[[ $row =~ ^app\.1\ +up\ .*\ +$(pid_of app.1)\ +-\ +[0-9.]+M\ +1\ \ [0-9]{4}/ ]]
}

@test "ps --watch shows it again and again, until Ctrl-C" {
	write_sleepers
	g start
	g_in_background ps --watch
	wait_until "$PATIENCE" eval '[ "$(grep -c "^app.1: up" background.out)" -ge 2 ]'
	kill -INT "$BACKGROUND"
	finish
}

@test "ps --watch ends without a part of an answer" {
	write_sleepers
	mkdir -p "$RUN"
	python3 - "$RUN/control.sock" <<-'END' &
		import socket, sys
		listener = socket.socket(socket.AF_UNIX)
		listener.bind(sys.argv[1])
		listener.listen()
		client, _ = listener.accept()
		field = lambda key, value: b"\x02" + key + b"\0" + (len(value) + 1).to_bytes(4, "little") + value + b"\0"
		body = field(b"type", b"dyno") + field(b"name", b"app.1") + field(b"process", b"app")
		client.sendall((len(body) + 5).to_bytes(4, "little") + body + b"\0")
		open("half", "w").close()
		client.recv(65536)
		client.recv(65536) # until the client goes
	END
	local fake=$!
	wait_until "$PATIENCE" test -S "$RUN/control.sock"
	g_in_background ps --watch
	wait_until "$PATIENCE" test -e half
	kill -INT "$BACKGROUND"
	finish
	assert_equal "the output" "" "$output$error"
	wait "$fake"
	rm "$RUN/control.sock"
}

@test "a command can do nothing to the terminal on which ps and start show it" {
	local csi=$'\xc2\x9b' override=$'\xe2\x80\xae'

	write_config <<-END
		[process app]
		command = : '${csi}31m$override' && exec sleep 1000
	END
	g start
	refute_has "start" "$csi" "$error"
	refute_has "start" "$override" "$error"
	assert_has "start" ": '\\xc2\\x9b31m\\xe2\\x80\\xae' && exec" "$error"
	g ps
	refute_has "ps" "$csi" "$output"
	refute_has "ps" "$override" "$output"
	assert_has "ps" ": '\\xc2\\x9b31m\\xe2\\x80\\xae' && exec sleep 1000 (1)" "$output"
}
