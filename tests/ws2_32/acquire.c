/*
 * SIO_ACQUIRE_PORT_RESERVATION, and what the control codes check first
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Sections 1 and 2 of the specification, whose sentences stand over the tests; and of section 10 "what section 2 says of arguments,
 * order … (of the codes without output) holds here, too". */

#include <stddef.h>
#include <string.h>
#include "port_test.h"

static const DWORD codes[] =
{
    SIO_ACQUIRE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION, SIO_ASSOCIATE_PORT_RESERVATION, SIO_CPU_AFFINITY
};
static const char *const code_names[] = { "acquire", "release", "associate", "processor" };
#define CODE_COUNT ((int)ARRAY_SIZE( codes ))

static char *page_end;              /* memory before it can be written, memory behind it is not there */
static char *read_only, *unmapped;  /* a page each */

static void make_pages(void)
{
    DWORD old;
    char *base = VirtualAlloc( NULL, 0x4000, MEM_RESERVE, PAGE_NOACCESS );

    page_end = (char *)VirtualAlloc( base, 0x1000, MEM_COMMIT, PAGE_READWRITE ) + 0x1000;
    unmapped = base + 0x1000;
    read_only = VirtualAlloc( base + 0x3000, 0x1000, MEM_COMMIT, PAGE_READWRITE );
    memset( read_only, 0xcc, 0x1000 );
    *(INET_PORT_RANGE *)read_only = (INET_PORT_RANGE){ 0, 1 };
    VirtualProtect( read_only, 0x1000, PAGE_READONLY, &old );
}

static BOOL is_poison( const void *ptr, size_t size )
{
    const unsigned char *p = ptr;
    size_t i;

    for (i = 0; i < size; i++) if (p[i] != 0xcc) return FALSE;
    return TRUE;
}

/* Make a call that must fail, with an input and an output that would do, but for what the caller changed. */
struct bad_call
{
    SOCKET s;
    DWORD code;
    void *in;
    DWORD in_size;
    void *out;
    DWORD out_size;
    DWORD *returned;
    OVERLAPPED *overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
};

static INET_PORT_RANGE good_range = { 0, 1 };
static INET_PORT_RESERVATION_TOKEN good_token = { 1 };
static USHORT good_processor = 0;
static char out_buffer[32];
static DWORD returned_size;

static struct bad_call make_call( SOCKET s, int code )
{
    struct bad_call call = { s, codes[code], NULL, 0, NULL, 0, &returned_size, NULL, NULL };

    memset( out_buffer, 0xcc, sizeof(out_buffer) );
    returned_size = 0xdeadbeef;
    if (codes[code] == SIO_ACQUIRE_PORT_RESERVATION)
    {
        call.in = &good_range;
        call.in_size = sizeof(good_range);
        call.out = out_buffer;
        call.out_size = sizeof(struct instance);
    }
    else if (codes[code] == SIO_CPU_AFFINITY)
    {
        call.in = &good_processor;
        call.in_size = sizeof(good_processor);
    }
    else
    {
        call.in = &good_token;
        call.in_size = sizeof(good_token);
    }
    return call;
}

#define check_call( call, expect, other, ... ) check_call_( __LINE__, call, expect, other, __VA_ARGS__ )
static void check_call_( int line, const struct bad_call *call, int expect, int other, const char *what, int code )
{
    int ret, err;

    WSASetLastError( 0xdead );
    ret = WSAIoctl( call->s, call->code, call->in, call->in_size, call->out, call->out_size, call->returned,
                    call->overlapped, call->routine );
    err = WSAGetLastError();
    ok_( __FILE__, line, ret == SOCKET_ERROR, "%s, %s: got %d\n", code_names[code], what, ret );
    ok_( __FILE__, line, err == expect || broken( err == other ), "%s, %s: got error %d, not %d\n",
         code_names[code], what, err, expect );
    ok_( __FILE__, line, is_poison( out_buffer, sizeof(out_buffer) ), "%s, %s: the output was touched\n",
         code_names[code], what );
    if (call->returned == &returned_size)
        ok_( __FILE__, line, !returned_size || broken( returned_size == 0xdeadbeef ), "%s, %s: %#lx bytes returned\n",
             code_names[code], what, returned_size );
}

/* "Winsock not started: WSANOTINITIALISED" */
static void test_not_started(void)
{
    struct bad_call call;
    WSADATA data;
    SOCKET s;
    int i;

    s = make_socket( UDP4 );
    while (!WSACleanup()) ;
    for (i = 0; i < CODE_COUNT; i++)
    {
        call = make_call( s, i );
        check_call( &call, WSANOTINITIALISED, WSANOTINITIALISED, "not started", i );
        /* checked before all else */
        call.s = INVALID_SOCKET;
        call.in_size = 0;
        call.in = NULL;
        check_call( &call, WSANOTINITIALISED, WSANOTINITIALISED, "not started, bad arguments", i );
    }
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    closesocket( s );
}

/* "s is not a socket: WSAENOTSOCK" */
static void test_not_a_socket(void)
{
    HANDLE event = CreateEventA( NULL, TRUE, FALSE, NULL );
    SOCKET s = make_socket( UDP4 );
    struct bad_call call;
    int i;

    closesocket( s );
    for (i = 0; i < CODE_COUNT; i++)
    {
        call = make_call( INVALID_SOCKET, i );
        check_call( &call, WSAENOTSOCK, WSAENOTSOCK, "INVALID_SOCKET", i );
        call = make_call( (SOCKET)event, i );
        check_call( &call, WSAENOTSOCK, WSAENOTSOCK, "event", i );
        call = make_call( s, i );
        check_call( &call, WSAENOTSOCK, WSAENOTSOCK, "closed socket", i );
        call = make_call( 0, i );
        check_call( &call, WSAENOTSOCK, WSAENOTSOCK, "0", i );
        /* before the sizes and the pointers */
        call = make_call( INVALID_SOCKET, i );
        call.in_size = 0;
        check_call( &call, WSAENOTSOCK, WSAENOTSOCK, "INVALID_SOCKET, short input", i );
        call = make_call( INVALID_SOCKET, i );
        call.in = NULL;
        check_call( &call, WSAENOTSOCK, WSAEFAULT, "INVALID_SOCKET, no input", i );
    }
    CloseHandle( event );
}

/* "not a TCP or UDP socket (raw, other families or types): WSAEOPNOTSUPP" */
static void test_other_sockets(void)
{
    static const struct { const char *name; int family, type, protocol; } kinds[] =
    {
        { "raw ICMP", AF_INET,  SOCK_RAW, IPPROTO_ICMP },
        { "raw TCP",  AF_INET,  SOCK_RAW, IPPROTO_TCP },
        { "raw ICMP over IPv6", AF_INET6, SOCK_RAW, 58 },
        { "IPX",      AF_IPX,   SOCK_DGRAM, 1000 },
        { "Unix",     AF_UNIX,  SOCK_STREAM, 0 },
        { "Bluetooth", AF_BTH,  SOCK_STREAM, 3 },
    };
    struct bad_call call;
    unsigned int i;
    int code, found = 0;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    {
        SOCKET s = socket( kinds[i].family, kinds[i].type, kinds[i].protocol );

        if (s == INVALID_SOCKET) continue;
        found++;
        for (code = 0; code < CODE_COUNT; code++)
        {
            call = make_call( s, code );
            check_call( &call, WSAEOPNOTSUPP, WSAEINVAL, kinds[i].name, code );
            /* before the sizes */
            call = make_call( s, code );
            call.in_size = 0;
            check_call( &call, WSAEOPNOTSUPP, WSAEINVAL, kinds[i].name, code );
        }
        closesocket( s );
    }
    if (!found) skip( "this user can make no other sockets than TCP and UDP\n" );
}

/* "input shorter than its structure (longer is fine); acquire: output shorter than 16; associate, release:
 * cbOutBuffer not 0: WSAEINVAL" */
static void test_sizes(void)
{
    SOCKET s = make_socket( UDP4 );
    struct bad_call call;
    struct instance inst, *out = (struct instance *)out_buffer;
    char big[64] = { 0 };
    int i, ret;

    for (i = 0; i < CODE_COUNT; i++)
    {
        call = make_call( s, i );
        call.in_size = 0;
        check_call( &call, WSAEINVAL, WSAEFAULT, "no input size", i );
        call = make_call( s, i );
        call.in_size--;
        check_call( &call, WSAEINVAL, WSAEFAULT, "input too short by 1", i );
        /* before the pointers */
        call = make_call( s, i );
        call.in_size = 0;
        call.in = NULL;
        check_call( &call, WSAEINVAL, WSAEFAULT, "no input at all", i );
        call = make_call( s, i );
        call.in_size--;
        call.returned = NULL;
        check_call( &call, WSAEINVAL, WSAEFAULT, "input too short, nowhere for the size", i );
    }

    call = make_call( s, 0 );
    call.out_size = 15;
    check_call( &call, WSAEINVAL, WSAEFAULT, "output too short by 1", 0 );
    call = make_call( s, 0 );
    call.out_size = 0;
    check_call( &call, WSAEINVAL, WSAEFAULT, "no output size", 0 );
    call = make_call( s, 0 );
    call.out_size = 0;
    call.out = NULL;
    check_call( &call, WSAEINVAL, WSAEFAULT, "no output at all", 0 );

    ret = acquire( s, 0, 1, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    good_token.Token = inst.Token;
    for (i = 1; i < CODE_COUNT; i++)
    {
        call = make_call( s, i );
        call.out = out_buffer;
        call.out_size = 16;
        check_call( &call, WSAEINVAL, 0, "with an output", i );
        call = make_call( s, i );
        call.out = NULL;
        call.out_size = 1;
        check_call( &call, WSAEINVAL, WSAEFAULT, "with an output size", i );
    }

    /* longer is fine */
    *(INET_PORT_RANGE *)big = good_range;
    call = make_call( s, 0 );
    ret = WSAIoctl( s, call.code, big, sizeof(big), out_buffer, sizeof(out_buffer), &returned_size, NULL, NULL );
    ok( !ret, "acquire with long buffers failed, error %d\n", WSAGetLastError() );
    ok( returned_size == 16, "got %lu bytes\n", returned_size );
    ok( is_poison( out + 1, sizeof(out_buffer) - sizeof(*out) ), "wrote past the structure\n" );
    memset( big, 0, sizeof(big) );
    memcpy( big, &inst.Token, sizeof(inst.Token) );
    ret = WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, big, sizeof(big), NULL, 0, &returned_size, NULL, NULL );
    ok( !ret, "associate with a long input failed, error %d\n", WSAGetLastError() );
    ret = WSAIoctl( s, SIO_RELEASE_PORT_RESERVATION, big, sizeof(big), NULL, 0, &returned_size, NULL, NULL );
    ok( !ret, "release with a long input failed, error %d\n", WSAGetLastError() );
    /* an output pointer of no size is none */
    ret = WSAIoctl( s, SIO_RELEASE_PORT_RESERVATION, &out->Token, sizeof(out->Token), unmapped, 0, &returned_size, NULL, NULL );
    ok( !ret || broken( ret ), "release with an output pointer failed, error %d\n", WSAGetLastError() );
    good_token.Token = 1;
    closesocket( s );
}

/* "a pointer that the call needs is NULL or not wholly in valid memory; an invalid completion routine: WSAEFAULT" */
static void test_pointers(void)
{
    OVERLAPPED overlapped;
    SOCKET s = make_socket( UDP4 ), other;
    struct bad_call call;
    struct instance inst;
    int i, ret;

    memset( &overlapped, 0, sizeof(overlapped) );
    for (i = 0; i < CODE_COUNT; i++)
    {
        call = make_call( s, i );
        call.in = NULL;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpvInBuffer NULL", i );
        call = make_call( s, i );
        call.in = unmapped;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpvInBuffer not there", i );
        call = make_call( s, i );
        call.in = page_end - call.in_size / 2;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpvInBuffer half there", i );

        call = make_call( s, i );
        call.returned = NULL;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpcbBytesReturned NULL", i );
        call = make_call( s, i );
        call.returned = (DWORD *)unmapped;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpcbBytesReturned not there", i );
        call = make_call( s, i );
        call.returned = (DWORD *)(page_end - 2);
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpcbBytesReturned half there", i );
        call = make_call( s, i );
        call.returned = (DWORD *)(read_only + 64);
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpcbBytesReturned read-only", i );

        call = make_call( s, i );
        call.overlapped = (OVERLAPPED *)unmapped;
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpOverlapped not there", i );
        call = make_call( s, i );
        call.overlapped = (OVERLAPPED *)(page_end - 8);
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpOverlapped half there", i );
        call = make_call( s, i );
        call.overlapped = (OVERLAPPED *)(read_only + 64);
        check_call( &call, WSAEFAULT, WSAEINVAL, "lpOverlapped read-only", i );

        /* Windows may believe it, and jump there when this thread waits */
        if (winetest_is_wine())
        {
            call = make_call( s, i );
            call.overlapped = &overlapped;
            call.routine = (LPWSAOVERLAPPED_COMPLETION_ROUTINE)(ULONG_PTR)unmapped;
            check_call( &call, WSAEFAULT, WSAEINVAL, "lpCompletionRoutine not there", i );
        }
    }

    /* none of them has given the socket a processor */
    other = make_socket( UDP4 );
    ret = set_processor( other, 0 );
    ok( !ret, "SIO_CPU_AFFINITY, error %d\n", ret );
    ret = bind_port( other, 0 );
    ok( !ret, "bind, error %d\n", ret );
    ret = bind_port( s, local_port( other ) );
    ok( ret == WSAEADDRINUSE, "bind beside a socket with a processor, error %d\n", ret );
    closesocket( other );

    call = make_call( s, 0 );
    call.out = NULL;
    check_call( &call, WSAEFAULT, WSAEINVAL, "lpvOutBuffer NULL", 0 );
    call = make_call( s, 0 );
    call.out = unmapped;
    check_call( &call, WSAEFAULT, WSAEINVAL, "lpvOutBuffer not there", 0 );
    call = make_call( s, 0 );
    call.out = page_end - 8;
    memset( page_end - 8, 0xcc, 8 );
    check_call( &call, WSAEFAULT, WSAEINVAL, "lpvOutBuffer half there", 0 );
    ok( is_poison( page_end - 8, 8 ), "the output was touched\n" );
    call = make_call( s, 0 );
    call.out = read_only + 64;
    check_call( &call, WSAEFAULT, WSAEINVAL, "lpvOutBuffer read-only", 0 );
    ok( is_poison( read_only + 64, 16 ), "the output was touched\n" );

    /* before what the server looks at */
    call = make_call( s, 0 );
    good_range.NumberOfPorts = 0;
    call.returned = NULL;
    check_call( &call, WSAEFAULT, WSAEINVAL, "no ports, nowhere for the size", 0 );
    good_range.NumberOfPorts = 1;

    /* an input may be read-only, everything may be unaligned, input and output may be the same memory */
    call = make_call( s, 0 );
    ret = WSAIoctl( s, call.code, read_only, 4, out_buffer + 1, 16, &returned_size, NULL, NULL );
    ok( !ret, "acquire with read-only input failed, error %d\n", WSAGetLastError() );
    memcpy( &inst, out_buffer + 1, sizeof(inst) );
    ok( first_port( &inst ) && inst.Reservation.NumberOfPorts == 1 && inst.Token, "got %u, %u ports\n",
        first_port( &inst ), inst.Reservation.NumberOfPorts );
    *(INET_PORT_RANGE *)out_buffer = good_range;
    ret = WSAIoctl( s, call.code, out_buffer, 4, out_buffer, 16, &returned_size, NULL, NULL );
    ok( !ret, "acquire in place failed, error %d\n", WSAGetLastError() );
    closesocket( s );
}

/* "Success returns 0 and *lpcbBytesReturned = 16 for acquire, 0 for the other two" */
static void test_success( int kind )
{
    SOCKET s = make_socket( kind );
    struct instance inst;
    int ret;

    ok( sizeof(inst) == 16 && offsetof( struct instance, Token ) == 8, "wrong layout\n" );
    ret = acquire( s, 0, 3, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    ok( inst.Reservation.NumberOfPorts == 3, "got %u ports\n", inst.Reservation.NumberOfPorts );
    ok( first_port( &inst ) && last_port( &inst ) <= 65535, "got %u to %u\n", first_port( &inst ), last_port( &inst ) );
    ok( inst.Token != INVALID_PORT_RESERVATION_TOKEN, "no token\n" );
    ok( !local_port( s ), "acquire bound the socket to %u\n", local_port( s ) );
    ret = associate( s, inst.Token );
    ok( !ret, "associate failed, error %d\n", ret );
    ok( !local_port( s ), "associate bound the socket to %u\n", local_port( s ) );
    ret = release( s, inst.Token );
    ok( !ret, "release failed, error %d\n", ret );
    closesocket( s );
}

/* "NumberOfPorts 0, or the block would pass port 65535: WSAEINVAL" */
static void test_bad_range( int kind )
{
    static const struct { unsigned int first, count; } ranges[] =
    {
        { 0, 0 }, { 50000, 0 }, { 65535, 2 }, { 65000, 1000 }, { 2, 65535 }, { 65535, 65535 },
    };
    SOCKET s = make_socket( kind );
    struct instance inst;
    unsigned int i;
    int ret;

    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
    {
        ret = acquire( s, ranges[i].first, ranges[i].count, &inst );
        ok( ret == WSAEINVAL, "%s: %u ports from %u: error %d\n", socket_kinds[kind].name, ranges[i].count, ranges[i].first, ret );
        ok( is_poison( &inst, sizeof(inst) ), "the output was touched\n" );
    }
    closesocket( s );
}

/* "StartPort 0: a wildcard request: the server picks a consecutive free block; none left: WSAENOBUFS" */
static void test_wildcard( int kind )
{
    static const unsigned int counts[] = { 1, 2, 8, 100, 1000 };
    struct instance inst[sizeof(counts) / sizeof(counts[0])], none;
    SOCKET s = make_socket( kind );
    unsigned int i, j;
    int ret;

    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
    {
        ret = acquire( s, 0, counts[i], &inst[i] );
        ok( !ret, "%s: %u ports: error %d\n", socket_kinds[kind].name, counts[i], ret );
        ok( inst[i].Reservation.NumberOfPorts == counts[i], "got %u ports\n", inst[i].Reservation.NumberOfPorts );
        for (j = 0; j < i; j++)
            ok( first_port( &inst[i] ) > last_port( &inst[j] ) || last_port( &inst[i] ) < first_port( &inst[j] ),
                "%u-%u lies over %u-%u\n", first_port( &inst[i] ), last_port( &inst[i] ),
                first_port( &inst[j] ), last_port( &inst[j] ) );
    }
    trace( "%s: wildcard blocks begin at %u, %u\n", socket_kinds[kind].name, first_port( &inst[0] ), first_port( &inst[1] ) );
    ret = acquire( s, 0, 65535, &none );
    ok( ret == WSAENOBUFS || broken( ret == WSAEADDRINUSE || ret == WSAEINVAL ), "65535 ports: error %d\n", ret );
    ok( is_poison( &none, sizeof(none) ), "the output was touched\n" );
    closesocket( s );
}

/* "any port of the block lies in a reservation of either kind, this process's own included: WSAEADDRINUSE" and
 * "whatever fails, nothing changed in the pool" */
static void test_overlap( int kind )
{
    static const struct { int first, count; } overlaps[] =
    {
        { 2, 4 }, { 2, 1 }, { 5, 1 }, { 3, 2 }, { 0, 3 }, { 5, 3 }, { 0, 8 }, { 1, 2 }, { 5, 2 },
    };
    SOCKET s = make_socket( kind ), other = make_socket( kind );
    struct instance inst, block, side;
    struct puppet puppet;
    unsigned int i, first = 0;
    int ret = WSAENOBUFS;

    /* eight ports, of which the middle four (2 to 5) are taken */
    for (i = 0; i < 5; i++)
    {
        if (!(first = find_free_block( kind, 8 ))) break;
        if (!(ret = acquire( s, first + 2, 4, &block ))) break;
    }
    ok( !ret, "acquire failed, error %d\n", ret );
    for (i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++)
    {
        ret = acquire( s, first + overlaps[i].first, overlaps[i].count, &inst );
        ok( ret == WSAEADDRINUSE, "same socket, %d ports at %d: error %d\n", overlaps[i].count, overlaps[i].first, ret );
        ok( is_poison( &inst, sizeof(inst) ), "the output was touched\n" );
        ret = acquire( other, first + overlaps[i].first, overlaps[i].count, &inst );
        ok( ret == WSAEADDRINUSE, "other socket, %d ports at %d: error %d\n", overlaps[i].count, overlaps[i].first, ret );
    }
    if (puppet_start( &puppet, FALSE ))
    {
        puppet_socket( &puppet, 0, kind );
        for (i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++)
        {
            ret = puppet_acquire( &puppet, 0, first + overlaps[i].first, overlaps[i].count, &inst );
            ok( ret == WSAEADDRINUSE, "other process, %d ports at %d: error %d\n", overlaps[i].count, overlaps[i].first, ret );
        }
        puppet_stop( &puppet );
    }
    /* the ports beside it, which the refused blocks asked for as well, are free as before */
    ret = acquire( other, first, 2, &side );
    ok( !ret, "the ports before: error %d\n", ret );
    ret = acquire( other, first + 6, 2, &side );
    ok( !ret, "the ports behind: error %d\n", ret );
    /* and the block itself is as good as before */
    ret = associate( other, block.Token );
    ok( !ret, "associate failed, error %d\n", ret );
    ret = bind_port( other, first + 2 );
    ok( !ret, "bind failed, error %d\n", ret );
    closesocket( other );
    closesocket( s );
}

/* "any port of the block is bound by anyone on this host: WSAEADDRINUSE" */
static void test_over_bound( int kind )
{
    int acquire_kind = socket_kinds[kind].type == SOCK_STREAM ? TCP4 : UDP4;
    const char *name = socket_kinds[kind].name;
    struct sockaddr_storage to;
    SOCKET s = make_socket( acquire_kind ), holder, client;
    struct instance inst;
    struct puppet puppet;
    unsigned int port, loopback;
    int ret, len;

    for (loopback = 0; loopback < 2; loopback++)
    {
        holder = make_socket( kind );
        ret = loopback ? bind_loopback( holder, 0 ) : bind_port( holder, 0 );
        ok( !ret, "%s: bind failed, error %d\n", name, ret );
        port = local_port( holder );
        ret = acquire( s, port, 1, &inst );
        ok( ret == WSAEADDRINUSE, "%s: over a bound port: error %d\n", name, ret );
        if (port < 65535)
        {
            ret = acquire( s, port, 2, &inst );
            ok( ret == WSAEADDRINUSE, "%s: from a bound port: error %d\n", name, ret );
        }
        if (port > 1024)
        {
            ret = acquire( s, port - 1, 2, &inst );
            ok( ret == WSAEADDRINUSE, "%s: up to a bound port: error %d\n", name, ret );
        }
        if (socket_kinds[kind].type == SOCK_STREAM)
        {
            listen( holder, 1 );
            ret = acquire( s, port, 1, &inst );
            ok( ret == WSAEADDRINUSE, "%s: over a listening port: error %d\n", name, ret );
            client = make_socket( kind );
            len = make_addr( client, TRUE, port, &to );
            ret = connect( client, (struct sockaddr *)&to, len );
            ok( !ret, "%s: connect failed, error %d\n", name, WSAGetLastError() );
            ret = acquire( s, local_port( client ), 1, &inst );
            ok( ret == WSAEADDRINUSE, "%s: over the port of a connection: error %d\n", name, ret );
            closesocket( client );
        }
        closesocket( holder );
        if (socket_kinds[kind].type == SOCK_DGRAM)
        {
            ret = acquire_soon( s, port, 1, &inst );
            ok( !ret, "%s: after it was closed: error %d\n", name, ret );
        }
    }

    if (puppet_start( &puppet, FALSE ))
    {
        puppet_socket( &puppet, 0, kind );
        puppet_bind( &puppet, 0, 0 );
        port = puppet_local_port( &puppet, 0 );
        ret = acquire( s, port, 1, &inst );
        ok( ret == WSAEADDRINUSE, "%s: over a port of another process: error %d\n", name, ret );
        puppet_stop( &puppet );
    }
    closesocket( s );
}

/* "The output is the block granted and its token." "A token is opaque, never 0, cannot be guessed, and is not given
 * out twice while the server lives." */
static void test_tokens(void)
{
    static ULONG64 tokens[128];
    SOCKET s = make_socket( UDP4 );
    struct instance inst;
    unsigned int i, j, high = 0;
    int ret;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
    {
        ret = acquire( s, 0, 1, &inst );
        ok( !ret, "acquire failed, error %d\n", ret );
        tokens[i] = inst.Token;
        ok( inst.Token != 0, "token 0\n" );
        for (j = 0; j < i; j++) if (tokens[j] == inst.Token) break;
        ok( j == i, "a token was given out twice\n" );
        if (inst.Token >> 48) high++;
        ret = release( s, inst.Token );
        ok( !ret, "release failed, error %d\n", ret );
    }
    /* of 64 random bits, the upper 16 are 0 once in 65536 tokens */
    ok( high > 100 || broken( TRUE ), "only %u of 128 tokens have upper bits\n", high );
    closesocket( s );
}

/* "A reservation belongs to one protocol (TCP or UDP) and to both address families at once." */
static void test_protocols_and_families(void)
{
    SOCKET tcp = make_socket( TCP4 ), udp = make_socket( UDP4 ), s;
    struct instance inst, same;
    unsigned int i;
    int ret;

    for (i = 0; i < 10; i++)
    {
        if ((ret = acquire( tcp, 0, 4, &inst ))) break;
        if (!(ret = acquire( udp, first_port( &inst ), 4, &same ))) break;
        release( tcp, inst.Token );
    }
    if (!ok( !ret, "no block could be had for both protocols, error %d\n", ret ))
    {
        closesocket( tcp );
        closesocket( udp );
        return;
    }
    ok( inst.Token != same.Token, "one token for both\n" );

    if (have_ipv6())
    {
        s = make_socket( TCP6 );
        ret = acquire( s, first_port( &inst ), 1, &same );
        ok( ret == WSAEADDRINUSE, "by an IPv6 socket: error %d\n", ret );
        ret = associate( s, inst.Token );
        ok( !ret, "associate of an IPv6 socket: error %d\n", ret );
        ret = bind_port( s, 0 );
        ok( !ret, "bind of an IPv6 socket: error %d\n", ret );
        ok( in_block( &inst, local_port( s ) ), "got %u, not of %u-%u\n", local_port( s ), first_port( &inst ), last_port( &inst ) );
        closesocket( s );
    }
    closesocket( udp );
    closesocket( tcp );
}

/* "One socket may acquire several blocks. The socket may be bound or not." */
static void test_several_blocks( int kind )
{
    SOCKET s = make_socket( kind ), other;
    struct instance inst[5];
    unsigned int i;
    int ret;

    for (i = 0; i < 5; i++)
    {
        if (i == 2)
        {
            ret = bind_loopback( s, 0 );
            ok( !ret, "bind failed, error %d\n", ret );
        }
        if (i == 3 && socket_kinds[kind].type == SOCK_STREAM) listen( s, 1 );
        ret = acquire( s, 0, 2, &inst[i] );
        ok( !ret, "block %u: error %d\n", i, ret );
    }
    for (i = 0; i < 5; i++)
    {
        other = make_socket( kind );
        ret = associate( other, inst[i].Token );
        ok( !ret, "block %u: associate failed, error %d\n", i, ret );
        ret = bind_port( other, 0 );
        ok( !ret, "block %u: bind failed, error %d\n", i, ret );
        ok( in_block( &inst[i], local_port( other ) ), "block %u: got %u, not of %u-%u\n", i, local_port( other ),
            first_port( &inst[i] ), last_port( &inst[i] ) );
        closesocket( other );
    }
    closesocket( s );
}

/* "a port that the host does not let this user bind (below 1024 for an ordinary user): WSAEACCES" */
static void test_privileged(void)
{
    SOCKET s = make_socket( UDP4 ), probe = make_socket( UDP4 );
    struct instance inst;
    int ret;

    if (!winetest_is_wine() || bind_loopback( probe, 999 ) != WSAEACCES)
        skip( "this user may bind every port\n" );
    else
    {
        ret = acquire( s, 999, 1, &inst );
        ok( ret == WSAEACCES, "error %d\n", ret );
        ret = acquire( s, 1020, 8, &inst );
        ok( ret == WSAEACCES, "partly below 1024: error %d\n", ret );
    }
    closesocket( probe );
    closesocket( s );
}

/* a non-blocking socket is no different: "the call finishes before it returns, also on a non-blocking socket" */
static void test_nonblocking(void)
{
    SOCKET s = make_socket( TCP4 );
    struct instance inst;
    u_long on = 1;
    int ret;

    ioctlsocket( s, FIONBIO, &on );
    ret = acquire( s, 0, 2, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    ret = associate( s, inst.Token );
    ok( !ret, "associate failed, error %d\n", ret );
    ret = bind_port( s, 0 );
    ok( !ret && in_block( &inst, local_port( s ) ), "error %d, port %u\n", ret, local_port( s ) );
    ret = release( s, inst.Token );
    ok( !ret, "release failed, error %d\n", ret );
    closesocket( s );

    /* a socket without the overlapped attribute */
    s = WSASocketW( AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0 );
    ret = acquire( s, 0, 2, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    closesocket( s );
}

/* programs that look WSAIoctl and bind up at run time get the same functions */
static void test_lookup(void)
{
    static const char *const names[] = { "WSAIoctl", "bind", "connect", "sendto", "WSAConnect", "WSASendTo" };
    static const char *const others[] = { "iphlpapi.dll", "mswsock.dll", "wsock32.dll", "dnsapi.dll" };
    int (WINAPI *ioctl)( SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *, OVERLAPPED *, LPWSAOVERLAPPED_COMPLETION_ROUTINE );
    HMODULE module = GetModuleHandleA( "ws2_32" ), loaded = LoadLibraryA( "ws2_32.dll" );
    HMODULE other_modules[ARRAY_SIZE( others )];
    struct instance inst;
    INET_PORT_RANGE range = { 0, 1 };
    unsigned int i;
    SOCKET s;
    DWORD size;
    int ret;

    ok( module && module == loaded, "GetModuleHandle %p, LoadLibrary %p\n", (void *)module, (void *)loaded );
    for (i = 0; i < ARRAY_SIZE( others ); i++) other_modules[i] = LoadLibraryA( others[i] );
    ok( GetModuleHandleA( "ws2_32.dll" ) == module, "another module after others were loaded\n" );
    ok( GetModuleHandleA( "WS2_32" ) == module, "another module in capitals\n" );
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ok( GetProcAddress( module, names[i] ) != NULL, "no %s\n", names[i] );

    ioctl = (void *)GetProcAddress( GetModuleHandleA( "ws2_32" ), "WSAIoctl" );
    s = make_socket( TCP4 );
    ret = ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &inst, sizeof(inst), &size, NULL, NULL );
    ok( !ret && size == sizeof(inst), "got %d, error %d, %lu bytes\n", ret, WSAGetLastError(), size );
    closesocket( s );
    for (i = 0; i < ARRAY_SIZE( others ); i++) FreeLibrary( other_modules[i] );
    FreeLibrary( loaded );
}

/* A program may load Winsock at run time and let go of it again: what it asks for then is not what it asked for before. A copy of the
 * DLL, since this program holds the DLL itself. */
static void test_loaded_again(void)
{
    int (WINAPI *pWSAIoctl)( SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *, WSAOVERLAPPED *, void * );
    int (WINAPI *pWSAStartup)( WORD, WSADATA * );
    WCHAR path[MAX_PATH], copy[MAX_PATH];
    SOCKET s = make_socket( TCP4 );
    struct instance inst[2];
    INET_PORT_RANGE range;
    unsigned int i;
    HMODULE module;
    WSADATA data;
    DWORD size;
    int ret;

    GetSystemDirectoryW( path, MAX_PATH - 16 );
    wcscat( path, L"\\ws2_32.dll" );
    GetTempPathW( MAX_PATH, copy );
    if (!GetTempFileNameW( copy, L"ws2", 0, copy ) || !CopyFileW( path, copy, FALSE ))
    {
        skip( "no copy of ws2_32.dll, error %lu\n", GetLastError() );
        closesocket( s );
        return;
    }
    memset( inst, 0, sizeof(inst) );
    for (i = 0; i < 2; i++)
    {
        if (!(module = LoadLibraryW( copy )))
        {
            skip( "a copy of ws2_32.dll can't be loaded, error %lu\n", GetLastError() );
            break;
        }
        pWSAStartup = (void *)GetProcAddress( module, "WSAStartup" );
        pWSAIoctl = (void *)GetProcAddress( module, "WSAIoctl" );
        pWSAStartup( MAKEWORD( 2, 2 ), &data );
        range.StartPort = 0;
        range.NumberOfPorts = 2 + i;
        ret = pWSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &inst[i], sizeof(inst[i]), &size, NULL, NULL );
        ok( !ret || broken( ret ), "acquire %u failed, error %d\n", i, WSAGetLastError() );
        if (!ret) ok( inst[i].Reservation.NumberOfPorts == 2 + i, "got %u ports\n", inst[i].Reservation.NumberOfPorts );
        if (!ret && i) ok( inst[0].Token != inst[1].Token, "got the same reservation again\n" );
        FreeLibrary( module );
    }
    DeleteFileW( copy );
    closesocket( s );
}

START_TEST(acquire)
{
    int kind;

    if (!start_test()) return;
    make_pages();
    test_not_started();
    test_not_a_socket();
    test_other_sockets();
    test_sizes();
    test_pointers();
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        test_success( kind );
        test_bad_range( kind );
        test_wildcard( kind );
        test_overlap( kind );
        test_over_bound( kind );
        test_several_blocks( kind );
    }
    test_tokens();
    test_protocols_and_families();
    test_privileged();
    test_nonblocking();
    test_lookup();
    test_loaded_again();
}
