# wine-portres who: who has ports of this host; read by it with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154,SC2034,SC2030,SC2031 # what wine-portres sets and reads

# Print the prefix that a process of Wine or of ours runs for, if this user may know. The environment of a service has it not, but our
# helper stands in it.
prefix_of_process()
{
    program=$(readlink -- "/proc/$1/exe")
    case $program in
    */drive_c/windows/system32/portres/portguard) echo "${program%/drive_c/*}" ;;
    *) tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n 's/^WINEPREFIX=//p' ;;
    esac
}

# Is the process a wineserver that has reservations of its own? The name of its journal is in its program.
is_wineserver_with_ports()
{
    grep -q 'ports\.journal' "/proc/$1/exe" 2>/dev/null
}

# Print the folders of this prefix, and of this user's others whose guards are at work
prefixes_at_work()
{
    echo "$WINEPREFIX"
    grep -lE '^(portguard|wineserver)' /proc/[0-9]*/comm 2>/dev/null | while IFS=/ read -r _ _ process _
    do
        case $(cat "/proc/$process/comm" 2>/dev/null) in
        wineserver*) is_wineserver_with_ports "$process" || continue ;;
        esac
        prefix_of_process "$process"
    done
}

# Print the program of the wineserver that runs for a prefix; nothing where none does
server_program()
{
    # it works in a folder that is named for the prefix's (Wine, server/request.c)
    name=server-$(stat -c %D "$1" 2>/dev/null)-$(printf %x "$(stat -c %i "$1" 2>/dev/null || echo 0)")
    grep -l '^wineserver' /proc/[0-9]*/comm 2>/dev/null | while IFS=/ read -r _ _ process _
    do
        case $(readlink -- "/proc/$process/cwd") in
        */"$name") readlink -- "/proc/$process/exe" ;;
        esac
    done
}

# The same of the Wine that this tool uses, seen where nothing else is
own_server_program()
{
    mkdir "$tmp/empty" || return
    (
        WINEPREFIX=$tmp/empty
        wineserver_run -p1
        server_program "$tmp/empty"
        wineserver_run -k
    ) 2>/dev/null
}

# Print "PORT INODE UID" for each socket of this host that has a port of the block; see proc_net_tcp.txt of Linux for the columns
sockets_of_block()
{
    awk -v first="$first" -v last="$last" '
        function number( hex,  i, n )
        {
            for (i = 1; i <= length( hex ); i++) n = n * 16 + index( "0123456789ABCDEF", substr( hex, i, 1 )) - 1
            return n
        }
        FNR > 1 {
            split( $2, local, ":" )
            port = number( local[2] )
            if (port >= first && port <= last) print port, $10, $8
        }' /proc/net/"$protocol" /proc/net/"$protocol"6 2>/dev/null | sort -nu
}

# Print "INODE PROCESS" for each socket of a process that this user may look into
processes_of_sockets()
{
    find /proc/[0-9]*/fd -lname 'socket:*' -printf '%l %p\n' 2>/dev/null |
        sed -n 's,socket:\[\([0-9]*\)\] /proc/\([0-9]*\)/.*,\1 \2,p' | sort -u
}

# Print a line for each reservation of a prefix that has to do with the block
show_reservations()
{
    run_portres list | while read -r which from to kind owner
    do
        test "$which" = "$protocol" || continue
        test "$from" -le "$last" || continue
        test "$to" -ge "$first" || continue
        used=${owner##* }
        owner=${owner%)*}
        test "$kind" = runtime && owner=" by ${owner%% "("*} (process ${owner##*"("} of Wine)" || owner=
        test "$used" = - && used= || used=", in use: $used"
        echo "$protocol $from to $to: $kind reservation of $WINEPREFIX$owner$used"
    done
}

show_process()
{
    program=$(cat "/proc/$1/comm" 2>/dev/null)
    of=
    case $program in
    *.exe | wineserver* | portguard) of=$(prefix_of_process "$1") ;;
    esac
    echo "$program (process $1${of:+ of the prefix $of})"
}

show_sockets()
{
    sockets_of_block >"$tmp/sockets"
    processes_of_sockets >"$tmp/processes"
    while read -r port inode uid
    do
        owners=$(sed -n "s/^$inode //p" "$tmp/processes")
        if test "$inode" = 0
        then
            echo "$protocol $port: a connection that was closed; Linux keeps the port for a minute"
        elif test -z "$owners"
        then
            echo "$protocol $port: a process of $(id -un "$uid" 2>/dev/null || echo "user $uid"), which only that user or root can see"
        fi
        for process in $owners
        do
            echo "$protocol $port: $(show_process "$process")"
        done
    done <"$tmp/sockets"
}

show_holders()
{
    protocol=$1 first=$2 last=$(($2 + $3 - 1))
    {
        ours=$(own_server_program)
        this=$WINEPREFIX
        prefixes_at_work | sort -u | while read -r folder
        do
            # another Wine would change the prefix
            test "$folder" = "$this" || test "$(server_program "$folder")" = "$ours" || continue
            use_prefix "$folder" && find_portres && show_reservations
        done
        show_sockets
    } >"$tmp/holders"
    if test -s "$tmp/holders"
    then
        cat "$tmp/holders"
        return
    fi
    echo "nobody has a port of $protocol $first to $last"
    test "$protocol" = udp ||
        echo "(Linux tells of TCP sockets that listen or are connected, not of such that are bound and no more)"
}
