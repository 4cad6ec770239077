#!/bin/bash
# The store in the registry, edited by hand and exported, and what a damaged journal does to it.
. "$(dirname "$0")/testlib"

use_prefix
run_tool install
ok "install" is "$code" 0 || cat "$work/err"

nsi='HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Nsi'
tcp_key="$nsi\\{eb004a03-9b1a-11d4-9123-0050047759bc}\\29"
udp_key="$nsi\\{eb004a02-9b1a-11d4-9123-0050047759bc}\\5"
journal=$system32/portres/journal
log=$system32/portres/portserver.log

# It always says something. When it does not it has not run: a wineserver that is about to end turns programs away.
netsh()
{
    local code
    for _ in 1 2 3
    do
        timeout 60 wine netsh "$@" </dev/null >"$work/said" 2>"$work/complaint"
        code=$?
        cat "$work/complaint" >>"$work/err"
        test -s "$work/said" && break
        echo "netsh $*: exit code $code and no word; $(cat "$work/complaint")" >&2
        test $code -lt 128 || break  # it was ended, or has crashed
    done
    tr -d '\r' <"$work/said"
}

# The starred rows as FIRST-LAST, in one line; without a table what netsh said
table()
{
    netsh interface ipv4 show excludedportrange "protocol=$1" store=persistent >"$work/table"
    if grep -q "Start Port" "$work/table"
    then
        awk '$3 == "*" { printf "%s%s-%s", sep, $1, $2; sep = " " } END { print "" }' "$work/table"
    else
        echo "netsh: $(tr -s "\n" " " <"$work/table") $(tail -n 3 "$work/err")"
    fi
}

# the values of a key as regedit exports them, without the version line and the key's name
export_key()
{
    rm -f "$work/export.reg"
    timeout 60 wine regedit /E "$(winepath_of "$work/export.reg")" "$1" </dev/null >/dev/null 2>&1
    iconv -f UTF-16 -t UTF-8 "$work/export.reg" 2>/dev/null | tr -d '\r' | grep '^"'
}

# a path of this host for Windows programs, without a process for it
# shellcheck disable=SC1003
# shellcheck disable=SC1003 # a backslash
winepath_of() { printf 'Z:%s' "$1" | tr / '\\'; }

import_reg()
{
    printf 'Windows Registry Editor Version 5.00\r\n\r\n' >"$work/import.reg"
    sed 's/$/\r/' >>"$work/import.reg"
    timeout 60 wine regedit /S "$(winepath_of "$work/import.reg")" </dev/null
}

restart_server()
{
    timeout 60 wine net stop portserver </dev/null >/dev/null 2>&1
}

guards()
{
    local process
    for process in /proc/[0-9]*
    do
        case $(readlink "$process/exe") in
        "$system32"/portres/portguard*) echo "${process#/proc/}" ;;
        esac
    done
}

# Kill wineserver, so that it saves nothing. The guards of the prefix must end by themselves, soon.
kill_prefix()
{
    local i process
    wineserver -k9
    wineserver -w
    for ((i = 0; i < 50; i++))
    do
        test -z "$(guards)" && break
        sleep 0.1
    done
    ok "no guard stays behind" is "$(guards)" ""
    guards | xargs -r kill -9
    # Programs of Wine wait for wineserver forever.
    for process in /proc/[0-9]*
    do
        if grep -qzF "WINEPREFIX=$WINEPREFIX" "$process/environ" && grep -qF .exe "$process/cmdline"
        then
            kill -9 "${process#/proc/}"
        fi
    done 2>/dev/null
}

base=$(find_free_ports)
other=$((base + 95))

# name PORT COUNT: as the store has it
name() { printf '%04x%02x%02x' "$1" $(($2 % 256)) $(($2 / 256)); }

ok "a new prefix has no reservation" is "$(table tcp)/$(table udp)" "/"

# "a reservation created by us reads the same in a registry export as one that Windows wrote"
ok "add" is "$(netsh interface ipv4 add excludedportrange protocol=udp "startport=$other" numberofports=1)" "Ok."
ok "add" is "$(netsh interface ipv4 add excludedportrange protocol=tcp startport=$((base + 70)) numberofports=20)" "Ok."
ok "export of UDP" is "$(export_key "$udp_key")" "\"$(name "$other" 1)\"=hex:12,00,ff,ff"
ok "export of TCP" is "$(export_key "$tcp_key")" "\"$(name $((base + 70)) 20)\"=hex:12,00,ff,ff"

# "A .reg file in the Windows layout, imported by wine regedit, takes effect at the next start"; "An unreadable value is left
# alone and logged"; "the first by start port counts, the other is logged"
import_reg <<END
[$tcp_key]
"$(name "$base" 10)"=hex:12,00,ff,ff
"$(name $((base + 20)) 1 | tr a-f A-F)"=hex:12,00,ff,ff
"$(name $((base + 5)) 10)"=hex:12,00,ff,ff
"$(name $((base + 10)) 1)"=hex:12,00,00,00
"$(name $((base + 16)) 1)"="text"
"$(name $((base + 17)) 1)"=hex:12,00
"$(name $((base + 18)) 0)"=hex:12,00,ff,ff
"ffff0200"=hex:12,00,ff,ff
"nonsense"=hex:12,00,ff,ff
"$(name $((base + 19)) 1)ff"=hex:12,00,ff,ff
END
ok "not before the next start" is "$(table tcp)" "$((base + 70))-$((base + 89))"
restart_server
ok "after the next start" is "$(table tcp)" \
    "$base-$((base + 9)) $((base + 10))-$((base + 10)) $((base + 20))-$((base + 20)) $((base + 70))-$((base + 89))"
ok "nothing was touched" is "$(export_key "$tcp_key" | wc -l)" 11
tr -d '\r' <"$log" >"$work/log"
ok "overlap" contains "$work/log" "TCP store: block $((base + 5))-$((base + 14)) is ignored"
ok "other data" contains "$work/log" "value \"$(name $((base + 10)) 1)\" counts"
ok "text" contains "$work/log" "value \"$(name $((base + 16)) 1)\" is ignored"
ok "short data" contains "$work/log" "value \"$(name $((base + 17)) 1)\" is ignored"
ok "no port" contains "$work/log" "value \"$(name $((base + 18)) 0)\" is ignored"
ok "past 65535" contains "$work/log" 'value "ffff0200" is ignored'
ok "no number" contains "$work/log" 'value "nonsense" is ignored'
ok "long name" contains "$work/log" "value \"$(name $((base + 19)) 1)ff\" is ignored"
# what does not count today may count tomorrow
ok "create over a block that does not count" is "$(netsh int ip add excl tcp $((base + 12)) 1)" \
    "The process cannot access the file because it is being used by another process."
ok "delete of a block with capital digits" is "$(netsh int ip delete excl tcp $((base + 20)) 1)" "Ok."
ok "its value is gone" is "$(export_key "$tcp_key" | grep -ci "$(name $((base + 20)) 1)")" 0

# an edit wins over what was created before
import_reg <<END
[-$nsi]

[$tcp_key]
"$(name "$base" 10)"=hex:12,00,ff,ff
END
restart_server
ok "blocks removed by hand" is "$(table tcp)/$(table udp)" "$base-$((base + 9))/"
stop_prefix
ok "also after a start of the prefix" is "$(table tcp)/$(table udp)" "$base-$((base + 9))/"

# An edit by hand is forgotten when the mark is damaged, below; so these end in the journal, too
for block in "udp $other 1" "tcp $((base + 70)) 20"
do
    # shellcheck disable=SC2086 # three words
    ok "add $block" is "$(netsh int ip add excl $block)/$(netsh int ip delete excl $block)" "Ok./Ok."
done

# "A Create that returned NO_ERROR survives kill -9 of everything, wineserver included; so does a Delete."
kept=$((base + 50))-$((base + 51))
netsh int ip add excl tcp $((base + 50)) 2 >/dev/null
netsh int ip add excl udp $((base + 50)) 3 >/dev/null
netsh int ip delete excl tcp "$base" 10 >/dev/null
kill_prefix
ok "after kill -9" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
kill_prefix
ok "after another" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
stop_prefix

# "JournalSequence of all ones loses acknowledged changes": whatever stands there, what the journal has and the registry lacks comes back
mark=$(sed -n 's/^"Journal"="\(.*\)"$/\1/p' "$WINEPREFIX/system.reg")
ok "the registry has a mark" is "${#mark}" 42
for damage in ffffffffffffffff-ffffffffffffffff-ffffffff "${mark%-*-*}-ffffffffffffffff-${mark##*-}" "" "$mark$mark" "${mark#?}0"
do
    sed -i "s/^\"Journal\"=.*/\"Journal\"=\"$damage\"/; /^\"$(name $((base + 50)) 2)\"/d" "$WINEPREFIX/system.reg"
    ok "a mark of '$damage'" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
    stop_prefix
done
sed -i "s/^\"Journal\"=.*/\"Journal\"=hex(b):ff,ff,ff,ff,ff,ff,ff,ff/; /^\"$(name $((base + 50)) 2)\"/d" "$WINEPREFIX/system.reg"
ok "a mark that is a number" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
stop_prefix

# A change counts for nothing while the journal's name may not be on the disk: the folder is flushed, then the journal
if command -v strace >/dev/null
then
    exec 3> >(exec wine "$programs/pipe_test.exe" -hold >"$work/hold" 2>&1)
    ok "the server runs" wait_for "$work/hold" "^udp"
    : >"$work/attached"
    strace -f -y -o "$work/strace" -e trace=fsync,fdatasync -p "$(processes_of 'portres\portserver.exe')" 2>>"$work/attached" &
    tracer=$!
    ok "its calls are seen" wait_for "$work/attached" attached
    ok "add" is "$(netsh int ip add excl tcp $((base + 60)) 1)" "Ok."
    ok "delete" is "$(netsh int ip delete excl tcp $((base + 60)) 1)" "Ok."
    kill $tracer
    wait $tracer 2>/dev/null
    ok "what is flushed" is "$(grep -o 'f[a-z]*sync([0-9]*<[^>]*' "$work/strace" | sed 's,.*/,,' | xargs)" "portres journal journal"
    exec 3>&-
    stop_prefix
else
    echo "Tests skipped: strace is not here"
fi

# "20,000 garbage values make the start take over 5 s"
perl -pi -e 'if (/^\[.*\\Nsi\\\\\{eb004a02-.*\\5\]/i)
    { $_ .= join "", map( "\"garbage $_\"=hex:12,00,ff,ff\n", 1 .. 10000 ), map( sprintf( "\"%08d\"=\"text\"\n", $_ ), 1 .. 10000 ) }' \
    "$WINEPREFIX/system.reg"
before=$(date +%s%N)
ok "among 20,000 values" is "$(table udp)" "$((base + 50))-$((base + 52))"
took=$((($(date +%s%N) - before) / 1000000))
echo "a start with 20,000 values that are no blocks, and netsh: $took ms"
ok "a start with 20,000 values takes $took ms" test $took -lt 5000
tr -d '\r' <"$log" >"$work/log"
ok "the log says how many" contains "$work/log" "and 19980 more like these"
ok "in few lines" test "$(wc -l <"$work/log")" -lt 200
stop_prefix
sed -i '/^"garbage [0-9]*"=/d; /^"0000[0-9]*"="text"/d; /^"00010000"="text"/d' "$WINEPREFIX/system.reg"

# "a damaged or truncated journal never stops the server and never loses what the registry holds"
for damage in nothing half garbage flipped empty folder
do
    case $damage in
    nothing) rm -f "$journal" ;;
    half) truncate -s 50 "$journal" ;;
    garbage) head -c 10007 /dev/urandom >"$journal" ;;
    flipped) perl -0777 -pi -e 's/^(.{20})(.)/$1 . chr( ord( $2 ) ^ 1 )/se' "$journal" ;;
    empty) : >"$journal" ;;
    folder) rm -f "$journal"; mkdir "$journal" ;;
    esac
    ok "a journal that is $damage" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
    if test $damage = folder
    then
        ok "nothing is acknowledged" isnt "$(netsh int ip add excl tcp $((base + 60)) 1)" "Ok."
        ok "nor done" is "$(table tcp)" "$kept"
        stop_prefix
        rmdir "$journal"
    else
        ok "add with it" is "$(netsh int ip add excl tcp $((base + 60)) 1)" "Ok."
        kill_prefix
        ok "kill -9 with it" is "$(table tcp)" "$kept $((base + 60))-$((base + 60))"
        netsh int ip delete excl tcp $((base + 60)) 1 >/dev/null
        stop_prefix
    fi
done

# "a full disk": the journal can't grow
ok "usual again" is "$(table tcp)/$(table udp)" "$kept/$((base + 50))-$((base + 52))"
complete=yes
