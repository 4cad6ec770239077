#!/bin/bash
# A program that uses no reservation behaves and prints the same with and without the component.
. "$(dirname "$0")/testlib"

use_prefix

# netsh without a command is not among them: it has a prompt, as on Windows, and Wine's own has none.

# What differs from run to run: times, and the names of temporary files
normalize() { tr -d '\r' | sed -E 's/(time|Minimum|Maximum|Average)( *)[=<] ?[0-9]+ ?ms/\1\2=TIME/g'; }

run_programs()
{
    local out=$work/$1
    mkdir "$out"
    while read -r name command
    do
        # shellcheck disable=SC2086 # a list of words
        timeout 120 wine $command </dev/null >"$out/$name.raw" 2>"$out/$name.err"
        echo "exit code $?" >>"$out/$name.raw"
        normalize <"$out/$name.raw" >"$out/$name"
    done <<EOF
hostname hostname
ipconfig ipconfig
ipconfig-all ipconfig /all
ping ping -n 2 127.0.0.1
ping-name ping -n 1 localhost
ping-nobody ping -n 1 no-such-host.invalid
arp arp -a
netsh-help netsh help
netsh-interface netsh interface show interface
cmd-set cmd /c ver
reg reg query HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters
plain $programs/ws2_32_test.exe plain
EOF
}

run_programs without
run_tool install
ok "install" is $code 0 || cat "$work/err"
run_programs with
for file in "$work/without"/*.raw
do
    name=$(basename "$file" .raw)
    ok "$name prints something" test -s "$file"
    ok "$name prints the same" same "$work/without/$name" "$work/with/$name"
done
run_tool list
ok "none of them made a reservation" is "$(cat "$work/out")" "no reservations"
complete=yes
