# Completion of wine-portres for bash
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# shellcheck shell=bash

_wine_portres()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i words=''

    # '=' is a word of its own
    if test "$word" = =
    then
        word=
        before='='
    fi
    if test "$before" = --prefix || { test "$before" = = && test "${COMP_WORDS[COMP_CWORD - 2]}" = --prefix; }
    then
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++))
    do
        case ${COMP_WORDS[i]} in
        --prefix)
            i=$((i + 1))
            test "${COMP_WORDS[i]}" != = || i=$((i + 1))
            ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $command in
    '') words="install uninstall run status list who doctor --prefix --version --help" ;;
    uninstall | status) words="--all --prefix --help" ;;
    list) words="--json --watch --prefix --help" ;;
    who)
        words="--prefix --help"
        test "$before" != who || words="tcp udp $words"
        ;;
    run)
        case $word in
        -*) words="--prefix --help" ;;
        *)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        esac
        ;;
    install | doctor) words="--prefix --help" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _wine_portres wine-portres
