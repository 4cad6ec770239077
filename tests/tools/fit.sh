#!/bin/bash
# The component fits the Wine at hand, whichever comes: other exports, renames that are pending, DLLs that are links, or lost, another C library.
. "$(dirname "$0")/testlib"

use_prefix
exports=$programs/exports.exe
session='HKLM\System\CurrentControlSet\Control\Session Manager'

get_exports() { wine "$exports" "$@" 2>/dev/null </dev/null | tr -d '\r' | tr '\n' ' '; }

# A Wine whose DLLs have more exports
add_exports()
{
    local tomorrow dll
    mapfile -t tomorrow < <(seq -f 'aTomorrow%g' 60; seq -f 'zTomorrow%g' 56)
    for dll in ws2_32 iphlpapi mswsock
    do
        rm "$later_dlls/$arch-windows/$dll.dll"
        # 120 more, sorted in between the others and behind them
        "$srcdir/tests/tools/add_exports" "${unix_dlls%/*}/$arch-windows/$dll.dll" "$later_dlls/$arch-windows/$dll.dll" \
            GetIpInterfaceOfTomorrow WSATomorrow '#' Asleep=kernel32.Sleep "${tomorrow[@]}" >"$work/$dll.number" || echo "no $dll"
    done
}

if make_later_wine
then
    add_exports
    install
    before=$(get_exports ws2_32 WSATomorrow)
    ok "a function that this Wine lacks" is "$before" "WSATomorrow none "
    wineserver -w
    WINE=$later run_tool status
    ok "Wine was updated: status" is "$code" 0 || cat "$work/err"
    for dll in ws2_32 iphlpapi mswsock
    do
        ok "Wine was updated: status tells of $dll" grep -q "/$dll.dll: *of wine-portres, but this Wine's own is another one" "$work/out"
    done
    WINE=$later run_tool install
    ok "Wine was updated: install" is "$code" 0 || cat "$work/err"
    WINE=$later run_tool status
    ok "Wine was updated, install again: status" lacks "$work/out" "another one"
    for dll in ws2_32 iphlpapi mswsock
    do
        number=$(cat "$work/$dll.number")
        is_value=$(WINEDEBUG=-all "$later" "$exports" $dll GetIpInterfaceOfTomorrow WSATomorrow "#$number" Asleep=Sleep aTomorrow1 aTomorrow60 \
            zTomorrow56 NoSuch </dev/null 2>/dev/null | tr -d '\r' | tr '\n' ' ')
        ok "$dll: functions of the later Wine" is "$is_value" "GetIpInterfaceOfTomorrow 1000 WSATomorrow 1001 #$number 1002 \
Asleep is Sleep aTomorrow1 1004 aTomorrow60 1063 zTomorrow56 1119 NoSuch none "
    done
    for dll in ws2_32 iphlpapi mswsock
    do
        ok "Wine was updated, install again: $dll of now is kept" cmp -s "$later_dlls/$arch-windows/$dll.dll" "$system32/portres/$dll.dll"
    done
    wineserver -w
    # back to the Wine of before
    ok "a Wine without them: they are not there" is "$(get_exports ws2_32 WSATomorrow aTomorrow7)" "WSATomorrow none aTomorrow7 none "
    run_tool status
    ok "a Wine without them: status tells" contains "$work/out" "makes it fit"
    run_tool install
    ok "a Wine without them: install" is "$code" 0 || cat "$work/err"
    run_tool uninstall
    ok "uninstall" is "$code" 0 || cat "$work/err"
    for file in ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe
    do
        ok "uninstall: $file is of this Wine" cmp -s "$PRISTINE/drive_c/windows/system32/$file" "$system32/$file"
    done
    wineserver -w
else
    echo "Tests skipped: Wine is not where Debian has it, so that no other one can be made of it"
fi

# Wine 11 leaves renames of its own DLLs in a fresh prefix
put_pending()
{
    cp "$system32/${2:-}ws2_32.dll" "$WINEPREFIX/drive_c/new.dll"
    printf 'new' >>"$WINEPREFIX/drive_c/new.dll"
    # a file to delete, and one to move
    printf '%s\0' '\??\C:\old' '' '\??\C:\new.dll' "!\\??\\C:\\Windows\\System32\\$1" '' | od -An -v -tx1 |
        tr -s ' \n' '\n' | sed -n '/../p' | paste -s -d , | sed 's/^/"PendingFileRenameOperations"=hex(7):/' >"$work/value"
    printf 'REGEDIT4\n\n[%s]\n' "${session/HKLM/HKEY_LOCAL_MACHINE}" | cat - "$work/value" >"$work/pending.reg"
    wine regedit "$work/pending.reg" >/dev/null 2>&1 </dev/null
}
# with / for the 0 at the end of each text
get_pending()
{
    wine regedit -e "$work/got.reg" "${session/HKLM/HKEY_LOCAL_MACHINE}" >/dev/null 2>&1 </dev/null
    tr -d '\0\r' <"$work/got.reg" | perl -0777 -ne 's/\\\n *//g; /^"PendingFile.*?hex\(7\):(.*)$/m or exit;
        print map { $_ ? chr : "/" } unpack "v*", pack "C*", map { hex } split /,/, $1'
}

# a prefix that ends would do them when it starts again
exec 5> >(exec wine cmd.exe >/dev/null 2>&1)
put_pending WS2_32.dll
pending=$(get_pending)
ok "a pending rename" is "$pending" '\??\C:\old//\??\C:\new.dll/!\??\C:\Windows\System32\WS2_32.dll//'
run_tool install
ok "a pending rename: install" is "$code" 0 || cat "$work/err"
ok "a pending rename: goes to Wine's own" is "$(get_pending)" "${pending/System32\\/System32\\portres\\}"
run_tool uninstall
ok "a pending rename, uninstall: is as it was" is "$(get_pending)" "$pending"
run_tool install
exec 5>&-
stop_prefix
run_tool status
ok "a pending rename, after a restart: status" is "$code" 0 || cat "$work/err"
ok "a pending rename: was done" test ! -e "$WINEPREFIX/drive_c/new.dll"
ok "a pending rename: ours is in its place" grep -q "part of wine-portres" "$system32/ws2_32.dll"
ok "a pending rename: Wine's is the new one" is "$(tail -c 3 "$system32/portres/ws2_32.dll")" new
ok "programs run" contains <(get_exports ws2_32 NoSuch) "NoSuch none"

# New programs that get Wine's DLL, as those of a Wine that has looked it up when the prefix started: only a real one has that, but
# what counts is what is seen
WINEDLLOVERRIDES="mscoree,mshtml=;ws2_32=b" run_tool install
ok "WINEDLLOVERRIDES: install fails" is "$code" 1
ok "WINEDLLOVERRIDES: says why" contains "$work/err" "WINEDLLOVERRIDES (mscoree,mshtml=;ws2_32=b) makes programs use Wine's own ws2_32"
wine reg add 'HKCU\Software\Wine\AppDefaults\portres.exe\DllOverrides' /v ws2_32 /d builtin /f >/dev/null 2>&1 </dev/null
run_tool install
ok "new programs get Wine's: install fails" is "$code" 1
ok "new programs get Wine's: says what to do" contains "$work/err" "wineserver -k' does it), then run this again"
run_tool status
ok "new programs get Wine's: status" is "$code" 1
ok "new programs get Wine's: status tells" contains "$work/out" "programs: those that start now get Wine's own ws2_32:"
wine reg delete 'HKCU\Software\Wine\AppDefaults\portres.exe' /f >/dev/null 2>&1 </dev/null
run_tool install
ok "new programs get ours: install" is "$code" 0 || cat "$work/err"
run_tool uninstall
wineserver -w

# KnownDLLs of Wine 11: a session keeps the ws2_32 that was there when it began. This Wine does as if it had that.
mkdir "$work/known"
cat >"$work/known/wine" <<EOF
#!/bin/sh
test -e "$work/session" || { grep -q "part of wine-portres" "$system32/ws2_32.dll" && echo ours || echo "Wine's"; } >"$work/session"
test "\$(cat "$work/session")" = ours || export WINEDLLOVERRIDES="\$WINEDLLOVERRIDES;ws2_32=b"
exec "$(command -v wine)" "\$@"
EOF
cat >"$work/known/wineserver" <<EOF
#!/bin/sh
"$(command -v wineserver)" "\$@"
rm -f "$work/session"
EOF
chmod +x "$work"/known/*
known() { WINE=$work/known/wine run_tool "$@"; }
exec 5> >(exec "$work/known/wine" cmd.exe >/dev/null 2>&1)
known install
ok "KnownDLLs: install into a prefix that runs fails" is "$code" 1
ok "KnownDLLs: says what to end" contains "$work/err" "wineserver -k' does it), then run this again"
known status
ok "KnownDLLs: status fails" is "$code" 1
exec 5>&-
"$work/known/wineserver" -k
known install
ok "KnownDLLs: after what it says, install" is "$code" 0 || cat "$work/err"
known status
ok "KnownDLLs: status" is "$code" 0 || cat "$work/out"
ok "KnownDLLs: programs have reservations" "$work/known/wine" "$programs/demo.exe" </dev/null >"$work/demo" 2>&1
known uninstall
ok "KnownDLLs: uninstall" is "$code" 0 || cat "$work/err"
"$work/known/wineserver" -k

# Proton's prefixes have links to the files of that Proton
make_links()
{
    local file
    mkdir -p "$work/proton"
    for file in ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe
    do
        cp "$PRISTINE/drive_c/windows/system32/$file" "$work/proton/"
        rm -f "$system32/$file"
        ln -s "$1/$file" "$system32/$file"
    done
}
make_links "$work/proton"
# a relative one
ln -sf "../../../../proton/iphlpapi.dll" "$system32/iphlpapi.dll"
run_tool install
ok "links: install" is "$code" 0 || cat "$work/err"
run_tool uninstall
ok "links: uninstall" is "$code" 0 || cat "$work/err"
ok "links: they are back" is "$(readlink "$system32/ws2_32.dll") $(readlink "$system32/iphlpapi.dll")" \
    "$work/proton/ws2_32.dll ../../../../proton/iphlpapi.dll"
run_tool install
rm -r "$work/proton"
stop_prefix
run_tool status
ok "the links' files are gone: status" is "$code" 0 || cat "$work/err"
ok "the links' files are gone: programs run" contains <(get_exports ws2_32 NoSuch) "NoSuch none"
run_tool uninstall
ok "the links' files are gone: uninstall" is "$code" 0 || cat "$work/err"
for file in ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe
do
    ok "the links' files are gone: $file is there" cmp -s "$PRISTINE/drive_c/windows/system32/$file" "$system32/$file"
done
ok "without the component: programs run" contains <(get_exports ws2_32 NoSuch) "NoSuch none"
wineserver -w

# Links to nothing, before the install: Wine's files come from a new prefix
make_links "$work/proton"
rm -r "$work/proton"
run_tool install
ok "links to nothing: install" is "$code" 0 || cat "$work/err"
ok "links to nothing: says what it does" contains "$work/err" "taking it from a new prefix"
ok "links to nothing: nothing of that is left" test ! -e "$system32/portres/new"
run_tool status
ok "links to nothing: status" is "$code" 0 || cat "$work/err"
stop_prefix
rm "$system32/portres/ws2_32.dll"
run_tool uninstall
ok "Wine's own is lost: uninstall" is "$code" 0 || cat "$work/err"
ok "Wine's own is lost: it is there" cmp -s "$PRISTINE/drive_c/windows/system32/ws2_32.dll" "$system32/ws2_32.dll"
ok "Wine's own is lost: programs run" contains <(get_exports ws2_32 NoSuch) "NoSuch none"
wineserver -w

# The helper needs no C library where it runs
mkdir "$work/root"
cp "$BUILD/native/portguard" "$work/root/"
if test "$(id -u)" = 0 && ldd "$BUILD/native/portguard" 2>&1 | grep -q 'not a dynamic'
then
    ok "portguard in a system without a C library" is "$(chroot "$work/root" /portguard --version)" "$("$BUILD/native/portguard" --version)"
fi
mkdir -p "$work/lib/native"
ln -s "$BUILD/$arch-windows" "$work/lib/"
ln -s "$BUILD/native/overlay-adapt" "$work/lib/native/"
# as one for another system says it
printf '%s\n' '#!/bin/sh' 'echo "GLIBC_2.99 not found" >&2' 'exit 1' >"$work/lib/native/portguard"
chmod +x "$work/lib/native/portguard"
WINE_PORTRES_LIBDIR=$work/lib run_tool install
ok "portguard does not run: install" is "$code" 0 || cat "$work/err"
WINE_PORTRES_LIBDIR=$work/lib run_tool status
ok "portguard does not run: status says why" contains "$work/out" "guard: portguard does not run here: GLIBC_2.99 not found"
ok "portguard does not run: the log says so" grep -q 'portguard ended without an answer' "$system32/portres/portserver.log"
WINE_PORTRES_LIBDIR=$work/lib run_tool doctor
ok "portguard does not run: doctor" is "$code" 1
ok "portguard does not run: doctor says why" contains "$work/out" "GLIBC_2.99 not found"
complete=yes
