#!/bin/bash
# Our tests among Wine's own: "dlls/ws2_32/tests and dlls/iphlpapi/tests of the tree, where make of Wine finds them".
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
# shellcheck source=tests/tools/testlib
. "$(dirname "$0")/../tools/testlib"

use_prefix
export WINETEST_PLATFORM=wine

# runs DLL NAME: the test of that name passes, and has tested something
runs()
{
    local program=$BUILD/wine-host/source/dlls/$1/tests/$arch-windows/$1_test.exe

    timeout 100 wine "$program" "$2" >"$work/out" 2>"$work/err" </dev/null
    ok "$1 $2: exit code" is $? 0 || grep -a 'Test failed' "$work/out"
    ok "$1 $2: what it says" grep -aqE "$2: [1-9][0-9]* tests executed .* 0 failures" "$work/out" || tail -n 3 "$work/out"
}

# those that start children, as Wine's own framework starts them, and some that don't
for name in ports acquire release associate lifetime others spi
do
    runs ws2_32 $name
done
for name in ports persistent restricted story compartment
do
    runs iphlpapi $name
done

wine "$BUILD/wine-host/source/dlls/ws2_32/tests/$arch-windows/ws2_32_test.exe" ports -nobody >"$work/out" 2>/dev/null </dev/null
ok "a child that is not there: exit code" is $? 1
ok "what it says" contains "$work/out" "there is no child -nobody"

complete=yes
