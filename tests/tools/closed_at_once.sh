#!/bin/bash
# "closesocket ends a connection, a listener and a port at once, whoever bound it", whether the server is quick or stopped.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install: exit code" is "$code" 0

for state in quick stopped
do
    mkfifo "$work/$state.in"
    wine "$programs/pipe_test.exe" -closing <"$work/$state.in" >"$work/$state" 2>&1 &
    program=$!
    exec 3>"$work/$state.in"
    ok "$state: the listeners are there" wait_for "$work/$state" "^ready"
    server=$(processes_of portserver.exe)
    test $state = quick || kill -STOP "$server"
    echo >&3
    exec 3>&-
    ok "$state: the program is done with it" wait_for "$work/$state" "^connected"
    ok "$state: nobody can connect to what was closed" is "$(tr -d '\r' <"$work/$state" | grep '^connected')" "connected 0"
    wait "$program"
    kill -CONT "$server"
done
complete=yes
