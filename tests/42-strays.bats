#!/usr/bin/env bats
# A process that has left its session, its parent and its environment behind, and has the listener of the dyno: it
# belongs to the dyno, is told to stop with the others, and its part in the stop is told.

bats_require_minimum_version 1.5.0

load stop-helpers

# The main process closes its listener at the signal and ends when `go` is there; the stray, when told, when
# `end` is there.
write_stray() {
	cat >stray.py <<-'END'
		import os, signal, socket, sys, time
		def told(signo, frame):
		    open("told", "w").close()
		    while not os.path.exists("end"):
		        time.sleep(0.01)
		    os._exit(0)
		if sys.argv[1] == "stray":
		    signal.signal(signal.SIGTERM, told)
		    open("strayed", "w").write(str(os.getpid()))
		    while True:
		        time.sleep(1000)
		def stray():
		    if os.fork() == 0:
		        os.setsid()
		        if os.fork() == 0:
		            os.execve(sys.executable, [sys.executable, "stray.py", "stray"],
		                {"GRACECTL_TEST": os.environ["GRACECTL_TEST"]})
		        os._exit(0)
		    os.wait()
		    while not os.path.exists("strayed"):
		        time.sleep(0.01)
		def stop(signo, frame):
		    if sys.argv[1] == "late":
		        stray()
		    listener.close()
		    while not os.path.exists("go"):
		        time.sleep(0.01)
		    os._exit(0)
		listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		listener.set_inheritable(True)
		signal.signal(signal.SIGTERM, stop)
		if sys.argv[1] == "early":
		    stray()
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
