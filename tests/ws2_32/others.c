/*
 * Sockets that are not associated with a reservation
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 4 of the specification, the column of runtime reservations. */

#include <stdlib.h>
#include "port_test.h"

/* "bind to such a port by number: WSAEACCES, the owner's own unassociated sockets included" */
static void test_by_number( int owner_kind, int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( owner_kind ), s;
    struct instance inst;
    struct puppet puppet;
    unsigned int i, port;
    BOOL on = TRUE;
    int ret;

    must_acquire( owner, 3, &inst );
    for (i = 0; i < 3; i++)
    {
        port = first_port( &inst ) + i;
        s = make_socket( kind );
        ret = bind_port( s, port );
        ok( ret == WSAEACCES || broken( !ret || ret == WSAEADDRINUSE ), "%s: port %u: error %d\n", name, i, ret );
        ok( !local_port( s ) || broken( TRUE ), "%s: and yet bound to %u\n", name, local_port( s ) );
        closesocket( s );

        s = make_socket( kind );
        ret = bind_loopback( s, port );
        ok( ret == WSAEACCES || broken( !ret || ret == WSAEADDRINUSE ), "%s: port %u on one address: error %d\n", name, i, ret );
        closesocket( s );

        s = make_socket( kind );
        setsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
        ret = bind_port( s, port );
        ok( ret == WSAEACCES || broken( !ret || ret == WSAEADDRINUSE ), "%s: port %u, SO_REUSEADDR: error %d\n", name, i, ret );
        closesocket( s );

        s = make_socket( kind );
        setsockopt( s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on) );
        ret = bind_port( s, port );
        ok( ret == WSAEACCES || broken( !ret || ret == WSAEADDRINUSE ), "%s: port %u, SO_EXCLUSIVEADDRUSE: error %d\n", name, i, ret );
        closesocket( s );
    }
    if (puppet_start( &puppet, FALSE ))
    {
        puppet_socket( &puppet, 0, kind );
        ret = puppet_bind( &puppet, 0, first_port( &inst ) );
        ok( ret == WSAEACCES, "%s: from another process: error %d\n", name, ret );
        ok( !puppet_local_port( &puppet, 0 ), "%s: and yet bound\n", name );
        /* that socket is as good as new */
        ret = puppet_bind( &puppet, 0, 0 );
        ok( !ret, "%s: bind to 0 failed, error %d\n", name, ret );
        puppet_stop( &puppet );
    }
    closesocket( owner );

    /* when it has ended, anybody may bind there */
    s = make_socket( kind );
    ret = bind_soon( s, first_port( &inst ) );
    ok( !ret, "%s: after its end: error %d\n", name, ret );
    closesocket( s );
}

/* the same number in the other protocol is not reserved */
static void test_other_protocol(void)
{
    SOCKET owner = make_socket( TCP4 ), s = make_socket( UDP4 ), probe = make_socket( UDP4 );
    struct instance inst, both;
    unsigned int i;
    int ret = WSAEADDRINUSE;

    for (i = 0; i < 10; i++)
    {
        if ((ret = acquire( owner, 0, 1, &inst ))) break;
        /* free for UDP? */
        if (!(ret = acquire( probe, first_port( &inst ), 1, &both ))) break;
        release( owner, inst.Token );
    }
    if (ok( !ret, "acquire failed, error %d\n", ret ))
    {
        release( probe, both.Token );
        ret = bind_soon( s, first_port( &inst ) );
        ok( !ret, "bind of UDP to a port that TCP has reserved: error %d\n", ret );
    }
    closesocket( probe );
    closesocket( s );
    closesocket( owner );
}

/* "bind to port 0, implicit bind: never gets such a port" */
static void test_port_zero( int kind )
{
    enum { COUNT = 150 };
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), sockets[COUNT];
    struct instance blocks[4];
    unsigned int i, j, port;
    int ret;

    /* large blocks, so that some of them lie where the system takes its ports from */
    for (i = 0; i < 4; i++)
    {
        ret = acquire( owner, 0, 200, &blocks[i] );
        ok( !ret, "%s: acquire failed, error %d\n", name, ret );
    }
    for (i = 0; i < COUNT; i++)
    {
        sockets[i] = make_socket( kind );
        ret = i % 3 ? bind_port( sockets[i], 0 ) : implicit_bind( sockets[i] );
        ok( !ret, "%s: bind %u failed, error %d\n", name, i, ret );
        port = local_port( sockets[i] );
        ok( port != 0, "%s: bind %u gave no port\n", name, i );
        for (j = 0; j < 4; j++)
            ok( !in_block( &blocks[j], port ), "%s: bind %u gave %u of %u-%u\n", name, i, port,
                first_port( &blocks[j] ), last_port( &blocks[j] ) );
    }
    for (i = 0; i < COUNT; i++) closesocket( sockets[i] );
    closesocket( owner );
}

/* The ports that were the system's last choices are likely the next: reserve those, and see where it goes. */
static void test_likely_ports( int kind )
{
    enum { COUNT = 40 };
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), sockets[COUNT], s;
    struct instance blocks[COUNT];
    unsigned int ports[COUNT], i, j, count = 0;
    int ret;

    for (i = 0; i < COUNT; i++)
    {
        sockets[i] = make_socket( kind );
        bind_port( sockets[i], 0 );
        ports[i] = local_port( sockets[i] );
    }
    for (i = 0; i < COUNT; i++) closesocket( sockets[i] );
    for (i = 0; i < COUNT; i++) if (!acquire( owner, ports[i], 1, &blocks[count] )) count++;
    ok( count > COUNT / 2, "%s: only %u of %u ports could be acquired\n", name, count, COUNT );
    for (i = 0; i < COUNT * 3; i++)
    {
        s = make_socket( kind );
        ret = i % 3 ? bind_port( s, 0 ) : implicit_bind( s );
        ok( !ret, "%s: bind %u failed, error %d\n", name, i, ret );
        for (j = 0; j < count; j++) if (in_block( &blocks[j], local_port( s ))) break;
        ok( j == count, "%s: bind %u gave %u, which is reserved\n", name, i, local_port( s ) );
        closesocket( s );
    }
    closesocket( owner );
}

START_TEST(others)
{
    int kind;

    if (!start_test()) return;
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        int kind4 = socket_kinds[kind].type == SOCK_STREAM ? TCP4 : UDP4;

        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        test_by_number( kind4, kind );
        if (kind4 != kind) test_by_number( kind, kind4 );
        test_port_zero( kind );
        test_likely_ports( kind );
    }
    test_other_protocol();
}
