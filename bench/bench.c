/*
 * What reservations cost
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Times are medians of many calls, in microseconds, each beside the same call by Wine's own ws2_32 in the same run: machines differ, and
 * are noisy, so it is the ratio that counts. Where reservations are part of Wine there is no other ws2_32, and each is beside a socket
 * that is bound without one. "bench plain" only measures the latter, also on a Wine without reservations.
 * "bench stall SECONDS" tells how long calls of wineserver wait while persistent reservations are made and deleted. */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 2000

struct instance
{
    INET_PORT_RANGE range;
    ULONG64         token;
};

static int (WSAAPI *wine_bind)( SOCKET s, const struct sockaddr *addr, int len );
static double samples[ROUNDS];
static LARGE_INTEGER frequency;

static double now(void)
{
    LARGE_INTEGER counter;

    QueryPerformanceCounter( &counter );
    return counter.QuadPart * 1e6 / frequency.QuadPart;
}

static int compare( const void *a, const void *b )
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static double median( unsigned int count )
{
    qsort( samples, count, sizeof(*samples), compare );
    return samples[count / 2];
}

static void check( int ret, const char *what )
{
    if (!ret) return;
    fprintf( stderr, "bench: %s failed, error %d\n", what, WSAGetLastError() );
    exit( 1 );
}

static void acquire( SOCKET s, unsigned int count, struct instance *instance )
{
    INET_PORT_RANGE range = { 0, count };
    DWORD size;

    check( WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), instance, sizeof(*instance), &size, NULL, NULL ),
           "acquire" );
}

static void release( SOCKET s, const struct instance *instance )
{
    DWORD size;

    check( WSAIoctl( s, SIO_RELEASE_PORT_RESERVATION, (void *)&instance->token, sizeof(instance->token), NULL, 0, &size, NULL, NULL ),
           "release" );
}

/* bind to a port that the system picks, by one of the two, by turns with the other: a busy moment strikes both */
static void bench_plain( int type, double *wine, double *ours )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    static double mine[ROUNDS];
    unsigned int i;

    for (i = 0; i < 2 * ROUNDS; i++)
    {
        SOCKET s = socket( AF_INET, type, 0 );
        double start = now();

        check( (i % 2 ? bind : wine_bind)( s, (struct sockaddr *)&addr, sizeof(addr) ), "bind" );
        (i % 2 ? mine : samples)[i / 2] = now() - start;
        closesocket( s );
    }
    *wine = median( ROUNDS );
    memcpy( samples, mine, sizeof(samples) );
    *ours = median( ROUNDS );
}

static void print_plain( const char *what )
{
    double wine, ours;

    bench_plain( SOCK_STREAM, &wine, &ours );
    printf( "bind, TCP, %-42s %7.1f us, Wine's own %7.1f us, ratio %.2f\n", what, ours, wine, ours / wine );
    bench_plain( SOCK_DGRAM, &wine, &ours );
    printf( "bind, UDP, %-42s %7.1f us, Wine's own %7.1f us, ratio %.2f\n", what, ours, wine, ours / wine );
}

static void bench_reserved( int type, const char *name )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    SOCKET owner = socket( AF_INET, type, 0 ), s;
    struct instance instance;
    double start, associated;
    unsigned int i;
    DWORD size;

    acquire( owner, 64, &instance );
    for (i = 0, associated = 0; i < ROUNDS; i++)
    {
        s = socket( AF_INET, type, 0 );
        start = now();
        check( WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL ),
               "associate" );
        associated += now() - start;
        start = now();
        check( bind( s, (struct sockaddr *)&addr, sizeof(addr) ), "bind" );
        samples[i] = now() - start;
        closesocket( s );
    }
    printf( "associate, %s %52.1f us (mean)\n", name, associated / ROUNDS );
    printf( "bind from the block, %s %42.1f us\n", name, median( ROUNDS ) );
    release( owner, &instance );
    closesocket( owner );
}

static void bench_acquire( int type, const char *name, unsigned int count, unsigned int rounds )
{
    SOCKET s = socket( AF_INET, type, 0 );
    struct instance instance;
    double start, released = 0;
    unsigned int i;

    for (i = 0; i < rounds; i++)
    {
        start = now();
        acquire( s, count, &instance );
        samples[i] = now() - start;
        start = now();
        release( s, &instance );
        released += now() - start;
    }
    printf( "acquire %5u ports, %s %43.1f us, release %.1f us (mean)\n", count, name, median( rounds ), released / rounds );
    closesocket( s );
}

/* one socket from its beginning to its end, bound to a port of the block when there is one */
static double bind_one( int type, const struct instance *instance )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    double start = now();
    SOCKET s = socket( AF_INET, type, 0 );
    DWORD size;

    if (instance)
        check( WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, (void *)&instance->token, sizeof(instance->token), NULL, 0, &size, NULL,
                         NULL ), "associate" );
    check( bind( s, (struct sockaddr *)&addr, sizeof(addr) ), "bind" );
    closesocket( s );
    return now() - start;
}

static double acquire_one( SOCKET s, unsigned int count )
{
    struct instance instance;
    double start = now();

    acquire( s, count, &instance );
    release( s, &instance );
    return now() - start;
}

static double bench_plain_sockets( int type )
{
    unsigned int i;

    for (i = 0; i < ROUNDS; i++) samples[i] = bind_one( type, NULL );
    return median( ROUNDS );
}

/* by turns with a plain socket, as above */
static void bench_part_of_wine( int type, const char *name )
{
    SOCKET owner = socket( AF_INET, type, 0 ), s = socket( AF_INET, type, 0 );
    static double reserved[ROUNDS], acquired[ROUNDS];
    struct instance instance;
    double plain, ours, start;
    unsigned int i, j;

    acquire( owner, 64, &instance );
    for (i = 0; i < ROUNDS; i++)
    {
        samples[i] = bind_one( type, NULL );
        reserved[i] = bind_one( type, &instance );
        acquired[i] = acquire_one( s, 1 );
    }
    plain = median( ROUNDS );
    printf( "socket, bind, closesocket, %s %36.1f us\n", name, plain );
    memcpy( samples, reserved, sizeof(samples) );
    ours = median( ROUNDS );
    printf( "the same with associate, from a block, %s %24.1f us, ratio %.2f\n", name, ours, ours / plain );
    memcpy( samples, acquired, sizeof(samples) );
    ours = median( ROUNDS );
    printf( "acquire and release 1 port, %s %35.1f us, ratio %.2f\n", name, ours, ours / plain );
    for (i = 0; i < 20; i++)
    {
        reserved[i] = acquire_one( s, 1000 );
        start = now();
        for (j = 0; j < 1000; j++) bind_one( type, NULL );
        samples[i] = now() - start;
    }
    plain = median( 20 );
    memcpy( samples, reserved, 20 * sizeof(*samples) );
    ours = median( 20 );
    printf( "acquire and release 1000 ports, %s %31.1f us, 1000 sockets %.1f us, ratio %.2f\n", name, ours, plain, ours / plain );
    closesocket( owner );
    closesocket( s );
}

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

static void bench_stall( DWORD milliseconds, int create )
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

int main( int argc, char **argv )
{
    WCHAR path[MAX_PATH];
    struct instance instance;
    SOCKET owner, s;
    HMODULE wine;
    WSADATA data;
    DWORD size;

    QueryPerformanceFrequency( &frequency );
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    if (argc > 2 && !strcmp( argv[1], "stall" ))
    {
        bench_stall( atoi( argv[2] ) * 1000, 0 );
        bench_stall( atoi( argv[2] ) * 1000, 1 );
        return 0;
    }
    GetSystemDirectoryW( path, MAX_PATH - 20 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (!(wine = LoadLibraryW( path )) || !(wine_bind = (void *)GetProcAddress( wine, "bind" )))
    {
        if (argc > 1 && !strcmp( argv[1], "plain" ))
        {
            printf( "socket, bind, closesocket: TCP %.2f us", bench_plain_sockets( SOCK_STREAM ) );
            printf( ", UDP %.2f us\n", bench_plain_sockets( SOCK_DGRAM ) );
            return 0;
        }
        bench_part_of_wine( SOCK_STREAM, "TCP" );
        bench_part_of_wine( SOCK_DGRAM, "UDP" );
        return 0;
    }
    print_plain( "no reservation in the prefix" );
    owner = socket( AF_INET, SOCK_STREAM, 0 );
    acquire( owner, 100, &instance );
    print_plain( "100 ports reserved" );
    s = socket( AF_INET, SOCK_STREAM, 0 );
    check( WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL ),
           "associate" );
    print_plain( "and a socket associated, not bound" );
    closesocket( s );
    closesocket( owner );

    bench_reserved( SOCK_STREAM, "TCP" );
    bench_reserved( SOCK_DGRAM, "UDP" );
    bench_acquire( SOCK_STREAM, "TCP", 1, ROUNDS );
    bench_acquire( SOCK_DGRAM, "UDP", 1, ROUNDS );
    bench_acquire( SOCK_STREAM, "TCP", 100, 200 );
    bench_acquire( SOCK_DGRAM, "UDP", 100, 200 );
    bench_acquire( SOCK_STREAM, "TCP", 16384, 5 );
    bench_acquire( SOCK_DGRAM, "UDP", 16384, 5 );
    FreeLibrary( wine );
    return 0;
}
