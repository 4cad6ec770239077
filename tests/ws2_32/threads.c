/*
 * Many threads at once
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "Acquire, associate, bind and close of the same sockets from many threads: no deadlock, no lost port, also during process
 * exit." */

#include <stdlib.h>
#include <string.h>
#include "port_test.h"

#define THREADS 12

static struct instance shared_block;  /* of which all threads bind */
static volatile LONG holders[64];     /* threads that have a port of it, by its place in the block */
static volatile LONG bound, full;

/* threads of one process share a block that is smaller than their number */
static DWORD WINAPI bind_thread( void *arg )
{
    LONG me = (LONG)(INT_PTR)arg;
    unsigned int i, port;
    SOCKET s;
    LONG old;
    int ret;

    for (i = 0; i < 60; i++)
    {
        s = make_socket( i % 2 ? UDP4 : UDP_DUAL );
        ret = associate( s, shared_block.Token );
        ok( !ret, "associate failed, error %d\n", ret );
        ret = bind_port( s, 0 );
        ok( !ret || ret == WSAENOBUFS, "bind failed, error %d\n", ret );
        if (ret) InterlockedIncrement( &full );
        else
        {
            InterlockedIncrement( &bound );
            port = local_port( s );
            ok( in_block( &shared_block, port ), "got %u, not of %u-%u\n", port, first_port( &shared_block ),
                last_port( &shared_block ));
            if (in_block( &shared_block, port ))
            {
                old = InterlockedCompareExchange( &holders[port - first_port( &shared_block )], me, 0 );
                ok( !old, "threads %ld and %ld both have port %u\n", old, me, port );
                if (i % 3 == 0) Sleep( 1 );
                InterlockedCompareExchange( &holders[port - first_port( &shared_block )], 0, me );
            }
        }
        closesocket( s );
    }
    return 0;
}

static volatile LONG same_acquired, same_bound;
static SOCKET same_socket;

/* and here they share one socket: of all binds one is done */
static DWORD WINAPI same_socket_thread( void *arg )
{
    struct instance inst;
    int ret;

    (void)arg;
    ret = acquire( same_socket, 0, 1, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    InterlockedIncrement( &same_acquired );
    ret = associate( same_socket, inst.Token );
    ok( !ret || ret == WSAEINVAL, "associate: error %d\n", ret );
    ret = bind_port( same_socket, 0 );
    ok( !ret || ret == WSAEINVAL, "bind: error %d\n", ret );
    if (!ret) InterlockedIncrement( &same_bound );
    return 0;
}

/* some close while others acquire on the same handle */
static DWORD WINAPI close_thread( void *arg )
{
    Sleep( (int)(INT_PTR)arg % 3 );
    closesocket( same_socket );
    return 0;
}

static DWORD WINAPI acquire_thread( void *arg )
{
    struct instance inst;
    int ret;

    (void)arg;
    do ret = acquire( same_socket, 0, 1, &inst );
    while (!ret);
    ok( ret == WSAENOTSOCK || ret == WSAENOBUFS || broken( ret ), "acquire on a closed socket: error %d\n", ret );
    return 0;
}

/* an operation without an event, reported through the socket itself; what it uses is kept, should it be pending */
static int overlapped_ioctl( DWORD code, const void *in, DWORD in_size, struct instance *inst )
{
    OVERLAPPED *overlapped = calloc( 1, sizeof(*overlapped) );
    void *copy = malloc( in_size );
    DWORD size;

    memcpy( copy, in, in_size );
    if (!WSAIoctl( same_socket, code, copy, in_size, inst, inst ? sizeof(*inst) : 0, &size, overlapped, NULL )) return 0;
    return WSAGetLastError();
}

static volatile LONG overlapped_done;

static DWORD WINAPI overlapped_thread( void *arg )
{
    INET_PORT_RANGE range = { 0, 1 };
    INET_PORT_RESERVATION_TOKEN token;
    struct instance *inst;
    int ret;

    (void)arg;
    do
    {
        inst = calloc( 1, sizeof(*inst) );
        ret = overlapped_ioctl( SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), inst );
        if (ret) break;
        InterlockedIncrement( &overlapped_done );
        token.Token = inst->Token;
        ret = overlapped_ioctl( SIO_RELEASE_PORT_RESERVATION, &token, sizeof(token), NULL );
    }
    while (!ret);
    ok( ret == WSAENOTSOCK || ret == WSA_INVALID_HANDLE || ret == WSAEINVAL || ret == WSAENOBUFS || broken( ret ),
        "overlapped acquire or release on a closed socket: error %d\n", ret );
    return 0;
}

static void run_threads( unsigned int count, LPTHREAD_START_ROUTINE func )
{
    HANDLE threads[THREADS];
    unsigned int i;
    DWORD ret;

    for (i = 0; i < count; i++) threads[i] = CreateThread( NULL, 0, func, (void *)(INT_PTR)(i + 1), 0, NULL );
    ret = WaitForMultipleObjects( count, threads, TRUE, 30000 );
    ok( !ret, "the threads did not end (%lu)\n", ret );
    for (i = 0; i < count; i++) CloseHandle( threads[i] );
}

static volatile LONG acquired;
static HANDLE start_event;

static DWORD WINAPI crowd_thread( void *arg )
{
    SOCKET s = make_socket( TCP4 );
    struct instance inst;
    unsigned int i;
    int ret;

    (void)arg;
    WaitForSingleObject( start_event, INFINITE );
    for (i = 0; i < 3; i++)
    {
        ret = acquire( s, 0, 1, &inst );
        ok( !ret, "acquire failed, error %d\n", ret );
        if (!ret) InterlockedIncrement( &acquired );
    }
    closesocket( s );
    return 0;
}

/* more threads of one process than it may have connections to the server */
static void test_crowd(void)
{
    HANDLE threads[300];
    unsigned int i;

    start_event = CreateEventA( NULL, TRUE, FALSE, NULL );
    for (i = 0; i < 300; i++) threads[i] = CreateThread( NULL, 65536, crowd_thread, NULL, 0, NULL );
    Sleep( 300 );
    SetEvent( start_event );
    for (i = 0; i < 300; i++)
    {
        ok( !WaitForSingleObject( threads[i], 30000 ), "thread %u did not end\n", i );
        CloseHandle( threads[i] );
    }
    CloseHandle( start_event );
    ok( acquired == 900, "%ld of 900 acquires were done\n", acquired );
}

static void test_one_block(void)
{
    SOCKET owner = make_socket( UDP4 ), again[8];
    unsigned int i;
    int ret;

    ret = acquire( owner, 0, 8, &shared_block );
    ok( !ret, "acquire failed, error %d\n", ret );
    run_threads( THREADS, bind_thread );
    trace( "%ld binds, %ld found the block full\n", bound, full );
    ok( bound > 0, "no bind was ever done\n" );

    /* no port was lost */
    for (i = 0; i < 8; i++)
    {
        again[i] = make_socket( UDP4 );
        ret = associate( again[i], shared_block.Token );
        ok( !ret, "associate failed, error %d\n", ret );
        ret = bind_soon( again[i], 0 );
        ok( !ret, "port %u of 8: error %d\n", i + 1, ret );
    }
    for (i = 0; i < 8; i++) closesocket( again[i] );
    closesocket( owner );
}

static void test_one_socket(void)
{
    unsigned int i;

    for (i = 0; i < 10; i++)
    {
        same_socket = make_socket( i % 2 ? UDP4 : TCP4 );
        same_bound = 0;
        run_threads( THREADS, same_socket_thread );
        ok( same_bound == 1, "%ld of %u binds were done\n", same_bound, THREADS );
        ok( local_port( same_socket ) != 0, "the socket has no port\n" );
        closesocket( same_socket );
    }
}

static void test_close(void)
{
    HANDLE threads[4];
    unsigned int i, j;
    DWORD ret;

    for (i = 0; i < 200; i++)
    {
        same_socket = make_socket( TCP4 );
        for (j = 0; j < 3; j++) threads[j] = CreateThread( NULL, 0, j < 2 ? acquire_thread : overlapped_thread, NULL, 0, NULL );
        threads[3] = CreateThread( NULL, 0, close_thread, (void *)(INT_PTR)i, 0, NULL );
        ret = WaitForMultipleObjects( 4, threads, TRUE, 30000 );
        ok( !ret, "the threads did not end (%lu)\n", ret );
        for (j = 0; j < 4; j++) CloseHandle( threads[j] );
    }
    ok( overlapped_done > 0 || broken( TRUE ), "no overlapped acquire was ever done\n" );
}

/* A process that ends, or is killed, while its threads are at it: the next owner finds the block free. */
START_TEST(exiting)
{
    SOCKET owner;
    char **argv;
    WSADATA data;
    unsigned int i;
    int ret;

    if (winetest_get_mainargs( &argv ) < 4) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    owner = make_socket( UDP4 );
    ret = acquire( owner, atoi( argv[2] ), 8, &shared_block );
    ok( !ret, "acquire failed, error %d\n", ret );
    for (i = 0; i < 6; i++) CloseHandle( CreateThread( NULL, 0, bind_thread, (void *)(INT_PTR)(i + 1), 0, NULL ));
    Sleep( 5 + atoi( argv[3] ) * 3 );
}

static void test_exit(void)
{
    unsigned int i, port = find_free_block( UDP4, 8 );
    struct instance inst;
    SOCKET s;
    HANDLE child;
    int ret;

    for (i = 0; i < 20; i++)
    {
        child = winetest_start_child( FALSE, NULL, "-exiting %u %u", port, i % 10 );
        if (i < 10) winetest_wait_child( child, 20000 );
        else
        {
            Sleep( 50 + i * 5 );
            TerminateProcess( child, 0 );
            ret = WaitForSingleObject( child, 10000 );
            ok( !ret, "a terminated process still runs\n" );
            CloseHandle( child );
        }
        s = make_socket( UDP4 );
        ret = acquire_soon( s, port, 8, &inst );
        ok( !ret, "after the end of the process: error %d\n", ret );
        closesocket( s );
    }
}

START_TEST(threads)
{
    if (!start_test()) return;
    if (have_ipv6()) test_one_block();
    test_one_socket();
    test_close();
    test_crowd();
    test_exit();
}
