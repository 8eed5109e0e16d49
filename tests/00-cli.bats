#!/usr/bin/env bats
# The command line: help, where options and the configuration stand, the output, and the exit statuses.

bats_require_minimum_version 1.5.0

load helpers

# Help.

@test "help lists every command with a line about it, and so does --help" {
	gracectl help
	assert_equal "the exit status" 0 "$status"
	local help=$output
	for command in $(visible_commands); do
		grep -q "^  $command  *[A-Za-z]" <<<"$help" || fail "help says nothing of $command"
	done
	for words in --help -h "--no-color -h"; do
		gracectl $words
		assert_equal "$words" "$help" "$output"
	done
}

@test "every command has a help, in four forms that say the same" {
	for command in $(visible_commands) ps:start ps:stop ps:restart; do
		gracectl help "$command"
		assert_equal "the exit status" 0 "$status"
		assert_has "the first line" "usage: gracectl $command" "${output%%$'\n'*}"
		local help=$output
		for words in "$command --help" "$command -h" "-h $command"; do
			# shellcheck disable=SC2086 # two words
			gracectl $words
			assert_equal "the exit status" 0 "$status"
			assert_equal "$words" "$help" "$output"
		done
	done
}

@test "help tells a newcomer what a target is, which application is meant, and the exit statuses" {
	gracectl help
	assert_has "help" "A TARGET is one of its dynos (web.1), or a type" "$output"
	assert_has "help" "gracectl.ini or the Procfile in this" "$output"
	assert_has "help" "3 no supervisor runs, 4 a deadline passed" "$output"
	for command in start stop restart ps logs events stops; do
		gracectl help "$command"
		assert_has "help of $command" "TARGET is a dyno (web.1), or a type" "$output"
	done
}

@test "the help of a command lists all its options" {
	for command in $(visible_commands); do
		gracectl help "$command"
		local options
		options=$("$GRACECTL" __complete options "$command" | cut -f1)
		[ -n "$options" ]
		for option in $options; do
			grep -qE "^ +(-., )?$option( |\$)|^ +$option(,| )" <<<"$output" || fail "no line for $option"
		done
	done
}

@test "--version and version say the same" {
	gracectl --version
	assert_equal "the exit status" 0 "$status"
	[[ $output =~ ^gracectl\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	local version=$output
	gracectl version
	assert_equal "version" "$version" "$output"
	gracectl --json version
	assert_equal "with --json" "{ \"version\" : \"${version#gracectl }\" }" "$output"
}

@test "--version behind a command does nothing but that" {
	write_sleepers
	g start
	g stop --version
	[[ $output =~ ^gracectl\ [0-9.]+$ ]]
	assert_state app.1 up
}

@test "help and version need no configuration, and print nothing on standard error" {
	for words in help "help ps" --help --version version "stop --help"; do
		# shellcheck disable=SC2086
		gracectl $words
		assert_equal "the exit status" 0 "$status"
		assert_equal "standard error" "" "$error"
	done
}

# Options and where they stand.

@test "global options stand before or after the command, and mean the same" {
	write_sleepers
	g start
	g ps
	local ps=$output
	for words in "-c $CONFIG ps" "ps -c $CONFIG" "--config=$CONFIG ps" "ps --config $CONFIG" "ps app worker -c$CONFIG"; do
		# shellcheck disable=SC2086
		gracectl $words
		assert_equal "the exit status" 0 "$status"
		assert_equal "$words" "$(sed 's/ (~.*//' <<<"$ps")" "$(sed 's/ (~.*//' <<<"$output")"
	done
	for words in "--json ps" "ps --json" "ps app.1 --json worker.1 app.2"; do
		# shellcheck disable=SC2086
		g $words
		python3 -c 'import json, sys; assert len(json.loads(sys.argv[1])) == 3' "$output"
	done
}

@test "the configuration is found by -c, then by GRACECTL_CONFIG, then in the directory" {
	write_sleepers
	mkdir elsewhere
	sed 's/^name = .*/name = other/' "$CONFIG" >elsewhere/gracectl.ini
	sed 's/^name = .*/name = third/' "$CONFIG" >third.ini
	gracectl check
	assert_has "in the directory" "application shop, 2 process types, 3 dynos" "$output"
	export GRACECTL_CONFIG=elsewhere/gracectl.ini
	gracectl check
	assert_has "GRACECTL_CONFIG" "application other," "$output"
	gracectl check -c third.ini
	assert_has "-c" "application third," "$output"
	gracectl -a fourth check -c third.ini
	assert_has "-a" "application fourth," "$output"
}

@test "what stands in the place of the configuration and is no file is an error, and not passed over" {
	echo "web: sleep 1000" >Procfile
	for kind in link directory; do
		for command in check start ps logs "-a shop ps"; do
			if [ "$kind" == link ]; then ln -sfT nowhere gracectl.ini; else mkdir -p gracectl.ini; fi
			# shellcheck disable=SC2086 # several words
			gracectl $command
			assert_equal "the exit status" 2 "$status"
			case $kind in
			link) assert_has "$command" "gracectl.ini ($BATS_TEST_TMPDIR) is a symbolic link that leads to no file" "$error" ;;
			directory) assert_has "$command" "gracectl.ini ($BATS_TEST_TMPDIR) is a directory" "$error" ;;
			esac
		done
		rm -r gracectl.ini
	done
	ln -sfT nowhere Procfile
	gracectl check
	assert_has "the message" "Procfile ($BATS_TEST_TMPDIR) is a symbolic link that leads to no file: No such file" "$error"
	GRACECTL_CONFIG=nowhere.ini gracectl -a shop ps
	assert_equal "the exit status" 2 "$status"
	assert_has "the message" 'nowhere.ini ($GRACECTL_CONFIG): No such file' "$error"
}

@test "Heroku's ps:restart and ps restart are the same as restart" {
	write_sleepers
	g start
	local launch=1
	for words in "restart app.1" "ps:restart app.1" "ps restart app.1" "ps:restart -d app.1" "ps restart --dyno-name=app.1"; do
		# shellcheck disable=SC2086
		g $words
		launch=$((launch + 1))
		assert_field app.1 launch "$launch"
		assert_field app.2 launch 1
	done
	g ps:stop -p app
	assert_state app.1 down
	assert_state worker.1 up
	g ps start -p app
	assert_state app.2 up
}

# The output.

@test "what cannot be written is an error" {
	write_sleepers
	g start
	for words in help --version "help ps" ps "ps -l" "ps --json" "ps --watch" logs events check "check --print"; do
		status=0
		# shellcheck disable=SC2086
		"$GRACECTL" -c "$CONFIG" $words >/dev/full 2>stderr || status=$?
		assert_equal "the exit status" 1 "$status"
		assert_equal "the message" "gracectl: the output could not be written: No space left on device" "$(<stderr)"
	done
}

@test "a reader that goes away is none" {
	write_sleepers
	g start
	(
		"$GRACECTL" -c "$CONFIG" ps && echo "still well" >&2
	) 2>stderr | :
	"$GRACECTL" help | head -n 1
	assert_equal "the pipe" "0 0" "${PIPESTATUS[*]}"
	# And when it is gone for certain.
	for words in help ps "ps -l" "ps --json" "ps --watch" "logs -t" "events --json" stops "check --print" "selftest --json"; do
		status=0
		# shellcheck disable=SC2086
		without_reader "$GRACECTL" -c "$CONFIG" $words 2>stderr || status=$?
		assert_equal "the exit status of $words: $(<stderr)" 0 "$status"
	done
}

# without_reader COMMAND...: its standard output is a pipe that nobody reads.
without_reader() {
	python3 -c '
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
sys.exit(subprocess.call(sys.argv[1:], stdout=writer))' "$@"
}

@test "colours are for terminals, and for who forces them" {
	write_sleepers
	g start
	g ps
	refute_has "a file" $'\033' "$output"
	export FORCE_COLOR=1
	g ps
	assert_has "FORCE_COLOR" $'\033[32mup\033[0m' "$output"
	g ps --no-color
	refute_has "--no-color" $'\033' "$output"
	export NO_COLOR=1
	g ps
	refute_has "NO_COLOR" $'\033' "$output"
}

# Exit statuses.

@test "exit status 0: what was asked for is done" {
	write_sleepers
	g 0 start
	g 0 ps
	g 0 restart
	g 0 stop
	g 0 check
	g 0 logs
	g 0 events
}

@test "exit status 1: it failed" {
	write_config <<<$'[process web]\ncommand = false'
	g 1 start
	assert_has "the message" "web.1 did not come up" "$error"
}

@test "exit status 2: wrong use, or a mistake in the configuration" {
	write_config <<<$'[process web]\ncomand = false'
	for command in start check daemon; do
		g 2 "$command"
	done
	g 2 nonsense
	g 2 ps --nonsense
}

@test "exit status 3: no supervisor runs" {
	write_sleepers
	for command in stop restart ps; do
		g 3 "$command"
		assert_equal "the message" "gracectl: no supervisor of shop runs; \`gracectl start\` starts one" "$error"
	done
	[ ! -e "$RUN" ]
}

@test "exit status 4: a deadline passed" {
	write_config <<<$'[process web]\ncommand = sleep 1000'
	g 4 start --timeout 2s
	assert_has "the message" "not done after 2." "$error"
	assert_has "the message" " s; the supervisor goes on with it" "$error"
}

@test "a supervisor that does not answer is not waited for without end" {
	write_sleepers
	g start
	local pid
	pid=$(events kind pid | sed -n 's/^supervisor-start //p')
	kill -STOP "$pid"
	g_in_background ps
	g_in_background stop
	finish 4
	kill -CONT "$pid"
}

@test "a file that is no socket of a supervisor is told as it is" {
	write_sleepers
	mkdir "$RUN"
	echo text >"$RUN/control.sock"
	g 3 ps
	rm "$RUN/control.sock"
}
