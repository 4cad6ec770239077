#!/bin/bash
# netsh, byte for byte and with its exit codes.
. "$(dirname "$0")/testlib"

use_prefix
install

# Run netsh: standard output in $work/out, errors in $work/err, exit code in $code
run_netsh()
{
    timeout 60 wine netsh "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

# says TEXT: netsh has printed that, with the line ends of Windows, and nothing else
says()
{
    printf '%b' "$1" | sed 's/$/\r/' >"$work/expected"
    same "$work/out" "$work/expected"
}

# the same where the last line has no end
prompts()
{
    tr -d '\r' <"$work/out" >"$work/text"
    printf '%b' "$1" >"$work/expected"
    same "$work/text" "$work/expected"
}

base=$(find_free_ports)
# rows of the table, as netsh prints them
row1=$(printf '%10u  %10u     *\\n' "$base" "$base")
row2=$(printf '%10u  %10u     *\\n' $((base + 10)) $((base + 69)))
row3=$(printf '%10u  %10u     *\\n' $((base + 90)) $((base + 90)))

header() { printf '\\nProtocol %s Port Exclusion Ranges\\n\\nStart Port    End Port      \\n----------    --------      \\n' "$1"; }
footer='\n* - Administered port exclusions.\n\n'

run_netsh interface ipv4 show excludedportrange protocol=tcp
ok "an empty table" says "$(header tcp)$footer"
ok "its exit code" is "$code" 0

run_netsh int ipv4 add excludedportrange protocol=tcp startport=$((base + 10)) numberofports=60
ok "add" says "Ok.\n\n"
ok "its exit code" is "$code" 0
run_netsh int ip add excl tcp "$base" 1
ok "add in short" says "Ok.\n\n"
run_netsh int ipv6 add excludedportrange protocol = udp startport = $((base + 90)) numberofports = 1
ok "add with blanks" says "Ok.\n\n"

run_netsh int ip show excl protocol=tcp
ok "the table of TCP" says "$(header tcp)$row1$row2$footer"
run_netsh interface ipv6 show excludedportrange udp
ok "the table of UDP" says "$(header udp)$row3$footer"

run_netsh int ip add excl tcp $((base + 69)) 2
ok "overlap" says "The process cannot access the file because it is being used by another process.\n\n"
ok "its exit code" is "$code" 1
run_netsh int ip add excl tcp 65535 2
ok "no block" says "The parameter is incorrect.\n\n"
ok "its exit code" is "$code" 1
run_netsh int ip delete excl tcp $((base + 10)) 59
ok "delete of another block" says "The system cannot find the file specified.\n\n"
ok "its exit code" is "$code" 1

run_netsh int ip show excl
ok "exit code without a protocol" is "$code" 1
tr -d '\r' <"$work/out" >"$work/text"
ok "what it says" contains "$work/text" "One or more essential parameters were not entered."
ok "and then" contains "$work/text" "Usage: show excludedportrange [protocol=]tcp|udp"
run_netsh int ip show excl protocol=icmp
ok "exit code with another protocol" is "$code" 1
run_netsh int ip show excl tcp color=red
ok "exit code with another parameter" is "$code" 1
ok "what it says" contains "$work/out" "'color' is not a valid argument for this command."
run_netsh int ip add excl '?'
ok "exit code of help" is "$code" 0
ok "what it says" contains "$work/out" "Usage: add excludedportrange"
run_netsh int ip add excl tcp $((base + 80)) 1 store=active
ok "exit code of store=active" is "$code" 1
ok "what it says" contains "$work/err" "store=active is not available in Wine"

# "Starred rows are the persistent reservations", others are not
: >"$work/hold"
exec 5> >(exec wine "$programs/pipe_test.exe" -hold 2>&1 | sed -u "s/\r$//" >"$work/hold")
for ((i = 0; i < 100; i++))
do
    grep -q '^udp' "$work/hold" && break
    sleep 0.1
done
read -r _ first last < <(grep '^tcp' "$work/hold")
run_netsh int ip show excl tcp
ok "a row without a star" grep -qE "^ {5,}$first {7,}$last {6}.\$" "$work/out" || cat "$work/out"
run_netsh int ip show excl tcp store=persistent
ok "store=persistent" says "$(header tcp)$row1$row2$footer"
run_tool who tcp "$((first + 1))"
ok "who tells of a program's reservation" is "$(sed 's/process [0-9]*/process N/' "$work/out")" \
    "tcp $first to $last: runtime reservation of $WINEPREFIX by pipe_test.exe (process N of Wine), in use: $((first + 1))"
run_netsh int ip delete excl tcp "$first" $((last - first + 1))
ok "delete of it" says "Access is denied.\n\n"
ok "its exit code" is "$code" 1
read -r _ first last < <(grep '^udp' "$work/hold")
run_tool who udp "$((first + 1))"
ok "who tells of the sockets that have a port" grep -qE "^udp $((first + 1)): [^ ]+ \(process [0-9]+ of the prefix $WINEPREFIX\)\$" "$work/out" ||
    cat "$work/out"
# what stays of the other prefix would hold the pipe open, too
WINEPREFIX=$PRISTINE run_tool who udp "$first" 5>&-
ok "who tells of another prefix" contains "$work/out" "runtime reservation of $WINEPREFIX by pipe_test.exe"
exec 5>&-

run_netsh int ip del ex tcp $((base + 10)) 60
ok "delete" says "Ok.\n\n"
ok "its exit code" is "$code" 0
run_netsh int ip delete excludedportrange protocol=tcp startport="$base" numberofports=1 store=persistent
ok "delete" says "Ok.\n\n"
# the runtime reservation ends with the process that held it
for ((i = 0; i < 30; i++))
do
    run_netsh int ip show excl tcp
    test "$(wc -l <"$work/out")" = 8 && break
    sleep 0.1
done
ok "the table is empty again" says "$(header tcp)$footer"

# "anything else goes to Wine's own netsh": the same command line gives the same there
if ! is_part_of_wine
then
    timeout 60 wine 'C:\windows\system32\portres\netsh.exe' interface show interface >"$work/own.out" 2>/dev/null </dev/null
    own=$?
    run_netsh interface show interface
    ok "exit code of another command" is "$code" "$own"
    ok "output of another command" same "$work/out" "$work/own.out"
fi

# "The same command means the same however netsh gets it"
table=$(header tcp)$(printf '%10u  %10u     *\\n' "$base" $((base + 1)))$footer
win_path() { printf 'Z:%s' "${1//\//\\}"; }

run_netsh -c "interface ipv4" add excludedportrange protocol=tcp startport="$base" numberofports=2
ok "-c and add" says "Ok.\n\n"
ok "its exit code" is "$code" 0
run_netsh -c interface ip show excl tcp
ok "-c and show" says "$table"
run_netsh -c "interface ipv4" show excl tcp store=nowhere
ok "-c and a wrong command: exit code" is "$code" 1
run_netsh -c interface show excludedportrange tcp
ok "-c of another context: exit code" is "$code" 1
ok "what it says" says "The following command was not found: show excludedportrange tcp.\n"

# what Wine's netsh is asked to do it tells as a message of Wine's, words in quotes of their own or, where ours is part of it, all in
# one; each other line is one of ours
wine_runs()
{
    tr -d '\r' <"$1" | sed -n 's/.*fixme:netsh:[a-z_]* stub: L"[^"]*"\(.*\)/\1/; s/\\"//g; s/ L"\([^"]*\)"/ \1/g; /./p'
}
printf '%s\r\n' '# a comment' '' 'pushd interface ipv4' 'set global icmpredirects=disabled' "delete excl tcp $base 2" 'show excl tcp' \
    'popd' 'advfirewall firewall' 'add rule name="a b" dir=in' 'interface ipv4' "add excludedportrange tcp $base 2" \
    'show dynamicport tcp' 'exit' 'show excl tcp' >"$work/mixed.txt"
expected=" interface ipv4 set global icmpredirects=disabled
Ok.
Protocol tcp Port Exclusion Ranges
Start Port    End Port      
----------    --------      
* - Administered port exclusions.
 advfirewall firewall add rule name=a b dir=in
Ok.
 interface ipv4 show dynamicport tcp"
for how in -f exec
do
    WINEDEBUG=-all,fixme+netsh timeout 60 wine netsh $how "$(win_path "$work/mixed.txt")" >"$work/all" 2>&1 </dev/null
    ok "a mixed script, $how: exit code" is $? 0
    ok "a mixed script, $how: each command, in its order" is "$(wine_runs "$work/all")" "$expected" || cat "$work/all"
done
WINEDEBUG=-all,fixme+netsh timeout 60 wine netsh <"$work/mixed.txt" >"$work/all" 2>&1
ok "the same from standard input: exit code" is $? 0
sed -i -E 's/^(\[[^]]*\] )?(netsh[^>]*>)+//' "$work/all"
ok "the same from standard input: each command, in its order" is "$(wine_runs "$work/all")" "$expected" || cat "$work/all"

printf 'interface\nipv4\nshow excl tcp\nbye\n' >"$work/typed"
timeout 60 wine netsh <"$work/typed" >"$work/out" 2>"$work/err"
ok "its prompt: exit code" is $? 0
ok "its prompt" prompts "netsh>netsh interface>netsh interface ipv4>${table}netsh interface ipv4>"
printf 'show excl tcp' | timeout 60 wine netsh -c "int ip" >"$work/out" 2>"$work/err"
ok "a line without an end, after -c: exit code" is $? 0
ok "a line without an end, after -c" prompts "netsh interface ipv4>${table}netsh interface ipv4>"
for input in null pipe closed
do
    case $input in
    null) timeout 60 wine netsh >"$work/out" 2>"$work/err" </dev/null ;;
    pipe) : | timeout 60 wine netsh >"$work/out" 2>"$work/err" ;;
    closed) timeout 60 wine netsh >"$work/out" 2>"$work/err" <&- ;;
    esac
    ok "nothing to read, $input: exit code" is $? 0
    ok "nothing to read, $input" prompts "netsh>"
done
# on a terminal, whose sequences stand between the letters
shows()
{
    for _ in $(seq 300)
    do
        sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' "$work/terminal" | grep -q "$1" && return
        sleep 0.1
    done
    cat -v "$work/terminal"
    return 1
}
if script -qec true /dev/null </dev/null >/dev/null 2>&1
then
    mkfifo "$work/keys"
    # Wine writes the prompt before it reads key by key; what is typed in between would end in a line feed, which is no Enter
    timeout 100 script -qefc "stty -icanon -icrnl -echo; wine netsh" /dev/null <"$work/keys" >"$work/terminal" &
    terminal=$!
    exec 5>"$work/keys"
    ok "its prompt on a terminal" shows '^netsh>'
    printf 'int ip show excl tcp\r' >&5
    ok "what is typed there" shows 'Administered'
    printf 'bye\r' >&5
    wait $terminal
    ok "its exit code" is $? 0
    exec 5>&-
else
    echo "Tests skipped: there are no terminals here"
fi

# scripts that run scripts, and contexts that stay
printf 'interface ipv4\n' >"$work/inner.txt"
printf 'exec %s\nshow excl tcp\n' "\"$(win_path "$work/inner.txt")\"" >"$work/outer script.txt"
run_netsh -f "$(win_path "$work/outer script.txt")"
ok "a script of a script" says "$table"
run_netsh -a "$(win_path "$work/inner.txt")" show excl tcp
ok "-a" says "$table"
printf 'exec %s\n' "$(win_path "$work/itself.txt")" >"$work/itself.txt"
run_netsh exec "$(win_path "$work/itself.txt")"
ok "a script that runs itself: exit code" is "$code" 1
ok "what it says" contains "$work/err" "32 scripts run each other already"
run_netsh -f 'Z:\nowhere\script.txt'
ok "a script that is not there: exit code" is "$code" 1
ok "what it says" contains "$work/err" 'netsh: cannot read the script Z:\nowhere\script.txt: No such file or directory'
run_netsh -f "$(win_path "$work/inner.txt")" show excl tcp
ok "-f and a command: exit code" is "$code" 1
ok "what it says" contains "$work/err" "after -f FILE there is no place for a command"

# what editors and PowerShell write
for encoding in UTF-8 UTF-16LE UTF-16BE
do
    for mark in '' '\uFEFF'
    do
        printf '%binterface ipv4\r\nshow excl tcp\r\n' "$mark" | iconv -f UTF-8 -t $encoding >"$work/encoded.txt"
        run_netsh -f "$(win_path "$work/encoded.txt")"
        ok "a script in $encoding${mark:+ with a mark}" says "$table"
    done
done
printf 'interface ipv4\n# \xe4\xf6\nset interface name="\xe4" mtu=1\nshow excl tcp\n' >"$work/encoded.txt"
run_netsh -f "$(win_path "$work/encoded.txt")"
ok "a script in a code page" says "$table"

# "never ends with success when nothing was done": the others are done, the exit code tells
printf 'int ip add excl tcp %u 1\nint ip show excl tcp\n' "$base" >"$work/fails.txt"
run_netsh -f "$(win_path "$work/fails.txt")"
ok "a script one of whose commands fails: exit code" is "$code" 1
ok "what it says" says "The process cannot access the file because it is being used by another process.\n\n$table"
for line in 'show excludedportrange tcp' 'add excludedportrange tcp 5000 1' 'interface tcp add excludedportrange 5000 1' \
    'alias x interface ipv4 show excludedportrange tcp' 'interface ipv4 set excludedportrange tcp' 'pushd nowhere' \
    'int ip show excludedportranges tcp'
do
    echo "$line" >"$work/fails.txt"
    run_netsh -f "$(win_path "$work/fails.txt")"
    ok "a script with '$line': exit code" is "$code" 1
    ok "what it says" says "The following command was not found: $line.\n"
    # shellcheck disable=SC2086 # words
    run_netsh $line
    ok "$line: exit code" is "$code" 1
done

# another machine is not this one
for options in "-r elsewhere int ip" "-r elsewhere -u me -p secret -c interface ip"
do
    # shellcheck disable=SC2086 # words
    run_netsh $options delete excl tcp "$base" 2
    ok "$options: exit code" is "$code" 1
    ok "what it says" contains "$work/err" "the port exclusions of another machine (elsewhere) can't be had from Wine"
done
printf 'set machine elsewhere\nint ip delete excl tcp %u 2\nset machine\nint ip show excl tcp\n' "$base" >"$work/machine.txt"
run_netsh -f "$(win_path "$work/machine.txt")"
ok "set machine: exit code" is "$code" 1
ok "the one of this machine" says "$table"
run_netsh -r "$(hostname)" int ip show excl tcp
ok "-r with the name of this machine" says "$table"

# "When add fails because a port is in use, standard output is as on Windows", and it is told who has it
: >"$work/holder"
perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) && bind(S, sockaddr_in($ARGV[0], INADDR_ANY)) or die;
                  listen(S, 1); $| = 1; print "ready\n"; sleep 100' $((base + 22)) >"$work/holder" &
holder=$!
wait_for "$work/holder" ready
run_netsh int ip add excl tcp $((base + 20)) 5
ok "add over a port in use: exit code" is "$code" 1
ok "what it says" says "The process cannot access the file because it is being used by another process.\n\n"
ok "what is said beside" contains "$work/err" "'wine-portres who tcp $((base + 20)) 5' tells which port is taken, and by whom"
run_tool who tcp $((base + 20)) 5
ok "who: exit code" is "$code" 0
ok "who tells of the program" is "$(cat "$work/out")" "tcp $((base + 22)): perl (process $holder)" || cat "$work/err"
kill $holder
wait $holder 2>/dev/null
run_tool who tcp $((base + 20)) 5
ok "who, of nobody" is "$(head -n 1 "$work/out")" "nobody has a port of tcp $((base + 20)) to $((base + 24))"
run_tool who tcp $((base + 1))
ok "who tells of a reservation" is "$(head -n 1 "$work/out")" "tcp $base to $((base + 1)): persistent reservation of $WINEPREFIX"

run_netsh int ip delete excl tcp "$base" 2
ok "the last delete" says "Ok.\n\n"

complete=yes
