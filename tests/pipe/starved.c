/*
 * A request for which wineserver has no memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <iphlpapi.h>
#include <mstcpip.h>

#include "wine/test.h"

static volatile LONG *countdown;  /* of wineserver's allocations: the one that makes it 0 fails */

static volatile LONG *map_countdown( const char *file )
{
    HANDLE handle = CreateFileA( file, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL );
    HANDLE mapping = CreateFileMappingW( handle, NULL, PAGE_READWRITE, 0, sizeof(LONG), NULL );
    void *ret = MapViewOfFile( mapping, FILE_MAP_WRITE, 0, 0, sizeof(LONG) );

    ok( ret != NULL, "could not map %s: error %lu\n", file, GetLastError() );
    return ret;
}

static int acquire( USHORT port )
{
    struct { USHORT port, count; } range = { htons( port ), 4 };
    struct { USHORT port, count; ULONG64 token; } instance;
    SOCKET s = socket( AF_INET, SOCK_STREAM, 0 );
    DWORD size;

    return WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL ) ?
           WSAGetLastError() : 0;
}

static LONG starve( LONG count )
{
    LONG left = *countdown;

    *countdown = count;
    return left;
}

/* starved acquire|create PORT N FILE: let the Nth allocation fail that wineserver makes for a call (0: none), FILE is where it
 * counts. Print "error ERROR left LEFT then ERROR": of that call, allocations that were still to come, and of the same call with all the memory that
 * it wants, should the first one have failed. */
START_TEST(starved)
{
    ULONG64 token;
    int port, error, then;
    WSADATA data;
    char **argv;
    LONG left;

    if (winetest_get_mainargs( &argv ) != 6) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    port = atoi( argv[3] );
    countdown = map_countdown( argv[5] );
    if (!strcmp( argv[2], "acquire" ))
    {
        closesocket( socket( AF_INET, SOCK_STREAM, 0 ) );  /* what is only done once */
        starve( atoi( argv[4] ) );
        error = acquire( port );
        left = starve( 0 );
        then = error ? acquire( port ) : 0;
    }
    else
    {
        LookupPersistentUdpPortReservation( htons( port ), 4, &token );
        starve( atoi( argv[4] ) );
        error = CreatePersistentUdpPortReservation( htons( port ), 4, &token );
        left = starve( 0 );
        then = error ? (int)CreatePersistentUdpPortReservation( htons( port ), 4, &token ) : 0;
        DeletePersistentUdpPortReservation( htons( port ), 4 );
    }
    printf( "error %d left %ld then %d\n", error, left, then );
    fflush( stdout );
}
