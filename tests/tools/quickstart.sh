#!/bin/bash
# tools/quickstart makes a Windows 10, whatever this Wine makes by itself, and leaves a prefix that is there as it is.
. "$(dirname "$0")/testlib"

export WINEPREFIX=$work/prefix
used_prefix=$WINEPREFIX
"$srcdir/tools/quickstart" --no-demo --prefix "$WINEPREFIX" >"$work/out" 2>"$work/err" </dev/null
ok "quickstart" is $? 0 || cat "$work/err"
# each begins in a prefix where nothing runs: a program that starts while wineserver ends with the last one is turned away
stop_prefix
run_tool status
ok "status: exit code" is "$code" 0 || cat "$work/err"
ok "the version of Windows" contains "$work/out" "Windows: version 10.0"

stop_prefix
wine winecfg -v win7
stop_prefix
"$srcdir/tools/quickstart" --no-demo --prefix "$WINEPREFIX" >"$work/out" 2>"$work/err" </dev/null
ok "quickstart again" is $? 0 || cat "$work/err"
stop_prefix
run_tool status
ok "status again: exit code" is "$code" 0 || cat "$work/err"
ok "the version of Windows that the user wants" contains "$work/out" "Windows: version 6.1"

complete=yes
