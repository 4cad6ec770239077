/*
 * How programs use port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* What three kinds of program are known to do. "patterns full" runs as many rounds as a busy one. */

#include <stdlib.h>
#include <string.h>
#include "port_test.h"

static void set_timeout( SOCKET s )
{
    DWORD timeout = 5000;

    setsockopt( s, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout, sizeof(timeout) );
}

/* "A QUIC server's pattern: dual-stack UDP socket, acquire port P on it, associate on the same socket, bind to [::]:P; a second
 * process doing the same gets 10048; traffic from IPv4 and IPv6 arrives; after close, P can be acquired again at once." */
static void test_quic_server(void)
{
    static const int clients[] = { UDP4, UDP6, UDP_DUAL };
    SOCKET server, client;
    struct sockaddr_storage addr;
    struct sockaddr_in6 from;
    struct instance inst, other;
    struct puppet puppet;
    unsigned int i, round, port;
    char buffer[16];
    int ret, len;

    if (!have_ipv6()) return;
    if (!puppet_start( &puppet, FALSE )) return;
    puppet_socket( &puppet, 0, UDP_DUAL );
    port = find_free_block( UDP_DUAL, 1 );
    for (round = 0; round < 10; round++)
    {
        server = make_socket( UDP_DUAL );
        set_timeout( server );
        ret = acquire( server, port, 1, &inst );
        ok( !ret, "round %u: acquire failed, error %d\n", round, ret );
        ok( first_port( &inst ) == port, "got %u, not %u\n", first_port( &inst ), port );
        must_associate( server, inst.Token );
        ret = bind_port( server, port );
        ok( !ret, "bind failed, error %d\n", ret );
        ok( local_port( server ) == port, "got %u, not %u\n", local_port( server ), port );

        ret = puppet_acquire( &puppet, 0, port, 1, &other );
        ok( ret == WSAEADDRINUSE, "the same from another process: error %d\n", ret );

        for (i = 0; i < ARRAY_SIZE( clients ); i++)
        {
            client = make_socket( clients[i] );
            set_timeout( client );
            len = make_addr( client, TRUE, port, &addr );
            ret = sendto( client, "ping", 4, 0, (struct sockaddr *)&addr, len );
            ok( ret == 4, "%s: sendto gave %d, error %d\n", socket_kinds[clients[i]].name, ret, WSAGetLastError() );
            len = sizeof(from);
            ret = recvfrom( server, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len );
            ok( ret == 4, "%s: recvfrom gave %d, error %d\n", socket_kinds[clients[i]].name, ret, WSAGetLastError() );
            ret = sendto( server, "pong", 4, 0, (struct sockaddr *)&from, len );
            ok( ret == 4, "%s: reply gave %d, error %d\n", socket_kinds[clients[i]].name, ret, WSAGetLastError() );
            len = sizeof(addr);
            ret = recvfrom( client, buffer, sizeof(buffer), 0, (struct sockaddr *)&addr, &len );
            ok( ret == 4, "%s: recv gave %d, error %d\n", socket_kinds[clients[i]].name, ret, WSAGetLastError() );
            ok( ntohs( ((struct sockaddr_in *)&addr)->sin_port ) == port, "the reply came from port %u\n",
                ntohs( ((struct sockaddr_in *)&addr)->sin_port ));
            closesocket( client );
        }
        closesocket( server );   /* and the next round acquires it at once */
    }
    puppet_stop( &puppet );
}

/* "An RPC client's pattern: walk ports 600 to 1023 with one-port acquires until one is granted, associate, connect from it,
 * close, 500 rounds, no port lost. As an ordinary user each of these acquires says WSAEACCES." */
static void test_rpc_client( unsigned int rounds )
{
    SOCKET listener = make_socket( TCP4 ), s, accepted;
    unsigned int round, port, taken = 0, granted = 0;
    struct sockaddr_in addr, peer;
    struct instance inst;
    int ret, len;
    char c;

    /* may this user bind such a port at all? */
    s = make_socket( TCP4 );
    for (port = 600; port < 640 && (ret = bind_loopback( s, port )) == WSAEADDRINUSE; port++) ;
    closesocket( s );
    if (ret == WSAEACCES)
    {
        s = make_socket( TCP4 );
        for (port = 600; port < 1024; port++)
        {
            ret = acquire( s, port, 1, &inst );
            ok( ret == WSAEACCES, "port %u: error %d\n", port, ret );
        }
        closesocket( s );
        closesocket( listener );
        return;
    }

    bind_loopback( listener, 0 );
    listen( listener, 5 );
    len = sizeof(addr);
    getsockname( listener, (struct sockaddr *)&addr, &len );
    for (round = 0; round < rounds; round++)
    {
        s = make_socket( TCP4 );
        ret = WSAEADDRINUSE;
        for (port = 600; port < 1024 && ret; port++)
        {
            ret = acquire( s, port, 1, &inst );
            ok( !ret || ret == WSAEADDRINUSE, "port %u: error %d\n", port, ret );
            if (ret) taken++;
        }
        ok( !ret, "round %u: no port from 600 to 1023 is free\n", round );
        if (ret)
        {
            closesocket( s );
            break;
        }
        granted++;
        must_associate( s, inst.Token );
        ret = connect( s, (struct sockaddr *)&addr, sizeof(addr) );
        ok( !ret, "connect failed, error %d\n", WSAGetLastError() );
        ok( local_port( s ) == first_port( &inst ), "connected from %u, not %u\n", local_port( s ), first_port( &inst ) );
        len = sizeof(peer);
        accepted = accept( listener, (struct sockaddr *)&peer, &len );
        ok( ntohs( peer.sin_port ) == first_port( &inst ), "came from %u, not %u\n", ntohs( peer.sin_port ), first_port( &inst ) );
        /* the server hangs up, so that no TIME_WAIT keeps the client's port */
        closesocket( accepted );
        recv( s, &c, 1, 0 );
        closesocket( s );
    }
    trace( "%u rounds, %u acquires were refused\n", granted, taken );
    /* a lost port would be refused in each round that follows */
    ok( taken <= rounds * 8, "%u acquires were refused in %u rounds\n", taken, rounds );
    closesocket( listener );
}

/* "A media server's pattern: wildcard blocks of 2 with the sockets of a pair in consecutive ports, 200 pairs at once, TCP
 * listeners beside." */
static void test_media_server( unsigned int pairs )
{
    struct pair { SOCKET owner, rtp, rtcp, listener; struct instance inst; } *p = calloc( pairs, sizeof(*p) );
    struct sockaddr_storage addr;
    SOCKET client;
    unsigned int i, j;
    char buffer[8];
    int ret, len;

    if (!p)
    {
        ok( 0, "out of memory\n" );
        return;
    }
    for (i = 0; i < pairs; i++)
    {
        p[i].owner = make_socket( UDP4 );
        ret = acquire( p[i].owner, 0, 2, &p[i].inst );
        ok( !ret, "pair %u: acquire failed, error %d\n", i, ret );
        p[i].rtp = make_socket( UDP4 );
        p[i].rtcp = make_socket( UDP4 );
        set_timeout( p[i].rtcp );
        ret = associate( p[i].rtp, p[i].inst.Token );
        ok( !ret, "pair %u: associate failed, error %d\n", i, ret );
        ret = associate( p[i].rtcp, p[i].inst.Token );
        ok( !ret, "pair %u: associate failed, error %d\n", i, ret );
        ret = bind_port( p[i].rtp, first_port( &p[i].inst ));
        ok( !ret, "pair %u: bind failed, error %d\n", i, ret );
        ret = bind_port( p[i].rtcp, first_port( &p[i].inst ) + 1 );
        ok( !ret, "pair %u: bind failed, error %d\n", i, ret );
        ok( local_port( p[i].rtcp ) == local_port( p[i].rtp ) + 1, "pair %u: ports %u and %u\n", i,
            local_port( p[i].rtp ), local_port( p[i].rtcp ));
        p[i].listener = make_socket( TCP4 );
        ret = bind_loopback( p[i].listener, 0 );
        ok( !ret, "pair %u: bind of the listener failed, error %d\n", i, ret );
        ret = listen( p[i].listener, 1 );
        ok( !ret, "pair %u: listen failed, error %d\n", i, WSAGetLastError() );
    }
    for (i = 0; i < pairs; i++)
        for (j = 0; j < i; j++)
            if (first_port( &p[j].inst ) <= last_port( &p[i].inst ) && last_port( &p[j].inst ) >= first_port( &p[i].inst ))
                ok( 0, "pairs %u and %u share a port\n", i, j );

    client = make_socket( UDP4 );
    for (i = 0; i < pairs; i++)
    {
        len = make_addr( client, TRUE, first_port( &p[i].inst ) + 1, &addr );
        ret = sendto( client, "x", 1, 0, (struct sockaddr *)&addr, len );
        ok( ret == 1, "pair %u: sendto gave %d, error %d\n", i, ret, WSAGetLastError() );
        ret = recv( p[i].rtcp, buffer, sizeof(buffer), 0 );
        ok( ret == 1, "pair %u: recv gave %d, error %d\n", i, ret, WSAGetLastError() );
    }
    closesocket( client );

    /* half of them hang up, and new ones come */
    for (i = 0; i < pairs; i += 2)
    {
        closesocket( p[i].rtp );
        closesocket( p[i].rtcp );
        closesocket( p[i].owner );
        p[i].owner = make_socket( UDP4 );
        ret = acquire( p[i].owner, 0, 2, &p[i].inst );
        ok( !ret, "pair %u: second acquire failed, error %d\n", i, ret );
        p[i].rtp = make_socket( UDP4 );
        p[i].rtcp = make_socket( UDP4 );
        associate( p[i].rtp, p[i].inst.Token );
        associate( p[i].rtcp, p[i].inst.Token );
        ret = bind_port( p[i].rtp, first_port( &p[i].inst ));
        ok( !ret, "pair %u: second bind failed, error %d\n", i, ret );
        ret = bind_port( p[i].rtcp, first_port( &p[i].inst ) + 1 );
        ok( !ret, "pair %u: second bind failed, error %d\n", i, ret );
    }
    for (i = 0; i < pairs; i++)
    {
        closesocket( p[i].rtp );
        closesocket( p[i].rtcp );
        closesocket( p[i].owner );
        closesocket( p[i].listener );
    }
    free( p );
}

START_TEST(patterns)
{
    char **argv;
    int argc = winetest_get_mainargs( &argv );
    BOOL full = argc > 2 && !strcmp( argv[2], "full" );

    if (!start_test()) return;
    test_quic_server();
    test_rpc_client( full ? 500 : 100 );
    test_media_server( 200 );
}
