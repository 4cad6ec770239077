#!/bin/bash
# An interrupted install can be finished or undone by running either again.
#
# The tool runs on a prefix of a few small files with a Wine that only keeps notes. It is killed at each command that
# changes anything: at a cp, and where a file is adapted, with half of it written, at others right before.
. "$(dirname "$0")/testlib"

real_path=$PATH
mkdir "$work/bin" "$work/lib" "$work/tmp"
# what a killed tool leaves there goes with the rest
export TMPDIR=$work/tmp

# wine: 'register' and 'unregister' leave a note in the prefix
cat >"$work/bin/wine" <<'EOF'
#!/bin/sh
case "$2" in
register) test -e "$WINEPREFIX/registry" || echo registered >"$WINEPREFIX/registry" ;;
unregister) /bin/rm -f "$WINEPREFIX/registry" ;;
host) exit 4 ;;
esac
EOF

# the others: the Nth kills the tool
for command in cp mv ln mkdir rm rmdir wine
do
    if test "$command" = wine
    then
        mv "$work/bin/wine" "$work/bin/wine.real"
        real=$work/bin/wine.real
    else
        real=$(command -v "$command")
    fi
    cat >"$work/bin/$command" <<EOF
#!/bin/sh
n=\$((\$(cat '$work/count') + 1))
echo \$n >'$work/count'
if test \$n = "\$(cat '$work/kill_at')"
then
    if test $command = cp
    then
        for destination; do source=\$previous previous=\$destination; done
        size=\$(stat -L -c %s "\$source")
        head -c \$((size / 2)) "\$source" >"\$destination"
    fi
    kill -9 \$PPID
    exit 1
fi
exec '$real' "\$@"
EOF
done
chmod +x "$work/bin"/*

# pe_file FILE MACHINE TEXT: what the tool looks at of a Windows file
pe_file()
{
    perl -e 'open my $f, ">:raw", $ARGV[0] or die;
             print $f pack("a2 x58 V a64 a4 v", "MZ", 128, $ARGV[2], "PE", hex $ARGV[1]), $ARGV[0] =~ m,(\w+/[^/]+)$,, "x" x 1000' "$@"
}

make_build()
{
    local machine=$1 arch=$2 file
    mkdir -p "$work/lib/$arch-windows" "$work/lib/native"
    for file in ws2_32.dll iphlpapi.dll netsh.exe portserver.exe portres.exe
    do
        pe_file "$work/lib/$arch-windows/$file" "$machine" "This file is part of wine-portres"
    done
    echo wine-portres >"$work/lib/native/portguard"
    cat >"$work/lib/native/overlay-adapt" <<EOF
#!/bin/sh
n=\$((\$(cat '$work/count') + 1))
echo \$n >'$work/count'
if test \$n = "\$(cat '$work/kill_at')"
then
    head -c 500 "\$1"
    kill -9 \$PPID
fi
cat "\$1"
echo "adapted to \$(grep -a -o 'Wine [a-z]* DLL' "\$2" | head -n 1)"
EOF
    chmod +x "$work/lib/native/overlay-adapt"
}

# kinds: 64 with 32-bit DLLs, 64, 32; 'links' has links where Wine has files
make_prefix()
{
    local windows=$WINEPREFIX/drive_c/windows file folder
    rm -rf "$WINEPREFIX"
    mkdir -p "$windows/system32"
    case $1 in
    64+32) mkdir "$windows/syswow64"; folders="system32:8664 syswow64:014c" ;;
    64) mkdir "$windows/syswow64"; folders="system32:8664" ;;
    32) folders="system32:014c" ;;
    links) folders="real:8664"; mkdir "$windows/real" ;;
    esac
    for folder in $folders
    do
        for file in ntdll.dll ws2_32.dll iphlpapi.dll mswsock.dll netsh.exe
        do
            pe_file "$windows/${folder%:*}/$file" "${folder#*:}" "Wine builtin DLL"
            touch -d '2020-02-02 02:02:02' "$windows/${folder%:*}/$file"
        done
    done
    test "$1" = links || return
    for file in ntdll.dll ws2_32.dll mswsock.dll
    do
        ln -s "../real/$file" "$windows/system32/$file"
    done
    for file in iphlpapi.dll netsh.exe
    do
        ln -s "$windows/real/$file" "$windows/system32/$file"
    done
}

snapshot()
{
    (cd "$WINEPREFIX" && find . -type f -printf '%p %m %s %T+\n' -o -type l -printf '%p -> %l\n' | sort
     find . -type f -exec cksum {} + | sort) >"$work/$1"
}

# Whatever happened, each of Wine's files is there, whole, and a program finds a whole one of either kind
check_nothing_lost()
{
    local file path sum
    for path in "$work/sums/"*
    do
        file=$(basename "$path" | tr ':' '/')
        sum=$(cksum <"$WINEPREFIX/drive_c/windows/$file" 2>/dev/null)
        if test "$sum" != "$(cat "$path")"
        then
            grep -q "This file is part of wine-portres" "$WINEPREFIX/drive_c/windows/$file" || { echo "$file is neither"; return 1; }
            # shellcheck disable=SC2012 # names without surprises
            test "$(stat -c %s "$WINEPREFIX/drive_c/windows/$file")" -gt 1000 || { echo "$file is cut"; return 1; }
            sum=$(cksum <"$WINEPREFIX/drive_c/windows/$(dirname "$file")/portres/$(basename "$file")")
            test "$sum" = "$(cat "$path")" || { echo "the original of $file is lost"; return 1; }
        fi
    done
}

run_killed()
{
    echo 0 >"$work/count"
    echo "$1" >"$work/kill_at"
    PATH=$work/bin:$real_path "$tool" "$2" >"$work/out" 2>&1
    code=$?
    echo -1 >"$work/kill_at"
}

make_build 8664 x86_64
make_build 014c i386
export WINE_PORTRES_LIBDIR=$work/lib WINEPREFIX=$work/prefix

for kind in 64+32 64 32 links
do
    make_prefix "$kind"
    rm -rf "$work/template"
    cp -a "$WINEPREFIX" "$work/template"
    rm -rf "$work/sums"
    mkdir "$work/sums"
    for file in "$WINEPREFIX"/drive_c/windows/sys*/*
    do
        folder=${file%/*}
        cksum "$file" | cut -d" " -f1,2 >"$work/sums/${folder##*/}:${file##*/}"
    done
    snapshot before
    run_killed -1 install
    ok "$kind: install" is $code 0
    ok "$kind: nothing is lost" check_nothing_lost
    ok "$kind: adapted" grep -q "adapted to Wine builtin DLL" "$WINEPREFIX/drive_c/windows/system32/ws2_32.dll"
    ok "$kind: registered" test -e "$WINEPREFIX/registry"
    ok "$kind: no temporary file is left" is "$(find "$WINEPREFIX" -name '*portres-tmp')" ""
    snapshot installed
    run_killed -1 install
    snapshot again
    ok "$kind: install again changes nothing" same "$work/installed" "$work/again"
    run_killed -1 uninstall
    ok "$kind: uninstall" is $code 0
    snapshot after
    ok "$kind: uninstall gives back the same files" same "$work/before" "$work/after"
    ok "$kind: uninstall removes its folders" is "$(find "$WINEPREFIX" -name portres)" ""
    run_killed -1 uninstall
    ok "$kind: uninstall again" is $code 0

    # one kind at each step, the others here and there: each takes a second on a slow machine
    stride=9
    test "$kind" = 32 && stride=1
    for first in install uninstall
    do
        for then in install uninstall
        do
            for ((step = 1; ; step += stride))
            do
                rm -rf "$WINEPREFIX"
                cp -a "$work/template" "$WINEPREFIX"
                test $first = install || run_killed -1 install
                run_killed $step $first
                test $code = 137 || break
                ok "$kind: $first killed at step $step: nothing is lost" check_nothing_lost
                run_killed -1 $then
                ok "$kind: $first killed at step $step, then $then" is $code 0 || cat "$work/out"
                snapshot after
                if test $then = install
                then
                    # files of ours have the date of when they were put there
                    sed -i '/sys.*\/portres\/\(ws2\|iph\|msw\|net\)[^ ]*\.\(dll\|exe\) /!s/ [0-9-]*+[0-9:.]*$//' "$work/after" "$work/installed"
                    ok "$kind: $first killed at step $step, then $then: complete" same "$work/installed" "$work/after"
                else
                    ok "$kind: $first killed at step $step, then $then: as before" same "$work/before" "$work/after"
                fi
            done
            ok "$kind: $first was killed" test "$step" -gt 6
        done
    done
done
complete=yes
