#!/bin/bash
# "tools/patch-wine DIR: put them into the Wine source tree; --patch FILE: write a patch instead (patch -p1); --revert: take them out again, to the
# byte"; on the files of a tree that it changes.
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
# shellcheck source=tests/tools/testlib
. "$(dirname "$0")/../tools/testlib"

patch_wine=$srcdir/tools/patch-wine
source=$BUILD/wine-host/source

"$patch_wine" --patch "$work/diff" "$source" 2>"$work/err"
ok "--patch: exit code" is $? 0 || cat "$work/err"
sed -n 's|^+++ b/||p' "$work/diff" >"$work/files"
ok "--patch: something is in it" test "$(wc -l <"$work/files")" -gt 50

# the tree as it is now, and as it was before by another program
mkdir "$work/now"
(cd "$source" && xargs -a "$work/files" cp --parents -t "$work/now" server/protocol.def)
cp -r "$work/now" "$work/before"
(cd "$work/before" && patch -s -E -R -p1 <"$work/diff")
ok "patch -R: exit code" is $? 0

cp -r "$work/now" "$work/tree"
"$patch_wine" "$work/tree"
ok "once more: exit code" is $? 0
ok "once more: nothing is changed" diff -r "$work/now" "$work/tree"
"$patch_wine" --revert "$work/tree"
ok "--revert: exit code" is $? 0
ok "--revert: to the byte" diff -r "$work/before" "$work/tree"
"$patch_wine" --revert "$work/tree"
ok "--revert, once more: exit code" is $? 0
"$patch_wine" --patch "$work/again" "$work/tree"
ok "--patch, of a tree without: the same" same "$work/diff" "$work/again"
"$patch_wine" "$work/tree"
ok "exit code" is $? 0
ok "the same as before" diff -r "$work/now" "$work/tree"
(cd "$work/before" && patch -s -p1 <"$work/diff")
ok "by patch -p1, too" diff -r "$work/now" "$work/before"

# what Wine's own files say of their license, but for one that is generated
(cd "$work/now" && sed -n '/^--- .dev.null/{n;s|^+++ b/||p}' "$work/diff" | grep -v '/protocol\.h$' | xargs grep -L "This library is distributed in the hope") >"$work/without"
ok "new files have Wine's notice" test ! -s "$work/without" || cat "$work/without"

# a tree that is not known
"$patch_wine" --revert "$work/tree"
sed -i '/IOCTL_AFD_WINE_CONNECT/d' "$work/tree/server/sock.c"
cp -r "$work/tree" "$work/other"
"$patch_wine" "$work/tree" 2>"$work/err"
ok "a tree that is not known: exit code" is $? 1
ok "it says what it misses" contains "$work/err" "this Wine is not known: server/sock.c has no line with this in it: "
ok "nothing is changed" diff -r "$work/other" "$work/tree"
complete=yes
