#!/bin/bash
# IP_ECN and IPV6_ECN report the marks of datagrams that come from the host, over both families.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"

: >"$work/out"
timeout 60 wine "$programs/ws2_32_test.exe" -ecn_receiver >"$work/out" 2>/dev/null &
wait_for "$work/out" '^port'
port=$(tr -d '\r' <"$work/out" | sed -n 's/^port //p')
# IP_TOS is 1, IPV6_TCLASS 67 in Linux
perl -MSocket=:all -e '
    for my $mark (0 .. 3)
    {
        socket(S, AF_INET, SOCK_DGRAM, 0) && setsockopt(S, IPPROTO_IP, 1, pack("i", 0x28 | $mark)) or die;
        send(S, "ping", 0, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die;
        socket(T, AF_INET6, SOCK_DGRAM, 0) && setsockopt(T, IPPROTO_IPV6, 67, pack("i", 0x28 | $mark)) or die;
        send(T, "ping", 0, pack_sockaddr_in6($ARGV[0], inet_pton(AF_INET6, "::1"))) or die;
    }' "$port"
wait_for "$work/out" '^marks -1 3'
ok "the marks" is "$(tr -d '\r' <"$work/out" | sed -n 's/^marks //p' | tr '\n' ',')" "0 -1,-1 0,1 -1,-1 1,2 -1,-1 2,3 -1,-1 3,"

complete=yes
