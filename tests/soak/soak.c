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

/* soak.exe NAME NUMBER SECONDS [THREADS SLOT]: acquire, associate, bind, listen, release and close at random, and tell the other workers
 * by the section NAME which ports this process holds. What no two may have at once is checked at once; tests/soak/observe.pl looks from outside.
 * Prints "VIOLATION: ..." for what must never be; "FAILED AT FROM TO: CALL: error N", with the milliseconds since 1970 between which it
 * was, for what may fail only while something is out of order, which observe.pl knows; and at the end how often what was done.
 *
 * Each thread is a worker by itself. With a SLOT, which no other process has meanwhile, they also create and delete persistent
 * reservations in places of that slot, and print "STORE create udp 14000 4" before they ask for that, and "STORED create udp 14000 4 0",
 * with the error, after. */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNERS 4
#define BOUND  12

/* explicit blocks come from here, so that workers ask for the same ports */
#define CONTENDED_FIRST 21000
#define CONTENDED_COUNT 200

/* one persistent reservation of each protocol is here, and one where the kernel chooses ports by itself */
#define STORED_FIRST    14000
#define STORED_SECOND   40000
#define STORED_COUNT    4
#define MAX_THREADS     4

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
    int          persistent;  /* the socket is none */
    unsigned int first, count;
    ULONG64      token;
};

struct bound
{
    SOCKET       s;
    int          udp;
    unsigned int port;
};

struct worker
{
    struct owner owners[OWNERS];
    struct bound bound[BOUND];
    LONG         number;  /* not 0 */
    int          slot;    /* -1: makes no persistent reservations */
    DWORD        end;
    unsigned int granted, refused, binds, full, unreachable;
};

typedef ULONG (WINAPI *create_function)( USHORT first, USHORT count, ULONG64 *token );
typedef ULONG (WINAPI *delete_function)( USHORT first, USHORT count );

static struct table *table;
static create_function create_persistent[2], lookup_persistent[2];
static delete_function delete_persistent[2];
static volatile LONG violations;

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

static void violation( const char *format, ... )
{
    char text[256];
    va_list args;

    va_start( args, format );
    vsnprintf( text, sizeof(text), format, args );
    va_end( args );
    printf( "VIOLATION: %s\n", text );
    fflush( stdout );
    InterlockedIncrement( &violations );
}

static const char *protocol_name( int udp )
{
    return udp ? "UDP" : "TCP";
}

static void take( const struct worker *worker, volatile LONG *entry, const char *what, int udp, unsigned int port )
{
    LONG old = InterlockedExchange( entry, worker->number );

    if (!old || !is_alive( old )) return;  /* a worker that was killed could not clear its entries */
    violation( "%s port %u is %s by worker %ld and by %ld", protocol_name( udp ), port, what, old, worker->number );
}

static void give( const struct worker *worker, volatile LONG *entry )
{
    InterlockedCompareExchange( entry, 0, worker->number );
}

static void take_block( const struct worker *worker, const struct owner *owner )
{
    unsigned int port;

    for (port = owner->first; port < owner->first + owner->count; port++)
        take( worker, &table->owners[owner->udp][port], "reserved", owner->udp, port );
}

static void give_block( const struct worker *worker, const struct owner *owner )
{
    unsigned int port;

    for (port = owner->first; port < owner->first + owner->count; port++) give( worker, &table->owners[owner->udp][port] );
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

    if (time > LONGEST_CALL) violation( "%s lasted %u ms, error %d", what, (unsigned int)time, error );
}

static void unexpected( struct worker *worker, const char *what, ULONGLONG start, int error )
{
    if (error == WSAENETDOWN)
    {
        worker->unreachable++;  /* the server was killed more often than a call tries, or did not answer */
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

static void acquire( struct worker *worker, struct owner *owner )
{
    INET_PORT_RANGE range;
    struct instance instance;
    ULONGLONG start;
    int error;

    owner->persistent = 0;
    owner->udp = rand() % 2;
    owner->s = make_socket( owner->udp );
    range.StartPort = rand() % 3 ? 0 : htons( CONTENDED_FIRST + rand() % CONTENDED_COUNT );
    /* some large ones, so that the guards need many descriptors */
    range.NumberOfPorts = rand() % (worker->slot == -1 ? 16 : 64) ? 1 + rand() % 8 : 100 + rand() % 200;
    error = request( "acquire", owner->s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &start );
    if (error)
    {
        if (range.StartPort && error == WSAEADDRINUSE) worker->refused++;
        else unexpected( worker, "acquire", start, error );
        closesocket( owner->s );
        owner->s = 0;
        return;
    }
    worker->granted++;
    owner->first = ntohs( instance.range.StartPort );
    owner->count = instance.range.NumberOfPorts;
    owner->token = instance.token;
    take_block( worker, owner );
}

/* a change of what is kept, as observe.pl wants to know of it; returns the error */
static ULONG change_stored( const char *change, struct owner *owner, ULONGLONG *start )
{
    char block[64];
    ULONG error;

    sprintf( block, "%s %s %u %u", change, owner->udp ? "udp" : "tcp", owner->first, owner->count );
    printf( "STORE %s\n", block );
    fflush( stdout );
    *start = milliseconds();
    if (*change == 'c') error = create_persistent[owner->udp]( htons( owner->first ), owner->count, &owner->token );
    else error = delete_persistent[owner->udp]( htons( owner->first ), owner->count );
    printf( "STORED %s %lu\n", block, error );
    fflush( stdout );
    check_time( change, *start, error );
    return error;
}

static void set_place( const struct worker *worker, struct owner *owner, int udp, int second )
{
    memset( owner, 0, sizeof(*owner) );
    owner->udp = udp;
    owner->first = (second ? STORED_SECOND : STORED_FIRST) + worker->slot * STORED_COUNT;
    owner->count = STORED_COUNT;
}

/* at one of the places of this worker; another one in the same slot may have made it before, and was killed */
static void create( struct worker *worker, struct owner *owner )
{
    struct owner new_owner;
    ULONGLONG start;
    ULONG error;
    int i;

    set_place( worker, &new_owner, rand() % 2, rand() % 2 );
    for (i = 0; i < OWNERS; i++)
    {
        const struct owner *other = &worker->owners[i];

        if (other->persistent && other->udp == new_owner.udp && other->first == new_owner.first) return;
    }
    if ((error = change_stored( "create", &new_owner, &start )) == ERROR_SHARING_VIOLATION)
        error = lookup_persistent[new_owner.udp]( htons( new_owner.first ), new_owner.count, &new_owner.token );
    if (error == ERROR_NOT_FOUND) worker->refused++;  /* somebody has one of its ports */
    else if (error) unexpected( worker, "create", start, error );
    if (error) return;
    *owner = new_owner;
    owner->persistent = 1;
    worker->granted++;
    take_block( worker, owner );
}

static void lookup( struct worker *worker, const struct owner *owner )
{
    ULONGLONG start = milliseconds();
    ULONG64 token = 0;
    ULONG error = lookup_persistent[owner->udp]( htons( owner->first ), owner->count, &token );

    check_time( "lookup", start, error );
    if (error == ERROR_NOT_FOUND || (!error && token != owner->token))
        violation( "the persistent reservation %s %u is %s", protocol_name( owner->udp ), owner->first, error ? "lost" : "another one" );
    else if (error) unexpected( worker, "lookup", start, error );
}

static void end_persistent( struct worker *worker, struct owner *owner )
{
    ULONGLONG start;
    ULONG error;

    give_block( worker, owner );
    if (!(error = change_stored( "delete", owner, &start ))) owner->persistent = 0;
    else if (error == ERROR_NOT_FOUND)
    {
        violation( "the persistent reservation %s %u is lost", protocol_name( owner->udp ), owner->first );
        owner->persistent = 0;
    }
    else
    {
        unexpected( worker, "delete", start, error );
        take_block( worker, owner );
    }
}

static void end_owner( struct worker *worker, struct owner *owner )
{
    ULONGLONG start;
    int error;

    give_block( worker, owner );
    if (rand() % 2)
    {
        error = request( "release", owner->s, SIO_RELEASE_PORT_RESERVATION, &owner->token, sizeof(owner->token), NULL, 0, &start );
        /* a release that the server did just before it was killed is not known to the next one */
        if (error && error != WSAEINVAL) unexpected( worker, "release", start, error );
    }
    closesocket( owner->s );
    owner->s = 0;
}

static void bind_from( struct worker *worker, struct bound *b, const struct owner *owner )
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
        unexpected( worker, "associate", start, error );
        goto failed;
    }
    if (rand() % 2) addr.sin6_port = htons( owner->first + rand() % owner->count );
    start = milliseconds();
    error = bind( b->s, (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
    check_time( "bind", start, error );
    if (!error && getsockname( b->s, (struct sockaddr *)&addr, &len )) error = WSAGetLastError();
    if (error)
    {
        if (error == WSAENOBUFS || error == WSAEADDRINUSE) worker->full++;
        else unexpected( worker, "bind", start, error );
        goto failed;
    }
    worker->binds++;
    b->port = ntohs( addr.sin6_port );
    if (b->port < owner->first || b->port >= owner->first + owner->count)
        violation( "bound to %u, not of %u-%u", b->port, owner->first, owner->first + owner->count - 1 );
    take( worker, &table->holders[b->udp][b->port], "bound", b->udp, b->port );
    start = milliseconds();
    if (!b->udp && listen( b->s, 1 )) unexpected( worker, "listen", start, WSAGetLastError() );
    return;

failed:
    closesocket( b->s );
    b->s = 0;
}

static void close_bound( const struct worker *worker, struct bound *b )
{
    give( worker, &table->holders[b->udp][b->port] );
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
            violation( "bind to port 0 gave %s %u, which worker %ld has reserved", protocol_name( udp ), ntohs( addr.sin6_port ), owner );
    }
    closesocket( s );
}

/* what workers that were killed left in this slot, too */
static void clean_up( struct worker *worker )
{
    struct owner place;
    ULONGLONG start;
    ULONG error;
    int i;

    for (i = 0; i < BOUND; i++) if (worker->bound[i].s) close_bound( worker, &worker->bound[i] );
    for (i = 0; i < OWNERS; i++)
    {
        if (worker->owners[i].persistent) end_persistent( worker, &worker->owners[i] );
        else if (worker->owners[i].s) end_owner( worker, &worker->owners[i] );
    }
    for (i = 0; worker->slot != -1 && i < 4; i++)
    {
        set_place( worker, &place, i / 2, i % 2 );
        error = change_stored( "delete", &place, &start );
        /* the place may be a runtime reservation's, which is not to be deleted */
        if (error && error != ERROR_NOT_FOUND && error != ERROR_ACCESS_DENIED) unexpected( worker, "delete", start, error );
    }
}

static DWORD WINAPI run_worker( void *arg )
{
    struct worker *worker = arg;

    if (!open_worker( worker->number, TRUE )) return 1;
    srand( worker->number * 7919 );
    while ((LONG)(worker->end - GetTickCount()) > 0)
    {
        struct owner *owner = &worker->owners[rand() % OWNERS];
        struct bound *b = &worker->bound[rand() % BOUND];
        int is_free = !owner->s && !owner->persistent;

        switch (rand() % 8)
        {
        case 0:
            if (is_free || rand() % 2) break;
            if (owner->persistent) end_persistent( worker, owner );
            else end_owner( worker, owner );
            break;
        case 1:
        case 2:
            if (is_free && worker->slot != -1 && !(rand() % 4)) create( worker, owner );
            else if (is_free) acquire( worker, owner );
            else if (owner->persistent) lookup( worker, owner );
            break;
        case 3:
            bind_plain();
            break;
        case 4:
            if (b->s) close_bound( worker, b );
            break;
        default:
            if (!is_free && !b->s) bind_from( worker, b, owner );
            break;
        }
        Sleep( rand() % 8 );
    }
    clean_up( worker );
    printf( "%u blocks granted, %u refused, %u binds, %u found no port, %u calls without an answer\n",
            worker->granted, worker->refused, worker->binds, worker->full, worker->unreachable );
    return 0;
}

static void *load( HMODULE module, const char *format, int udp )
{
    char name[64];

    sprintf( name, format, udp ? "Udp" : "Tcp" );
    return GetProcAddress( module, name );
}

static BOOL load_persistent(void)
{
    HMODULE iphlpapi = LoadLibraryA( "iphlpapi.dll" );
    int i;

    for (i = 0; i < 2; i++)
    {
        create_persistent[i] = load( iphlpapi, "CreatePersistent%sPortReservation", i );
        delete_persistent[i] = load( iphlpapi, "DeletePersistent%sPortReservation", i );
        lookup_persistent[i] = load( iphlpapi, "LookupPersistent%sPortReservation", i );
        if (!create_persistent[i] || !delete_persistent[i] || !lookup_persistent[i]) return FALSE;
    }
    return TRUE;
}

int main( int argc, char *argv[] )
{
    static struct worker workers[MAX_THREADS];
    HANDLE threads[MAX_THREADS];
    HANDLE section;
    WSADATA data;
    int i, count = argc > 4 ? atoi( argv[4] ) : 1;

    if ((argc != 4 && argc != 6) || count < 1 || count > MAX_THREADS)
    {
        fprintf( stderr, "Usage: soak NAME NUMBER SECONDS [THREADS SLOT]; tools/soak runs it\n" );
        return 2;
    }
    section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*table), argv[1] );
    if (!section || !(table = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 ))) return 1;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    if (argc == 6 && !load_persistent()) return 1;

    for (i = 0; i < count; i++)
    {
        workers[i].number = atoi( argv[2] ) * MAX_THREADS + i;
        workers[i].slot = argc == 6 ? atoi( argv[5] ) * MAX_THREADS + i : -1;
        workers[i].end = GetTickCount() + atoi( argv[3] ) * 1000;
        if (!(threads[i] = CreateThread( NULL, 0, run_worker, &workers[i], 0, NULL ))) return 1;
    }
    WaitForMultipleObjects( count, threads, TRUE, INFINITE );
    return violations != 0;
}
