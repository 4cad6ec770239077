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

/* What programs are known to do, a test for each kind of them. "patterns full" runs as many rounds as a busy one. */

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

/* May this user bind such a port at all? 0, or the error that tells why not. */
static int try_low_ports(void)
{
    SOCKET s = make_socket( TCP4 );
    unsigned int port;
    int ret = 0;

    for (port = 600; port < 640 && (ret = bind_loopback( s, port )) == WSAEADDRINUSE; port++) ;
    closesocket( s );
    return ret == WSAEADDRINUSE ? 0 : ret;
}

/* Walk down the ports from 1023 to 600 until one is granted; an error that does not mean "taken" ends the walk. */
static int walk_low_ports( SOCKET s, struct instance *inst, unsigned int *taken )
{
    unsigned int port;
    int ret = WSAEADDRINUSE;

    for (port = 1023; port >= 600 && ret == WSAEADDRINUSE; port--)
    {
        ret = acquire( s, port, 1, inst );
        if (ret == WSAEADDRINUSE) (*taken)++;
    }
    return ret;
}

/* "An RPC client's pattern: walk ports 600 to 1023 with one-port acquires until one is granted, associate, connect from it,
 * close, 500 rounds, no port lost. As an ordinary user each of these acquires says WSAEACCES." "… the walk ending at any error but
 * 10048, with an implicit bind" */
static void test_rpc_client( unsigned int rounds )
{
    SOCKET listener = make_socket( TCP4 ), s, accepted;
    unsigned int round, port, taken = 0, granted = 0;
    struct sockaddr_in addr, peer;
    struct instance inst;
    int ret, len;
    char c;

    if (try_low_ports() == WSAEACCES)
    {
        s = make_socket( TCP4 );
        ret = walk_low_ports( s, &inst, &taken );
        ok( ret == WSAEACCES && !taken, "got error %d after %u ports\n", ret, taken );
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
        ret = walk_low_ports( s, &inst, &taken );
        ok( !ret, "round %u: no port from 600 to 1023 is free, error %d\n", round, ret );
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

/* "One socket (also of type 0: socket( AF_INET, 0, 0 )) with ten wildcard blocks of 64": a host of containers, which hands the ports of a
 * block on to others */
static void test_container_host(void)
{
    static const struct { int family, type, protocol, kind; } sockets[] =
    {
        { AF_INET, 0, 0, TCP4 }, { AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP4 }, { AF_INET, SOCK_DGRAM, IPPROTO_UDP, UDP4 },
        { AF_INET6, SOCK_STREAM, 0, TCP6 },
    };
    struct instance blocks[10], one;
    unsigned int i, j, k, port;
    SOCKET owner, s;
    int ret;

    for (i = 0; i < ARRAY_SIZE( sockets ); i++)
    {
        if (sockets[i].family == AF_INET6 && !have_ipv6()) continue;
        owner = socket( sockets[i].family, sockets[i].type, sockets[i].protocol );
        ok( owner != INVALID_SOCKET, "%u: no socket, error %d\n", i, WSAGetLastError() );
        for (j = 0; j < ARRAY_SIZE( blocks ); j++)
        {
            ret = acquire( owner, 0, 64, &blocks[j] );
            ok( !ret, "%u: block %u, error %d\n", i, j, ret );
            ok( blocks[j].Reservation.NumberOfPorts == 64, "%u: got %u ports\n", i, blocks[j].Reservation.NumberOfPorts );
            for (k = 0; k < j; k++)
            {
                ok( blocks[j].Token != blocks[k].Token, "%u: blocks %u and %u have the same token\n", i, j, k );
                ok( first_port( &blocks[j] ) > last_port( &blocks[k] ) || last_port( &blocks[j] ) < first_port( &blocks[k] ),
                    "%u: blocks %u and %u share a port\n", i, j, k );
            }
        }
        for (j = 0; j < ARRAY_SIZE( blocks ); j++)
        {
            s = associated_socket( sockets[i].kind, &blocks[j] );
            ret = bind_port( s, 0 );
            ok( !ret, "%u: bind from block %u, error %d\n", i, j, ret );
            ok( in_block( &blocks[j], local_port( s )), "%u: got port %u, not of block %u\n", i, local_port( s ), j );
            closesocket( s );
        }
        /* one is given back, the others stay */
        ret = release( owner, blocks[3].Token );
        ok( !ret, "%u: release, error %d\n", i, ret );
        port = first_port( &blocks[4] );
        s = make_socket( sockets[i].kind );
        ret = acquire( s, port, 1, &one );
        ok( ret == WSAEADDRINUSE, "%u: a port of another block, error %d\n", i, ret );
        closesocket( owner );
        ret = acquire_soon( s, port, 64, &one );
        ok( !ret, "%u: a block after the close, error %d\n", i, ret );
        closesocket( s );
    }
}

/* "16 blocks of 1024 TCP and UDP held by a process that never associates": address translation. Who can't have as many descriptors
 * gets fewer. */
static void test_address_translation(void)
{
    static const int kinds[] = { TCP4, UDP4 };
    static struct instance blocks[ARRAY_SIZE( kinds )][16];
    unsigned int i, j, k, counts[ARRAY_SIZE( kinds )] = { 0 };
    struct puppet puppet;
    struct instance one;
    SOCKET s;
    int ret = 0;

    if (!puppet_start( &puppet, FALSE )) return;
    for (i = 0; i < ARRAY_SIZE( kinds ); i++) puppet_socket( &puppet, i, kinds[i] );
    for (j = 0; j < ARRAY_SIZE( blocks[0] ) && !ret; j++)
    {
        for (i = 0; i < ARRAY_SIZE( kinds ); i++)
        {
            if ((ret = puppet_acquire( &puppet, i, 0, 1024, &blocks[i][j] ))) break;
            ok( blocks[i][j].Reservation.NumberOfPorts == 1024, "got %u ports\n", blocks[i][j].Reservation.NumberOfPorts );
            counts[i]++;
        }
    }
    ok( !ret || ret == WSAENOBUFS, "after %u blocks of TCP, %u of UDP: error %d\n", counts[0], counts[1], ret );
    ok( counts[1] > 0, "no block of UDP\n" );
    trace( "%u blocks of TCP, %u of UDP\n", counts[0], counts[1] );

    /* others live beside it */
    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        const char *name = socket_kinds[kinds[i]].name;

        for (j = 0; j < 200; j++)
        {
            s = make_socket( kinds[i] );
            ret = j % 2 ? bind_port( s, 0 ) : implicit_bind( s );
            ok( !ret, "%s: bind, error %d\n", name, ret );
            for (k = 0; k < counts[i]; k++)
                if (in_block( &blocks[i][k], local_port( s ))) ok( 0, "%s: got the reserved port %u\n", name, local_port( s ));
            closesocket( s );
        }
        s = make_socket( kinds[i] );
        ret = bind_port( s, last_port( &blocks[i][0] ));
        ok( ret == WSAEACCES, "%s: bind to a reserved port, error %d\n", name, ret );
        ret = acquire( s, last_port( &blocks[i][0] ), 1, &one );
        ok( ret == WSAEADDRINUSE, "%s: acquire of a reserved port, error %d\n", name, ret );
        closesocket( s );
    }
    puppet_kill( &puppet );
    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        s = make_socket( kinds[i] );
        for (j = 0; j < counts[i]; j++)
        {
            ret = acquire_soon( s, first_port( &blocks[i][j] ), 1024, &one );
            ok( !ret, "%s: block %u of a killed process, error %d\n", socket_kinds[kinds[i]].name, j, ret );
        }
        closesocket( s );
    }
}

/* "Wildcard blocks of N halved on each error until one is granted": a range of ports for connections, as large as can be had */
static void test_halving_client(void)
{
    static const int kinds[] = { TCP4, UDP4 };
    unsigned int i, count, errors;
    struct instance inst;
    SOCKET owner, s;
    int ret;

    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        owner = make_socket( kinds[i] );
        errors = 0;
        for (count = 65535; count; count /= 2)
        {
            if (!(ret = acquire( owner, 0, count, &inst ))) break;
            /* more than there are ports, or than are free */
            ok( ret == WSAEINVAL || ret == WSAENOBUFS || broken( ret != 0 ), "%u ports: error %d\n", count, ret );
            errors++;
        }
        ok( errors > 0, "%u ports were granted\n", count );
        ok( count >= 1000, "%u ports were granted\n", count );
        ok( inst.Reservation.NumberOfPorts == count, "got %u ports, not %u\n", inst.Reservation.NumberOfPorts, count );
        s = associated_socket( kinds[i], &inst );
        ret = bind_port( s, last_port( &inst ));
        ok( !ret, "bind to the last port, error %d\n", ret );
        closesocket( s );
        closesocket( owner );
        s = make_socket( kinds[i] );
        ret = acquire_soon( s, first_port( &inst ), count, &inst );
        ok( !ret, "%u ports after the close, error %d\n", count, ret );
        closesocket( s );
    }
}

/* "The acquiring socket itself associated and bound, then the block released while it is bound": a server that reserves its port and
 * no longer needs the reservation once it has the port */
static void test_self_releasing_server(void)
{
    static const int kinds[] = { TCP4, TCP_DUAL, UDP4, UDP_DUAL };
    unsigned int i, port, spare;
    struct instance inst, one;
    SOCKET server, s;
    int ret;

    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        const char *name = socket_kinds[kinds[i]].name;

        if (socket_kinds[kinds[i]].family == AF_INET6 && !have_ipv6()) continue;
        server = make_socket( kinds[i] );
        must_acquire( server, 2, &inst );
        must_associate( server, inst.Token );
        port = first_port( &inst );
        spare = last_port( &inst );
        ret = bind_port( server, port );
        ok( !ret, "%s: bind, error %d\n", name, ret );
        ret = release( server, inst.Token );
        ok( !ret, "%s: release, error %d\n", name, ret );
        ok( local_port( server ) == port, "%s: got port %u, not %u\n", name, local_port( server ), port );
        ret = release( server, inst.Token );
        ok( ret == WSAEINVAL, "%s: second release, error %d\n", name, ret );

        /* the port stays the server's, the other one is anybody's */
        s = make_socket( kinds[i] );
        ret = acquire( s, port, 1, &one );
        ok( ret == WSAEADDRINUSE, "%s: acquire of the port, error %d\n", name, ret );
        ret = acquire_soon( s, spare, 1, &one );
        ok( !ret, "%s: acquire of the other port, error %d\n", name, ret );
        if (socket_kinds[kinds[i]].type == SOCK_STREAM)
        {
            SOCKET client = make_socket( kinds[i] == TCP4 ? TCP4 : TCP6 ), accepted;
            struct sockaddr_storage addr;
            int len = make_addr( client, TRUE, port, &addr );

            ret = listen( server, 1 );
            ok( !ret, "%s: listen, error %d\n", name, WSAGetLastError() );
            ret = connect( client, (struct sockaddr *)&addr, len );
            ok( !ret, "%s: connect, error %d\n", name, WSAGetLastError() );
            accepted = accept( server, NULL, NULL );
            ok( accepted != INVALID_SOCKET, "%s: accept, error %d\n", name, WSAGetLastError() );
            closesocket( client );
            closesocket( accepted );
        }
        closesocket( server );
        closesocket( s );
        s = make_socket( kinds[i] );
        ret = acquire_soon( s, port, 1, &one );
        /* a connection may be in TIME_WAIT there */
        ok( !ret || (ret == WSAEADDRINUSE && socket_kinds[kinds[i]].type == SOCK_STREAM), "%s: acquire after the close, error %d\n", name, ret );
        closesocket( s );
    }
}

/* a socket as the runtimes of Go and .NET make it: overlapped, not to be inherited, dual stack where it is for "any address" */
static SOCKET runtime_socket( int kind )
{
    const struct socket_kind *k = &socket_kinds[kind];
    DWORD only = FALSE, on = TRUE;
    SOCKET s = WSASocketW( k->family, k->type, k->protocol, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT );

    ok( s != INVALID_SOCKET, "%s: no socket, error %d\n", k->name, WSAGetLastError() );
    if (k->dual) setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&only, sizeof(only) );
    if (k->type == SOCK_DGRAM) setsockopt( s, SOL_SOCKET, SO_BROADCAST, (char *)&on, sizeof(on) );
    return s;
}

/* a dialer: ConnectEx needs a bound socket, and the runtime asks for any port */
static void dial_with_hook( int kind, SOCKET owner )
{
    const char *name = socket_kinds[kind].name;
    SOCKET listener = make_socket( kind == TCP4 ? TCP4 : TCP6 ), s = runtime_socket( kind );
    LPFN_CONNECTEX connect_ex = NULL;
    struct sockaddr_storage addr;
    GUID guid = WSAID_CONNECTEX;
    struct instance inst;
    OVERLAPPED ovl = { 0 };
    DWORD size, flags;
    int ret, len;

    ret = bind_loopback( listener, 0 );
    ok( !ret, "%s: bind of a listener, error %d\n", name, ret );
    listen( listener, 1 );
    must_acquire( owner, 1, &inst );
    must_associate( s, inst.Token );
    ret = bind_port( s, 0 );
    ok( !ret, "%s: bind of a dialer, error %d\n", name, ret );
    ret = WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &connect_ex, sizeof(connect_ex), &size, NULL, NULL );
    ok( !ret && connect_ex, "%s: no ConnectEx, error %d\n", name, WSAGetLastError() );
    if (connect_ex)
    {
        ovl.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
        len = make_addr( listener, TRUE, local_port( listener ), &addr );
        ret = connect_ex( s, (struct sockaddr *)&addr, len, NULL, 0, NULL, &ovl );
        ok( ret || WSAGetLastError() == WSA_IO_PENDING, "%s: ConnectEx, error %d\n", name, WSAGetLastError() );
        ret = WSAGetOverlappedResult( s, &ovl, &size, TRUE, &flags );
        ok( ret, "%s: the end of ConnectEx, error %d\n", name, WSAGetLastError() );
        ok( local_port( s ) == first_port( &inst ), "%s: connected from %u, not %u\n", name, local_port( s ), first_port( &inst ));
        CloseHandle( ovl.hEvent );
    }
    closesocket( s );
    closesocket( listener );
}

/* "A high-level runtime's hook between socket and bind (Go's Control, .NET's IOControl), also where the runtime then asks for a port by
 * number or binds [::] dual stack" */
static void test_runtime_hook(void)
{
    static const int kinds[] = { TCP4, TCP_DUAL, UDP4, UDP_DUAL };
    unsigned int i, step, port;
    struct instance inst;
    SOCKET owner, s;
    HANDLE iocp;
    int ret;

    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        const char *name = socket_kinds[kinds[i]].name;

        if (socket_kinds[kinds[i]].family == AF_INET6 && !have_ipv6()) continue;
        owner = runtime_socket( kinds[i] );
        must_acquire( owner, 4, &inst );
        for (step = 0; step < 3; step++)
        {
            s = runtime_socket( kinds[i] );
            must_associate( s, inst.Token );   /* the hook */
            port = step ? first_port( &inst ) + step : 0;
            ret = bind_port( s, port );
            ok( !ret, "%s: bind to %u, error %d\n", name, port, ret );
            ok( port ? local_port( s ) == port : in_block( &inst, local_port( s )), "%s: got port %u\n", name, local_port( s ));
            /* only then it goes to the runtime's poller */
            iocp = CreateIoCompletionPort( (HANDLE)s, NULL, 1, 0 );
            ok( iocp != NULL, "%s: no completion port, error %lu\n", name, GetLastError() );
            SetFileCompletionNotificationModes( (HANDLE)s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE );
            if (socket_kinds[kinds[i]].type == SOCK_STREAM)
            {
                ret = listen( s, SOMAXCONN );
                ok( !ret, "%s: listen, error %d\n", name, WSAGetLastError() );
            }
            closesocket( s );
            CloseHandle( iocp );
        }
        /* the number that the configuration names is not of the block that the hook took */
        s = runtime_socket( kinds[i] );
        must_associate( s, inst.Token );
        port = find_free_block( kinds[i], 1 );
        ret = bind_port( s, port );
        ok( ret == WSAEADDRNOTAVAIL || broken( ret != 0 ), "%s: bind to %u, error %d\n", name, port, ret );
        closesocket( s );

        /* the hook acquires on the very socket that is bound then */
        s = runtime_socket( kinds[i] );
        must_acquire( s, 1, &inst );
        must_associate( s, inst.Token );
        ret = bind_port( s, first_port( &inst ));
        ok( !ret, "%s: bind of the acquiring socket, error %d\n", name, ret );
        closesocket( s );

        if (socket_kinds[kinds[i]].type == SOCK_STREAM) dial_with_hook( kinds[i], owner );
        closesocket( owner );
    }
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
    test_container_host();
    test_address_translation();
    test_halving_client();
    test_self_releasing_server();
    test_runtime_hook();
}
