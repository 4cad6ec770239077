#!/bin/bash
# wine-portres list shows every reservation of the prefix: protocol, first and last port, kind, owner, ports in use.
# shellcheck disable=SC2016 # programs in perl
. "$(dirname "$0")/testlib"

use_prefix
install

run_tool list
ok "list of nothing: exit code" is $code 0
ok "list of nothing" is "$(cat "$work/out")" "no reservations"
run_tool list --json
ok "list --json of nothing: exit code" is $code 0
ok "list --json of nothing is valid" perl -MJSON::PP -0777 -ne 'exit !(@{decode_json($_)->{reservations}} == 0)' "$work/out"

exec 5> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
for ((i = 0; i < 100; i++))
do
    grep -qs "^udp" "$work/hold" && break
    sleep 0.1
done
read -r _ tcp_first tcp_last < <(tr -d "\r" <"$work/hold" | grep "^tcp")
read -r _ udp_first udp_last < <(tr -d "\r" <"$work/hold" | grep "^udp")

run_tool list
ok "list: exit code" is $code 0
ok "list: TCP" grep -Eq "^tcp +$tcp_first +$tcp_last +runtime +pipe_test.exe \([0-9]+\) +$((tcp_first + 1))$" "$work/out"
ok "list: UDP" grep -Eq "^udp +$udp_first +$udp_last +runtime +pipe_test.exe \([0-9]+\) +$((udp_first + 1))$" "$work/out"
ok "list: a heading and two lines" is "$(wc -l <"$work/out")" 3

run_tool list --json
ok "list --json: exit code" is $code 0
ok "list --json is valid, and says the same" perl -MJSON::PP -0777 -e '
    my ($tcp, $udp) = @{decode_json(<STDIN>)->{reservations}};
    exit !($tcp->{protocol} eq "tcp" && $tcp->{first} == $ARGV[0] && $tcp->{last} == $ARGV[1] && $tcp->{kind} eq "runtime" &&
           $tcp->{owner}{name} eq "pipe_test.exe" && $tcp->{owner}{pid} > 0 && "@{$tcp->{ports_in_use}}" eq $ARGV[0] + 1 &&
           $udp->{protocol} eq "udp" && $udp->{first} == $ARGV[2] && $udp->{last} == $ARGV[3] &&
           "@{$udp->{ports_in_use}}" eq $ARGV[2] + 1)' "$tcp_first" "$tcp_last" "$udp_first" "$udp_last" <"$work/out"

# Persistent ones, more than one reply of the server holds
base=$(find_free_ports)
for ((i = 0; i < 70; i++))
do
    echo "netsh interface ipv4 add excludedportrange protocol=tcp startport=$((base + i)) numberofports=1"
done >"$work/add.bat"
wine cmd /c "$(winepath -w "$work/add.bat")" >"$work/add.out" 2>&1 </dev/null
run_tool list --json
ok "list --json with persistent ones: exit code" is $code 0
ok "list --json has all of them, in the order of their ports" perl -MJSON::PP -0777 -e '
    my @all = grep { $_->{kind} eq "persistent" } @{decode_json(<STDIN>)->{reservations}};
    my $got = join " ", map { "$_->{first}-$_->{last}" . (defined $_->{owner} ? " owned" : "") } @all;
    my $expected = join " ", map { "$_-$_" } $ARGV[0] .. $ARGV[0] + 69;
    print "got $got\n" if $got ne $expected;
    exit($got ne $expected)' "$base" <"$work/out"

"$tool" list --watch >"$work/watch" 2>&1 </dev/null 5>&- &
watcher=$!
wait_for "$work/watch" "^PROTOCOL"
sleep 1
exec 5>&-
ok "list --watch: a block that ends" wait_for "$work/watch" "^[0-9:.]*  tcp $tcp_first-$tcp_last  released"
ok "list --watch: a port that is given back" wait_for "$work/watch" "^[0-9:.]*  udp $((udp_first + 1))  given back"
wine "$programs/pipe_test.exe" -hold >/dev/null 2>&1 < <(sleep 3)
ok "list --watch: a block that begins" wait_for "$work/watch" "  tcp [0-9]*-[0-9]*  reserved  pipe_test.exe ([0-9]*)"
ok "list --watch: a port that is taken" wait_for "$work/watch" "  tcp [0-9]*  taken  pipe_test.exe ([0-9]*)"
kill $watcher
sleep 1
run_tool list --json
ok "the owner ended: only the persistent ones are left" perl -MJSON::PP -0777 -e '
    exit !!grep { $_->{kind} ne "persistent" } @{decode_json(<STDIN>)->{reservations}}' <"$work/out"
complete=yes
