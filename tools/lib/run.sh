# wine-portres run; read by it with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154 # what wine-portres sets

# A program with reservations in a prefix that stays without them: the component is put into it, and the last of these programs that ends
# takes it out. Where it was installed before, it stays.
run_program()
{
    # there is nothing to put into it
    ! test -f "$portres/portres.exe" && test -f "$libdir/$arch-windows/portres.exe" && is_part_of_wine >/dev/null 2>&1 && wine_exec "$@"
    if ! test -f "$portres/portres.exe" || test -f "$portres/once"
    then
        command -v flock >/dev/null || die "run needs the command flock (on Debian: apt-get install util-linux); 'wine-portres install' does without"
        # held by each of them as long as it runs, and alone by who puts the component in or takes it out
        exec 8<"$WINEPREFIX/drive_c"
        flock -s 0 <&8
        # flock lets go of one lock before it takes the other: the last one may end meanwhile
        until test -f "$portres/portres.exe"
        do
            flock -x 0 <&8
            if ! test -f "$portres/portres.exe"
            then
                # an install that is interrupted before the mark is there is one that stays
                (install_component) >&2 || exit 1
                : >"$portres/once"
            fi
            flock -s 0 <&8
        done
        trap ':' INT TERM HUP
    fi
    wine_run "$@" 8<&-
    code=$?
    if test -f "$portres/once" && flock -n -x 0 <&8
    then
        (uninstall_component) >&2 || code=1
    fi
    exit $code
}
