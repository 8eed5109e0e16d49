#!/usr/bin/env bats
# The manual pages and the help say what the program does: its commands, options, JSON fields and settings.

# $output and $error come from the helpers.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0

load helpers

manual() {
	mandoc -T ascii "$ROOT/man/$1" 2>/dev/null | col -b
}

# The manual behind its synopsis.
described() {
	manual gracectl.1 | sed -n '/^DESCRIPTION/,$p'
}

# first_column ARG...: of a table of the program.
first_column() {
	"$GRACECTL" __complete "$@" | cut -f 1
}

# has_word WORD TEXT: not as a part of a longer word.
has_word() {
	grep -Eq "(^|[^-[:alnum:]_.:])${1//./\\.}($|[^-[:alnum:]_:])" <<<"$2"
}

# own_options COMMAND: without those of every command.
own_options() {
	comm -23 <(first_column options "$1" | sort) <(first_column options | sort)
}

# section_of COMMAND: its line in the synopsis, and what the manual says of it.
section_of() {
	awk -v command="$1" '
		/^\.Sh / { part = $2 }
		part == "SYNOPSIS" && /^\.Nm/ { ours = 0 }
		part == "SYNOPSIS" && /^\.Ic/ { ours = index(" " $0 " ", " " command " ") > 0 }
		part == "COMMANDS" && /^\.(It Ic|Pp$)/ { ours = $2 == "Ic" && $3 == command }
		part != "SYNOPSIS" && part != "COMMANDS" { ours = 0 }
		ours' "$ROOT/man/gracectl.1" | sed -E 's/\bFl -/--/g; s/\bFl ([a-z])\b/-\1/g; s/ , -/ , --/g'
}

@test "every command stands in the manual, in the synopsis too" {
	page=$(described)
	synopsis=$(manual gracectl.1 | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p')
	for command in $(first_column commands); do
		has_word "$command" "$page" || fail "$command is not in the manual"
		[[ $command == *:* ]] || has_word "$command" "$synopsis" || fail "$command is not in the synopsis"
	done
}

@test "every option of every command stands in the manual" {
	page=$(described)
	for command in $(first_column commands); do
		for option in $(first_column options "$command"); do
			has_word "$option" "$page" || fail "$option of $command is not in the manual"
		done
	done
}

@test "the manual has no option that no command has" {
	known=$(for command in $(first_column commands); do first_column options "$command"; done)
	# What stands in an example for another program is not meant.
	for option in $(manual gracectl.1 | sed '/^EXAMPLES/,$d' | grep -oE '(^|[ ,[(])--?[[:alpha:]][-[:alpha:]]*' | tr -d ' ,[('); do
		grep -qxF -- "$option" <<<"$known" || fail "$option is in the manual, but no command has it"
	done
}

@test "the synopsis of each command has its options, by letter or by name" {
	for command in start stop restart ps logs events stops check daemon; do
		section=$(section_of "$command")
		[ -n "$section" ] || fail "nothing is said of $command"
		while IFS=$'\t' read -r option help _; do
			grep -qxF -- "$option" < <(own_options "$command") || continue
			helps+=$command$'\t'$help$'\n'
			has_word "$option" "$section" && said+=$command$'\t'$help$'\n'
		done < <("$GRACECTL" __complete options "$command")
	done
	# The forms of one option have the same help; "the same" is said of a second name.
	missing=$(comm -23 <(printf %s "$helps" | grep -v "the same$" | sort -u) <(printf %s "$said" | sort -u))
	assert_equal "not in the synopsis" "" "$missing"
}

@test "the help of each command names the same options as the completions are told" {
	for command in $(first_column commands); do
		gracectl "$command" -h
		helped=$(sed -n '/^options/,$p' <<<"$output" | grep -oE '^  (-[a-z], )?( {4})?(--[-a-z]+)?' | tr -d ' ' |
			tr ',' '\n' | sed '/^$/d' | sort -u)
		assert_equal "options of $command" "$(first_column options "$command" | sort -u)" "$helped"
	done
}

@test "help COMMAND and COMMAND --help say the same" {
	for command in $(first_column commands); do
		gracectl help "$command"
		said=$output
		gracectl "$command" --help
		assert_equal "$command" "$said" "$output"
	done
}

@test "every exit status stands in the manual with the names of the program" {
	page=$(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$ROOT/man/gracectl.1")
	codes=$(sed -nE 's/^\tEXIT_[A-Z_]+ = ([0-9]+).*/\1/p' "$ROOT/cmd/gracectl/cli.h")
	assert_equal "those of the program" "0 1 2 3 4" "$(xargs <<<"$codes")"
	assert_equal "those of the manual" "$codes" "$(sed -n 's/^\.It //p' <<<"$page")"
}

# documented_words: what the manual marks as a field or as a word to be used literally.
documented_words() {
	grep -E '^\.(It )?(Va|Cm) ' "$ROOT/man/gracectl.1" | tr -s ' ,' '\n'
}

@test "every field of ps --json stands in the manual" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		port = none
	END
	g start
	g ps -l --json
	words=$(documented_words)
	keys=$(grep -oE '"[a-z_]+" :' <<<"$output" | tr -d '": ' | sort -u)
	assert_has "the keys" "next_restart" "$keys"
	for key in $keys; do
		grep -qxF "$key" <<<"$words" || fail "the field $key is not in the manual"
	done
}

@test "every kind of event stands in the manual, and so does every field of those that a short life brings" {
	words=$(documented_words)
	kinds=$(sed -nE 's/^\t\[EVENT_[A-Z_]+\] = \{"([-a-z]+)".*/\1/p' "$ROOT/src/event.c")
	(($(wc -l <<<"$kinds") > 15))
	for kind in $kinds; do
		grep -qxF -- "$kind" <<<"$words" || fail "the kind $kind is not in the manual"
	done
	write_config <<-'END'
		[process web]
		command = sleep 1000 & read line <never; exit 1
		boot_timeout = 100ms
		backoff = 1h
		[process deaf]
		command = trap '' TERM; mkfifo deaf; read line <deaf
		stop = TERM/0.1/KILL/5
		[process missing]
		command = ./missing
		[process short]
		command = sleep 1000 & exit 3
	END
	mkfifo never
	printf '#!/no/such/interpreter\n' >missing
	chmod +x missing
	g 1 start
	wait_until "$PATIENCE" test -p deaf
	g restart deaf || true
	g 1 stop
	g events --json
	assert_equal "the fields of stop-kill" \
		"seq time kind dyno launch $(sed -n '/^\.It Cm stop-kill$/{ n; s/^\.Va //; s/ ,//g; p }' "$ROOT/man/gracectl.1")" \
		"$(grep -m 1 '"stop-kill"' <<<"$output" | grep -oE '"[a-z_]+" :' | tr -d '": ' | paste -sd " ")"
	for key in $(grep -oE '"[a-z_]+" :' <<<"$output" | tr -d '": ' | sort -u); do
		grep -qxF "$key" <<<"$words" || fail "the field $key is not in the manual"
	done
}

@test "every setting that check --print knows stands in gracectl.ini(5)" {
	write_config <<-'END'
		[process web]
		command = sleep 1000
		restart_at = 30 4 * * *
		env.KEY = value
	END
	g check --print
	page=$(manual gracectl.ini.5)
	keys=$(sed -nE 's/^([a-z_]+)( |=).*/\1/p' <<<"$output" | sort -u)
	(($(wc -l <<<"$keys") > 15))
	for key in $keys; do
		has_word "$key" "$page" || fail "$key is not in the manual"
	done
}

@test "the manual pages have no mistake that mandoc can find" {
	for page in "$ROOT"/man/*.[1-9]; do
		run -0 mandoc -T lint -W warning "$page"
		assert_equal "$page" "" "$(grep -v 'outdated mandoc.db' <<<"$output" || true)"
	done
}

@test "what the manual pages quote is printed with its quotation marks, each pair around one word" {
	for page in "$ROOT"/man/*.[1-9]; do
		# The marks of UTF-8 become control characters, which the shell's linter lets stand.
		text=$(mandoc -T utf8 "$page" | col -b | tr '\n' ' ' | sed 's/\xe2\x80\x98/\x01/g; s/\xe2\x80\x99/\x02/g')
		assert_equal "a quotation in a quotation in $page" "" \
			"$(grep -oP '\x01[^\x02]{0,60}\x01[^\x02]*\x02|\x02\x02' <<<"$text" || true)"
		# To a macro a quotation mark around a word is none of the text.
		assert_equal "lost quotation marks in $page" "" "$(grep -nE '^\.D[1l] .*(^| |\[)"' "$page" || true)"
	done
	assert_has "the example for a container" 'ENTRYPOINT ["gracectl", "-c", "/app/Procfile", "daemon"]' "$(manual gracectl.1)"
}

# files_in DIRECTORY: with the names that FILES has for what differs.
files_in() {
	(cd "$1" && find . -type f -o -type p -o -type s) |
		sed -E 's|^\./||; s|\bweb\.1\b|DYNO|; s|/1\.1\.|/LAUNCH.PIECE.|; s|DYNO\.1\.|DYNO.LAUNCH.|; s|^journal\.1\.|journal.N.|' |
		grep -v '\.idx$\|\.new$' | sort
}

@test "FILES names every file of a running application, in its directory" {
	write_config <<<$'[process web]\ncommand = sleep 1000\nready = notify\nboot_timeout = 1m'
	g_in_background start
	wait_until "$PATIENCE" test -e "$RUN/web.1.1.notify"
	files=$(manual gracectl.1 | sed -n '/^FILES/,/^EXIT STATUS/p')
	for file in $(files_in "$STATE"); do
		assert_has "the state directory" "$file" "${files%The run directory*}"
	done
	for file in $(files_in "$RUN"); do
		assert_has "the run directory" "$file" "${files##*The run directory}"
	done
	g stop
	finish 1
}

# listing COMMAND: what the README shows below it.
listing() {
	awk -v "line=\$ $1" '$0 == line { shown = 1; next } shown && /^(\$|```|$)/ { exit } shown' "$ROOT/README.md"
}

# In any order, as dynos do not wait for each other, and without the times.
plain() {
	sed -E 's/^[0-9-]+T[^ ]+ //; s/[0-9.]+ s$/N s/' | sort
}

@test "the README shows what the program prints" {
	local shown
	shown=$(awk '/^\$ cat gracectl.ini/ { shown = 1; next } shown && /^\$/ { exit } shown' "$ROOT/README.md")
	printf '%s\n' "${shown/name = shop/name = shop$'\n'state_dir = $STATE$'\n'run_dir = $RUN}" >"$CONFIG"
	mkdir bin
	printf '#!/bin/sh\ncase $1 in server.js) exec "%s" ;; *) exec sleep 1000 ;; esac\n' "$DEMO_SERVER" >bin/node
	chmod +x bin/node
	PATH=$PWD/bin:$PATH
	g start
	assert_equal "start" "$(listing "gracectl start" | plain)" "$(plain <<<"$error")"
	g restart -q web
	g logs -n 7 -s heroku web.1
	assert_equal "logs" "$(listing "gracectl logs -n 7 -s heroku web.1" | plain)" "$(plain <<<"$output")"
}
