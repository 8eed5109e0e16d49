#!/usr/bin/env bats
# Real programs, with their own ideas of processes and signals: npm, nginx, Python, shells, daemons. And
# the same as an ordinary user.

# The programs in single quotes are for the dynos to expand; $output and $error come from the helpers.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

bats_require_minimum_version 1.5.0

load adopt-helpers

# A program that hides, when it was not found, is ended by the pid that it has written.
teardown_file() {
	local file

	for file in "$BATS_RUN_TMPDIR"/test/*/{escaped,nginx.pid}; do
		[ ! -s "$file" ] || [ "$(readlink "/proc/$(<"$file")/cwd")" != "${file%/*}" ] ||
			kill -TERM "$(<"$file")"
	done
}

# url DYNO PATH
url() {
	echo "http://127.0.0.1:$(field_of "$1" port)$2"
}

# ---- npm ----

# An application whose shutdown takes until the file `go` is there.
write_npm_app() {
	cat >package.json <<-'END'
		{"name": "slow", "version": "1.0.0", "private": true, "scripts": {"start": "node app.js"}}
	END
	cat >app.js <<-'END'
		const fs = require("fs");
		const server = require("http").createServer((request, response) => response.end("hello\n"));
		process.on("SIGTERM", () => {
		  console.log("closing");
		  server.close();
		  const timer = setInterval(() => {
		    if (!fs.existsSync("go")) return;
		    clearInterval(timer);
		    console.log("closed");
		  }, 10);
		});
		server.listen(process.env.PORT, "0.0.0.0", () => console.log("node", process.pid));
	END
	write_config <<-END
		[process web]
		command = npm start
		env.npm_config_cache = $BATS_TEST_TMPDIR/cache
		env.npm_config_update_notifier = false
	END
}

node_pid() {
	output_of web.1 | sed -n 's/^node //p' | tail -n 1
}

@test "npm start: the stop waits until the node child is gone, and npm's end is not the end" {
	write_npm_app
	g start
	assert_equal "the answer" hello "$(curl -sS --max-time 10 "$(url web.1 /)")"
	node=$(node_pid)
	assert_has "its children" "$node" "$(pgrep -s "$(pid_of web.1)" | tr '\n' ' ')"
	g_in_background stop web
	wait_for_output web.1 closing
	assert_state web.1 stopping
	is_running "$node"
	touch go
	finish
	is_gone "$node"
	has_output web.1 closed
	assert_equal "the session of npm" "" "$(processes_of_dyno web.1)"
	assert_equal "what was said of SIGKILL" 0 "$(platform_lines web.1 | grep -c SIGKILL || true)"
}

@test "npm start: when npm alone is killed, the node child is shut down gracefully before the next start" {
	write_npm_app
	sed -i 's/^backoff = never/backoff = 0/' gracectl.ini
	g start
	node=$(node_pid)
	kill -KILL "$(pid_of web.1)"
	wait_for_output web.1 closing
	is_running "$node"
	assert_equal "launches" 1 "$(field_of web.1 launch)"
	touch go
	wait_for_field web.1 launch 2
	is_gone "$node"
	has_output web.1 closed
	wait_for_state web.1 up
}

# processes_of_dyno DYNO: the pids that carry its mark.
processes_of_dyno() {
	grep -lasF "GRACECTL_INSTANCE=shop/$1/" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
		grep -qzxF "GRACECTL_TEST=$GRACECTL_TEST" "/proc/$pid/environ" && echo "$pid"
	done || true
}

# ---- nginx ----

# Usage: DIRECTIVE...; it serves the file `big`.
write_nginx_app() {
	{
		printf '%s\n' "user root;" "pid nginx.pid;" "error_log stderr;" "worker_processes 2;" "$@"
		cat <<-'END'
			events {}
			http {
			  access_log off;
			  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
			  uwsgi_temp_path temp; scgi_temp_path temp;
			  server {
			    listen @PORT@;
			    location / { root .; }
			  }
			}
		END
	} >nginx.in
	head -c 4000000 /dev/zero | tr '\0' x >big
	write_config <<-END
		[process web]
		command = sed "s/@PORT@/\$PORT/" nginx.in >nginx.conf && exec nginx -e stderr -p $BATS_TEST_TMPDIR/ -c nginx.conf
		stop = QUIT/10/KILL/5
		boot_timeout = 5s
	END
}

# download: fetches `big` from web.1, and reads no more than the first bytes of it before the file `go` is there.
download() {
	python3 - "$(field_of web.1 port)" 3>&- <<-'END'
		import os, socket, sys, time
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(("127.0.0.1", int(sys.argv[1])))
		s.sendall(b"GET /big HTTP/1.0\r\n\r\n")
		data = s.recv(100)
		print("begun", flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.01)
		while part := s.recv(65536):
		    data += part
		print("got", len(data.partition(b"\r\n\r\n")[2]), flush=True)
	END
}

@test "nginx: with stop = QUIT a download in flight is finished, and all processes are gone" {
	write_nginx_app "daemon off;"
	g start
	download >downloaded &
	client=$!
	wait_until "$PATIENCE" grep -q begun downloaded
	g_in_background stop web
	wait_for_line web.1 "Stopping all processes with SIGQUIT"
	assert_state web.1 stopping
	touch go
	wait "$client"
	assert_equal "the download" "got 4000000" "$(tail -n 1 downloaded)"
	finish
	assert_last_lines web.1 <<-'END'
		State changed from up to down
		Stopping all processes with SIGQUIT
		Process exited with status 0
	END
}

@test "nginx: restarted, it has another port, and the old one is gone" {
	write_nginx_app "daemon off;"
	g start
	before=$(url web.1 /big)
	g restart
	[[ $(url web.1 /big) != "$before" ]]
	assert_equal "the new one" 200 "$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$(url web.1 /big)")"
	run -7 curl -sS --max-time 10 -o /dev/null "$before"
}

@test "nginx: when it goes into the background the dyno has crashed, and what it left behind is stopped" {
	# It writes its title over its environment, so there is no mark to know it by.
	write_nginx_app "daemon on;"
	"$GRACECTL" -c "$CONFIG" start -q 3>&- || true
	wait_for_state web.1 crashed
	has_line web.1 "Process exited with status 0"
	run -1 pgrep -f "nginx: .* -p $BATS_TEST_TMPDIR/"
}

# ---- Python ----

@test "python3 -m http.server serves on \$PORT, and on another port after a restart" {
	write_config <<-'END'
		[process web]
		command = exec python3 -u -m http.server $PORT
	END
	echo content >file
	g start
	first=$(field_of web.1 port)
	assert_equal "the file" content "$(curl -sS --max-time 10 "$(url web.1 /file)")"
	wait_until "$PATIENCE" eval 'output_of web.1 | grep -q "GET /file HTTP/1.1"'
	g restart
	assert_equal "the file" content "$(curl -sS --max-time 10 "$(url web.1 /file)")"
	(($(field_of web.1 port) != first))
	g stop web
	assert_last_lines web.1 <<-'END'
		State changed from up to down
		Stopping all processes with SIGTERM
		Process exited with status 143
	END
}

# ---- shells ----

@test "a shell script with children: all of them are told, and none is left" {
	write_script child <<-'END'
		name=$1
		trap 'echo "$name ends"; exit 0' TERM
		echo "$name began"
		pause
	END
	write_config <<-'END'
		[process job]
		command = ./child first & ./child second & ./child third & wait
	END
	g start
	for name in first second third; do
		wait_for_output job.1 "$name began"
	done
	g stop job
	for name in first second third; do
		has_output job.1 "$name ends"
	done
	assert_equal "processes that are left" "" "$(processes_of_dyno job.1)"
	assert_equal "the last line" "Process exited with status 143" "$(platform_lines job.1 | tail -n 1)"
}

@test "a command that needs a shell only for its variables ends with its own status, not with that of the shell" {
	write_script polite <<-'END'
		trap 'exit 0' TERM
		echo "port $1"
		pause
	END
	write_config <<-'END'
		[process web]
		command = ./polite $PORT
		ready = none
	END
	g start
	wait_for_output web.1 "port $(field_of web.1 port)"
	g stop web
	assert_equal "the last line" "Process exited with status 0" "$(platform_lines web.1 | tail -n 1)"
}

@test "a process that is forked in the moment of the stop is told to stop as well" {
	cat >forker.py <<-'END'
		import os, signal, time
		def told(signo, frame):
		    # Python loses a signal that comes while its handler is taken away.
		    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
		    if os.fork() == 0:
		        signal.signal(signal.SIGTERM, signal.SIG_DFL)
		        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
		        time.sleep(1000)
		    os._exit(0)
		signal.signal(signal.SIGTERM, told)
		print("ready", flush=True)
		time.sleep(1000)
	END
	write_config <<-'END'
		[process job]
		command = python3 forker.py
		stop = TERM/10/KILL/5
	END
	g start
	wait_for_output job.1 ready
	g stop job
	assert_equal "the last line" "Process exited with status 0" "$(platform_lines job.1 | tail -n 1)"
}

@test "a program that closes its output is not taken for gone" {
	write_config <<-'END'
		[process job]
		command = echo $$ >pid; exec >/dev/null 2>&1; exec sleep 1000
	END
	g start
	wait_until "$PATIENCE" grep -qx sleep "/proc/$(pid_of job.1)/comm"
	assert_state job.1 up
	g stop job
	is_gone "$(<pid)"
	has_line job.1 "Process exited with status 143"
}

# ---- daemons that escape ----

# A program that leaves a daemon behind: forked twice, in a session of its own. It writes its pid to the
# file `escaped` and what happens to it to `fate`. Arguments: "stay" or "leave" for the first process.
write_daemon() {
	cat >daemon.py <<-'END'
		import os, signal, sys, time
		def daemon():
		    def told(signo, frame):
		        open("fate", "a").write(signal.Signals(signo).name + "\n")
		        os._exit(0)
		    signal.signal(signal.SIGTERM, told)
		    open("escaped.tmp", "w").write(str(os.getpid()))
		    os.rename("escaped.tmp", "escaped")
		    while True:
		        time.sleep(1000)
		if os.fork() == 0:
		    os.setsid()
		    if os.fork() == 0:
		        daemon()
		    os._exit(0)
		os.wait()
		while not os.path.exists("escaped"):
		    time.sleep(0.01)
		if sys.argv[1] == "stay":
		    time.sleep(1000)
	END
}

# assert_daemon_is_stopped COMMAND [LINE...]: a job that has left a daemon is stopped, and with it the daemon, by SIGTERM.
assert_daemon_is_stopped() {
	write_daemon
	write_config <<-END
		[process job]
		command = $1
		$(printf '%s\n' "${@:2}")
	END
	g start
	wait_until "$PATIENCE" test -s escaped
	g stop job
	assert_equal "its fate" SIGTERM "$(<fate)"
	is_gone "$(<escaped)"
}

@test "a daemon that escapes from its session is found and stopped" {
	assert_daemon_is_stopped "python3 daemon.py stay"
}

@test "a daemon that outlives its main process is named and stopped" {
	write_daemon
	write_config <<-'END'
		[process job]
		command = python3 daemon.py leave
	END
	gracectl -c "$CONFIG" start # its end is a crash that the start may see
	wait_for_state job.1 crashed
	assert_equal "its fate" SIGTERM "$(<fate)"
	is_gone "$(<escaped)"
	assert_last_lines job.1 <<-END
		Main process exited with status 0, waiting for 1 more: $(<escaped) (python3)
		State changed from up to crashed
		Stopping all processes with SIGTERM
		Process exited with status 0
	END
}

@test "a daemon without our mark that still writes to the log is told to stop before it is killed" {
	assert_daemon_is_stopped "env -i PATH=/usr/bin:/bin python3 daemon.py stay" "stop = TERM/10/KILL/5"
}

@test "a daemon that has neither our mark nor our output is found and stopped" {
	assert_daemon_is_stopped "exec env -i PATH=/usr/bin:/bin python3 daemon.py stay >/dev/null 2>&1" "stop = TERM/10/KILL/5"
}

@test "a daemon without our mark that outlives its main process is stopped, and the dyno has crashed" {
	write_daemon
	write_config <<-'END'
		[process job]
		command = env -i PATH=/usr/bin:/bin python3 daemon.py leave
		stop = TERM/10/KILL/5
	END
	gracectl -c "$CONFIG" start # as above
	wait_for_state job.1 crashed
	assert_equal "its fate" SIGTERM "$(<fate)"
	is_gone "$(<escaped)"
}

# ---- as an ordinary user ----

# From here on gracectl runs as nobody if we are root, else as ourselves, in a directory of its own. Sets HOME_DIR.
# Usage: NAME=VALUE... for its environment.
become_ordinary() {
	local user=()

	HOME_DIR=$(mktemp -d "${TMPDIR:-/tmp}/gracectl.XXXXXX")
	cp "$GRACECTL" "$HOME_DIR/gracectl"
	if [ "$(id -u)" -eq 0 ]; then
		chown nobody "$HOME_DIR"
		user=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups)
	fi
	printf '#!/bin/sh\nexec %s env -u XDG_STATE_HOME -u XDG_RUNTIME_DIR %s %s/gracectl "$@"\n' \
		"${user[*]}" "HOME=$HOME_DIR ${*//HOME_DIR/$HOME_DIR}" "$HOME_DIR" >"$BATS_TEST_TMPDIR/ordinary"
	chmod +x "$BATS_TEST_TMPDIR/ordinary"
	GRACECTL=$BATS_TEST_TMPDIR/ordinary
	CONFIG=$HOME_DIR/gracectl.ini
	USER_ID=$(stat -c %u "$HOME_DIR")
	APP=ordinary-${HOME_DIR##*.}
	cat >"$CONFIG" <<-END
		[app]
		name = $APP
		[defaults]
		backoff = never
		[process web]
		command = python3 -u -m http.server \$PORT
		[process job]
		command = sleep 1000 & wait
		scale = 2
	END
}

# Everything basic, and that it leaves nothing but the state.
use_as_ordinary() {
	g start
	assert_equal "the owner of the process" "$USER_ID" "$(stat -c %u "/proc/$(pid_of web.1)")"
	curl -sS --max-time 10 -o "$BATS_TEST_TMPDIR/page" "$(url web.1 /)"
	g ps -l
	g restart
	g logs -n 50
	assert_has "the log" "app[web.1]: Serving HTTP on 0.0.0.0" "$output"
	kill -KILL "$(pid_of job.2)"
	wait_for_state job.2 crashed
	g stop job
	g stop
	g 3 ps
	assert_equal "processes that are left" "" "$(processes_of_test)"
	# From any directory, by its name.
	cd /
	gracectl __complete apps
	assert_equal "the applications that -a completes" "$APP" "$output"
	gracectl -a "$APP" __complete targets
	assert_equal "the names, known by their logs" "job.1 job.2 web.1" "$(grep -F . <<<"$output" | paste -sd ' ')"
	gracectl -a "$APP" logs -n 1
	assert_equal "that -a is enough" 0 "$status"
	cd - || return
}

@test "as an ordinary user: everything basic works in the directories of XDG" {
	become_ordinary XDG_STATE_HOME=HOME_DIR/state XDG_RUNTIME_DIR=HOME_DIR/run
	use_as_ordinary
	test -f "$HOME_DIR/state/gracectl/$APP/journal.1.jsonl"
	test -d "$HOME_DIR/run/gracectl/$APP"
	rm -r "$HOME_DIR"
}

# Sets $pid, of a dyno that nobody supervises, and that has no configuration in any of the usual places.
leave_alone() {
	become_ordinary XDG_STATE_HOME=HOME_DIR/state XDG_RUNTIME_DIR=HOME_DIR/run
	g start
	pid=$(pid_of job.1)
	kill_both
	cd /
	mv "$CONFIG" "$HOME_DIR/elsewhere.ini"
}

@test "as an ordinary user: when both die, -a is enough to go on, though the application has no configuration any more" {
	local pid

	leave_alone
	gracectl -a "$APP" ps
	assert_equal "the exit status" 0 "$status"
	assert_has "what ps says" "job.1: up" "$output"
	assert_equal "what else it says" "" "$error"
	is_running "$pid"
	gracectl -a "$APP" restart job.1
	assert_equal "the exit status of restart" 0 "$status"
	gracectl -a "$APP" stop
	assert_equal "the exit status of stop" 0 "$status"
	is_gone "$pid"
	rm -r "$HOME_DIR"
}

@test "as an ordinary user: when both die and no configuration is left, that is told, and what to do" {
	local pid

	leave_alone
	rm "$HOME_DIR/run/gracectl/$APP/config.ini"
	for command in ps stop; do
		gracectl -a "$APP" "$command"
		assert_equal "the exit status of $command" 1 "$status"
		assert_equal "what $command says" "gracectl: guard and supervisor of $APP are dead, and no others can take their place: it has no configuration any more, and $HOME_DIR/run/gracectl/$APP/config.ini is gone, too; name one with -c FILE; what runs of it runs on, and the next command tries again" "$error"
	done
	gracectl -c "$HOME_DIR/elsewhere.ini" stop
	assert_equal "the exit status with -c" 0 "$status"
	is_gone "$pid"
	rm -r "$HOME_DIR"
}

@test "as an ordinary user: without XDG variables it uses the home directory and /tmp" {
	become_ordinary
	use_as_ordinary
	test -f "$HOME_DIR/.local/state/gracectl/$APP/journal.1.jsonl"
	test -d "/tmp/gracectl-$USER_ID/$APP"
	rm -r "$HOME_DIR" "/tmp/gracectl-$USER_ID/$APP"
}

@test "as an ordinary user: a umask that leaves the owner nothing does no harm" {
	become_ordinary XDG_RUNTIME_DIR=HOME_DIR/run
	printf '#!/bin/sh\numask 777\nexec "%s" "$@"\n' "$GRACECTL" >masked
	chmod +x masked
	GRACECTL=$PWD/masked
	use_as_ordinary
	assert_equal "the mode of the state directory" 700 "$(stat -c %a "$HOME_DIR/.local/state/gracectl/$APP")"
	rm -r "$HOME_DIR"
}
