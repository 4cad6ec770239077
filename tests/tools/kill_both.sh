#!/bin/bash
# The prefix lives on when the server is killed together with a process that holds many reservations.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is $code 0
exec 3> >(exec wine "$programs/pipe_test.exe" -hold >/dev/null 2>&1)
for round in 1 2 3
do
    exec 4> >(exec wine "$programs/pipe_test.exe" -hold 30 >"$work/held" 2>&1 3>&-)
    holder=$!
    ok "round $round: the blocks are granted" wait_for "$work/held" "^udp"
    wineserver=$(processes_of wineserver)
    server=$(processes_of portserver.exe)
    ok "round $round: one wineserver and one server" test -n "$server" -a -n "$wineserver"

    # wineserver hears of the one while it does not know yet that the other is gone
    # shellcheck disable=SC2086 # one word, or the test has failed
    {
        kill -STOP $wineserver
        kill -KILL "$holder"
        sleep 0.2
        kill -KILL $server
        sleep 0.2
        kill -CONT $wineserver
    }
    wait "$holder" 2>/dev/null
    exec 4>&-
    run_tool list
    ok "round $round: the server answers" is $code 0
    ok "round $round: wineserver is the same" is "$(processes_of wineserver)" "$wineserver"
done
exec 3>&-
complete=yes
