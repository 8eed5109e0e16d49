#!/usr/bin/env bats
# Real servers, each with the phases that it really shows: nginx, node, express, gunicorn and the demo server.

# $output comes from the helpers.
# shellcheck disable=SC2154

# A master that is told first may have ended a worker before the signal reaches that one, so
# "processes" is a limit here.

bats_require_minimum_version 1.5.0

load stop-helpers

SERVERS=$STOPS/servers

# ---- nginx ----

# start_nginx STOP: two workers with one listener between them; it gives a client a second for its header.
start_nginx() {
	cat >nginx.in <<-'END'
		user root;
		daemon off;
		pid nginx.pid;
		error_log stderr;
		worker_processes 2;
		events {}
		http {
		  access_log off;
		  client_header_timeout 1s;
		  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
		  uwsgi_temp_path temp; scgi_temp_path temp;
		  server {
		    listen 127.0.0.1:@PORT@;
		    location / { root .; }
		  }
		}
	END
	head -c 4000000 /dev/zero | tr '\0' x >big
	echo hello >index.html
	start_apps <<-END
		[process web]
		command = sed "s/@PORT@/\$PORT/" nginx.in >nginx.conf && exec nginx -e stderr -p $BATS_TEST_TMPDIR/ -c nginx.conf
		stop = $1
	END
	hold web.1 download silent idle "${@:2}"
}

@test "nginx, QUIT: idle connections are closed at once, half requests when their time is over, downloads when they are done" {
	start_nginx QUIT/30/KILL/5 half
	g_in_background stop web
	wait_for_event not-accepting web.1
	# Only the download is left.
	wait_until "$PATIENCE" has_lines web.1.outcome 4
	refute_event drained web.1
	touch go
	finish
	assert_outcome web.1 <<-'END'
		download: 200 eof 4000000
		half: eof
		idle: eof
		silent: eof
	END
	assert_phases web.1 open not-accepting drained
	assert_stop web.1 <<-'END'
		signal = SIGQUIT
		processes <= 3
		listeners = 1
		inbound = 4
		outbound = 0
		accepted = 0
		late = 0
		not_accepting_ms <= drained_ms
		saw 1 inbound
		status = 0
		unanswered = 1
		verdict = unanswered
	END
}

@test "nginx, QUIT: a stop without half a request is clean" {
	start_nginx QUIT/30/KILL/5
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch go
	finish
	assert_stop web.1 <<-'END'
		inbound = 3
		unanswered = 0
		status = 0
		verdict = clean
	END
}

@test "nginx, TERM: it exits at once, and its connections go with it" {
	start_nginx TERM/30/KILL/5 half
	g stop web
	touch go
	wait_until "$PATIENCE" has_lines web.1.outcome 5
	assert_stop web.1 <<-'END'
		signal = SIGTERM
		processes <= 3
		listeners = 1
		inbound = 4
		accepted = 0
		status = 0
		verdict = unanswered
	END
}

# ---- node ----

# start_node MANNER STOP: http and express at the same time.
start_node() {
	local dyno

	start_database db
	start_apps <<-END
		[process http]
		command = node $SERVERS/server.js http $1
		port = auto
		stop = $2
		env.DATABASE = $DATABASE
		[process express]
		command = node $SERVERS/server.js express $1
		port = auto
		stop = $2
		env.DATABASE = $DATABASE
		env.NODE_PATH = /usr/share/nodejs
	END
}

@test "node and express, tidy: not accepting, drained, released" {
	local dyno

	start_node tidy TERM/30/KILL/5
	for dyno in http.1 express.1; do
		hold "$dyno" in-flight=2 idle=2
		wait_until "$PATIENCE" has_slow "$dyno" 2
	done
	g_in_background stop http express
	for dyno in http.1 express.1; do
		wait_for_event not-accepting "$dyno"
		wait_until "$PATIENCE" has_lines "$dyno.outcome" 3
		refute_event drained "$dyno"
	done
	touch go
	finish
	for dyno in http.1 express.1; do
		assert_outcome "$dyno" <<-'END'
			idle: eof
			idle: eof
			in-flight: 200 eof
			in-flight: 200 eof
		END
		assert_stop "$dyno" <<-END
			processes = 1
			listeners = 1
			inbound = 4
			outbound = 10
			peers = $DATABASE x10
			accepted = 0
			not_accepting_ms <= drained_ms
			drained_ms <= released_ms
			saw 2 inbound
			status = 0
			verdict = clean
		END
	done
}

has_slow() {
	assert_equal "requests in flight" "$2" "$(output_of "$1" | grep -cx slow)"
}

@test "node and express, plain: connections without a request hold the stop up until SIGKILL" {
	local dyno

	start_node plain TERM/3s/KILL/5
	for dyno in http.1 express.1; do
		hold "$dyno" idle silent half
	done
	g 1 stop http express
	for dyno in http.1 express.1; do
		assert_stop "$dyno" <<-END
			allowed_ms = 3000
			listeners = 1
			inbound = 3
			outbound = 10
			peers = $DATABASE x10
			not_accepting_ms there
			drained_ms absent
			released_ms absent
			outbound_at_exit = 10
			status = 137
			verdict has forced
			verdict has cut
			verdict has leaked
			verdict lacks late
			evidence has node
		END
	done
}

# ---- gunicorn ----

# start_gunicorn ARG...: a master and two workers with one listener.
start_gunicorn() {
	start_database db
	start_apps <<-END
		[process web]
		command = gunicorn --pythonpath $SERVERS --workers 2 $* --bind 127.0.0.1:\$PORT wsgi:app
		stop = TERM/30/KILL/5
		env.DATABASE = $DATABASE
		env.PYTHONDONTWRITEBYTECODE = 1
	END
	wait_until "$PATIENCE" has_connections 2
}

has_connections() {
	assert_equal "connections to the database" "$1" \
		"$(ss -Htn state established "dport = :${DATABASE##*:}" | wc -l)"
}

@test "gunicorn, sync: the worker with the request keeps the listener to its end" {
	start_gunicorn
	hold web.1 in-flight
	wait_for_output web.1 slow
	g_in_background stop web
	# The other worker has ended, with its connection to the database.
	wait_until "$PATIENCE" has_connections 1
	refute_event not-accepting web.1
	touch go
	finish
	assert_outcome web.1 <<<"in-flight: 200 eof"
	assert_stop web.1 <<-END
		processes <= 3
		listeners = 1
		inbound = 1
		outbound = 2
		peers = $DATABASE x2
		accepted = 0
		saw 1 outbound
		not_accepting_ms there
		drained_ms there
		released_ms there
		status = 0
		verdict = clean
	END
}

@test "gunicorn, threads: it stops to accept, answers, and leaves idle connections to its exit" {
	start_gunicorn --worker-class gthread --threads 4 --keep-alive 60 --graceful-timeout 30
	hold web.1 in-flight idle
	wait_for_output web.1 slow
	g_in_background stop web
	wait_for_event not-accepting web.1
	refute_event drained web.1
	touch go
	finish
	assert_stop web.1 <<-END
		processes <= 3
		listeners = 1
		inbound = 2
		outbound = 2
		accepted = 0
		not_accepting_ms <= drained_ms
		status = 0
		verdict = clean
	END
}

# ---- the demo server ----

# It ends within milliseconds of closing its last connection, so the news of that may come after its end.
@test "the demo server with SQLite: every state of a connection ends in order" {
	start_apps <<-END
		[process web]
		command = $DEMO_SERVER --database demo.db
	END
	hold web.1 --path=/slow?ms=700 in-flight idle silent half
	g stop web
	assert_outcome web.1 <<-'END'
		in-flight: 200 eof
		idle: eof
		silent: eof
		half: eof
	END
	assert_phases web.1 open not-accepting drained
	assert_stop web.1 <<-'END'
		processes = 1
		listeners = 1
		inbound = 4
		outbound = 0
		accepted = 0
		late = 0
		inbound_at_exit <= 1
		not_accepting_ms <= drained_ms
		saw 1 inbound
		status = 0
		unanswered = 1
		verdict = unanswered
	END
}

@test "the demo server with MongoDB: the database is released after the last connection" {
	beside stub.log python3 "$ROOT/tests/mongo-stub.py" stub.port
	wait_until "$PATIENCE" test -s stub.port
	start_apps <<-END
		[process web]
		command = $DEMO_SERVER
		env.MONGO_DB = mongodb://127.0.0.1:$(<stub.port)/demo
		env.MONGOC_DISABLE_SHM = 1
	END
	wait_for_output web.1 'Connected to Database (MongoDB)'
	hold web.1 --path=/slow?ms=700 in-flight idle
	g stop web
	assert_phases web.1 open not-accepting drained released
	assert_stop web.1 <<-END
		inbound = 2
		peers has 127.0.0.1:$(<stub.port)
		accepted = 0
		drained_ms <= released_ms
		status = 0
		verdict = clean
	END
}
