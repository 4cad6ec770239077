#!/bin/bash
# The shell scripts have none of the mistakes that shellcheck knows.
. "$(dirname "$0")/testlib"

command -v shellcheck >/dev/null || skip "shellcheck is not installed"
cd "$srcdir" || exit 1
# what says that it is for a shell, and what is read by such
mapfile -t scripts < <({ grep -rlIE '^#! ?/bin/(ba|da)?sh' tools tests debian .ci; find tools tests debian -name '*.sh'; ls tests/tools/testlib completion/*.bash packaging/PKGBUILD; } |
    grep -v '^debian/\(build\|wine-portres\)' | sort -u)
ok "there are scripts" test "${#scripts[@]}" -gt 50
for script in "${scripts[@]}"
do
    ok "$script" shellcheck -x -P SCRIPTDIR "$script"
done
complete=yes
