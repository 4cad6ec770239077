/*
 * SIO_RELEASE_PORT_RESERVATION
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 2 of the specification, "Release", whose sentences stand over the tests. */

#include "port_test.h"

/* "The runtime reservation must have been obtained by the calling process, on any of its sockets." */
static void test_release( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), other = make_socket( kind ), s;
    struct instance inst, again;
    unsigned int i, first;
    int ret;

    /* on the socket itself, on another socket, on a bound socket */
    for (i = 0; i < 3; i++)
    {
        must_acquire( owner, 2, &inst );
        first = first_port( &inst );
        if (i == 2) bind_loopback( other, 0 );
        ret = release( i ? other : owner, inst.Token );
        ok( !ret, "%s: release %u failed, error %d\n", name, i, ret );

        /* the ports are everybody's at once */
        s = make_socket( kind );
        ret = bind_loopback( s, first );
        ok( !ret || ret == WSAEADDRINUSE, "%s: bind to a released port, error %d\n", name, ret );
        closesocket( s );
        ret = acquire_soon( owner, first, 2, &again );
        ok( !ret, "%s: second acquire failed, error %d\n", name, ret );
        ok( again.Token != inst.Token, "%s: the same token again\n", name );
        ret = release( owner, again.Token );
        ok( !ret, "%s: second release failed, error %d\n", name, ret );
    }
    closesocket( owner );
    closesocket( other );
}

/* "Unknown, stale, zero or persistent token: WSAEINVAL" */
static void test_bad_tokens( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    struct instance inst, kept;
    int ret;

    must_acquire( owner, 2, &kept );

    ret = release( s, 0 );
    ok( ret == WSAEINVAL || broken( ret ), "%s: zero: error %d\n", name, ret );
    ret = release( s, ~kept.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: unknown: error %d\n", name, ret );
    ret = release( s, kept.Token + 1 );
    ok( ret == WSAEINVAL || broken( ret ), "%s: next to a known one: error %d\n", name, ret );
    ret = release( s, 0x0123456789abcdef );
    ok( ret == WSAEINVAL || broken( ret ), "%s: made up: error %d\n", name, ret );

    must_acquire( owner, 2, &inst );
    ret = release( s, inst.Token );
    ok( !ret, "%s: release failed, error %d\n", name, ret );
    ret = release( s, inst.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: twice: error %d\n", name, ret );

    /* none of this took the other reservation away */
    must_associate( s, kept.Token );

    closesocket( owner );
    ret = release( s, kept.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: after its socket was closed: error %d\n", name, ret );
    closesocket( s );
}

/* "Another process's runtime token: WSAEACCES" */
static void test_other_process( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    struct instance inst;
    struct puppet puppet;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    must_acquire( owner, 2, &inst );
    puppet_socket( &puppet, 0, kind );
    ret = puppet_release( &puppet, 0, inst.Token );
    ok( ret == WSAEACCES || broken( ret ), "%s: another process's: error %d\n", name, ret );
    must_associate( s, inst.Token );

    ret = puppet_acquire( &puppet, 0, 0, 2, &inst );
    ok( !ret, "%s: acquire there failed, error %d\n", name, ret );
    ret = release( s, inst.Token );
    ok( ret == WSAEACCES || broken( ret ), "%s: the other process's: error %d\n", name, ret );
    ret = puppet_release( &puppet, 0, inst.Token );
    ok( !ret, "%s: release there failed, error %d\n", name, ret );
    puppet_stop( &puppet );
    closesocket( owner );
    closesocket( s );
}

/* "Sockets already bound from the block keep their ports until they close; only then are those ports free for
 * others." Also when the socket it was acquired on is closed. */
static void test_bound_sockets( int kind, BOOL close_owner )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind ), other = make_socket( kind );
    struct instance inst, again;
    unsigned int port;
    int ret;

    must_acquire( owner, 3, &inst );
    must_associate( s, inst.Token );
    port = first_port( &inst ) + 1;
    ret = bind_port( s, port );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    if (close_owner)
    {
        closesocket( owner );
        owner = make_socket( kind );
    }
    else
    {
        ret = release( owner, inst.Token );
        ok( !ret, "%s: release failed, error %d\n", name, ret );
    }
    ok( local_port( s ) == port, "%s: now at port %u, not %u\n", name, local_port( s ), port );

    ret = acquire_soon( owner, port - 1, 1, &again );
    ok( !ret, "%s: port before: error %d\n", name, ret );
    ret = acquire_soon( owner, port + 1, 1, &again );
    ok( !ret, "%s: port behind: error %d\n", name, ret );
    ret = acquire( owner, port, 1, &again );
    ok( ret == WSAEADDRINUSE, "%s: acquire over its port: error %d\n", name, ret );
    ret = bind_port( other, port );
    ok( ret == WSAEADDRINUSE || ret == WSAEACCES, "%s: bind to its port: error %d\n", name, ret );
    if (socket_kinds[kind].type == SOCK_STREAM)
    {
        ret = listen( s, 1 );
        ok( !ret, "%s: listen failed, error %d\n", name, WSAGetLastError() );
    }

    closesocket( s );
    ret = acquire_soon( owner, port, 1, &again );
    ok( !ret, "%s: acquire after close: error %d\n", name, ret );
    closesocket( other );
    closesocket( owner );
}

START_TEST(release)
{
    int kind;

    if (!start_test()) return;
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        test_release( kind );
        test_bad_tokens( kind );
        test_bound_sockets( kind, FALSE );
        test_bound_sockets( kind, TRUE );
    }
    test_other_process( TCP4 );
    test_other_process( UDP4 );
}
