/*
 * A process that closes listeners, for the test of what keeps them open
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
#include <stdlib.h>

#include "wine/test.h"

#define LISTENERS 30

/* closing: print "ready" when that many sockets listen on ports of a reservation. For a line of the standard input close them one after the other,
 * connect to each of their ports right after that, and print how many connections were made. */
START_TEST(closing)
{
    struct { USHORT port, count; } range = { 0, LISTENERS };
    struct { USHORT port, count; ULONG pad; ULONG64 token; } instance = { 0 };
    SOCKET owner, client, s[LISTENERS];
    unsigned int i, connected = 0;
    struct sockaddr_in addr = { 0 };
    WSADATA data;
    DWORD size;
    char line[16];
    int ret;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    owner = socket( AF_INET, SOCK_STREAM, 0 );
    ret = WSAIoctl( owner, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL );
    ok( !ret, "acquire failed: %d\n", WSAGetLastError() );
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    for (i = 0; i < LISTENERS; i++)
    {
        s[i] = socket( AF_INET, SOCK_STREAM, 0 );
        ret = WSAIoctl( s[i], SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL );
        ok( !ret, "associate failed: %d\n", WSAGetLastError() );
        addr.sin_port = htons( ntohs( instance.port ) + i );
        ret = bind( s[i], (struct sockaddr *)&addr, sizeof(addr) );
        ok( !ret, "bind failed: %d\n", WSAGetLastError() );
        ret = listen( s[i], 1 );
        ok( !ret, "listen failed: %d\n", WSAGetLastError() );
    }
    printf( "ready\n" );
    fflush( stdout );
    if (!fgets( line, sizeof(line), stdin )) return;
    for (i = 0; i < LISTENERS; i++)
    {
        closesocket( s[i] );
        client = socket( AF_INET, SOCK_STREAM, 0 );
        addr.sin_port = htons( ntohs( instance.port ) + i );
        if (!connect( client, (struct sockaddr *)&addr, sizeof(addr) )) connected++;
        closesocket( client );
    }
    printf( "connected %u\n", connected );
    fflush( stdout );
}
