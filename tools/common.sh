# What quickstart and check share; read by them with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=bash

name=${0##*/}
srcdir=$(cd "${0%/*}/.." && pwd -P) || exit 1
build=$srcdir/build

# No display, no pop-ups: Wine would otherwise ask to download Mono and Gecko, and complain about the missing screen
export WINEDEBUG=${WINEDEBUG:--all}
export WINEDLLOVERRIDES="mscoree,mshtml="
unset DISPLAY WAYLAND_DISPLAY WINEARCH WINEPREFIX
export LC_ALL=C.UTF-8
# shellcheck source=tools/lib/wine.sh
. "$srcdir/tools/lib/wine.sh"

die()
{
    echo "$name: $*" >&2
    exit 1
}

# $SECONDS since the start before each step, so that one sees what takes the time
progress()
{
    printf '[%3ds] %s\n' "$SECONDS" "$*"
}

# Run a command with its output in a log, which is shown only when it fails. $1 is what the command does.
run_logged()
{
    local what=$1 log=$build/$name.log
    shift
    mkdir -p "$build" || die "cannot make the folder $build; is $srcdir write-protected?"
    if ! "$@" >"$log" 2>&1 </dev/null
    then
        tail -n 40 "$log" >&2
        die "$what failed; the lines above are the end of $log"
    fi
}

have()
{
    command -v "$1" >/dev/null 2>&1
}

machine()
{
    if have dpkg
    then
        dpkg --print-architecture
    else
        uname -m | sed 's/^x86_64$/amd64/; s/^i.86$/i386/'
    fi
}

# A prefix of the kind that is built here: where 64-bit Wine is installed beside 32-bit Debian, it would be another
test "$(machine)" != i386 || export WINEARCH=win32

# Print what is needed and missing, by the names of Debian's packages
missing_packages()
{
    if ! find_wine
    then
        test -z "${WINE:-${WINELOADER:-}}" || die "there is no command '${WINE:-$WINELOADER}' (of the variable WINE or WINELOADER)"
        echo wine
    elif ! wineserver_command >/dev/null
    then
        test -z "${WINE:-${WINELOADER:-}}" || die "no wineserver is known that belongs to '$wine_cmd'; set WINESERVER"
        echo wine
    fi
    have make || echo make
    have gcc || have cc || echo gcc
    test -e /usr/include/stdio.h || echo libc6-dev
    have autoconf || echo autoconf
    perl -MJSON::PP -e 1 2>/dev/null || echo perl
    case $(machine) in
    amd64) have_compiler x86_64 || echo gcc-mingw-w64-x86-64 ;;
    i386) have_compiler i686 || echo gcc-mingw-w64-i686 ;;
    *) die "Wine runs Windows programs for amd64 and i386 only, this machine is $(machine)" ;;
    esac
}

# as configure looks for it
have_compiler()
{
    have "$1-w64-mingw32-gcc" || have "$1-w64-mingw32ucrt-gcc"
}

# The same for 32-bit programs, of no use where the prefix WINEPREFIX runs 64-bit programs only
missing_32bit_packages()
{
    test ! -f "$WINEPREFIX/drive_c/windows/syswow64/ntdll.dll" || have_compiler i686 || echo gcc-mingw-w64-i686
}

# The same for what looks through the sources and the fuzzers' inputs
missing_check_packages()
{
    local program
    missing_packages
    have clang || echo clang
    test -n "$(find /usr/lib/llvm-*/lib/clang /usr/lib/clang -name 'libclang_rt.fuzzer*' 2>/dev/null)" || echo libclang-rt-dev
    have clang-tidy || echo clang-tidy
    have cppcheck || echo cppcheck
    have shellcheck || echo shellcheck
    have go || echo golang-go
    # tests that need these are left out where a system has no package of that name
    have apt-get || return 0
    for program in mandoc mksh unzip zip
    do
        have "$program" || echo "$program"
    done
}

# Print the command that installs Debian's PACKAGE... on this system, with the names that it has there; fails where they are not known
install_command()
{
    local package family kind names=""

    family=$(sed -n 's/^ID=//p; s/^ID_LIKE=//p' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null | tr -d '"' | tr '\n' ' ')
    case " $family" in
    *" debian "* | *" ubuntu "*) kind=debian ;;
    *" fedora "* | *" rhel "*) kind=fedora ;;
    *" arch "*) kind=arch ;;
    *" suse "* | *" opensuse"*) kind=suse ;;
    *) return 1 ;;
    esac
    for package
    do
        case $kind:$package in
        fedora:gcc-mingw-w64-x86-64) package="mingw64-gcc" ;;
        fedora:gcc-mingw-w64-i686) package="mingw32-gcc" ;;
        fedora:libc6-dev) package="glibc-devel glibc-static" ;;
        fedora:perl) package="perl-interpreter perl-JSON-PP" ;;
        fedora:libclang-rt-dev) package="compiler-rt" ;;
        fedora:clang-tidy) package="clang-tools-extra" ;;
        fedora:shellcheck) package="ShellCheck" ;;
        fedora:golang-go) package="golang" ;;
        arch:gcc-mingw-w64-*) package="mingw-w64-gcc" ;;
        arch:libc6-dev) package="glibc" ;;
        arch:libclang-rt-dev) package="compiler-rt" ;;
        arch:clang-tidy) package="clang" ;;
        arch:golang-go) package="go" ;;
        suse:gcc-mingw-w64-x86-64) package="mingw64-cross-gcc" ;;
        suse:gcc-mingw-w64-i686) package="mingw32-cross-gcc" ;;
        suse:libc6-dev) package="glibc-devel glibc-devel-static" ;;
        suse:libclang-rt-dev | suse:clang-tidy) package="clang" ;;
        suse:shellcheck) package="ShellCheck" ;;
        suse:golang-go) package="go" ;;
        esac
        names="$names $package"
    done
    case $kind in
    debian) echo "apt-get install$names" ;;
    fedora) echo "dnf install$names" ;;
    arch) echo "pacman -S --needed$names" ;;
    suse) echo "zypper install$names" ;;
    esac
}

# Install what is missing, and only that, from Debian's packages; $1 is the function that tells it. Afterwards 'wine' and 'wineserver' are the
# Wine to use.
install_packages()
{
    local packages as_root=() how

    packages=$("${1:-missing_packages}") || exit 1
    if test -n "$packages"
    then
        mapfile -t packages < <(echo "$packages" | sort -u)
        if ! have apt-get
        then
            how=$(install_command "${packages[@]}") ||
                die "these programs are missing; install them with your system's packages (the names are Debian's): ${packages[*]}"
            die "some packages are missing; as root, run: $how"
        fi
        if test "$(id -u)" != 0
        then
            have sudo || die "some packages are missing; become root and run: apt-get update && apt-get install ${packages[*]}"
            as_root=(sudo)
        fi
        # sudo clears the environment; nobody may be there to answer a question
        as_root+=(env DEBIAN_FRONTEND=noninteractive)

        progress "fetching the list of Debian packages"
        run_logged "apt-get update" "${as_root[@]}" apt-get -q update
        progress "installing Debian packages, which can take minutes: ${packages[*]}"
        run_logged "apt-get install ${packages[*]} (is the network there?)" \
            "${as_root[@]}" apt-get -q -y --no-install-recommends install "${packages[@]}"
    fi
    use_wine "$build/wine-command" || die "there is no Wine; install it, or set WINE to its command"
}

# Does the build tree, if there is one, lack a compiler that is here now?
needs_configure()
{
    test -f "$build/Makefile" || return 0
    have_compiler i686 && ! grep -q '^PE_ARCHS *=.*i386' "$build/Makefile" && return
    have clang && grep -q '^FUZZ_CC *= *$' "$build/Makefile"
}

build_tree()
{
    if ! test -f "$srcdir/configure" || test "$srcdir/configure.ac" -nt "$srcdir/configure"
    then
        progress "making configure"
        run_logged "autoconf" sh -c "cd '$srcdir' && autoconf"
    fi
    if needs_configure
    then
        progress "configuring in $build"
        run_logged "configure" sh -c "mkdir -p '$build' && cd '$build' && ../configure"
    fi
    progress "building, which takes a minute or more the first time"
    # silent, so that what fails stands out
    run_logged "make" make -s -C "$build" "-j$(nproc)"
}

# Make the prefix WINEPREFIX, before the build, which looks what kinds of programs it runs; unless it is there; $1 is the version of Windows that it then is, such as win10, Wine's choice when not
# given. The mark tells a later run that this one was interrupted.
# shellcheck disable=SC2120 # quickstart gives one
make_prefix()
{
    local mark=$WINEPREFIX/.unfinished

    test -f "$WINEPREFIX/drive_c/windows/system32/ntdll.dll" && ! test -e "$mark" && return
    progress "making a Wine prefix in $WINEPREFIX"
    mkdir -p "$WINEPREFIX" || die "cannot make the folder $WINEPREFIX"
    touch "$mark"
    # not --init: as the first program of a prefix it starts a second service manager (Wine 8.0)
    run_logged "making the prefix $WINEPREFIX" wine wineboot --update
    test -f "$WINEPREFIX/drive_c/windows/system32/ntdll.dll" || die "Wine made no whole prefix in $WINEPREFIX; try another folder"
    test -z "${1-}" || run_logged "setting the version of Windows" wine winecfg -v "$1"
    # its services are still starting, and Wine starts no other ones meanwhile: quicker to let it end
    wineserver -w
    rm -f "$mark"
}

# Which of the build's folders has the programs for the prefix WINEPREFIX
prefix_arch()
{
    if test -d "$WINEPREFIX/drive_c/windows/syswow64"
    then
        echo x86_64
    else
        echo i386
    fi
}

# Has this Wine reservations in its own server?
is_part_of_wine()
{
    wine '\\?\unix'"$build/$(prefix_arch)-windows/portres.exe" host </dev/null >/dev/null 2>&1
}

# Build, and make a prefix with the component that goes away with this script, whose exit code is $code by then
temporary_prefix()
{
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/wine-portres-$name.XXXXXX") || die "cannot make a folder in ${TMPDIR:-/tmp}"
    export WINEPREFIX=$tmp/prefix
    trap remove_temporary_prefix EXIT
    trap 'exit 1' INT TERM HUP
    # shellcheck disable=SC2119 # as Wine makes it
    make_prefix
    install_packages missing_32bit_packages
    build_tree
    is_part_of_wine || run_logged "wine-portres install" "$srcdir/tools/wine-portres" install
}

remove_temporary_prefix()
{
    trap '' INT TERM HUP
    test -d "$WINEPREFIX/drive_c" && wineserver -k 2>/dev/null
    rm -rf "$tmp"
    exit "${code:-1}"
}
