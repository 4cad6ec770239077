/*
 * A process that holds reservations, for the tests of tools that show them
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <winsock2.h>
#include <mstcpip.h>

#include "wine/test.h"

/* the structures of SPEC.md section 1, the fields of which have other names in each version of mingw-w64 */
struct range
{
    USHORT port;    /* network order */
    USHORT count;
};

struct instance
{
    struct range range;
    ULONG64      token;
};

/* returns the first port */
static unsigned int hold( int type, unsigned int count )
{
    struct range range = { 0, count };
    struct instance instance;
    struct sockaddr_in addr = { 0 };
    SOCKET owner = socket( AF_INET, type, 0 ), s = socket( AF_INET, type, 0 );
    DWORD size;
    int ret;

    ret = WSAIoctl( owner, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL );
    ok( !ret, "acquire failed: %d\n", WSAGetLastError() );
    ret = WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL );
    ok( !ret, "associate failed: %d\n", WSAGetLastError() );
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    addr.sin_port = htons( ntohs( instance.range.port ) + 1 );
    ret = bind( s, (struct sockaddr *)&addr, sizeof(addr) );
    ok( !ret, "bind failed: %d\n", WSAGetLastError() );
    printf( "%s %u %u\n", type == SOCK_STREAM ? "tcp" : "udp", ntohs( instance.range.port ),
            ntohs( instance.range.port ) + count - 1 );
    fflush( stdout );
    return ntohs( instance.range.port );
}

static int bind_tcp( unsigned int port )
{
    struct sockaddr_in addr = { 0 };

    addr.sin_family = AF_INET;
    addr.sin_port = htons( port );
    return bind( socket( AF_INET, SOCK_STREAM, 0 ), (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
}

/* hold [N]: print "tcp FIRST LAST" and "udp FIRST LAST", the former N times, the second port of each in use, and stay until the standard input ends. Then say
 * "bind ERROR", of a socket without a reservation and the first of the TCP ports. */
START_TEST(hold)
{
    unsigned int port;
    WSADATA data;
    DWORD size;
    char buffer[16], **argv;
    int more = winetest_get_mainargs( &argv ) > 2 ? atoi( argv[2] ) - 1 : 0;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    for (; more > 0; more--) hold( SOCK_STREAM, 8 );
    port = hold( SOCK_STREAM, 8 );
    hold( SOCK_DGRAM, 3 );
    while (ReadFile( GetStdHandle( STD_INPUT_HANDLE ), buffer, sizeof(buffer), &size, NULL ) && size) {}
    printf( "bind %d\n", bind_tcp( port ) );
}

/* again tcp|udp PORT COUNT: bind to the port and close the socket, COUNT times; print how many binds failed */
START_TEST(again)
{
    struct sockaddr_in addr = { 0 };
    int type, count, failed = 0;
    WSADATA data;
    char **argv;
    SOCKET s;

    if (winetest_get_mainargs( &argv ) != 5) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    type = strcmp( argv[2], "tcp" ) ? SOCK_DGRAM : SOCK_STREAM;
    addr.sin_family = AF_INET;
    addr.sin_port = htons( atoi( argv[3] ) );
    for (count = atoi( argv[4] ); count; count--)
    {
        s = socket( AF_INET, type, 0 );
        if (bind( s, (struct sockaddr *)&addr, sizeof(addr) )) failed++;
        closesocket( s );
    }
    printf( "%d binds failed\n", failed );
}

/* take tcp|udp PORT: print what bind and acquire of that port say */
START_TEST(take)
{
    struct sockaddr_in addr = { 0 };
    struct instance instance;
    struct range range;
    WSADATA data;
    char **argv;
    DWORD size;
    int type, bind_error, acquire_error;

    if (winetest_get_mainargs( &argv ) != 4) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    type = strcmp( argv[2], "tcp" ) ? SOCK_DGRAM : SOCK_STREAM;
    addr.sin_family = AF_INET;
    addr.sin_port = htons( atoi( argv[3] ) );
    bind_error = bind( socket( AF_INET, type, 0 ), (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
    range.port = addr.sin_port;
    range.count = 1;
    acquire_error = WSAIoctl( socket( AF_INET, type, 0 ), SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range),
                              &instance, sizeof(instance), &size, NULL, NULL ) ? WSAGetLastError() : 0;
    printf( "bind %d acquire %d\n", bind_error, acquire_error );
}
