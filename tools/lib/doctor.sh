# wine-portres doctor; read by it with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154 # what wine-portres sets

version()
{
    cat "$library/VERSION" 2>/dev/null || sed -n 's/^AC_INIT(\[wine-portres\],\[\(.*\)\])$/\1/p' "$here/../configure.ac"
}

# fine TEXT, wrong TEXT WHAT-TO-DO, hint TEXT WHAT-TO-DO
fine()
{
    printf '%sok%s      %s\n' "$green" "$plain" "$1"
}

wrong()
{
    printf '%sWRONG%s   %s\n        %s\n' "$red" "$plain" "$1" "$2"
    problems=$((problems + 1))
}

hint()
{
    printf '%snote%s    %s\n        %s\n' "$yellow" "$plain" "$1" "$2"
}

set_colours()
{
    red='' green='' yellow='' plain=''
    test -t 1 && test -z "${NO_COLOR:-}" && test "${TERM:-dumb}" != dumb || return 0
    plain=$(printf '\033[0m') red=$(printf '\033[31m') green=$(printf '\033[32m') yellow=$(printf '\033[33m')
}

examine_build()
{
    for one in x86_64 i386
    do
        if test -f "$libdir/$one-windows/ws2_32.dll"
        then
            fine "there are DLLs for $one in $libdir"
        elif test $one = "$arch" || { test $one = i386 && test -e "$syswow64/ws2_32.dll"; }
        then
            wrong "there are no DLLs for $one in $libdir, which programs of this prefix need" \
                "install the compiler for them (on Debian: gcc-mingw-w64-$(echo $one | sed 's/i386/i686/; s/_/-/')) and build again"
        fi
    done
    if "$libdir/native/portguard" --version >"$tmp/guard" 2>&1
    then
        fine "portguard, the helper that holds ports, runs here"
    else
        wrong "$libdir/native/portguard, the helper that holds ports, does not run here: $(head -n 1 "$tmp/guard")" \
            "build on this system; until then native programs can take reserved TCP ports"
    fi
}

examine_limits()
{
    # shellcheck disable=SC3045 # those that are a Debian's, Fedora's or Arch's /bin/sh have it, and mksh
    limit=$(ulimit -H -n)
    if test "$limit" = unlimited || test "$limit" -ge 4096
    then
        fine "a process may have $limit descriptors: about as many ports can be reserved at once"
    else
        hint "a process may have only $limit descriptors, and each reserved port needs one" \
            "raise the hard limit of 'nofile' in /etc/security/limits.conf"
    fi
    first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)
    test "$first" = 0 || test "$(id -u)" = 0 ||
        hint "ports below $first are for root only; to reserve one gives error 10013" \
            "'sysctl net.ipv4.ip_unprivileged_port_start=0', as root, lets everybody have them"
}

examine_prefix()
{
    if test -w "$system32"
    then
        fine "$WINEPREFIX is a prefix, $(echo "$arch" | sed 's/x86_64/64-bit/; s/i386/32-bit/')"
    else
        wrong "$system32 is write-protected" "change its permissions, or mount its file system for writing"
    fi
    examine_build
    # in a process of its own, which ends where something is wrong
    (show_status) >"$tmp/status" 2>"$tmp/errors"
    code=$?
    why=$(tail -n 1 "$tmp/errors" | sed 's/^wine-portres: //')
    if test $code = 0
    then
        fine "reservations work: $(grep '^server:' "$tmp/status" | head -n 1)"
    else
        wrong "${why:-reservations do not work}" "'wine-portres status' shows more"
    fi
    grep -E 'NOT|makes it fit|another build|some programs|programs: ' "$tmp/status" >"$tmp/notes"
    while read -r line
    do
        hint "$line" "'wine-portres status' shows more"
    done <"$tmp/notes"
}

examine()
{
    make_tmp
    set_colours
    problems=0
    if find_wine
    then
        fine "Wine is '$wine_cmd': $(run_wine --version 2>&1 | tail -n 1)"
        if wineserver_cmd=$(wineserver_command)
        then
            fine "its wineserver is '$wineserver_cmd'"
        else
            hint "no wineserver is known that belongs to it" "set WINESERVER to it"
        fi
    else
        wrong "there is no command '${WINE:-${WINELOADER:-wine}}'" "install Wine (on Debian: apt-get install wine), or set WINE to where it is"
    fi
    examine_limits
    if ! use_prefix "${WINEPREFIX:-$HOME/.wine}"
    then
        wrong "there is no Wine prefix in $WINEPREFIX" "make it with 'wineboot -u', or give another by --prefix"
    elif find_wine
    then
        examine_prefix
    fi
    test $problems = 0 || exit 1
}
