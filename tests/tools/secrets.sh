#!/bin/bash
# "Secrets (`guard`, `state`) … 0600, however Wine maps an ACL": nobody but the prefix's user reads what the server keeps for the next one.
. "$(dirname "$0")/testlib"

use_prefix
mode_of() { stat -c %a "$system32/portres/$1" 2>&1; }

for mask in 000 022 077
do
    umask $mask
    rm -f "$system32/portres/state"
    run_tool install
    ok "umask $mask: install" is "$code" 0 || cat "$work/err"
    exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
    ok "umask $mask: the server has something to remember" wait_for "$work/hold" "^udp"
    ok "umask $mask: state" is "$(mode_of state)" 600
    exec 3>&-
    stop_prefix
done

# as a build of before has left it
umask 022
chmod 644 "$system32/portres/state"
run_tool status
ok "status" is "$code" 0
ok "a file that was open to others is not any more" is "$(mode_of state)" 600
stop_prefix
complete=yes
