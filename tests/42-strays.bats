#!/usr/bin/env bats
# A process that has left its session, its parent and its environment behind, and has the listener of the dyno: it
# belongs to the dyno, is told to stop with the others, and its part in the stop is told.

bats_require_minimum_version 1.5.0

load stop-helpers

# The main process closes its listener at the signal and ends when `go` is there; the stray, when told, when
# `end` is there. An early stray holds all that it has inherited; a late one holds nothing by which it could be
# known until the main process hands it its listener and its output, at the signal.
write_stray() {
	cat >stray.py <<-'END'
		import os, signal, socket, sys, time
		late = sys.argv[1] == "late"
		def told(signo, frame):
		    open("told", "w").close()
		    while not os.path.exists("end"):
		        time.sleep(0.01)
		    os._exit(0)
		def let_go():
		    null = os.open("/dev/null", os.O_RDWR)
		    for fd in range(3):
		        os.dup2(null, fd)
		    for fd in map(int, os.listdir("/proc/self/fd")):
		        if fd > 2 and fd != there.fileno():
		            try:
		                os.close(fd)
		            except OSError:
		                pass
		def be_stray():
		    signal.signal(signal.SIGTERM, told)
		    if late:
		        let_go()
		    open("strayed.new", "w").write(str(os.getpid()))
		    os.rename("strayed.new", "strayed")
		    if late:
		        held = socket.recv_fds(there, 1, 2)
		        there.send(b"x")
		    while True:
		        time.sleep(1000)
		def stop(signo, frame):
		    if late:
		        socket.send_fds(here, [b"x"], [listener.fileno(), 1])
		        here.recv(1)
		    listener.close()
		    while not os.path.exists("go"):
		        time.sleep(0.01)
		    os._exit(0)
		if len(sys.argv) > 2:
		    there = socket.socket(fileno=int(sys.argv[2]))
		    be_stray()
		listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		here, there = socket.socketpair()
		for inherited in listener, there:
		    inherited.set_inheritable(True)
		if os.fork() == 0:
		    os.setsid()
		    if os.fork() == 0:
		        os.execve(sys.executable, [sys.executable, "stray.py", sys.argv[1], str(there.fileno())],
		                  {"GRACECTL_TEST": os.environ["GRACECTL_TEST"]})
		    while not os.path.exists("strayed"):
		        time.sleep(0.01)
		    os._exit(0)
		os.wait()
		signal.signal(signal.SIGTERM, stop)
		print("ready", flush=True)
		while True:
		    time.sleep(1000)
	END
}

start_stray() {
	write_stray
	start_apps <<<$'[process web]\n'"command = python3 stray.py $1"
	wait_for_output web.1 ready
}

@test "a stray that cannot be known by its environment is told to stop with all others" {
	start_stray early
	g stops --why web.1
	assert_has "what would have to end" "pid $(<strayed) " "$output"
	g_in_background stop web
	wait_until "$PATIENCE" test -e told
	touch go
	wait_for_event main-exit web.1
	refute_event not-accepting web.1
	touch end
	finish
	assert_phases web.1 not-accepting
	assert_stop web.1 <<-END
		processes = 2
		listeners = 1
		exits has 'pid': $(<strayed)
		verdict = clean
	END
}

@test "a stray that is found only after the end of the main process is named, and its listener is open again" {
	start_stray late
	g_in_background stop web
	wait_for_event not-accepting web.1
	touch go
	wait_for_event main-exit web.1
	wait_until "$PATIENCE" test -e told
	touch end
	finish
	assert_equal "the lines since the main process' end" "$(
		sort <<-END
			Main process exited with status 0, waiting for 1 more: $(<strayed) (python3)
			Not accepting any more after N s
			Process $(<strayed) (python3) ended after N s, 0 left
			Process exited with status 0
		END
	)" "$(platform_lines web.1 | sed -n '/^Main process/,$p' | sed 's/[0-9.]* s\b/N s/' | sort)"
	assert_stop web.1 <<-END
		processes = 1
		signals has 'processes': 1}, {
		exits has 'pid': $(<strayed)
		verdict = clean
	END
}

# It ends without having been seen: the supervisor is held until nothing is left of it but a child of nobody, with nothing of its
# dyno.
@test "a process of which nobody can say whose it is, is named once, and is left alone" {
	local main supervisor stray

	cat >escape.py <<-'END'
		import os, signal, time
		def escape(signo, frame):
		    if os.fork() == 0:
		        os.setsid()
		        if os.fork() == 0:
		            null = os.open("/dev/null", os.O_RDWR)
		            for fd in range(3):
		                os.dup2(null, fd)
		            os.closerange(3, 4096)
		            open("escaped.new", "w").write(str(os.getpid()))
		            os.rename("escaped.new", "escaped")
		            os.execve("/bin/sleep", ["sleep", "1000"], {})
		        os._exit(0)
		    os.wait()
		    os._exit(0)
		signal.signal(signal.SIGTERM, escape)
		print("ready", flush=True)
		while True:
		    time.sleep(1000)
	END
	write_config <<-'END'
		[process job]
		command = exec python3 escape.py
		[process other]
		command = exec sleep 1000
	END
	g start
	wait_for_output job.1 ready
	main=$(pid_of job.1) supervisor=$(supervisor_pid)
	kill -STOP "$supervisor"
	kill -TERM "$main"
	wait_until "$PATIENCE" test -e escaped
	stray=$(<escaped)
	wait_until "$PATIENCE" sh -c "grep -q sleep /proc/$stray/comm"
	wait_until "$PATIENCE" sh -c "grep -q '^State:.Z' /proc/$main/status"
	kill -CONT "$supervisor"
	wait_for_log job.1 "Process $stray (sleep) is left, and of which dyno it is cannot be told, so it is not stopped; end it with \`kill $stray\`"
	g stop
	assert_equal "how often it was told" 1 "$(events text | grep -c "Process $stray (sleep) is left")"
	kill "$stray"
	wait_until "$PATIENCE" is_gone "$stray"
}
