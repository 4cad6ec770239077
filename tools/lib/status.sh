# wine-portres status and list; read by it with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154 # what wine-portres sets

# How FILE of FOLDER differs from what install would make of it now, if it does
show_difference()
{
    ours=$libdir/$(folder_arch "$2")-windows/$1
    test -f "$ours" || return
    adapted "$ours" "$(own_file "$1" "$2")" 2>/dev/null | cmp -s - "$2/$1" && return
    if "$libdir/native/overlay-adapt" --same "$ours" "$2/$1" 2>/dev/null
    then
        echo ", but this Wine's own is another one (was Wine updated?); 'wine-portres install' makes it fit"
    else
        echo ", another build than $ours"
    fi
}

# One line for each file; sets incomplete when something is not as install leaves it, and overrides to the DLLs that are ours
show_files()
{
    overrides=
    for folder in "$system32" "$syswow64"
    do
        which=${folder##*/}
        test -e "$folder/ws2_32.dll" || continue
        for file in $OVERLAID
        do
            test -e "$folder/$file" || continue
            if ! is_ours "$folder/$file"
            then
                state="Wine's own"
                case " $REQUIRED " in
                *" $file "*) test "$which" = system32 && incomplete=yes ;;
                esac
            elif ! test -e "$folder/portres/$file"
            then
                state="of wine-portres, but Wine's own is missing from $which/portres"
                incomplete=yes
            else
                state="of wine-portres$(show_difference "$file" "$folder")"
            fi
            is_ours "$folder/$file" && overrides="$overrides ${file%.dll}"
            printf '%-24s %s\n' "$which/$file:" "$state"
        done
    done
}

# of a prefix without the component; does not return
show_status_without()
{
    if find_portres
    then
        run_portres status >"$tmp/status"
        code=$?
        if test $code != "$NO_HOST"
        then
            echo "installed: no; reservations are part of this Wine"
            cat "$tmp/status"
            test $code = 0 || exit 1
            exit
        fi
    fi
    echo "installed: no"
    die_not_installed
}

show_status()
{
    make_tmp
    echo "prefix: $WINEPREFIX, $(echo "$arch" | sed 's/x86_64/64-bit/; s/i386/32-bit/')"
    test -w "$system32" || echo "prefix: write-protected; reservations of processes work, persistent ones can't be created or deleted"
    echo "Wine: $(run_wine --version)"
    test -d "$portres" || show_status_without
    incomplete=
    for file in $PROGRAMS
    do
        test -f "$portres/$file" || incomplete=yes
    done
    write_own_files
    show_files
    if test -n "$incomplete"
    then
        echo "installed: only in part"
        die "an install or uninstall was interrupted; 'wine-portres install' finishes it, 'wine-portres uninstall' takes it out"
    fi
    echo "installed: yes"
    check_new_programs
    if test $? = 5
    then
        echo "programs: those that start now get Wine's own ${not_ours% }: end all of this prefix ('$(end_command)' does it)," \
             "then run 'wine-portres install'"
        run_portres status
        exit 1
    fi
    run_portres status >"$tmp/server"
    code=$?
    cat "$tmp/server"
    ! grep -q 'NOT kept off' "$tmp/server" || show_why_not
    test $code = 0 || exit 1
}

# why the helper does nothing
show_why_not()
{
    if ! test -f "$portres/portguard"
    then
        echo "guard: portguard is not in the prefix; $libdir/native had none when wine-portres was installed here"
    elif ! "$portres/portguard" --version >"$tmp/guard" 2>&1
    then
        echo "guard: portguard does not run here: $(head -n 1 "$tmp/guard")"
    fi
}

list_reservations()
{
    find_portres || die_not_installed
    if test "${1-}" = --watch
    then
        run_portres host
        test $? != "$NO_HOST" || test -f "$portres/portres.exe" || die_not_installed
        WINEDEBUG=${WINEDEBUG:--all}
        export WINEDEBUG
        wine_exec '\\?\unix'"$program" list --watch
    fi
    run_portres list "$@"
    code=$?
    test $code != "$NO_HOST" || die_not_installed
    # Wine has codes of its own
    test $code = 0 || exit 1
}
