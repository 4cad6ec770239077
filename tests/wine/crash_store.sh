#!/bin/bash
# Rounds of changes of the store and kills of wineserver: "A Create that returned NO_ERROR survives kill -9 of everything, wineserver included; so
# does a Delete." And that a change which cannot be written is refused. Arguments: number of rounds (10).
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
rounds=${1:-10}
declare -A blocks=()

table()
{
    timeout 60 wine netsh interface ipv4 show excludedportrange "$1" 2>/dev/null </dev/null | tr -d '\r' |
        awk -v protocol="$1" '$3 == "*" && $1 ~ /^[0-9]+$/ { print protocol, $1, $2 - $1 + 1 }'
}

expected()
{
    test ${#blocks[@]} = 0 || printf '%s\n' "${!blocks[@]}"
}

change()
{
    timeout 60 wine netsh interface ipv4 "$1" excludedportrange "$2" "$3" "$4" >/dev/null 2>&1 </dev/null
}

for ((round = 1; round <= rounds; round++))
do
    for ((i = 0; i < 4; i++))
    do
        protocol=$( ((RANDOM % 2)) && echo tcp || echo udp)
        block="$protocol $((20000 + RANDOM % 40 * 10)) 10"
        # shellcheck disable=SC2086 # three words
        if test -n "${blocks[$block]:-}"
        then
            change delete $block && unset "blocks[$block]"
        else
            change add $block && blocks[$block]=1
        fi
    done
    # a client that finds the socket of one that is dead waits for it
    # shellcheck disable=SC2046 # numbers
    kill -9 $(processes_of wineserver) 2>/dev/null
    # shellcheck disable=SC2046
    kill -9 $(processes_of .exe) 2>/dev/null
    ok "round $round: nothing acknowledged is lost" test "$( (table tcp; table udp) | sort)" = "$(expected | sort)" ||
        { expected | sort; echo --; table tcp; table udp; }
done

ok "its file grows by 4096 bytes" is "$(($(stat -c %s "$WINEPREFIX/ports.journal") % 4096))" 0
ok "none of it is damaged" test ! -e "$WINEPREFIX/ports.journal.damaged"

# a journal that can't be written: root writes through permissions, but not into a folder
wineserver -k
timeout 60 wineserver -w
mv "$WINEPREFIX/ports.journal" "$work/"
mkdir "$WINEPREFIX/ports.journal"
ok "a change that can't be written is refused" eval '! change add tcp 33333 1'
ok "and leaves nothing" test -z "$(table tcp | grep ' 33333 ')"
wineserver -k
timeout 60 wineserver -w
rmdir "$WINEPREFIX/ports.journal"
mv "$work/ports.journal" "$WINEPREFIX/"
ok "afterwards all is as before" test "$( (table tcp; table udp) | sort)" = "$(expected | sort)"
complete=yes
