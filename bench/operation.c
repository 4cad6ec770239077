/*
 * What is measured: operations that are carried out over and over
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
#include <string.h>

#include "child.h"
#include "operation.h"

struct instance
{
    INET_PORT_RANGE range;
    ULONG64         token;
};

/* the six functions of iphlpapi.dll, which Wine has not */
static ULONG (WINAPI *create_block[2])( USHORT start, USHORT count, ULONG64 *token );
static ULONG (WINAPI *delete_block[2])( USHORT start, USHORT count );
static ULONG (WINAPI *lookup_block[2])( USHORT start, USHORT count, ULONG64 *token );

/* of the operation that goes on */
static const struct operation *current;
static unsigned int number;           /* what stands behind its name */
static struct instance block;
static SOCKET owner, listener;
static struct sockaddr_in listener_addr;
static struct child other, next;     /* next: holds what is more than one process may have */
static USHORT *blocks;                /* persistent blocks, host order */
static unsigned int block_count;

struct operation
{
    const char  *name;
    int          type;
    unsigned int number;  /* when none is given */
    int        (*begin)(void);
    void       (*run)(void);
    void       (*end)(void);
    void       (*after)(void);  /* what follows each run, and is not part of it; may be NULL */
};

static void check( int ret, const char *what )
{
    if (ret) fail( what, WSAGetLastError() );
}

static SOCKET make_socket( int type )
{
    SOCKET s = socket( AF_INET, type, 0 );

    if (s == INVALID_SOCKET) fail( "socket", WSAGetLastError() );
    return s;
}

static int try_acquire( SOCKET s, unsigned int first, unsigned int count, struct instance *instance )
{
    INET_PORT_RANGE range = { htons( first ), count };
    DWORD size;

    return WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), instance, sizeof(*instance), &size, NULL, NULL );
}

static void acquire( SOCKET s, unsigned int count, struct instance *instance )
{
    check( try_acquire( s, 0, count, instance ), "acquire" );
}

static void release( SOCKET s, const struct instance *instance )
{
    DWORD size;

    check( WSAIoctl( s, SIO_RELEASE_PORT_RESERVATION, (void *)&instance->token, sizeof(instance->token), NULL, 0, &size, NULL, NULL ),
           "release" );
}

static void associate( SOCKET s, const struct instance *instance )
{
    DWORD size;

    check( WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, (void *)&instance->token, sizeof(instance->token), NULL, 0, &size, NULL, NULL ),
           "associate" );
}

static void bind_any( SOCKET s )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };

    check( bind( s, (struct sockaddr *)&addr, sizeof(addr) ), "bind" );
}

/* a socket of ours to acquire on; 0 where there are no reservations */
static int begin_owner(void)
{
    owner = make_socket( current->type );
    if (!try_acquire( owner, 0, 64, &block )) return 1;
    if (WSAGetLastError() != WSAEOPNOTSUPP) fail( "acquire", WSAGetLastError() );
    closesocket( owner );
    return 0;
}

static int begin_acquire(void)
{
    if (!begin_owner()) return 0;
    /* it could lie in the way of a large one */
    if (number > 1000) release( owner, &block );
    return 1;
}

static void end_owner(void)
{
    closesocket( owner );
}

static int begin_nothing(void)
{
    return 1;
}

static void end_nothing(void)
{
}

static void run_plain(void)
{
    SOCKET s = make_socket( current->type );

    bind_any( s );
    closesocket( s );
}

static int begin_beside(void)
{
    if (!begin_owner()) return 0;
    end_owner();
    child_start( &other, "hold associated" );
    return 1;
}

static void end_other(void)
{
    child_end( &other );
}

static int begin_connect(void)
{
    int size = sizeof(listener_addr);

    listener = make_socket( SOCK_STREAM );
    memset( &listener_addr, 0, sizeof(listener_addr) );
    listener_addr.sin_family = AF_INET;
    listener_addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    check( bind( listener, (struct sockaddr *)&listener_addr, size ), "bind" );
    check( listen( listener, 5 ), "listen" );
    check( getsockname( listener, (struct sockaddr *)&listener_addr, &size ), "getsockname" );
    return 1;
}

/* all in one thread: the system takes a connection before it is accepted */
static void run_connect(void)
{
    SOCKET s = make_socket( SOCK_STREAM ), peer;
    char byte = 0;

    check( connect( s, (struct sockaddr *)&listener_addr, sizeof(listener_addr) ), "connect" );
    if ((peer = accept( listener, NULL, NULL )) == INVALID_SOCKET) fail( "accept", WSAGetLastError() );
    check( send( s, &byte, 1, 0 ) != 1, "send" );
    check( recv( peer, &byte, 1, 0 ) != 1, "recv" );
    check( send( peer, &byte, 1, 0 ) != 1, "send" );
    check( recv( s, &byte, 1, 0 ) != 1, "recv" );
    closesocket( s );
    closesocket( peer );
}

static void end_connect(void)
{
    closesocket( listener );
}

static void run_reserved(void)
{
    SOCKET s = make_socket( current->type );

    associate( s, &block );
    bind_any( s );
    closesocket( s );
}

/* which of the functions is for this type */
static int is_udp(void)
{
    return current->type == SOCK_DGRAM;
}

static int find_functions(void)
{
    static HMODULE iphlpapi;

    if (!iphlpapi) iphlpapi = LoadLibraryA( "iphlpapi.dll" );
    create_block[0] = (void *)GetProcAddress( iphlpapi, "CreatePersistentTcpPortReservation" );
    create_block[1] = (void *)GetProcAddress( iphlpapi, "CreatePersistentUdpPortReservation" );
    delete_block[0] = (void *)GetProcAddress( iphlpapi, "DeletePersistentTcpPortReservation" );
    delete_block[1] = (void *)GetProcAddress( iphlpapi, "DeletePersistentUdpPortReservation" );
    lookup_block[0] = (void *)GetProcAddress( iphlpapi, "LookupPersistentTcpPortReservation" );
    lookup_block[1] = (void *)GetProcAddress( iphlpapi, "LookupPersistentUdpPortReservation" );
    return create_block[0] && create_block[1] && delete_block[0] && delete_block[1] && lookup_block[0] && lookup_block[1];
}

/* persistent blocks of so many ports; what somebody uses is left out */
static int create_blocks( unsigned int count, unsigned int ports )
{
    unsigned int first;
    ULONG64 token;
    ULONG error;

    if (!find_functions()) return 0;
    if (!(blocks = malloc( count * sizeof(*blocks) ))) fail( "malloc", 0 );
    block_count = 0;
    for (first = 20000; block_count < count; first += ports)
    {
        if (first + ports > 65536) fail( "finding free ports", 0 );
        if ((error = create_block[is_udp()]( htons( first ), ports, &token )) == ERROR_SHARING_VIOLATION) continue;
        if (error) fail( "creating a persistent reservation", error );
        blocks[block_count++] = first;
    }
    block.token = token;
    block.range.NumberOfPorts = ports;
    return 1;
}

static int begin_persistent(void)
{
    return create_blocks( 1, 64 );
}

static void delete_blocks(void)
{
    ULONG error;

    while (block_count)
        if ((error = delete_block[is_udp()]( htons( blocks[--block_count] ), block.range.NumberOfPorts )))
            fail( "deleting a persistent reservation", error );
    free( blocks );
}

static int begin_lookup(void)
{
    return create_blocks( number, 1 );
}

static void run_lookup(void)
{
    static unsigned int next;
    ULONG64 token;
    ULONG error;

    if ((error = lookup_block[is_udp()]( htons( blocks[next++ % block_count] ), 1, &token ))) fail( "lookup", error );
}

static void run_acquire(void)
{
    acquire( owner, number, &block );
    release( owner, &block );
}

static void run_own_socket(void)
{
    SOCKET s = make_socket( current->type );

    acquire( s, 1, &block );
    closesocket( s );
}

static int begin_among( const char *what )
{
    char arguments[40];

    if (!begin_owner()) return 0;
    snprintf( arguments, sizeof(arguments), "hold %s:%u", what, number );
    child_start( &other, arguments );
    return 1;
}

static int begin_among_reservations(void)
{
    return begin_among( "reservations" );
}

static int begin_among_sockets(void)
{
    return begin_among( "sockets" );
}

static void run_acquire_one(void)
{
    acquire( owner, 1, &block );
    release( owner, &block );
}

static void end_among(void)
{
    end_owner();
    child_end( &other );
}

/* a process of our own, until it has started Winsock */
static void run_process(void)
{
    child_start( &other, "started" );
}

/* there is no such block: the server sees so at once */
static void run_ask(void)
{
    ULONG64 token;
    ULONG error = lookup_block[is_udp()]( htons( 1 ), 1, &token );

    if (error != ERROR_NOT_FOUND) fail( "lookup of no block", error );
}

/* beside another process that acquires and releases a large block over and over */
static int begin_beside_large(void)
{
    char arguments[40];

    if (!find_functions() || !begin_acquire()) return 0;
    snprintf( arguments, sizeof(arguments), "hold acquiring:%u", number );
    child_start( &other, arguments );
    return 1;
}

static const struct operation operations[] =
{
    { "plain-tcp",      SOCK_STREAM, 0,     begin_nothing,            run_plain,       end_nothing,   NULL },
    { "plain-udp",      SOCK_DGRAM,  0,     begin_nothing,            run_plain,       end_nothing,   NULL },
    { "beside-tcp",     SOCK_STREAM, 0,     begin_beside,             run_plain,       end_other,     NULL },
    { "beside-udp",     SOCK_DGRAM,  0,     begin_beside,             run_plain,       end_other,     NULL },
    { "connect",        SOCK_STREAM, 0,     begin_connect,            run_connect,     end_connect,   NULL },
    { "reserved-tcp",   SOCK_STREAM, 0,     begin_owner,              run_reserved,    end_owner,     NULL },
    { "reserved-udp",   SOCK_DGRAM,  0,     begin_owner,              run_reserved,    end_owner,     NULL },
    { "persistent-tcp", SOCK_STREAM, 0,     begin_persistent,         run_reserved,    delete_blocks, NULL },
    { "persistent-udp", SOCK_DGRAM,  0,     begin_persistent,         run_reserved,    delete_blocks, NULL },
    { "acquire-tcp",    SOCK_STREAM, 1,     begin_acquire,            run_acquire,     end_owner,     NULL },
    { "acquire-udp",    SOCK_DGRAM,  1,     begin_acquire,            run_acquire,     end_owner,     NULL },
    { "own-tcp",        SOCK_STREAM, 0,     begin_owner,              run_own_socket,  end_owner,     NULL },
    { "own-udp",        SOCK_DGRAM,  0,     begin_owner,              run_own_socket,  end_owner,     NULL },
    { "lookup-tcp",     SOCK_STREAM, 1,     begin_lookup,             run_lookup,      delete_blocks, NULL },
    { "lookup-udp",     SOCK_DGRAM,  1,     begin_lookup,             run_lookup,      delete_blocks, NULL },
    { "among-tcp",      SOCK_STREAM, 0,     begin_among_reservations, run_acquire_one, end_among,     NULL },
    { "sockets-tcp",    SOCK_STREAM, 0,     begin_among_sockets,      run_reserved,    end_among,     NULL },
    { "answer-lookup",  SOCK_STREAM, 16384, begin_beside_large,       run_ask,         end_among,     NULL },
    { "answer-acquire", SOCK_STREAM, 16384, begin_beside_large,       run_acquire_one, end_among,     NULL },
    { "process",        SOCK_STREAM, 0,     begin_nothing,            run_process,     end_nothing,   end_other },
};

int operation_begin( const char *name )
{
    unsigned int i, length = strcspn( name, ":" );

    for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
    {
        current = &operations[i];
        if (strlen( current->name ) != length || strncmp( current->name, name, length )) continue;
        number = name[length] ? strtoul( name + length + 1, NULL, 10 ) : current->number;
        return current->begin();
    }
    fprintf( stderr, "bench: there is no operation '%s'\n", name );
    exit( 2 );
}

void operation_run(void)
{
    current->run();
}

void operation_after(void)
{
    if (current->after) current->after();
}

void operation_end(void)
{
    current->end();
}

/* what one process may have, and a few less */
#define MOST_RESERVATIONS 4000

/* So many reservations of one port each, wherever they fit from the one with this number on; the ports are counted through both protocols. */
static void hold_reservations( unsigned int count, unsigned int from )
{
    SOCKET owners[2] = { make_socket( SOCK_STREAM ), make_socket( SOCK_DGRAM ) };
    struct instance instance;
    char arguments[60];

    if (count > MOST_RESERVATIONS)
    {
        snprintf( arguments, sizeof(arguments), "hold reservations:%u:%u", count - MOST_RESERVATIONS, from + MOST_RESERVATIONS );
        child_start( &next, arguments );
        count = MOST_RESERVATIONS;
    }
    for (; count; from++)
    {
        unsigned int type = from / (65536 - 1024), port = 1024 + from % (65536 - 1024);

        if (type > 1) fail( "finding free ports", 0 );
        if (!try_acquire( owners[type], port, 1, &instance )) count--;
        else if (WSAGetLastError() != WSAEADDRINUSE) check( SOCKET_ERROR, "acquire" );
    }
}

static void hold_sockets( unsigned int count )
{
    SOCKET holder = make_socket( SOCK_STREAM ), s;
    struct instance instance;

    if (count) acquire( holder, count, &instance );
    while (count--)
    {
        s = make_socket( SOCK_STREAM );
        associate( s, &instance );
        bind_any( s );
    }
}

static DWORD WINAPI acquire_always( void *arg )
{
    const unsigned int *count = arg;
    SOCKET s = make_socket( SOCK_STREAM );
    struct instance instance;

    for (;;)
    {
        /* a port of somebody else may lie in the middle */
        if (!try_acquire( s, 0, *count, &instance )) release( s, &instance );
        else if (WSAGetLastError() != WSAENOBUFS) check( SOCKET_ERROR, "acquire" );
    }
    return 0;
}

static void hold_acquiring( unsigned int count )
{
    static unsigned int ports;

    ports = count;
    CloseHandle( CreateThread( NULL, 0, acquire_always, &ports, 0, NULL ) );
}

static void hold_associated(void)
{
    SOCKET holder = make_socket( SOCK_STREAM ), s = make_socket( SOCK_STREAM );
    struct instance instance;

    acquire( holder, 1, &instance );
    associate( s, &instance );
}

void hold( const char *name )
{
    const char *given = strchr( name, ':' );
    unsigned int count = given ? strtoul( given + 1, NULL, 10 ) : 0;

    if (!strcmp( name, "associated" )) hold_associated();
    else if (!strncmp( name, "reservations:", 13 )) hold_reservations( count, (given = strchr( given + 1, ':' )) ? strtoul( given + 1, NULL, 10 ) : 0 );
    else if (!strncmp( name, "sockets:", 8 )) hold_sockets( count );
    else if (!strncmp( name, "acquiring:", 10 )) hold_acquiring( count );
    else fail( name, 0 );
}

void let_go(void)
{
    if (next.process) child_end( &next );
}
