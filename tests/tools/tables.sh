#!/bin/bash
# Native programs are in the tables of ports as ever, also where they may have a port of an exclusion; guards are not.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is $code 0 || cat "$work/err"

netsh() { wine netsh interface ipv4 "$@" excludedportrange protocol=udp startport="$port" numberofports=10 </dev/null >/dev/null 2>&1; }
lists_host=
list() { timeout 60 wine "$programs/iphlpapi_test.exe" -list_udp </dev/null 2>/dev/null | tr -d '\r' >"$work/list"; }

# native PORT [ADDRESS]: a native socket until $work/quit is there
native()
{
    perl -MSocket=:all -e 'socket( S, AF_INET6, SOCK_DGRAM, 0 ) && bind( S, pack_sockaddr_in6( $ARGV[0], IN6ADDR_ANY ) ) or die "bind: $!";
        sleep 1 until -e $ARGV[1]' "$1" "$work/quit" &
}

# Linux's own choices are elsewhere, so these ports have no guards
port=$(find_free_ports)
excluded=$port
netsh add
ok "an exclusion is made" is $? 0
port=$(sed 's/\t.*//' /proc/sys/net/ipv4/ip_local_port_range)
port=$((port + 100))
netsh add
ok "an exclusion of ports that Linux chooses is made" is $? 0
native $((excluded + 3))
plain=$(find_free_ports)
native "$plain"
sleep 1
list
# a Wine that asks wineserver lists its own sockets only
if grep -aq /proc/net/udp "$unix_dlls/nsiproxy.so"
then
    ok "a native program is listed" grep -qx "udp6 $plain 0" "$work/list"
    ok "a native program is listed at an excluded port" grep -qx "udp6 $((excluded + 3)) 0" "$work/list"
    lists_host=yes
fi
ok "no other port of the exclusion is listed" is "$(awk -v f="$excluded" '$2 >= f && $2 < f + 10 && $2 != f + 3' "$work/list")" ""
ok "no guard is listed" is "$(awk -v f="$port" '$2 >= f && $2 < f + 10' "$work/list")" ""

# Which kind a Wine is, is told by what it is made of, not by its version: this one lists other sockets, the kernel's of TCP, and is believed
if test -n "$lists_host" && make_later_wine
then
    stop_prefix
    perl -pe 's!/proc/net/udp!/proc/net/tcp!g' "$unix_dlls/nsiproxy.so" >"$work/nsiproxy.so"
    cp --remove-destination "$work/nsiproxy.so" "$later_dlls/${unix_dlls##*/}/"
    timeout 60 "$later" "$programs/iphlpapi_test.exe" -list_udp </dev/null >"$work/list" 2>/dev/null
    ok "a Wine of this version that lists no native program: runs" is $? 0
    ok "a Wine of this version that lists no native program: nor do we" lacks "$work/list" "$plain"
    WINELOADER=$later wineserver -w
fi
touch "$work/quit"
wait
complete=yes
