#!/bin/bash
# Ports that could not be guarded are guarded as soon as that is possible: "A native Linux program, and a program in another Wine prefix, must not get
# a port of a live runtime reservation either", and bind to port 0 "never gets such a port" of a persistent one.
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
# shellcheck source=tests/tools/testlib
. "$(dirname "$0")/../tools/testlib"

use_prefix

# a persistent reservation has guards where the kernel chooses ports by itself
read -r low _ </proc/sys/net/ipv4/ip_local_port_range
for ((port = low + 100; port < low + 2000; port++)); do port_in_use $port || break; done

timeout 60 wine netsh interface ipv4 add excludedportrange udp $port 1 >"$work/out" 2>&1 </dev/null
ok "a reservation is created" is $? 0 || cat "$work/out"
stop_prefix

# a native program is quicker than the server that starts
perl -MSocket -e '
    socket my $s, PF_INET, SOCK_DGRAM, 0 or die;
    bind $s, pack_sockaddr_in( $ARGV[0], INADDR_ANY ) or die "bind: $!";
    $| = 1;
    print "bound\n";
    select undef, undef, undef, 0.1 until -e $ARGV[1]' $port "$work/stop" >"$work/native" &
native=$!
ok "a native program has the port" wait_for "$work/native" "^bound"

# Debian's wineserver ends with the last program
exec 5> >(exec wine cmd.exe >/dev/null 2>&1)
run_tool status
ok "its port can't be guarded" contains "$work/out" "guard: 1 reserved ports are NOT guarded"

# a program that asks the server for something all the time
wine "$programs/pipe_test.exe" -wildcard tcp 1 1000 200 >"$work/busy" 2>&1 </dev/null 5>&- &
busy=$!
: >"$work/stop"
wait $native
for _ in 1 2 3 4 5
do
    sleep 1
    run_tool status
    grep -q "NOT guarded" "$work/out" || break
done
ok "it is guarded a few seconds after the program's end" lacks "$work/out" "NOT guarded"
ok "it has its guard" contains "$work/out" "guard: 1 ports are guarded, of "
ok "the server is asked all the time" kill -0 $busy
kill $busy
exec 5>&-
complete=yes
