/*
 * Many processes at once
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "Two hundred processes at once, each acquiring, binding, closing in a loop: no port is ever held by two, no reservation is left
 * behind, the server's memory and handle count return to where they were."
 *
 * "many 40" runs 40 processes instead, "many 200 50" does 50 rounds in each. */

#include <stdlib.h>
#include <string.h>
#include "port_test.h"
#include <psapi.h>
#include "open_handles.h"
#include "server_process.h"

struct many_shared
{
    volatile LONG ready;              /* children that wait for the start */
    volatile LONG rounds_done;
    volatile LONG refused;            /* explicit blocks that were somebody else's */
    volatile LONG late;               /* calls that the server had no time for */
    DWORD rounds;
    unsigned int contended;           /* first port of the run */
    volatile LONG holders[2][65536];  /* who holds a reservation of the port */
    volatile LONG binders[2][65536];  /* who has a socket bound to it */
    volatile unsigned char touched[2][65536];
};

/* length of a run of ports that all children ask for by number */
#define CONTENDED_SIZE 64

/* How long it may take until nothing is left behind. That each port comes back within a second is checked elsewhere; here
 * a program outside of this test may have one for a while. */
#define LEFT_BEHIND_TIMEOUT 20000

static struct many_shared *open_shared( const char *name, BOOL create )
{
    HANDLE section;

    if (create) section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(struct many_shared), name );
    else section = OpenFileMappingA( FILE_MAP_WRITE, FALSE, name );
    return MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 );
}

/* A busy machine may not get to all of them within the five seconds that a call takes at most, nor within the three that the server has for
 * what it asks others. A shortage of something is there at once. */
static BOOL is_late( struct many_shared *shared, int error, DWORD start )
{
    if (error != WSAENETDOWN && (error != WSAENOBUFS || GetTickCount() - start < 2500)) return FALSE;
    InterlockedIncrement( &shared->late );
    return TRUE;
}

static void work( struct many_shared *shared, LONG me, unsigned int round )
{
    int udp = rand() % 2, kind = udp ? UDP4 : TCP4;
    unsigned int i, first, port, count = 1 + rand() % 6, used = 1 + rand() % count, tries;
    SOCKET owner = make_socket( kind ), sockets[6];
    struct instance inst;
    LONG old;
    DWORD time;
    int ret;

    first = round % 2 ? shared->contended + rand() % (CONTENDED_SIZE - count) : 0;
    for (tries = 0; tries < 10; tries++)
    {
        time = GetTickCount();
        ret = acquire( owner, first, count, &inst );
        if (!is_late( shared, ret, time )) break;
    }
    if (ret)
    {
        ok( ret == WSAEADDRINUSE && round % 2, "acquire failed, error %d\n", ret );
        InterlockedIncrement( &shared->refused );
        closesocket( owner );
        return;
    }
    for (i = 0; i < count; i++)
    {
        old = InterlockedCompareExchange( &shared->holders[udp][first_port( &inst ) + i], me, 0 );
        ok( !old, "port %u is reserved by process %ld and by %ld\n", first_port( &inst ) + i, old, me );
        shared->touched[udp][first_port( &inst ) + i] = 1;
    }
    for (i = 0; i < used; i++)
    {
        sockets[i] = make_socket( kind );
        ret = associate( sockets[i], inst.Token );
        ok( !ret, "associate failed, error %d\n", ret );
        for (tries = 0; tries < 10; tries++)
        {
            time = GetTickCount();
            ret = bind_port( sockets[i], 0 );
            if (!is_late( shared, ret, time )) break;
        }
        ok( !ret, "bind %u of %u failed, error %d\n", i, count, ret );
        port = local_port( sockets[i] );
        ok( in_block( &inst, port ), "got %u, not of %u-%u\n", port, first_port( &inst ), last_port( &inst ) );
        old = InterlockedCompareExchange( &shared->binders[udp][port], me, 0 );
        ok( !old, "port %u is bound by process %ld and by %ld\n", port, old, me );
    }
    for (i = 0; i < used; i++)
    {
        InterlockedExchange( &shared->binders[udp][local_port( sockets[i] )], 0 );
        closesocket( sockets[i] );
    }
    for (i = 0; i < count; i++) InterlockedExchange( &shared->holders[udp][first_port( &inst ) + i], 0 );
    if (rand() % 2)
    {
        ret = release( owner, inst.Token );
        ok( !ret, "release failed, error %d\n", ret );
    }
    closesocket( owner );
}

START_TEST(worker)
{
    struct many_shared *shared;
    char **argv, name[64];
    unsigned int i;
    HANDLE start;
    WSADATA data;

    if (winetest_get_mainargs( &argv ) < 4) return;
    shared = open_shared( argv[2], FALSE );
    sprintf( name, "%.40s-start", argv[2] );
    start = OpenEventA( SYNCHRONIZE, FALSE, name );
    ok( shared && start, "could not reach the parent, error %lu\n", GetLastError() );
    if (!shared || !start)
    {
        if (start) CloseHandle( start );
        return;
    }
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    srand( atoi( argv[3] ) * 7919 );
    InterlockedIncrement( &shared->ready );
    if (!WaitForSingleObject( start, 90000 ))
    {
        for (i = 0; i < shared->rounds; i++)
        {
            work( shared, GetCurrentProcessId(), i );
            InterlockedIncrement( &shared->rounds_done );
        }
    }
    CloseHandle( start );
}

static void server_size( HANDLE server, DWORD *handles, SIZE_T *memory )
{
    PROCESS_MEMORY_COUNTERS counters;

    *handles = count_handles( GetProcessId( server ));
    *memory = 0;
    if (GetProcessMemoryInfo( server, &counters, sizeof(counters) )) *memory = counters.PagefileUsage;
}

static void run_round( unsigned int processes, unsigned int rounds, struct many_shared *shared, HANDLE start, const char *name )
{
    HANDLE *children = malloc( processes * sizeof(*children) );
    unsigned int i;
    DWORD time;

    if (!children)
    {
        ok( 0, "out of memory\n" );
        return;
    }
    shared->rounds = rounds;
    for (i = 0; i < processes; i++) children[i] = winetest_start_child( FALSE, NULL, "-worker %s %u", name, i + 1 );
    time = GetTickCount();
    while (shared->ready < (LONG)processes && GetTickCount() - time < 60000) Sleep( 20 );
    ok( shared->ready == (LONG)processes, "only %ld of %u processes run\n", shared->ready, processes );
    time = GetTickCount();
    SetEvent( start );
    for (i = 0; i < processes; i++) winetest_wait_child( children[i], 60000 );
    trace( "%u processes did %ld rounds in %lu ms, %ld explicit blocks were taken\n", processes, shared->rounds_done,
           GetTickCount() - time, shared->refused );
    ok( shared->rounds_done == (LONG)(processes * rounds), "only %ld rounds of %u\n", shared->rounds_done, processes * rounds );
    if (shared->late) trace( "%ld calls were not served in time\n", shared->late );
    ok( shared->late <= (LONG)processes, "%ld calls were not served in time\n", shared->late );
    ok( shared->refused < shared->rounds_done, "nothing was ever granted\n" );
    free( children );
}

/* "no reservation is left behind": every port that was ever granted can be acquired by itself */
static void check_left_behind( struct many_shared *shared )
{
    unsigned int udp, port, left, touched = 0;
    DWORD start = GetTickCount();
    struct instance inst;
    SOCKET s;

    for (udp = 0; udp < 2; udp++)
    {
        s = make_socket( udp ? UDP4 : TCP4 );
        do
        {
            for (port = left = 0; port < 65536; port++)
            {
                if (!shared->touched[udp][port]) continue;
                touched++;
                if (acquire( s, port, 1, &inst )) left++;
                else
                {
                    shared->touched[udp][port] = 0;
                    release( s, inst.Token );
                }
            }
            if (left) Sleep( 100 );
        } while (left && GetTickCount() - start < LEFT_BEHIND_TIMEOUT);
        ok( !left, "%u ports of %s are still taken\n", left, udp ? "UDP" : "TCP" );
        closesocket( s );
    }
    ok( touched > 0, "no port was ever granted\n" );
}

START_TEST(many)
{
    unsigned int processes = 200, rounds = 5;
    char **argv, name[40], object[64];
    DWORD handles, before_handles = 0;
    SIZE_T memory, before_memory = 0;
    int argc = winetest_get_mainargs( &argv );
    struct many_shared *shared;
    HANDLE start, server;
    unsigned int i;

    if (!start_test()) return;
    if (argc > 2) processes = atoi( argv[2] );
    if (argc > 3) rounds = atoi( argv[3] );
    sprintf( name, "portres-many-%lx", GetCurrentProcessId() );
    shared = open_shared( name, TRUE );
    sprintf( object, "%s-start", name );
    start = CreateEventA( NULL, TRUE, FALSE, object );
    ok( shared && start, "no shared memory, error %lu\n", GetLastError() );
    if (!shared || !start)
    {
        if (start) CloseHandle( start );
        return;
    }
    shared->contended = find_free_block( TCP4, CONTENDED_SIZE );

    if ((server = open_server( PROCESS_QUERY_INFORMATION | PROCESS_VM_READ ))) server_size( server, &before_handles, &before_memory );
    run_round( processes, rounds, shared, start, name );
    CloseHandle( start );
    check_left_behind( shared );
    if (!server)
    {
        skip( "no server process to look at\n" );
        return;
    }
    /* the pages of the pool's tables come once, when they are first written; connections end in their own time */
    for (i = 0; i < 50; i++)
    {
        server_size( server, &handles, &memory );
        if (handles <= before_handles + 8) break;
        Sleep( 20 );
    }
    trace( "the server had %lu handles and %lu kB, now %lu and %lu kB\n", before_handles, (DWORD)(before_memory >> 10),
           handles, (DWORD)(memory >> 10) );
    ok( before_handles && handles, "no handles could be counted\n" );
    ok( handles <= before_handles + 8, "the server has %lu handles, before it were %lu\n", handles, before_handles );
    ok( memory <= before_memory + (4 << 20), "the server has %lu kB, before it were %lu\n", (DWORD)(memory >> 10),
        (DWORD)(before_memory >> 10) );
    CloseHandle( server );
}
