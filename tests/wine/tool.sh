#!/bin/bash
# wine-portres on a Wine that has reservations in its own server: "the tools find out which host answers and say so; install of the overlay on
# such a Wine is refused with that reason."
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
ok "it is part of this Wine" is_part_of_wine

find "$WINEPREFIX/drive_c/windows/system32" | sort >"$work/before"
run_tool install
ok "install: exit code" is "$code" 1
ok "install: why" contains "$work/err" "reservations are part of this Wine ("
ok "install: the rest of it" contains "$work/err" "there is nothing to install, and nothing was changed"
ok "install: nothing else is said" is "$(wc -l <"$work/err") $(wc -c <"$work/out")" "1 0"
find "$WINEPREFIX/drive_c/windows/system32" | sort >"$work/after"
ok "install: nothing was changed" same "$work/before" "$work/after"

run_tool uninstall
ok "uninstall: exit code" is "$code" 0
ok "uninstall: what it says" is "$(cat "$work/out")" "wine-portres: was not installed in $WINEPREFIX"

run_tool run cmd /c exit 7
ok "run: the program runs" is "$code" 7
ok "run: nothing is said" is "$(wc -c <"$work/err")" 0
find "$WINEPREFIX/drive_c/windows/system32" | sort >"$work/after"
ok "run: nothing was changed" same "$work/before" "$work/after"

run_tool status
ok "status: exit code" is "$code" 0
ok "status: who answers" contains "$work/out" "installed: no; reservations are part of this Wine"
ok "status: the server" contains "$work/out" "server: wineserver answers, 0 runtime and 0 persistent reservations, 0 sockets"
ok "status: the guards" grep -qE '^guard: 0 ports are guarded, of [1-9][0-9]* that can be$' "$work/out"
ok "status: errors" is "$(wc -c <"$work/err")" 0

# Debian's wineserver ends with the last program
exec 5> >(exec wine cmd.exe >/dev/null 2>&1)

not() { ! "$@"; }
change() { timeout 60 wine netsh interface ipv4 "$1" excludedportrange udp "$2" 3 >"$work/change" 2>&1 </dev/null; }

# a persistent reservation has guards where the kernel chooses ports by itself
read -r low _ </proc/sys/net/ipv4/ip_local_port_range
for ((base = low + 100; base < low + 2000; base += 3))
do
    port_in_use "$base" || port_in_use $((base + 1)) || port_in_use $((base + 2)) || break
done
ok "a reservation is created" change add "$base" || cat "$work/change"
run_tool status
ok "status of a reservation" contains "$work/out" "server: wineserver answers, 0 runtime and 1 persistent reservations, 0 sockets"
ok "status of its guards" contains "$work/out" "guard: 3 ports are guarded, of "
ok "status: nothing is missing" lacks "$work/out" "NOT guarded"
run_tool who udp $((base + 2)) 2
ok "who: exit code" is "$code" 0
ok "who tells of it" is "$(head -n 1 "$work/out")" "udp $base to $((base + 2)): persistent reservation of $WINEPREFIX"
WINEPREFIX=$PRISTINE run_tool who udp "$base"
ok "who tells of another prefix" contains "$work/out" "udp $base to $((base + 2)): persistent reservation of $WINEPREFIX"

# a guard of a UDP port stays while sockets are bound to it, and go: a native program never gets the port
perl -MSocket -e '
    while (!-e $ARGV[1])
    {
        socket my $s, PF_INET, SOCK_DGRAM, 0 or die;
        if (bind $s, pack_sockaddr_in( $ARGV[0], INADDR_ANY )) { print "got it\n"; exit; }
    }' "$base" "$work/stop" >"$work/native" &
timeout 60 wine "$programs/pipe_test.exe" -again udp "$base" 500 >"$work/again" 2>/dev/null </dev/null
: >"$work/stop"
wait $!
ok "sockets are bound to its port by number" contains "$work/again" "0 binds failed"
ok "its port is guarded all the time" is "$(cat "$work/native")" ""
ok "it is deleted" change delete "$base" || cat "$work/change"
run_tool list
ok "list: exit code" is "$code" 0
ok "list" is "$(cat "$work/out")" "no reservations"

# one that can't be written is refused: root writes through permissions, but not into a folder
exec 5>&-
stop_prefix
rm -f "$WINEPREFIX/ports.journal"
mkdir "$WINEPREFIX/ports.journal"
exec 5> >(exec wine cmd.exe >/dev/null 2>&1)
ok "a create that can't be written is refused" not change add "$base"
run_tool status
ok "status then: exit code" is "$code" 0
ok "status then" contains "$work/out" "server: ports.journal can't be read or written"
exec 5>&-
stop_prefix
rmdir "$WINEPREFIX/ports.journal"

# without the build there is nothing to ask with
WINE_PORTRES_LIBDIR=$work/nowhere run_tool list
ok "list without a build: exit code" is "$code" 1
ok "list without a build" contains "$work/err" "not installed in $WINEPREFIX"

ok "the demo" timeout 120 wine "$programs/demo.exe" </dev/null >"$work/demo" 2>&1 || cat "$work/demo"
complete=yes
