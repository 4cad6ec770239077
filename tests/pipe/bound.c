/*
 * Processes with very many bound sockets, and others beside them, for measurements
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
#include <mstcpip.h>

#include "wine/test.h"

static void wait_for_line(void)
{
    char buffer[64];
    DWORD size;

    ReadFile( GetStdHandle( STD_INPUT_HANDLE ), buffer, sizeof(buffer), &size, NULL );
}

static SOCKET bound_socket( int type, const ULONG64 *token )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    SOCKET s = socket( AF_INET, type, 0 );
    DWORD size;
    int ret;

    ok( s != INVALID_SOCKET, "no socket: error %d\n", WSAGetLastError() );
    if (token)
    {
        ret = WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, (void *)token, sizeof(*token), NULL, 0, &size, NULL, NULL );
        ok( !ret, "associate failed: error %d\n", WSAGetLastError() );
    }
    ret = bind( s, (struct sockaddr *)&addr, sizeof(addr) );
    ok( !ret, "bind failed: error %d\n", WSAGetLastError() );
    return s;
}

/* bound plain|reserved tcp|udp COUNT: bind so many sockets, print "bound", and stay until a line is read */
START_TEST(bound)
{
    struct { USHORT port, count; } range = { 0, 0 };
    struct { USHORT port, count; ULONG64 token; } instance;
    BOOL reserved;
    WSADATA data;
    SOCKET owner, *socks;
    char **argv;
    DWORD size;
    int i, ret, type;

    if (winetest_get_mainargs( &argv ) != 5) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    reserved = !strcmp( argv[2], "reserved" );
    type = strcmp( argv[3], "tcp" ) ? SOCK_DGRAM : SOCK_STREAM;
    range.count = atoi( argv[4] );
    if (reserved)
    {
        owner = socket( AF_INET, type, 0 );
        ret = WSAIoctl( owner, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL );
        ok( !ret, "acquire failed: error %d\n", WSAGetLastError() );
    }
    if (!(socks = calloc( range.count, sizeof(*socks) ))) return;
    for (i = 0; i < range.count; i++) socks[i] = bound_socket( type, reserved ? &instance.token : NULL );
    printf( "bound\n" );
    fflush( stdout );
    wait_for_line();
    for (i = 0; i < range.count; i++) closesocket( socks[i] );
    free( socks );
}

static void make_traffic( SOCKET listener, int rounds )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    SOCKET s, accepted;
    int i, ret, len;
    char c;

    for (i = 0; i < rounds; i++)
    {
        s = bound_socket( SOCK_DGRAM, NULL );
        len = sizeof(addr);
        getsockname( s, (struct sockaddr *)&addr, &len );
        addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
        ret = sendto( s, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr) );
        ok( ret == 1, "sendto gave %d, error %d\n", ret, WSAGetLastError() );
        ret = recv( s, &c, 1, 0 );
        ok( ret == 1, "recv gave %d, error %d\n", ret, WSAGetLastError() );
        closesocket( s );
        if (i % 10) continue;
        len = sizeof(addr);
        getsockname( listener, (struct sockaddr *)&addr, &len );
        addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
        s = socket( AF_INET, SOCK_STREAM, 0 );
        ret = connect( s, (struct sockaddr *)&addr, sizeof(addr) );
        ok( !ret, "connect failed: error %d\n", WSAGetLastError() );
        accepted = accept( listener, NULL, NULL );
        closesocket( s );
        recv( accepted, &c, 1, 0 );
        closesocket( accepted );
    }
}

/* traffic ROUNDS TIMES: after each line that is read, so many sockets that are bound, send themselves a datagram, and are closed; and connections, a
 * tenth as many. Then print "done". Stay until another line is read. */
START_TEST(traffic)
{
    SOCKET listener;
    WSADATA data;
    char **argv;
    int times;

    if (winetest_get_mainargs( &argv ) != 4) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    listener = bound_socket( SOCK_STREAM, NULL );
    listen( listener, 5 );
    printf( "ready\n" );
    fflush( stdout );
    for (times = atoi( argv[3] ); times > 0; times--)
    {
        wait_for_line();
        make_traffic( listener, atoi( argv[2] ) );
        printf( "done %d\n", times );
        fflush( stdout );
    }
    wait_for_line();
}

static int compare_times( const void *a, const void *b )
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* wildcard tcp|udp COUNT ROUNDS [PAUSE]: acquire so many ports anywhere, so often, with so many milliseconds between. Print
 * "median MS worst MS error ERROR", the error of the last that failed. */
START_TEST(wildcard)
{
    struct { USHORT port, count; } range = { 0, 0 };
    struct { USHORT port, count; ULONG64 token; } instance;
    LARGE_INTEGER frequency, start, end;
    static double times[1000];
    int i, argc, type, rounds, error = 0;
    WSADATA data;
    char **argv;
    DWORD size;
    SOCKET s;

    if ((argc = winetest_get_mainargs( &argv )) < 5) return;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    QueryPerformanceFrequency( &frequency );
    type = strcmp( argv[2], "tcp" ) ? SOCK_DGRAM : SOCK_STREAM;
    range.count = atoi( argv[3] );
    rounds = min( atoi( argv[4] ), (int)ARRAY_SIZE( times ) );
    for (i = 0; i < rounds; i++)
    {
        s = socket( AF_INET, type, 0 );
        QueryPerformanceCounter( &start );
        if (WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL ))
            error = WSAGetLastError();
        QueryPerformanceCounter( &end );
        closesocket( s );
        if (argc > 5) Sleep( atoi( argv[5] ) );
        times[i] = (end.QuadPart - start.QuadPart) * 1e3 / frequency.QuadPart;
    }
    qsort( times, rounds, sizeof(times[0]), compare_times );
    if (rounds) printf( "median %.0f worst %.0f error %d\n", times[rounds / 2], times[rounds - 1], error );
    fflush( stdout );
}
