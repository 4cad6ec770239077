#!/bin/bash
# wine-portres install, uninstall and status on a real prefix.
. "$(dirname "$0")/testlib"

use_prefix

snapshot()
{
    # without the dates of keys, and the numbers that Wine counts itself
    (cd "$WINEPREFIX/drive_c/windows" && find . -type f -printf '%p %m %s %T+\n' -o -type l -printf '%p -> %l\n' -o -type d -printf '%p\n' |
        sort) >"$work/files.$1"
    sed 's/^\(\[.*\]\) [0-9]*$/\1/; /^#time=/d' "$WINEPREFIX/user.reg" >"$work/user.$1"
    sed 's/^\(\[.*\]\) [0-9]*$/\1/; /^#time=/d' "$WINEPREFIX/system.reg" >"$work/system.$1"
}

overrides() { wine reg query 'HKCU\Software\Wine\DllOverrides' 2>/dev/null | tr -d '\r' | awk 'NF == 3 {print $1, $3}' | sort | tr '\n' ' '; }

# The user has an override of his own for one of our DLLs, and one that is not our business
wine reg add 'HKCU\Software\Wine\DllOverrides' /v iphlpapi /d builtin /f >/dev/null 2>&1
wine reg add 'HKCU\Software\Wine\DllOverrides' /v d3d9 /d native /f >/dev/null 2>&1
wineserver -w
ok "overrides of the user" is "$(overrides)" "d3d9 native iphlpapi builtin "
wineserver -w
snapshot before

run_tool status
ok "status before: exit code" isnt $code 0
ok "status before: says what to do" contains "$work/err" "wine-portres install"
run_tool list
ok "list before: exit code" isnt $code 0
ok "list before: says what to do" contains "$work/err" "wine-portres install"

# A program that runs already
exec 5> >(exec wine "$programs/pipe_test.exe" -hold >"$work/old" 2>&1)
sleep 3
run_tool install
ok "install: exit code" is $code 0 || cat "$work/err"
ok "install: says which programs keep Wine's DLLs" contains "$work/out" "pipe_test.exe"
exec 5>&-
expected="d3d9 native "
for file in iphlpapi.dll mswsock.dll netsh.exe ws2_32.dll
do
    test ! -f "$BUILD/$arch-windows/$file" || expected="$expected${file%.dll} native,builtin "
done
ok "overrides while installed" is "$(overrides)" "$expected"
# Debian's Wine ends the prefix, and with it the server, as soon as no program runs there: let one run
exec 5> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
for _ in $(seq 100)
do
    grep -qs "^udp" "$work/hold" && break
    sleep 0.1
done
run_tool status
ok "status: exit code" is $code 0 || cat "$work/err"
ok "status: the server answers" contains "$work/out" "server: answers"
ok "status: the version of Wine" contains "$work/out" "$(wine --version 2>/dev/null | cut -d' ' -f1)"
wine winecfg -v win7
run_tool status
ok "status of a Windows 7: exit code" is $code 0
ok "status of a Windows 7: says what to do" contains "$work/out" "Windows: version 6.1; some programs (msquic) reserve ports only from 10.0 on: 'wine winecfg -v win10'"
wine winecfg -v win10
run_tool status
ok "status of a Windows 10" is "$(grep '^Windows:' "$work/out")" "Windows: version 10.0"
ok "status: native programs are kept off" lacks "$work/out" "NOT kept off"
server=$(grep -o 'process [0-9]*' "$work/out")

run_tool install
ok "install again: exit code" is $code 0
run_tool status
ok "install again: the server is the same" is "$(grep -o 'process [0-9]*' "$work/out")" "$server"
exec 5>&-

# A file of another build is replaced, the server with it
echo >>"$system32/portres/portserver.exe"
run_tool install
ok "install over another build: exit code" is $code 0
ok "install over another build: the file" cmp -s "$BUILD/$arch-windows/portserver.exe" "$system32/portres/portserver.exe"
run_tool status
ok "install over another build: status" is $code 0

# A second server in the prefix would give the same ports away again
timeout 30 wine "C:\\windows\\system32\\portres\\portserver.exe" --foreground >"$work/out" 2>"$work/err" </dev/null
ok "a second server ends" is $? 1
ok "a second server says why" contains "$work/err" "another portserver runs"
run_tool status
ok "a second server leaves the first alone" is $code 0

# The server comes again with the prefix
stop_prefix
run_tool status
ok "after a restart of the prefix: status" is $code 0 || cat "$work/err"

# An update of the prefix by Wine
wine wineboot --update >/dev/null 2>&1
run_tool status
ok "after wineboot --update: status" is $code 0
ok "after wineboot --update: our files are there" lacks "$work/out" "ws2_32.dll:     Wine's own"

exec 5> >(exec wine "$programs/pipe_test.exe" -hold >"$work/new" 2>&1)
sleep 3
ok "a program reserves ports" contains "$work/new" "tcp "
run_tool uninstall
ok "uninstall: exit code" is $code 0 || cat "$work/err"
ok "uninstall: says which programs keep ours" contains "$work/out" "pipe_test.exe"
exec 5>&-
ok "uninstall: the program that keeps ours can bind to what was reserved" wait_for "$work/new" "bind 0"
ok "overrides after uninstall" is "$(overrides)" "d3d9 native iphlpapi builtin "
wineserver -w
snapshot after
# wineboot --update, above, touches many files of its own
sed -i 's/ [0-9-]*+[0-9:.]*$//' "$work/files.before" "$work/files.after"
ok "uninstall gives back the same files" same "$work/files.before" "$work/files.after"
ok "uninstall gives back the same registry of the user" same "$work/user.before" "$work/user.after"
ok "uninstall leaves no service" is "$(grep -ci 'portserver\|portres' "$work/system.after")" 0
for file in ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe
do
    ok "uninstall gives back $file" cmp -s "$PRISTINE/drive_c/windows/system32/$file" "$system32/$file"
done
run_tool uninstall
ok "uninstall again: exit code" is $code 0
run_tool status
ok "status after: exit code" isnt $code 0

# What goes wrong is said, with what to do, and changes nothing
run_tool
ok "no command: exit code" isnt $code 0
run_tool frobnicate
ok "unknown command: exit code" isnt $code 0
ok "unknown command: says what to do" contains "$work/err" "--help"
run_tool install --json
ok "unknown option: exit code" isnt $code 0
WINEPREFIX=$work/nothing run_tool install
ok "no prefix: exit code" isnt $code 0
ok "no prefix: says what to do" contains "$work/err" "wineboot -u"
WINE_PORTRES_LIBDIR=$work/nothing run_tool install
ok "nothing built: exit code" isnt $code 0
ok "nothing built: says what to do" contains "$work/err" "tools/quickstart"
# a build without what is not needed in any case
mkdir "$work/lib" "$work/lib/native"
ln -s "$BUILD/$arch-windows" "$work/lib/"
ln -s "$BUILD/native/portguard" "$work/lib/native/"
WINE=no-such-wine run_tool install
ok "no Wine: exit code" isnt $code 0
ok "no Wine: says what to do" contains "$work/err" "install Wine"
snapshot errors
sed -i 's/ [0-9-]*+[0-9:.]*$//' "$work/files.errors"
ok "errors change no file" same "$work/files.before" "$work/files.errors"
run_tool --help
ok "help: exit code" is $code 0
ok "help: is there" contains "$work/out" "uninstall"

# What can't be adapted is taken as it was built, with the numbers of Wine 8.0, and that is said
WINE_PORTRES_LIBDIR=$work/lib run_tool install
ok "without overlay-adapt: exit code" is $code 0
ok "without overlay-adapt: says so" contains "$work/err" "another version than Wine's own"
ok "without overlay-adapt: the DLL is as it was built" cmp -s "$BUILD/$arch-windows/ws2_32.dll" "$system32/ws2_32.dll"
run_tool status
ok "adapted another way: status tells" contains "$work/out" "makes it fit"
run_tool install
ok "with overlay-adapt: the DLL is another one" isnt "$(cksum <"$BUILD/$arch-windows/ws2_32.dll")" "$(cksum <"$system32/ws2_32.dll")"
touch -d '2020-01-01' "$system32/ws2_32.dll"
run_tool install
ok "install again leaves an adapted DLL alone" is "$(stat -c %Y "$system32/ws2_32.dll")" "$(date -d 2020-01-01 +%s)"
run_tool uninstall
ok "uninstall of an adapted DLL: exit code" is $code 0
wineserver -w

# `wineboot --init` as the first program of a prefix leaves two service managers there as long as it runs (Wine 8.0)
wine wineboot --init </dev/null >/dev/null 2>&1
run_tool install
ok "right after wineboot --init: exit code" is $code 0
run_tool status
ok "right after wineboot --init: the server answers" is $code 0
run_tool uninstall
ok "right after wineboot --init, uninstall: exit code" is $code 0
wineserver -w
exec 5> >(exec wine "$programs/pipe_test.exe" -hold >/dev/null 2>&1)
holder=$!
wine wineboot --init </dev/null >/dev/null 2>&1 5>&-
if test "$(processes_of services.exe | wc -l)" = 2
then
    run_tool install 5>&-
    ok "two service managers: exit code" isnt $code 0
    ok "two service managers: says what to do" contains "$work/err" "wineserver -k"
fi
exec 5>&-
wait "$holder"
stop_prefix
run_tool install
ok "after two service managers: exit code" is $code 0
complete=yes
