/*
 * Implicit binds of associated sockets
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 3 of the specification: "Bound" means every way a socket gets its port: bind, and the implicit binds of connect,
 * WSAConnect, WSAConnectByName*, WSAConnectByList, sendto, WSASendTo, WSASendMsg, WSAJoinLeaf. */

#include <string.h>
#include "port_test.h"

/* a listener (TCP) or a receiver (UDP) on the loopback address */
static SOCKET target;
static struct sockaddr_storage target_addr;
static int target_len;

/* Each way makes the socket's port its own by talking to the target. 0 or a Winsock error; -1: this system has not got it. */
typedef int (*implicit_func)( SOCKET s );

static int by_connect( SOCKET s )
{
    return connect( s, (struct sockaddr *)&target_addr, target_len ) ? WSAGetLastError() : 0;
}

static int by_nonblocking_connect( SOCKET s )
{
    TIMEVAL timeout = { 5, 0 };
    u_long on = 1;
    fd_set set;

    ioctlsocket( s, FIONBIO, &on );
    if (!connect( s, (struct sockaddr *)&target_addr, target_len )) return 0;
    if (WSAGetLastError() != WSAEWOULDBLOCK) return WSAGetLastError();
    FD_ZERO( &set );
    FD_SET( s, &set );
    return select( 0, NULL, &set, NULL, &timeout ) == 1 ? 0 : WSAETIMEDOUT;
}

static int by_wsa_connect( SOCKET s )
{
    return WSAConnect( s, (struct sockaddr *)&target_addr, target_len, NULL, NULL, NULL, NULL ) ? WSAGetLastError() : 0;
}

static void target_names( char *node, char *service )
{
    sprintf( node, "%s", target_addr.ss_family == AF_INET ? "127.0.0.1" : "::1" );
    sprintf( service, "%u", ntohs( ((struct sockaddr_in *)&target_addr)->sin_port ));
}

static int by_connect_by_name_a( SOCKET s )
{
    char node[16], service[16];

    target_names( node, service );
    return WSAConnectByNameA( s, node, service, NULL, NULL, NULL, NULL, NULL, NULL ) ? 0 : WSAGetLastError();
}

static int by_connect_by_name_w( SOCKET s )
{
    WCHAR nodeW[16], serviceW[16];
    char node[16], service[16];
    struct sockaddr_storage local, remote;
    DWORD local_len = sizeof(local), remote_len = sizeof(remote);
    TIMEVAL timeout = { 5, 0 };

    target_names( node, service );
    MultiByteToWideChar( CP_ACP, 0, node, -1, nodeW, 16 );
    MultiByteToWideChar( CP_ACP, 0, service, -1, serviceW, 16 );
    if (!WSAConnectByNameW( s, nodeW, serviceW, &local_len, (struct sockaddr *)&local, &remote_len,
                            (struct sockaddr *)&remote, &timeout, NULL )) return WSAGetLastError();
    /* Wine 8.0 tells no port, as it looks before the connection is made */
    ok( ntohs( ((struct sockaddr_in *)&local)->sin_port ) == local_port( s ) || winetest_is_wine(),
        "told another port than the socket's\n" );
    return 0;
}

static int by_connect_by_list( SOCKET s )
{
    BOOL (WINAPI *by_list)( SOCKET, SOCKET_ADDRESS_LIST *, DWORD *, struct sockaddr *, DWORD *, struct sockaddr *,
                            const TIMEVAL *, OVERLAPPED * );
    SOCKET_ADDRESS_LIST list;

    by_list = (void *)GetProcAddress( GetModuleHandleA( "ws2_32" ), "WSAConnectByList" );
    if (!by_list) return -1;
    list.iAddressCount = 1;
    list.Address[0].lpSockaddr = (struct sockaddr *)&target_addr;
    list.Address[0].iSockaddrLength = target_len;
    return by_list( s, &list, NULL, NULL, NULL, NULL, NULL, NULL ) ? 0 : WSAGetLastError();
}

static int by_sendto( SOCKET s )
{
    return sendto( s, "x", 1, 0, (struct sockaddr *)&target_addr, target_len ) == 1 ? 0 : WSAGetLastError();
}

static int by_wsa_sendto( SOCKET s )
{
    WSABUF buf = { 1, (char *)"x" };
    DWORD sent;

    return WSASendTo( s, &buf, 1, &sent, 0, (struct sockaddr *)&target_addr, target_len, NULL, NULL ) ? WSAGetLastError() : 0;
}

static int by_overlapped_sendto( SOCKET s )
{
    WSABUF buf = { 1, (char *)"x" };
    OVERLAPPED overlapped;
    DWORD sent, flags;
    int ret = 0;

    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = CreateEventA( NULL, TRUE, FALSE, NULL );
    if (WSASendTo( s, &buf, 1, NULL, 0, (struct sockaddr *)&target_addr, target_len, &overlapped, NULL ))
    {
        if ((ret = WSAGetLastError()) == WSA_IO_PENDING)
        {
            ok( !WaitForSingleObject( overlapped.hEvent, 5000 ), "no completion\n" );
            ret = WSAGetOverlappedResult( s, &overlapped, &sent, FALSE, &flags ) ? 0 : WSAGetLastError();
        }
    }
    CloseHandle( overlapped.hEvent );
    return ret;
}

static int by_wsa_sendmsg( SOCKET s )
{
    GUID guid = WSAID_WSASENDMSG;
    LPFN_WSASENDMSG send_msg = NULL;
    WSABUF buf = { 1, (char *)"x" };
    DWORD size, sent;
    WSAMSG msg;

    if (WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &send_msg, sizeof(send_msg), &size, NULL, NULL ))
        return -1;
    memset( &msg, 0, sizeof(msg) );
    msg.name = (struct sockaddr *)&target_addr;
    msg.namelen = target_len;
    msg.lpBuffers = &buf;
    msg.dwBufferCount = 1;
    return send_msg( s, &msg, 0, &sent, NULL, NULL ) ? WSAGetLastError() : 0;
}

static int by_exported_sendmsg( SOCKET s )
{
    LPFN_WSASENDMSG send_msg = (void *)GetProcAddress( GetModuleHandleA( "ws2_32" ), "WSASendMsg" );
    WSABUF buf = { 1, (char *)"x" };
    WSAMSG msg;
    DWORD sent;

    if (!send_msg) return -1;
    memset( &msg, 0, sizeof(msg) );
    msg.name = (struct sockaddr *)&target_addr;
    msg.namelen = target_len;
    msg.lpBuffers = &buf;
    msg.dwBufferCount = 1;
    return send_msg( s, &msg, 0, &sent, NULL, NULL ) ? WSAGetLastError() : 0;
}

static int by_join_leaf( SOCKET s )
{
    struct sockaddr_in group;

    memset( &group, 0, sizeof(group) );
    group.sin_family = AF_INET;
    group.sin_addr.s_addr = htonl( 0xe0000001 );   /* 224.0.0.1, all hosts */
    group.sin_port = 0;
    WSASetLastError( 0 );
    if (WSAJoinLeaf( s, (struct sockaddr *)&group, sizeof(group), NULL, NULL, NULL, NULL, JL_BOTH ) != INVALID_SOCKET) return 0;
    return WSAGetLastError() ? WSAGetLastError() : -1;   /* Wine 8.0 does nothing, and gives no error */
}

static const struct
{
    const char *name;
    implicit_func func;
    int tcp, udp, ipv4_only;
    int may_lack;   /* not every Wine has it */
} ways[] =
{
    { "connect",               by_connect,             1, 1, 0, 0 },
    { "non-blocking connect",  by_nonblocking_connect, 1, 1, 0, 0 },
    { "WSAConnect",            by_wsa_connect,         1, 1, 0, 0 },
    { "WSAConnectByNameA",     by_connect_by_name_a,   1, 0, 0, 1 },
    { "WSAConnectByNameW",     by_connect_by_name_w,   1, 0, 0, 1 },
    { "WSAConnectByList",      by_connect_by_list,     1, 0, 0, 1 },
    { "sendto",                by_sendto,              0, 1, 0, 0 },
    { "WSASendTo",             by_wsa_sendto,          0, 1, 0, 0 },
    { "overlapped WSASendTo",  by_overlapped_sendto,   0, 1, 0, 0 },
    { "WSASendMsg",            by_wsa_sendmsg,         0, 1, 0, 0 },
    { "exported WSASendMsg",   by_exported_sendmsg,    0, 1, 0, 0 },
    { "WSAJoinLeaf",           by_join_leaf,           0, 1, 1, 1 },
};

static void make_target( int kind )
{
    int ret;

    target = make_socket( kind );
    ret = bind_loopback( target, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    if (socket_kinds[kind].type == SOCK_STREAM) listen( target, 100 );
    target_len = sizeof(target_addr);
    getsockname( target, (struct sockaddr *)&target_addr, &target_len );
}

/* The peer closes first, so that the port of our end is free the moment that it is closed. */
static void close_connection( SOCKET s )
{
    SOCKET accepted = accept( target, NULL, NULL );
    u_long off = 0;
    char c;

    closesocket( accepted );
    ioctlsocket( s, FIONBIO, &off );
    recv( s, &c, 1, 0 );
    closesocket( s );
}

static void test_way( int kind, unsigned int way )
{
    BOOL tcp = socket_kinds[kind].type == SOCK_STREAM;
    const char *name = ways[way].name;
    SOCKET owner, plain, s, late;
    struct instance inst;
    unsigned int i, port;
    int ret;

    /* a socket without a reservation: does this system know that way, and is it as before? */
    plain = make_socket( kind );
    ret = ways[way].func( plain );
    if (ret)
    {
        if (!ways[way].may_lack)
            ok( !ret, "%s, %s, unassociated: error %d\n", name, socket_kinds[kind].name, ret );
        else skip( "%s, %s: this system has it not (error %d)\n", name, socket_kinds[kind].name, ret );
        closesocket( plain );
        return;
    }
    ok( local_port( plain ) != 0, "%s, %s: no port\n", name, socket_kinds[kind].name );
    if (tcp) close_connection( plain );
    else closesocket( plain );

    owner = make_socket( kind );
    must_acquire( owner, 2, &inst );
    s = associated_socket( kind, &inst );
    ret = ways[way].func( s );
    ok( !ret, "%s, %s: error %d\n", name, socket_kinds[kind].name, ret );
    port = local_port( s );
    ok( in_block( &inst, port ), "%s, %s: got %u, not of %u-%u\n", name, socket_kinds[kind].name, port,
        first_port( &inst ), last_port( &inst ) );

    /* "nothing free is left: the call fails: WSAENOBUFS; the socket stays unbound and associated" */
    plain = associated_socket( kind, &inst );
    ret = bind_port( plain, 0 );
    ok( !ret && local_port( plain ) != port, "%s, %s: the other port: error %d\n", name, socket_kinds[kind].name, ret );
    late = associated_socket( kind, &inst );
    for (i = 0; i < 2; i++)
    {
        ret = ways[way].func( late );
        ok( ret == WSAENOBUFS || broken( ret ), "%s, %s, full block: error %d\n", name, socket_kinds[kind].name, ret );
        ok( !local_port( late ), "%s, %s, full block: got %u\n", name, socket_kinds[kind].name, local_port( late ) );
    }
    closesocket( plain );
    for (i = 0; i < 100 && (ret = ways[way].func( late )) == WSAENOBUFS; i++) Sleep( 10 );
    ok( !ret, "%s, %s, when a port came back: error %d\n", name, socket_kinds[kind].name, ret );
    ok( in_block( &inst, local_port( late ) ), "%s, %s: got %u\n", name, socket_kinds[kind].name, local_port( late ) );

    if (tcp)
    {
        close_connection( s );
        close_connection( late );
    }
    else
    {
        closesocket( s );
        closesocket( late );
    }

    /* "the reservation ended between associate and bind: WSAEINVAL" */
    s = associated_socket( kind, &inst );
    ret = release( owner, inst.Token );
    ok( !ret, "release failed, error %d\n", ret );
    ret = ways[way].func( s );
    ok( ret == WSAEINVAL || broken( TRUE ), "%s, %s, after its end: error %d\n", name, socket_kinds[kind].name, ret );
    closesocket( s );
    closesocket( owner );
}

/* a socket that has its port already keeps it */
static void test_bound_first( int kind )
{
    SOCKET owner = make_socket( kind ), s;
    struct instance inst;
    int ret;

    must_acquire( owner, 2, &inst );
    s = associated_socket( kind, &inst );
    ret = bind_loopback( s, last_port( &inst ) );
    ok( !ret, "bind failed, error %d\n", ret );
    ret = by_connect( s );
    ok( !ret, "connect failed, error %d\n", ret );
    ok( local_port( s ) == last_port( &inst ), "got %u\n", local_port( s ) );
    if (socket_kinds[kind].type == SOCK_STREAM) close_connection( s );
    else closesocket( s );
    closesocket( owner );
}

/* connect that is refused has bound the socket all the same; a bad address has not */
static void test_failures(void)
{
    SOCKET owner = make_socket( TCP4 ), s, closed;
    struct sockaddr_storage addr;
    struct instance inst;
    int ret, len;

    must_acquire( owner, 1, &inst );
    s = associated_socket( TCP4, &inst );
    len = make_addr( s, TRUE, 9, &addr );
    if (!winetest_is_wine())   /* Wine 8.0 crashes */
    {
        /* cppcheck-suppress nullPointer ; that is what is tested */
        ret = connect( s, NULL, len );
        ok( ret && WSAGetLastError() == WSAEFAULT, "no address: %d, error %d\n", ret, WSAGetLastError() );
    }
    ret = connect( s, (struct sockaddr *)&addr, 4 );
    ok( ret && (WSAGetLastError() == WSAEFAULT || winetest_is_wine()), "short: %d, error %d\n", ret, WSAGetLastError() );
    ok( !local_port( s ), "and yet bound to %u\n", local_port( s ) );
    closed = make_socket( TCP4 );
    bind_loopback( closed, 0 );
    len = make_addr( s, TRUE, local_port( closed ), &addr );
    ret = connect( s, (struct sockaddr *)&addr, len );
    ok( ret && WSAGetLastError() == WSAECONNREFUSED, "nobody listens: %d, error %d\n", ret, WSAGetLastError() );
    ok( local_port( s ) == first_port( &inst ) || !local_port( s ), "got %u\n", local_port( s ) );
    closesocket( closed );
    closesocket( s );

    /* the one port is there again */
    s = associated_socket( TCP4, &inst );
    ret = bind_soon( s, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    closesocket( s );
    closesocket( owner );
}

/* What is sent nowhere gets no port on Windows; where it does, the port is one of the block. */
static void test_send_nowhere( int kind )
{
    static const char *const names[] = { "send", "WSASend", "sendto, no address", "sendto, short", "sendto, no family", "WSASendTo, no address" };
    WSABUF buf = { 1, (char *)"x" };
    struct sockaddr_storage none;
    SOCKET owner, s, late;
    struct instance inst;
    unsigned int i, j;
    DWORD sent;
    int ret;

    memset( &none, 0, sizeof(none) );
    for (i = 0; i < ARRAY_SIZE( names ); i++)
    {
        owner = make_socket( kind );
        must_acquire( owner, 1, &inst );
        s = associated_socket( kind, &inst );
        late = associated_socket( kind, &inst );
        for (j = 0; j < 2; j++)
        {
            SOCKET sock = j ? late : s;

            switch (i)
            {
            case 0: ret = send( sock, "x", 1, 0 ); break;
            case 1: ret = WSASend( sock, &buf, 1, &sent, 0, NULL, NULL ); break;
            case 2: ret = sendto( sock, "x", 1, 0, NULL, 0 ); break;
            case 3: ret = sendto( sock, "x", 1, 0, (struct sockaddr *)&target_addr, 4 ); break;
            case 4: ret = sendto( sock, "x", 1, 0, (struct sockaddr *)&none, target_len ); break;
            default: ret = WSASendTo( sock, &buf, 1, &sent, 0, NULL, 0, NULL, NULL ); break;
            }
            ok( ret == SOCKET_ERROR, "%s, %s: got %d\n", names[i], socket_kinds[kind].name, ret );
            ok( !local_port( sock ) || (!j && local_port( sock ) == first_port( &inst )), "%s, %s: got port %u\n", names[i],
                socket_kinds[kind].name, local_port( sock ) );
        }
        closesocket( late );
        closesocket( s );
        closesocket( owner );
    }
}

/* "ConnectEx still needs a bound socket." */
static void test_connect_ex(void)
{
    SOCKET owner = make_socket( TCP4 ), s;
    GUID guid = WSAID_CONNECTEX;
    LPFN_CONNECTEX connect_ex = NULL;
    OVERLAPPED overlapped;
    struct instance inst;
    DWORD size, flags;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( TCP4, &inst );
    WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &connect_ex, sizeof(connect_ex), &size, NULL, NULL );
    ok( connect_ex != NULL, "no ConnectEx\n" );
    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = CreateEventA( NULL, TRUE, FALSE, NULL );
    ret = connect_ex( s, (struct sockaddr *)&target_addr, target_len, NULL, 0, NULL, &overlapped );
    ok( !ret && WSAGetLastError() == WSAEINVAL, "unbound: %d, error %d\n", ret, WSAGetLastError() );
    ok( !local_port( s ), "and yet bound to %u\n", local_port( s ) );

    ret = bind_loopback( s, 0 );
    ok( !ret && local_port( s ) == first_port( &inst ), "bind gave %u, error %d\n", local_port( s ), ret );
    ret = connect_ex( s, (struct sockaddr *)&target_addr, target_len, NULL, 0, NULL, &overlapped );
    ok( ret || WSAGetLastError() == WSA_IO_PENDING, "bound: %d, error %d\n", ret, WSAGetLastError() );
    ok( !WaitForSingleObject( overlapped.hEvent, 5000 ), "no completion\n" );
    ret = WSAGetOverlappedResult( s, &overlapped, &size, FALSE, &flags );
    ok( ret, "ConnectEx failed, error %d\n", WSAGetLastError() );
    ok( local_port( s ) == first_port( &inst ), "got %u\n", local_port( s ) );
    CloseHandle( overlapped.hEvent );
    close_connection( s );
    closesocket( owner );
}

/* "Bound means every way a socket gets its port": a socket that AcceptEx() fills has that of the listener, takes none of the reservation that
 * it is associated with, and can't be associated any more. */
static void test_accept_ex(void)
{
    SOCKET owner = make_socket( TCP4 ), listener, accepted, client, other = make_socket( TCP4 );
    GUID guid = WSAID_ACCEPTEX;
    LPFN_ACCEPTEX accept_ex = NULL;
    struct sockaddr_storage addr;
    struct instance inst;
    OVERLAPPED overlapped;
    char c, buffer[2 * (sizeof(struct sockaddr_in6) + 16)];
    DWORD size, flags;
    int len, ret;

    must_acquire( owner, 2, &inst );
    listener = associated_socket( TCP4, &inst );
    ret = bind_loopback( listener, first_port( &inst ) );
    ok( !ret, "bind: error %d\n", ret );
    listen( listener, 1 );
    accepted = associated_socket( TCP4, &inst );
    WSAIoctl( listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &accept_ex, sizeof(accept_ex), &size, NULL, NULL );
    ok( accept_ex != NULL, "no AcceptEx\n" );
    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = CreateEventA( NULL, TRUE, FALSE, NULL );
    ret = accept_ex( listener, accepted, buffer, 0, sizeof(buffer) / 2, sizeof(buffer) / 2, &size, &overlapped );
    ok( ret || WSAGetLastError() == WSA_IO_PENDING, "AcceptEx: %d, error %d\n", ret, WSAGetLastError() );
    client = make_socket( TCP4 );
    len = make_addr( client, TRUE, first_port( &inst ), &addr );
    ret = connect( client, (struct sockaddr *)&addr, len );
    ok( !ret, "connect: error %d\n", WSAGetLastError() );
    ok( !WaitForSingleObject( overlapped.hEvent, 5000 ), "no completion\n" );
    ret = WSAGetOverlappedResult( listener, &overlapped, &size, FALSE, &flags );
    ok( ret, "AcceptEx failed, error %d\n", WSAGetLastError() );
    ret = setsockopt( accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&listener, sizeof(listener) );
    ok( !ret, "SO_UPDATE_ACCEPT_CONTEXT: error %d\n", WSAGetLastError() );

    ok( local_port( accepted ) == first_port( &inst ), "got %u\n", local_port( accepted ) );
    ret = associate( accepted, inst.Token );
    ok( ret == WSAEINVAL, "associate: error %d\n", ret );
    must_associate( other, inst.Token );
    ret = bind_loopback( other, 0 );
    ok( !ret && local_port( other ) == last_port( &inst ), "the other port: got %u, error %d\n", local_port( other ), ret );
    closesocket( client );
    recv( accepted, &c, 1, 0 );
    closesocket( accepted );
    closesocket( listener );
    closesocket( other );
    closesocket( owner );
    CloseHandle( overlapped.hEvent );
}

/* Where WSAJoinLeaf itself does nothing, it must still not take a port from elsewhere. */
static void test_join_leaf(void)
{
    SOCKET owner = make_socket( UDP4 ), s, late;
    struct instance inst;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( UDP4, &inst );
    late = associated_socket( UDP4, &inst );
    by_join_leaf( s );
    ok( !local_port( s ) || local_port( s ) == first_port( &inst ), "got %u\n", local_port( s ));
    if (local_port( s ))
    {
        ret = by_join_leaf( late );
        ok( ret == WSAENOBUFS || broken( ret ), "full block: error %d\n", ret );
        ok( !local_port( late ), "full block: got %u\n", local_port( late ));
    }
    closesocket( late );
    closesocket( s );
    closesocket( owner );
}

/* a listen without bind is no way to a port on Windows */
static void test_listen(void)
{
    SOCKET owner = make_socket( TCP4 ), s;
    struct instance inst;
    int ret;

    must_acquire( owner, 1, &inst );
    s = associated_socket( TCP4, &inst );
    ret = listen( s, 1 );
    ok( ret && WSAGetLastError() == WSAEINVAL, "listen on an unbound socket: %d, error %d\n", ret, WSAGetLastError() );
    closesocket( s );
    closesocket( owner );
}

START_TEST(implicit)
{
    unsigned int way;
    int kind;

    if (!start_test()) return;
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        make_target( kind );
        for (way = 0; way < ARRAY_SIZE( ways ); way++)
        {
            if (!(socket_kinds[kind].type == SOCK_STREAM ? ways[way].tcp : ways[way].udp)) continue;
            if (ways[way].ipv4_only && socket_kinds[kind].family != AF_INET) continue;
            test_way( kind, way );
        }
        test_bound_first( kind );
        test_send_nowhere( kind );
        if (kind == UDP4) test_join_leaf();
        if (kind == TCP4)
        {
            test_connect_ex();
            test_accept_ex();
            test_failures();
            test_listen();
        }
        closesocket( target );
    }
}
