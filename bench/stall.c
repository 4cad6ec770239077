/*
 * How long calls of wineserver wait while persistent reservations are made and deleted
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

/* a call of wineserver, over and over, and how long it took */
struct waits
{
    volatile LONG stop;
    unsigned int  calls, slow;  /* slow: more than 5 ms */
    double        longest;      /* in us */
};

static DWORD WINAPI call_server( void *arg )
{
    struct waits *waits = arg;

    while (!waits->stop)
    {
        double start = now(), time;

        CloseHandle( CreateEventA( NULL, FALSE, FALSE, NULL ) );
        time = now() - start;
        waits->calls++;
        if (time > waits->longest) waits->longest = time;
        waits->slow += time > 5000;
    }
    return 0;
}

void bench_stall( unsigned long milliseconds, int create )
{
    ULONG (WINAPI *create_block)( USHORT start, USHORT count, ULONG64 *token );
    ULONG (WINAPI *delete_block)( USHORT start, USHORT count );
    HMODULE iphlpapi = LoadLibraryA( "iphlpapi.dll" );
    struct waits waits = { 0 };
    HANDLE thread = CreateThread( NULL, 0, call_server, &waits, 0, NULL );
    DWORD start = GetTickCount();
    unsigned int count = 0;
    double longest = 0;
    ULONG64 token;

    create_block = (void *)GetProcAddress( iphlpapi, "CreatePersistentTcpPortReservation" );
    delete_block = (void *)GetProcAddress( iphlpapi, "DeletePersistentTcpPortReservation" );
    while (GetTickCount() - start < milliseconds)
    {
        double begin = now();

        if (create)
        {
            if (create_block( htons( 24000 ), 10, &token ) || delete_block( htons( 24000 ), 10 ))
            {
                fprintf( stderr, "bench: could not create and delete TCP ports 24000-24009\n" );
                exit( 1 );
            }
            count++;
            if (now() - begin > longest) longest = now() - begin;
        }
        Sleep( 20 );
    }
    waits.stop = 1;
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
    FreeLibrary( iphlpapi );
    printf( "%5u blocks made and deleted, the slowest in %.1f ms: %u calls beside, the slowest took %.1f ms, %u more than 5 ms\n",
            count, longest / 1000, waits.calls, waits.longest / 1000, waits.slow );
}
