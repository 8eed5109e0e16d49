#!/usr/bin/env bats
# The demo server with MongoDB: storing, losing the server and finding it again. A real server takes
# part in most of it; where an answer must be late, wrong or missing on demand, it is a stub (start_stub).

bats_require_minimum_version 1.5.0

load demo-helpers
load mongo-helpers

setup() {
	demo_setup
}

teardown() {
	mongo_teardown
}

# Storing.

@test "mongo: POST /user stores a document, GET /user finds the newest one" {
	start_mongo
	start_demo_mongo
	http 200 /healthz
	http 404 '/user?name=Žofie'
	http 201 /user -d 'username=Žofie'
	assert_body 'Success!'
	http 201 /user -H 'Content-Type: application/json' -d '{"username": "Žofie"}'
	http 201 /user -d 'username=$where'
	[ "$(mongo_users)" = $'Žofie\nŽofie\n$where' ]
	http 200 '/user?name=Žofie'
	id=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["id"])' "$body")
	[ "$id" = "$(python3 -c 'import ast, sys; print(ast.literal_eval(sys.stdin.read().splitlines()[1]).hex())' \
		< <(mongo_users _id))" ]
	kill -TERM "$DEMO_PID"
	assert_clean_mongo_stop
}

@test "mongo: MONGO_DB, MONGODB_URI, DATABASE, --database and the file take a URI; the nearer one wins" {
	start_mongo
	for variable in MONGO_DB MONGODB_URI DATABASE; do
		rm -f "$DEMO_LOG"
		export "$variable=$MONGO_URI"
		start_demo
		wait_for 10 grep -q '^Connected' "$DEMO_LOG"
		http 201 /user -d "username=$variable"
		kill -TERM "$DEMO_PID"
		assert_clean_mongo_stop
		unset "$variable"
	done
	printf '[demo-server]\ndatabase = %s\n' "$MONGO_URI" >demo.ini
	start_demo --config demo.ini
	http 201 /user -d username=file
	kill -TERM "$DEMO_PID"
	assert_exits 0
	MONGO_DB=$MONGO_URI MONGODB_URI=mongodb://127.0.0.1:1/ DATABASE=never.db start_demo
	http 201 /user -d username=nearer
	kill -TERM "$DEMO_PID"
	assert_exits 0
	MONGO_DB=mongodb://127.0.0.1:1/ start_demo --database "$MONGO_URI"
	http 201 /user -d username=option
	kill -TERM "$DEMO_PID"
	assert_exits 0
	[ ! -e never.db ]
	[ "$(mongo_users | paste -sd ' ')" = 'MONGO_DB MONGODB_URI DATABASE file nearer option' ]
}

@test "mongo: a URI that is not valid is refused, without its password" {
	for bad in 'mongodb://' 'mongodb://me:secret@' 'mongodb://me:secret@host:port/'; do
		run timeout 10 "$DEMO_SERVER" --database "$bad"
		[ "$status" -eq 1 ]
		[[ $output == *'demo-server: the URI of the MongoDB server is not valid: '* ]]
		[[ $output != *secret* ]]
	done
	# Up to the first @ would be the password, and the rest the name of a host, which is no secret.
	run timeout 10 "$DEMO_SERVER" --database 'mongodb://me:not@secret@host/'
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: the URI of the MongoDB server is not valid: an @ in the user name or the \
password must be %40" ]
}

@test "mongo: an option that the driver does not know is told of, and the server starts" {
	MONGO_DB='mongodb://127.0.0.1:1/?socketTimoutMS=1' start_demo
	assert_log_has 'demo-server: the URI of the MongoDB server: Unsupported URI option "sockettimoutms"'
}

@test "mongo: bounds as long as can be are no negative ones" {
	start_stub
	MONGO_URI+='?serverSelectionTimeoutMS=2147483647'
	start_demo_mongo
	kill -TERM "$DEMO_PID"
	assert_clean_mongo_stop
}

# The connection.

@test "mongo: without a server it starts, says so once, tries on for ever, and connects in the end" {
	start_own_mongo
	kill_mongo
	MONGO_DB=$MONGO_URI start_demo
	wait_for 10 grep -q '^error in Database (MongoDB) connections: ' "$DEMO_LOG"
	http 503 /healthz
	assert_body_has 'the database is not reachable: '
	http 200 /livez
	http 503 /user -d username=ann
	assert_body_has 'cannot store the user in MongoDB: '
	run_mongo
	wait_for 5 grep -qx 'Connected to Database (MongoDB)' "$DEMO_LOG"
	logged 1 'error in Database'
	logged 0 'Database connection disconnected'
	http 200 /healthz
	http 201 /user -d username=bob
	[ "$(mongo_users)" = bob ]
}

@test "mongo: a server that goes and comes is told once for each change, and served again" {
	start_own_mongo
	start_demo_mongo
	http 201 /user -d username=before
	for round in 1 2; do
		kill_mongo
		wait_for 10 logged "$round" 'Database connection disconnected'
		wait_for 10 logged "$round" 'error in Database (MongoDB) connections: '
		http 503 /healthz
		run_mongo
		wait_for 10 logged "$((round + 1))" 'Connected to Database (MongoDB)'
		http 200 /healthz
		http 201 /user -d "username=after$round"
	done
	[ "$(mongo_users | paste -sd ' ')" = 'before after1 after2' ]
	[ "$(wc -l <"$DEMO_LOG")" -eq 8 ]
}

@test "mongo: a server that hangs is noticed, and holds up nobody but those who ask it" {
	start_own_mongo
	start_demo_mongo
	http 201 /user -d username=ann
	kill -STOP "$MONGO_PID"
	play <<-'END'
		request ann POST /user body=username=hangs
		request quick GET /
		answer quick 200
		log "Database connection disconnected"
		request ready GET /healthz
		answer ready 503
		request live GET /livez
		answer live 200
		answer ann 500 body="cannot store the user in MongoDB"
	END
	kill -CONT "$MONGO_PID"
	wait_for 10 logged 2 'Connected to Database (MongoDB)'
	http 201 /user -d username=bob
	kill -TERM "$DEMO_PID"
	assert_exits 0
}

@test "mongo: when many wait for a server that is gone, each one has its answer within two waits" {
	start_own_mongo
	start_demo_mongo
	kill_mongo
	wait_for 10 logged 1 'Database connection disconnected'
	play <<-'END'
		crowd 60 /user?name=ann
		crowd-answers 503 within=7
	END
	http 200 /livez
}

@test "mongo: behind requests that the server does not answer, others are told so when their time is up" {
	start_stub find=hang
	MONGO_URI+='?waitQueueTimeoutMS=500'
	start_demo_mongo
	play <<-'END'
		request one GET /user?name=ann
		request two GET /user?name=ann
		request three GET /user?name=ann
		request four GET /user?name=ann
		pass 0.2
		request five GET /user?name=ann
		request six POST /user body=username=ann
		answer five 503 within=2 body="the database does not keep up with the requests"
		answer six 503 within=2 body="the database does not keep up with the requests"
		answer one 500 body="cannot look for the user in MongoDB"
	END
}

@test "mongo: the server is told who connects, by the name of the program or that of the URI" {
	start_stub
	start_demo_mongo
	grep -qx 'connection of demo-server' stub.log
	kill -TERM "$DEMO_PID"
	assert_clean_mongo_stop
	MONGO_URI+='?appname=shop'
	start_demo_mongo
	grep -qx 'connection of shop' stub.log
}

# Whether the lookup fails at once or hangs depends on the machine.
@test "mongo: while the address is looked up, a request waits for its turn no longer than it should" {
	MONGO_DB='mongodb+srv://db.demo.invalid/?waitQueueTimeoutMS=300&maxPoolSize=1' start_demo
	http 503 /user -d username=ann
	assert_body_has 'the database is not reachable: '
	kill -TERM "$DEMO_PID"
	wait "$DEMO_PID" || true
	DEMO_PID=
	assert_log_has 'Http server closed.'
}

@test "mongo: what the server refuses is answered with 500 and its words" {
	start_stub insert=refuse find=refuse
	start_demo_mongo
	http 500 /user -d username=ann
	assert_body 'cannot store the user in MongoDB: the stub refuses this'
	http 500 '/user?name=ann'
	assert_body 'cannot look for the user in MongoDB: the stub refuses this'
	http 200 /livez
}

@test "mongo: a connection that breaks under a request is no success" {
	start_stub insert=drop
	start_demo_mongo
	http 500 /user -d username=ann
	assert_body_has 'cannot store the user in MongoDB: '
}

@test "mongo: a connection that the server refuses is answered with 503, for nothing was sent" {
	start_stub
	start_demo_mongo
	kill_mongo
	http 503 /user -d username=ann # before the driver has looked, or after
	assert_body_has 'cannot store the user in MongoDB: '
}

@test "mongo: a server that does not let the user in is no connection, says why once, and is asked again each second" {
	local refused

	start_stub saslStart=refuse:3
	MONGO_DB="mongodb://me:secret@${MONGO_URI#mongodb://}?authMechanism=PLAIN" start_demo
	wait_for 10 grep -q '^error in Database (MongoDB) connections: .*the stub refuses this' "$DEMO_LOG"
	refused=$(date +%s%N)
	http 503 /healthz
	assert_body_has 'the stub refuses this'
	logged 0 'Connected to Database (MongoDB)'
	wait_for 10 logged 1 'Connected to Database (MongoDB)'
	[ $(($(date +%s%N) - refused)) -ge 2500000000 ] # three times more, a second between them
	http 200 /healthz
	http 201 /user -d username=ann
	logged 1 'error in Database (MongoDB) connections: '
	logged 0 'Database connection disconnected'
	kill -TERM "$DEMO_PID"
	assert_exits 0
}

@test "mongo: a request to a server that does not let the user in is answered with 503" {
	start_stub saslStart=refuse
	MONGO_DB="mongodb://me:secret@${MONGO_URI#mongodb://}" start_demo
	wait_for 10 grep -q '^error in Database' "$DEMO_LOG"
	http 503 /user -d username=ann
	assert_body_has 'cannot store the user in MongoDB: '
	ends_soon
	logged 1 'error in Database (MongoDB) connections: '
	logged 0 'Connected to Database (MongoDB)'
	logged 0 'Database connection disconnected'
}
