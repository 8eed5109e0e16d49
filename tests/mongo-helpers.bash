# Helpers for the tests of the demo server with MongoDB: a server for each test, in the test's own
# directory, and a stub of one.
#
# The server is mongod when it is on the PATH; else the one of $MONGODB_URI, which cannot be killed or
# stopped and so serves fewer tests; else FerretDB, which `make ferretdb` builds. Without any of them
# the tests are skipped.

FERRETDB=${FERRETDB:-${XDG_CACHE_HOME:-$HOME/.cache}/gracectl/ferretdb-v1.24.2}

# start_mongo: a server with an empty database. Sets MONGO_URI, and MONGO_PID when the server is ours.
start_mongo() {
	MONGO_NAME=demo
	if command -v mongod >/dev/null || { [ -z "$GIVEN_MONGODB_URI" ] && [ -x "$FERRETDB" ]; }; then
		MONGO_ADDRESS=127.0.0.1:$(free_port)
		run_mongo
	elif [[ $GIVEN_MONGODB_URI =~ ^mongodb://([^/@,]+:[0-9]+)(/|$) ]]; then
		MONGO_ADDRESS=${BASH_REMATCH[1]}
		MONGO_NAME=gracectl_test_$$_$BATS_TEST_NUMBER
	elif [ -n "$GIVEN_MONGODB_URI" ]; then
		skip "MONGODB_URI is not of the form mongodb://HOST:PORT"
	else
		skip "no MongoDB server: no mongod on the PATH, no MONGODB_URI, and \`make ferretdb\` was not run"
	fi
	MONGO_URI=mongodb://$MONGO_ADDRESS/$MONGO_NAME
}

# start_own_mongo: the same, for tests that kill it or stop it.
start_own_mongo() {
	start_mongo
	[ -n "$MONGO_PID" ] || skip "the server of MONGODB_URI is not ours to kill"
}

# run_mongo: starts it, or starts it again, at MONGO_ADDRESS.
run_mongo() {
	mkdir -p mongo
	if command -v mongod >/dev/null; then
		mongod --dbpath mongo --bind_ip 127.0.0.1 --port "${MONGO_ADDRESS##*:}" >>mongo.log 2>&1 3>&- &
	else
		"$FERRETDB" "$MONGO_ADDRESS" mongo >>mongo.log 2>&1 3>&- &
	fi
	MONGO_PID=$!
	wait_for 20 mongo_users >/dev/null 2>&1
}

kill_mongo() {
	kill -KILL "$MONGO_PID"
	wait "$MONGO_PID" 2>/dev/null || true
	MONGO_PID=
}

free_port() {
	python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# mongo_users [FIELD...]: the names of the users in the database, or other fields, one user a line.
mongo_users() {
	python3 "$ROOT/tests/mongo-users.py" "$MONGO_ADDRESS" "${MONGO_NAME:-demo}" "$@"
}

# start_stub [COMMAND=ACTION...]: a stub, see mongo-stub.py. Sets MONGO_URI, MONGO_PID; prints to stub.log.
start_stub() {
	python3 "$ROOT/tests/mongo-stub.py" stub.port "$@" >stub.log 3>&- &
	MONGO_PID=$!
	wait_for 10 test -e stub.port
	MONGO_URI=mongodb://127.0.0.1:$(<stub.port)/demo
}

# stop_mongo: for the teardown; a server that is not ours loses the database of the test.
stop_mongo() {
	[[ ${MONGO_NAME:-} != gracectl_test_* ]] || mongo_users --drop
	[ -n "$MONGO_PID" ] || return 0
	kill -CONT "$MONGO_PID" 2>/dev/null || true
	kill_mongo
}

# start_demo_mongo [OPTION...]: the demo server with the database of MONGO_URI, and connected.
start_demo_mongo() {
	MONGO_DB=$MONGO_URI start_demo "$@"
	wait_for 10 grep -qx 'Connected to Database (MongoDB)' "$DEMO_LOG"
}

# The lines of a clean stop by SIGTERM, and those before it that are given.
assert_clean_mongo_stop() {
	[ $# -gt 0 ] || set -- 'Connected to Database (MongoDB)'
	assert_exits 0
	assert_log "App running on port $DEMO_PORT..." "$@" \
		'👋 SIGTERM RECEIVED. Shutting down gracefully' \
		'SIGTERM signal received.' \
		'Closing http server.' \
		'Http server closed.' \
		'MongoDb connection closed.' \
		'💥 Process terminated!'
}

# mongo_teardown: of the demo server, which must end well, and then of the database.
mongo_teardown() {
	local status=0

	[ -z "$MONGO_PID" ] || kill -CONT "$MONGO_PID" 2>/dev/null || true
	demo_teardown || status=$?
	stop_mongo
	return "$status"
}

# logged COUNT LINE: that many lines of the log begin so.
logged() {
	[ "$(grep -c "^$2" "$DEMO_LOG")" -eq "$1" ]
}

# ends_soon: SIGTERM now is a clean end, and no time is lost with a server that is not there.
ends_soon() {
	play <<-'END'
		signal TERM
		exits within=1.5
	END
	assert_exits 0
	assert_log_has 'MongoDb connection closed.'
}
