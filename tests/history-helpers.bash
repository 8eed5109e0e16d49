# What the tests of the history need besides helpers.bash: journals that are written by hand.

load helpers

# given_stops: the standard input is Python that calls stop(TIME, DYNO, field=value...) for each; what
# is not given is that of a clean stop.
given_stops() {
	[ -e "$CONFIG" ] || write_config <<-'END'
		[process web]
		command = sleep 1000
		port = none
		[process worker]
		command = sleep 1000
		port = none
	END
	mkdir -p "$STATE/log/web.1" "$STATE/log/worker.1"
	{
		cat <<-'HEAD'
			import json, sys
			seq = 0
			def put(time, kind, dyno, **fields):
			    global seq
			    seq += 1
			    print(json.dumps({"seq": seq, "time": time, "kind": kind, "dyno": dyno, "launch": 1, **fields}))
			clean = dict(reason="stop", signal="SIGTERM", ladder="TERM/30/KILL/5", ms=2140, allowed_ms=30000,
			    processes=2, visible=1, watched="events", listeners=1, inbound=4, outbound=10,
			    peers="127.0.0.1:27017 x10", accepted=0, late=0, inbound_at_exit=0, outbound_at_exit=0,
			    not_accepting_ms=11, drained_ms=2110, released_ms=2130, status=0, verdict="clean", evidence="")
			def stop(time, dyno, **fields):
			    both = {**clean, **fields}
			    put(time, "stopped", dyno, **{key: both[key] for key in both if both[key] is not None})
		HEAD
		cat
	} >stops.py
	python3 stops.py >>"$STATE/journal.1.jsonl"
}

# on_terminal COLUMNS COMMAND: runs a command line with a terminal of that width as its standard output.
on_terminal() {
	# shellcheck disable=SC2034 # for the tests
	output=$(TERM=xterm LC_ALL=C.UTF-8 script -qec "stty cols $1; $2" /dev/null </dev/null | tr -d '\r')
}
