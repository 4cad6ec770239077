/*
 * A process whose sockets share a port by processor, for the test of who else gets in
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <stdlib.h>

#include "wine/test.h"

#ifndef SIO_CPU_AFFINITY
# define SIO_CPU_AFFINITY _WSAIOW( IOC_VENDOR, 21 )
#endif

static SOCKET share_socket(void)
{
    SOCKET s = socket( AF_INET6, SOCK_DGRAM, 0 );
    USHORT processor = 0;
    DWORD size, off = 0;
    int ret;

    setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&off, sizeof(off) );
    ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size, NULL, NULL );
    ok( !ret, "SIO_CPU_AFFINITY failed: %d\n", WSAGetLastError() );
    return s;
}

static unsigned int bind_socket( SOCKET s, unsigned int port )
{
    struct sockaddr_in6 addr = { 0 };
    int len = sizeof(addr);

    addr.sin6_family = AF_INET6;
    addr.sin6_port = htons( port );
    if (bind( s, (struct sockaddr *)&addr, sizeof(addr) )) return 0;
    getsockname( s, (struct sockaddr *)&addr, &len );
    return ntohs( addr.sin6_port );
}

/* share reserved|free: print the port that three sockets share. For each line of the standard input bind another 20 sockets to it one after
 * the other, close them, and print how many failed and how long it took in ms. */
START_TEST(share)
{
    struct { USHORT port, count; } range = { 0, 1 };
    struct { USHORT port, count; ULONG pad; ULONG64 token; } instance = { 0 };
    unsigned int i, port = 0, failed;
    SOCKET s[3], more[20];
    char **argv, line[16];
    DWORD size, start;
    WSADATA data;

    if (winetest_get_mainargs( &argv ) != 3) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    for (i = 0; i < 3; i++) s[i] = share_socket();
    if (!strcmp( argv[2], "reserved" ))
    {
        ok( !WSAIoctl( s[0], SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL ),
            "acquire failed: %d\n", WSAGetLastError() );
        port = ntohs( instance.port );
    }
    for (i = 0; i < 3; i++)
    {
        if (instance.token)
            WSAIoctl( s[i], SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL );
        port = bind_socket( s[i], port );
        ok( port != 0, "bind failed: %d\n", WSAGetLastError() );
    }
    printf( "port %u\n", port );
    fflush( stdout );
    while (fgets( line, sizeof(line), stdin ))
    {
        start = GetTickCount();
        for (i = failed = 0; i < 20; i++)
        {
            more[i] = share_socket();
            if (instance.token)
                WSAIoctl( more[i], SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL );
            if (bind_socket( more[i], port ) != port) failed++;
        }
        for (i = 0; i < 20; i++) closesocket( more[i] );
        printf( "failed %u, %lu ms\n", failed, GetTickCount() - start );
        fflush( stdout );
    }
    for (i = 0; i < 3; i++) closesocket( s[i] );
}
