#!/bin/bash
# "make windows-tests": a zip that somebody with Windows unpacks and runs, and one file to send back.
. "$(dirname "$0")/testlib"

for program in zip unzip
do
    command -v $program >/dev/null || skip "$program is not installed"
done
use_prefix
make -C "$BUILD" windows-tests >"$work/out" 2>&1
ok "make windows-tests" is "$?" 0 || cat "$work/out"
unzip -q "$BUILD/windows-tests.zip" -d "$work"
folder=$work/windows-tests
for file in README.txt run.bat
do
    ok "$file is there" test -s "$folder/$file"
    # Notepad of older Windows, and cmd with labels, want them
    ok "$file has the line ends of Windows" is "$(grep -c $'\r$' "$folder/$file")" "$(wc -l <"$folder/$file")"
done
ok "README.txt names run.bat and result.txt" grep -q 'run.bat.*administrator' "$folder/README.txt"
for one in "$BUILD"/*-windows
do
    for program in ws2_32 iphlpapi
    do
        file=$(basename "${one%-windows}")/${program}_test.exe
        ok "$file" cmp -s "$one/programs/${program}_test.exe" "$folder/$file"
    done
done
ok "nothing is left beside the zip" test ! -e "$BUILD/windows-tests"

# run.bat, from another folder, with short programs in the place of those; that of the other kind of processor is not there
for file in "$folder"/*/*.exe
do
    case $file in
    */"$arch"/*) cp "$BUILD/$arch-windows/portres.exe" "$file" ;;
    *) rm "$file" ;;
    esac
done
(cd / && timeout 60 wine cmd /c "$(wine winepath -w "$folder/run.bat" 2>/dev/null | tr -d '\r')" </dev/null) >"$work/out" 2>&1
ok "run.bat: says what to do" contains "$work/out" "Please send back result.txt"
result=$folder/result.txt
ok "run.bat: which Windows" grep -q 'Windows' "$result"
ok "run.bat: each program" is "$(grep -a '^== ' "$result" | tr -d '\r' | tr '\n' ' ')" "== $arch ws2_32 == $arch iphlpapi == done " || cat "$result"
ok "run.bat: what they print" is "$(grep -ac "^Usage" "$result")" 2 || cat "$result"
"$srcdir/tools/windows-results" "$result" >"$work/out" 2>"$work/err"
ok "windows-results takes the file" is "$?" 0 || cat "$work/err"
ok "windows-results: it is whole" lacks "$work/out" "ends early"
complete=yes
