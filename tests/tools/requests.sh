#!/bin/bash
# A call that has nothing to do with a reservation costs no request to wineserver, whether there is a server or not.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is $code 0 || cat "$work/err"
stop_prefix

calls=100

# Run a program that calls plainly, with a wineserver that prints each request. Sets requests, of each socket(), bind(), sendto() and
# closesocket() together, and maps, how often the program asked for the port map.
count_requests()
{
    local server
    wineserver -f -d >"$work/log" 2>&1 &
    server=$!
    timeout 120 wine "$programs/loading_test.exe" -plain_calls $((calls + 1)) </dev/null >/dev/null 2>&1
    ok "the program works" is $? 0
    wineserver -k
    wait $server
    # from the first socket to the last one, of the thread that makes most
    read -r requests maps < <(awk -F: -v calls=$calls '
        / open_mapping\( .*wine-portres-map/ { maps[$1]++ }
        / open_file_object\( .*Device..Afd/ { if (!sockets[$1]++) first[$1] = count[$1]; last[$1] = count[$1] }
        / [a-z_0-9]+\( / { count[$1]++ }
        END {
            for (i in sockets) if (sockets[i] > sockets[thread]) thread = i
            printf "%.1f %d\n", (last[thread] - first[thread]) / calls, maps[thread]
        }' "$work/log")
}

count_requests
with=$requests
ok "beside a server the map is opened once" is "$maps" 1
rm "$system32/portres/portserver.exe"
count_requests
without=$requests
ok "without a server it is made once" test "$maps" -le 2
run_tool uninstall
ok "uninstall" is $code 0 || cat "$work/err"
stop_prefix
count_requests
echo "requests for a socket, bind, sendto and closesocket: $requests of Wine's own, $with beside a server, $without without one"
# what is asked once is in it, too
ok "beside a server it costs no request" test "${with%.*}" -le "${requests%.*}"
ok "without a server it costs no request" test "${without%.*}" -le "${requests%.*}"
complete=yes
