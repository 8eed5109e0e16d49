# gracectl.fish: completion for fish. As in the file for bash, everything is asked from the program
# itself (gracectl __complete ...); see there for what it answers.

# Asks the program, with the -a and -c that were typed, so that the names come from the application
# that is meant.
function __gracectl_ask
    set -l program (commandline -opc)[1]
    command -q $program; or set program gracectl
    command $program $__gracectl_context __complete $argv 2>/dev/null
end

# Prints the third column of the line that begins with a name; fails when there is none.
# Usage: NAME LINE...
function __gracectl_lookup
    for line in $argv[2..]
        set -l fields (string split \t -- $line)
        if test "$fields[1]" = "$argv[1]"
            echo "$fields[3]"
            return 0
        end
    end
    return 1
end

# Usage: OPTION LINE...
function __gracectl_has_value
    string match -q -r -- '^[^+]' "$(__gracectl_lookup $argv)"
end

# Prints names and descriptions, each name once and with a stem such as "--app=" before it.
# Usage: STEM LINE...
function __gracectl_offer
    set -l seen
    for line in $argv[2..]
        set -l fields (string split \t -- $line)
        contains -- $fields[1] $seen; and continue
        set -a seen $fields[1]
        printf '%s%s\t%s\n' $argv[1] $fields[1] "$fields[2]"
    end
end

# Usage: KIND STEM TEXT
function __gracectl_offer_kind
    set -l kind $argv[1]
    set -l stem $argv[2]
    switch "$kind"
        case file
            for file in (__fish_complete_path $argv[3])
                echo $stem$file
            end
        case svg
            for file in (__fish_complete_path $argv[3])
                string match -q -r '(\\.svg|/)$' -- (string split \t -- $file)[1]; and echo $stem$file
            end
        case command
            __gracectl_offer "$stem" $__gracectl_commands
        case app dyno type target reason verdict
            __gracectl_offer "$stem" (__gracectl_ask {$kind}s)
        case source
            __gracectl_offer "$stem" app heroku
    end
end

# Remembers a global option that says which application is meant. Usage: OPTION VALUE
function __gracectl_remember
    contains -- "$(__gracectl_lookup $argv[1] $__gracectl_globals)" app file; or return 0
    set -a __gracectl_context $argv[1] (string replace -r '^~/' $HOME/ -- $argv[2])
end

# Prints what may stand at the cursor. The variables with a long name are seen by the functions above.
function __gracectl_complete
    set -l words (commandline -opc)[2..]
    set -l current (commandline -ct)
    set -l command
    set -l kind
    set -l only_arguments
    set -l arguments 0
    set -l pair
    set -l picture
    set -l brought
    set -g __gracectl_context
    set -g __gracectl_commands (__gracectl_ask commands)
    set -g __gracectl_globals (__gracectl_ask options)
    set -l options $__gracectl_globals

    while set -q words[1]
        set -l word $words[1]
        set -e words[1]
        set -l may_be_pair $pair
        set pair
        # "-tn5" means "-t -n 5".
        while test -z "$only_arguments"; and string match -q -r -- '^-[^-].' $word
            set -l letter (string sub -l 2 -- $word)
            set -l rest (string sub -s 3 -- $word)
            if __gracectl_has_value $letter $options
                __gracectl_remember $letter $rest
                set word
                break
            end
            set word -$rest
        end
        test -n "$word"; or continue
        if test -n "$only_arguments"; or not string match -q -- '-?*' $word
            # "ps restart" means "ps:restart".
            if test -z "$command"
                    or begin
                        test -n "$may_be_pair"
                        and __gracectl_lookup "$command:$word" $__gracectl_commands >/dev/null
                    end
                set command (string join : -- $command $word)
                set pair 1
                set options $__gracectl_globals (__gracectl_ask options $command)
            else
                set arguments (math $arguments + 1)
                string match -q -- '*.svg' $word; and set picture 1
            end
        else if test $word = --
            set only_arguments 1
        else if set -l parts (string match -r -g -- '^(--[^=]+)=(.*)$' $word)
            __gracectl_remember $parts
        else if set kind (__gracectl_lookup $word $options); and string match -q '+*' -- "$kind"
            set brought (string sub -s 2 -- $kind)
        else if test -n "$kind"
            if not set -q words[1]
                __gracectl_offer_kind $kind '' "$current"
                return
            end
            __gracectl_remember $word $words[1]
            set -e words[1]
        end
    end

    if test -z "$only_arguments"; and set -l parts (string match -r -g -- '^(--[^=]+)=(.*)$' $current)
        __gracectl_offer_kind "$(__gracectl_lookup $parts[1] $options)" $parts[1]= "$parts[2]"
    else if test -z "$only_arguments"
            and string match -q -r -- '^-[^-].' $current
            and __gracectl_has_value (string sub -l 2 -- $current) $options
        set -l letter (string sub -l 2 -- $current)
        __gracectl_offer_kind "$(__gracectl_lookup $letter $options)" $letter "$(string sub -s 3 -- $current)"
    else if test -z "$only_arguments"; and string match -q -- '-*' $current
        __gracectl_offer '' $options
    else if test -z "$command"
        __gracectl_offer '' $__gracectl_commands
    else
        if test -n "$pair"
            # The second word of "ps restart".
            __gracectl_offer '' (string replace -r -f -- "^$command:" '' $__gracectl_commands)
        end
        set kind (__gracectl_lookup $command $__gracectl_commands)
        # Of commands and of pictures one is taken.
        if test "$kind" != command -o $arguments -eq 0
            __gracectl_offer_kind "$kind" '' "$current"
        end
        test -n "$picture"; or __gracectl_offer_kind "$brought" '' "$current"
    end
end

complete -c gracectl -f -a '(__gracectl_complete)'
