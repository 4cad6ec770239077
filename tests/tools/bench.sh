#!/bin/bash
# tools/bench measures what it says, and never for a time: that it runs, that its JSON is whole, and what it says when something is wrong.
# shellcheck disable=SC2016 # programs in perl
. "$(dirname "$0")/testlib"

command -v python3 >/dev/null || skip "python3 is not installed"

# fails WHAT WORDS COMMAND...: it ends with an error, and says so on stderr only
fails()
{
    local what=$1 words=$2
    shift 2
    timeout 120 "$@" >"$work/out" 2>"$work/err" </dev/null
    ok "$what: exit code" is $? 1
    ok "$what: what is wrong" contains "$work/err" "$words"
    ok "$what: nothing else" is "$(cat "$work/out")" ""
}

fails "an unknown argument" "unknown argument '--fast'" "$srcdir/tools/bench" --fast
fails "no host" "--host needs" "$srcdir/tools/bench" --host
fails "an unknown host" "--host needs" "$srcdir/tools/bench" --host windows
fails "no file" "--json needs a file" "$srcdir/tools/bench" --json
fails "no operation" "--trace needs an operation" "$srcdir/tools/bench" --trace
fails "a file that can't be written" "cannot write to $work/none/bench.json" "$srcdir/tools/bench" --quick --json "$work/none/bench.json"

# a gnuplot that is not there is no error
mkdir "$work/bin"
for program in /usr/bin/* /bin/*
do
    test "${program##*/}" = gnuplot || ln -sf "$program" "$work/bin/"
done
timeout 600 "$srcdir/tools/bench" --quick --host prefix --json "$work/bench.json" >"$work/out" 2>"$work/err" </dev/null
ok "it runs" is $? 0 || cat "$work/err" "$work/out"
for name in calls ports reservations blocks sockets answers clients memory
do
    ok "the JSON has $name" perl -MJSON::PP -0777 -e 'exit !grep { $_->{group} eq $ARGV[0] } @{decode_json(<STDIN>)->{rows}}' "$name" <"$work/bench.json"
done
for name in plain-tcp plain-udp beside-tcp beside-udp connect process reserved-tcp reserved-udp persistent-tcp persistent-udp acquire-tcp acquire-udp \
    own-tcp own-udp acquire-tcp:1000 acquire-udp:1000 answer-lookup answer-acquire memory-process memory-portserver-idle memory-portserver-full
do
    ok "the JSON has $name, with and without the component" perl -MJSON::PP -0777 -e '
        my ($row) = grep { $_->{name} eq $ARGV[0] } @{decode_json(<STDIN>)->{rows}};
        my @hosts = $row->{group} eq "answers" ? "prefix" : ("stock", "prefix");
        exit !!grep { !$row || !($row->{hosts}{$_}{median} > 0) || $row->{group} eq "calls" && !($row->{hosts}{$_}{requests} > 0) } @hosts' \
        "$name" <"$work/bench.json"
done
ok "the table has a line for each row" is "$(grep -c '^| [^ -].* stock\|^| [^ -].* prefix' "$work/out")" \
    "$(perl -MJSON::PP -0777 -e 'print scalar @{decode_json(<STDIN>)->{rows}}' <"$work/bench.json")"

python3 -B "$srcdir/bench/report.py" "$work/bench.json" >"$work/again"
ok "the table is made of the JSON" grep -qF "$(head -n 30 "$work/again")" "$work/out"
PATH=$work/bin "$(command -v python3)" -B "$srcdir/bench/report.py" --plots "$work/plots" "$work/bench.json" >"$work/again" 2>"$work/err"
ok "without gnuplot: exit code" is $? 0
ok "without gnuplot: said" contains "$work/err" "gnuplot is not installed"
if command -v gnuplot >/dev/null
then
    ok "there are plots" is "$(ls "$work/bench")" "$(printf '%s\n' clients.svg ports.svg reservations.svg sockets.svg)"
fi

# where nothing was installed
use_prefix
fails "a prefix without the component" "there are no port reservations in $WINEPREFIX" python3 -B "$srcdir/bench/measure.py" --quick \
    --host stock "$WINEPREFIX" "$PATH" --host prefix "$WINEPREFIX" "$PATH" --program "$programs/bench.exe" --folder "$work" --json "$work/none.json"
ok "nothing was written" test ! -e "$work/none.json"
complete=yes
