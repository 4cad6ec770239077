#!/bin/bash
# "a port that the host does not let this user bind": the host says which (net.ipv4.ip_unprivileged_port_start), with the helper and without.
. "$(dirname "$0")/testlib"

start=/proc/sys/net/ipv4/ip_unprivileged_port_start
if test -z "${LOW_PORTS_INSIDE:-}"
then
    if test "$(id -u)" != 0 || ! unshare -n true 2>/dev/null
    then
        skip "only root may change $start in a network of its own"
    fi
    rm -rf "$work"
    # as an ordinary user's programs, which may not bind to every port
    exec unshare -n env LOW_PORTS_INSIDE=1 setpriv --inh-caps=-net_bind_service --bounding-set=-net_bind_service bash "$0"
fi
ip link set lo up

take() { timeout 30 wine "$programs/pipe_test.exe" -take "$@" 2>/dev/null </dev/null | tr -d '\r' | grep '^bind'; }

# the server has three seconds for a request
wildcard()
{
    timeout 60 wine "$programs/pipe_test.exe" -hold 20 2>/dev/null </dev/null | tr -d '\r' >"$work/hold"
    ok "$1: from $2 on: wildcard blocks are granted" lacks "$work/hold" "Test failed"
    ok "$1: from $2 on: of those ports" is "$(awk -v first="$2" '/^(tcp|udp)/ { n++; bad += $2 < first } END { print n, bad + 0 }' "$work/hold")" "21 0"
}

check_ports()
{
    echo 32000 >"$start"
    wildcard "$1" 32000
    echo 2000 >"$start"
    ok "$1: from 2000 on: 1500 is kept from this user" is "$(take tcp 1500)" "bind 10013 acquire 10013"
    ok "$1: from 2000 on: 1500 of UDP" is "$(take udp 1500)" "bind 10013 acquire 10013"
    ok "$1: from 2000 on: 2000 is in use" is "$(take tcp 2000)" "bind 0 acquire 10048"
    echo 600 >"$start"
    ok "$1: from 600 on: 700 is in use" is "$(take tcp 700)" "bind 0 acquire 10048"
    ok "$1: from 600 on: 700 of UDP" is "$(take udp 700)" "bind 0 acquire 10048"
    ok "$1: from 600 on: 599 is kept from this user" is "$(take tcp 599)" "bind 10013 acquire 10013"
}

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"
check_ports "with the helper"
run_tool uninstall
ok "uninstall" is "$code" 0 || cat "$work/err"

mkdir -p "$work/lib/native"
ln -s "$BUILD/$arch-windows" "$work/lib/"
ln -s "$BUILD/native/overlay-adapt" "$work/lib/native/"
printf '#!/bin/sh\nexit 1\n' >"$work/lib/native/portguard"
chmod +x "$work/lib/native/portguard"
export WINE_PORTRES_LIBDIR=$work/lib
run_tool install
ok "install without the helper" is "$code" 0 || cat "$work/err"
check_ports "without the helper"
complete=yes
