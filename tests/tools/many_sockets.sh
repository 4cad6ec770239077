#!/bin/bash
# 5000 sockets bound from a reservation cost wineserver no more than 5000 plain ones, idle and under the traffic of others. What is printed is
# wineserver's CPU time, in two prefixes that take turns: who else is on the machine costs both alike.
. "$(dirname "$0")/testlib"

count=${MANY_SOCKETS:-5000}
times=100
export WINETEST_TIMEOUT=500

use_prefix
declare -A prefix=([plain]=$WINEPREFIX [reserved]=$work/reserved)
declare -A wineserver holder traffic holder_in traffic_in traffic_out start idle busy
install
stop_prefix
cp -a "${prefix[plain]}" "${prefix[reserved]}"

# wineserver_time plain|reserved: in microseconds
wineserver_time()
{
    local time
    read -r time _ <"/proc/${wineserver[$1]}/schedstat"
    echo $((time / 1000))
}

since_start() { echo $(($(wineserver_time "$1") - ${start[$1]})); }

less() { if test "$1" -lt "$2"; then echo "$1"; else echo "$2"; fi; }

# answers plain|reserved LINE: what the traffic says next
answers()
{
    local line
    read -r -t 60 -u "${traffic_out[$1]}" line
    is "${line%$'\r'}" "$2"
}

# begin plain|reserved tcp|udp
begin()
{
    local dir=$work/$1.$2.dir fd
    export WINEPREFIX=${prefix[$1]}
    rm -rf "$dir"
    mkdir "$dir"
    mkfifo "$dir/holder.in" "$dir/traffic.in" "$dir/traffic.out"
    wine "$programs/pipe_test.exe" -bound "$1" "$2" "$count" <"$dir/holder.in" >"$dir/holder" 2>&1 &
    holder[$1]=$!
    exec {fd}>"$dir/holder.in"
    holder_in[$1]=$fd
    wine "$programs/pipe_test.exe" -traffic 100 $times <"$dir/traffic.in" >"$dir/traffic.out" 2>"$dir/traffic" &
    traffic[$1]=$!
    exec {fd}>"$dir/traffic.in"
    traffic_in[$1]=$fd
    exec {fd}<"$dir/traffic.out"
    traffic_out[$1]=$fd
    ok "$1 $2: $count sockets" wait_for "$dir/holder" "^bound"
    ok "$1 $2: others" answers "$1" ready
    wineserver[$1]=$(processes_of wineserver | head -n 1)
}

# end plain|reserved tcp|udp
end()
{
    local dir=$work/$1.$2.dir holder_fd=${holder_in[$1]} traffic_fd=${traffic_in[$1]} out_fd=${traffic_out[$1]}
    # a line, since an end may not come: what was started meanwhile has the other end, too
    echo >&"$holder_fd"
    echo >&"$traffic_fd"
    wait "${holder[$1]}" "${traffic[$1]}"
    exec {holder_fd}>&- {traffic_fd}>&- {out_fd}<&-
    ok "$1 $2: no failure" lacks "$dir/holder" "Test failed"
}

# measure tcp|udp: sets idle (5 s), busy (the least of all)
measure()
{
    local kind left
    for kind in plain reserved; do begin $kind "$1"; done
    sleep 2
    for kind in plain reserved; do start[$kind]=$(wineserver_time $kind); done
    sleep 5
    for kind in plain reserved; do idle[$kind]=$(since_start $kind) busy[$kind]=1000000000; done
    for ((left = times; left; left--))
    do
        for kind in plain reserved
        do
            start[$kind]=$(wineserver_time $kind)
            echo >&"${traffic_in[$kind]}"
            ok "$kind $1: traffic" answers $kind "done $left"
            busy[$kind]=$(less "${busy[$kind]}" "$(since_start $kind)")
        done
    done
    for kind in plain reserved; do end $kind "$1"; done
    echo "$1, 5 s idle: ${idle[plain]} us plain, ${idle[reserved]} us reserved;" \
        "traffic: ${busy[plain]} us plain, ${busy[reserved]} us reserved"
}

# of 5 s, half a percent is nothing
is_idle_alike() { test "${idle[reserved]}" -le $((idle[plain] + 25000)); }
is_busy_alike() { test $((busy[reserved] * 10)) -le $((busy[plain] * 11)); }

for protocol in udp tcp
do
    # in new processes, should one of them be in a place that costs more
    for _ in 1 2 3 4
    do
        measure $protocol
        is_idle_alike && is_busy_alike && break
    done
    ok "$protocol: idle" is_idle_alike
    ok "$protocol: under traffic, at most 1.1" is_busy_alike
done
WINEPREFIX=${prefix[reserved]} wineserver -k
WINEPREFIX=${prefix[reserved]} wineserver -w
complete=yes
