#!/bin/bash
# A native Linux program, and a program in another Wine prefix, do not get a port of a live runtime reservation.
. "$(dirname "$0")/testlib"

# probe PROTOCOL FAMILY PORT REUSE: bind a native socket, print "ok" or the name of the error
cat >"$work/probe" <<'EOF'
use strict;
use warnings;
use Socket qw(:all);
use Errno;
my ($protocol, $family, $port, $reuse) = @ARGV;
my $type = $protocol eq "tcp" ? SOCK_STREAM : SOCK_DGRAM;
my $s;
socket $s, $family == 6 ? AF_INET6 : AF_INET, $type, 0 or die "socket: $!";
setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1 if $reuse;
setsockopt $s, IPPROTO_IPV6, IPV6_V6ONLY, 1 if $family == 6;
my $addr = $family == 6 ? pack_sockaddr_in6( $port, IN6ADDR_ANY ) : pack_sockaddr_in( $port, INADDR_ANY );
if (bind $s, $addr and $protocol eq "udp" || listen $s, 1) { print "ok\n" }
else { print +(grep { $!{$_} } qw(EADDRINUSE EACCES))[0] // "$!", "\n" }
EOF
probe() { perl "$work/probe" "$@"; }

# connects PORT: does anybody answer on it?
connects() { perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new( PeerAddr => "127.0.0.1", PeerPort => $ARGV[0] )' "$1"; }

# take PROTOCOL PORT: what bind and acquire say in the other prefix
take() { WINEPREFIX=$other wine "$programs/pipe_test.exe" -take "$@" 2>/dev/null | tr -d '\r' | grep '^bind'; }

# guarded WHAT FIRST LAST PROTOCOL: no port of the block is to be had from outside
guarded()
{
    local port family reuse
    for port in $(seq "$2" "$3")
    do
        for family in 4 6
        do
            for reuse in 0 1
            do
                ok "$1: $4 port $port, family $family, reuse $reuse" \
                    is "$(probe "$4" $family "$port" $reuse)" EADDRINUSE
            done
        done
    done
}

# freed PROTOCOL PORT: it is to be had within a second or so
freed()
{
    for _ in $(seq 20)
    do
        test "$(probe "$1" 4 "$2" 0)" = ok && return
        sleep 0.1
    done
    return 1
}

use_prefix
run_tool install
ok "install: exit code" is "$code" 0
run_tool status
ok "every program of the host is kept off" lacks "$work/out" "NOT kept"

# a process that holds blocks, of each of which the second port is in use
mkfifo "$work/stdin"
wine "$programs/pipe_test.exe" -hold <"$work/stdin" >"$work/held" 2>&1 &
holder=$!
exec 3>"$work/stdin"
ok "the blocks are granted" wait_for "$work/held" "^udp"
read -r _ tcp_first tcp_last < <(tr -d '\r' <"$work/held" | grep '^tcp')
read -r _ udp_first udp_last < <(tr -d '\r' <"$work/held" | grep '^udp')

# the tokens are nobody else's
ok "others and the file 'state'" is "$(find "$system32/portres/state" -perm /o=rwx)" ""

guarded "a free port of a block" "$tcp_first" "$tcp_first" tcp
guarded "the last port of a block" "$tcp_last" "$tcp_last" tcp
guarded "a free port of a block" "$udp_first" "$udp_first" udp
guarded "the last port of a block" "$udp_last" "$udp_last" udp
ok "a port in use" is "$(probe tcp 4 $((tcp_first + 1)) 0)" EADDRINUSE
ok "a port in use" is "$(probe udp 4 $((udp_first + 1)) 0)" EADDRINUSE
ok "a guard answers nobody" is "$(connects "$tcp_first" && echo connected)" ""

# another prefix on this host
other=$work/other
cp -a "$PRISTINE" "$other"
WINEPREFIX=$other "$tool" install >"$work/out" 2>&1
ok "install into the other prefix" is $? 0
mkfifo "$work/stdin2"
WINEPREFIX=$other wine "$programs/pipe_test.exe" -hold <"$work/stdin2" >"$work/held2" 2>&1 &
holder2=$!
exec 4>"$work/stdin2"
ok "blocks are granted in the other prefix" wait_for "$work/held2" "^udp"
for protocol in tcp udp
do
    read -r _ first last < <(tr -d '\r' <"$work/held" | grep "^$protocol")
    read -r _ first2 last2 < <(tr -d '\r' <"$work/held2" | grep "^$protocol")
    ok "$protocol blocks $first-$last and $first2-$last2 of two prefixes don't overlap" \
        test "$last" -lt "$first2" -o "$last2" -lt "$first"
done
ok "another prefix asks for a guarded port" \
    is "$(take tcp "$tcp_first")" "bind 10048 acquire 10048"
ok "another prefix asks for a guarded port" \
    is "$(take udp "$udp_first")" "bind 10048 acquire 10048"

# the server dies: nobody else gets the ports while the sockets live
server=$(processes_of portserver.exe)
ok "the server runs" test -n "$server"
kill -9 "$server"
guarded "after the server was killed" "$tcp_first" "$tcp_first" tcp
guarded "after the server was killed" "$udp_first" "$udp_first" udp
run_tool status   # starts the next one
guarded "with the next server" "$tcp_first" "$tcp_first" tcp
guarded "with the next server" "$udp_last" "$udp_last" udp

# the process dies: the ports are free again within a second
# shellcheck disable=SC2046 # a list of numbers
kill -9 $(processes_of pipe_test.exe)
ok "free after kill -9" freed tcp "$tcp_first"
ok "free after kill -9" freed tcp "$((tcp_first + 1))"
ok "free after kill -9" freed udp "$udp_last"

exec 3>&- 4>&-
wait "$holder" "$holder2" 2>/dev/null
WINEPREFIX=$other wineserver -k
WINEPREFIX=$other wineserver -w
complete=yes
