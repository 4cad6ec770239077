#!/bin/bash
# wineserver gets no memory, each time at another place: "whatever fails, nothing changed in the pool", "a call that failed because the time was over,
# or because its program was ended in the middle of it, leaves no block, no association, no guard behind".
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
${CC:-cc} -shared -fPIC -o "$work/no_memory.so" "$(dirname "$0")/no_memory.c" || exit 1
head -c 4 /dev/zero >"$work/countdown"
NO_MEMORY=$work/countdown LD_PRELOAD=$work/no_memory.so wineserver -p
base=$(find_free_ports)

# starved OPERATION N: sets error, left and again; they are empty when the program did not get so far
starved()
{
    error='' left='' again=''
    read -r _ error _ left _ again < <(timeout 60 wine "$programs/pipe_test.exe" -starved "$1" "$base" "$2" "\\\\?\\unix$work/countdown" \
        2>/dev/null </dev/null | tr -d '\r' | grep '^error')
    head -c 4 /dev/zero | dd of="$work/countdown" conv=notrunc status=none
}

for operation in acquire create
do
    starved $operation 0
    ok "$operation: nothing fails" is "$error $again" "0 0"
    failed=0
    for ((n = 1; n < 60; n++))
    do
        starved $operation $n
        ok "$operation: the program gets an answer" test -n "$error" || break
        test "$left" = 0 || break
        test "$error" = 0 && continue
        failed=$((failed + 1))
        ok "$operation: allocation $n fails, error $error: nothing is left" is "$again" 0
    done
    ok "$operation: failed at each place, of which there are $((n - 1))" test "$n" -lt 60
    ok "$operation: $failed of them made it fail" test "$failed" -gt 0
    echo "$operation: $((n - 1)) allocations, $failed are needed"
done
run_tool status
ok "nothing is left" contains "$work/out" "server: wineserver answers, 0 runtime and 0 persistent reservations, 0 sockets"
ok "no guard is left" contains "$work/out" "guard: 0 ports are guarded, of "
wineserver -k
complete=yes
