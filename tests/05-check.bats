#!/usr/bin/env bats
# check: the configuration is read as a whole, and every mistake is told. The unit tests of the reader
# know every option; here it is seen as the user sees it.

bats_require_minimum_version 1.5.0

load helpers

@test "check says what the configuration comes to" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		scale = 2
		[process worker]
		command = sleep 1000
	END
	g check
	assert_equal "the output" "$CONFIG: no mistakes; application shop, 2 process types, 3 dynos" "$output"
	assert_equal "standard error" "" "$error"
}

@test "check tells all mistakes, each with file, line, key, value and what would be right" {
	cat >"$CONFIG" <<-'END'
		[app]
		name = two words
		[defaults]
		stop = SIGTREM/30
		[process web]
		command = no-such-program --now
		scale = many
		scale = 2
		[process worker]
		comand = sleep 1000
		workdir = /no/such/directory
		boot_timeout = 5 apples
		[proces mailer]
	END
	g 2 check
	assert_equal "standard output" "" "$output"
	local line
	for line in 2 4 6 7 8 9 10 11 12 13; do
		grep -q "^$CONFIG:$line: error: " <<<"$error" || fail "nothing is said of line $line"
	done
	assert_equal "the number of mistakes" 10 "$(grep -c ': error: ' <<<"$error")"
	assert_equal "the sum" "gracectl: 10 mistakes in $CONFIG" "${error##*$'\n'}"
	for text in 'key `name`: "two words" is not the name of an application' \
		'key `stop`: ' 'no-such-program' 'key `scale`: "many" is not a whole number from 0 to 10000' \
		'a second time, the first is in line 7' 'key `command` is missing in [process worker]' \
		'there is no such key; did you mean `command`?' '/no/such/directory' '"5 apples" is not a duration'; do
		assert_has "the message" "$text" "$error"
	done
}

@test "mistakes of the environment file are not counted as those of the configuration" {
	write_config <<<$'[process web]\ncommand = sleep 1000'
	printf 'A B\nC D\n' >.env
	g 2 check
	assert_has "the sum" "gracectl: 2 mistakes in $BATS_TEST_TMPDIR/.env" "$error"
	echo "scale = x" >>"$CONFIG"
	g 2 check
	assert_has "the sum" "gracectl: 3 mistakes in $CONFIG and $BATS_TEST_TMPDIR/.env" "$error"
}

@test "check --json prints the mistakes as an object, and the exit status is the same" {
	write_config <<<$'[process web]\ncommand = sleep 1000\nscale = many'
	g 2 check --json
	python3 - "$CONFIG" "$output" <<-'END'
		import json, sys
		said = json.loads(sys.argv[2])
		assert said["file"] == sys.argv[1] and said["app"] == "shop" and said["mistakes"] == 1, said
		problem, = said["problems"]
		assert problem["file"] == sys.argv[1] and not problem["warning"] and "many" in problem["text"], problem
		assert open(sys.argv[1]).read().splitlines()[problem["line"] - 1] == "scale = many", problem
	END
	assert_equal "standard error" "" "$error"
	sed -i 's/many/3/' "$CONFIG"
	g check --json
	assert_has "what it comes to" '"dynos" : 3' "$output"
}

@test "a port that two processes would use is found before anything starts" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		scale = 3
		port = 5000
		[process admin]
		command = sleep 1000
		port = 5002
	END
	g 2 start
	assert_has "the message" "5002" "$error"
	[ ! -e "$RUN" ]
}

@test "a warning is told, and stops nothing" {
	write_config <<-'END'
		[process worker]
		command = sleep 1000
		stop = TERM/30
	END
	g check
	assert_has "the message" "$CONFIG:11: warning: key \`stop\`: \"TERM/30\" does not end with KILL" "$error"
	g start
	g stop
}

@test "check --print prints what reads back the same" {
	mkdir below
	echo 'SECRET=from the file' >.env
	write_config 'timezone = Europe/Berlin' <<-'END'
		env.GREETING = hello # not a comment
		[process web]
		command = sh -c 'echo "$PORT"; exec sleep 1000'
		workdir = below
		stop = QUIT/1m30s/TERM/500ms/KILL/5
		stop_to = main
		ready = http:/healthz?deep=1
		restart_order = start-first
		cycle = 12h
		umask = 027
		[process worker]
		command = sleep 1000
		scale = 0
		restart_at = 30 4 * * 1-5
		backoff = 0 1.5s 1m
		env.EMPTY =
	END
	g check --print
	echo "$output" >printed.ini
	gracectl -c printed.ini check --print
	assert_equal "the exit status" 0 "$status"
	assert_equal "standard error" "" "$error"
	diff -u <(grep -v '^#' printed.ini) <(grep -v '^#' <<<"$output")
	for line in 'timezone = Europe/Berlin' 'stop = QUIT/90/TERM/500ms/KILL/5' 'env.GREETING = hello # not a comment' \
		"workdir = $BATS_TEST_TMPDIR/below" 'restart_at = 30 4 * * 1-5' 'env.EMPTY ='; do
		grep -qxF -e "$line" -e "$line " printed.ini || fail "no line: $line"
	done
	refute_has "the print-out" "from the file" "$(<printed.ini)"
}

@test "the example of the repository has no mistakes" {
	mkdir -p example/etc example/build
	cp "$ROOT/etc/gracectl.ini" "$ROOT/etc/Procfile" example/etc
	cp "$DEMO_SERVER" example/build/demo-server
	gracectl -c example/etc/gracectl.ini check
	assert_equal "the exit status" 0 "$status"
	assert_has "the output" "no mistakes; application demo, 1 process type, 1 dyno" "$output"
}

@test "a Procfile is read as on Heroku" {
	cat >Procfile <<-'END'
		# the processes
		web: sleep 1000
		worker:sleep 1000

		release: ./migrate
	END
	gracectl -c Procfile check
	assert_equal "the exit status" 0 "$status"
	assert_has "the output" "2 process types, 2 dynos" "$output"
	assert_has "the message" "Procfile:5: warning: " "$error"
	echo 'web sleep' >>Procfile
	gracectl -c Procfile check
	assert_equal "the exit status" 2 "$status"
	assert_has "the message" "Procfile:6: error: " "$error"
}

@test "check starts nothing and makes no directory" {
	write_config <<<$'[process web]\ncommand = sleep 1000'
	g check
	[ ! -e "$RUN" ]
	[ ! -e "$STATE" ]
}

@test "check --print and --json exclude each other" {
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g 2 --json check --print
	assert_has "the message" "gracectl: --print and --json exclude each other" "$error"
}

@test "check --json tells a mistake that quotes bytes which are no text" {
	write_config <<<$'[process web]\ncommand = sleep 1000\nk\xe9y = 1'
	g 2 check --json
	python3 - <<-'END' "$BATS_TEST_TMPDIR/stdout"
		import json, sys
		told = json.load(open(sys.argv[1], encoding="utf-8"))
		assert told["mistakes"] == 1 and "k\ufffdy" in told["problems"][0]["text"], told
	END
}
