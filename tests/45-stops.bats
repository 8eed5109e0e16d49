#!/usr/bin/env bats
#
# `gracectl stops` over journals that are written here by hand: the list, its filters, the summary, the
# picture, and the warning of `ps`. What real stops come to is tested elsewhere.

# Variables such as $error are set by the helpers.
# shellcheck disable=SC2154

load history-helpers
bats_require_minimum_version 1.5.0

given_a_week() {
	given_stops <<-'END'
		put("2026-06-09T16:00:00Z", "note", "web.1", text='it says "stopped" and is none')
		stop("2026-06-09T16:13:42.9Z", "web.1")
		stop("2026-06-10T16:13:42Z", "worker.1", reason="cycle", ms=30021, drained_ms=None, released_ms=None,
		    status=137, verdict="forced, cut, status 137", evidence="SIGKILL was needed: 4711 (node) was left")
		stop("2026-06-11T16:13:42Z", "web.2", reason="restart", visible=0, not_accepting_ms=None, drained_ms=None,
		    released_ms=None, ms=214)
		stop("2026-06-12T16:13:42Z", "web.1", reason="exit", verdict="late accepts", evidence="3 connections")
		stop("2026-06-13T16:13:42Z", "web.1", reason="boot timeout", ms=3, status=137, verdict="forced, status 137")
	END
}

# dynos ARG...: the days and dynos of the stops that are listed.
dynos() {
	g stops "$@" >&2
	sed -E 's/^2026-06-([0-9]+)T\S+ +(\S+).*/\1 \2/' <<<"$output"
}

# assert_dynos EXPECTED ARG...: on one line.
assert_dynos() {
	local expected=$1

	shift
	assert_equal "stops $*" "$expected" "$(dynos "$@" | sort -u | xargs)"
}

@test "a stop is a line: when, who, why, how long of what was allowed, the verdict, the phases" {
	given_a_week
	g stops
	assert_equal "the number of lines" 5 "$(wc -l <<<"$output")"
	assert_equal "a clean one" \
		"2026-06-09T16:13:42Z web.1      stop      2.14s of 30s   clean  4 in, 10 out (127.0.0.1:27017 x10): not accepting 11ms, drained 2.11s, released 2.13s" \
		"$(sed -n 1p <<<"$output")"
	assert_equal "one with evidence" \
		"2026-06-10T16:13:42Z worker.1   cycle    30.02s of 30s   forced, cut, status 137  4 in, 10 out (127.0.0.1:27017 x10): not accepting 11ms; SIGKILL was needed: 4711 (node) was left" \
		"$(sed -n 2p <<<"$output")"
	assert_equal "one that could not be seen" \
		"2026-06-11T16:13:42Z web.2      restart   214ms of 30s   clean  connections unknown" \
		"$(sed -n 3p <<<"$output")"
}

@test "a stop stays one line when the names in it hold line breaks and controls" {
	given_stops <<-'END'
		stop("2026-06-09T16:13:42Z", "web.1", inbound=0, outbound=1, not_accepting_ms=None, drained_ms=None, released_ms=None,
		    peers="unix:@evil\x1b[31m\nx x1", verdict="forced", evidence="SIGKILL was needed: 9 (a\nb\t)")
	END
	g stops
	assert_equal "the line" \
		'2026-06-09T16:13:42Z web.1      stop      2.14s of 30s   forced  0 in, 1 out (unix:@evil\x1b[31m\x0ax x1); SIGKILL was needed: 9 (a\x0ab'$'\t)' \
		"$output"
}

@test "the filters choose first, then the last ones are counted" {
	given_a_week
	assert_dynos "13 web.1" -n 1
	assert_dynos "10 worker.1" -n 1 -p worker
	assert_dynos "11 web.2" -d web.2
	assert_dynos "12 web.1 13 web.1" --since 2026-06-12T00:00:00Z
	assert_dynos "09 web.1 10 worker.1" --until 2026-06-11T00:00:00Z
	assert_dynos "10 worker.1" --until 2026-06-11T00:00:00Z -n 1
	assert_dynos "11 web.2" --since 2026-06-11T00:00:00Z --until 2026-06-12T00:00:00Z
	assert_dynos "09 web.1 11 web.2" --verdict clean
	assert_dynos "10 worker.1 12 web.1 13 web.1" --not-clean
	assert_dynos "10 worker.1 13 web.1" --verdict forced
	assert_dynos "10 worker.1" --verdict cut
	assert_dynos "12 web.1" --verdict late
	assert_dynos "10 worker.1 13 web.1" --verdict "status 137"
	assert_dynos "" --verdict "status 1"7
	assert_dynos "09 web.1 11 web.2" --reason manual
	assert_dynos "11 web.2" --reason restart
	assert_dynos "12 web.1" --reason crash
	assert_dynos "13 web.1" --reason boot
	assert_dynos "13 web.1" --reason boot --not-clean -n 1
}

@test "wrong use is told, with what would be right" {
	given_a_week
	g 2 stops --verdict dirty
	assert_has "the message" 'there is no "dirty"; there are: clean, forced, refused, cut, leaked' "$error"
	g 2 stops --reason boredom
	assert_has "the message" 'there is no "boredom"; there are: manual, stop, restart' "$error"
	for wrong in "--verdict clean --not-clean" "--summary --plot" "--plot --why" "--plot --json" "--plot -t" \
		"--until 10m -t" "--until yesterday" "--plot one.svg two.svg" "--plot stop.png" "stop.svg" "--plot web.9" \
		"--plot .svg" "--plot -n 0" "--plot -n 1" "--why -n 3" "--why --since 1h" "--why --until 1h" "--why --reason stop" "--why --verdict cut" \
		"--why --not-clean"; do
		# shellcheck disable=SC2086 # several words
		g 2 stops $wrong
		assert_equal "the output of stops $wrong" "" "$output"
	done
	g 2 stops --plot stop.png
	assert_has "the message" "the picture is an SVG, so stop.png should end in .svg (or be - for stdout)" "$error"
	g 2 stops --plot .svg
	assert_has "the message" ".svg is no name for the picture; stop.svg is one (and - is stdout)" "$error"
	g 2 stops web stop.svg
	assert_has "the message" "stop.svg is no dyno or process type; --plot draws into it" "$error"
	assert_equal "files" "" "$(compgen -G '*.svg' || true)"
}

@test "--why takes its dynos from -d and -p as well" {
	given_stops </dev/null
	g start
	g stops --why -d web.1
	assert_has "the dyno" "web.1 is up" "$output"
	refute_has "another one" "worker.1" "$output"
	g stops --why -p worker
	assert_has "the type" "worker.1 is up" "$output"
	refute_has "another one" "web.1" "$output"
}

@test "odd names in a journal neither obey nor spoil the screen" {
	given_stops <<-'END'
		stop("2026-06-09T16:13:42Z", "we\u001b[31mb.1", verdict="\u001b[2J", evidence="\u0007")
		stop("2026-06-09T16:13:42Z", "x" * 5000 + ".1")
		stop("2026-06-09T16:13:42Z", "web.1")
		put("2026-06-09T16:13:42Z", "note", "we\u001b[31mb.1", text="odd")
	END
	on_terminal 80 "'$GRACECTL' -c '$CONFIG' --no-color stops"
	refute_has "the list" $'\033' "$output"
	assert_has "the name" 'we\x1b[31mb.1' "$output"
	for command in events logs; do
		on_terminal 80 "'$GRACECTL' -c '$CONFIG' --no-color $command"
		refute_has "$command" $'\033' "$output"
		assert_has "the name in $command" 'we\x1b[31mb.1' "$output"
	done
	g stops --summary
	refute_has "the summary" $'\033' "$output"
	assert_has "the row of another type" \
		"web            1     2.14s     2.14s     2.14s     2.14s     2.14s      30s  1 clean" "$output"
}

@test "each line of --json is the whole document, with its lists" {
	given_stops <<-'END'
		stop("2026-06-09T16:13:42.9Z", "web.1", exits=[{"ms": 5, "pid": 7, "name": "[node]"}])
	END
	g stops --json
	python3 - <<-'END' "$BATS_TEST_TMPDIR/stdout"
		import json, sys
		stops = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
		assert len(stops) == 1 and stops[0]["exits"] == [{"ms": 5, "pid": 7, "name": "[node]"}], stops
		assert stops[0]["drained_ms"] == 2110 and stops[0]["kind"] == "stopped", stops
	END
	g events
	assert_has "the same in events" 'exits=[ { "ms" : 5, "pid" : 7, "name" : "[node]" } ]' "$output"
}

@test "on a terminal a clean verdict is faint and another one is not" {
	given_a_week
	on_terminal 80 "'$GRACECTL' -c '$CONFIG' stops"
	assert_has "clean is faint" $'\033[2mclean\033[0m' "$output"
	assert_has "forced is bold and red" $'\033[1;31mforced\033[0m, \033[31mcut\033[0m' "$output"
	on_terminal 80 "'$GRACECTL' -c '$CONFIG' --no-color stops"
	refute_has "with --no-color" $'\033' "$output"
}

@test "stops -t shows what is written, through the same filters" {
	given_a_week
	g_in_background stops -t -n 0 --not-clean
	given_more() {
		given_stops <<-'END'
			stop("2026-06-14T16:13:42Z", "web.1")
			stop("2026-06-14T16:13:43Z", "web.1", verdict="leaked")
		END
		grep -q leaked background.out
	}
	wait_until "$PATIENCE" given_more
	kill -INT "$BACKGROUND"
	finish 0
	refute_has "what follows" "clean" "$output"
}

# ---- the summary ----

given_hundreds() {
	given_stops <<-'END'
		for i in range(1, 151):
		    stop("2026-06-09T16:%02d:%02dZ" % (i // 60, i % 60), "web.%d" % (i % 3 + 1),
		        ms=100 * (151 - i), verdict="clean" if i % 10 else "forced, status 137")
		    if i <= 4:
		        stop("2026-06-09T16:00:%02dZ" % i, "worker.1", ms=40000, allowed_ms=60000)
		    put("2026-06-09T16:00:00Z", "note", "web.1", text="[{")
		stop("2026-06-09T17:00:00Z", "web.1", reason="boot timeout", ms=9999999)
		stop("2026-06-09T17:00:00Z", "clock.1", ms=900000, allowed_ms=None, ladder="TERM/forever")
	END
}

@test "the summary has the percentiles of the last hundred stops of each type" {
	given_hundreds
	g stops --summary
	assert_equal "the table" \
		"TYPE       STOPS      50TH      90TH      95TH      99TH   LONGEST  ALLOWED  VERDICTS
clock          1   900.00s   900.00s   900.00s   900.00s   900.00s        -  1 clean
web          100     5.00s     9.00s     9.50s     9.90s    10.00s      30s  90 clean, 10 forced, 10 status 137
worker         4    40.00s    40.00s    40.00s    40.00s    40.00s       1m  4 clean
without 1 that did not boot; --reason boot shows it" "$output"
	g stops --summary -p web -n 10 --json
	assert_equal "the last ten of a type" \
		'{ "type" : "web", "n" : 10, "p50_ms" : 500, "p90_ms" : 900, "p95_ms" : 1000, "p99_ms" : 1000, "longest_ms" : 1000, "allowed_ms" : 30000, "slow" : false, "verdicts" : { "clean" : 9, "forced" : 1, "status 137" : 1 } }' \
		"$output"
	g stops --summary -d web.1 --since 2026-06-09T16:00:00Z --json
	assert_has "all since then" '"n" : 50,' "$output"
	g stops --summary --reason boot --json
	assert_has "what was asked for" '"longest_ms" : 9999999,' "$output"
	g stops --summary -p clock --json
	refute_has "SIGKILL never comes" '"allowed_ms"' "$output"
	g stops --summary --verdict leaked
	assert_equal "nothing to sum up" "" "$output"
}

@test "a summary or picture of who is not there is told so, as by the list" {
	given_hundreds
	for form in "" --summary --plot; do
		# shellcheck disable=SC2086 # none or one word
		g 2 stops $form nobody
		assert_equal "the output" "" "$output"
		assert_equal "the message" 'gracectl: there is no dyno or process type "nobody"; there are: web.1, worker.1' "$error"
	done
}

@test "targets choose in every form, and the file of a picture may stand anywhere among them" {
	given_a_week
	assert_dynos "11 web.2" web.2
	assert_dynos "10 worker.1 11 web.2" worker web.2
	assert_dynos "10 worker.1" -d worker.1
	g stops --summary worker
	refute_has "the summary" "web" "$output"
	for words in "worker one.svg" "one.svg worker" "one.svg -p worker"; do
		# shellcheck disable=SC2086 # several words
		g stops --plot $words
		assert_has "the picture of $words" "worker.1, cycle: forced" "$(<one.svg)"
		rm one.svg
	done
	g stops --plot web.2 -
	assert_has "the picture" "web.2, restart: clean" "$output"
}

@test "the journal is read over all of its files, and what is no document is passed over" {
	given_hundreds
	mv "$STATE/journal.1.jsonl" whole
	head -n 100 whole >"$STATE/journal.3.jsonl"
	{
		sed -n '101,200p' whole
		printf '{"seq": 1, "time": "2026-06-09T16:00:00Z", "kind": "stopped", "dyno": "web.1", "ms": 12'
	} >"$STATE/journal.4.jsonl"
	{
		printf 'not JSON "stopped"\n\n{"kind": "stopped"}\n["stopped"]\n"stopped"\n'
		sed -n '201,$p' whole
	} >"$STATE/journal.5.jsonl"
	g stops --summary -n 1000 -p web
	assert_has "all of them" "web          150     7.50s    13.50s    14.30s    14.90s    15.00s" "$output"
	g stops --since 2026-06-09T00:00:00Z
	assert_equal "the list" 156 "$(wc -l <<<"$output")"
}

# ---- the picture ----

given_a_forced_stop() {
	given_stops <<-'END'
		stop("2026-06-09T16:13:42Z", "web.1")
		stop("2026-06-10T16:13:42Z", "worker.1", reason="cycle", ms=30020, drained_ms=20000, released_ms=None, status=137,
		    verdict="forced, leaked", evidence='<b>"4711" & \u0007caf\u00e9</b>',
		    signals=[{"ms": 0, "signal": "SIGTERM", "processes": 2}, {"ms": 30000, "signal": "SIGKILL", "processes": 1}],
		    connections=[{"ms": 0, "inbound": 2, "outbound": 10}, {"ms": 10000, "inbound": 1, "outbound": 10},
		        {"ms": 20000, "inbound": 0, "outbound": 10}, {"ms": 30020, "inbound": 0, "outbound": 0}],
		    exits=[{"ms": 9000, "pid": 4710, "name": "sh"}, {"ms": 30020, "pid": 4711, "name": "a<b"}])
	END
}

@test "a picture shows phases, connections, signals and exits, with plain characters where there are no others" {
	given_a_forced_stop
	LC_ALL=C g stops --plot
	assert_equal "the picture" 'worker.1, cycle: forced, leaked
2026-06-10 16:13:11 UTC, took 30.02s of the 30s allowed

          v SIGTERM to 2                                  SIGKILL to 1 v
accepting |                                                              11ms
draining  #########################################                      20.00s
releasing                                          ##################### at exit
inbound   #####################                                          2 -> 0
          ##########################################
outbound  ############################################################## 10 -> 0
          ##############################################################
          ##############################################################
4710 sh   ------------------x                                            9.00s
4711 a<b  -------------------------------------------------------------x 30.02s
          +---------+---------+---------+----------+---------+---------+
seconds   0         5        10        15         20        25        30

outbound: 127.0.0.1:27017 x10
<b>"4711" & \x07caf?</b>' "$output"
}

@test "the picture has the width of the terminal, and colours there" {
	local widest
	given_a_forced_stop
	for columns in 40 60 80 160; do
		on_terminal "$columns" "'$GRACECTL' -c '$CONFIG' --no-color stops --plot"
		assert_has "the characters" "▼ SIGTERM to 2" "$output"
		widest=$(python3 -c 'import sys; print(max(len(line.decode().rstrip("\n")) for line in sys.stdin.buffer))' <<<"$output")
		assert_equal "the widest line of $columns columns" "$columns" "$widest"
	done
	on_terminal 20 "'$GRACECTL' -c '$CONFIG' --no-color stops --plot"
	assert_has "what is too narrow" "the picture needs 40 columns, and the terminal has 20; make it wider, or draw" "$output"
	refute_has "what is too narrow" "SIGKILL" "$output"
	on_terminal 80 "'$GRACECTL' -c '$CONFIG' stops --plot"
	assert_has "the bar of a phase" $'\033[33m' "$output"
}

@test "the newest stop that matches is drawn, and when none does that is told" {
	given_a_forced_stop
	g stops --plot -d web.1
	assert_has "the title" "web.1, stop: clean" "$output"
	assert_has "an old journal" "4 inbound and 10 outbound connections at the signal; how they fell was not" "$output"
	g stops --plot --until 2026-06-10T00:00:00Z
	assert_has "the title" "web.1, stop: clean" "$output"
	g 1 stops --plot --verdict cut
	assert_equal "the message" \
		"gracectl: there is no such stop in the journal; \`gracectl stops\` shows those that there are" "$error"
	g 1 stops --plot --since 2026-06-11T00:00:00Z none.svg
	[ ! -e none.svg ] || fail "a file was written without a stop"
}

@test "an SVG is well formed, tells all and needs nothing else" {
	given_a_forced_stop
	g stops --plot stop.svg
	assert_equal "the output" "" "$output"
	python3 - <<-'END'
		import re, xml.etree.ElementTree as tree
		text = open("stop.svg", encoding="utf-8").read()
		root = tree.fromstring(text)
		name = lambda element: element.tag.split("}")[1]
		words = ["".join(e.itertext()) for e in root.iter() if name(e) == "text"]
		assert name(root) == "svg", root.tag
		assert root.find("{*}title").text == "worker.1, cycle: forced, leaked"
		for wanted in ["worker.1, cycle: forced, leaked", "2026-06-10 16:13:11 UTC, took 30.02s of the 30s allowed",
		               "SIGTERM to 2 processes", "SIGKILL to 1 process", "draining", "20.00s", "at exit", "4711 a<b",
		               "outbound: 127.0.0.1:27017 x10", '<b>"4711" & \ufffdcaf\u00e9</b>', "25", "30"]:
		    assert wanted in words, (wanted, words)
		assert not [e for e in root.iter() if name(e) in ("script", "image", "use", "foreignObject")]
		assert not re.search(r"url\(|href|@import|@font-face", text), "it refers to something"
		assert "prefers-color-scheme: dark" in text
		# The steps of the inbound connections: down to half, and down to nothing.
		(steps,) = [e.get("d") for e in root.iter() if e.get("class") == "step inbound"]
		heights = [float(y) for y in re.findall(r"V([0-9.]+)", steps)]
		start = float(re.match(r"M[0-9.]+ ([0-9.]+)", steps)[1])
		assert start < heights[0] < heights[1], steps
	END
	assert_equal "the mode of the file" "$(umask -S | sed 's/[xX]//g')" \
		"$(stat -c %A stop.svg | sed -E 's/^-(.{3})(.{3})(.{3})$/u=\1,g=\2,o=\3/; s/[-x]//g')"
	g stops --plot -
	assert_equal "the same on the standard output" "$(<stop.svg)" "$output"
}

@test "an SVG replaces a file as a whole, and one that cannot be written is named" {
	given_a_forced_stop
	echo old >stop.svg
	ln stop.svg witness
	g stops --plot stop.svg
	assert_equal "the old file was not written to" "old" "$(<witness)"
	assert_equal "what is left beside it" "stop.svg" "$(echo *svg*)"
	g 1 stops --plot missing/stop.svg
	assert_equal "the message" "gracectl: cannot write missing/stop.svg: No such file or directory" "$error"
	mkdir taken.svg
	g 1 stops --plot taken.svg
	assert_has "the message" "cannot write taken.svg: " "$error"
	assert_equal "what is left beside it" "stop.svg taken.svg" "$(echo *svg*)"
}

@test "an SVG goes through a link, and keeps the mode of what is there" {
	given_a_forced_stop
	mkdir pictures
	echo old >pictures/old.svg
	chmod 640 pictures/old.svg
	ln -s pictures/old.svg link.svg
	ln -s link.svg two.svg
	ln -s pictures/new.svg empty.svg
	g stops --plot two.svg
	g stops --plot empty.svg
	assert_equal "where the links lead" "link.svg pictures/old.svg pictures/new.svg" \
		"$(readlink two.svg link.svg empty.svg | paste -sd ' ')"
	for picture in old new; do
		assert_has "what is behind the link" "</svg>" "$(<"pictures/$picture.svg")"
	done
	assert_equal "the mode of the old file" 640 "$(stat -c %a pictures/old.svg)"
	assert_equal "what is left beside them" "new.svg old.svg" "$(ls -A pictures | paste -sd " ")"
}

@test "an SVG that cannot be written leaves the old one, or none" {
	given_a_forced_stop
	echo old >stop.svg
	for picture in stop.svg none.svg; do
		status=0
		# shellcheck disable=SC2016
		bash -c 'ulimit -f 1; trap "" XFSZ; exec "$@"' bash \
			"$GRACECTL" -c "$CONFIG" stops --plot "$picture" 2>large.err || status=$?
		assert_equal "the exit status" 1 "$status"
		assert_equal "the message" "gracectl: cannot write $picture: File too large" "$(<large.err)"
	done
	assert_equal "the old picture" "old" "$(<stop.svg)"
	assert_equal "what is left beside it" "stop.svg" "$(echo *svg*)"
}

@test "an SVG goes into a pipe" {
	given_a_forced_stop
	mkfifo pipe.svg
	timeout "$PATIENCE" cat pipe.svg >shown 3>&- &
	g stops --plot pipe.svg
	wait $!
	assert_has "what came through the pipe" "</svg>" "$(<shown)"
	[ -p pipe.svg ] || fail "the pipe was replaced by a file"
}

@test "a document that lies is drawn as far as it can be" {
	given_stops <<-'END'
		stop("2026-06-09T16:13:42Z", "web.1", ms=9223372036854775807, not_accepting_ms=-5, drained_ms="soon",
		    allowed_ms=9223372036854775807, signals=[1, {}, {"ms": -9223372036854775808, "signal": "\u001b[2J"}],
		    connections=[{"ms": 5, "inbound": -7}, {"ms": 3, "inbound": 9223372036854775807}] * 400,
		    exits=[{"pid": -1, "name": "x" * 5000}] * 200, reason="\u001b", peers={"a": 1})
	END
	g stops
	g stops --summary
	g stops --plot
	refute_has "the picture" $'\033' "$output"
	g stops --plot lie.svg
	python3 -c 'import xml.etree.ElementTree as tree; tree.parse("lie.svg")'
}

# ---- the warning of ps ----

@test "ps warns of a type whose stops need more than half of the time" {
	given_stops <<-'END'
		for i in range(5):
		    stop("2026-06-09T16:13:4%dZ" % i, "web.1", ms=15001)
		    stop("2026-06-09T16:13:4%dZ" % i, "worker.1", ms=15000)
		    stop("2026-06-09T16:13:4%dZ" % i, "worker.1", ms=30000, ms_at_most=1)
	END
	g start
	g ps
	assert_equal "the warning" \
		"gracectl: warning: the stops of web are slow: the 95th percentile of the last 5 is 15.00s, more than half of the 30s allowed; see \`gracectl stops -p web --summary\`" \
		"$error"
	refute_has "the table" "slow" "$output"
	g ps --json
	assert_equal "the standard error with --json" "" "$error"
	assert_equal "who has the field" "web.1" "$(python3 -c '
import json, sys
print(*[dyno["name"] for dyno in json.load(sys.stdin) if "stop_warning" in dyno])' <<<"$output")"
	g ps worker
	assert_equal "the warning of another type" "" "$error"
	g stops -p web --summary
	assert_has "the summary says it too" "the stops of web are slow" "$output"
}
