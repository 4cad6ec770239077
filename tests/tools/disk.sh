#!/bin/bash
# A prefix on a file system that is mounted read-only, and one on a full disk: each tool says so plainly.
if test -z "${OWN_MOUNTS:-}" && unshare -m true 2>/dev/null
then
    OWN_MOUNTS=yes exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/testlib"
test -n "${OWN_MOUNTS:-}" || skip "only root can mount"

use_prefix
portres=$system32/portres
run_tool install
ok "install" is "$code" 0 || cat "$work/err"
ok "add" is "$(wine netsh int ip add excl tcp 20000 2 2>/dev/null | tr -d '\r')" "Ok."
stop_prefix

# ---- read-only ----

mount --bind "$WINEPREFIX" "$WINEPREFIX" && mount -o remount,bind,ro "$WINEPREFIX"
exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
ok "read-only: a program can reserve ports" wait_for "$work/hold" "^udp"
run_tool status
ok "read-only: status" is "$code" 0
ok "read-only: status says so" contains "$work/out" "prefix: write-protected"
ok "read-only: status says what would be lost" contains "$work/out" "would NOT survive the server"
run_tool list
ok "read-only: list" is "$code" 0
ok "read-only: the store is read" grep -q "^tcp  *20000  *20001  *persistent" "$work/out"
for command in install uninstall
do
    run_tool $command
    ok "read-only: $command fails" is "$code" 1
    ok "read-only: $command says why" contains "$work/err" "write-protected"
done
wine netsh int ip add excl tcp 20010 1 >"$work/out" 2>"$work/err" </dev/null
ok "read-only: netsh add fails" is $? 1
ok "read-only: netsh says why" contains "$work/err" "rite protected"
ok "read-only: in words" lacks "$work/err" "c00000"
run_tool list
ok "read-only: nothing was added" lacks "$work/out" "20010"
exec 3>&-
stop_prefix 2>/dev/null
wait 2>/dev/null
umount -l "$WINEPREFIX"
ok "writable again" touch "$WINEPREFIX/writable"
run_tool list
ok "writable again: nothing was lost, nothing added" is "$(grep -c persistent "$work/out")" 1
stop_prefix

# ---- a full disk ----

mkdir "$work/files"
cp -a "$portres/." "$work/files/"
mount -t tmpfs -o "size=$((10 * $(du -sm "$portres" | cut -f1) / 10 + 2))m" tmpfs "$portres"
cp -a "$work/files/." "$portres/"
exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
ok "full: a program holds ports" wait_for "$work/hold" "^udp"
run_tool status
ok "full: before that nothing is wrong" lacks "$work/out" "NOT survive"
dd if=/dev/zero of="$portres/fill" bs=1k 2>/dev/null
# more than fits into the page that the file has
exec 4> >(exec wine "$programs/pipe_test.exe" -hold 100 >"$work/hold2" 2>&1)
ok "full: reservations are granted all the same" wait_for "$work/hold2" "^udp"
run_tool status
ok "full: status" is "$code" 0
ok "full: status says what would be lost" contains "$work/out" "would NOT survive the server"
server=$(processes_of 'portres\portserver.exe')
wine netsh int ip add excl tcp 20010 1 >"$work/out" 2>"$work/err" </dev/null
result=$?
if test $result = 0
then
    # the page that the journal has was not full
    ok "full: added" contains "$work/out" "Ok."
else
    ok "full: netsh says why" contains "$work/err" "could not do it"
fi
rm "$portres/fill"
for _ in $(seq 50)
do
    run_tool status
    if ! grep -q "^server: answers" "$work/out"
    then
        echo "status, exit code $code:"
        cat "$work/out" "$work/err"
    elif ! grep -q "NOT survive" "$work/out"
    then
        break
    fi
    sleep 0.2
done
ok "room again: status" contains "$work/out" "server: answers"
ok "room again: all is written" lacks "$work/out" "NOT survive"
ok "it is the same server" is "$(processes_of 'portres\portserver.exe')" "$server" || cat "$portres/portserver.log"
kill -9 "$server"
run_tool list
ok "room again: nothing is lost with the server" is "$(grep -c runtime "$work/out")" 103
exec 3>&- 4>&-
stop_prefix
umount -l "$portres"
complete=yes
