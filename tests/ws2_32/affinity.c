/*
 * Sharing a port by processor
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* SPEC.md, section 10. "affinity full" runs as many rounds as a busy server; see acquire.c and completion.c for what this control code
 * has in common with the others. */

#include <stdlib.h>
#include <string.h>
#include "port_test.h"

static unsigned int processor_count(void)
{
    SYSTEM_INFO info;

    GetSystemInfo( &info );
    return info.dwNumberOfProcessors;
}

static int set_reuse( SOCKET s, int on )
{
    return setsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) ) ? WSAGetLastError() : 0;
}

/* "not a UDP socket; already bound; input shorter than a USHORT; a processor that the machine does not have; SO_REUSEADDR is set on the
 * socket, or is set later" */
static void test_states(void)
{
    USHORT processor = 0;
    ULONG more[2] = { 0 };
    unsigned int i;
    DWORD size;
    SOCKET s;
    int ret;

    for (i = 0; i < KIND_COUNT; i++)
    {
        BOOL is_udp = socket_kinds[i].type == SOCK_DGRAM;
        const char *name = socket_kinds[i].name;

        if (socket_kinds[i].family == AF_INET6 && !have_ipv6()) continue;
        s = make_socket( i );
        ret = set_processor( s, 0 );
        if (!is_udp)
        {
            ok( ret == WSAEOPNOTSUPP || broken( ret != WSAEOPNOTSUPP ), "%s: no UDP socket: error %d\n", name, ret );
            closesocket( s );
            continue;
        }
        ok( !ret, "%s: error %d\n", name, ret );
        ret = set_processor( s, 0 );
        ok( !ret, "%s: again: error %d\n", name, ret );
        ret = set_reuse( s, 1 );
        ok( ret == WSAEINVAL || broken( !ret ), "%s: SO_REUSEADDR later: error %d\n", name, ret );
        ret = set_reuse( s, 0 );
        ok( !ret || broken( ret == WSAEINVAL ), "%s: no SO_REUSEADDR later: error %d\n", name, ret );
        ret = bind_port( s, 0 );
        ok( !ret, "%s: bind: error %d\n", name, ret );
        ret = set_processor( s, 0 );
        ok( ret == WSAEINVAL, "%s: bound: error %d\n", name, ret );
        ret = set_reuse( s, 1 );
        ok( ret == WSAEINVAL || broken( !ret ), "%s: SO_REUSEADDR, bound: error %d\n", name, ret );
        closesocket( s );

        s = make_socket( i );
        set_reuse( s, 1 );
        ret = set_processor( s, 0 );
        ok( ret == WSAEINVAL, "%s: with SO_REUSEADDR: error %d\n", name, ret );
        set_reuse( s, 0 );
        ret = set_processor( s, processor_count() );
        ok( ret == WSAEINVAL || broken( !ret ), "%s: one processor too many: error %d\n", name, ret );
        ret = set_processor( s, 0xffff );
        ok( ret == WSAEINVAL || broken( !ret ), "%s: a processor that there is not: error %d\n", name, ret );
        ret = set_processor( s, processor_count() - 1 );
        ok( !ret, "%s: the last processor: error %d\n", name, ret );

        /* section 2: sizes before pointers, and nothing written */
        size = 0xdeadbeef;
        ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, 1, NULL, 0, &size, NULL, NULL ) ? WSAGetLastError() : 0;
        ok( ret == WSAEINVAL || broken( ret == WSAEFAULT ), "%s: short input: error %d\n", name, ret );
        ok( !size || broken( size == 0xdeadbeef ), "%s: short input: got %lu bytes\n", name, size );
        size = 0xdeadbeef;
        ret = WSAIoctl( s, SIO_CPU_AFFINITY, more, sizeof(more), NULL, 0, &size, NULL, NULL ) ? WSAGetLastError() : 0;
        ok( !ret || broken( ret == WSAEINVAL ), "%s: long input: error %d\n", name, ret );
        ok( !size, "%s: long input: got %lu bytes\n", name, size );
        ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), more, sizeof(more), &size, NULL, NULL ) ? WSAGetLastError() : 0;
        ok( ret == WSAEINVAL || broken( !ret ), "%s: with an output: error %d\n", name, ret );
        ret = WSAIoctl( s, SIO_CPU_AFFINITY, NULL, sizeof(processor), NULL, 0, &size, NULL, NULL ) ? WSAGetLastError() : 0;
        ok( ret == WSAEFAULT || broken( ret == WSAEINVAL ), "%s: no input: error %d\n", name, ret );
        ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, NULL, NULL, NULL ) ? WSAGetLastError() : 0;
        ok( ret == WSAEFAULT, "%s: nowhere to say how many bytes: error %d\n", name, ret );
        closesocket( s );
        ret = set_processor( s, 0 );
        ok( ret == WSAENOTSOCK, "%s: closed: error %d\n", name, ret );
    }
}

/* "what section 2 says of … completion": event and completion port, each exactly once */
static void test_completion(void)
{
    HANDLE port = CreateIoCompletionPort( INVALID_HANDLE_VALUE, NULL, 0, 0 );
    WSAOVERLAPPED overlapped = { 0 }, *got = NULL;
    USHORT processor = 0;
    DWORD size, flags;
    ULONG_PTR key;
    SOCKET s;
    int ret;

    s = make_socket( UDP4 );
    overlapped.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
    ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size, &overlapped, NULL );
    ok( !ret || WSAGetLastError() == WSA_IO_PENDING, "error %d\n", WSAGetLastError() );
    ok( !WaitForSingleObject( overlapped.hEvent, 5000 ), "the event is not set\n" );
    size = 0xdeadbeef;
    ok( WSAGetOverlappedResult( s, &overlapped, &size, FALSE, &flags ), "error %d\n", WSAGetLastError() );
    ok( !size, "got %lu bytes\n", size );
    CloseHandle( overlapped.hEvent );
    closesocket( s );

    s = make_socket( UDP4 );
    CreateIoCompletionPort( (HANDLE)s, port, 42, 0 );
    memset( &overlapped, 0, sizeof(overlapped) );
    ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size, &overlapped, NULL );
    ok( !ret || WSAGetLastError() == WSA_IO_PENDING, "error %d\n", WSAGetLastError() );
    ret = GetQueuedCompletionStatus( port, &size, &key, &got, 5000 );
    ok( ret && got == &overlapped && key == 42 && !size, "got %d, %p, %lu bytes\n", ret, got, size );
    ret = GetQueuedCompletionStatus( port, &size, &key, &got, 0 );
    ok( !ret && !got, "once more\n" );
    closesocket( s );
    CloseHandle( port );
}

/* "whoever has not set it, and another process, is refused (WSAEADDRINUSE, or WSAEACCES where the port is reserved)" */
static void check_strangers( const char *what, struct puppet *puppet, int kind, unsigned int port, int reserved )
{
    int expect = reserved ? WSAEACCES : WSAEADDRINUSE, ret;
    struct instance inst;
    SOCKET s = make_socket( kind );

    ret = bind_port( s, port );
    ok( ret == expect || broken( ret == WSAEADDRINUSE ), "%s: bind without the option: error %d\n", what, ret );
    set_reuse( s, 1 );
    ret = bind_port( s, port );
    /* beside a socket that does not share, SO_REUSEADDR gives WSAEACCES (Winsock reference, "Using SO_REUSEADDR") */
    ok( ret == expect || broken( ret == WSAEACCES || ret == WSAEADDRINUSE ), "%s: bind with SO_REUSEADDR: error %d\n", what, ret );
    closesocket( s );

    ok( !puppet_socket( puppet, 0, kind ), "no socket\n" );
    ret = puppet_bind( puppet, 0, port );
    ok( ret == expect || broken( ret == WSAEADDRINUSE ), "%s: another process: error %d\n", what, ret );
    puppet_set_reuse( puppet, 0 );
    ret = puppet_bind( puppet, 0, port );
    ok( ret == expect || broken( ret == WSAEACCES || ret == WSAEADDRINUSE ), "%s: another process with SO_REUSEADDR: error %d\n",
        what, ret );
    puppet_close( puppet, 0 );
    puppet_socket( puppet, 0, kind );
    ret = puppet_set_processor( puppet, 0, 0 );
    ok( !ret, "%s: another process: SIO_CPU_AFFINITY: error %d\n", what, ret );
    ret = puppet_bind( puppet, 0, port );
    /* "On Windows another process with the option may share a port that is not reserved" */
    ok( ret == expect || broken( !ret && !reserved ), "%s: another process with the option: error %d\n", what, ret );
    puppet_close( puppet, 0 );

    puppet_socket( puppet, 0, kind );
    ret = puppet_acquire( puppet, 0, port, 1, &inst );
    ok( ret == WSAEADDRINUSE, "%s: acquire by another process: error %d\n", what, ret );
    puppet_close( puppet, 0 );
}

#define SOURCES  100
#define SENT     1000

/* "A datagram goes to exactly one of the sockets": 1000 from 100 sources, over IPv4 and IPv6 */
static void check_traffic( const char *what, const SOCKET *socks, unsigned int count, unsigned int port, int kind )
{
    unsigned int i, j, lost = 0, twice = 0, total = 0, *received = calloc( SENT, sizeof(*received) );
    struct sockaddr_storage addr;
    SOCKET sources[SOURCES];
    u_long on = 1;
    int len;

    for (i = 0; i < count; i++) ioctlsocket( socks[i], FIONBIO, &on );
    for (i = 0; i < SOURCES; i++) sources[i] = make_socket( kind != UDP_DUAL ? kind : i % 2 ? UDP6 : UDP4 );
    for (i = 0; i < SENT; i += SOURCES)
    {
        for (j = 0; j < SOURCES; j++)
        {
            unsigned int number = i + j;

            len = make_addr( sources[j], TRUE, port, &addr );
            if (sendto( sources[j], (char *)&number, sizeof(number), 0, (struct sockaddr *)&addr, len ) != sizeof(number))
                ok( 0, "%s: sendto failed, error %d\n", what, WSAGetLastError() );
        }
        /* as they come, so that no buffer overflows */
        for (j = 0; j < count; j++)
        {
            unsigned int number;

            while (recv( socks[j], (char *)&number, sizeof(number), 0 ) == sizeof(number))
                if (number < SENT) received[number]++;
        }
    }
    for (i = 0; i < SENT; i++)
    {
        total += received[i];
        if (!received[i]) lost++;
        if (received[i] > 1) twice++;
    }
    ok( total == SENT && !lost && !twice, "%s: received %u of %u, %u lost, %u twice\n", what, total, SENT, lost, twice );
    for (i = 0; i < SOURCES; i++) closesocket( sources[i] );
    free( received );
}

/* Three sockets of one process on one port, reserved or picked by the system. */
static void test_group( int kind, BOOL reserved )
{
    char what[64];
    struct puppet puppet;
    struct instance inst;
    unsigned int i, port;
    SOCKET s[3], late;
    int ret;

    if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) return;
    if (!puppet_start( &puppet, FALSE )) return;
    sprintf( what, "%s, %s", socket_kinds[kind].name, reserved ? "reserved" : "not reserved" );
    for (i = 0; i < 3; i++)
    {
        s[i] = make_socket( kind );
        ret = set_processor( s[i], i % processor_count() );
        ok( !ret, "%s: SIO_CPU_AFFINITY: error %d\n", what, ret );
    }
    if (reserved)
    {
        must_acquire( s[0], 1, &inst );
        for (i = 0; i < 3; i++) must_associate( s[i], inst.Token );
        port = first_port( &inst );
        ret = bind_port( s[0], port );
    }
    else
    {
        ret = bind_port( s[0], 0 );
        port = local_port( s[0] );
    }
    ok( !ret && port, "%s: bind: error %d, port %u\n", what, ret, port );
    check_strangers( what, &puppet, kind, port, reserved );
    for (i = 1; i < 3; i++)
    {
        ret = bind_port( s[i], port );
        ok( !ret, "%s: %u: bind: error %d\n", what, i, ret );
        ok( local_port( s[i] ) == port, "%s: %u: port %u instead of %u\n", what, i, local_port( s[i] ), port );
    }
    check_strangers( what, &puppet, kind, port, reserved );
    check_traffic( what, s, 3, port, kind );

    if (reserved)
    {
        late = make_socket( kind );
        must_associate( late, inst.Token );
        ret = bind_port( late, port );
        ok( ret == WSAEADDRINUSE, "%s: one of the reservation, without the option: error %d\n", what, ret );
        closesocket( late );
    }

    /* "The port is free when the last of them closes, in any order; a reservation may end before its sockets do." */
    closesocket( s[0] );
    late = make_socket( kind );
    ret = acquire( late, port, 1, &inst );
    ok( ret == WSAEADDRINUSE, "%s: the port was given away: error %d\n", what, ret );
    check_strangers( what, &puppet, kind, port, FALSE );
    closesocket( s[2] );
    ret = acquire( late, port, 1, &inst );
    ok( ret == WSAEADDRINUSE, "%s: the port was given away: error %d\n", what, ret );
    check_traffic( what, s + 1, 1, port, kind );
    closesocket( s[1] );
    ret = acquire( late, port, 1, &inst );
    ok( !ret, "%s: acquire after the last close: error %d\n", what, ret );
    closesocket( late );
    puppet_stop( &puppet );
}

/* The order of msquic, "each step not overlapped although the sockets are on a completion port with skip-completion modes": affinity,
 * acquire of one port on socket 0, associate on every socket, bind socket 0 to the number, then the others to the same; the holder
 * closes first, and after the last close the port can be acquired at once by this process, within a second by another one. */
static void test_msquic( unsigned int count, unsigned int rounds )
{
    HANDLE completion = CreateIoCompletionPort( INVALID_HANDLE_VALUE, NULL, 0, 0 );
    BOOL ipv6 = have_ipv6();
    int kind = ipv6 ? UDP_DUAL : UDP4, ret;
    unsigned int i, round, port, failures = 0;
    SOCKET *s, probe;
    struct puppet puppet;
    struct instance inst;
    OVERLAPPED *got;
    ULONG_PTR key;
    DWORD size;

    if (!puppet_start( &puppet, FALSE )) return;
    s = calloc( count, sizeof(*s) );
    puppet_socket( &puppet, 0, kind );
    probe = make_socket( kind );
    port = find_free_block( kind, 1 );
    for (round = 0; round < rounds && failures < 5; round++)
    {
        for (i = 0; i < count; i++)
        {
            s[i] = make_socket( kind );
            CreateIoCompletionPort( (HANDLE)s[i], completion, i, 0 );
            SetFileCompletionNotificationModes( (HANDLE)s[i], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE );
            ret = set_processor( s[i], i % processor_count() );
            failures += ret != 0;
            ok( !ret, "%u sockets, round %u: SIO_CPU_AFFINITY: error %d\n", count, round, ret );
            if (!i)
            {
                ret = acquire( s[0], port, 1, &inst );
                failures += ret != 0;
                ok( !ret, "%u sockets, round %u: acquire: error %d\n", count, round, ret );
            }
            ret = associate( s[i], inst.Token );
            failures += ret != 0;
            ok( !ret, "%u sockets, round %u: associate: error %d\n", count, round, ret );
            ret = bind_port( s[i], port );
            failures += ret != 0;
            ok( !ret, "%u sockets, round %u: bind %u: error %d\n", count, round, i, ret );
        }
        for (i = 0; i < count; i++)
        {
            closesocket( s[i] );
            if (i + 1 == count) break;
            if (i > 2 && i + 2 < count) continue;
            ret = acquire( probe, port, 1, &inst );
            failures += ret != WSAEADDRINUSE;
            ok( ret == WSAEADDRINUSE, "%u sockets, round %u: acquire with %u left: error %d\n", count, round, count - 1 - i, ret );
            if (!ret) release( probe, inst.Token );
        }
        if (round % 16 == 15)
        {
            DWORD start = GetTickCount();

            while ((ret = puppet_acquire( &puppet, 0, port, 1, &inst )) == WSAEADDRINUSE &&
                   GetTickCount() - start < GIVE_BACK_TIMEOUT) Sleep( 10 );
            ok( !ret, "%u sockets, round %u: acquire by another process: error %d\n", count, round, ret );
            puppet_release( &puppet, 0, inst.Token );
        }
    }
    ret = GetQueuedCompletionStatus( completion, &size, &key, &got, 0 );
    ok( !ret && !got, "a completion of what was not overlapped\n" );
    closesocket( probe );
    puppet_stop( &puppet );
    CloseHandle( completion );
    free( s );
}

/* A program that binds without a number gets a port of its own, and the implicit binds do as well. "for port 0 too: the first socket
 * gets a port, the others ask for that number" */
static void test_implicit(void)
{
    SOCKET a = make_socket( UDP4 ), b = make_socket( UDP4 ), c = make_socket( UDP4 ), plain = make_socket( UDP4 );
    int ret;

    set_processor( a, 0 );
    set_processor( b, 0 );
    ret = implicit_bind( a );
    ok( !ret && local_port( a ), "error %d\n", ret );
    ret = bind_port( b, 0 );
    ok( !ret && local_port( b ) && local_port( a ) != local_port( b ), "error %d, ports %u and %u\n", ret, local_port( a ), local_port( b ) );
    set_processor( c, 0 );
    ret = bind_port( c, local_port( a ) );
    ok( !ret || broken( ret == WSAEADDRINUSE ), "port of an implicit bind: error %d\n", ret );
    ret = bind_port( plain, local_port( a ) );
    ok( ret == WSAEADDRINUSE, "by a socket without a processor: error %d\n", ret );
    closesocket( a );
    closesocket( b );
    closesocket( c );
    closesocket( plain );
}

START_TEST(affinity)
{
    char **argv;
    BOOL full = winetest_get_mainargs( &argv ) > 2 && !strcmp( argv[2], "full" );

    if (!start_test()) return;
    test_states();
    test_completion();
    test_implicit();
    test_group( UDP4, TRUE );
    test_group( UDP6, TRUE );
    test_group( UDP_DUAL, TRUE );
    test_group( UDP4, FALSE );
    test_group( UDP_DUAL, FALSE );
    test_msquic( 1, full ? 500 : 32 );
    test_msquic( 4, full ? 500 : 16 );
    test_msquic( 64, full ? 500 : 2 );
}
