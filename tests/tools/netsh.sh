#!/bin/bash
# netsh, byte for byte and with its exit codes.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"

# Run netsh: standard output in $work/out, errors in $work/err, exit code in $code
run_netsh()
{
    timeout 60 wine netsh "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

# says TEXT: netsh has printed that, with the line ends of Windows, and nothing else
says()
{
    printf '%b' "$1" | sed 's/$/\r/' >"$work/expected"
    same "$work/out" "$work/expected"
}

base=$(find_free_ports)
# rows of the table, as netsh prints them
row1=$(printf '%10u  %10u     *\\n' "$base" "$base")
row2=$(printf '%10u  %10u     *\\n' $((base + 10)) $((base + 69)))
row3=$(printf '%10u  %10u     *\\n' $((base + 90)) $((base + 90)))

header() { printf '\\nProtocol %s Port Exclusion Ranges\\n\\nStart Port    End Port      \\n----------    --------      \\n' "$1"; }
footer='\n* - Administered port exclusions.\n\n'

run_netsh interface ipv4 show excludedportrange protocol=tcp
ok "an empty table" says "$(header tcp)$footer"
ok "its exit code" is "$code" 0

run_netsh int ipv4 add excludedportrange protocol=tcp startport=$((base + 10)) numberofports=60
ok "add" says "Ok.\n\n"
ok "its exit code" is "$code" 0
run_netsh int ip add excl tcp "$base" 1
ok "add in short" says "Ok.\n\n"
run_netsh int ipv6 add excludedportrange protocol = udp startport = $((base + 90)) numberofports = 1
ok "add with blanks" says "Ok.\n\n"

run_netsh int ip show excl protocol=tcp
ok "the table of TCP" says "$(header tcp)$row1$row2$footer"
run_netsh interface ipv6 show excludedportrange udp
ok "the table of UDP" says "$(header udp)$row3$footer"

run_netsh int ip add excl tcp $((base + 69)) 2
ok "overlap" says "The process cannot access the file because it is being used by another process.\n\n"
ok "its exit code" is "$code" 1
run_netsh int ip add excl tcp 65535 2
ok "no block" says "The parameter is incorrect.\n\n"
ok "its exit code" is "$code" 1
run_netsh int ip delete excl tcp $((base + 10)) 59
ok "delete of another block" says "The system cannot find the file specified.\n\n"
ok "its exit code" is "$code" 1

run_netsh int ip show excl
ok "exit code without a protocol" is "$code" 1
tr -d '\r' <"$work/out" >"$work/text"
ok "what it says" contains "$work/text" "One or more essential parameters were not entered."
ok "and then" contains "$work/text" "Usage: show excludedportrange [protocol=]tcp|udp"
run_netsh int ip show excl protocol=icmp
ok "exit code with another protocol" is "$code" 1
run_netsh int ip show excl tcp color=red
ok "exit code with another parameter" is "$code" 1
ok "what it says" contains "$work/out" "'color' is not a valid argument for this command."
run_netsh int ip add excl '?'
ok "exit code of help" is "$code" 0
ok "what it says" contains "$work/out" "Usage: add excludedportrange"
run_netsh int ip add excl tcp $((base + 80)) 1 store=active
ok "exit code of store=active" is "$code" 1
ok "what it says" contains "$work/err" "store=active is not available in Wine"

# "Starred rows are the persistent reservations", others are not
: >"$work/hold"
exec 5> >(exec wine "$programs/pipe_test.exe" -hold 2>&1 | sed -u "s/\r$//" >"$work/hold")
for ((i = 0; i < 100; i++))
do
    grep -q '^udp' "$work/hold" && break
    sleep 0.1
done
read -r _ first last < <(grep '^tcp' "$work/hold")
run_netsh int ip show excl tcp
ok "a row without a star" grep -qE "^ {5,}$first {7,}$last {6}.\$" "$work/out" || cat "$work/out"
run_netsh int ip show excl tcp store=persistent
ok "store=persistent" says "$(header tcp)$row1$row2$footer"
exec 5>&-

run_netsh int ip del ex tcp $((base + 10)) 60
ok "delete" says "Ok.\n\n"
ok "its exit code" is "$code" 0
run_netsh int ip delete excludedportrange protocol=tcp startport="$base" numberofports=1 store=persistent
ok "delete" says "Ok.\n\n"
# the runtime reservation ends with the process that held it
for ((i = 0; i < 30; i++))
do
    run_netsh int ip show excl tcp
    test "$(wc -l <"$work/out")" = 8 && break
    sleep 0.1
done
ok "the table is empty again" says "$(header tcp)$footer"

# "anything else goes to Wine's own netsh": the same command line gives the same there
timeout 60 wine 'C:\windows\system32\portres\netsh.exe' interface show interface >"$work/own.out" 2>/dev/null </dev/null
own=$?
run_netsh interface show interface
ok "exit code of another command" is "$code" "$own"
ok "output of another command" same "$work/out" "$work/own.out"

complete=yes
