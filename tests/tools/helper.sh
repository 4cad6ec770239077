#!/bin/bash
# portguard that is stopped, killed, copied, short of descriptors, or in another network: calls end in time and leave nothing, others are served.
. "$(dirname "$0")/testlib"

# guards: the processes that guard for the prefix
guards()
{
    local dir
    for dir in /proc/[0-9]*
    do
        test "$(readlink "$dir/exe" 2>/dev/null)" = "$system32/portres/portguard" && echo "${dir#/proc/}"
    done
}

# take PROTOCOL PORT: what bind and acquire say
take() { timeout 30 wine "$programs/pipe_test.exe" -take "$@" 2>/dev/null </dev/null | tr -d '\r' | grep '^bind'; }
# bind_native PORT: may a native program that sets SO_REUSEADDR have the port?
bind_native()
{
    perl -MSocket=:all -e 'socket $s, AF_INET, SOCK_STREAM, 0 or die; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
        print bind( $s, pack_sockaddr_in( $ARGV[0], INADDR_ANY ) ) ? "ok" : "refused"' "$1"
}
# guard_count: what status says of the number of guards
guard_count()
{
    run_tool status
    tr -d '\r' <"$work/out" | sed -n 's/^guard: \([0-9]*\) ports are guarded.*/\1/p'
}
# guard_count_is N: within some seconds
guard_count_is()
{
    for _ in $(seq 10)
    do
        test "$(guard_count)" = "$1" && return
        sleep 0.3
    done
    is "$(guard_count)" "$1"
}
hold()  # FILE: hold blocks until the descriptor 3 is closed
{
    mkfifo "$work/stdin"
    wine "$programs/pipe_test.exe" -hold <"$work/stdin" >"$1" 2>&1 &
    exec 3>"$work/stdin"
    rm "$work/stdin"
    ok "the blocks are granted" wait_for "$1" "^udp"
    read -r _ first _ < <(tr -d '\r' <"$1" | grep '^tcp')
}

use_prefix
run_tool install
ok "install" is "$code" 0
stop_prefix  # so that the registry is in its files
hold "$work/held"
run_tool status
ok "one helper" is "$(guards | wc -w)" 1
ok "no file says where it is" is "$(find "$system32/portres" -name guard)" ""
readlink /proc/"$(guards)"/fd/* | sed -n 's/^socket:\[\(.*\)\]$/\1/p' | sort -u >"$work/sockets"
awk '$4 == "0A" { print $10 }' /proc/net/tcp /proc/net/tcp6 | sort -u >"$work/listening"
ok "it listens on no port" is "$(comm -12 "$work/sockets" "$work/listening")" ""

# stopped: acquire fails in time, and leaves nothing; others are served
free=$(find_free_ports)
sleep 1.5
count=$(guard_count)
stopped=$(guards)
kill -STOP "$stopped"
start=$(date +%s%N)
take tcp "$free" >"$work/take" &
acquire=$!
sleep 0.5
run_tool list
ok "list, beside it" is "$code" 0
ok "list, beside it" contains "$work/out" "$first"
ok "list does not wait" test $((($(date +%s%N) - start) / 1000000)) -lt 2500
wait "$acquire"
time=$((($(date +%s%N) - start) / 1000000))
ok "acquire fails" is "$(cat "$work/take")" "bind 0 acquire 10055"
ok "acquire fails in time, after $time ms" test "$time" -lt 5500
run_tool status
ok "status says it" contains "$work/out" "does NOT answer"
ok "the log says it once" is "$(grep -c 'does not answer' "$system32/portres/portserver.log")" 1
kill -CONT "$stopped"
sleep 0.5
ok "nothing is left of it" guard_count_is "$count"
ok "status has nothing to say" lacks "$work/out" "does NOT answer"
ok "nothing is left of it" is "$(bind_native "$free")" ok
ok "it is the same helper" is "$(guards)" "$stopped"
# the bound socket of the same program is in the way
ok "acquire" is "$(take tcp "$free")" "bind 0 acquire 10048"
ok "guarded all the time" is "$(bind_native "$first")" refused

# it does not go on: another one takes its place, and there are never two. It has no guard beside the socket that has its port by now.
kill -STOP "$stopped"
take tcp "$free" >/dev/null
for _ in $(seq 60)
do
    test "$(guards)" = "$stopped" || break
    sleep 0.5
done
sleep 1.5
ok "another helper" isnt "$(guards)" "$stopped"
ok "one helper" is "$(guards | wc -w)" 1
ok "guarded by the next one" is "$(bind_native "$first")" refused
ok "guarded by the next one" guard_count_is "$((count - 1))"

# stopped, and its server killed: the next server has a helper of its own at once
stopped=$(guards)
kill -STOP "$stopped"
# shellcheck disable=SC2046 # a list of numbers
kill -9 $(processes_of portserver.exe)
ok "guards of the next server" guard_count_is "$((count - 1))"
ok "one helper" is "$(guards | wc -w)" 1
ok "another helper" isnt "$(guards)" "$stopped"
ok "acquire with the next server" is "$(take udp "$free")" "bind 0 acquire 10048"

# a running prefix that is copied, and started
copied=$work/copied
cp -a "$WINEPREFIX" "$copied"
own=$(guards)
here=$WINEPREFIX here32=$system32
WINEPREFIX=$copied system32=$copied/drive_c/windows/system32
sleep 60 | wine cmd /c pause >/dev/null 2>&1 &  # keeps it running
run_tool status
ok "status of the copy" is "$code" 0
ok "status of the copy" contains "$work/out" "0 runtime"
theirs=$(guards)
ok "the copy has a helper of its own" is "$(echo "$theirs" | wc -w)" 1
ok "another prefix's port" is "$(take tcp "$first")" "bind 10048 acquire 10048"
sleep 2.5
ok "the copy keeps its helper" is "$(guards)" "$theirs"
WINEPREFIX=$here system32=$here32
ok "the prefix keeps its helper" is "$(guards)" "$own"
ok "the prefix has its guards" guard_count_is "$((count - 1))"
WINEPREFIX=$copied wineserver -k
WINEPREFIX=$copied wineserver -w
exec 3>&-
stop_prefix
sleep 0.5
ok "no helper without its prefix" is "$(guards)" ""

# few descriptors
persistent=$(find_free_ports)
# root with CAP_SYS_RESOURCE passes limits
if test -x /usr/bin/setpriv && test "$(id -u)" = 0
then
    (ulimit -n 600; setpriv --bounding-set -sys_resource --inh-caps -sys_resource wine net start portserver) >/dev/null 2>&1 </dev/null
    run_tool status
    ok "status" is "$code" 0
    ok "status says how many ports can be guarded" contains "$work/out" "of 576 that can be"
fi
for n in $(seq 8)
do
    wine netsh int ipv4 add excludedportrange protocol=udp startport=$((persistent + 10 * n)) numberofports=10 >"$work/out" 2>&1 </dev/null
    ok "a persistent block takes no descriptor" contains "$work/out" "Ok."
done
ok "persistent blocks take no guards" guard_count_is "0"
stop_prefix

# the server is started in another network than wineserver's
if unshare -n true 2>/dev/null
then
    wine reg add 'HKLM\System\CurrentControlSet\Services\portserver' /v Start /t REG_DWORD /d 4 /f >/dev/null 2>&1 </dev/null
    stop_prefix
    sleep 30 | wine cmd /c pause >/dev/null 2>&1 &  # wineserver, here
    sleep 1
    unshare -n wine "$system32/portres/portserver.exe" --foreground >"$work/server" 2>&1 </dev/null &
    sleep 2
    hold "$work/held2"
    ok "guards are where wineserver's sockets are" is "$(bind_native "$first")" refused
    exec 3>&-
fi
complete=yes
