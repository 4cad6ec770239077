#!/bin/bash
# What the tool's --help says is in its man page and in both completions; each call has a man page; all of them render without a warning.
. "$(dirname "$0")/testlib"

"$tool" --help >"$work/help"
mapfile -t commands < <(sed -n 's/^  \([a-z][a-z]*\)\( .*\)\?$/\1/p' "$work/help" | sort -u)
ok "commands of --help" is "${commands[*]}" "doctor install list run status uninstall who"
# options_of COMMAND: those of one, by the lines that begin with it
options_of() { sed -n "s/^  $1 \[\?\(--[a-z]*\).*/\1/p" "$work/help"; }
mapfile -t variables < <(sed -n '/^Environment/,$s/^  \([A-Z_]*\)\(, \([A-Z_]*\)\)\? .*/\1 \3/p' "$work/help" | tr ' ' '\n' | grep .)
ok "variables of --help" is "${variables[*]}" "WINEPREFIX WINE WINESERVER WINE_PORTRES_LIBDIR NO_COLOR"

# as it is installed, since some pages are others by another name
man=$work/usr/share/man
mkdir -p "$man/man1" "$man/man3"
cp "$srcdir/docs/wine-portres.1" "$man/man1/"
cp "$srcdir"/docs/man/*.3 "$man/man3/"
cd "$man" || exit 1
pages=(man?/*)
functions=$(sed -n 's/^#define \(SIO_[A-Z]*_PORT_RESERVATION\|SIO_CPU_AFFINITY\)\>.*/\1/p' "$srcdir"/*/*/*.h "$srcdir"/*/*.h | sort -u)
functions="$functions $(grep -oh '\<\(Create\|Delete\|Lookup\)Persistent[A-Za-z]*PortReservation\>' "$srcdir"/dlls/iphlpapi/*.c | sort -u | tr '\n' ' ')"
for function in SIO_ACQUIRE_PORT_RESERVATION SIO_RELEASE_PORT_RESERVATION SIO_ASSOCIATE_PORT_RESERVATION SIO_CPU_AFFINITY $functions
do
    ok "a page for $function" test -f "man3/$function.3"
done
ok "the functions of iphlpapi" is "$(echo "$functions" | tr ' ' '\n' | grep -c '^[CDL].*Persistent')" 6

for word in "${commands[@]}"
do
    ok "man page: $word" grep -q "^\.It Cm $word$" man1/wine-portres.1
    for option in $(options_of "$word")
    do
        ok "man page: $word $option" grep -q "^\.\(It\|Op\|Cm\|Fl\).*Fl \\\\${option#-}\|^\.Fl \\\\${option#-}" man1/wine-portres.1
    done
done
for word in prefix version help
do
    ok "man page: --$word" grep -q "^\.It Fl \\\\-$word" man1/wine-portres.1
done
for word in "${variables[@]}"
do
    ok "man page: $word" grep -q "^\.It Ev .*\<$word\>" man1/wine-portres.1
done

if command -v mandoc >/dev/null
then
    for page in "${pages[@]}"
    do
        # what is beside the point: links within the same folder
        mandoc -T lint -W warning "$page" 2>&1 | grep -v '\.so is fragile' >"$work/lint"
        ok "$page: mandoc has no warnings" test ! -s "$work/lint" || cat "$work/lint"
    done
else
    echo "Tests skipped: mandoc is not installed"
fi
if command -v man >/dev/null && command -v groff >/dev/null
then
    for page in "${pages[@]}"
    do
        MANWIDTH=80 man --warnings -l "$page" >"$work/page" 2>"$work/lint" </dev/null
        ok "$page: man has no warnings" test ! -s "$work/lint" || cat "$work/lint"
        ok "$page: is rendered" grep -q "^DESCRIPTION\|^.*D.*E.*S.*C.*R.*I.*P" "$work/page"
    done
else
    echo "Tests skipped: man is not installed"
fi

# complete WORD...: what bash offers for the last one
complete_words()
{
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wine_portres; printf "%s\n" "${COMPREPLY[@]}"' \
        sh "$srcdir/completion/wine-portres.bash" "$@" | sort | tr '\n' ' '
}
# words WORD...: in the same way
words() { printf '%s\n' "$@" | sort -u | tr '\n' ' '; }
ok "bash: commands" is "$(complete_words wine-portres '')" "$(words "${commands[@]}" --prefix --version --help)"
for command in "${commands[@]}"
do
    test "$command" != run || continue
    mapfile -t expected < <(options_of "$command"; printf '%s\n' --help --prefix)
    ok "bash: $command" is "$(complete_words wine-portres "$command" -)" "$(words "${expected[@]}")"
    ok "bash: $command after --prefix" is "$(complete_words wine-portres --prefix /tmp "$command" -)" "$(words "${expected[@]}")"
done
ok "bash: who" is "$(complete_words wine-portres who t)" "tcp "
ok "bash: run, options" is "$(complete_words wine-portres run -)" "--help --prefix "
touch "$work/game.exe"
ok "bash: run, a program" is "$(complete_words wine-portres run "$work/ga")" "$work/game.exe "
ok "bash: --prefix" is "$(complete_words wine-portres --prefix "$work/u")" "$work/usr "
ok "bash: a command after --prefix=" is "$(complete_words wine-portres --prefix = "$work/usr" sta)" "status "
ok "bash: --prefix=" is "$(complete_words wine-portres --prefix = "$work/u")" "$work/usr "

# The whole of zsh's is one command
zsh=$srcdir/completion/_wine-portres
for command in "${commands[@]}"
do
    ok "zsh: $command" grep -q "'$command:" "$zsh"
    for option in $(options_of "$command")
    do
        ok "zsh: $command $option" grep -q "^ *\(.* | \)\?$command\( | .*\)\?) _arguments.*$option\[" "$zsh"
    done
done
ok "zsh: who" grep -q '(tcp udp)' "$zsh"
for option in --prefix --version --help
do
    ok "zsh: $option" grep -q -- "$option" "$zsh"
done
if command -v zsh >/dev/null
then
    ok "zsh: reads it" zsh -n "$zsh"
fi

# All that is offered is taken: --help after it proves that
for command in "${commands[@]}"
do
    for option in "--prefix $work" $(options_of "$command")
    do
        # shellcheck disable=SC2086 # an option and its value
        run_tool "$command" $option --help
        ok "$command $option --help" is "$code $(head -n 1 "$work/out")" "0 $(head -n 1 "$work/help")"
    done
done
for words in "list --json --prefix $work/none" "list --prefix=$work/none --watch" "status --all --prefix $work/none --help" "who tcp 80 --prefix $work/none" \
    "who --prefix $work/none tcp 80 2" "run --prefix $work/none cmd" "--prefix $work/none run cmd --prefix x"
do
    # shellcheck disable=SC2086 # words
    run_tool $words
    case $words in
    *--help) ok "$words" is "$code" 0 ;;
    *) ok "$words" contains "$work/err" "no Wine prefix in $work/none" ;;
    esac
done
for words in "list --js" "status --json" "install --all" "run --nothing" "who tcp 80 --json" "--nothing" "status --prefix" "run --prefix" "list --json --prefix" "--prefix" "" "run" "run --"
do
    # shellcheck disable=SC2086 # words
    run_tool $words
    ok "$words: wrong usage" is "$code" 2 || cat "$work/err"
done
complete=yes
