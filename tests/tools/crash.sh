#!/bin/bash
# A few rounds of crash_store. By hand it runs longer: crash_store --rounds 1000
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"

stop_prefix  # what was installed is in the registry's files then

ok "nothing acknowledged is lost" timeout 600 "$srcdir/tests/tools/crash_store" --rounds 20 --prefix "$WINEPREFIX" || ls -l "$system32/portres"
complete=yes
