#!/bin/bash
# "what that file says about each (chosen) row of the contract is printed as a list by a tool of ours": of a made-up file.
. "$(dirname "$0")/testlib"

results=$srcdir/tools/windows-results
run() { "$results" "$@" >"$work/out" 2>"$work/err"; code=$?; }
# after LINE: the lines under it that are further in
after() { awk -v start="* $1" 'index( $0, start ) == 1 { on = 1; next } /^[*]|^Section|^$/ { on = 0 } on' "$work/out" | sed 's/^  //'; }

# as a Windows writes it
sed 's/$/\r/' >"$work/result.txt" <<'EOF'

Microsoft Windows [Version 10.0.19045.4291]
== x86_64 ws2_32
acquire.c:441: TCP, IPv4: wildcard blocks begin at 50000, 50064
acquire.c:443: Another answer: 65535 ports: error 10048
acquire: 1000 tests executed (0 marked as todo, 0 failures), 0 skipped.
release.c:60: Another answer: TCP, IPv4: zero: error 10014
release.c:60: Another answer: TCP, IPv4: zero: error 10014
release: 60 tests executed (0 marked as todo, 0 failures), 0 skipped.
associate: 80 tests executed (0 marked as todo, 0 failures), 0 skipped.
bind.c:119: Test failed: TCP, IPv4: bind to a port outside: error 0
bind.c:999: Test failed: something else: error 5
bind: 900 tests executed (0 marked as todo, 2 failures), 0 skipped.
common.c:42: Tests skipped: this system has no port reservations
others: 0 tests executed (0 marked as todo, 0 failures), 1 skipped.
spi.c:148: Another answer: got length 260 of C:\Windows\system32\mswsock.dll
spi: 70 tests executed (0 marked as todo, 0 failures), 0 skipped.
== x86_64 iphlpapi
exclusion.c:36: Another answer: TCP, IPv4, 0: bind by number: error 10013
exclusion: 50 tests executed (0 marked as todo, 0 failures), 0 skipped.
persistent: 50 tests executed (0 marked as todo, 0 failures), 0 skipped.
== i386 ws2_32
release: 60 tests executed (0 marked as todo, 0 failures), 0 skipped.
EOF
run "$work/result.txt"
ok "exit code" is "$code" 0
ok "says which Windows" contains "$work/out" "Windows: Microsoft Windows [Version 10.0.19045.4291]"
ok "says what was run" contains "$work/out" "x86_64 ws2_32: 6 tests, 2110 conditions, 2 failures, 1 skipped"
ok "says that the end is missing" contains "$work/out" "The file ends early"
ok "the same answer" is "$(after 'bind, and nothing free is left')" "x86_64 ws2_32: the same
i386 ws2_32: not in the file: the test bind did not end, or was not run"
ok "another answer, once, with its name; of one of two" is "$(after 'release: unknown, stale or zero token')" "x86_64 ws2_32: another answer:
    TCP, IPv4: zero: error 10014 WSAEFAULT
i386 ws2_32: the same"
ok "a failure" contains <(after 'bind to a port outside') "error 0 (success) (the test takes that for a failure)"
ok "skipped" contains <(after 'bind by number, runtime') "x86_64 ws2_32: not tested: the test was skipped"
ok "of the other program" is "$(after 'bind by number, persistent')" "another answer:
    TCP, IPv4, 0: bind by number: error 10013 WSAEACCES"
ok "what was only seen" contains <(after 'acquire of any block: where') "wildcard blocks begin at 50000, 50064"
ok "a test that was not run" contains <(after 'SO_REUSEADDR after') "not in the file"
ok "a failure that is about no row" contains "$work/out" "* bind.c:999: something else: error 5 ERROR_ACCESS_DENIED"
ok "an answer that is about no row" contains "$work/out" "* spi.c:148: got length 260"
run - <"$work/result.txt"
ok "from standard input" contains "$work/out" "Windows: Microsoft"

echo "Dear all, it did not work." >"$work/letter"
run "$work/letter"
ok "no such file: exit code" is "$code" 1
ok "no such file: says so" contains "$work/err" "this is no result.txt"
run "$work/none"
ok "a file that is not there" is "$code $(grep -c 'No such file' "$work/err")" "1 1"
run
ok "no argument" is "$code" 2

# each row is about messages that the tests have; %s and %u of them stand for something here
run --rows
ok "the rows" test "$(wc -l <"$work/out")" -gt 15
while IFS=$'\t' read -r file pattern
do
    # shellcheck disable=SC2016 # Perl's
    ok "messages of $file: $pattern" perl -e '
        my ($file, $pattern) = (shift, shift);
        local $/;
        for (@ARGV) { open( F, "<", $_ ) or next; for (<F> =~ /"((?:[^"\\]|\\.)*)"/g) { s/%l?[ux]/7/g; s/%d/7/g; s/%s/x/g; exit 0 if /$pattern/; } }
        exit 1' "$file" "$pattern" "$srcdir/tests/ws2_32/$file" "$srcdir/tests/iphlpapi/$file"
done <"$work/out"

# the real thing: these answers are ours, so that all of them are the same
use_prefix
install
{
    echo "Wine"
    for program in ws2_32:release ws2_32:associate ws2_32:others iphlpapi:exclusion
    do
        echo "== $arch ${program%:*}"
        WINETEST_PLATFORM=windows timeout 120 wine "$programs/${program%:*}_test.exe" "${program#*:}" </dev/null 2>/dev/null
    done
    echo "== done"
} >"$work/result.txt"
run "$work/result.txt"
for row in "bytes returned by" "release: unknown" "release: another process" "associating again" "bind by number, runtime" "bind by number, persistent"
do
    ok "of this Wine: $row" is "$(after "$row")" "the same" || cat "$work/result.txt"
done
complete=yes
