#!/bin/bash
# A Windows test may take the time that a loaded machine needs, as long as it goes on to check something; one that hangs is ended.
. "$(dirname "$0")/testlib"

use_prefix
export WINETEST_TIMEOUT=5
start=$SECONDS
timeout 300 wine "$programs/loading_test.exe" unload >"$work/out" 2>/dev/null </dev/null
ok "a test that takes longer: exit code" is "$?" 0 || cat "$work/out"
test $((SECONDS - start)) -gt 5 || echo "Tests skipped: on this machine it takes no longer"
ok "a test that takes longer: summary" grep -q '^unload: .* 0 failures)' "$work/out"

# it checks something, then waits for its standard input
mkfifo "$work/input"
exec 5<>"$work/input"
timeout 60 wine "$programs/pipe_test.exe" -hold <"$work/input" >"$work/out" 2>/dev/null
ok "a test that hangs: exit code" is "$?" 255
ok "a test that hangs: says so" grep -q 'hold runs for .* s and has checked nothing for [5-9],' "$work/out" || cat "$work/out"
exec 5>&-
complete=yes
