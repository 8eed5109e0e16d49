# gracectl.bash: completion for bash.
#
# Everything is asked from the program itself (gracectl __complete ...), so this file knows no
# command, no option and no dyno, and cannot fall behind. It needs nothing of the package
# bash-completion. What the program answers, one line each, fields separated by tabs:
#
#   commands          NAME HELP ARGKIND      ARGKIND: what the arguments of the command are
#   options           OPTION HELP ARGKIND    the global options; ARGKIND is empty for a flag, or "+KIND"
#                                            when it brings further arguments of this kind
#   options COMMAND   the same for a command
#   targets, dynos, types, apps   NAME
#   reasons, verdicts             WORD

# Uses program and context of _gracectl(): context holds the -a and -c that were typed, so that the
# names come from the application that is meant.
_gracectl_ask() {
	"$program" "${context[@]}" __complete "$@" 2>/dev/null
}

# Offers the second words of commands such as "ps restart".
_gracectl_offer_pairs() {
	local name

	while IFS=$'\t' read -r name _; do
		[[ $name == "$command:$cur"* ]] && COMPREPLY+=("${name#*:}")
	done <<<"$commands"
}

# Looks up a name in a table of three columns and sets kind. Fails when the name is not there.
_gracectl_lookup() {
	local table=$1 wanted=$2 name

	while IFS=$'\t' read -r name _ kind; do
		[[ $name == "$wanted" ]] && return 0
	done <<<"$table"
	kind=
	return 1
}

# Adds every first column of a table that begins with cur to the answer. An option has a name for
# each of its forms and may come from two tables, so a word is added once.
_gracectl_offer() {
	local name

	while IFS=$'\t' read -r name _; do
		[[ -n $name && $name == "$cur"* && " ${COMPREPLY[*]} " != *" $stem$name "* ]] || continue
		COMPREPLY+=("$stem$name")
	done <<<"$1"
}

# Usage: OPTION...; of compgen, for the files that are meant.
_gracectl_offer_files() {
	local file

	while IFS= read -r file; do
		compopt -o filenames 2>/dev/null
		COMPREPLY+=("$stem$file")
	done < <(compgen "$@" -- "$cur")
}

_gracectl_offer_kind() {
	case $1 in
	file) _gracectl_offer_files -f ;;
	svg) _gracectl_offer_files -f -X '!*.svg' && _gracectl_offer_files -d ;;
	app) _gracectl_offer "$(_gracectl_ask apps)" ;;
	command) _gracectl_offer "$commands" ;;
	dyno) _gracectl_offer "$(_gracectl_ask dynos)" ;;
	type) _gracectl_offer "$(_gracectl_ask types)" ;;
	target) _gracectl_offer "$(_gracectl_ask targets)" ;;
	source) _gracectl_offer $'app\nheroku' ;;
	reason | verdict) _gracectl_offer "$(_gracectl_ask "$1s")" ;;
	esac
}

# Readline cuts words at ":" and "=" (COMP_WORDBREAKS); puts "ps:restart" and "--config=FILE" together again.
_gracectl_join_words() {
	local i

	words=("${COMP_WORDS[0]}")
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if [[ $i -gt 1 && (${COMP_WORDS[i]} == [:=]* || ${words[-1]} == *[:=]) ]]; then
			words[-1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
}

# A typed word as the program would get it: without quotes and with the home directory in place.
_gracectl_plain() {
	local word=${1//[\"\'\\]/}

	printf '%s' "${word/#\~\//$HOME/}"
}

# Remembers a global option that says which application is meant.
_gracectl_remember() {
	if [[ $kind == app || $kind == file ]] && _gracectl_lookup "$globals" "$1"; then
		context+=("$1" "$(_gracectl_plain "$2")")
	fi
}

# Sets kind to that of the value of an option; fails when it has none.
_gracectl_has_value() {
	_gracectl_lookup "$options" "$1" && [[ -n $kind && $kind != +* ]]
}

# Walks over what stands before the cursor: sets command, pair (where the second word of "ps restart"
# may stand), arguments (how many), options, context, brought, and awaited when the word at the cursor
# is the value of an option.
_gracectl_walk() {
	local i word kind

	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		# "-tn5" means "-t -n 5".
		while [[ -z $only_arguments && $word == -[!-]?* ]]; do
			if _gracectl_has_value "${word:0:2}"; then
				_gracectl_remember "${word:0:2}" "${word:2}"
				continue 2
			fi
			word=-${word:2}
		done
		if [[ -n $only_arguments || $word != -* || $word == - ]]; then
			# "ps restart" means "ps:restart".
			if [[ -z $command ]] || { ((i == pair)) && _gracectl_lookup "$commands" "$command:$word"; }; then
				command=${command:+$command:}$word pair=$((i + 1))
				options=$globals$'\n'$(_gracectl_ask options "$command")
			else
				((++arguments))
				[[ $word != *.svg ]] || picture=1
			fi
		elif [[ $word == -- ]]; then
			only_arguments=1
		elif [[ $word == --*=* ]]; then
			_gracectl_lookup "$options" "${word%%=*}" &&
				_gracectl_remember "${word%%=*}" "${word#*=}"
		elif _gracectl_lookup "$options" "$word" && [[ $kind == +* ]]; then
			brought=${kind#+}
		elif [[ -n $kind ]]; then
			awaited=$kind
			((++i < ${#words[@]} - 1)) || return
			awaited=
			_gracectl_remember "$word" "${words[i]}"
		fi
	done
}

# Readline replaces only what stands behind the last break, so the part before it is cut off.
_gracectl_cut_breaks() {
	local whole=$1 break prefix

	for break in = :; do
		if [[ $COMP_WORDBREAKS == *$break* && $whole == *$break* ]]; then
			prefix=${whole%"${whole##*"$break"}"}
			COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
			whole=${whole#"$prefix"}
		fi
	done
}

_gracectl() {
	local program=gracectl commands globals options command='' awaited='' only_arguments='' brought=''
	local arguments=0 pair=0 picture='' cur whole stem='' kind words=() context=()

	COMPREPLY=()
	_gracectl_join_words
	whole=${words[-1]} cur=${words[-1]}
	# The program as it was typed, such as ./build/gracectl; an alias has no file of its own.
	[[ -n $(type -P -- "${words[0]}") ]] && program=${words[0]}
	commands=$(_gracectl_ask commands)
	globals=$(_gracectl_ask options)
	options=$globals
	_gracectl_walk

	if [[ -n $awaited ]]; then
		_gracectl_offer_kind "$awaited"
	elif [[ -z $only_arguments && $cur == --*=* ]]; then
		stem=${cur%%=*}= cur=${cur#*=}
		_gracectl_lookup "$options" "${stem%=}" && _gracectl_offer_kind "$kind"
	elif [[ -z $only_arguments && $cur == -[!-]?* ]] && _gracectl_has_value "${cur:0:2}"; then
		stem=${cur:0:2} cur=${cur:2}
		_gracectl_offer_kind "$kind"
	elif [[ -z $only_arguments && $cur == -* ]]; then
		_gracectl_offer "$options"
	elif [[ -z $command ]]; then
		_gracectl_offer "$commands"
	elif _gracectl_lookup "$commands" "$command"; then
		((${#words[@]} - 1 != pair)) || _gracectl_offer_pairs
		# Of commands and of pictures one is taken.
		[[ $kind == command && $arguments -gt 0 ]] || _gracectl_offer_kind "$kind"
		[[ -n $picture ]] || _gracectl_offer_kind "$brought"
	fi
	_gracectl_cut_breaks "$whole"
}

complete -F _gracectl gracectl
