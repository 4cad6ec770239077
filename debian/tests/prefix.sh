# shellcheck shell=sh disable=SC2034 # what the tests use
# An ordinary user's new prefix with the component of the package, for a test to read by '.'; it is gone when the test ends. $arch is what
# programs it runs.
HOME=$(mktemp -d)
export HOME WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
unset DISPLAY WINEPREFIX
# wineserver writes the prefix as it ends
finish()
{
    wineserver -k || true
    wineserver -w || true
    rm -rf "$HOME"
}
trap finish EXIT
wine wineboot --update
arch=x86_64
test -d "$HOME/.wine/drive_c/windows/syswow64" || arch=i386
wine-portres install
