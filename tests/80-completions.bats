#!/usr/bin/env bats
#
# The completions of bash, zsh and fish, each driven in its own shell. What is right is asked
# from the program (gracectl __complete), so these tests hold for every future command too.

# The programs in single quotes are for the other shells to expand, and so is the tilde.
# shellcheck disable=SC2016,SC2088,SC2154

bats_require_minimum_version 1.5.0

setup() {
	ROOT=${ROOT:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)}
	COMPLETIONS=$ROOT/completions
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bin elsewhere
	ln -s "${GRACECTL:-$ROOT/build/gracectl}" bin/gracectl
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export ROOT COMPLETIONS HOME=$BATS_TEST_TMPDIR
	unset GRACECTL_CONFIG
	write_config gracectl.ini shop web worker
	write_config elsewhere/other.ini other clock mailer
}

# Usage: FILE APP TYPE TYPE; two dynos of the first type, one of the second.
write_config() {
	printf '%s\n' "[app]" "name = $2" "root = $BATS_TEST_TMPDIR" \
		"state_dir = $BATS_TEST_TMPDIR/$2.state" "run_dir = $BATS_TEST_TMPDIR/$2.run" \
		"[process $3]" "command = sleep 1000" "scale = 2" "port = none" \
		"[process $4]" "command = sleep 1000" "scale = 1" "port = none" >"$1"
}

# Each complete_SHELL takes the words of a command line, the last one being the one at the cursor,
# and prints the candidates, sorted.

complete_bash() {
	bash --noprofile --norc -c '
		source "$COMPLETIONS/gracectl.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_gracectl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}

# A real interactive zsh on a terminal of its own; compadd is overlaid so that it writes down what
# matches. The shell ends by itself after the first completion.
complete_zsh() {
	: >"$BATS_TEST_TMPDIR/matches"
	cat >"$BATS_TEST_TMPDIR/child.zsh" <<-'END'
		PROMPT= fpath=($COMPLETIONS $fpath)
		autoload -Uz compinit && compinit -D -u
		zstyle ':completion:*' completer _complete
		compadd() {
			local -a hits
			# What only asks (-O, -A, -D) is a step of some function, not an offer.
			if [[ ${@[1,(i)(-|--)]} != *-[OAD]* ]]; then
				builtin compadd -O hits "$@"
				print -rl -- $hits >>$BATS_TEST_TMPDIR/matches
			fi
			builtin compadd "$@"
		}
		complete-and-exit() {
			BUFFER=$LINE CURSOR=${#LINE}
			zle complete-word
			exit
		}
		zle -N complete-and-exit
		bindkey '^I' complete-and-exit
	END
	LINE="${*:1:$#-1} ${*: -1}" timeout 20 zsh -f -c '
		zmodload zsh/zpty
		zpty child "zsh -f -i"
		zpty -w child "source $BATS_TEST_TMPDIR/child.zsh"
		zpty -n -w child $'\''\t'\''
		while zpty -r child output; do print -rn -- $output; done >$BATS_TEST_TMPDIR/terminal'
	sed '/^$/d' "$BATS_TEST_TMPDIR/matches" | sort -u
}

complete_fish() {
	fish --no-config -c '
		source $COMPLETIONS/gracectl.fish
		complete -C "$argv"' "$@" | cut -f1 | sort
}

# Usage: WHAT EXPECTED GOT
same() {
	if [[ $2 != "$3" ]]; then
		printf '%s\nexpected:\n%s\ngot:\n%s\n' "$1" "$2" "$3"
		return 1
	fi
}

# The first column of a table of the program, sorted.
names_of() {
	gracectl __complete "$@" | cut -f1 | sort -u
}

# Usage: EXPECTED WORD...; EXPECTED is separated by blanks.
all_shells_complete() {
	local shell expected
	expected=$(tr -s ' ' '\n' <<<"$1" | sed '/^$/d' | sort)

	shift
	for shell in bash zsh fish; do
		same "$shell: $*" "$expected" "$("complete_$shell" "$@")"
	done
}

@test "the program names its commands, each with one line of help" {
	run -0 gracectl __complete commands
	for command in start stop restart ps logs events check daemon help version; do
		grep -q "^$command"$'\t.' <<<"$output" || {
			echo "no line for $command in: $output"
			return 1
		}
	done
}

@test "bash offers exactly the commands of the command table" {
	same commands "$(names_of commands)" "$(complete_bash gracectl '')"
}

@test "zsh offers exactly the commands of the command table" {
	same commands "$(names_of commands)" "$(complete_zsh gracectl '')"
}

@test "fish offers exactly the commands of the command table" {
	same commands "$(names_of commands)" "$(complete_fish gracectl '')"
}

@test "fish shows the help of a command beside it" {
	help=$(gracectl __complete commands | sed -n $'s/^check\t\\([^\t]*\\).*/\\1/p')
	run -0 fish --no-config -c 'source $COMPLETIONS/gracectl.fish; complete -C "gracectl che"'
	same "the line of check" "check"$'\t'"$help" "$output"
}

@test "a command that has begun is completed" {
	all_shells_complete "start stop stops" gracectl st
	all_shells_complete "" gracectl xyz
}

@test "bash offers the options of every command and the global ones" {
	for command in $(names_of commands); do
		expected=$({ gracectl __complete options && gracectl __complete options "$command"; } |
			cut -f1 | sort -u)
		same "$command" "$expected" "$(complete_bash gracectl "$command" - | sed '/^$/d')"
	done
}

@test "zsh offers the options of every command and the global ones" {
	for command in $(names_of commands); do
		expected=$({ gracectl __complete options && gracectl __complete options "$command"; } |
			cut -f1 | sort -u)
		same "$command" "$expected" "$(complete_zsh gracectl "$command" - | sed 's/=$//')"
	done
}

@test "fish offers the options of every command and the global ones" {
	for command in $(names_of commands); do
		expected=$({ gracectl __complete options && gracectl __complete options "$command"; } |
			cut -f1 | sort -u)
		same "$command" "$expected" "$(complete_fish gracectl "$command" -)"
	done
}

@test "before the command only global options are offered" {
	expected=$(names_of options | grep '^--' | tr '\n' ' ')
	[[ -n $expected ]]
	for shell in bash zsh fish; do
		same "$shell" "$(names_of options | grep '^--')" \
			"$("complete_$shell" gracectl -- | sed 's/=$//')"
	done
}

@test "start, stop and restart complete dynos and types" {
	for command in start stop restart; do
		all_shells_complete "web web.1 web.2 worker worker.1" gracectl "$command" ''
		all_shells_complete "web.1 web.2" gracectl "$command" web.
	done
}

@test "a second target is completed like the first" {
	all_shells_complete "worker worker.1" gracectl restart web.1 wo
}

@test "ps, logs, events and stops complete dynos and types" {
	for command in ps logs events stops; do
		all_shells_complete "web web.1 web.2 worker worker.1" gracectl "$command" w
	done
	all_shells_complete "worker worker.1" gracectl logs web.1 wo
}

@test "ps completes the second words of ps restart and the like" {
	all_shells_complete "restart" gracectl ps re
	all_shells_complete "start stop" gracectl ps st
	all_shells_complete "" gracectl logs rest
}

@test "the second word of ps restart comes right behind ps" {
	all_shells_complete "" gracectl ps web.1 rest
	all_shells_complete "" gracectl ps -l rest
	all_shells_complete "--watch" gracectl ps web.1 restart --wa
	all_shells_complete "--watch" gracectl ps -l restart --wa
}

@test "stops --plot completes pictures beside dynos and types, and nothing else does" {
	touch work.svg work.txt
	all_shells_complete "work.svg worker worker.1" gracectl stops --plot wo
	all_shells_complete "work.svg worker worker.1" gracectl stops --plot web.1 wo
	all_shells_complete "worker worker.1" gracectl stops --summary wo
	all_shells_complete "worker worker.1" gracectl stops wo
}

@test "stops --plot completes one picture" {
	touch work.svg
	all_shells_complete "worker worker.1" gracectl stops --plot other.svg wo
	all_shells_complete "worker worker.1" gracectl stops other.svg --plot wo
}

@test "help completes one command" {
	all_shells_complete "start stop stops" gracectl help st
	all_shells_complete "" gracectl help start st
	all_shells_complete "" gracectl help start ''
}

@test "a command without arguments completes none" {
	all_shells_complete "" gracectl version ''
	all_shells_complete "" gracectl daemon w
}

@test "the value of an option is completed by its kind" {
	all_shells_complete "web.1 web.2 worker.1" gracectl logs -d ''
	all_shells_complete "web worker" gracectl logs -p ''
	all_shells_complete "app heroku" gracectl logs -s ''
	all_shells_complete "boot config crash cycle manual restart stop" gracectl stops --reason ''
	all_shells_complete "clean cut forced late leaked order refused reset status unanswered" gracectl stops --verdict ''
	all_shells_complete "" gracectl logs -n ''
	all_shells_complete "" gracectl logs --since ''
}

@test "after the value of an option the command's own arguments come again" {
	all_shells_complete "worker worker.1" gracectl ps --json wo
	all_shells_complete "worker worker.1" gracectl -c gracectl.ini stop wo
}

@test "the file of -c is completed from the directory" {
	all_shells_complete "gracectl.ini" gracectl -c grace
	all_shells_complete "gracectl.ini" gracectl check -c grace
}

@test "a configuration given before the command decides which names are offered" {
	all_shells_complete "clock clock.1 clock.2" gracectl -c elsewhere/other.ini stop cl
}

@test "a configuration given after the command decides which names are offered" {
	all_shells_complete "mailer mailer.1" gracectl restart -c elsewhere/other.ini ma
}

@test "with -a no names are offered from the file of another application" {
	all_shells_complete "" gracectl -a other stop ''
	all_shells_complete "" gracectl logs -a other -d ''
	all_shells_complete "web web.1 web.2" gracectl -a shop stop we
	all_shells_complete "clock clock.1 clock.2" gracectl -a shop -c elsewhere/other.ini stop cl
}

@test "-a offers the application of the configuration that was found" {
	for shell in bash zsh fish; do
		"complete_$shell" gracectl -a sho | grep -qx shop
	done
}

@test "without a configuration and a supervisor the names of the log are offered" {
	mkdir -p elsewhere/state/log/{old.1,old.2,gone.1,.x}
	cd elsewhere
	printf '%s\n' "[app]" "state_dir = $PWD/state" >empty.ini
	all_shells_complete "gone gone.1 old old.1 old.2" gracectl -c empty.ini logs ''
}

@test "what is no dyno's among the logs is not offered" {
	mkdir -p elsewhere/state/log/{lost+found,old.1}
	printf '%s\n' "[app]" "state_dir = $PWD/elsewhere/state" >empty.ini
	run --separate-stderr -0 gracectl -c empty.ini __complete dynos
	same "the dynos" "old.1" "$output"
}

@test "a configuration below the home directory is found" {
	all_shells_complete "clock clock.1 clock.2" gracectl -c '~/elsewhere/other.ini' start cl
}

@test "without a configuration no name is offered and nothing is printed" {
	cd elsewhere
	all_shells_complete "" gracectl stop w
	run --separate-stderr -0 complete_bash gracectl stop w
	same "stderr" "" "$stderr"
}

@test "a long option with = completes its value" {
	long=$(gracectl __complete options logs | sed -n $'s/^\\(--[^\t]*\\)\t.*\tdyno$/\\1/p' | head -n 1)
	[[ -n $long ]]
	# Readline hands out the = as a word and replaces only what follows it.
	same bash "worker.1" "$(complete_bash gracectl logs "$long" = wo)"
	same fish "$long=worker.1" "$(complete_fish gracectl logs "$long=wo")"
	same zsh "worker.1" "$(complete_zsh gracectl logs "$long=wo")"
}

@test "a letter with its value in one word is understood" {
	all_shells_complete "clock clock.1 clock.2" gracectl -celsewhere/other.ini stop cl
	all_shells_complete "mailer mailer.1" gracectl logs -tcelsewhere/other.ini ma
	all_shells_complete "worker worker.1" gracectl logs -tn 5 wo
	all_shells_complete "worker.1" gracectl logs -td wo
	same bash "-dworker.1" "$(complete_bash gracectl logs -dwo)"
	same fish "-dworker.1" "$(complete_fish gracectl logs -dwo)"
	same zsh "worker.1" "$(complete_zsh gracectl logs -dwo)"
}

@test "bash completes a command with a colon from the words that readline makes of it" {
	gracectl __complete commands | grep -q '^ps:restart' || {
		echo "ps:restart is not in the command table"
		return 1
	}
	same "the rest of the word" "restart" "$(complete_bash gracectl ps : res)"
	same "its argument" "worker"$'\n'"worker.1" "$(complete_bash gracectl ps : restart wo)"
}

@test "ps restart in two words completes dynos and types" {
	all_shells_complete "worker worker.1" gracectl ps restart wo
}

@test "after -- no option is offered" {
	all_shells_complete "" gracectl stop -- -
	all_shells_complete "worker worker.1" gracectl stop -- wo
}

@test "bash uses the program as it was typed" {
	PATH=${PATH#*:}
	same "commands" "$(bin/gracectl __complete commands | cut -f1 | sort -u)" \
		"$(complete_bash bin/gracectl '')"
}

@test "no shell fails when the program is missing" {
	rm bin/gracectl
	all_shells_complete "" gracectl st
}
