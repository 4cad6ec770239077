# wine-portres install and uninstall; read by it with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154,SC2030,SC2031 # what wine-portres sets

# Files that stand before Wine's own, in system32 and (on a 64-bit prefix that runs 32-bit programs) in syswow64.
# One that the build lacks is left as it is, but for the first.
OVERLAID="ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe"
REQUIRED="ws2_32.dll"

# Files of ours alone, in system32/portres
PROGRAMS="portserver.exe portres.exe"
NATIVE_PROGRAMS="portguard"

# Each of our Windows files has this in it, and no file of Wine
MARK="This file is part of wine-portres"

check_writable()
{
    test -w "$system32" || die "$system32 is write-protected (its permissions, or a file system that is mounted read-only): nothing was changed"
}

# One install or uninstall of a prefix at a time. The lock goes with this process, however that ends. Some shells don't give 9 to the
# programs that they start, so flock gets it as its standard input.
lock_prefix()
{
    command -v flock >/dev/null || return 0
    exec 9<"$WINEPREFIX"
    flock -n 0 <&9 || die "another install or uninstall of $WINEPREFIX is at work; wait until it is done"
}

# register or unregister. Of two service managers (exit code 3), as `wineboot --init` leaves them in Wine 8.0, none can be relied on; they
# are gone when the prefix has ended, which it does within seconds when no program runs in it.
run_registration()
{
    for wait in 1 5 0
    do
        run_portres "$@" && return
        test $? = 3 || exit 1
        sleep $wait
    done
    die "Wine runs two service managers in this prefix, as it does after 'wineboot --init': end the programs of this prefix" \
        "('$(end_command)' ends them all), then run this again"
}

is_ours()
{
    grep -q "$MARK" "$1" 2>/dev/null
}

is_wines()
{
    grep -q "Wine \(builtin\|placeholder\) DLL" "$1" 2>/dev/null
}

folder_arch()
{
    case $1 in
    "$syswow64") echo i386 ;;
    *) echo "$arch" ;;
    esac
}

die_unwritable()
{
    die "cannot write $1; is the disk full, or the folder write-protected? Then run this again"
}

# Replace a file in one step: who looks sees the old or the new one, and running programs keep the one they have.
put_file()
{
    rm -f -- "$2.portres-tmp"  # of an install that was interrupted, with another mode
    cp -- "$1" "$2.portres-tmp" && mv -f -- "$2.portres-tmp" "$2" && return
    die_unwritable "$2"
}

# The same, unless it is there
put_changed()
{
    cmp -s "$1" "$2" || put_file "$1" "$2"
}

# As put_file() for one of Wine's own files, with its date, and of a link what it leads to
put_original()
{
    cp -pL -- "$1" "$2.portres-tmp" && mv -f -- "$2.portres-tmp" "$2" && return
    die_unwritable "$2"
}

# in portres/new
make_new_prefix()
(
    unset DISPLAY WAYLAND_DISPLAY
    export WINEPREFIX="$portres/new" WINEDLLOVERRIDES="mscoree,mshtml="
    test "$arch" != i386 || export WINEARCH=win32
    run_wine wineboot --update </dev/null
    wineserver_run -w 8<&- 9<&-
)

# Take Wine's own FILE of FOLDER from a new prefix, to $3: whatever Wine this is, it has its files in a prefix that it makes.
fetch_original()
{
    if ! test -d "$portres/new/drive_c"
    then
        echo "wine-portres: Wine's own $1 is missing from $WINEPREFIX; taking it from a new prefix, which takes a minute" >&2
        mkdir -p -- "$portres/new" || die "cannot make $portres/new"
        make_new_prefix >/dev/null 2>&1
    fi
    is_wines "$portres/new/drive_c/windows/${2##*/}/$1" ||
        die "Wine's own $1 is missing from $2, and '$wine_cmd' makes no prefix that has it: mend that Wine, then run this again"
    put_original "$portres/new/drive_c/windows/${2##*/}/$1" "$3"
}

# What this Wine loads as its own FILE of FOLDER: that in the prefix is older when Wine was updated since.
own_file()
{
    if test -f "$own/${2##*/}/$1"
    then
        echo "$own/${2##*/}/$1"
    else
        echo "$2/portres/$1"
    fi
}

# Have this Wine write its own files to a folder, before they are needed; where it can't, those in the prefix must do
write_own_files()
{
    own=$tmp/own
    for folder in "$system32" "$syswow64"
    do
        program=$libdir/$(folder_arch "$folder")-windows/portres.exe
        test -f "$program" || continue
        test -e "$folder/ws2_32.dll" || continue
        mkdir -p "$own/${folder##*/}" || die "cannot make a folder in $tmp"
        # shellcheck disable=SC2086 # a list of words
        run_wine '\\?\unix'"$program" own '\\?\unix'"$own/${folder##*/}" $OVERLAID </dev/null >/dev/null 2>&1
    done
}

# Print our file $1 as it stands before $2, which is Wine's: with its exports, its version, and all else that programs look up in it
adapted()
{
    "$libdir/native/overlay-adapt" "$1" "$2" && return
    echo "wine-portres: programs will see that $2 has another version than Wine's own, and miss functions that only this Wine has" >&2
    cat -- "$1"
}

# When Wine was updated since an install, what that kept of Wine's own FILE of FOLDER is of the Wine of before: keep that of now, as wineboot
# would have put it into the prefix.
refresh_original()
{
    kept=$2/portres/$1
    of_now=$own/${2##*/}/$1.file
    if ! test -f "$of_now" || ! grep -q "Wine builtin DLL" "$of_now" || ! grep -q "Wine builtin DLL" "$kept"
    then
        return
    fi
    "$libdir/native/overlay-adapt" "$ours" "$kept" >"$tmp/from_kept" 2>/dev/null || return 0
    "$libdir/native/overlay-adapt" "$ours" "$of_now" >"$tmp/from_now" 2>/dev/null || return 0
    cmp -s "$tmp/from_kept" "$tmp/from_now" || put_original "$of_now" "$kept"
}

# Put our FILE before the one of FOLDER: first the original is safe in FOLDER/portres, then ours takes its place. A link is
# kept as a copy of what it leads to, which may go (Proton's prefixes are full of links), and as a text.
overlay()
{
    file=$1 folder=$2
    original=$folder/$file
    ours=$libdir/$(folder_arch "$folder")-windows/$file
    test -f "$ours" || return 0
    is_ours "$ours" || die "$ours is not a file of wine-portres; build again"

    if is_ours "$original"
    then
        test -e "$folder/portres/$file" || fetch_original "$file" "$folder" "$folder/portres/$file"
    elif test -e "$original"
    then
        is_wines "$original" ||
            die "$original is not Wine's own, and wine-portres can stand only before that; move it away, then run this again:" \
                "Wine's is then put in its place"
        keep_link
        put_original "$original" "$folder/portres/$file"
    elif test -L "$original"
    then
        fetch_original "$file" "$folder" "$folder/portres/$file"
        keep_link
    else
        case " $REQUIRED " in
        *" $file "*) fetch_original "$file" "$folder" "$folder/portres/$file" ;;
        *) return 0 ;;
        esac
    fi
    refresh_original "$file" "$folder"
    adapted "$ours" "$(own_file "$file" "$folder")" >"$original.portres-tmp" || die_unwritable "$original"
    if cmp -s "$original.portres-tmp" "$original"
    then
        rm -f -- "$original.portres-tmp"
    else
        mv -f -- "$original.portres-tmp" "$original" || die_unwritable "$original"
    fi
}

keep_link()
{
    if test -L "$original"
    then
        readlink -- "$original" >"$folder/portres/$file.link" || die_unwritable "$folder/portres/$file.link"
    else
        rm -f -- "$folder/portres/$file.link"
    fi
}

# Our own FILE of folder $1 into the prefix; sets restart when there was another one
put_program()
{
    cmp -s "$1/$2" "$portres/$2" && return
    put_file "$1/$2" "$portres/$2"
    restart=--restart
}

# This tool, so that the component can be taken out also when the package is gone
put_tool()
{
    mkdir -p -- "$portres/tool/lib" || die "cannot make $portres/tool"
    for file in "$library"/*.sh
    do
        put_changed "$file" "$portres/tool/lib/${file##*/}"
    done
    test "$(cat "$portres/tool/lib/VERSION" 2>/dev/null)" = "$(version)" ||
        version >"$portres/tool/lib/VERSION" || die_unwritable "$portres/tool/lib/VERSION"
    put_changed "$self" "$portres/tool/wine-portres"
}

is_part_of_wine()
{
    run_wine '\\?\unix'"$libdir/$arch-windows/portres.exe" host
}

# Ask new programs of each kind, which say what they don't get; 5: there is something
check_new_programs()
{
    for folder in "$system32" "$syswow64"
    do
        is_ours "$folder/ws2_32.dll" || continue
        program=$portres/portres.exe
        test "$(folder_arch "$folder")" = "$arch" || program=$libdir/i386-windows/portres.exe
        test -f "$program" || continue
        # shellcheck disable=SC2086 # a list of words
        run_wine '\\?\unix'"$program" check $overrides </dev/null >"$tmp/not_ours"
        case $? in
        0) ;;
        5)
            not_ours=$(tr '\r\n' '  ' <"$tmp/not_ours")
            return 5
            ;;
        *) return 1 ;;
        esac
    done
}

# Some Wines (11) look up the DLLs of system32 when a prefix starts, so that one that runs goes on with those of then.
verify_install()
{
    check_new_programs && return
    # Wine ends it within seconds when no program runs
    test $? != 5 || wineserver_waits
    check_new_programs
    case $? in
    0) return ;;
    5) ;;
    *) die "the files are in place, but no program can be started in $WINEPREFIX; 'wine-portres status' shows more" ;;
    esac
    case " ${WINEDLLOVERRIDES:-} " in
    *ws2_32* | *iphlpapi* | *mswsock*)
        die "the files are in place, but WINEDLLOVERRIDES ($WINEDLLOVERRIDES) makes programs use Wine's own ${not_ours% };" \
            "unset it, then run this again"
        ;;
    esac
    die "the files are in place, but programs that start now still get Wine's own ${not_ours% }: end all programs of this prefix" \
        "('$(end_command)' does it), then run this again"
}

# Wait until the prefix has ended, which it does when no program runs there; at most a few seconds
wineserver_waits()
{
    wineserver_command >/dev/null || return 0
    wineserver_run -w 8<&- 9<&- &
    waiting=$!
    for _ in 1 2 3 4 5 6 7 8 9 10
    do
        kill -0 $waiting 2>/dev/null || break
        sleep 1
    done
    kill $waiting 2>/dev/null
    wait $waiting 2>/dev/null
    return 0
}

install_component()
{
    test -d "$libdir/native" ||
        die "nothing is built in $libdir; run tools/quickstart or make, or set WINE_PORTRES_LIBDIR"
    test -f "$system32/ntdll.dll" ||
        die "$WINEPREFIX is not a whole prefix: it has no ntdll.dll (or a link to a Wine that is gone). Run 'wineboot -u' on it, or," \
            "where Steam or another launcher made it, start its program there once; then run this again"
    for file in $PROGRAMS $REQUIRED
    do
        test -f "$libdir/$arch-windows/$file" ||
            die "$libdir has no $arch-windows/$file, which this prefix needs; run make there, or tools/quickstart" \
                "(the compiler for it, on Debian: gcc-mingw-w64-$(test "$arch" = i386 && echo i686 || echo x86-64))"
    done
    check_writable
    lock_prefix
    # a program of Wine's does not start without its DLLs
    mkdir -p -- "$portres" || die "cannot make $portres"
    rm -rf -- "$portres/new"
    is_ours "$system32/ws2_32.dll" || test -e "$system32/ws2_32.dll" || fetch_original ws2_32.dll "$system32" "$system32/ws2_32.dll"
    if is_part_of_wine
    then
        rmdir -- "$portres" 2>/dev/null
        die "reservations are part of this Wine ($(run_wine --version)): there is nothing to install, and nothing was changed" \
            "$(test -d "$portres" && echo "('wine-portres uninstall' takes out what another Wine has left here)")"
    fi

    make_tmp
    write_own_files
    restart=
    for file in $PROGRAMS
    do
        put_program "$libdir/$arch-windows" "$file"
    done
    for file in $NATIVE_PROGRAMS
    do
        test -f "$libdir/native/$file" && put_program "$libdir/native" "$file"
    done
    put_tool

    overrides=
    for folder in "$system32" "$syswow64"
    do
        test -e "$folder/ws2_32.dll" || test -L "$folder/ws2_32.dll" || continue
        if ! test -f "$libdir/$(folder_arch "$folder")-windows/ws2_32.dll"
        then
            echo "wine-portres: 32-bit programs of this prefix will not see reservations: $libdir has no DLLs for them" \
                 "(on Debian: apt-get install gcc-mingw-w64-i686, build again, then run this again)" >&2
            continue
        fi
        mkdir -p -- "$folder/portres" || die "cannot make $folder/portres"
        rm -f -- "$folder"/*.portres-tmp "$folder"/portres/*.portres-tmp
        for file in $OVERLAID
        do
            overlay "$file" "$folder"
            is_ours "$folder/$file" && overrides="$overrides ${file%.dll}"
        done
    done
    rm -rf -- "$portres/new"

    # shellcheck disable=SC2086 # lists of words
    run_registration register $restart $overrides
    verify_install
    rm -f -- "$portres/once"  # what was put in for one program stays now
    echo "wine-portres: installed in $WINEPREFIX"
}

restore()
{
    file=$1 folder=$2 kept=$2/portres/$1
    is_ours "$folder/$file" || return 0
    if test -f "$kept.link"
    then
        rm -f -- "$folder/$file.portres-tmp"
        ln -s -- "$(cat "$kept.link")" "$folder/$file.portres-tmp" || die_unwritable "$folder/$file"
        if is_wines "$folder/$file.portres-tmp"
        then
            mv -f -- "$folder/$file.portres-tmp" "$folder/$file" || die_unwritable "$folder/$file"
            return
        fi
        # what it led to is gone
        rm -f -- "$folder/$file.portres-tmp"
    fi
    put_original "$kept" "$folder/$file"
}

# The helper holds the ports of a server that was killed for the next one, which does not come
end_guards()
{
    for process in /proc/[0-9]*
    do
        case $(readlink -- "$process/exe") in
        "$portres"/portguard*) kill -9 "${process#/proc/}" ;;
        esac
    done 2>/dev/null
}

uninstall_component()
{
    check_writable
    lock_prefix
    was=$(test -d "$portres" && echo yes)

    # what stops the server is a program that needs Wine's own files
    for folder in "$system32" "$syswow64"
    do
        for file in $OVERLAID
        do
            is_ours "$folder/$file" || continue
            test -e "$folder/portres/$file" || fetch_original "$file" "$folder" "$folder/portres/$file"
        done
    done
    # nothing is registered before install has put this program there, nor while uninstall removes it
    if test -f "$portres/portres.exe"
    then
        names=
        for file in $OVERLAID
        do
            names="$names ${file%.dll}"
        done
        # shellcheck disable=SC2086 # a list of words
        run_registration unregister $names
    fi
    for folder in "$system32" "$syswow64"
    do
        rm -f -- "$folder"/*.portres-tmp
        for file in $OVERLAID
        do
            restore "$file" "$folder"
        done
    done
    end_guards
    rm -rf -- "$syswow64/portres" "$portres" || die "cannot remove $portres; remove it by hand"

    if test -n "$was"
    then
        echo "wine-portres: removed from $WINEPREFIX"
    else
        echo "wine-portres: was not installed in $WINEPREFIX"
    fi
}
