#!/usr/bin/env bats
# The demo server at work: its start, its settings, and what it answers.

bats_require_minimum_version 1.5.0

load demo-helpers

setup() {
	demo_setup
	body= # set by http
}

teardown() {
	demo_teardown
}

# Starting.

@test "demo: it prints the port that it listens on, and answers there" {
	start_demo
	http 200 /
	assert_body "Hello from port $DEMO_PORT, pid $DEMO_PID."
}

@test "demo: it listens on \$PORT" {
	start_demo
	local port=$DEMO_PORT
	kill -TERM "$DEMO_PID"
	assert_exits 0
	PORT=$port start_demo
	[ "$DEMO_PORT" = "$port" ]
	http 200 /healthz
}

@test "demo: --port wins over \$PORT" {
	PORT=1 start_demo -p 0
	http 200 /
}

@test "demo: a bad port is refused with a sentence and exit status 2" {
	for bad in abc -1 65536 99999999999999999999 '' ' 80' 80x; do
		run env PORT="$bad" "$DEMO_SERVER"
		[ "$status" -eq 2 ]
		[ "$output" = "demo-server: PORT is \"$bad\"; it must be a number from 0 to 65535" ]
		run "$DEMO_SERVER" "--port=$bad"
		[ "$status" -eq 2 ]
		[ "$output" = "demo-server: --port is \"$bad\"; it must be a number from 0 to 65535" ]
	done
}

@test "demo: a port that is taken is named, with exit status 1" {
	start_demo
	run "$DEMO_SERVER" --port "$DEMO_PORT" --database other.db
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: cannot listen on port $DEMO_PORT: Address already in use" ]
	[ -e other.db ] && [ ! -e other.db-wal ] # which is gone when a database was closed
}

@test "demo: the database file comes from --database, else from \$DATABASE, else it is demo.db" {
	start_demo
	[ -f demo.db ]
	kill -TERM "$DEMO_PID"
	assert_exits 0
	DATABASE=env.db start_demo
	[ -f env.db ]
	kill -TERM "$DEMO_PID"
	assert_exits 0
	DATABASE=never.db start_demo --database option.db
	[ -f option.db ]
	[ ! -e never.db ]
}

@test "demo: a database that cannot be opened is named, with exit status 1" {
	run "$DEMO_SERVER" --database nowhere/demo.db
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: cannot open the database nowhere/demo.db: unable to open database file" ]
	echo "this is no database, and it is long enough to be sure" >text
	run "$DEMO_SERVER" --database text
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: cannot open the database text: file is not a database" ]
}

@test "demo: a server of another kind, or an empty name, is refused with exit status 2" {
	run env DATABASE=postgres://me:secret@localhost/demo "$DEMO_SERVER"
	[ "$status" -eq 2 ]
	[[ $output == *'DATABASE begins with "postgres://"; it must name a SQLite file, or a server'* ]]
	[[ $output != *secret* ]]
	run "$DEMO_SERVER" --database ''
	[ "$status" -eq 2 ]
	[[ $output == *'--database is empty'* ]]
	for name in MONGO_DB MONGODB_URI; do
		run env "$name=demo" "$DEMO_SERVER"
		[ "$status" -eq 2 ]
		[ "$output" = "demo-server: $name is not a URI; it must begin with mongodb:// or mongodb+srv://" ]
	done
}

@test "demo: wrong options are refused with exit status 2" {
	for bad in --nonsense -x --deadline=soon --header-timeout=-1 --lame-duck=1x extra --port; do
		run "$DEMO_SERVER" "$bad"
		[ "$status" -eq 2 ]
		[[ $output == *demo-server:* ]]
	done
	run "$DEMO_SERVER" --deadline 2s --lame-duck 2s
	[ "$status" -eq 2 ]
	[[ $output == *'--deadline must be longer than --lame-duck'* ]]
}

@test "demo: --help names every option, --version the version, and both exit 0" {
	run "$DEMO_SERVER" --help
	[ "$status" -eq 0 ]
	for option in -p --port --config --database --deadline --header-timeout --lame-duck -h --help --version; do
		[[ $output == *" $option"* ]]
	done
	run "$DEMO_SERVER" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^demo-server\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

# The file of --config.

@test "demo: the settings come from a file, and the environment and the options win over it" {
	cat >demo.ini <<-'END'
		; a comment
		[demo-server]
		port = 0
		database = file.db
		deadline = 9s
		# another one
		header_timeout = 1500ms
		lame_duck = 2500ms
	END
	start_demo --config demo.ini
	[ -f file.db ]
	play <<-'END'
		signal TERM
		exits after=2.4 within=5
	END
	assert_clean_stop
	DATABASE=env.db start_demo --config demo.ini --lame-duck 0s
	[ -f env.db ]
	play <<-'END'
		signal TERM
		exits within=2.4
	END
	assert_clean_stop
}

# refuses_file TEXT MESSAGE
refuses_file() {
	printf '%b' "$1" >bad.ini
	run "$DEMO_SERVER" --config bad.ini
	[ "$status" -eq 2 ] && [ "$output" = "demo-server: $2" ] || {
		printf 'the file: %s\nexpected: %s\ngot:      %s (%s)\n' "$1" "demo-server: $2" "$output" "$status"
		return 1
	}
}

@test "demo: a mistake in the file is told with file, line and key, and exit status 2" {
	local head='[demo-server]\n'
	refuses_file 'port = 1\n' 'bad.ini:1: the settings must stand below the line [demo-server]'
	refuses_file "$head"'port = 0\n\n[web]\nport = 1\n' 'bad.ini:5: the section is unknown; there is only [demo-server]'
	refuses_file "$head"'port = 70000\n' 'bad.ini:2: key `port` is "70000"; it must be a number from 0 to 65535'
	refuses_file "$head"'\nprot = 1\n' 'bad.ini:3: key `prot` is unknown; did you mean `port`?'
	refuses_file "$head"'colour = 1\n' \
		'bad.ini:2: key `colour` is unknown; there are port, database, deadline, header_timeout and lame_duck'
	refuses_file "$head"'port = 0\nport = 0\n' 'bad.ini:3: key `port` stands a second time'
	refuses_file "$head"'port\n' 'bad.ini:2: the line is neither a section nor KEY = VALUE'
	refuses_file "$head"'port = 0\n  0\n' 'bad.ini:3: the line is neither a section nor KEY = VALUE'
	refuses_file "$head"'database = redis://x\n' \
		'bad.ini:2: key `database` begins with "redis://"; it must name a SQLite file, or a server by a mongodb:// or mongodb+srv:// URI'
	refuses_file "$head"'database =\n' \
		'bad.ini:2: key `database` is empty; it must name a SQLite file, or a server by a mongodb:// URI'
	refuses_file "$head""$(printf 'x%.0s' {1..5000})" 'bad.ini:2: the line is too long; at most 4096 characters are taken'
	refuses_file "$head"'a\0b' 'bad.ini is not a text file'
	printf '[demo-server]\ndeadline = soon\n' >bad.ini
	run "$DEMO_SERVER" --config bad.ini
	[ "$status" -eq 2 ]
	[[ $output == 'demo-server: bad.ini:2: key `deadline`: '*soon* ]]
	run "$DEMO_SERVER" --config nowhere.ini
	[ "$status" -eq 2 ]
	[ "$output" = 'demo-server: cannot read nowhere.ini: No such file or directory' ]
}

# The routes.

@test "demo: GET /healthz answers 200 while it runs" {
	start_demo
	http 200 /healthz
	assert_body ok
}

@test "demo: GET /livez answers 200, also while it stops" {
	start_demo --lame-duck 2s
	http 200 /livez
	assert_body alive
	play <<-'END'
		signal TERM
		log "SIGTERM signal received."
		request live GET /livez
		answer live 200 close body=alive
		exits
	END
	assert_clean_stop
}

@test "demo: POST /user stores a user from a form" {
	start_demo
	http 201 /user -d 'a=1&username=Ann+O%27Neil%21&b=2'
	assert_body 'Success!'
	[ "$(users)" = "Ann O'Neil!" ]
}

@test "demo: POST /user stores a user from JSON" {
	start_demo
	http 201 /user -H 'Content-Type: application/json; charset=utf-8' -d '{"username": "Žofie"}'
	assert_body 'Success!'
	[ "$(users)" = 'Žofie' ]
}

@test "demo: POST /user without a content type is read as what it looks like" {
	start_demo
	http 201 /user -H 'Content-Type:' -d ' {"username": "ann"}'
	http 201 /user -H 'Content-Type:' -d 'username=bob'
	[ "$(users)" = $'ann\nbob' ]
}

@test "demo: POST /user refuses a bad form with 400 and says why" {
	start_demo
	http 400 /user -d ''
	assert_body 'Bad request: the body is empty.'
	http 400 /user -d 'name=ann'
	assert_body 'Bad request: the form has no username=.'
	http 400 /user -d 'username='
	assert_body 'Bad request: username is empty.'
	for bad in %zz %1 % %g0 %0; do
		http 400 /user -d "username=$bad"
		assert_body 'Bad request: username has a % that two hex digits do not follow.'
	done
	for bad in %00 a%00b %0a %ff %c3 %ed%a0%80 %7f; do
		http 400 /user -d "username=$bad"
		assert_body 'Bad request: username must be UTF-8 text without control characters.'
	done
	http 400 /user -d "username=$(printf 'a%.0s' {1..257})"
	assert_body 'Bad request: username has 257 bytes; at most 256 are allowed.'
	http 201 /user -d "username=$(printf 'a%.0s' {1..256})"
	http 400 /user -H 'Content-Type: text/plain' -d 'username=ann'
	assert_body_has 'the body must be application/json or application/x-www-form-urlencoded'
	[ "$(users | wc -l)" -eq 1 ]
}

@test "demo: POST /user refuses bad JSON with 400 and says why" {
	start_demo
	local json=(-H 'Content-Type: application/json')
	for bad in '{' '{"username"' '{"username":}' '{"username":"a",}' '{"username":"a"} x' '{]' \
		'{"username":"\ud800"}'; do
		http 400 /user "${json[@]}" -d "$bad"
		assert_body_has 'Bad request: '
	done
	for bad in 'username=a' '[]' '["username"]' '"username"' '5' ' '; do
		http 400 /user "${json[@]}" -d "$bad"
		assert_body 'Bad request: the body is not a JSON object.'
	done
	http 400 /user "${json[@]}" -d '{"name": "ann"}'
	assert_body 'Bad request: the JSON object has no "username".'
	# shellcheck disable=SC2016
	for bad in 5 null '{}' '["a"]' true '{"$oid": "507f1f77bcf86cd799439011"}'; do
		http 400 /user "${json[@]}" -d "{\"username\": $bad}"
		assert_body 'Bad request: "username" must be a string.'
	done
	http 400 /user "${json[@]}" -d '{"username": "a\u0000b"}'
	http 400 /user "${json[@]}" -d "$(printf '[%.0s' {1..20000})"
	http 400 /user "${json[@]}" -d "$(printf '{"a":%.0s' {1..5000})"
	[ "$(users)" = '' ]
	http 200 /healthz
}

@test "demo: GET /user finds the newest user of a name, as JSON" {
	start_demo
	http 201 /user -d 'username=ann b'
	http 201 /user -d 'username=ann b'
	http 200 '/user?name=ann%20b'
	[[ $body =~ ^\{\ \"id\"\ :\ 2,\ \"username\"\ :\ \"ann\ b\",\ \"created\"\ :\ .*\}$ ]]
	assert_header 'Content-Type: application/json'
}

@test "demo: GET /user answers 404 for a stranger and 400 for a bad query" {
	start_demo
	http 404 '/user?name=nobody'
	assert_body 'There is no such user.'
	http 400 /user
	assert_body 'Bad request: the query has no name=.'
	http 400 '/user?name='
	http 400 '/user?name'
	http 400 '/user?name=a%00b'
	http 400 '/user?name=%ff'
}

@test "demo: users are still there after a restart" {
	start_demo
	http 201 /user -d username=ann
	kill -TERM "$DEMO_PID"
	assert_clean_stop
	start_demo
	http 200 '/user?name=ann'
}

@test "demo: a store that fails is answered with 500 and its message, and the server goes on" {
	start_demo
	python3 -c 'import sqlite3; sqlite3.connect("demo.db").execute("DROP TABLE users")'
	http 500 /user -d username=ann
	assert_body 'cannot store the user in demo.db: no such table: users'
	http 500 '/user?name=ann'
	assert_body 'cannot look for the user in demo.db: no such table: users'
	http 200 /healthz
}

@test "demo: GET /slow takes its time and holds up nobody" {
	start_demo
	play <<-'END'
		request slow GET /slow?ms=600
		request quick GET /healthz
		answer quick 200 keep
		silent slow for=0.2
		answer slow 200 keep body="That took 600 ms."
		request slow GET /slow
		answer slow 200 body="That took 0 ms."
	END
}

@test "demo: GET /slow refuses a time or a size out of bounds" {
	start_demo
	for bad in ms= ms=x ms=-1 ms=1.5 ms=60001 ms=99999999999999999999 ms=5%00 ms=%205 bytes=67108865; do
		http 400 "/slow?$bad"
		assert_body_has 'ms= must be a number from 0 to 60000'
	done
}

@test "demo: a client that sends no more is still answered" {
	start_demo
	play <<-'END'
		request slow GET /slow?ms=300
		halfclose slow
		request ann POST /user body=username=ann
		halfclose ann
		answer slow 200
		answer ann 201
	END
}

@test "demo: another path is answered with 404" {
	start_demo
	http 404 /nowhere
	http 404 /user/ -d username=ann
	http 404 /healthz/..%2f --path-as-is
}

@test "demo: a path is compared to its end, not to a NUL in it" {
	start_demo
	http 400 /healthz%00x
	http 400 /crash%00x -X POST
	assert_body 'Bad request: a NUL in the path.'
	http 400 '/%00?name=ann'
	http 200 '/healthz?%00'
	http 200 /healthz # also on the same connection
}

@test "demo: a target may name a server, as one for a proxy does" {
	start_demo
	play <<-'END'
		request a GET http://localhost/healthz
		answer a 200 keep body=ok
		request a GET HTTP://localhost:80
		answer a 200 body=Hello
		request a POST http://localhost/user?/healthz body=username=ann
		answer a 201
		request a GET http://localhost/nowhere
		answer a 404
	END
	[ "$(users)" = ann ]
}

@test "demo: a transfer coding that is not chunked is answered with 501, and the connection ends" {
	start_demo
	for coding in gzip 'gzip, chunked' chunke 'chunked, chunked'; do
		play <<-END
			send a "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: $coding\r\n\r\nusername=a"
			answer a 501 close body="only chunked is taken"
			eof a
		END
	done
	play <<-'END'
		send a "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\na\r\nusername=b\r\n0\r\n\r\n"
		answer a 201 keep
		signal TERM
		eof a
		exits within=3
	END
	assert_clean_stop
}

@test "demo: a wrong method is answered with 405 and the methods that would be right" {
	start_demo
	http 405 /user -X DELETE
	assert_header 'Allow: GET, HEAD, POST'
	http 405 /healthz -X POST
	assert_header 'Allow: GET, HEAD'
	http 405 /crash
	assert_header 'Allow: POST'
	http 200 / --head
	http 200 /healthz
}

@test "demo: a body that is too large is answered with 413, read by the client to its end" {
	start_demo
	play <<-'END'
		send declared "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
		fill declared 3000000
		answer declared 413 close
		eof declared
		send chunked "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C0\r\n"
		fill chunked 3000000
		answer chunked 413 close
		eof chunked
		send waits "POST /user HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 70000\r\n\r\n"
		answer waits 413 close
		request after GET /healthz
		answer after 200
	END
}

@test "demo: broken requests do no harm" {
	start_demo
	play <<-'END'
		send a "\x01\x02\r\n\r\n"
		broken a
		send b "GET / HTTP/1.1\r\n\r\n"
		answer b 400
		send c "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n"
		broken c
		send d "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
		broken d
		send e "GET / HTTP/1.1\r\nHost: x\r\nX: "
		fill e 100000
		answer e 431
		request after GET /healthz
		answer after 200
	END
}

@test "demo: a closed pipe behind the output does not kill it" {
	mkfifo pipe
	"$DEMO_SERVER" >pipe 2>"$DEMO_LOG" 3>&- &
	DEMO_PID=$!
	read -r line <pipe
	DEMO_PORT=${line//[^0-9]/}
	http 200 /
	kill -TERM "$DEMO_PID"
	assert_exits 0
}
