#!/bin/bash
# Whatever handle a client names, the server answers: also one of a device whose driver does not.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is $code 0
exec 4> >(exec wine "$programs/pipe_test.exe" -hold >/dev/null 2>&1)  # or the prefix ends with the client
mkfifo "$work/in"
WINETEST_COMPLETE=1 wine "$programs/pipe_test.exe" -device <"$work/in" >"$work/out.device" 2>&1 &
client=$!
exec 3>"$work/in"
ok "the device is open" wait_for "$work/out.device" "^open"
server=$(processes_of portserver.exe)
drivers=$(processes_of winedevice.exe)
ok "there are drivers" isnt "$drivers" ""
# shellcheck disable=SC2086 # numbers
kill -STOP $drivers
echo >&3
ok "the server answers about each handle while the driver is stopped" wait_for "$work/out.device" "^done"
ok "what it says" lacks "$work/out.device" "Test failed"
# shellcheck disable=SC2086 # numbers
kill -CONT $drivers
exec 3>&-
wait $client
run_tool status
ok "the server is the same" is "$(processes_of portserver.exe)" "$server"
ok "it answers" is $code 0
exec 4>&-
complete=yes
