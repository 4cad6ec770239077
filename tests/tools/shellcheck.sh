#!/bin/bash
# The shell scripts have none of the mistakes that shellcheck knows.
. "$(dirname "$0")/testlib"

command -v shellcheck >/dev/null || skip "shellcheck is not installed"
cd "$srcdir" || exit 1
for script in tools/common.sh tools/lib/*.sh tools/quickstart tools/check tools/matrix completion/*.bash packaging/PKGBUILD debian/tests/prefix debian/tests/conformance tools/wine-host tools/bench tools/wine-portres .ci/run tests/tools/testlib tests/tools/*.sh \
    tests/wine/*.sh
do
    ok "$script" shellcheck -x -P SCRIPTDIR "$script"
done
complete=yes
