#!/usr/bin/env bats
# The command line: help, options, targets, wrong use of every command and option, exit statuses.

bats_require_minimum_version 1.5.0

load helpers

# What the program is told in every form of wrong use. Each line: the arguments | what is answered.
# The words are separated by blanks; '' is an empty one.
assert_refused() {
	local arguments answer words

	while IFS='|' read -r arguments answer; do
		eval "words=($arguments)"
		gracectl "${words[@]}"
		assert_equal "the exit status" 2 "$status"
		assert_equal "standard output" "" "$output"
		assert_equal "the first line" "gracectl: ${answer# }" "${error%%$'\n'*}"
	done
}

visible_commands() {
	"$GRACECTL" __complete commands | cut -f1 | grep -v :
}

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

# Wrong use.

@test "without a command it says so" {
	assert_refused <<-'END'
		 | no command was given; see `gracectl help`
		--json | no command was given; see `gracectl help`
		-- | no command was given; see `gracectl help`
	END
}

@test "an unknown command is answered with the one that was meant" {
	assert_refused <<-'END'
		strat | there is no command "strat"; did you mean "start"?
		retsart | there is no command "retsart"; did you mean "restart"?
		log | there is no command "log"; did you mean "logs"?
		chekc web | there is no command "chekc"; did you mean "check"?
		xyzzyplugh | there is no command "xyzzyplugh"; see `gracectl help`
		help strat | there is no command "strat"; did you mean "start"?
		help xyzzyplugh | there is no command "xyzzyplugh"; see `gracectl help`
	END
}

@test "an unknown option is refused by every command, before and after it" {
	for command in $(visible_commands); do
		assert_refused <<-END
			$command --bogus | there is no option --bogus
			$command -Z | there is no option -Z
			$command --json=yes | the option --json takes no value
			--bogus $command | there is no option --bogus
			-Z $command | there is no option -Z
		END
		assert_has "where to look" "See \`gracectl help\`." "$error"
	done
}

@test "an option that is written wrong is told as it is, with the one that was meant" {
	assert_refused <<-'END'
		logs --tail=yes | the option --tail takes no value
		logs --jsn | there is no option --jsn; did you mean --json?
		stops --sumary=1 | there is no option --sumary; did you mean --summary?
		--jsn ps | there is no option --jsn; did you mean --json?
		daemon --guard-fx=1 | there is no option --guard-fx
		start -qp | the option -p needs a value
		start -qx | there is no option -x
		logs --tail -xn | there is no option -x
		logs --tim=1 | there is no option --tim
	END
}

@test "whoever writes a command line that is wrong is shown where to read, in one way" {
	write_sleepers
	export GRACECTL_CONFIG=$CONFIG
	while read -r words; do
		eval "gracectl $words"
		assert_equal "the exit status" 2 "$status"
		assert_equal "the lines" 2 "$(wc -l <<<"$error")"
		assert_equal "the last line" "See \`gracectl ${words%% *} --help\`." "${error##*$'\n'}"
	done <<-'END'
		start -x
		logs -n many
		logs --since yesterday
		logs -s nowhere
		start --timeout 5x
		check extra
		stops --verdict dirty
		check --print --json
		ps -a ../x
		help start stop
	END
}

@test "an option without its value is refused" {
	for command in $(visible_commands); do
		assert_refused <<-END
			$command -c | the option -c needs a value
			$command --config | the option --config needs a value
			$command -a | the option -a needs a value
			$command --app | the option --app needs a value
		END
	done
	assert_refused <<-'END'
		start -d | the option -d needs a value
		stop --dyno-name | the option --dyno-name needs a value
		restart -p | the option -p needs a value
		start --process-type | the option --process-type needs a value
		stop --timeout | the option --timeout needs a value
		logs -n | the option -n needs a value
		logs --since | the option --since needs a value
		logs -s | the option -s needs a value
		events -d | the option -d needs a value
	END
}

@test "an option with a value is given once: the other would be ignored without a word" {
	assert_refused <<-'END'
		stop -d a.1 -d b.1 | the option --dyno-name was given twice, with "a.1" and "b.1"; give it once
		start -p a --process-type=b | the option --process-type was given twice, with "a" and "b"; give it once
		logs -n 1 -n 2 | the option --num was given twice, with "1" and "2"; give it once
	END
}

@test "without a standard output nothing is done, and no file takes its place" {
	write_sleepers
	local status=0
	"$GRACECTL" -c "$CONFIG" check >&- 2>err || status=$?
	assert_equal "the exit status" 1 "$status"
	assert_equal "standard error" "gracectl: the output could not be written: Bad file descriptor" "$(<err)"
	g check
}

@test "a command that takes no arguments refuses them" {
	for command in $(visible_commands); do
		case $command in
		start | stop | restart | ps | logs | events | stops | help) continue ;;
		esac
		assert_refused <<-END
			$command extra | $command takes no argument, but was given "extra"
		END
	done
}

@test "a bad value of an option is named, with what would be right" {
	write_sleepers
	export GRACECTL_CONFIG=$CONFIG
	local duration='write a number with a unit (ms, s, m, h, d), such as 30s, 1h30m or 1.5s'
	for command in start stop restart; do
		assert_refused <<-END
			$command --timeout 5x | --timeout: "5x" is not a duration (the unit is unknown); $duration
			$command --timeout '' | --timeout: "" is not a duration (it is empty); $duration
			$command --timeout -5 | --timeout: "-5" is not a duration (a number was expected); $duration
		END
		assert_has "where to look" "See \`gracectl $command --help\`." "$error"
	done
	[ ! -e "$RUN" ]
	for command in logs events; do
		assert_refused <<-END
			$command -n many | --num: "many" is not a whole number from 0 to 1000000000
			$command -n -1 | --num: "-1" is not a whole number from 0 to 1000000000
			$command -n 1.5 | --num: "1.5" is not a whole number from 0 to 1000000000
			$command -n '' | --num: "" is not a whole number from 0 to 1000000000
			$command -n 99999999999999999999 | --num: "99999999999999999999" is not a whole number from 0 to 1000000000
		END
	done
	assert_refused <<-'END'
		logs -s nowhere | --source is app or heroku, not "nowhere"
		daemon --ready-fd=99 | --ready-fd: 99 is no open descriptor
		daemon --ready-fd=x | --ready-fd: "x" is not a whole number from 3 to 1000000
	END
}

@test "an application's name that cannot be one is refused" {
	for command in ps start stop restart check logs events; do
		for name in ../x 'a b' '' .hidden; do
			gracectl -a "$name" "$command"
			assert_equal "the exit status of -a \"$name\" $command" 2 "$status"
			assert_has "the message" "\"$name\"" "$error"
		done
	done
}

@test "a configuration that is not there is told with the places that were looked at" {
	for command in start stop restart ps logs events check daemon; do
		assert_refused <<-END
			$command | there is no gracectl.ini and no Procfile in $BATS_TEST_TMPDIR, and no /etc/gracectl/gracectl.ini; name the file with -c FILE
			-c nowhere.ini $command | the configuration nowhere.ini (-c): No such file or directory
			-c . $command | the configuration . (-c) is a directory; name the file gracectl.ini or Procfile in it
		END
	done
}

@test "a run directory too long for a socket is a mistake to every command, and told with the others" {
	local long commands="start stop restart ps stops upgrade check"

	long=/tmp/$(printf 'x%.0s' {1..110})
	write_sleepers
	printf '[process more]\ncommand = sleep 1000\nscale = many\n' >>"$CONFIG"
	sed -i "s|^run_dir = .*|run_dir = $long|" "$CONFIG"
	for command in $commands logs events; do
		g 2 "$command"
		assert_has "what $command says" "key \`run_dir\`: \"$long\" has 115 bytes, at most 68 are allowed" "$error"
		assert_has "what $command says" 'key `scale`: "many" is not a whole number' "$error"
		assert_has "what $command says" "gracectl: 2 mistakes in $CONFIG; nothing was done" "$error"
	done
	rm "$CONFIG"
	long=$(printf 'a%.0s' {1..63})
	for command in ${commands/check/}; do
		gracectl -a "$long" "$command"
		assert_equal "the exit status of $command -a" 2 "$status"
		assert_has "what $command -a says" "gracectl: key \`run_dir\`: its default \"" "$error"
	done
}

@test "a dyno or type that is not there is refused by every command that takes one" {
	write_sleepers
	g start
	for command in start stop restart ps; do
		for target in nobody app.3 app.0 app.01 app. .1 'app 1' '*'; do
			g 2 "$command" "$target"
			assert_has "the message" "gracectl: there is no dyno or process type \"$target\"" "$error"
			assert_has "the message" "; the types are: app (2), worker (1)" "$error"
		done
	done
	for command in start stop restart ps; do
		g 2 "$command" app.1 wroker nobody.1
		assert_has "the message" 'type "wroker" (did you mean "worker"?), "nobody.1"; the types are: app (2), worker (1)' "$error"
	done
	for command in start stop restart; do
		g 2 "$command" ''
		assert_has "the message" "gracectl: a target's name is empty or too long" "$error"
		g 2 "$command" -d app.3
		g 2 "$command" -p nobody
		g 2 "$command" app.1 nobody
	done
	assert_state app.1 up
	assert_field app.1 launch 1
}

@test "a type without a dyno is known, and there is nothing to do for it" {
	write_config <<<$'[process app]\ncommand = sleep 1000\n[process none]\ncommand = sleep 1000\nscale = 0'
	for command in start start restart stop; do # the first one without a supervisor
		g "$command" none
		assert_has "the message of $command" "nothing to do: of this type there is no dyno (scale = 0)" "$error"
	done
	g ps none
	assert_equal "the listing" "No dynos on shop" "$output"
	g 2 start none.1
	assert_has "the message" "there is no dyno or process type \"none.1\"; the types are: app (1), none (0)" "$error"
}

@test "a type that only the file knows by now is told to be so" {
	write_sleepers
	g start
	printf '[process newer]\ncommand = sleep 1000\n' >>"$CONFIG"
	for command in start stop restart ps "stops --why"; do
		# shellcheck disable=SC2086 # one or two words
		g 2 $command newer
		assert_has "the message of $command" \
			"gracectl: $CONFIG has it, but the supervisor goes on with what it was started with; \`gracectl stop\`" "$error"
		# shellcheck disable=SC2086
		g 2 $command nobody
		refute_has "the message of $command about nobody" "has it" "$error"
	done
	g stop
	g start newer
	assert_state newer.1 up
}

@test "-a does not take the configuration of another application that is found, but that of -c" {
	write_sleepers
	for words in "start" "stop" "ps" "logs" "check" "--json check" "upgrade"; do
		# shellcheck disable=SC2086 # several words
		gracectl -a other $words
		assert_equal "the exit status of -a other $words" 2 "$status"
		assert_equal "the message of -a other $words" \
			"gracectl: $CONFIG is the configuration of shop, not of other; name that of other with -c FILE, or put it into /etc/gracectl/other.ini" "$error"
	done
	gracectl -a shop check
	assert_equal "the exit status for the same application" 0 "$status"
	g -a other check
	assert_has "what check says with -c" "application other," "$output"
	echo "web: sleep 1000" >Procfile
	rm gracectl.ini
	gracectl -a other check
	assert_has "what check says of a file that names none" "application other," "$output"
}

@test "without a supervisor a dyno or type that is not there is refused all the same" {
	write_sleepers
	for words in "stop nobody" "stop -d app.3" "stop -p nobody" "restart nobody" "ps nobody" "stops --why nobody"; do
		# shellcheck disable=SC2086 # several words
		g 2 $words
		assert_has "the message of $words" "; the types are: app (2), worker (1)" "$error"
	done
	for words in "stop app.2" "restart worker" "ps app" "stops --why app"; do
		# shellcheck disable=SC2086 # several words
		g 3 $words
		assert_has "the message of $words" "gracectl: no supervisor of shop runs" "$error"
	done
	g 2 stop app.1 wroker nobody.1
	assert_has "the message" 'type "wroker" (did you mean "worker"?), "nobody.1"; the types are: app (2), worker (1)' "$error"
	echo "scale = many" >>"$CONFIG"
	g 3 stop nobody # of a file with mistakes nobody knows what would be in it
	[ ! -e "$RUN" ]
}

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

# ps.

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
	g 4 start --timeout 100ms
	assert_has "the message" "not done after 0.1 s; the supervisor goes on with it" "$error"
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
