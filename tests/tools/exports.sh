#!/bin/bash
# Every export of Wine's DLL is there by name and ordinal; the generators refuse what they would get wrong.
. "$(dirname "$0")/testlib"

mkdir "$work/include" "$work/server"
objdump=$(command -v x86_64-w64-mingw32-objdump || command -v i686-w64-mingw32-objdump)

# exports FILE: "ordinal name" of each, by name
exports()
{
    # the ordinals of these DLLs start at 1, and objdump counts from 0
    "$objdump" -p "$1" 2>/dev/null | awk '
        /^\[Ordinal\/Name Pointer\] Table/ { on = 1; next }
        on && /^$/ { exit }
        on && match( $0, /\[ *[0-9]+\]/ ) { print substr( $0, RSTART + 1, RLENGTH - 2 ) + 1, $NF }' | sort -k 2
}

# the DLL of Wine in a folder of a prefix that is untouched, and ours for it, as install makes it
check_dll()
{
    local wine=$1 ours=$2 dll=$3
    ok "$ours is made to fit" "$BUILD/native/overlay-adapt" "$ours" "$wine" >"$work/adapted"
    exports "$wine" >"$work/wine"
    exports "$work/adapted" >"$work/ours"
    ok "$wine has exports" test -s "$work/wine"
    comm -23 <(sort "$work/wine") <(sort "$work/ours") >"$work/missing"
    ok "each name of $wine has its number in $ours" same "$work/missing" /dev/null
    comm -13 <(sort "$work/wine") <(sort "$work/ours") | sed 's/^[0-9]* //' | sort >"$work/more"
    sed -n 's/^[0-9@]*  *ours  *//p' "$srcdir/dlls/$dll/$dll.spec" | sort >"$work/own"
    comm -23 "$work/more" "$work/own" >"$work/unknown"
    ok "$ours has no other names but of functions that are its own" same "$work/unknown" /dev/null
    ok "the sections of $ours can be mapped from the file" is \
        "$("$objdump" -h "$work/adapted" 2>/dev/null | awk '/^ *[0-9]+ / && $6 !~ /000$/ { print $2 }')" ""
    ok "$ours forwards what $wine does" is "$("$objdump" -p "$work/adapted" 2>/dev/null | sed -n 's/.*Forwarder RVA -- //p')" \
        "$("$objdump" -p "$wine" 2>/dev/null | sed -n 's/.*Forwarder RVA -- //p')"
}

# a list for make_spec that must be refused, with the reason
bad_spec()
{
    printf '%s\n' "$2" >"$work/bad.spec"
    tests=$((tests + 1))
    "$srcdir/tools/make_spec" "$work/bad.spec" "$work" 2>"$work/err" &&
        { failures=$((failures + 1)); echo "Test failed: make_spec took $1"; }
    ok "make_spec says what is wrong with $1" contains "$work/err" "$3"
}

# the same for make_requests
bad_protocol()
{
    printf '%s\n' "$2" >"$work/bad.def"
    tests=$((tests + 1))
    "$srcdir/tools/make_requests" "$work/bad.def" "$srcdir/ports/status.h" "$work" 2>"$work/err" &&
        { failures=$((failures + 1)); echo "Test failed: make_requests took $1"; }
    ok "make_requests says what is wrong with $1" contains "$work/err" "$3"
}

bad_spec 'a name twice' '1 wine bind
2 wine bind' "'bind' is there twice"
bad_spec 'an ordinal twice' '1 wine bind
1 wine connect' 'ordinal 1 is there twice'
bad_spec 'an unknown origin' '1 forward bind' ':1: expected'
bad_spec 'no exports' '# nothing' 'no exports'

bad_protocol 'an unknown type' '@REQ(a)
    long x;
@REPLY
@END' ":2: type 'long'"
bad_protocol 'a structure with a hole' '@HEADER
struct a
{
    uint16_t x;
    uint32_t y;
};
@END' 'struct a needs explicit padding'
bad_protocol 'a request twice' '@REQ(a)
@REPLY
@END
@REQ(a)' "request 'a' is there twice"
bad_protocol 'an open section' '@REQ(a)' '@END is missing'

# the version tells a change of the protocol from a change of a comment
version()
{
    "$srcdir/tools/make_requests" "$1" "$srcdir/ports/status.h" "$work" &&
        sed -n 's/^#define PROTOCOL_VERSION //p' "$work/include/protocol.h"
}
cp "$srcdir/server/protocol.def" "$work/changed.def"
printf '/* another comment */\n' >>"$work/changed.def"
ok 'a comment leaves the version' is "$(version "$work/changed.def")" "$(version "$srcdir/server/protocol.def")"
printf '@REQ(another)\n@REPLY\n@END\n' >>"$work/changed.def"
ok 'a request changes the version' isnt "$(version "$work/changed.def")" "$(version "$srcdir/server/protocol.def")"

if test -d "${PRISTINE:-}"
then
    windows=$PRISTINE/drive_c/windows
    for dll in ws2_32 iphlpapi mswsock
    do
        if test -f "$windows/syswow64/ntdll.dll"
        then
            check_dll "$windows/system32/$dll.dll" "$BUILD/x86_64-windows/$dll.dll" $dll
            test ! -f "$BUILD/i386-windows/$dll.dll" ||
                check_dll "$windows/syswow64/$dll.dll" "$BUILD/i386-windows/$dll.dll" $dll
        elif test -f "$BUILD/x86_64-windows/$dll.dll"
        then
            check_dll "$windows/system32/$dll.dll" "$BUILD/x86_64-windows/$dll.dll" $dll
        else
            check_dll "$windows/system32/$dll.dll" "$BUILD/i386-windows/$dll.dll" $dll
        fi
    done
else
    echo "Tests skipped: PRISTINE is not set, so there is no Wine to compare with"
fi
complete=yes
