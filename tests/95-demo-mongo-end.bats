#!/usr/bin/env bats
# The demo server with MongoDB: those cases of a graceful shutdown in which the database has a part.
# A real server takes part in most of them; where an answer must be late, wrong or missing on demand,
# it is a stub (start_stub).

bats_require_minimum_version 1.5.0

load demo-helpers
load mongo-helpers

setup() {
	demo_setup
}

teardown() {
	mongo_teardown
}

@test "mongo: SIGTERM ends an idle server at once, with every line in its order" { # A
	start_mongo
	start_demo_mongo
	http 201 /user -d username=ann
	play <<-'END'
		signal TERM
		exits within=3
	END
	assert_clean_mongo_stop
}

@test "mongo: SIGTERM right after the start, connected or not" {
	start_mongo
	for _ in 1 2 3 4 5; do
		MONGO_DB=$MONGO_URI start_demo
		play <<-'END'
			signal TERM
			exits within=3
		END
		assert_exits 0
		assert_log_has 'MongoDb connection closed.'
	done
}

@test "mongo: a request in flight, an idle connection and a silent one" { # B, C, D
	start_mongo
	start_demo_mongo
	play <<-'END'
		request idle POST /user body=username=idle
		answer idle 201 keep
		open silent
		request slow GET /slow?ms=800
		pass 0.2
		signal TERM
		eof idle
		eof silent
		answer slow 200 close
		eof slow
		exits after=0.5 within=3
	END
	assert_clean_mongo_stop
	[ "$(mongo_users)" = idle ]
}

@test "mongo: uploads in flight are finished and stored" { # G
	start_mongo
	start_demo_mongo
	play <<-'END'
		send sized "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\nuserna"
		send chunked "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nusern\r\n9"
		pass 0.1
		signal TERM
		log "Closing http server."
		pass 0.2
		send sized "me=sized"
		send chunked "\r\name=chunk\r\n0\r\n\r\n"
		answer sized 201 close
		answer chunked 201 close
		exits within=2
	END
	assert_clean_mongo_stop
	[ "$(mongo_users | sort)" = $'chunk\nsized' ]
}

@test "mongo: readiness says 503 before the first connection is refused" { # K
	start_mongo
	start_demo_mongo --lame-duck 1500ms
	play <<-'END'
		sequence /healthz s+u+x+ for=4 signal=TERM
		exits
	END
	assert_clean_mongo_stop
}

@test "mongo: SIGTERM twice and SIGINT with it are one" { # M
	start_mongo
	start_demo_mongo
	play <<-'END'
		request slow GET /slow?ms=1300
		pass 0.1
		signal TERM
		log "SIGTERM RECEIVED"
		signal TERM
		signal INT
		pass 0.3
		signal TERM
		answer slow 200 close
		exits
	END
	assert_clean_mongo_stop
}

@test "mongo: a user whose storing takes long is stored and acknowledged, and then it disconnects" { # O
	start_own_mongo
	start_demo_mongo
	http 201 /user -d username=first
	kill -STOP "$MONGO_PID"
	play <<-END
		request ann POST /user body=username=ann
		pass 0.1
		signal TERM
		log "Closing http server."
		silent ann for=0.4
		resume $MONGO_PID
		answer ann 201 close body=Success!
		exits
	END
	assert_exits 0
	assert_log_has 'MongoDb connection closed.'
	[ "$(mongo_users)" = $'first\nann' ]
}

@test "mongo: the connections to the database are closed behind the last answer, not before" { # O
	start_stub insert=delay:0.8
	start_demo_mongo
	play <<-'END'
		request ann POST /user body=username=ann
		pass 0.1
		signal TERM
		answer ann 201 close
		exits after=0.6
	END
	assert_clean_mongo_stop
	wait_for 5 stub_has_no_connection
	diff -u --label expected --label stub <(printf '%s\n' 'insert asked' 'insert answered' 'endSessions asked' \
		'endSessions answered' 'connection closed' 'connection closed') <(grep -v -e opened -e 'connection of' stub.log)
}

stub_has_no_connection() {
	[ "$(grep -c opened stub.log)" -eq "$(grep -c closed stub.log)" ]
}

@test "mongo: a server killed before the signal does not hold up the end" { # P
	start_own_mongo
	start_demo_mongo
	http 201 /user -d username=ann
	kill_mongo
	wait_for 10 logged 1 'Database connection disconnected'
	ends_soon
}

@test "mongo: a server killed in the moment of the signal" { # P
	start_own_mongo
	MONGO_URI+='?serverSelectionTimeoutMS=1000'
	start_demo_mongo
	play <<-END
		request ann POST /user body=username=ann
		answer ann 201 keep
		request slow GET /slow?ms=600
		pass 0.1
		signal TERM
		kill $MONGO_PID
		answer slow 200 close
		exits within=3
	END
	MONGO_PID=
	assert_exits 0
	assert_log_has 'MongoDb connection closed.'
}

@test "mongo: a server stopped before the signal does not hold up the end longer than its bound" { # P
	start_own_mongo
	MONGO_URI+='?serverSelectionTimeoutMS=1000&socketTimeoutMS=1500&connectTimeoutMS=1000'
	start_demo_mongo
	http 201 /user -d username=ann
	kill -STOP "$MONGO_PID"
	play <<-'END'
		signal TERM
		exits within=3
	END
	assert_exits 0
	assert_log_has 'MongoDb connection closed.'
}

@test "mongo: a server that was never there costs nothing" { # P
	MONGO_DB=mongodb://127.0.0.1:$(free_port) start_demo
	wait_for 10 grep -q '^error in Database' "$DEMO_LOG"
	ends_soon
}

@test "mongo: a server that is connected to but never says hello costs nothing" { # P
	start_stub hello=hang
	MONGO_DB=$MONGO_URI start_demo
	wait_for 10 grep -q 'connection opened' stub.log
	ends_soon
}

@test "mongo: an address that swallows everything costs nothing but the wait of those who ask for it" { # P
	start_black_hole
	MONGO_DB=$MONGO_URI start_demo
	wait_for 10 black_hole_is_tried
	ends_soon
	MONGO_DB=$MONGO_URI'?serverSelectionTimeoutMS=800' start_demo
	play <<-'END'
		request ann POST /user body=username=ann
		pass 0.1
		signal TERM
		answer ann 503 close body="cannot store the user in MongoDB"
		exits within=2
	END
	assert_exits 0
}

# A listener whose queue is full and stays so: the kernel drops what else comes. Sets MONGO_URI, MONGO_PID.
start_black_hole() {
	python3 -c '
import socket, sys, time
hole = socket.socket()
hole.bind(("127.0.0.1", 0))
hole.listen(0)
full = []
for _ in range(3):
    full.append(socket.socket())
    full[-1].setblocking(False)
    full[-1].connect_ex(hole.getsockname())
with open("hole.port", "w") as file:
    print(hole.getsockname()[1], file=file)
time.sleep(60)' 3>&- &
	MONGO_PID=$!
	wait_for 10 test -s hole.port
	MONGO_URI=mongodb://127.0.0.1:$(<hole.port)/
}

black_hole_is_tried() {
	ss -Htnp state syn-sent "dport = :$(<hole.port)" | grep -q "pid=$DEMO_PID,"
}

@test "mongo: a name server that does not answer costs nothing, whatever is looked up" { # P
	use_silent_name_server
	for uri in mongodb+srv://db.demo.example/ mongodb://db.demo.example/; do
		rm -f asked
		MONGO_DB=$uri start_demo
		wait_for 10 test -e asked
		ends_soon
	done
}

# A network of this test alone, whose name server takes every question and says nothing. What is looked
# up makes the file "asked". Sets DEMO_SERVER to a server in there, and MONGO_PID.
use_silent_name_server() {
	echo 'nameserver 127.0.0.1' >resolv.conf
	echo 'hosts: dns' >nsswitch.conf
	cat >silent.py <<-'END'
		import socket
		names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		names.bind(("127.0.0.1", 53))
		open("ready", "w").close()
		while names.recv(1000):
		    open("asked", "w").close()
	END
	unshare --map-root-user --mount --net sh -c '
		ip link set lo up && mount --bind resolv.conf /etc/resolv.conf &&
		mount --bind nsswitch.conf /etc/nsswitch.conf && exec python3 silent.py' 3>&- &
	MONGO_PID=$!
	wait_for 10 test -e ready
	printf '#!/bin/sh\nexec nsenter --target %s --user --preserve-credentials --mount --net --wd="$PWD" %s "$@"\n' \
		"$MONGO_PID" "$DEMO_SERVER" >there
	chmod +x there
	DEMO_SERVER=./there
}

@test "mongo: a request that the database does not answer is answered with 500, then it ends, with 0" { # P
	start_stub insert=hang
	MONGO_URI+='?socketTimeoutMS=1000'
	start_demo_mongo
	play <<-'END'
		request ann POST /user body=username=ann
		lines stub.log 1 "insert asked"
		signal TERM
		answer ann 500 close body="cannot store the user in MongoDB"
		exits within=3
	END
	assert_exits 0
	assert_log_has 'MongoDb connection closed.'
}

@test "mongo: a request that hangs longer than the deadline is named, and the exit status is 1" { # N, P
	start_stub insert=hang
	start_demo_mongo --deadline 500ms
	play <<-'END'
		request ann POST /user body=username=ann
		lines stub.log 1 "insert asked"
		signal TERM
		exits after=0.4 within=4
		broken ann
	END
	assert_exits 1
	assert_log_has 'the deadline of 0.5 s for the shutdown has passed'
	assert_log_has 'demo-server: cut off: POST /user from'
	assert_log_has 'demo-server: the database was not closed'
}

@test "mongo: at the deadline a request that waits for its turn is told that nothing has happened" { # N, P
	start_stub insert=hang
	start_demo_mongo --deadline 500ms
	play <<-'END'
		request one POST /user body=username=one
		request two POST /user body=username=two
		request three POST /user body=username=three
		request four POST /user body=username=four
		lines stub.log 4 "insert asked"
		request five POST /user body=username=five
		pass 0.1
		signal TERM
		answer five 503 close within=2 body="the database could not be asked any more"
		broken one
		exits after=0.4 within=4
	END
	assert_exits 1
	[ "$(grep -c 'insert asked' stub.log)" -eq 4 ]
}

@test "mongo: a server that does not let go is left after the bound, is told of, and the exit status is 1" {
	start_stub endSessions=delay:9
	MONGO_URI+='?serverSelectionTimeoutMS=100&socketTimeoutMS=600000&connectTimeoutMS=100'
	start_demo_mongo --deadline 1s
	http 201 /user -d username=ann
	play <<-'END'
		signal TERM
		log "Http server closed."
		exits after=0.9 within=4
	END
	assert_exits 1
	assert_log_has 'the deadline of 1 s for the shutdown has passed'
	assert_log_has 'demo-server: the database was not closed'
}

@test "mongo: a connection that does not close within its bound is told of, and the end is as orderly as it can be" {
	start_stub endSessions=trickle:1.9
	MONGO_URI+='?serverSelectionTimeoutMS=100&socketTimeoutMS=2000&connectTimeoutMS=100'
	start_demo_mongo
	http 201 /user -d username=ann
	play <<-'END'
		signal TERM
		log "Http server closed."
		exits after=3.1 within=5
	END
	assert_exits 1
	assert_log "App running on port $DEMO_PORT..." \
		'Connected to Database (MongoDB)' \
		'👋 SIGTERM RECEIVED. Shutting down gracefully' \
		'SIGTERM signal received.' \
		'Closing http server.' \
		'Http server closed.' \
		'demo-server: the connection to MongoDB has not closed within 3.2 s' \
		'💥 Process terminated!'
}

@test "mongo: a start that fails ends in order, and soon, whatever the database does" {
	local port

	start_stub hello=hang
	start_demo --database other.db
	port=$DEMO_PORT
	run timeout 8 "$DEMO_SERVER" --port "$port" --database "$MONGO_URI?connectTimeoutMS=500"
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: cannot listen on port $port: Address already in use" ]
}

@test "mongo: a start that fails does not wait for a name server" {
	use_silent_name_server
	start_demo --database other.db
	run timeout 3 "$DEMO_SERVER" --port "$DEMO_PORT" --database mongodb+srv://db.demo.example/
	[ "$status" -eq 1 ]
	[ "$output" = "demo-server: cannot listen on port $DEMO_PORT: Address already in use" ]
}

@test "mongo: a second SIGINT a second later ends at once, whatever the database does" { # M
	start_stub insert=hang
	start_demo_mongo
	play <<-'END'
		request ann POST /user body=username=ann
		lines stub.log 1 "insert asked"
		signal INT
		pass 1.1
		signal INT
		exits within=3
	END
	assert_exits 1
	assert_log_has 'demo-server: a second SIGINT: ending without waiting'
	assert_log_has 'demo-server: cut off: POST /user from 127.0.0.1:'
	assert_log_has 'demo-server: the database was not closed'
}

@test "mongo: a stream of requests for the database succeeds, then is refused, and never in between" { # R
	start_mongo
	start_demo_mongo
	http 201 /user -d username=ann
	play <<-'END'
		sequence /user?name=ann s+x+ for=1.5 signal=TERM
		exits
	END
	assert_clean_mongo_stop
}
