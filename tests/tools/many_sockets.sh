#!/bin/bash
# 5000 sockets bound from a reservation cost wineserver no more than 5000 plain ones, idle and under the traffic of others. What is printed is
# wineserver's CPU time.
. "$(dirname "$0")/testlib"

count=${MANY_SOCKETS:-5000}
rounds=1000
export WINETEST_TIMEOUT=500

use_prefix
install

# wineserver_time: of the prefix, in microseconds
wineserver_time()
{
    local time
    read -r time _ <"/proc/$wineserver/schedstat"
    echo $((time / 1000))
}

less() { if test "$1" -lt "$2"; then echo "$1"; else echo "$2"; fi; }

# measure plain|reserved tcp|udp: sets idle (5 s), busy (the least of five)
measure()
{
    local dir=$work/$1.$2.$RANDOM start holder traffic times
    mkdir "$dir"
    mkfifo "$dir/holder.in" "$dir/traffic.in"
    wine "$programs/pipe_test.exe" -bound "$1" "$2" "$count" <"$dir/holder.in" >"$dir/holder" 2>&1 &
    holder=$!
    exec 3>"$dir/holder.in"
    wine "$programs/pipe_test.exe" -traffic $rounds 5 <"$dir/traffic.in" >"$dir/traffic" 2>&1 &
    traffic=$!
    exec 4>"$dir/traffic.in"
    ok "$1 $2: $count sockets" wait_for "$dir/holder" "^bound"
    ok "$1 $2: others" wait_for "$dir/traffic" "^ready"
    wineserver=$(processes_of wineserver | head -n 1)
    sleep 2
    start=$(wineserver_time)
    sleep 5
    idle=$(($(wineserver_time) - start))
    busy=1000000000
    for times in 5 4 3 2 1
    do
        start=$(wineserver_time)
        echo >&4
        ok "$1 $2: traffic" wait_for "$dir/traffic" "^done $times"
        busy=$(less "$busy" $(($(wineserver_time) - start)))
    done
    # a line, since an end may not come: what was started meanwhile has the other end, too
    echo >&3
    echo >&4
    exec 3>&- 4>&-
    wait $holder $traffic
    ok "$1 $2: no failure" lacks "$dir/holder" "Test failed"
    ok "$1 $2: no failure" lacks "$dir/traffic" "Test failed"
}

for protocol in udp tcp
do
    plain_idle=1000000000 plain_busy=$plain_idle reserved_idle=$plain_idle reserved_busy=$plain_idle
    # the least of up to four: who else is on the machine costs time as well
    for _ in 1 2 3 4
    do
        measure plain $protocol
        plain_idle=$(less "$plain_idle" "$idle") plain_busy=$(less "$plain_busy" "$busy")
        measure reserved $protocol
        reserved_idle=$(less "$reserved_idle" "$idle") reserved_busy=$(less "$reserved_busy" "$busy")
        # of 5 s, half a percent is nothing
        test "$reserved_idle" -le $((plain_idle + 25000)) && test $((reserved_busy * 10)) -le $((plain_busy * 11)) && break
    done
    echo "$protocol, 5 s idle: $plain_idle us plain, $reserved_idle us reserved; traffic: $plain_busy us plain, $reserved_busy us reserved"
    ok "$protocol: idle" test "$reserved_idle" -le $((plain_idle + 25000))
    ok "$protocol: under traffic, at most 1.1" test $((reserved_busy * 10)) -le $((plain_busy * 11))
done
complete=yes
