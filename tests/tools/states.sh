#!/bin/bash
# "Each of install, uninstall, status, list does its job with a server that is dead, hung, stopping or of another version, or ends non-zero
# with advice that works"; "'installed' is only said when it was seen".
. "$(dirname "$0")/testlib"

use_prefix
portres=$system32/portres
real=$BUILD/$arch-windows/portserver.exe

server() { processes_of 'portres\portserver.exe'; }

# The helper of this prefix, by its program: its environment may be another's
guards()
{
    local process
    for process in /proc/[0-9]*
    do
        case $(readlink "$process/exe") in
        "$portres"/portguard*) echo "${process#/proc/}" ;;
        esac
    done
}

stop_server() { timeout 60 wine net stop portserver </dev/null >/dev/null 2>&1; }

# So many servers run; wineserver takes a second to kill a process that is stopped
servers_are()
{
    for _ in $(seq 50)
    do
        test "$(server | wc -l)" = "$1" && return
        sleep 0.1
    done
    server
    return 1
}

# Start the fake in the place of the server; the real file is there again at once, as old as before, so that files alone say nothing
start_fake()
{
    stop_server
    echo "$1" >"$portres/fakeserver.mode"
    cp "$programs/fakeserver.exe" "$portres/portserver.exe.new" && mv "$portres/portserver.exe.new" "$portres/portserver.exe"
    timeout 60 wine net start portserver </dev/null >/dev/null 2>&1
    cp "$real" "$portres/portserver.exe.new"
    touch -d '2020-02-02' "$portres/portserver.exe.new" && mv "$portres/portserver.exe.new" "$portres/portserver.exe"
}

# The component is there and works, and a program holds reservations: they keep the prefix running, too
set_up()
{
    run_tool install
    ok "$1: install" is "$code" 0 || cat "$work/err"
    exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
    ok "$1: a program holds ports" wait_for "$work/hold" "^udp"
    tcp=$(tr -d '\r' <"$work/hold" | awk '/^tcp/ { print $2 }')
}

bring_to()
{
    case $1 in
    dead)
        # shellcheck disable=SC2046 # one number
        kill -9 $(server)
        ;;
    hung)
        # shellcheck disable=SC2046 # one number
        kill -STOP $(server)
        ;;
    stopping)
        start_fake stopping
        timeout 60 wine net stop portserver </dev/null >/dev/null 2>&1 &
        sleep 2
        ;;
    other)
        start_fake old
        ;;
    esac
}

tear_down()
{
    exec 3>&-
    stop_prefix
    rm -f "$portres/fakeserver.mode" "$portres/portserver.log"
}

# What the advice must bring about
works()
{
    run_tool install
    ok "$1: install" is "$code" 0 || cat "$work/err"
    run_tool status
    ok "$1: then status" is "$code" 0 || cat "$work/err"
    ok "$1: one server" servers_are 1
    run_tool list
    ok "$1: then list" is "$code" 0 || cat "$work/err"
}

for state in dead hung stopping other
do
    for command in install uninstall status list
    do
        what="$command with a server that is $state"
        set_up "$what"
        bring_to $state
        before=$SECONDS
        run_tool $command
        ok "$what: in time" test $((SECONDS - before)) -lt 60
        case $state,$command in
        *,install)
            ok "$what: exit code" is "$code" 0 || cat "$work/err"
            ok "$what: says so" contains "$work/out" "installed in"
            works "$what"
            case $state in
            dead | hung) ok "$what: no reservation is lost" grep -q "^tcp  *$tcp " "$work/out" ;;
            esac
            ;;
        *,uninstall)
            ok "$what: exit code" is "$code" 0 || cat "$work/err"
            ok "$what: says so" contains "$work/out" "removed from"
            ok "$what: no server" servers_are 0
            ok "$what: no guard" is "$(guards)" ""
            ok "$what: no file" test ! -e "$portres"
            wine reg query 'HKLM\System\CurrentControlSet\Services\portserver' </dev/null >/dev/null 2>&1
            ok "$what: no service" is $? 1
            ;;
        dead,*)
            ok "$what: exit code" is "$code" 0 || cat "$work/err"
            ok "$what: one server" servers_are 1
            run_tool list
            ok "$what: no reservation is lost" grep -q "^tcp  *$tcp " "$work/out"
            ;;
        *)
            ok "$what: exit code" is "$code" 1
            ok "$what: says what to do" contains "$work/err" "wine-portres install"
            works "$what, as advised"
            ;;
        esac
        tear_down
    done
done

# An install that was interrupted has put a new server there, and the old one runs on
set_up "interrupted"
before=$(server)
touch "$portres/portserver.exe"
run_tool install
ok "a server older than its file: exit code" is "$code" 0
ok "a server older than its file is replaced" isnt "$(server)" "$before"
tear_down

# Another build is put there while the server of before lies dead
set_up "another build"
echo >>"$portres/portserver.exe"
bring_to dead
run_tool install
ok "install of another build over a dead server: exit code" is "$code" 0 || cat "$work/err"
works "install of another build over a dead server"
tear_down
complete=yes
