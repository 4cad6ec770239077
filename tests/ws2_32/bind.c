/*
 * Binding an associated socket
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 3 of the specification, whose sentences stand over the tests; implicit binds are in implicit.c. */

#include <stdlib.h>
#include <string.h>
#include "port_test.h"

/* "port 0: a free port of the reservation, and of no other place", each exactly once; "nothing free is left: the call
 * fails: WSAENOBUFS; the socket stays unbound and associated"; "A port comes back to the reservation when the last handle of
 * the socket that held it closes." */
static void test_exhaust( int kind, unsigned int count, BOOL explicit )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), *sockets, late;
    unsigned int i, first, port, bound = 0, victim;
    unsigned char *seen;
    struct instance inst;
    int ret;

    sockets = malloc( count * sizeof(*sockets) );
    seen = calloc( count, 1 );
    ret = explicit ? acquire_explicit( owner, count, &inst ) : acquire( owner, 0, count, &inst );
    ok( !ret, "%s: acquire of %u failed, error %d\n", name, count, ret );
    if (ret) goto done;

    for (i = 0; i < count; i++)
    {
        sockets[i] = make_socket( kind );
        ret = associate( sockets[i], inst.Token );
        ok( !ret, "%s, %u ports: associate %u failed, error %d\n", name, count, i, ret );
        ret = bind_port( sockets[i], 0 );
        ok( !ret, "%s, %u ports: bind %u failed, error %d\n", name, count, i, ret );
        port = local_port( sockets[i] );
        ok( in_block( &inst, port ), "%s, %u ports: bind %u gave %u, not of %u-%u\n", name, count, i, port,
            first_port( &inst ), last_port( &inst ) );
        if (!in_block( &inst, port )) continue;
        ok( !seen[port - first_port( &inst )], "%s, %u ports: port %u was given twice\n", name, count, port );
        seen[port - first_port( &inst )] = 1;
        bound++;
    }
    ok( bound == count, "%s: only %u of %u ports\n", name, bound, count );

    late = make_socket( kind );
    ret = associate( late, inst.Token );
    ok( !ret, "%s, %u ports: associate with a full block failed, error %d\n", name, count, ret );
    ret = bind_port( late, 0 );
    ok( ret == WSAENOBUFS || broken( ret == WSAEADDRINUSE ), "%s, %u ports: bind to a full block: error %d\n", name, count, ret );
    ok( !local_port( late ), "%s, %u ports: and yet bound to %u\n", name, count, local_port( late ) );
    ret = bind_port( late, 0 );
    ok( ret == WSAENOBUFS || broken( ret == WSAEADDRINUSE ), "%s, %u ports: bind again: error %d\n", name, count, ret );
    ret = bind_port( late, first_port( &inst ) );
    ok( ret == WSAEADDRINUSE, "%s, %u ports: bind by number: error %d\n", name, count, ret );

    victim = count / 2;
    port = local_port( sockets[victim] );
    closesocket( sockets[victim] );
    sockets[victim] = late;
    ret = bind_soon( late, 0 );
    ok( !ret, "%s, %u ports: bind after a close: error %d\n", name, count, ret );
    ok( local_port( late ) == port, "%s, %u ports: got %u, not %u\n", name, count, local_port( late ), port );
    for (i = 0; i < count; i++) closesocket( sockets[i] );

done:
    closesocket( owner );
    /* and nothing is left of it; a busy machine takes its time for the end of a thousand sockets */
    if (!ret)
    {
        owner = make_socket( kind );
        first = first_port( &inst );
        for (i = 0; i < 5 && (ret = acquire_soon( owner, first, count, &inst )) == WSAEADDRINUSE; i++) ;
        ok( !ret, "%s, %u ports: acquire after all: error %d\n", name, count, ret );
        closesocket( owner );
    }
    free( sockets );
    free( seen );
}

/* "a port of the reservation that is free: that port", "a port of the reservation that is taken: WSAEADDRINUSE",
 * "a port outside it: WSAEADDRNOTAVAIL" */
static void test_by_number( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, other, plain = make_socket( kind );
    struct instance inst, beside;
    unsigned int i, port, outside;
    int ret;

    must_acquire( owner, 4, &inst );
    must_acquire( owner, 1, &beside );
    outside = find_free_block( kind, 1 );

    for (i = 0; i < 4; i++)
    {
        port = first_port( &inst ) + (i + 2) % 4;   /* first and last are no special case */
        s = associated_socket( kind, &inst );
        other = associated_socket( kind, &inst );
        ret = bind_soon( s, port );   /* the round before had it */
        ok( !ret, "%s: bind to %u failed, error %d\n", name, port, ret );
        ok( local_port( s ) == port, "%s: got %u, not %u\n", name, local_port( s ), port );
        ret = bind_port( s, port );
        ok( ret == WSAEINVAL, "%s: second bind: error %d\n", name, ret );
        ret = bind_port( s, 0 );
        ok( ret == WSAEINVAL, "%s: second bind to 0: error %d\n", name, ret );

        ret = bind_port( other, port );
        ok( ret == WSAEADDRINUSE, "%s: bind to a taken port: error %d\n", name, ret );
        ok( !local_port( other ), "%s: and yet bound to %u\n", name, local_port( other ) );
        ret = bind_port( other, outside );
        ok( ret == WSAEADDRNOTAVAIL || broken( ret ), "%s: bind to a port outside: error %d\n", name, ret );
        ret = bind_port( other, first_port( &beside ) );
        ok( ret == WSAEADDRNOTAVAIL || broken( ret ), "%s: bind to another reservation: error %d\n", name, ret );
        ok( !local_port( other ), "%s: and yet bound to %u\n", name, local_port( other ) );

        /* it is still associated, so the next number is fine, and one behind the block is not */
        ret = bind_port( other, last_port( &inst ) + 1 );
        ok( ret == WSAEADDRNOTAVAIL || broken( ret ), "%s: bind right behind: error %d\n", name, ret );
        ret = bind_soon( other, first_port( &inst ) + (i + 3) % 4 );
        ok( !ret, "%s: bind to a free port: error %d\n", name, ret );
        closesocket( other );
        closesocket( s );
    }
    ret = bind_port( plain, 0 );
    ok( !ret && !in_block( &inst, local_port( plain ) ), "%s: error %d, port %u\n", name, ret, local_port( plain ) );
    closesocket( plain );
    closesocket( owner );
}

/* "A dual-stack IPv6 socket takes the port for both families." */
static void test_families( int dual_kind, int kind4 )
{
    const char *name = socket_kinds[dual_kind].name;
    SOCKET owner = make_socket( kind4 ), s, other;
    struct instance inst;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( dual_kind, &inst );
    ret = bind_port( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( local_port( s ) == first_port( &inst ), "%s: got %u\n", name, local_port( s ) );
    other = associated_socket( kind4, &inst );
    ret = bind_port( other, 0 );
    ok( ret == WSAENOBUFS || broken( ret ), "%s: bind over IPv4: error %d\n", name, ret );
    ret = bind_port( other, first_port( &inst ) );
    ok( ret == WSAEADDRINUSE, "%s: bind over IPv4 by number: error %d\n", name, ret );
    closesocket( other );
    closesocket( s );
    closesocket( owner );
}

static BOOL get_reuse( SOCKET s )
{
    int len = sizeof(BOOL);
    BOOL on = FALSE;

    getsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, &len );
    return !!on;
}

/* "a port of the reservation that is taken: WSAEADDRINUSE (SO_REUSEADDR between UDP sockets of the same reservation works as without
 * one)" */
static void test_reuse( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, other, third;
    struct instance inst;
    BOOL on = TRUE;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( kind, &inst );
    other = associated_socket( kind, &inst );
    third = associated_socket( kind, &inst );
    setsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    ret = bind_port( s, first_port( &inst ) );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ret = bind_port( third, first_port( &inst ) );
    ok( ret == WSAEADDRINUSE, "%s: without SO_REUSEADDR: error %d\n", name, ret );
    ret = bind_port( other, first_port( &inst ) );
    if (socket_kinds[kind].type == SOCK_STREAM)
        ok( ret == WSAEADDRINUSE || broken( !ret ), "%s: with SO_REUSEADDR: error %d\n", name, ret );
    else
        ok( !ret && local_port( other ) == first_port( &inst ), "%s: with SO_REUSEADDR: error %d, port %u\n", name, ret,
            local_port( other ));
    ok( get_reuse( other ), "%s: SO_REUSEADDR is off\n", name );

    /* the port comes back with the last of the two */
    closesocket( s );
    Sleep( 50 );
    if (socket_kinds[kind].type == SOCK_DGRAM)
    {
        ret = bind_port( third, 0 );
        ok( ret == WSAENOBUFS || broken( ret ), "%s: while one of two is open: error %d\n", name, ret );
    }
    closesocket( other );
    ret = bind_soon( third, 0 );
    ok( !ret, "%s: when both are closed: error %d\n", name, ret );

    /* nobody outside gets in by that option */
    other = make_socket( kind );
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    ret = bind_port( other, first_port( &inst ) );
    ok( ret == WSAEACCES, "%s: unassociated with SO_REUSEADDR: error %d\n", name, ret );
    closesocket( other );
    closesocket( third );
    closesocket( owner );
}

/* What goes side by side without a reservation goes side by side from one, asked for by number: the same port on two addresses,
 * and for IPv4 and an IPv6 socket that is IPv6 only. */
static void test_side_by_side( int kind, BOOL reuse )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, other, third;
    struct sockaddr_in addr;
    struct instance inst;
    int ret;

    /* Wine 8.0 binds UDP sockets to all addresses, whichever was asked for */
    memset( &addr, 0, sizeof(addr) );
    addr.sin_family = AF_INET;
    s = make_socket( kind );
    other = make_socket( kind );
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    addr.sin_port = htons( local_port( s ));
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK + 1 );
    ret = bind( other, (struct sockaddr *)&addr, sizeof(addr) );
    closesocket( other );
    closesocket( s );
    if (ret)
    {
        skip( "%s: this system binds a port but once, whatever the address\n", name );
        closesocket( owner );
        return;
    }

    must_acquire( owner, 1, &inst );
    s = associated_socket( kind, &inst );
    other = associated_socket( kind, &inst );
    third = associated_socket( kind, &inst );
    setsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&reuse, sizeof(reuse) );
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&reuse, sizeof(reuse) );
    addr.sin_port = htons( first_port( &inst ));
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    ret = bind( s, (struct sockaddr *)&addr, sizeof(addr) );
    ok( !ret, "%s: bind to 127.0.0.1 failed, error %d\n", name, WSAGetLastError() );
    ret = bind( third, (struct sockaddr *)&addr, sizeof(addr) );
    ok( ret && WSAGetLastError() == WSAEADDRINUSE, "%s: bind to 127.0.0.1 again: %d, error %d\n", name, ret, WSAGetLastError() );
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK + 1 );
    ret = bind( other, (struct sockaddr *)&addr, sizeof(addr) );
    ok( !ret, "%s: bind to 127.0.0.2 failed, error %d\n", name, WSAGetLastError() );
    ok( get_reuse( other ) == reuse, "%s: SO_REUSEADDR is %d\n", name, !reuse );
    ok( local_port( s ) == first_port( &inst ) && local_port( other ) == first_port( &inst ), "%s: got %u and %u\n", name,
        local_port( s ), local_port( other ));

    /* the port is held until both have gone */
    closesocket( s );
    Sleep( 50 );
    ret = bind_port( third, 0 );
    ok( ret == WSAENOBUFS || broken( TRUE ), "%s: while one of two is open: error %d\n", name, ret );
    closesocket( other );
    ret = bind_soon( third, 0 );
    ok( !ret, "%s: when both are closed: error %d\n", name, ret );
    closesocket( third );
    closesocket( owner );
}

static void test_v6only( int kind6, int kind4 )
{
    const char *name = socket_kinds[kind6].name;
    SOCKET owner = make_socket( kind4 ), s, other;
    struct instance inst;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( kind6, &inst );
    other = associated_socket( kind4, &inst );
    ret = bind_port( s, first_port( &inst ));
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ret = bind_port( other, first_port( &inst ));
    ok( !ret, "%s: bind over IPv4 failed, error %d\n", name, ret );
    closesocket( other );
    closesocket( s );
    closesocket( owner );
}

/* SO_EXCLUSIVEADDRUSE is no reason to be refused, and keeps others of the reservation out as ever */
static void test_exclusive( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, other;
    struct instance inst;
    BOOL on = TRUE;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( kind, &inst );
    other = associated_socket( kind, &inst );
    setsockopt( s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on) );
    ret = bind_port( s, 0 );
    ok( !ret && local_port( s ) == first_port( &inst ), "%s: error %d, port %u\n", name, ret, local_port( s ));
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    ret = bind_port( other, first_port( &inst ));
    ok( ret == WSAEADDRINUSE || ret == WSAEACCES, "%s: with SO_REUSEADDR: error %d\n", name, ret );
    closesocket( other );
    closesocket( s );

    /* the option is gone with the socket */
    s = associated_socket( kind, &inst );
    ret = bind_soon( s, 0 );
    ok( !ret, "%s: after close: error %d\n", name, ret );
    closesocket( s );
    closesocket( owner );
}

/* "the reservation ended between associate and bind: WSAEINVAL" */
static void test_ended( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, number;
    struct instance inst, again;
    unsigned int i;
    int ret;

    for (i = 0; i < 2; i++)
    {
        must_acquire( owner, 2, &inst );
        s = associated_socket( kind, &inst );
        number = associated_socket( kind, &inst );
        if (!i) ret = release( owner, inst.Token );
        else
        {
            closesocket( owner );
            owner = make_socket( kind );
            /* the last close is noticed in its own time */
            ret = acquire_soon( owner, first_port( &inst ), 2, &again );
            release( owner, again.Token );
        }
        ok( !ret, "%s: could not end it, error %d\n", name, ret );
        ret = bind_port( s, 0 );
        ok( ret == WSAEINVAL || broken( ret ), "%s: bind to 0: error %d\n", name, ret );
        ok( !local_port( s ) || broken( TRUE ), "%s: and yet bound to %u\n", name, local_port( s ) );
        ret = bind_port( number, first_port( &inst ) );
        ok( ret == WSAEINVAL || broken( TRUE ), "%s: bind by number: error %d\n", name, ret );

        /* another reservation makes it good */
        must_acquire( owner, 2, &again );
        must_associate( s, again.Token );
        ret = bind_port( s, 0 );
        ok( !ret && in_block( &again, local_port( s ) ), "%s: error %d, port %u\n", name, ret, local_port( s ) );
        closesocket( number );
        closesocket( s );
    }
    closesocket( owner );
}

/* a bind that fails for reasons of its own changes nothing: not the socket, not the reservation */
static void test_other_failures( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s;
    struct sockaddr_storage addr;
    struct instance inst;
    unsigned int i;
    int ret, len;

    must_acquire( owner, 1, &inst );
    s = associated_socket( kind, &inst );
    len = make_addr( s, FALSE, first_port( &inst ), &addr );

    /* cppcheck-suppress nullPointer ; that is what is tested */
    ret = bind( s, NULL, len );
    ok( ret && WSAGetLastError() == WSAEFAULT, "%s: no address: %d, error %d\n", name, ret, WSAGetLastError() );
    ret = bind( s, (struct sockaddr *)&addr, 4 );
    ok( ret && WSAGetLastError() == WSAEFAULT, "%s: short: %d, error %d\n", name, ret, WSAGetLastError() );
    addr.ss_family = 0xffff;
    ret = bind( s, (struct sockaddr *)&addr, len );
    ok( ret && WSAGetLastError() == WSAEAFNOSUPPORT, "%s: other family: %d, error %d\n", name, ret, WSAGetLastError() );

    /* Wine 8.0 binds a UDP socket to any IPv4 address */
    for (i = 0; i < 2 && (kind != UDP4 || !winetest_is_wine()); i++)
    {
        len = make_addr( s, FALSE, i ? first_port( &inst ) : 0, &addr );
        if (addr.ss_family == AF_INET) ((struct sockaddr_in *)&addr)->sin_addr.s_addr = htonl( 0xcb007101 );  /* 203.0.113.1 */
        else memcpy( &((struct sockaddr_in6 *)&addr)->sin6_addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 ); /* 2001:db8::1 */
        ret = bind( s, (struct sockaddr *)&addr, len );
        ok( ret && WSAGetLastError() == WSAEADDRNOTAVAIL, "%s: foreign address: %d, error %d\n", name, ret, WSAGetLastError() );
        ok( !local_port( s ), "%s: and yet bound to %u\n", name, local_port( s ) );
    }

    /* the only port of the block is there still */
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( local_port( s ) == first_port( &inst ), "%s: got %u\n", name, local_port( s ) );
    closesocket( s );
    closesocket( owner );
}

/* a socket bound from a block is an ordinary socket: it listens, connects, sends and receives */
static void test_traffic( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, peer = make_socket( kind ), accepted = INVALID_SOCKET;
    struct sockaddr_storage addr;
    struct instance inst;
    DWORD timeout = 5000;
    char buffer[8];
    int ret, len;

    must_acquire( owner, 2, &inst );
    s = associated_socket( kind, &inst );
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    len = make_addr( peer, TRUE, local_port( s ), &addr );
    if (socket_kinds[kind].type == SOCK_STREAM)
    {
        ret = listen( s, 1 );
        ok( !ret, "%s: listen failed, error %d\n", name, WSAGetLastError() );
    }
    ret = connect( peer, (struct sockaddr *)&addr, len );
    ok( !ret, "%s: connect failed, error %d\n", name, WSAGetLastError() );
    if (socket_kinds[kind].type == SOCK_STREAM)
    {
        accepted = accept( s, NULL, NULL );
        ok( accepted != INVALID_SOCKET, "%s: accept failed, error %d\n", name, WSAGetLastError() );
    }
    ret = send( peer, "hello", 5, 0 );
    ok( ret == 5, "%s: send gave %d, error %d\n", name, ret, WSAGetLastError() );
    setsockopt( s, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout, sizeof(timeout) );
    if (accepted != INVALID_SOCKET) setsockopt( accepted, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout, sizeof(timeout) );
    ret = recv( accepted != INVALID_SOCKET ? accepted : s, buffer, sizeof(buffer), 0 );
    ok( ret == 5 && !memcmp( buffer, "hello", 5 ), "%s: recv gave %d, error %d\n", name, ret, WSAGetLastError() );
    if (accepted != INVALID_SOCKET) closesocket( accepted );
    closesocket( peer );
    closesocket( s );
    closesocket( owner );
}

START_TEST(bind)
{
    static const unsigned int counts[] = { 1, 8, 1000 };
    unsigned int i;
    char **argv;
    int kind, argc = winetest_get_mainargs( &argv );
    BOOL full = argc > 2 && !strcmp( argv[2], "full" );

    if (!start_test()) return;
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        test_by_number( kind );
        test_ended( kind );
        test_other_failures( kind );
        test_traffic( kind );
        test_exclusive( kind );
        if (socket_kinds[kind].family == AF_INET)
        {
            test_side_by_side( kind, FALSE );
            test_side_by_side( kind, TRUE );
        }
        test_reuse( kind );
        for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        {
            /* of the large ones every kind has one, and both ways have three; "bind full" runs all */
            if (counts[i] < 1000 || full || kind % 2 == 0) test_exhaust( kind, counts[i], FALSE );
            if (counts[i] < 1000 || full || kind % 2 == 1) test_exhaust( kind, counts[i], TRUE );
        }
    }
    if (have_ipv6())
    {
        test_families( TCP_DUAL, TCP4 );
        test_families( UDP_DUAL, UDP4 );
        test_v6only( TCP6, TCP4 );
        test_v6only( UDP6, UDP4 );
    }
}
