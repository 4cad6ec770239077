/*
 * A worker of the soak test
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* soak.exe NAME NUMBER SECONDS: acquire, associate, bind, listen, release and close at random, and tell the other workers by the section
 * NAME which ports this process holds. What no two may have at once is checked at once; tests/soak/observe.pl looks from outside.
 * Prints "VIOLATION: ..." for what must never be; "FAILED AT FROM TO: CALL: error N", with the milliseconds since 1970 between which it
 * was, for what may fail only while something is out of order, which observe.pl knows; and at the end how often what was done. */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNERS 4
#define BOUND  12

/* explicit blocks come from here, so that workers ask for the same ports */
#define CONTENDED_FIRST 21000
#define CONTENDED_COUNT 200

/* Milliseconds a call may last. The contract has 5 seconds for a server that can't be reached; the rest is for a busy machine. */
#define LONGEST_CALL 10000

/* the structures of SPEC.md section 1, whose fields have no names in C99 */
struct instance
{
    INET_PORT_RANGE range;
    ULONG64         token;
};

struct table
{
    volatile LONG owners[2][65536];    /* worker that has a reservation of the port */
    volatile LONG holders[2][65536];   /* worker that has a socket bound to it */
};

struct owner
{
    SOCKET       s;
    int          udp;
    unsigned int first, count;
    ULONG64      token;
};

struct bound
{
    SOCKET       s;
    int          udp;
    unsigned int port;
};

static struct table *table;
static struct owner owners[OWNERS];
static struct bound bound[BOUND];
static LONG me;  /* number of this worker, not 0 */
static unsigned int granted, refused, binds, full, unreachable, violations;

/* Each worker has an object of its name that ends with it, however it ends. Its process id would be another's before long. */
static HANDLE open_worker( LONG number, BOOL create )
{
    char name[64];

    sprintf( name, "wine-portres-soak-%ld", number );
    return create ? CreateEventA( NULL, TRUE, FALSE, name ) : OpenEventA( SYNCHRONIZE, FALSE, name );
}

static BOOL is_alive( LONG number )
{
    HANDLE worker = open_worker( number, FALSE );

    if (!worker) return FALSE;
    CloseHandle( worker );
    return TRUE;
}

static void take( volatile LONG *entry, const char *what, int udp, unsigned int port )
{
    LONG old = InterlockedExchange( entry, me );

    if (!old || !is_alive( old )) return;  /* a worker that was killed could not clear its entries */
    printf( "VIOLATION: %s port %u is %s by worker %ld and by %ld\n", udp ? "UDP" : "TCP", port, what, old, me );
    fflush( stdout );
    violations++;
}

static void give( volatile LONG *entry )
{
    InterlockedCompareExchange( entry, 0, me );
}

static ULONGLONG milliseconds(void)
{
    ULARGE_INTEGER now;
    FILETIME time;

    GetSystemTimeAsFileTime( &time );
    now.LowPart = time.dwLowDateTime;
    now.HighPart = time.dwHighDateTime;
    return now.QuadPart / 10000 - 11644473600000;  /* from 1601 to 1970 */
}

/* what a call that began at start gave; 0 is success */
static void check_time( const char *what, ULONGLONG start, int error )
{
    ULONGLONG time = milliseconds() - start;

    if (time <= LONGEST_CALL) return;
    printf( "VIOLATION: %s lasted %u ms, error %d\n", what, (unsigned int)time, error );
    fflush( stdout );
    violations++;
}

static void unexpected( const char *what, ULONGLONG start, int error )
{
    if (error == WSAENETDOWN)
    {
        unreachable++;  /* the server was killed more often than a call tries, or did not answer */
        return;
    }
    printf( "FAILED AT %.0f %.0f: %s: error %d\n", (double)start, (double)milliseconds(), what, error );
    fflush( stdout );
}

/* WSAIoctl with the time it takes looked at; returns the error, 0 for success */
static int request( const char *what, SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, ULONGLONG *start )
{
    DWORD size;
    int error = 0;

    *start = milliseconds();
    if (WSAIoctl( s, code, in, in_size, out, out_size, &size, NULL, NULL )) error = WSAGetLastError();
    check_time( what, *start, error );
    return error;
}

static SOCKET make_socket( int udp )
{
    BOOL off = FALSE;
    SOCKET s = socket( AF_INET6, udp ? SOCK_DGRAM : SOCK_STREAM, 0 );

    setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&off, sizeof(off) );
    return s;
}

static void acquire( struct owner *owner )
{
    INET_PORT_RANGE range;
    struct instance instance;
    ULONGLONG start;
    unsigned int i;
    int error;

    owner->udp = rand() % 2;
    owner->s = make_socket( owner->udp );
    range.StartPort = rand() % 3 ? 0 : htons( CONTENDED_FIRST + rand() % CONTENDED_COUNT );
    /* some large ones, so that the helper needs many descriptors */
    range.NumberOfPorts = rand() % 16 ? 1 + rand() % 8 : 100 + rand() % 200;
    error = request( "acquire", owner->s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &start );
    if (error)
    {
        if (range.StartPort && error == WSAEADDRINUSE) refused++;
        else unexpected( "acquire", start, error );
        closesocket( owner->s );
        owner->s = 0;
        return;
    }
    granted++;
    owner->first = ntohs( instance.range.StartPort );
    owner->count = instance.range.NumberOfPorts;
    owner->token = instance.token;
    for (i = 0; i < owner->count; i++) take( &table->owners[owner->udp][owner->first + i], "reserved", owner->udp, owner->first + i );
}

static void end_owner( struct owner *owner )
{
    ULONGLONG start;
    unsigned int i;
    int error;

    for (i = 0; i < owner->count; i++) give( &table->owners[owner->udp][owner->first + i] );
    if (rand() % 2)
    {
        error = request( "release", owner->s, SIO_RELEASE_PORT_RESERVATION, &owner->token, sizeof(owner->token), NULL, 0, &start );
        /* a release that the server did just before it was killed is not known to the next one */
        if (error && error != WSAEINVAL) unexpected( "release", start, error );
    }
    closesocket( owner->s );
    owner->s = 0;
}

static void bind_from( struct bound *b, const struct owner *owner )
{
    struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
    int len = sizeof(addr), error;
    ULONG64 token = owner->token;
    ULONGLONG start;

    b->udp = owner->udp;
    b->s = make_socket( b->udp );
    error = request( "associate", b->s, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(token), NULL, 0, &start );
    if (error)
    {
        unexpected( "associate", start, error );
        goto failed;
    }
    if (rand() % 2) addr.sin6_port = htons( owner->first + rand() % owner->count );
    start = milliseconds();
    error = bind( b->s, (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
    check_time( "bind", start, error );
    if (!error && getsockname( b->s, (struct sockaddr *)&addr, &len )) error = WSAGetLastError();
    if (error)
    {
        if (error == WSAENOBUFS || error == WSAEADDRINUSE) full++;
        else unexpected( "bind", start, error );
        goto failed;
    }
    binds++;
    b->port = ntohs( addr.sin6_port );
    if (b->port < owner->first || b->port >= owner->first + owner->count)
    {
        printf( "VIOLATION: bound to %u, not of %u-%u\n", b->port, owner->first, owner->first + owner->count - 1 );
        violations++;
    }
    take( &table->holders[b->udp][b->port], "bound", b->udp, b->port );
    start = milliseconds();
    if (!b->udp && listen( b->s, 1 )) unexpected( "listen", start, WSAGetLastError() );
    return;

failed:
    closesocket( b->s );
    b->s = 0;
}

static void close_bound( struct bound *b )
{
    give( &table->holders[b->udp][b->port] );
    closesocket( b->s );
    b->s = 0;
}

/* a socket without a reservation never gets a reserved port */
static void bind_plain(void)
{
    struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
    int len = sizeof(addr), udp = rand() % 2;
    SOCKET s = make_socket( udp );
    ULONGLONG start = milliseconds();
    LONG owner;
    int ret;

    ret = bind( s, (struct sockaddr *)&addr, sizeof(addr) );
    check_time( "a plain bind", start, ret ? WSAGetLastError() : 0 );
    if (!ret && !getsockname( s, (struct sockaddr *)&addr, &len ))
    {
        owner = table->owners[udp][ntohs( addr.sin6_port )];
        if (owner && is_alive( owner ))
        {
            printf( "VIOLATION: bind to port 0 gave %u, which worker %ld has reserved\n", ntohs( addr.sin6_port ), owner );
            violations++;
        }
    }
    closesocket( s );
}

int main( int argc, char *argv[] )
{
    HANDLE section;
    WSADATA data;
    DWORD end, i;

    if (argc != 4)
    {
        fprintf( stderr, "Usage: soak NAME NUMBER SECONDS; tools/soak runs it\n" );
        return 2;
    }
    section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*table), argv[1] );
    if (!section || !(table = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 ))) return 1;
    me = atoi( argv[2] );
    if (!open_worker( me, TRUE )) return 1;
    srand( me * 7919 );
    WSAStartup( MAKEWORD( 2, 2 ), &data );

    for (end = GetTickCount() + atoi( argv[3] ) * 1000; (LONG)(end - GetTickCount()) > 0; )
    {
        struct owner *owner = &owners[rand() % OWNERS];
        struct bound *b = &bound[rand() % BOUND];

        switch (rand() % 8)
        {
        case 0:
            if (owner->s && rand() % 2) end_owner( owner );
            break;
        case 1:
        case 2:
            if (!owner->s) acquire( owner );
            break;
        case 3:
            bind_plain();
            break;
        case 4:
            if (b->s) close_bound( b );
            break;
        default:
            if (owner->s && !b->s) bind_from( b, owner );
            break;
        }
        Sleep( rand() % 8 );
    }
    for (i = 0; i < BOUND; i++) if (bound[i].s) close_bound( &bound[i] );
    for (i = 0; i < OWNERS; i++) if (owners[i].s) end_owner( &owners[i] );
    printf( "%u blocks granted, %u refused, %u binds, %u found no port, %u calls without an answer\n",
            granted, refused, binds, full, unreachable );
    return violations != 0;
}
