#!/bin/bash
# Every call of the server that can fail fails, one after another; see tests/faults. "faults.sh full" leaves none out.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"
cp "$programs/portserver_faults.exe" "$system32/portres/" || exit 1
# the driver starts the server by itself, and nobody else may
wine reg add 'HKLM\System\CurrentControlSet\Services\portserver' /v Start /t REG_DWORD /d 4 /f >/dev/null 2>&1 </dev/null
stop_prefix

for part in steady lasting local start fresh kept
do
    WINETEST_TIMEOUT=1800 wine "$programs/faults.exe" "$part" "$@" >"$work/$part.out" 2>"$work/$part.err" </dev/null
    ok "$part" is $? 0 || tail -n 20 "$work/$part.err"
    sed -i 's|\r||' "$work/$part.out"
    grep -v '^site ' "$work/$part.out"
done
# full: which calls in the sources that was
if test "${1:-}" = full
then
    "$srcdir/tests/faults/sites" "$programs/portserver_faults.exe" "$srcdir" "$work"/*.out
fi
complete=yes
