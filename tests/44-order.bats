#!/usr/bin/env bats
# The verdicts on the order of a stop: connections that are accepted late, a database that is closed too early; on
# the status, and several at once.

# $output comes from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load stop-helpers

# ---- late accepts ----

# is_past KIND DYNO MILLISECONDS: so long it is since that event.
is_past() {
	local time

	time=$(events kind dyno time | sed -n "s/^$1 $2 //p")
	(($(date +%s%N) > $(date -d "$time" +%s%N) + $3 * 1000000))
}

# sees_inbound DYNO COUNT: a look has found so many, of which one that comes and goes in between may go unseen.
sees_inbound() {
	[[ $(field_of "$1" instances) == *"\"inbound\": $2,"* ]]
}

@test "late accepts: it goes on accepting long after the signal" {
	local port

	start_apps <<-END
		[process web]
		command = $APP since=0.1 touch=told late touch=late await=close close-listeners answer drain await=exit
	END
	port=$(field_of web.1 port)
	beside soon.outcome python3 "$STOPS/clients.py" --when told idle=2 "$port"
	beside late.outcome python3 "$STOPS/clients.py" --when late idle silent "$port"
	g_in_background stop web
	wait_until "$PATIENCE" has_lines soon.outcome 3
	wait_until "$PATIENCE" grep -qx held late.outcome
	wait_until "$PATIENCE" sees_inbound web.1 1
	touch close
	end_beside "$BESIDE_PID"
	wait_for_event drained web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound = 0
		accepted = 4
		late = 2
		status = 0
		verdict = late accepts
		evidence has 2 connections
	END
}

@test "late accepts: a thread that waits in accept() keeps the port open though the listener was closed" {
	local port

	cat >threaded.py <<-'END'
		import os, signal, socket, threading, time
		listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		def serve():
		    while True:
		        client = listener.accept()[0]
		        client.recv(99)
		        client.sendall(b"late")
		        client.close()
		threading.Thread(target=serve, daemon=True).start()
		signal.signal(signal.SIGTERM, lambda *_: listener.close())
		while not os.path.exists("exit"):
		    time.sleep(0.02)
		os._exit(0)
	END
	write_config <<<$'[process web]\ncommand = python3 threaded.py'
	g start
	port=$(field_of web.1 port)
	g_in_background stop web
	wait_for_event stop web.1
	wait_until "$PATIENCE" is_past stop web.1 1100
	exec 4<>"/dev/tcp/127.0.0.1/$port"
	echo GET >&4
	assert_equal "the answer" late "$(cat <&4)"
	exec 4>&-
	wait_for_event not-accepting web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		1000 <= not_accepting_ms
		late = 1
		verdict = late accepts
	END
}

# ---- order wrong ----

@test "order wrong: it closes its database connections while requests are in flight" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*10 close-listeners release await=answer answer drain await=exit
	END
	hold_app web.1 in-flight=2
	g_in_background stop web
	wait_for_event released web.1
	refute_event drained web.1
	# The kernel's news may be late, so an answer is surely one from afterwards only then.
	wait_until "$PATIENCE" is_past released web.1 100
	touch answer
	wait_for_event drained web.1
	touch exit
	finish
	assert_outcome web.1 <<-'END'
		in-flight: 200 eof
		in-flight: 200 eof
	END
	assert_phases web.1 open not-accepting released drained
	assert_stop web.1 <<-'END'
		released_ms <= drained_ms
		status = 0
		verdict = order wrong
		evidence has outbound
		evidence has inbound
	END
}

# ---- the status, and several at once ----

@test "status 3: all is in order but the status" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*2 close-listeners answer drain release exit=3
	END
	hold_app web.1 in-flight
	g stop web
	assert_stop web.1 <<-'END'
		inbound = 1
		status = 3
		verdict = status 3
		evidence has 3
	END
}

@test "several verdicts at once, each with its evidence" {
	start_database db
	start_apps <<-END
		[process web]
		command = $APP --db $DATABASE*4 late touch=late await=seen release await=exit exit=3
	END
	beside late.outcome python3 "$STOPS/clients.py" --when late idle "$(field_of web.1 port)"
	hold_app web.1 in-flight=2
	g_in_background stop web
	wait_until "$PATIENCE" has_lines late.outcome 2
	touch seen
	wait_for_event released web.1
	touch exit
	finish
	assert_stop web.1 <<-'END'
		inbound_at_exit = 2
		outbound_at_exit = 0
		verdict verdicts unanswered, late accepts, order wrong, status 3
		evidence has 1 connection
		evidence has 3
	END
}
