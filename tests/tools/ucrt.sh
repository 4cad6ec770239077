#!/bin/bash
# "a UCRT toolchain builds": one that links with the universal C library unless told otherwise, as Fedora's, and what it builds runs.
. "$(dirname "$0")/testlib"

use_prefix
host=x86_64
test $arch = x86_64 || host=i686
real=$(command -v $host-w64-mingw32-gcc) || skip "there is no $host-w64-mingw32-gcc"
"$real" -print-file-name=libucrt.a | grep -q / || skip "this mingw-w64 has no UCRT"

# The compiler of before, with another library by default
mkdir -p "$work/bin"
"$real" -dumpspecs | sed 's/-lmsvcrt\>/-lucrt/g' >"$work/specs"
for name in gcc gcc-posix gcc-win32
do
    printf '#!/bin/sh\nexec "%s" "-specs=%s" -D_UCRT "$@"\n' "$real" "$work/specs" >"$work/bin/$host-w64-mingw32-$name"
done
chmod +x "$work"/bin/*
PATH=$work/bin:$PATH

mkdir "$work/build"
cd "$work/build" || exit 1
"$srcdir/configure" --enable-archs=$arch --disable-sanitizers >"$work/log" 2>&1
ok "configure" is $? 0 || tail -n 20 "$work/log"
files=()
for name in ws2_32.dll iphlpapi.dll mswsock.dll portserver.exe portres.exe netsh.exe programs/demo.exe
do
    files+=("$arch-windows/$name")
done
make -s "-j$(nproc)" "${files[@]}" >"$work/log" 2>&1
ok "make" is $? 0 || tail -n 20 "$work/log"
for name in ws2_32.dll portserver.exe
do
    $host-w64-mingw32-objdump -p "$arch-windows/$name" | grep 'DLL Name' >"$work/imports"
    ok "$name is of UCRT" grep -qi 'api-ms-win-crt\|ucrtbase' "$work/imports"
    ok "$name is not of msvcrt" lacks "$work/imports" msvcrt
done

ln -s "$BUILD/native" "$work/build/native"
export WINE_PORTRES_LIBDIR=$work/build
run_tool install
ok "install" is "$code" 0 || cat "$work/err"
run_tool status
ok "status" is "$code" 0 || cat "$work/out"
timeout 60 wine "$work/build/$arch-windows/programs/demo.exe" >"$work/out" 2>&1 </dev/null
ok "the demo" is $? 0 || cat "$work/out"
for name in ws2_32:overlay ws2_32:acquire ws2_32:bind iphlpapi:persistent
do
    WINETEST_COMPLETE=1 timeout 120 wine "$programs/${name%:*}_test.exe" "${name#*:}" >"$work/out" 2>/dev/null </dev/null
    ok "the test $name" is $? 0 || grep "failed" "$work/out"
done
timeout 60 wine netsh int ipv4 show excludedportrange tcp >"$work/out" 2>/dev/null </dev/null
ok "netsh" contains "$work/out" "Administered port exclusions"
run_tool uninstall
ok "uninstall" is "$code" 0 || cat "$work/err"
complete=yes
