# The prefixes of a user; read by wine-portres with '.'
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=sh disable=SC2154 # what wine-portres sets

# Print "KIND<tab>FOLDER" for each folder where a prefix may be
possible_prefixes()
{
    data=${XDG_DATA_HOME:-$HOME/.local/share}
    flatpak=$HOME/.var/app
    print_each Wine "${WINEPREFIX:-$HOME/.wine}" "$HOME"/.wine* "$data"/wineprefixes/*
    lutris=$flatpak/net.lutris.Lutris
    print_each Lutris "$HOME"/Games/* "$data"/lutris/prefixes/*
    print_named Lutris prefix "${XDG_CONFIG_HOME:-$HOME/.config}"/lutris/games/*.yml "$data"/lutris/games/*.yml \
        "$lutris"/config/lutris/games/*.yml "$lutris"/data/lutris/games/*.yml
    for bottles in "$data/bottles" "$flatpak/com.usebottles.bottles/data/bottles"
    do
        print_each Bottles "$bottles"/bottles/*
        named_in custom_bottles_path "$bottles/data.yml" | while IFS= read -r folder
        do
            print_each Bottles "$folder"/*
        done
    done
    print_each Heroic "$HOME"/Games/Heroic/Prefixes/* "$HOME"/Games/Heroic/Prefixes/default/*
    print_each PlayOnLinux "$HOME"/.PlayOnLinux/wineprefix/*
    print_each CrossOver "$HOME"/.cxoffice/*
    for steam in "$HOME/.steam/steam" "$HOME/.steam/root" "$data/Steam" "$flatpak/com.valvesoftware.Steam/.local/share/Steam" \
        "$HOME/snap/steam/common/.local/share/Steam"
    do
        steam_libraries "$steam" | while IFS= read -r folder
        do
            print_steam "$folder"/steamapps/compatdata/*
        done
    done
}

print_each()
{
    kind=$1
    shift
    for folder
    do
        printf '%s\t%s\n' "$kind" "$folder"
    done
}

# named_in NAME FILE...: print what YAML files give a name
named_in()
{
    name=$1
    shift
    sed -n "s/^ *$name: *//p" "$@" 2>/dev/null | sed "s/^\([\"']\)\(.*\)\1\$/\2/"
}

# print_named KIND NAME FILE...
print_named()
{
    kind=$1
    shift
    named_in "$@" | while IFS= read -r folder
    do
        print_each "$kind" "$folder"
    done
}

# by the number of the game
print_steam()
{
    for folder
    do
        printf 'Steam %s\t%s\n' "${folder##*/}" "$folder/pfx"
    done
}

# Print the folders in which a Steam has its games: its own, and those of its list
steam_libraries()
{
    echo "$1"
    sed -n 's/^[[:space:]]*"path"[[:space:]]*"\(.*\)"[[:space:]]*$/\1/p' "$1/steamapps/libraryfolders.vdf" 2>/dev/null
}

# Print "KIND<tab>FOLDER" of each prefix once
find_prefixes()
{
    possible_prefixes | while IFS="$(printf '\t')" read -r kind folder
    do
        test -d "$folder/drive_c/windows/system32" || continue
        # one folder has many names
        printf '%s\t%s\n' "$kind" "$(readlink -f -- "$folder")"
    done | sort -u -t "$(printf '\t')" -k 2,2
}

# What the files of the prefix say; no Wine is started
prefix_state()
{
    use_prefix "$1"
    if ! test -d "$portres"
    then
        echo "not installed"
    elif ! is_ours "$system32/ws2_32.dll" || ! test -f "$portres/portres.exe"
    then
        echo "installed only in part; 'wine-portres install --prefix $1' finishes it"
    elif test -f "$libdir/$arch-windows/portserver.exe" && ! cmp -s "$libdir/$arch-windows/portserver.exe" "$portres/portserver.exe"
    then
        echo "installed, another build; 'wine-portres install --prefix $1' updates it"
    else
        echo "installed"
    fi
}

show_all_prefixes()
{
    make_tmp
    find_prefixes >"$tmp/prefixes"
    test -s "$tmp/prefixes" || die "no prefix was found; make one with 'wineboot -u', or give its folder by --prefix"
    while IFS="$(printf '\t')" read -r kind folder
    do
        printf '%-18s %s: %s\n' "$kind" "$folder" "$(prefix_state "$folder")"
    done <"$tmp/prefixes"
}

uninstall_all()
{
    make_tmp
    find_prefixes | cut -f 2 >"$tmp/prefixes"
    failed=
    while IFS= read -r folder
    do
        use_prefix "$folder"
        test -d "$portres" || continue
        (uninstall_component) </dev/null || failed=yes
    done <"$tmp/prefixes"
    test -z "$failed" || die "not all of them could be taken out; see above"
}
