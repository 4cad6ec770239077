/*
 * Sockets that are not associated with a persistent reservation
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 4 of the specification, the column of persistent reservations. */

#include <stdlib.h>
#include "persistent_test.h"

/* "bind to such a port by number: succeeds: an administered exclusion keeps a port from being handed out, not from being asked for" */
static void test_by_number( int protocol, int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s, again, associated;
    ULONG64 token;
    unsigned int first, i;
    BOOL on = TRUE;
    int err;

    if (!(first = create_somewhere( protocol, 3, &token ))) return;
    for (i = 0; i < 3; i++)
    {
        s = make_socket( kind );
        if (i == 1) setsockopt( s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on) );
        err = i == 2 && !socket_kinds[kind].dual ? bind_loopback( s, first + i ) : bind_port( s, first + i );
        ok( !err || broken( err == WSAEACCES ), "%s, %u: bind by number: error %d\n", name, i, err );
        if (err)
        {
            closesocket( s );
            continue;
        }
        ok( local_port( s ) == first + i, "%s, %u: got port %u, not %u\n", name, i, local_port( s ), first + i );
        if (socket_kinds[kind].type == SOCK_STREAM)
        {
            err = listen( s, 1 ) ? WSAGetLastError() : 0;
            ok( !err, "%s, %u: listen: error %d\n", name, i, err );
        }
        /* it is in use now, as any port is */
        again = make_socket( kind );
        err = bind_port( again, first + i );
        ok( err == WSAEADDRINUSE || err == WSAEACCES, "%s, %u: second bind: error %d\n", name, i, err );
        closesocket( again );

        /* "a port of the reservation that is taken: WSAEADDRINUSE" */
        associated = make_socket( kind );
        err = associate( associated, token );
        ok( !err, "%s: associate failed, error %d\n", name, err );
        err = bind_port( associated, first + i );
        ok( err == WSAEADDRINUSE || broken( err == WSAEACCES ), "%s, %u: bind of an associated socket: error %d\n", name, i, err );
        /* "a free port of the reservation" */
        err = bind_port( associated, 0 );
        ok( !err, "%s, %u: bind to 0 of an associated socket: error %d\n", name, i, err );
        ok( local_port( associated ) >= first && local_port( associated ) < first + 3 && local_port( associated ) != first + i,
            "%s, %u: got port %u\n", name, i, local_port( associated ) );
        closesocket( associated );
        closesocket( s );

        /* and it can be bound again, by either way */
        s = make_socket( kind );
        err = bind_soon( s, first + i );
        ok( !err, "%s, %u: bind after close: error %d\n", name, i, err );
        closesocket( s );
    }
    err = delete_block( protocol, first, 3 );
    ok( !err, "%s: delete failed, error %d\n", name, err );
}

/* "bind to port 0, implicit bind: never gets such a port" */
static void test_port_zero( int protocol, int kind )
{
    enum { BLOCKS = 40, COUNT = 120 };
    const char *name = socket_kinds[kind].name;
    unsigned int firsts[BLOCKS], i, j, port, count = 0;
    SOCKET sockets[COUNT];
    ULONG64 token;
    int err;

    /* the ports that were the system's last choices are likely the next ones: exclude those */
    for (i = 0; i < BLOCKS; i++)
    {
        sockets[i] = make_socket( kind );
        bind_port( sockets[i], 0 );
        firsts[i] = local_port( sockets[i] );
    }
    for (i = 0; i < BLOCKS; i++) closesocket( sockets[i] );
    for (i = 0; i < BLOCKS; i++) if (!create_soon( protocol, firsts[i], 1, &token )) firsts[count++] = firsts[i];
    ok( count > BLOCKS / 2, "%s: only %u of %u ports could be excluded\n", name, count, BLOCKS );

    for (i = 0; i < COUNT; i++)
    {
        sockets[i] = make_socket( kind );
        err = i % 3 ? bind_port( sockets[i], 0 ) : implicit_bind( sockets[i] );
        ok( !err, "%s: bind %u failed, error %d\n", name, i, err );
        port = local_port( sockets[i] );
        ok( port != 0, "%s: bind %u gave no port\n", name, i );
        for (j = 0; j < count; j++) ok( port != firsts[j], "%s: bind %u gave the excluded port %u\n", name, i, port );
    }
    for (i = 0; i < COUNT; i++) closesocket( sockets[i] );
    for (i = 0; i < count; i++)
    {
        err = delete_block( protocol, firsts[i], 1 );
        ok( !err, "%s: delete failed, error %d\n", name, err );
    }
}

/* "acquire of a block over it: WSAEADDRINUSE" */
static void test_acquire( int protocol, int kind )
{
    const char *name = socket_kinds[kind].name;
    struct instance inst;
    unsigned int first, i;
    ULONG64 token;
    SOCKET s;
    int err;

    if (!(first = create_somewhere( protocol, 4, &token ))) return;
    s = make_socket( kind );
    for (i = 0; i < 4; i++)
    {
        err = acquire( s, first + i, 1, &inst );
        ok( err == WSAEADDRINUSE, "%s: acquire of port %u: error %d\n", name, i, err );
    }
    err = acquire( s, first, 4, &inst );
    ok( err == WSAEADDRINUSE, "%s: acquire of the block: error %d\n", name, err );
    err = acquire( s, first - 1, 2, &inst );
    ok( err == WSAEADDRINUSE, "%s: acquire over its start: error %d\n", name, err );
    err = acquire( s, first + 3, 2, &inst );
    ok( err == WSAEADDRINUSE, "%s: acquire over its end: error %d\n", name, err );
    /* a wildcard request goes elsewhere */
    for (i = 0; i < 20; i++)
    {
        err = acquire( s, 0, 50, &inst );
        ok( !err, "%s: acquire: error %d\n", name, err );
        if (err) break;
        ok( last_port( &inst ) < first || first_port( &inst ) > first + 3, "%s: got %u-%u\n", name, first_port( &inst ),
            last_port( &inst ) );
    }
    closesocket( s );
    err = delete_block( protocol, first, 4 );
    ok( !err, "%s: delete failed, error %d\n", name, err );
}

START_TEST(exclusion)
{
    int protocol, i;

    if (!start_persistent_test() || !start_test()) return;
    for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
    {
        /* the kinds of a protocol are next to each other */
        for (i = 0; i < 3; i++)
        {
            int kind = protocols[protocol].kind + i;

            if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) break;
            test_by_number( protocol, kind );
            test_port_zero( protocol, kind );
            test_acquire( protocol, kind );
        }
    }
}
