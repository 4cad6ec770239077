#!/bin/bash
# Sockets that share a port by processor keep out native programs, "with SO_REUSEADDR or SO_REUSEPORT or neither, whenever the group is
# at rest"; and how long the moments are in which they do not.
. "$(dirname "$0")/testlib"

# probe FAMILY PORT OPTION [SECONDS]: bind a native UDP socket, once or as often as it goes; print "ok" or the name of the error, or
# how often which came
cat >"$work/probe" <<'EOF'
use strict;
use warnings;
use Socket qw(:all);
use Errno;
use Time::HiRes qw(time);
my ($family, $port, $option, $seconds) = @ARGV;
my $addr = $family == 6 ? pack_sockaddr_in6( $port, IN6ADDR_ANY ) : pack_sockaddr_in( $port, INADDR_ANY );
my (%results, $s, $end);
$end = time + ($seconds // 0);
do
{
    socket $s, $family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0 or die "socket: $!";
    setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1 if $option =~ /addr/;
    setsockopt $s, SOL_SOCKET, SO_REUSEPORT, 1 if $option =~ /port/;
    setsockopt $s, IPPROTO_IPV6, IPV6_V6ONLY, 1 if $family == 6;
    my $result = bind( $s, $addr ) ? "ok" : (grep { $!{$_} } qw(EADDRINUSE EACCES))[0] // "$!";
    $results{$result}++;
    close $s;
} while time < $end;
print $seconds ? join( " ", map { "$_ $results{$_}" } sort keys %results ) : (keys %results)[0], "\n";
EOF
probe() { perl "$work/probe" "$@"; }

strangers()
{
    local family option
    for family in 4 6
    do
        for option in none addr port addrport
        do
            ok "$1: IPv$family, $option" is "$(probe $family "$port" $option)" EADDRINUSE
        done
    done
}

# wait_answers COUNT: the process that has the group has said so often how its joins went
wait_answers()
{
    for _ in $(seq 600)
    do
        test "$(grep -c '^failed' "$work/$kind")" = "$1" && return
        sleep 0.1
    done
    echo "not $1 answers:"
    cat "$work/$kind"
    return 1
}

use_prefix
run_tool install
ok "install: exit code" is "$code" 0

for kind in reserved free
do
    mkfifo "$work/stdin.$kind"
    WINETEST_TIMEOUT=600 wine "$programs/pipe_test.exe" -share $kind <"$work/stdin.$kind" >>"$work/$kind" 2>&1 &
    holder=$!
    exec 3>"$work/stdin.$kind"
    ok "$kind: three sockets share a port" wait_for "$work/$kind" "^port"
    port=$(tr -d '\r' <"$work/$kind" | sed -n 's/^port //p')
    strangers "$kind, at rest"

    # others ask all the time while 100 sockets join
    for option in addr port none
    do
        : >"$work/$kind"  # it is written to at its end
        probe 4 "$port" $option 3 >"$work/hammer" 3>&- &
        hammer=$!
        for _ in 1 2 3 4 5; do echo >&3; done
        wait_answers 5
        wait $hammer
        echo "$kind: a native program that sets $option asked: $(cat "$work/hammer"); the group:"
        grep '^failed' "$work/$kind" | tr -d '\r'
        ok "$kind: the sockets of the group are bound all the same" \
            is "$(grep -c '^failed' "$work/$kind")" 5
        test $option = addr || ok "$kind: without SO_REUSEADDR nobody gets in at any time" lacks "$work/hammer" ok
        strangers "$kind, after others joined and left"
    done

    # the server is killed, perhaps in such a moment
    for _ in 1 2 3 4 5 6
    do
        echo >&3
        sleep 0.0$((RANDOM % 10))
        # shellcheck disable=SC2046 # a list of numbers
        kill -9 $(processes_of portserver.exe) 2>/dev/null
        sleep 1
        run_tool status 3>&-  # what it starts must not keep the pipe open
        strangers "$kind, after the server was killed"
    done
    # what the killed ones had in hand is in nobody's way
    ok "$kind: all have joined or failed" wait_answers 11
    echo >&3
    ok "$kind: others join" wait_answers 12
    ok "$kind: none of them fails" is "$(tail -n 1 "$work/$kind" | sed 's/,.*//')" "failed 0"
    exec 3>&-
    wait "$holder"
done
complete=yes
