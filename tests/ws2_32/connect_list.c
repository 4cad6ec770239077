/*
 * WSAConnectByList
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Microsoft's reference of the function, and section 3 of the specification where a socket is associated. */

#include <string.h>
#include "port_test.h"

typedef BOOL (WINAPI *connect_by_list_func)( SOCKET, SOCKET_ADDRESS_LIST *, DWORD *, struct sockaddr *, DWORD *,
                                             struct sockaddr *, const TIMEVAL *, OVERLAPPED * );
static connect_by_list_func connect_by_list;

#define MAX_ADDRESSES 4

static struct sockaddr_storage addresses[MAX_ADDRESSES];
static char list_buffer[sizeof(SOCKET_ADDRESS_LIST) + MAX_ADDRESSES * sizeof(SOCKET_ADDRESS)];
static SOCKET_ADDRESS_LIST *list = (SOCKET_ADDRESS_LIST *)list_buffer;

static void add_address( const struct sockaddr *addr, int len )
{
    int i = list->iAddressCount++;

    memcpy( &addresses[i], addr, len );
    list->Address[i].lpSockaddr = (struct sockaddr *)&addresses[i];
    list->Address[i].iSockaddrLength = len;
}

/* the loopback address of a socket's family with a port */
static void add_loopback( SOCKET s, unsigned int port )
{
    struct sockaddr_storage addr;
    int len = make_addr( s, TRUE, port, &addr );

    add_address( (struct sockaddr *)&addr, len );
}

/* 127.0.0.1 for an IPv6 socket */
static void add_mapped( unsigned int port )
{
    static const unsigned char mapped[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1 };
    struct sockaddr_in6 addr;

    memset( &addr, 0, sizeof(addr) );
    addr.sin6_family = AF_INET6;
    addr.sin6_port = htons( port );
    memcpy( &addr.sin6_addr, mapped, sizeof(mapped) );
    add_address( (struct sockaddr *)&addr, sizeof(addr) );
}

static SOCKET make_listener( int kind )
{
    SOCKET s = make_socket( kind );
    int ret;

    ret = bind_loopback( s, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    ret = listen( s, 5 );
    ok( !ret, "listen failed, error %d\n", WSAGetLastError() );
    return s;
}

/* a port where nobody listens; it stays that way as long as the socket is there */
static SOCKET make_closed( int kind )
{
    SOCKET s = make_socket( kind );
    int ret = bind_loopback( s, 0 );

    ok( !ret, "bind failed, error %d\n", ret );
    return s;
}

static BOOL is_poison( const struct sockaddr_storage *addr )
{
    const unsigned char *bytes = (const unsigned char *)addr;
    unsigned int i;

    for (i = 0; i < sizeof(*addr) && bytes[i] == 0xcc; i++) ;
    return i == sizeof(*addr);
}

/* what fails stores nothing but the error */
static int call( SOCKET s, const TIMEVAL *timeout )
{
    struct sockaddr_storage local, remote;
    DWORD local_len = sizeof(local), remote_len = sizeof(remote);
    int ret;

    memset( &local, 0xcc, sizeof(local) );
    memset( &remote, 0xcc, sizeof(remote) );
    WSASetLastError( 0xdead );
    if (connect_by_list( s, list, &local_len, (struct sockaddr *)&local, &remote_len, (struct sockaddr *)&remote, timeout, NULL )) return 0;
    ret = WSAGetLastError();
    ok( (is_poison( &local ) && local_len == sizeof(local)) || broken( TRUE ), "the local address was touched, length %lu\n", local_len );
    ok( (is_poison( &remote ) && remote_len == sizeof(remote)) || broken( TRUE ), "the remote address was touched, length %lu\n",
        remote_len );
    return ret;
}

/* makes what asks for a connected socket take one that ConnectEx() connected, as the option is documented */
static int update_context( SOCKET s )
{
    /* cppcheck-suppress nullPointer ; the option has no value */
    return setsockopt( s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0 );
}

/* sends a byte from one to the other */
static void check_connection( SOCKET s, SOCKET listener )
{
    struct sockaddr_storage addr;
    SOCKET accepted;
    int len = sizeof(addr);
    char c = 0;

    if (getpeername( s, (struct sockaddr *)&addr, &len )) update_context( s );
    if (getpeername( s, (struct sockaddr *)&addr, &len ))
    {
        ok( 0, "not connected, error %d\n", WSAGetLastError() );
        return;
    }
    accepted = accept( listener, NULL, NULL );

    ok( accepted != INVALID_SOCKET, "accept failed, error %d\n", WSAGetLastError() );
    ok( send( s, "x", 1, 0 ) == 1, "send failed, error %d\n", WSAGetLastError() );
    ok( recv( accepted, &c, 1, 0 ) == 1 && c == 'x', "recv failed, error %d\n", WSAGetLastError() );
    closesocket( accepted );
}

/* "establishes a connection to one out of a collection of possible endpoints" */
static void test_connect( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET listener = make_listener( kind ), closed = make_closed( kind ), s;
    struct sockaddr_storage local, remote, own;
    DWORD local_len, remote_len;
    TIMEVAL timeout = { 20, 0 };
    int i, len, ret;

    for (i = 0; i < 4; i++)
    {
        /* the only one; after one that refuses; before it; after two */
        list->iAddressCount = 0;
        if (i == 1 || i == 3) add_loopback( closed, local_port( closed ) );
        if (i == 3) add_loopback( closed, local_port( closed ) );
        add_loopback( listener, local_port( listener ) );
        if (i == 2) add_loopback( closed, local_port( closed ) );

        s = make_socket( kind );
        memset( &local, 0xcc, sizeof(local) );
        memset( &remote, 0xcc, sizeof(remote) );
        /* who has enough room need not know how much */
        local_len = remote_len = i == 3 && winetest_is_wine() ? ~0u : sizeof(local);
        ret = connect_by_list( s, list, &local_len, (struct sockaddr *)&local, &remote_len, (struct sockaddr *)&remote,
                               i & 1 ? &timeout : NULL, NULL );
        ok( ret == TRUE, "%s, list %d: got %d, error %d\n", name, i, ret, WSAGetLastError() );
        len = sizeof(own);
        ok( !getsockname( s, (struct sockaddr *)&own, &len ), "%s, list %d: error %d\n", name, i, WSAGetLastError() );
        ok( local_len == (DWORD)len && !memcmp( &local, &own, len ), "%s, list %d: got another local address\n", name, i );
        ok( remote_len == (DWORD)len && !memcmp( &remote, &addresses[i == 3 ? 2 : i & 1], len ),
            "%s, list %d: got another remote address\n", name, i );
        ret = update_context( s );
        ok( !ret, "%s, list %d: SO_UPDATE_CONNECT_CONTEXT failed, error %d\n", name, i, WSAGetLastError() );
        check_connection( s, listener );
        closesocket( s );
    }

    /* "This parameter can be NULL, in which case, the LocalAddressLength parameter is ignored." */
    s = make_socket( kind );
    local_len = 1;
    ret = connect_by_list( s, list, &local_len, NULL, &local_len, NULL, NULL, NULL );
    ok( ret == TRUE && local_len == 1, "%s: got %d, error %d, length %lu\n", name, ret, WSAGetLastError(), local_len );
    check_connection( s, listener );
    closesocket( s );

    /* nobody at all */
    list->iAddressCount = 0;
    add_loopback( closed, local_port( closed ) );
    add_loopback( closed, local_port( closed ) );
    s = make_socket( kind );
    ret = call( s, NULL );
    ok( ret == WSAECONNREFUSED || broken( ret == WSAETIMEDOUT ), "%s: error %d\n", name, ret );
    closesocket( s );
    closesocket( closed );
    closesocket( listener );
}

/* "To pass both IPv6 and IPv4 addresses", the socket is an IPv6 one without IPV6_V6ONLY, and the IPv4 addresses are mapped */
static void test_dual_stack(void)
{
    SOCKET listener4 = make_listener( TCP4 ), listener6 = make_listener( TCP6 ), s;
    struct sockaddr_storage remote;
    DWORD remote_len = sizeof(remote);
    SOCKET closed = make_closed( TCP6 );
    int ret;

    list->iAddressCount = 0;
    add_loopback( closed, local_port( closed ) );
    add_mapped( local_port( listener4 ) );
    s = make_socket( TCP_DUAL );
    ret = connect_by_list( s, list, NULL, NULL, &remote_len, (struct sockaddr *)&remote, NULL, NULL );
    ok( ret == TRUE, "IPv4 after IPv6: got %d, error %d\n", ret, WSAGetLastError() );
    ok( remote_len == sizeof(struct sockaddr_in6) && !memcmp( &remote, &addresses[1], remote_len ), "got another remote address\n" );
    check_connection( s, listener4 );
    closesocket( s );

    list->iAddressCount = 0;
    add_mapped( local_port( listener6 ) );   /* nobody has that port for IPv4, but by chance */
    add_loopback( listener6, local_port( listener6 ) );
    s = make_socket( TCP_DUAL );
    ret = call( s, NULL );
    ok( !ret, "IPv6 after IPv4: error %d\n", ret );
    check_connection( s, listener6 );
    closesocket( s );

    /* without the other family: an error, but not a connection */
    list->iAddressCount = 0;
    add_mapped( local_port( listener4 ) );
    s = make_socket( TCP6 );
    ret = call( s, NULL );
    ok( ret && ret != 0xdead, "a mapped address for an IPv6-only socket: error %d\n", ret );
    closesocket( s );
    list->iAddressCount = 0;
    add_loopback( listener6, local_port( listener6 ) );
    s = make_socket( TCP4 );
    ret = call( s, NULL );
    ok( ret && ret != 0xdead, "an IPv6 address for an IPv4 socket: error %d\n", ret );
    closesocket( s );

    closesocket( closed );
    closesocket( listener4 );
    closesocket( listener6 );
}

static void test_bad_arguments(void)
{
    SOCKET listener = make_listener( TCP4 ), s = make_socket( TCP4 ), bound = make_closed( TCP4 ), udp = make_socket( UDP4 );
    struct sockaddr_storage addr;
    TIMEVAL timeout = { 1, 0 };
    OVERLAPPED overlapped;
    DWORD len;
    int ret;

    list->iAddressCount = 0;
    add_loopback( listener, local_port( listener ) );

    ret = call( INVALID_SOCKET, NULL );
    ok( ret == WSAENOTSOCK, "no socket: error %d\n", ret );
    /* "unlike other Winsock calls to establish a connection, the WSAConnectByList function requires an unbound socket" */
    ret = call( bound, NULL );
    ok( ret == WSAEINVAL, "bound socket: error %d\n", ret );
    ret = call( udp, NULL );
    ok( ret == WSAEINVAL || broken( ret ), "UDP socket: error %d\n", ret );

    memset( &overlapped, 0, sizeof(overlapped) );
    ret = connect_by_list( s, list, NULL, NULL, NULL, NULL, NULL, &overlapped );
    ok( !ret && WSAGetLastError() == WSAEINVAL, "Reserved: got %d, error %d\n", ret, WSAGetLastError() );
    ret = connect_by_list( s, NULL, NULL, NULL, NULL, NULL, NULL, NULL );
    ok( !ret && (WSAGetLastError() == WSAEINVAL || broken( WSAGetLastError() == WSAEFAULT )), "no list: got %d, error %d\n", ret,
        WSAGetLastError() );
    list->iAddressCount = 0;
    ret = call( s, NULL );
    ok( ret == WSAEINVAL || broken( ret ), "empty list: error %d\n", ret );
    if (winetest_is_wine())
    {
        list->iAddressCount = 0x20000001;  /* its size is small where it has 32 bits */
        ret = call( s, NULL );
        ok( ret == WSAEINVAL, "a list that is too long: error %d\n", ret );
    }
    list->iAddressCount = 1;
    len = 4;
    ret = connect_by_list( s, list, &len, (struct sockaddr *)&addr, NULL, NULL, NULL, NULL );
    ok( !ret && (WSAGetLastError() == WSAEFAULT || broken( TRUE )), "short local address: got %d, error %d\n", ret, WSAGetLastError() );
    ret = connect_by_list( s, list, NULL, NULL, &len, (struct sockaddr *)&addr, NULL, NULL );
    ok( !ret && (WSAGetLastError() == WSAEFAULT || broken( TRUE )), "short remote address: got %d, error %d\n", ret, WSAGetLastError() );
    ok( len == 4, "the length became %lu\n", len );
    if (winetest_is_wine())
    {
        timeout.tv_sec = -1;
        ret = call( s, &timeout );
        ok( ret == WSAEINVAL, "negative timeout: error %d\n", ret );
        ok( !local_port( s ), "the socket was bound to %u\n", local_port( s ) );

        /* and none of that did any harm */
        timeout.tv_sec = 20;
        ret = call( s, &timeout );
        ok( !ret, "error %d\n", ret );
        check_connection( s, listener );
    }
    ret = call( s, NULL );
    ok( ret == WSAEINVAL || broken( ret ), "connected socket: error %d\n", ret );
    closesocket( s );
    closesocket( bound );
    closesocket( udp );
    closesocket( listener );
}

/* "The time to wait for a response from the remote application before aborting the call." */
static void test_timeout(void)
{
    SOCKET listener = make_socket( TCP4 ), fillers[16], s;
    struct sockaddr_storage addr;
    TIMEVAL timeout = { 0, 400000 };
    DWORD start, elapsed;
    unsigned int i;
    u_long on = 1;
    int len, ret;

    /* a listener that accepts nothing: past its backlog Linux does not answer */
    bind_loopback( listener, 0 );
    listen( listener, 1 );
    len = make_addr( listener, TRUE, local_port( listener ), &addr );
    for (i = 0; i < ARRAY_SIZE( fillers ); i++)
    {
        fillers[i] = make_socket( TCP4 );
        ioctlsocket( fillers[i], FIONBIO, &on );
        (void)connect( fillers[i], (struct sockaddr *)&addr, len );
    }
    list->iAddressCount = 0;
    add_address( (struct sockaddr *)&addr, len );
    add_address( (struct sockaddr *)&addr, len );
    s = make_socket( TCP4 );
    start = GetTickCount();
    ret = call( s, &timeout );
    elapsed = GetTickCount() - start;
    if (ret == WSAETIMEDOUT) ok( elapsed >= 350 && elapsed < 3000, "took %lu ms\n", elapsed );
    else ok( broken( ret == WSAECONNREFUSED ), "error %d after %lu ms\n", ret, elapsed );
    closesocket( s );
    for (i = 0; i < ARRAY_SIZE( fillers ); i++) closesocket( fillers[i] );
    closesocket( listener );
}

/* a completion port of the socket hears nothing, a non-blocking socket waits all the same */
static void test_port_and_nonblocking(void)
{
    SOCKET listener = make_listener( TCP4 ), s = make_socket( TCP4 );
    HANDLE port = CreateIoCompletionPort( (HANDLE)s, NULL, 1, 0 );
    OVERLAPPED *posted;
    ULONG_PTR key;
    u_long on = 1;
    DWORD size;
    int ret;

    list->iAddressCount = 0;
    add_loopback( listener, local_port( listener ) );
    ioctlsocket( s, FIONBIO, &on );
    ret = call( s, NULL );
    ok( !ret, "error %d\n", ret );
    ret = GetQueuedCompletionStatus( port, &size, &key, &posted, 50 );
    ok( !ret && !posted, "posted %p\n", posted );
    check_connection( s, listener );
    closesocket( s );
    CloseHandle( port );

    /* nor does it need the overlapped attribute */
    s = WSASocketW( AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0 );
    ret = call( s, NULL );
    ok( !ret || broken( ret ), "no overlapped attribute: error %d\n", ret );
    if (!ret) check_connection( s, listener );
    closesocket( s );
    closesocket( listener );
}

/* the port of an associated socket is of its reservation, and the same for each attempt */
static void test_associated( int kind )
{
    SOCKET listener = make_listener( kind ), closed = make_closed( kind ), owner = make_socket( kind ), s = make_socket( kind );
    struct instance inst;
    int ret;

    list->iAddressCount = 0;
    add_loopback( closed, local_port( closed ) );
    add_loopback( listener, local_port( listener ) );
    must_acquire( owner, 1, &inst );
    must_associate( s, inst.Token );
    ret = call( s, NULL );
    ok( !ret, "%s: error %d\n", socket_kinds[kind].name, ret );
    ok( local_port( s ) == first_port( &inst ), "%s: got %u, not %u\n", socket_kinds[kind].name, local_port( s ), first_port( &inst ) );
    check_connection( s, listener );
    closesocket( s );
    closesocket( owner );
    closesocket( closed );
    closesocket( listener );
}

START_TEST(connect_list)
{
    static const int kinds[] = { TCP4, TCP6, TCP_DUAL };
    unsigned int i;
    WSADATA data;

    connect_by_list = (void *)GetProcAddress( GetModuleHandleA( "ws2_32" ), "WSAConnectByList" );
    if (!connect_by_list)
    {
        win_skip( "this system has no WSAConnectByList\n" );
        return;
    }
    ok( !connect_by_list( INVALID_SOCKET, NULL, NULL, NULL, NULL, NULL, NULL, NULL ) && WSAGetLastError() == WSANOTINITIALISED,
        "not started: error %d\n", WSAGetLastError() );
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        if (socket_kinds[kinds[i]].family == AF_INET6 && !have_ipv6()) continue;
        test_connect( kinds[i] );
    }
    if (have_ipv6()) test_dual_stack();
    test_bad_arguments();
    test_timeout();
    test_port_and_nonblocking();
    WSACleanup();

    if (!start_test()) return;
    for (i = 0; i < ARRAY_SIZE( kinds ); i++)
    {
        if (socket_kinds[kinds[i]].family == AF_INET6 && !have_ipv6()) continue;
        test_associated( kinds[i] );
    }
}
