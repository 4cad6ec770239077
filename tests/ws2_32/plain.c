/*
 * A program that uses no reservation behaves the same
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* These tests pass with and without the component, and on a Wine that knows nothing of reservations. */

#include <string.h>
#include "port_test.h"

static void set_timeouts( SOCKET s )
{
    DWORD timeout = 5000;

    setsockopt( s, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout, sizeof(timeout) );
    setsockopt( s, SOL_SOCKET, SO_SNDTIMEO, (char *)&timeout, sizeof(timeout) );
}

static void test_tcp( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET listener = make_socket( kind ), client = make_socket( kind ), server;
    struct sockaddr_storage addr, peer;
    int ret, len, addr_len;
    char buffer[16];
    unsigned int port;

    ret = bind_loopback( listener, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    port = local_port( listener );
    ok( port != 0, "%s: no port\n", name );
    ret = listen( listener, 5 );
    ok( !ret, "%s: listen failed, error %d\n", name, WSAGetLastError() );

    addr_len = make_addr( client, TRUE, port, &addr );
    ret = connect( client, (struct sockaddr *)&addr, addr_len );
    ok( !ret, "%s: connect failed, error %d\n", name, WSAGetLastError() );
    len = sizeof(peer);
    server = accept( listener, (struct sockaddr *)&peer, &len );
    ok( server != INVALID_SOCKET, "%s: accept failed, error %d\n", name, WSAGetLastError() );
    ok( ntohs( ((struct sockaddr_in *)&peer)->sin_port ) == local_port( client ), "%s: other port than the client's\n", name );
    ok( local_port( server ) == port, "%s: got port %u, not %u\n", name, local_port( server ), port );
    set_timeouts( server );
    set_timeouts( client );

    ret = send( client, "hello", 5, 0 );
    ok( ret == 5, "%s: send gave %d, error %d\n", name, ret, WSAGetLastError() );
    memset( buffer, 0, sizeof(buffer) );
    ret = recv( server, buffer, sizeof(buffer), 0 );
    ok( ret == 5 && !memcmp( buffer, "hello", 5 ), "%s: recv gave %d \"%.5s\"\n", name, ret, buffer );
    ret = shutdown( client, SD_SEND );
    ok( !ret, "%s: shutdown failed, error %d\n", name, WSAGetLastError() );
    ret = recv( server, buffer, sizeof(buffer), 0 );
    ok( !ret, "%s: recv after shutdown gave %d\n", name, ret );

    ret = connect( client, (struct sockaddr *)&addr, addr_len );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEISCONN, "%s: second connect gave %d, error %d\n",
        name, ret, WSAGetLastError() );

    ok( !closesocket( server ), "%s: closesocket failed\n", name );
    ok( !closesocket( client ), "%s: closesocket failed\n", name );
    ok( !closesocket( listener ), "%s: closesocket failed\n", name );
    /* cppcheck-suppress doubleFree ; that is what is tested */
    ret = closesocket( listener );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK, "%s: second closesocket gave %d, error %d\n",
        name, ret, WSAGetLastError() );
}

static void test_udp( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET server = make_socket( kind ), client = make_socket( kind );
    struct sockaddr_storage addr, peer;
    WSABUF buf = { 5, (char *)"again" };
    int ret, len, addr_len;
    char buffer[16];
    DWORD sent;

    set_timeouts( server );
    set_timeouts( client );
    ret = bind_loopback( server, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    addr_len = make_addr( client, TRUE, local_port( server ), &addr );

    ret = sendto( client, "hello", 5, 0, (struct sockaddr *)&addr, addr_len );
    ok( ret == 5, "%s: sendto gave %d, error %d\n", name, ret, WSAGetLastError() );
    ok( local_port( client ) != 0, "%s: sendto did not bind\n", name );
    len = sizeof(peer);
    ret = recvfrom( server, buffer, sizeof(buffer), 0, (struct sockaddr *)&peer, &len );
    ok( ret == 5 && !memcmp( buffer, "hello", 5 ), "%s: recvfrom gave %d, error %d\n", name, ret, WSAGetLastError() );
    ok( ntohs( ((struct sockaddr_in *)&peer)->sin_port ) == local_port( client ), "%s: other port than the client's\n", name );

    sent = 0xdeadbeef;
    ret = WSASendTo( client, &buf, 1, &sent, 0, (struct sockaddr *)&addr, addr_len, NULL, NULL );
    ok( !ret && sent == 5, "%s: WSASendTo gave %d, %lu bytes, error %d\n", name, ret, sent, WSAGetLastError() );
    ret = recv( server, buffer, sizeof(buffer), 0 );
    ok( ret == 5 && !memcmp( buffer, "again", 5 ), "%s: recv gave %d, error %d\n", name, ret, WSAGetLastError() );

    ret = connect( client, (struct sockaddr *)&addr, addr_len );
    ok( !ret, "%s: connect failed, error %d\n", name, WSAGetLastError() );
    ret = send( client, "third", 5, 0 );
    ok( ret == 5, "%s: send gave %d, error %d\n", name, ret, WSAGetLastError() );
    ret = recv( server, buffer, sizeof(buffer), 0 );
    ok( ret == 5 && !memcmp( buffer, "third", 5 ), "%s: recv gave %d, error %d\n", name, ret, WSAGetLastError() );

    closesocket( client );
    closesocket( server );
}

/* what bind says, an error at a time */
static void test_bind_errors( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s = make_socket( kind ), other = make_socket( kind );
    struct sockaddr_storage addr;
    int ret, len;

    len = make_addr( s, TRUE, 0, &addr );

    ret = bind( INVALID_SOCKET, (struct sockaddr *)&addr, len );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK, "%s: no socket: %d, error %d\n", name, ret, WSAGetLastError() );

    /* cppcheck-suppress nullPointer ; that is what is tested */
    ret = bind( s, NULL, len );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEFAULT, "%s: no address: %d, error %d\n", name, ret, WSAGetLastError() );

    ret = bind( s, (struct sockaddr *)&addr, 4 );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEFAULT, "%s: short: %d, error %d\n", name, ret, WSAGetLastError() );

    addr.ss_family = 0xffff;
    ret = bind( s, (struct sockaddr *)&addr, len );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEAFNOSUPPORT, "%s: other family: %d, error %d\n",
        name, ret, WSAGetLastError() );

    /* an address of the documentation's networks, which no interface has */
    len = make_addr( s, FALSE, 0, &addr );
    if (addr.ss_family == AF_INET) ((struct sockaddr_in *)&addr)->sin_addr.s_addr = htonl( 0xcb007101 );   /* 203.0.113.1 */
    else
    {
        ((struct sockaddr_in6 *)&addr)->sin6_addr.s6_addr[0] = 0x20;    /* 2001:db8::1 */
        ((struct sockaddr_in6 *)&addr)->sin6_addr.s6_addr[1] = 0x01;
        ((struct sockaddr_in6 *)&addr)->sin6_addr.s6_addr[2] = 0x0d;
        ((struct sockaddr_in6 *)&addr)->sin6_addr.s6_addr[3] = 0xb8;
        ((struct sockaddr_in6 *)&addr)->sin6_addr.s6_addr[15] = 1;
    }
    /* Wine 8.0 binds a UDP socket to any IPv4 address */
    if (kind != UDP4 || !winetest_is_wine())
    {
        ret = bind( s, (struct sockaddr *)&addr, len );
        ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEADDRNOTAVAIL, "%s: foreign address: %d, error %d\n",
            name, ret, WSAGetLastError() );
    }

    ok( !local_port( s ), "%s: bound to %u\n", name, local_port( s ) );
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ret = bind_loopback( s, 0 );
    ok( ret == WSAEINVAL, "%s: bound twice: error %d\n", name, ret );
    if (socket_kinds[kind].type == SOCK_STREAM) listen( s, 5 );
    ret = bind_loopback( other, local_port( s ) );
    ok( ret == WSAEADDRINUSE, "%s: same port: error %d\n", name, ret );

    closesocket( other );
    closesocket( s );
}

static void test_reuse(void)
{
    SOCKET s = make_socket( UDP4 ), other = make_socket( UDP4 );
    BOOL on = TRUE;
    int ret;

    setsockopt( s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) );
    ret = bind_loopback( s, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    ret = bind_loopback( other, local_port( s ) );
    ok( !ret, "bind with SO_REUSEADDR failed, error %d\n", ret );
    closesocket( other );
    closesocket( s );
}

/* ioctls that have nothing to do with ours go to the system as they came */
static void test_other_ioctls(void)
{
    SOCKET s = make_socket( TCP4 );
    GUID guid = WSAID_CONNECTEX;
    LPFN_CONNECTEX connect_ex = NULL;
    DWORD size = 0xdeadbeef, value;
    u_long on = 1;
    int ret;

    ret = WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &connect_ex, sizeof(connect_ex),
                    &size, NULL, NULL );
    ok( !ret && size == sizeof(connect_ex) && connect_ex, "got %d, %lu bytes, %p\n", ret, size, connect_ex );

    ret = WSAIoctl( s, FIONBIO, &on, sizeof(on), NULL, 0, &size, NULL, NULL );
    ok( !ret && !size, "got %d, %lu bytes\n", ret, size );
    ret = WSAIoctl( s, FIONREAD, NULL, 0, &value, sizeof(value), &size, NULL, NULL );
    ok( !ret && size == sizeof(value) && !value, "got %d, %lu bytes, %lu\n", ret, size, value );

    size = 0xdeadbeef;
    ret = WSAIoctl( s, 0xbeefbeef, NULL, 0, NULL, 0, &size, NULL, NULL );
    ok( ret == SOCKET_ERROR && (WSAGetLastError() == WSAEOPNOTSUPP || broken( WSAGetLastError() == WSAEINVAL )),
        "got %d, error %d\n", ret, WSAGetLastError() );

    ret = WSAIoctl( INVALID_SOCKET, FIONREAD, NULL, 0, &value, sizeof(value), &size, NULL, NULL );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK, "got %d, error %d\n", ret, WSAGetLastError() );
    closesocket( s );
}

static void test_getsockname(void)
{
    SOCKET s = make_socket( TCP4 );
    struct sockaddr_in addr;
    int len = sizeof(addr), ret;

    ret = getsockname( s, (struct sockaddr *)&addr, &len );
    ok( ret == SOCKET_ERROR && WSAGetLastError() == WSAEINVAL, "unbound: %d, error %d\n", ret, WSAGetLastError() );
    closesocket( s );
}

/* a socket is the same in two processes: one that got it by WSADuplicateSocket, or inherited it, binds it for both */
static void test_other_process( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s = make_socket( kind ), inherited = make_socket( kind );
    struct puppet puppet;
    unsigned int port;
    int ret;

    SetHandleInformation( (HANDLE)inherited, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT );
    if (!puppet_start( &puppet, TRUE )) return;
    ret = puppet_receive( &puppet, 0, s );
    ok( !ret, "%s: WSASocket from a duplicate failed, error %d\n", name, ret );
    puppet_adopt( &puppet, 1, inherited, kind );

    ret = puppet_bind( &puppet, 0, 0 );
    ok( !ret, "%s: bind in the other process failed, error %d\n", name, ret );
    port = puppet_local_port( &puppet, 0 );
    ok( port && port == local_port( s ), "%s: port %u there, %u here\n", name, port, local_port( s ) );
    ret = puppet_bind( &puppet, 1, 0 );
    ok( !ret, "%s: bind of an inherited socket failed, error %d\n", name, ret );
    port = puppet_local_port( &puppet, 1 );
    ok( port && port == local_port( inherited ), "%s: port %u there, %u here\n", name, port, local_port( inherited ) );
    puppet_stop( &puppet );
    closesocket( inherited );
    closesocket( s );
}

START_TEST(plain)
{
    WSADATA data;
    int kind;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        if (socket_kinds[kind].type == SOCK_STREAM) test_tcp( kind );
        else test_udp( kind );
        test_bind_errors( kind );
        test_other_process( kind );
    }
    test_reuse();
    test_other_ioctls();
    test_getsockname();
}
