#!/bin/bash
# Every tool finds Wine and its wineserver by one rule; other systems get their own packages' names; other shells run the tool.
# shellcheck disable=SC2016,SC2030,SC2031 # texts for other shells, homes of other users
. "$(dirname "$0")/testlib"

# fake WINES: a wine and a wineserver in each folder, that say which they are
fake()
{
    local folder name
    for folder
    do
        mkdir -p "$work/$folder"
        for name in wine wineserver
        do
            printf '#!/bin/sh\necho "%s of %s: $*"\n' $name "$folder" >"$work/$folder/$name"
            chmod +x "$work/$folder/$name"
        done
    done
}
fake one two "with space"
rm "$work/two/wineserver"
printf '#!/bin/sh\necho "runner: $*"\n' >"$work/one/flatpak"
chmod +x "$work/one/flatpak"

# rule VARIABLE=VALUE...: what is run as Wine and as its wineserver
rule()
{
    env -u WINE -u WINELOADER -u WINESERVER "$@" sh -c '. "$1"; find_wine || { echo none; exit; }
        wine_run a "b c"; wineserver_run -k || echo "no wineserver"' sh "$srcdir/tools/lib/wine.sh" 2>&1 | tr '\n' ';'
}
path="$work/one:/usr/bin:/bin"
ok "PATH" is "$(rule PATH="$path")" "wine of one: a b c;wineserver of one: -k;"
ok "WINE" is "$(rule PATH="$path" WINE="$work/with space/wine")" "wine of with space: a b c;wineserver of with space: -k;"
ok "WINELOADER" is "$(rule PATH="$path" WINELOADER="$work/with space/wine")" "wine of with space: a b c;wineserver of with space: -k;"
ok "WINE before WINELOADER" is "$(rule PATH="$path" WINE="$work/one/wine" WINELOADER="$work/two/wine")" "wine of one: a b c;wineserver of one: -k;"
ok "no wineserver of another Wine" is "$(rule PATH="$path" WINE="$work/two/wine")" "wine of two: a b c;no wineserver;"
ok "WINESERVER" is "$(rule PATH="$path" WINE="$work/two/wine" WINESERVER="$work/one/wineserver")" "wine of two: a b c;wineserver of one: -k;"
ok "a command with arguments" is "$(rule PATH="$path" WINE="flatpak run --branch=x org.winehq.Wine")" \
    "runner: run --branch=x org.winehq.Wine a b c;runner: run --command=wineserver --branch=x org.winehq.Wine -k;"
ok "a link" is "$(ln -s "$work/one/wine" "$work/link"; rule PATH=/usr/bin:/bin WINE="$work/link")" "wine of one: a b c;wineserver of one: -k;"
ok "no such command" is "$(rule PATH="$path" WINE=no-such-wine)" "none;"

# what the other tools then start by name, also with 'timeout' and the like
used()
{
    env -u WINE -u WINELOADER -u WINESERVER "$@" bash -c '. "$1"; use_wine "$2" && env wine x && env wineserver -w; echo "${WINE-unset}"' \
        bash "$srcdir/tools/lib/wine.sh" "$work/commands" 2>&1 | tr '\n' ';'
}
ok "tools: PATH" is "$(used PATH="$path")" "wine of one: x;wineserver of one: -w;unset;"
ok "tools: WINE" is "$(used PATH="$path" WINE="$work/with space/wine")" "wine of with space: x;wineserver of with space: -w;unset;"
ok "tools: arguments" is "$(used PATH="$path" WINE="flatpak run W")" "runner: run W x;runner: run --command=wineserver W -w;unset;"
ok "tools: no wineserver" contains <(used PATH="$path" WINE="$work/two/wine") "no wineserver is known that belongs to this Wine; set WINESERVER"

# Systems without apt
command_for()
{
    printf '%s\n' "$1" >"$work/os-release"
    OS_RELEASE=$work/os-release bash -c '. "$0"; shift; install_command "$@"' "$srcdir/tools/common.sh" x \
        gcc gcc-mingw-w64-x86-64 gcc-mingw-w64-i686 libc6-dev perl
}
ok "Debian" is "$(command_for 'ID=debian')" "apt-get install gcc gcc-mingw-w64-x86-64 gcc-mingw-w64-i686 libc6-dev perl"
ok "Fedora" is "$(command_for 'ID=fedora')" "dnf install gcc mingw64-gcc mingw32-gcc glibc-devel glibc-static perl-interpreter perl-JSON-PP"
ok "Arch" is "$(command_for 'ID=arch')" "pacman -S --needed gcc mingw-w64-gcc mingw-w64-gcc glibc perl"
ok "like Arch" is "$(command_for 'ID=manjaro
ID_LIKE=arch')" "pacman -S --needed gcc mingw-w64-gcc mingw-w64-gcc glibc perl"
ok "openSUSE" is "$(command_for 'ID="opensuse-tumbleweed"
ID_LIKE="opensuse suse"')" "zypper install gcc mingw64-cross-gcc mingw32-cross-gcc glibc-devel glibc-devel-static perl"

# Other shells
use_prefix
for shell in dash mksh "busybox sh"
do
    command -v "${shell%% *}" >/dev/null || continue
    for command in install status "who tcp 9" "status --all" uninstall
    do
        # shellcheck disable=SC2086 # lists of words
        $shell "$tool" $command >"$work/out" 2>"$work/err" </dev/null
        ok "$shell: $command" is "$?" 0 || cat "$work/err"
    done
done
ok "run: what the program says, and its exit code" is "$("$tool" run cmd /c 'echo hello& exit 7' 2>"$work/err" </dev/null | tr -d '\r'; echo "${PIPESTATUS[0]}")" "hello
7"
ok "run: the prefix is as it was" test ! -e "$system32/portres"

# "the last program so run takes it out"
mkfifo "$work/input"
exec 6<>"$work/input"
"$tool" run "$programs/pipe_test.exe" -hold <"$work/input" >"$work/hold" 2>&1 6>&- &
first=$!
ok "two at once: the first one has reservations" wait_for "$work/hold" "^udp"
run_tool run cmd /c exit 3
ok "two at once: the second one ends" is "$code" 3 || cat "$work/err" "$work/out"
ok "two at once: the component is there for the first one" test -f "$system32/portres/portserver.exe"
run_tool list
ok "two at once: its reservations are, too" grep -q "^udp.*pipe_test.exe" "$work/out"
kill -9 $first
# the program itself goes on, and its lock with it or not: the next one knows
run_tool run cmd /c exit 4
ok "the tool was killed: the next one ends" is "$code" 4
run_tool status
ok "the tool was killed: status tells" grep -q "^installed" "$work/out" || cat "$work/out"
# the program ends with its standard input
exec 6>&-
for _ in $(seq 50)
do
    test -n "$(processes_of 'pipe_test.exe')" || break
    sleep 0.1
done
run_tool run cmd /c exit 5
ok "the tool was killed, and the program has ended: the next one" is "$code" 5
ok "the tool was killed, and the program has ended: the prefix is as it was" test ! -e "$system32/portres" || cat "$work/err"
run_tool install
run_tool run cmd /c exit 0
ok "run in a prefix with the component" is "$code" 0
ok "run in a prefix with the component: it stays" test -f "$system32/portres/portserver.exe"
# the tool in the prefix takes it out when the package is gone
WINE_PORTRES_LIBDIR=$work/nothing "$system32/portres/tool/wine-portres" uninstall >"$work/out" 2>"$work/err" </dev/null
ok "uninstall by the tool in the prefix" is "$?" 0 || cat "$work/err"
ok "uninstall by the tool in the prefix: nothing is left" test ! -e "$system32/portres"

# An install meanwhile is one that stays
exec 6<>"$work/input"
"$tool" run "$programs/pipe_test.exe" -hold <"$work/input" >"$work/hold" 2>&1 6>&- &
first=$!
wait_for "$work/hold" "^udp"
run_tool install
ok "install while a program is run: exit code" is "$code" 0 || cat "$work/err"
exec 6>&-
wait $first
ok "install while a program is run: it stays" test -f "$system32/portres/portserver.exe"

# Only these exit codes are documented, whatever Wine's are
run_tool install
mkdir "$work/failing"
printf '#!/bin/sh\ncase " $* " in\n*portres.exe" list "* | *portres.exe" status "*) echo "wine: no" >&2; exit 53 ;;\nesac\nexec "%s" "$@"\n' "$(command -v wine)" \
    >"$work/failing/wine"
ln -s "$(command -v wineserver)" "$work/failing/wineserver"
chmod +x "$work/failing/wine"
for command in list "list --json" status
do
    # shellcheck disable=SC2086 # words
    WINE=$work/failing/wine run_tool $command
    ok "$command with a Wine that fails" is "$code" 1 || cat "$work/err"
    ok "$command with a Wine that fails: it says so" contains "$work/err" "wine: no"
done

# Colours are for a terminal
if command -v script >/dev/null
then
    for setting in NO_COLOR= NO_COLOR=1 TERM=dumb
    do
        env TERM=xterm "$setting" script -q -c "$tool doctor" /dev/null >"$work/out" 2>&1 </dev/null
        case $setting in
        NO_COLOR=) ok "doctor on a terminal: colours" contains "$work/out" "$(printf '\033')[32m" ;;
        *) ok "doctor on a terminal with $setting: none" lacks "$work/out" "$(printf '\033')" ;;
        esac
    done
fi
run_tool uninstall

# Everybody's prefixes
home=$work/home
places=("$home/.steam/steam/steamapps/compatdata/570/pfx" "$home/.local/share/bottles/bottles/Game" "$home/Games/Lutris game"
    "$work/disk/steamapps/compatdata/20/pfx" "$work/lutris 1 " "$work/lutris2" "$work/bottles/Other"
    "$home/snap/steam/common/.local/share/Steam/steamapps/compatdata/30/pfx")
mkdir -p "$home/.steam/steam/steamapps" "$home/.config/lutris/games" "$home/.local/share/lutris/games" "$home/.local/share/bottles"
printf '"libraryfolders"\n{\n\t"1"\n\t{\n\t\t"path"\t\t"%s"\n\t}\n}\n' "$work/disk" >"$home/.steam/steam/steamapps/libraryfolders.vdf"
printf 'game:\n  exe: %s\n  prefix: "%s"\n' "$work/lutris 1 /x.exe" "$work/lutris 1 " >"$home/.config/lutris/games/one.yml"
printf 'game:\n  prefix: %s\nsystem: {}\n' "$work/lutris2" >"$home/.local/share/lutris/games/two.yml"
printf 'custom_bottles_path: %s\nuse: true\n' "$work/bottles" >"$home/.local/share/bottles/data.yml"
for folder in "${places[@]}"
do
    mkdir -p "$folder/drive_c/windows/system32"
done
cp -a "$WINEPREFIX" "$home/.wine"
(unset WINEPREFIX; export HOME=$home; unset XDG_DATA_HOME; "$tool" install >/dev/null 2>&1; "$tool" status --all) >"$work/out" 2>&1
ok "status --all: Wine" grep -q "^Wine  *$home/.wine: installed$" "$work/out" || cat "$work/out"
ok "status --all: Steam" grep -q "^Steam 570  *$home/.steam/steam/steamapps/compatdata/570/pfx: not installed$" "$work/out"
ok "status --all: another disk of Steam" grep -q "^Steam 20  *$work/disk/steamapps/compatdata/20/pfx: not installed$" "$work/out"
ok "status --all: Bottles" grep -q "^Bottles  *$home/.local/share/bottles/bottles/Game: not installed$" "$work/out"
ok "status --all: Lutris" grep -q "^Lutris  *$home/Games/Lutris game: not installed$" "$work/out"
ok "status --all: a prefix that a game of Lutris names" grep -q "^Lutris  *$work/lutris 1 : not installed$" "$work/out"
ok "status --all: one of a later Lutris" grep -q "^Lutris  *$work/lutris2: not installed$" "$work/out"
ok "status --all: another folder of Bottles" grep -q "^Bottles  *$work/bottles/Other: not installed$" "$work/out"
ok "status --all: the snap of Steam" grep -q "^Steam 30  *$home/snap/steam/common/.local/share/Steam/steamapps/compatdata/30/pfx: not installed$" "$work/out"
(unset WINEPREFIX; export HOME=$home; unset XDG_DATA_HOME; "$tool" uninstall --all; "$tool" doctor) >"$work/out" 2>&1
ok "uninstall --all" contains "$work/out" "removed from $home/.wine"
ok "doctor says what is missing" contains "$work/out" "not installed in $home/.wine; 'wine-portres install' does it"
ok "no colours into a file" lacks "$work/out" "$(printf '\033')"
WINEPREFIX=$home/.wine wineserver -k
complete=yes
