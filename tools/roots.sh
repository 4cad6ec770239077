# Debians in folders, made by debootstrap and kept: what matrix and check-package share; read by them with '.', after common.sh
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=bash
# shellcheck disable=SC2016 # texts for other shells, and for apt

test "$(id -u)" = 0 || die "only root can work in another root; run this by sudo"

folder=${WINE_PORTRES_ROOTS:-$build/roots}
mkdir -p "$folder" || die "cannot make $folder"

# what the host's apt has its packages from
mirror()
{
    apt-get indextargets --format '$(REPO_URI)' 'Component: main' 'Created-By: Packages' | grep -v security | head -n 1
}

# in_root NETWORK ROOT COMMAND...: 'own' is a network of its own, so that no port gets in another one's way; 'same' is that of here
in_root()
{
    local network=() own='ip link set lo up'
    if test "$1" = same
    then
        own=:
    else
        network=(-n)
    fi
    unshare -m "${network[@]}" --propagation private sh -c '
        root=$1
        shift
        '"$own"'
        mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --bind /dev "$root/dev" && exec chroot "$root" "$@"' sh "${@:2}"
}

apt_in_root()
{
    local root=$1
    shift
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@"
}

# make_root ROOT: a Debian of a suite, with its Wine: -amd64, -i386, or -both, for both kinds of programs; -bare without it; -autopkgtest with
# what debian/tests needs, too
make_root()
{
    local root=$folder/$1 suite=${1%-*} kind=${1#*-} arch=amd64 names="wine"
    test ! -e "$root/.ready" || return 0
    progress "making $root"
    have debootstrap || install_packages missing_debootstrap
    test "$kind" != i386 || arch=i386
    rm -rf "$root"
    run_logged "debootstrap" debootstrap --variant=minbase --arch="$arch" "$suite" "$root" "$(mirror)"
    cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    cp /etc/resolv.conf "$root/etc/" 2>/dev/null
    case $kind in
    bare) names="" ;;
    both)
        chroot "$root" dpkg --add-architecture i386
        names="wine wine64 wine32:i386"
        ;;
    autopkgtest) names="wine autopkgtest dpkg-dev build-essential autoconf debhelper gcc-mingw-w64-i686 gcc-mingw-w64-x86-64" ;;
    esac
    run_logged "apt-get update in $root" apt_in_root "$root" update
    # shellcheck disable=SC2086 # a list of words
    test -z "$names" || run_logged "apt-get install in $root" apt_in_root "$root" install $names
    chroot "$root" apt-get clean
    chroot "$root" useradd -m user 2>/dev/null
    touch "$root/.ready"
}

missing_debootstrap() { echo debootstrap; }

