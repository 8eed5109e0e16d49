#!/usr/bin/env bats
# What a dyno must do to be up: the boot timeout, what cannot be launched, and the kinds of readiness.

# The programs in single quotes are for the dynos to expand, $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2154

bats_require_minimum_version 1.5.0

load cycle-helpers

# The boot timeout.

@test "a web process that does not listen in time is killed: R10, and status 137" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		boot_timeout = 1s
		backoff = 1h
	END
	g 1 start
	assert_has "the message" "web.1 did not come up: boot timeout" "$error"
	assert_log web.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000`
		Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 1 seconds of launch
		Stopping process with SIGKILL
		Process exited with status 137
		State changed from starting to crashed
		Crashed 1 time in a row, next try in 1h
	END
	waited=$(($(event_times boot-timeout web.1) - $(start_time web.1)))
	((waited >= 1000 && waited < 6000)) || fail "R10 came after $waited ms"
}

@test "a boot timeout ends every process of the dyno" {
	write_config <<-'END'
		[process web]
		command = sleep 1000 & sleep 1000 & wait
		boot_timeout = 300ms
	END
	g 1 start
	has_line web.1 "Process exited with status 137"
	run -1 pgrep -s "$(events kind pid | sed -n 's/^launch //p')"
}

@test "a boot timeout is a crash and has the pauses of the table" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		boot_timeout = 100ms
		backoff = 0 200ms
	END
	g 1 start
	wait_for_line web.1 "Crashed 3 times in a row, next try in 200ms"
	assert_first_lines web.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000`
		Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 0.1 seconds of launch
		Stopping process with SIGKILL
		Process exited with status 137
		State changed from starting to crashed
		State changed from crashed to starting
		Starting process with command `sleep 1000`
		Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 0.1 seconds of launch
		Stopping process with SIGKILL
		Process exited with status 137
		State changed from starting to crashed
		Crashed 2 times in a row, next try in 200ms
	END
}

# What cannot be launched.

@test "a program that cannot be executed is reported with the reason" {
	printf '#!/no/such/interpreter\n' >prog
	chmod +x prog
	write_config <<-'END'
		[process job]
		command = ./prog
		backoff = 1h
	END
	g 1 start
	assert_has "the message" \
		"job.1 did not come up: the program cannot be executed: its interpreter /no/such/interpreter: No such file or directory" "$error"
	assert_log job.1 <<-'END'
		State changed from down to starting
		Starting process with command `./prog`
		Cannot start `./prog`: the program cannot be executed: its interpreter /no/such/interpreter: No such file or directory
		Process exited with status 127
		State changed from starting to crashed
		Crashed 1 time in a row, next try in 1h
	END
	g ps
	assert_has "ps" "the program cannot be executed: its interpreter /no/such/interpreter: No such file or directory, next try in" "$output"
}

@test "a working directory that has gone is reported with its path" {
	mkdir work
	start_steady_job "workdir = work" "backoff = 1h"
	rmdir work
	g 1 restart
	assert_has "the message" \
		"the working directory cannot be entered: $BATS_TEST_TMPDIR/work: No such file or directory" "$error"
}

@test "a path that is no UTF-8 is told with a sign for what is none, and the record is kept" {
	local path=$'caf\xe9'

	mkdir "$path"
	start_steady_job "workdir = $path" "backoff = 1h"
	rmdir "$path"
	g 1 restart
	assert_has "the message" "cannot be entered: $BATS_TEST_TMPDIR/caf�: No such file or directory" "$error"
	grep -q "caf�" "$STATE/job.1.state" || fail "the record says $(<"$STATE/job.1.state")"
	assert_equal "warnings" "" "$(grep warning "$STATE/supervisor.log")"
}

@test "a command that is no UTF-8 is shown with a sign for what is none" {
	write_config <<-END
		[process job]
		command = sleep 1000 # $(printf 'caf\xe9')
	END
	g start
	g ps --json
	assert_has "the command" "sleep 1000 # caf�" "$output"
}

# Readiness.

# write_server [ADDRESS]: a server that listens there, by default on all addresses of IPv4. It answers as
# the file `answer` says, and prints each answer.
write_server() {
	local address=${1:-0.0.0.0}

	cat >server.py <<-END
		import http.server, os, socket
		class Server(http.server.HTTPServer):
		    address_family = socket.AF_INET6 if ":" in "$address" else socket.AF_INET
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        status = int(open("answer").read())
		        print("answer", self.path, status, flush=True)
		        self.send_response(status)
		        self.end_headers()
		    def log_message(self, *args):
		        pass
		Server(("$address", int(os.environ["PORT"])), Handler).serve_forever()
	END
}

# answer STATUS: from now on, at one stroke.
answer() {
	echo "$1" >next
	mv next answer
}

@test "ready = http: a dyno is up when its path is answered with 200 to 399, and not before" {
	write_server
	answer 503
	write_config <<-'END'
		[process web]
		command = python3 server.py
		ready = http:/ready?deep=1
	END
	start_daemon
	wait_for_output web.1 "answer /ready?deep=1 503" 3
	assert_state web.1 starting
	answer 404
	wait_for_output web.1 "answer /ready?deep=1 404" 2
	assert_state web.1 starting
	answer 302
	wait_for_state web.1 up
	assert_equal "answers that counted" 1 "$(output_of web.1 | grep -cx 'answer /ready?deep=1 302')"
	end_daemon
}

# write_http_config [PATH]: web.1 is that server, and its readiness is asked for.
write_http_config() {
	answer 200
	write_config <<-END
		[process web]
		command = python3 server.py
		ready = http:${1:-/ready}
	END
}

@test "ready = http: the longest path that is allowed is asked for" {
	local path

	path=/$(printf 'x%.0s' {1..1023})
	write_server
	write_http_config "${path}x"
	g 2 check
	write_http_config "$path"
	g start
	wait_for_output web.1 "answer $path 200"
}

@test "ready = http: a server that listens only on ::1 is asked there" {
	write_server ::1
	write_http_config
	g start
	assert_state web.1 up
}

@test "ready = http: a server that listens only on one address is asked there" {
	write_server 127.0.0.2
	write_http_config
	g start
	assert_state web.1 up
}

@test "ready = http: a server for IPv6 and IPv4 alike is asked" {
	write_server ::
	write_http_config
	g start
	assert_state web.1 up
}

# write_two_ears: a server with two of them. Usage of it: STATUS ADDRESS [STATUS ADDRESS]; it listens on all at once,
# and answers each with its status. ADDRESS may have a port; without one it is that of the dyno.
write_two_ears() {
	cat >ears.py <<-'END'
		import os, select, socket, sys
		ears = {}
		for status, name in zip(sys.argv[1::2], sys.argv[2::2]):
		    address, _, port = name.partition(":")
		    ear = socket.create_server((address, int(port or os.environ["PORT"])))
		    ears[ear] = status
		while True:
		    for ear in select.select(list(ears), [], [])[0]:
		        caller, _ = ear.accept()
		        caller.recv(4096)
		        caller.sendall(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\n\r\n" % ears[ear].encode())
		        caller.close()
		        print("answered", ears[ear], flush=True)
	END
}

@test "ready = http: of a server that listens on two addresses both are asked, and one that answers is enough" {
	write_two_ears
	write_config <<-'END'
		boot_timeout = 10s
		[process one]
		command = python3 ears.py 404 127.0.0.1 200 127.0.0.2
		port = auto
		ready = http:/
		[process two]
		command = python3 ears.py 200 127.0.0.1 404 127.0.0.2
		port = auto
		ready = http:/
	END
	g start
	assert_state one.1 up
	assert_state two.1 up
}

@test "ready = http: nobody is asked on another port than that of the dyno" {
	write_two_ears
	write_config <<-'END'
		[process web]
		command = python3 ears.py 200 127.0.0.1:0 503 127.0.0.1
		ready = http:/
	END
	g_in_background start
	wait_for_output web.1 "answered 503" 3
	assert_state web.1 starting
	refute_has "what it has answered" "answered 200" "$(output_of web.1)"
	g stop
	finish 1
}

@test "ready = http: a server that accepts and never answers does not come up" {
	cat >mute.py <<-'END'
		import os, socket, time
		s = socket.create_server(("0.0.0.0", int(os.environ["PORT"])))
		s.accept()
		print("accepted", flush=True)
		time.sleep(1000)
	END
	write_config <<-'END'
		[process web]
		command = python3 mute.py
		ready = http:/
		boot_timeout = 3s
	END
	g 1 start
	has_output web.1 accepted
	has_line web.1 'Error R10 (Boot timeout) -> Web process failed to answer on $PORT within 3 seconds of launch'
}

@test "ready = notify: a dyno is up when it says READY=1, and not before" {
	cat >notifier.py <<-'END'
		import os, socket, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		def say(text):
		    s.sendto(text, os.environ["NOTIFY_SOCKET"])
		say(b"")
		say(b"STATUS=READY=1")
		say(b"READY=10\nREADY=0\nXREADY=1")
		say(b"x" * 100000)
		print("told nonsense", flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.01)
		say(b"STATUS=serving\nREADY=1\n")
		print("told readiness", flush=True)
		time.sleep(1000)
	END
	write_config <<-END
		[process job]
		command = python3 notifier.py
		ready = notify
	END
	start_daemon
	wait_for_output job.1 "told nonsense"
	assert_state job.1 starting
	touch go
	wait_for_state job.1 up
	wait_for_output job.1 "told readiness"
	assert_equal "sockets that are left" "" "$(find "$RUN" -name '*notify*')"
	end_daemon
}

@test "ready = notify: silence is a boot timeout" {
	write_config <<-'END'
		[process job]
		command = sleep 1000
		ready = notify
		boot_timeout = 300ms
	END
	g 1 start
	has_line job.1 "Error R10 (Boot timeout) -> Web process failed to report READY=1 within 0.3 seconds of launch"
}

@test "ready = none: a web process is up as soon as it is launched, and has a port" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		ready = none
	END
	g start
	assert_log web.1 <<-'END'
		State changed from down to starting
		Starting process with command `sleep 1000`
		State changed from starting to up
	END
	(($(field_of web.1 port) > 0))
}

@test "ready = port: a listener of a child of the main process counts" {
	write_config <<-'END'
		[process web]
		command = python3 -m http.server $PORT & wait
	END
	g start
	assert_state web.1 up
}

@test "ready = port: where the kernel does not tell who listens, an answer to connect() counts" {
	write_config <<-'END'
		[process web]
		command = python3 -m http.server --bind 127.0.0.1 $PORT
		[process six]
		command = python3 -m http.server --bind ::1 $PORT
		port = auto
		[process mute]
		command = sleep 1000
		port = auto
		boot_timeout = 500ms
	END
	run --separate-stderr "$ROOT/tests/stops/deny" table "$GRACECTL" -c "$CONFIG" start 3>&-
	assert_state web.1 up
	assert_state six.1 up
	assert_state mute.1 crashed
}

@test "ready = port: a listener that belongs to another process does not count" {
	cat >holder.py <<-'END'
		import socket, time
		s = socket.create_server(("0.0.0.0", 0))
		print(s.getsockname()[1], flush=True)
		time.sleep(60)
	END
	python3 holder.py >port 3>&- &
	holder=$!
	wait_until "$PATIENCE" test -s port
	port=$(<port)
	write_config <<-END
		[process web]
		command = sleep 1000
		port = $port
		boot_timeout = 1s
	END
	g 1 start
	assert_log web.1 <<-END
		State changed from down to starting
		Starting process with command \`sleep 1000\`
		Port $port is taken by a process that does not belong to web.1
		Error R10 (Boot timeout) -> Web process failed to bind to \$PORT within 1 seconds of launch
		Stopping process with SIGKILL
		Process exited with status 137
		State changed from starting to crashed
	END
	kill "$holder"
}
