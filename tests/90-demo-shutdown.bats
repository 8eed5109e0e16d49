#!/usr/bin/env bats
# The shutdown of the demo server: every case of a graceful one that can be checked from outside. The scenarios
# A to R are played by rawhttp.py; S, with programs in between, is in 92-demo-supervised.bats.

bats_require_minimum_version 1.5.0

load demo-helpers

setup() {
	demo_setup
}

teardown() {
	demo_teardown
}

@test "demo: SIGTERM ends an idle server at once, with every line in its order" { # A
	start_demo
	play <<-'END'
		signal TERM
		exits within=3
	END
	assert_clean_stop SIGTERM
}

@test "demo: SIGINT does the same, and says its own name" {
	start_demo
	play <<-'END'
		signal INT
		exits within=3
	END
	assert_clean_stop SIGINT
}

@test "demo: the lines come one by one, also into a pipe" {
	start_demo
	play <<-'END'
		request slow GET /slow?ms=1500
		pass 0.1
		signal TERM
		log "Closing http server."
		silent slow for=0.3
		answer slow 200 close
		exits
	END
	assert_clean_stop
}

@test "demo: a request in flight is finished, and the server ends right after it" { # B
	start_demo
	play <<-'END'
		request slow GET /slow?ms=1000
		pass 0.1
		signal TERM
		answer slow 200 close body="That took 1000 ms."
		eof slow
		exits after=0.8 within=3
	END
	assert_clean_stop
}

@test "demo: of several requests in flight each is finished, and the slowest sets the end" {
	start_demo
	play <<-'END'
		request quick GET /slow?ms=300
		request slow GET /slow?ms=900
		request large GET /slow?ms=500&bytes=300000
		pass 0.1
		signal TERM
		answer quick 200 close
		eof quick
		answer large 200 close size=300000
		eof large
		answer slow 200 close body="That took 900 ms."
		eof slow
		exits after=0.7 within=3
	END
	assert_clean_stop
}

@test "demo: started and stopped again and again, each end is quick and clean" {
	for _ in {1..20}; do
		start_demo
		play <<-'END'
			request idle GET /user?name=ann
			answer idle 404 keep
			signal TERM
			eof idle
			exits within=3
		END
		assert_clean_stop
	done
}

@test "demo: an idle connection is closed at once" { # C
	start_demo
	play <<-'END'
		request idle GET /
		answer idle 200 keep
		signal TERM
		eof idle
		exits within=3
	END
	assert_clean_stop
}

@test "demo: idle after uploads of every kind is idle too" { # C
	start_demo
	play <<-'END'
		request sized POST /user body=username=a
		answer sized 201 keep
		send chunked "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\na\r\nusername=b\r\n0\r\n\r\n"
		answer chunked 201 keep
		send bodied "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
		answer bodied 200 keep
		send twice "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
		pass 0.1
		signal TERM
		eof sized
		eof chunked
		eof bodied
		exits within=3
	END
	assert_clean_stop
}

@test "demo: a connection that has sent nothing is closed at once" { # D
	start_demo
	play <<-'END'
		open nothing
		pass 0.2
		signal TERM
		eof nothing
		exits within=3
	END
	assert_clean_stop
}

@test "demo: half a header is waited for, but not longer than --header-timeout" { # E
	start_demo --header-timeout 700ms
	play <<-'END'
		send half "GET / HTTP/1.1\r\nHost: loc"
		request later GET /
		answer later 200 keep
		send later "GET /"
		pass 0.1
		signal TERM
		eof half after=0.6
		eof later
		exits after=0.6 within=3
	END
	assert_clean_stop
}

@test "demo: half a header that is finished in time is answered" { # F
	start_demo --header-timeout 8s
	play <<-'END'
		send half "GET / HTTP/1.1\r\nHost: loc"
		pass 0.1
		signal TERM
		log "Closing http server."
		pass 0.3
		send half "alhost\r\n\r\n"
		answer half 200 close
		eof half
		exits within=2
	END
	assert_clean_stop
}

@test "demo: half a header behind an idle time is no idle connection" { # F
	start_demo --header-timeout 8s
	play <<-'END'
		send half "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nusername=aG"
		answer half 201 keep
		signal TERM
		log "Closing http server."
		silent half for=0.3
		send half "ET / HTTP/1.1\r\nHost: x\r\n\r\n"
		answer half 200 close
		eof half
		exits within=2
	END
	assert_clean_stop
}

@test "demo: uploads in flight are finished: sized, chunked, and with 100-continue" { # G
	start_demo
	play <<-'END'
		send sized "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\nuserna"
		send chunked "POST /user HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nusern\r\n9"
		send asks "POST /user HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n"
		pass 0.1
		signal TERM
		log "Closing http server."
		pass 0.2
		send sized "me=sized"
		send chunked "\r\name=chunk\r\n0\r\n\r\n"
		send asks "username=asks"
		answer sized 201 close
		answer chunked 201 close
		answer asks 201 close
		exits within=2
	END
	assert_clean_stop
	[ "$(users | sort)" = $'asks\nchunk\nsized' ]
}

@test "demo: of pipelined requests the first is answered with close, and no other half" { # H
	start_demo
	play <<-'END'
		send pipe "GET /slow?ms=400 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
		pass 0.1
		signal TERM
		answer pipe 200 close body="That took 400 ms."
		eof pipe
		exits within=2
	END
	assert_clean_stop
}

@test "demo: pipelined requests are all answered while it runs" {
	start_demo
	play <<-'END'
		send pipe "GET /slow?ms=100 HTTP/1.1\r\nHost: x\r\n\r\nPOST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nusername=aGET / HTTP/1.1\r\nHost: x\r\n\r\n"
		answer pipe 200 keep body="That took 100 ms."
		answer pipe 201 keep
		answer pipe 200 keep body=Hello
		signal TERM
		eof pipe
		exits within=3
	END
	assert_clean_stop
}

@test "demo: new connections are refused while requests are finished" { # I
	start_demo
	play <<-'END'
		request slow GET /slow?ms=1000
		pass 0.1
		signal TERM
		log "Closing http server."
		refused
		answer slow 200 close
		exits
	END
	assert_clean_stop
}

@test "demo: connections that wait in the backlog are served before the listener closes" { # J
	start_demo
	play <<-'END'
		signal STOP
		crowd 300 /
		signal TERM
		signal CONT
		crowd-answers 200
		exits within=2
	END
	assert_clean_stop
}

@test "demo: a burst of connections around the signal is answered or refused, never reset" { # J
	start_demo
	play <<-'END'
		burst 50 /slow?ms=50 signal=TERM
		exits
	END
	assert_clean_stop
}

@test "demo: readiness says 503 for the lame-duck time, and only then connections are refused" { # K, I
	start_demo --lame-duck 1500ms
	play <<-'END'
		request idle GET /
		answer idle 200 keep
		sequence /healthz s+u+x+ for=4 signal=TERM
		exits
	END
	assert_clean_stop
}

@test "demo: in the lame-duck time requests are served, old and new connections alike, with close" { # I
	start_demo --lame-duck 1s
	play <<-'END'
		request idle GET /
		answer idle 200 keep
		signal TERM
		log "SIGTERM signal received."
		request idle GET /
		answer idle 200 close
		eof idle
		request new GET /healthz
		answer new 503 close body=stopping
		request fresh GET /
		answer fresh 200 close
		exits after=0.9 within=2
	END
	assert_clean_stop
}

@test "demo: a stream of requests succeeds, then is refused, and never in between" { # R
	start_demo
	play <<-'END'
		sequence / s+x+ for=1.5 signal=TERM
		exits
	END
	assert_clean_stop
}

@test "demo: a client that does not read its answer is cut at the deadline, and named" { # L
	start_demo --deadline 1s
	play <<-'END'
		shrink lazy
		request lazy GET /slow?bytes=16000000
		pass 0.2
		signal TERM
		exits after=0.9 within=3
	END
	assert_exits 1
	assert_log_has 'demo-server: the deadline of 1 s for the shutdown has passed'
	assert_log_has 'demo-server: cut off: GET /slow from 127.0.0.1:'
	assert_log_has 'Database connection closed.'
	assert_log_has '💥 Process terminated!'
}

@test "demo: an answer of which a part is sent is finished, then its connection is closed" {
	start_demo
	play <<-'END'
		shrink slow
		request slow GET /slow?bytes=8000000
		begun slow
		signal TERM
		log "Closing http server."
		answer slow 200 keep size=8000000
		eof slow
		exits
	END
	assert_clean_stop
}

@test "demo: SIGTERM again, and SIGINT with it, change nothing" { # M
	start_demo
	play <<-'END'
		request slow GET /slow?ms=1500
		pass 0.1
		signal TERM
		log "SIGTERM RECEIVED"
		signal TERM
		signal INT
		pass 0.2
		signal INT
		pass 0.2
		signal TERM
		answer slow 200 close
		exits
	END
	assert_clean_stop
}

@test "demo: a second SIGINT a second later ends at once, says what was cut, and exits 1" {
	start_demo
	play <<-'END'
		request slow GET /slow?ms=20000
		pass 0.1
		signal INT
		pass 1.1
		signal INT
		exits within=3
		broken slow
	END
	assert_exits 1
	assert_log_has 'demo-server: a second SIGINT: ending without waiting'
	assert_log_has 'demo-server: cut off: GET /slow from 127.0.0.1:'
	assert_log_has 'demo-server: the database was not closed'
}

@test "demo: a request longer than the deadline is answered with 503, and the exit status is 1" { # N
	start_demo --deadline 500ms
	play <<-'END'
		request slow GET /slow?ms=30000
		send upload "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\nuserna"
		pass 0.1
		signal TERM
		answer slow 503 close
		eof slow
		broken upload
		exits after=0.4 within=2
	END
	assert_exits 1
	assert_log_has 'the deadline of 0.5 s for the shutdown has passed'
	assert_log_has 'cut off: GET /slow from'
	assert_log_has 'cut off: POST /user from'
	assert_log_has '💥 Process terminated!'
}

@test "demo: a user whose storing takes long is stored and acknowledged before the database closes" { # O
	start_demo
	hold_database 1 held
	play <<-'END'
		request ann POST /user body=username=ann
		pass 0.1
		signal TERM
		log "Closing http server."
		silent ann for=0.3
		answer ann 201 close body=Success!
		exits
	END
	assert_clean_stop
	[ "$(users)" = ann ]
}

@test "demo: a database that somebody holds does not hold up the end" { # P
	start_demo
	hold_database 8 held
	play <<-'END'
		signal TERM
		exits within=2
	END
	assert_clean_stop
}

@test "demo: a database that hangs with a request is given up after the deadline" { # P
	start_demo --deadline 300ms
	hold_database 8 held
	play <<-'END'
		request ann POST /user body=username=ann
		pass 0.1
		signal TERM
		exits within=4
		broken ann
	END
	assert_exits 1
	[ "$(grep -c 'cut off: POST /user from' "$DEMO_LOG")" -eq 1 ] # and not once more at the very end
	assert_log_has 'Database connection closed.'
}

@test "demo: an upload refused early during the shutdown still gets its answer whole" { # Q
	start_demo --lame-duck 1s
	play <<-'END'
		signal TERM
		send large "POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
		fill large 3000000
		answer large 413 close
		eof large
		exits
	END
	assert_clean_stop
}

@test "demo: a client that goes away does not disturb the end" {
	start_demo
	play <<-'END' &
		request gone GET /slow?ms=700
		request gone2 POST /user body=username=gone
		pass 0.1
	END
	wait "$!"
	kill -TERM "$DEMO_PID"
	assert_clean_stop
}

@test "demo: POST /crash is answered, shuts down gracefully, and the exit status is 1" {
	start_demo
	play <<-'END'
		request slow GET /slow?ms=500
		request crash POST /crash
		answer crash 500 close
		answer slow 200 close
		exits within=2
	END
	assert_exits 1
	assert_log "App running on port $DEMO_PORT..." \
		'demo-server: fatal error: POST /crash asked for one' \
		'💥 FATAL ERROR. Shutting down gracefully' \
		'Closing http server.' \
		'Http server closed.' \
		'Database connection closed.' \
		'💥 Process terminated!'
}

@test "demo: POST /crash during a shutdown makes its exit status 1" {
	start_demo --lame-duck 2s
	play <<-'END'
		signal TERM
		request crash POST /crash
		answer crash 500 close
		exits
	END
	assert_exits 1
}
