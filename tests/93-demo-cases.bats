#!/usr/bin/env bats
# The demo server: cases of a graceful shutdown that other servers have learned to test, each with
# its origin, and that the scenarios of 90-demo-shutdown.bats do not have.

bats_require_minimum_version 1.5.0

load demo-helpers

setup() {
	demo_setup
}

teardown() {
	demo_teardown
}

# What is in flight, and what is not.

@test "cases: a pipelined request whose turn comes after the signal is answered with close" { # nginx
	start_demo
	play <<-'END'
		send pipe "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /slow?ms=600 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
		answer pipe 200 keep body=Hello
		signal TERM
		answer pipe 200 close body="That took 600 ms."
		eof pipe
		exits within=2
	END
	assert_clean_stop
}

@test "cases: behind an answer that has begun with keep-alive, the next request is served with close" { # http-terminator
	start_demo --lame-duck 3s
	play <<-'END'
		request big GET /slow?bytes=12000000
		begun big
		signal TERM
		log "SIGTERM signal received."
		answer big 200 keep size=12000000
		request big GET /
		answer big 200 close body=Hello
		eof big
		exits after=2.9
	END
	assert_clean_stop
}

@test "cases: a request that the server has not yet read is not taken for an idle connection" { # Node
	start_demo
	play <<-'END'
		request waits GET /
		answer waits 200 keep
		signal STOP
		request waits POST /user body=username=unread
		signal TERM
		signal CONT
		answer waits 201 close
		eof waits
		exits within=3
	END
	assert_clean_stop
	[ "$(users)" = unread ]
}

@test "cases: a client that sends no more is answered, however many others there are, in a shutdown, too" { # Go
	start_demo
	play <<-'END'
		open other
		request ann POST /user body=username=ann
		halfclose ann
		answer ann 201
		request slow GET /slow?ms=500
		halfclose slow
		request late GET /slow?ms=700
		pass 0.1
		signal TERM
		halfclose late
		eof other
		answer slow 200 close
		eof slow
		answer late 200 close
		eof late
		exits within=2
	END
	assert_clean_stop
}

@test "cases: nobody waits for the other half of a header from a client that has gone" {
	start_demo --header-timeout 8s
	play <<-'END'
		signal STOP
		send half "GET / HT"
		halfclose half
		signal CONT
		pass 0.1
		signal TERM
		eof half
		exits within=2
	END
	assert_clean_stop
}

@test "cases: an answer that is still on its way is not destroyed by a request that comes too late" { # nginx
	start_demo
	play <<-'END'
		shrink early
		request early GET /slow?bytes=300000 "Connection: close"
		begun early
		pass 0.1
		request early GET /livez
		answer early 200 close size=300000
		eof early
		shrink slow
		request slow GET /slow?ms=200&bytes=300000
		pass 0.1
		signal TERM
		pass 0.5
		request slow GET /livez
		answer slow 200 close size=300000
		eof slow
		exits
	END
	assert_clean_stop
}

@test "cases: a connection whose answer is still on its way is not idle" {
	start_demo
	play <<-'END'
		shrink slow
		request slow GET /slow?bytes=300000
		begun slow
		signal TERM
		log "Closing http server."
		pass 0.2
		request slow GET /livez
		answer slow 200 keep size=300000
		answer slow 200 close body=alive
		eof slow
		exits within=2
	END
	assert_clean_stop
}

@test "cases: the rest of an answer that is never taken is cut at the deadline, and named" {
	start_demo --deadline 1s
	play <<-'END'
		shrink closing
		request closing GET /slow?bytes=300000 "Connection: close"
		shrink open
		request open GET /slow?bytes=300000
		begun closing
		begun open
		signal TERM
		exits after=0.9 within=3
	END
	assert_exits 1
	assert_log_has 'the deadline of 1 s for the shutdown has passed'
	assert_log_has 'cut off: GET /slow from 127.0.0.1:'
	grep -qE 'cut off: the last [0-9]+ bytes of the answer to GET /slow from 127.0.0.1:' "$DEMO_LOG"
	assert_log_has 'Database connection closed.'
}

@test "cases: nobody waits for an answer to a client that has broken off, before the signal or after it" {
	start_demo
	play <<-'END'
		request before GET /slow?ms=30000
		request after GET /slow?ms=30000
		request waits GET /slow?ms=2500
		halfclose waits
		pass 0.1
		reset before
		signal TERM
		log "Closing http server."
		pass 0.1
		reset after
		answer waits 200 close body="That took 2500 ms."
		eof waits
		exits within=6
	END
	assert_clean_stop
}

@test "cases: signals in the middle of an answer and of an upload leave both whole" { # unicorn
	start_demo
	play <<-'END'
		request big GET /slow?bytes=12000000
		send up "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\nuser"
		begun big
		pass 0.1
		signal TERM
		log "SIGTERM signal received."
		send up "name=one-"
		signal TERM
		signal STOP
		send up "and-"
		signal CONT
		signal INT
		pass 0.05
		signal TERM
		send up "the-same"
		answer up 201 close
		eof up
		answer big 200 keep size=12000000
		eof big
		exits
	END
	assert_clean_stop
	[ "$(users)" = one-and-the-same ]
}

# How long it takes.

# in_time: plays the scenario on the standard input, with its last line of the log. All that happens must be right
# each time. How long it takes is measured: whatever else the machine does only adds to a time, so of three the
# shortest counts.
in_time() {
	local scenario status

	scenario=$(cat)
	for _ in 1 2 3; do
		status=0
		start_demo
		play <<<"$scenario" || status=$?
		((status == 3)) || break
		kill -KILL "$DEMO_PID" || true
		wait "$DEMO_PID" || true
		DEMO_PID=
	done
	((status == 0)) && assert_clean_stop
}

@test "cases: 0.2 s after the last answer the server is gone" { # B
	in_time <<-'END'
		request idle GET /
		answer idle 200 keep
		request slow GET /slow?ms=400
		pass 0.1
		signal TERM
		answer slow 200 close
		eof slow
		exits soon=0.2
	END
}

@test "cases: 0.2 s after the signal idle and silent connections are closed, while another one works on" { # C, D
	in_time <<-'END'
		request idle GET /
		answer idle 200 keep
		open silent
		request slow GET /slow?ms=700
		pass 0.2
		signal TERM
		eof idle soon=0.2
		eof silent soon=0.2
		answer slow 200 close
		exits
	END
}

@test "cases: half a header is cut at a deadline that comes before its own bound, and is named" { # Puma
	start_demo --deadline 500ms --header-timeout 20s
	play <<-'END'
		send half "GET / HTTP/1.1\r\nHost: loc"
		pass 0.1
		signal TERM
		broken half
		exits after=0.4 within=2
	END
	assert_exits 1
	assert_log_has 'the deadline of 0.5 s for the shutdown has passed'
	assert_log_has 'cut off: a connection without a whole request from 127.0.0.1:'
	assert_log_has 'Database connection closed.'
}

@test "cases: a signal that is repeated in the lame-duck time does not begin it anew" { # Envoy
	start_demo --lame-duck 3s
	play <<-'END'
		signal TERM
		log "SIGTERM signal received."
		request first GET /
		answer first 200 close
		pass 2
		signal TERM
		exits within=2.8
	END
	assert_clean_stop
}

@test "cases: a signal in the middle of the start ends the server as well" { # Go
	local i status

	for i in {0..29}; do
		"$DEMO_SERVER" >"$DEMO_LOG" 2>&1 3>&- &
		DEMO_PID=$!
		# Not before it is the program: until then it is a shell, which may lose the signal.
		until [ "/proc/$DEMO_PID/exe" -ef "$DEMO_SERVER" ]; do :; done
		# A different moment each time.
		while ((i-- > 0)) && ! grep -q 'App running' "$DEMO_LOG"; do :; done
		kill -TERM "$DEMO_PID"
		status=0
		wait "$DEMO_PID" || status=$?
		DEMO_PID=
		# Before it can handle signals it has nothing that needs to be ended in order.
		((status == 143)) || { ((status == 0)) && assert_log_has 'Process terminated!'; }
	done
	start_demo
	http 201 /user -d username=ann
}

# has_open FILE: the server has it open.
has_open() {
	local fd

	for fd in "/proc/$DEMO_PID/fd/"*; do
		[[ $fd -ef $1 ]] && return
	done
	return 1
}

@test "cases: a signal is kept while the start waits for a database that somebody holds" { # Go
	hold_database 1 held EXCLUSIVE
	launch_demo
	wait_for 10 has_open demo.db
	kill -TERM "$DEMO_PID"
	await_demo
	assert_clean_stop
}

# A reader of the output that has stopped.

@test "cases: a full pipe behind the output holds up nothing, and its lines come when it is read again" {
	start_demo_into_pipe
	play <<-'END'
		choke pipe
		request slow GET /slow?ms=300
		request later GET /slow?ms=2500
		pass 0.1
		signal TERM
		answer slow 200 close
		eof slow
		hear pipe "SIGTERM RECEIVED. Shutting down gracefully"
		answer later 200 close
		hear pipe "Process terminated!"
		exits
	END
	assert_exits 0
}

@test "cases: a full pipe that nobody reads any more does not keep the end, nor the deadline, from coming" {
	start_demo_into_pipe --deadline 1s
	play <<-'END'
		choke pipe
		request slow GET /slow?ms=20000
		pass 0.1
		signal TERM
		answer slow 503 close
		exits after=0.9 within=5
	END
	assert_exits 1
}

@test "cases: lines that are too many for a full pipe are counted in their place" {
	start_demo_into_pipe --lame-duck 5s
	play <<-'END'
		choke pipe
		crowd 400 /crash POST
		crowd-answers 500
		hear pipe " lines that nobody has read in time are lost"
		hear pipe "Process terminated!"
		exits
	END
	assert_exits 1
}

# Many.

@test "cases: connections that end in any way are all counted out" { # gunicorn, http-terminator
	start_demo
	play <<-'END'
		churn 1500
		request last GET /
		answer last 200 keep
		signal TERM
		eof last
		exits within=3
	END
	assert_clean_stop
}

# few_descriptors: the server that is started next may have no more than forty.
few_descriptors() {
	printf '#!/bin/sh\nulimit -n 40\nexec "%s" "$@"\n' "$DEMO_SERVER" >few
	chmod +x few
	DEMO_SERVER=./few
}

@test "cases: who waits because there are no descriptors is served as soon as there are, in the shutdown, too" {
	few_descriptors
	start_demo
	play <<-'END'
		crowd 60 /slow?ms=500
		pass 0.1
		signal TERM
		crowd-answers 200
		exits
	END
	assert_clean_stop
}

@test "cases: who is never served for want of descriptors is counted at the deadline" {
	few_descriptors
	start_demo --deadline 500ms
	play <<-'END'
		crowd 60 /slow?ms=20000
		pass 0.1
		signal TERM
		exits after=0.4 within=2
	END
	assert_exits 1
	grep -qE 'cut off: connections that there was no descriptor or memory for: [0-9]+$' "$DEMO_LOG"
	assert_log_has '💥 Process terminated!'
}

@test "cases: clients that send their request and leave take no place, however many they are" {
	start_demo
	play <<-'END'
		leavers 1200 /
		request live GET /livez
		answer live 200 keep body=alive
		signal TERM
		exits within=3
	END
	assert_clean_stop
}

@test "cases: a pipeline of a client that sends no more is answered to its end" {
	start_demo
	play <<-'END'
		send pipe "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /slow?ms=100 HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
		halfclose pipe
		answer pipe 200 body=Hello
		answer pipe 200 body="That took 100 ms."
		answer pipe 200 body=alive
		eof pipe within=2
	END
}

@test "cases: connections beyond the limit wait for their turn, and have it in the shutdown" { # Puma
	start_demo
	play <<-'END'
		crowd 1200 /
		request beyond GET /
		silent beyond for=0.2
		signal TERM
		crowd-answers 200
		answer beyond 200 close
		exits within=3
	END
	assert_clean_stop
}
