#!/bin/bash
# "A busy host makes a call slower, never silent: while one request looks for a free block, every other one is answered": native programs have every
# second port, or every one, of those from which blocks are given out. "None left: WSAENOBUFS": what Linux hands out by itself is left to it.
. "$(dirname "$0")/testlib"

use_prefix
install

first=1024
last=$(($(cut -f 1 /proc/sys/net/ipv4/ip_local_port_range) - 1))

# occupy tcp|udp STEP: sets busy, the processes that have the ports; each has a share, since descriptors are limited
occupy()
{
    local i
    # the server has seen the end of who asked before, and the port is free
    for i in $(seq 50)
    do
        run_tool list
        grep -q "^no reservations" "$work/out" && break
        sleep 0.1
    done
    busy=()
    for i in 0 1 2 3
    do
        : >"$work/busy.$i"
        perl -MSocket=:all -e '
            my ($type, $step, $first, $last) = @ARGV;
            my (@sockets, $s, $port);
            for ($port = $first; $port <= $last; $port += $step)
            {
                socket $s, AF_INET, $type eq "tcp" ? SOCK_STREAM : SOCK_DGRAM, 0 or die "socket: $!";
                push @sockets, $s if bind $s, pack_sockaddr_in( $port, INADDR_ANY );
                undef $s;
            }
            $| = 1;
            print "have ", scalar @sockets, "\n";
            sleep 1000' "$1" $(($2 * 4)) $((first + $2 * i)) "$last" >"$work/busy.$i" &
        busy+=($!)
    done
    for i in 0 1 2 3; do ok "native programs have ports" wait_for "$work/busy.$i" "^have"; done
}

# wildcard tcp|udp COUNT ROUNDS: sets median and worst (ms), and error
wildcard()
{
    read -r _ median _ worst _ error < <(timeout 120 wine "$programs/pipe_test.exe" -wildcard "$@" 2>/dev/null </dev/null | tr -d '\r' | grep '^median')
}

wildcard tcp 1 1  # the server runs
for protocol in tcp udp
do
    other=udp
    test $protocol = udp && other=tcp
    for step in 2 1
    do
        occupy $protocol $step
        for count in 1 2
        do
            wildcard $protocol $count 9
            expected=10055
            test "$step $count" != "2 1" || expected=0
            ok "one port of $step taken, $protocol, $count ports" is "$error" $expected
            echo "$protocol, one port of $step taken: a block of $count in $median ms, $worst at most"
            ok "one port of $step taken, $protocol, $count ports: $median ms" test "$median" -lt 200
            # the same again and again, and others beside
            timeout 120 wine "$programs/pipe_test.exe" -wildcard $protocol $count 100 >/dev/null 2>&1 </dev/null &
            search=$!
            sleep 0.5
            wildcard $other 1 20
            ok "beside it, $other" is "$error" 0
            ok "beside it, $other: $median ms" test "$median" -lt 200
            echo "beside it, $other: $median ms, $worst at most"
            wait $search
        done
        kill "${busy[@]}"
        wait "${busy[@]}" 2>/dev/null
    done
done
complete=yes
