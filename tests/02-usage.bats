#!/usr/bin/env bats
# Wrong use of every command and option: what is refused, in which words, and with exit status 2.

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
			$command | there is no gracectl.ini and no Procfile in $BATS_TEST_TMPDIR, and no /etc/gracectl/gracectl.ini; name the file with -c FILE, or write one: see gracectl.ini(5)
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
		assert_equal "how $command ends" \
			"gracectl: 2 mistakes in $CONFIG$([ "$command" == check ] || echo "; nothing was done")" "${error##*$'\n'}"
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
			assert_equal "the lines: what is refused has not begun" 1 "$(wc -l <<<"$error")"
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
		assert_equal "the lines of $command" 2 "$(wc -l <<<"$error")"
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
