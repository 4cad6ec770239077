# How every tool here finds Wine, and the wineserver that belongs to it; read by them with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh
#
# The rule: WINE, which may be a command with arguments ("flatpak run org.winehq.Wine"); else WINELOADER; else 'wine' in PATH; else where
# packages put it without a link in PATH. The wineserver: WINESERVER; else the one beside that wine; else, for a wine that is in PATH and not
# given by hand, the one in PATH or of Debian. Another wineserver could be of another Wine, and two Wines on one prefix damage it.

# Print the command of Wine; fails where there is none
wine_command()
{
    if test -n "${WINE:-${WINELOADER:-}}"
    then
        echo "${WINE:-$WINELOADER}"
        return
    fi
    for wine_try in wine wine64 /usr/lib/wine/wine64 /usr/lib/wine/wine /opt/wine-stable/bin/wine /opt/wine-staging/bin/wine \
        /opt/wine-devel/bin/wine
    do
        command -v "$wine_try" >/dev/null || continue
        echo "$wine_try"
        return
    done
    return 1
}

# find_wine: set wine_words to 1 where the command is several words, else to nothing; fails where it can't be run
find_wine()
{
    wine_cmd=$(wine_command) || return 1
    wine_words=
    if command -v "$wine_cmd" >/dev/null
    then
        case $wine_cmd in
        [!/]*/*) wine_cmd=$PWD/$wine_cmd ;;
        esac
        return
    fi
    wine_words=1
    command -v "${wine_cmd%% *}" >/dev/null
}

# wine_run ARGUMENT...: run Wine, after find_wine
wine_run()
{
    if test -n "$wine_words"
    then
        # shellcheck disable=SC2086 # it is a list of words
        $wine_cmd "$@"
    else
        "$wine_cmd" "$@"
    fi
}

# The same in place of this shell, so that a signal to this process ends it
wine_exec()
{
    if test -n "$wine_words"
    then
        # shellcheck disable=SC2086 # it is a list of words
        exec $wine_cmd "$@"
    else
        exec "$wine_cmd" "$@"
    fi
}

# Print the command of the wineserver, after find_wine; fails where none is known to belong to that wine
wineserver_command()
{
    if test -n "${WINESERVER:-}"
    then
        echo "$WINESERVER"
        return
    fi
    if test -n "$wine_words"
    then
        case $wine_cmd in
        flatpak\ run\ * | */flatpak\ run\ *) echo "${wine_cmd%% run *} run --command=wineserver ${wine_cmd#* run }" ;;
        *) return 1 ;;
        esac
        return
    fi
    wine_path=$(command -v "$wine_cmd")
    for wine_try in "$wine_path" "$(readlink -f -- "$wine_path")"
    do
        test -x "${wine_try%/*}/wineserver" || continue
        echo "${wine_try%/*}/wineserver"
        return
    done
    test -z "${WINE:-${WINELOADER:-}}" || return 1
    for wine_try in wineserver /usr/lib/wine/wineserver
    do
        command -v "$wine_try" >/dev/null || continue
        echo "$wine_try"
        return
    done
    return 1
}

# wineserver_run ARGUMENT...: run the wineserver that belongs to it
wineserver_run()
{
    wineserver_cmd=$(wineserver_command) || return 1
    if command -v "$wineserver_cmd" >/dev/null
    then
        "$wineserver_cmd" "$@"
    else
        # shellcheck disable=SC2086 # it is a list of words
        $wineserver_cmd "$@"
    fi
}

# quote WORD: print it so that a shell takes it as it is
quote()
{
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# use_wine FOLDER: put commands 'wine' and 'wineserver' in a new folder in FOLDER, and that before PATH, so that all that is started from
# here uses this Wine. Not where 'wine' and the 'wineserver' in PATH are that already. Fails where there is no Wine.
use_wine()
{
    find_wine || return 1
    wineserver_cmd=$(wineserver_command) || wineserver_cmd=
    if test "$wine_cmd" = wine && test -z "${WINESERVER:-}" && test "$(command -v wineserver)" = "$(command -v "${wineserver_cmd:-wineserver}")"
    then
        unset WINE WINELOADER
        return
    fi
    # shellcheck disable=SC2154 # the loop sets it
    wine_script=$(
        for wine_name in WINELOADER WINESERVER
        do
            eval "wine_value=\${$wine_name:-}"
            test -z "$wine_value" || echo "export $wine_name=$(quote "$wine_value")"
        done)
    wine_folder=$1/$(echo "$wine_cmd $wineserver_cmd $wine_script" | cksum | tr ' ' -)
    mkdir -p "$wine_folder" || return 1
    wine_shim wine "$wine_cmd" "$wine_words"
    if test -n "$wineserver_cmd"
    then
        wine_shim wineserver "$wineserver_cmd" "$(command -v "$wineserver_cmd" >/dev/null || echo words)"
    else
        printf '%s\n' '#!/bin/sh' 'echo "no wineserver is known that belongs to this Wine; set WINESERVER" >&2' 'exit 1' >"$wine_folder/wineserver.$$"
        chmod +x "$wine_folder/wineserver.$$" && mv -f "$wine_folder/wineserver.$$" "$wine_folder/wineserver"
    fi
    PATH=$wine_folder:$PATH
    unset WINE WINELOADER WINESERVER
}

# wine_shim NAME COMMAND WORDS
wine_shim()
{
    wine_path=$2
    test -n "$3" || wine_path=$(quote "$(command -v "$2")")
    printf '#!/bin/sh\n%s\nexec %s "$@"\n' "$wine_script" "$wine_path" >"$wine_folder/$1.$$" &&
        chmod +x "$wine_folder/$1.$$" && mv -f "$wine_folder/$1.$$" "$wine_folder/$1"
}
