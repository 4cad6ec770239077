/*
 * Port reservations shown by two processes
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* The first process starts a second one of the same program. The second, the owner, acquires a block of ports and binds sockets
 * from it; the first, the stranger, tries to get at these ports, kills the owner, and gets them. Each Winsock call is printed with
 * its result. The exit code is 0 only when everything went as told. */

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE   8
#define SOCKET_COUNT 3
#define WAIT_LIMIT   20000  /* in ms, for each step of the other process */
#define FREE_LIMIT   1000   /* in ms, for the block to come back */

/* INET_PORT_RESERVATION_INSTANCE, whose members C99 can't name */
struct instance
{
    INET_PORT_RANGE range;
    ULONG64         token;
};

/* what the owner tells the stranger */
struct shared
{
    DWORD stranger;  /* process that the owner doesn't outlive */
    int missing;     /* this system has no port reservations */
    struct instance block;
};

static const char *who;

static void say( const char *fmt, ... )
{
    va_list args;

    printf( "  %-8s ", who );
    va_start( args, fmt );
    vprintf( fmt, args );
    va_end( args );
    printf( "\n" );
    fflush( stdout );
}

static void headline( const char *text )
{
    printf( "\n%s\n", text );
    fflush( stdout );
}

static void __attribute__((noreturn)) fail( const char *fmt, ... )
{
    va_list args;

    printf( "\nThe demo failed: " );
    va_start( args, fmt );
    vprintf( fmt, args );
    va_end( args );
    printf( "\n" );
    fflush( stdout );
    ExitProcess( 1 );
}

static const char *error_name( int error )
{
    switch (error)
    {
    case 0:                return "done";
    case WSAEACCES:        return "refused: 10013, WSAEACCES";
    case WSAEADDRINUSE:    return "refused: 10048, WSAEADDRINUSE";
    case WSAEINVAL:        return "refused: 10022, WSAEINVAL";
    case WSAENETDOWN:      return "failed: 10050, WSAENETDOWN";
    case WSAENOBUFS:       return "failed: 10055, WSAENOBUFS";
    case WSAEOPNOTSUPP:    return "failed: 10045, WSAEOPNOTSUPP";
    default:               return "failed";
    }
}

static unsigned int first_port( const struct instance *block )
{
    return ntohs( block->range.StartPort );
}

static unsigned int last_port( const struct instance *block )
{
    return first_port( block ) + block->range.NumberOfPorts - 1;
}

static SOCKET make_socket(void)
{
    SOCKET s = socket( AF_INET, SOCK_STREAM, IPPROTO_TCP );

    if (s == INVALID_SOCKET) fail( "no socket (error %d).", WSAGetLastError() );
    return s;
}

/* port 0 for any */
static int acquire( SOCKET s, unsigned int first, unsigned int count, struct instance *block )
{
    INET_PORT_RANGE range;
    DWORD size;

    range.StartPort = htons( first );
    range.NumberOfPorts = count;
    if (!WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), block, sizeof(*block), &size, NULL, NULL )) return 0;
    return WSAGetLastError();
}

static int associate( SOCKET s, ULONG64 token )
{
    INET_PORT_RESERVATION_TOKEN input = { token };
    DWORD size;

    if (!WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &input, sizeof(input), NULL, 0, &size, NULL, NULL )) return 0;
    return WSAGetLastError();
}

static int bind_port( SOCKET s, unsigned int port )
{
    struct sockaddr_in addr;

    memset( &addr, 0, sizeof(addr) );
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    addr.sin_port = htons( port );
    return bind( s, (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
}

static unsigned int local_port( SOCKET s )
{
    struct sockaddr_in addr;
    int len = sizeof(addr);

    return getsockname( s, (struct sockaddr *)&addr, &len ) ? 0 : ntohs( addr.sin_port );
}

static void start_winsock(void)
{
    WSADATA data;

    if (WSAStartup( MAKEWORD( 2, 2 ), &data )) fail( "Winsock does not start." );
}

/* The second process. It never ends by itself, except when the first one does. */
static int owner( const char *name )
{
    SOCKET reservation, sockets[SOCKET_COUNT];
    HANDLE section, ready, stranger;
    struct shared *shared;
    char event_name[64];
    unsigned int i;
    int ret;

    who = "owner";
    sprintf( event_name, "%.40s-ready", name );
    section = OpenFileMappingA( FILE_MAP_WRITE, FALSE, name );
    ready = OpenEventA( EVENT_MODIFY_STATE, FALSE, event_name );
    if (!section || !ready || !(shared = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 )))
        fail( "the owner is started by the demo, not by hand." );
    stranger = OpenProcess( SYNCHRONIZE, FALSE, shared->stranger );
    start_winsock();

    say( "is process %lu", GetCurrentProcessId() );
    reservation = make_socket();
    ret = acquire( reservation, 0, BLOCK_SIZE, &shared->block );
    if (ret == WSAEOPNOTSUPP)
    {
        shared->missing = 1;
        SetEvent( ready );
        return 1;
    }
    say( "WSAIoctl( SIO_ACQUIRE_PORT_RESERVATION, any %u TCP ports ): %s", BLOCK_SIZE, error_name( ret ));
    if (ret) fail( "no block of ports (error %d).%s", ret, ret != WSAENETDOWN ? "" :
                   " The reservation server does not answer; 'wine-portres status' tells more." );
    say( "    the block is %u to %u, its token %08lx%08lx", first_port( &shared->block ), last_port( &shared->block ),
         (unsigned long)(shared->block.token >> 32), (unsigned long)shared->block.token );

    for (i = 0; i < SOCKET_COUNT; i++)
    {
        sockets[i] = make_socket();
        ret = associate( sockets[i], shared->block.token );
        say( "WSAIoctl( SIO_ASSOCIATE_PORT_RESERVATION, socket %u ): %s", i + 1, error_name( ret ));
        if (ret) fail( "socket %u could not be associated with the block (error %d).", i + 1, ret );
        ret = bind_port( sockets[i], 0 );
        say( "bind( socket %u, port 0 ): %s, got port %u", i + 1, error_name( ret ), local_port( sockets[i] ));
        if (ret) fail( "socket %u could not be bound (error %d).", i + 1, ret );
        if (local_port( sockets[i] ) < first_port( &shared->block ) || local_port( sockets[i] ) > last_port( &shared->block ))
            fail( "socket %u got port %u, which is not of the block.", i + 1, local_port( sockets[i] ));
    }
    SetEvent( ready );
    WaitForSingleObject( stranger, INFINITE );
    return 0;
}

static HANDLE start_owner( const char *name )
{
    char path[MAX_PATH], command[MAX_PATH + 64];
    PROCESS_INFORMATION info;
    STARTUPINFOA startup;

    memset( &startup, 0, sizeof(startup) );
    startup.cb = sizeof(startup);
    GetModuleFileNameA( NULL, path, sizeof(path) );
    sprintf( command, "\"%s\" %s", path, name );
    if (!CreateProcessA( path, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &info ))
        fail( "a second process could not be started (error %lu).", GetLastError() );
    CloseHandle( info.hThread );
    return info.hProcess;
}

static void missing(void)
{
    printf( "\nThis system has no port reservations: WSAIoctl says 10045, WSAEOPNOTSUPP.\n\n"
            "In a Wine prefix, install them with\n\n"
            "    WINEPREFIX=... wine-portres install\n\n"
            "(tools/wine-portres in the source tree; tools/quickstart builds, installs and runs this demo).\n" );
    fflush( stdout );
    ExitProcess( 2 );
}

int main( int argc, char **argv )
{
    char name[40], event_name[64];
    HANDLE section, handles[2];
    DWORD start, time, code = 1;
    struct shared *shared;
    struct instance block;
    unsigned int port;
    SOCKET s;
    int ret;

    if (argc > 1 && !strncmp( argv[1], "portres-demo-", 13 )) return owner( argv[1] );
    if (argc > 1)
    {
        fprintf( stderr, "Usage: demo\nShow port reservations by two processes.\n" );
        return 2;
    }

    who = "stranger";
    sprintf( name, "portres-demo-%lx", GetCurrentProcessId() );
    sprintf( event_name, "%s-ready", name );
    section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*shared), name );
    handles[0] = CreateEventA( NULL, TRUE, FALSE, event_name );
    if (!section || !handles[0] || !(shared = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 )))
        fail( "no shared memory (error %lu).", GetLastError() );
    shared->stranger = GetCurrentProcessId();
    start_winsock();

    printf( "Port reservations, shown by two processes\n" );
    headline( "1. The owner acquires a block of ports, and binds three sockets from it" );
    handles[1] = start_owner( name );
    ret = WaitForMultipleObjects( 2, handles, FALSE, WAIT_LIMIT );
    if (shared->missing) missing();
    if (ret == WAIT_OBJECT_0 + 1)
    {
        GetExitCodeProcess( handles[1], &code );
        if (code == 1) return 1;   /* it said why */
        fail( "the owner crashed (exit code %#lx).", code );
    }
    if (ret != WAIT_OBJECT_0) fail( "the owner did not get ready within %u s.", WAIT_LIMIT / 1000 );
    block = shared->block;
    port = last_port( &block );

    headline( "2. A stranger can't have them" );
    say( "is process %lu", GetCurrentProcessId() );
    s = make_socket();
    ret = bind_port( s, port );
    say( "bind( port %u, which no socket uses yet ): %s", port, error_name( ret ));
    if (ret != WSAEACCES) fail( "a bind to a reserved port gave error %d, not 10013.", ret );
    ret = associate( s, block.token );
    say( "WSAIoctl( SIO_ASSOCIATE_PORT_RESERVATION, the owner's token ): %s", error_name( ret ));
    if (ret != WSAEACCES) fail( "associating with another process's block gave error %d, not 10013.", ret );
    ret = acquire( s, first_port( &block ), BLOCK_SIZE, &shared->block );
    say( "WSAIoctl( SIO_ACQUIRE_PORT_RESERVATION, %u to %u ): %s", first_port( &block ), port, error_name( ret ));
    if (ret != WSAEADDRINUSE) fail( "acquiring another process's block gave error %d, not 10048.", ret );
    ret = bind_port( s, 0 );
    say( "bind( port 0 ): %s, got port %u, outside the block", error_name( ret ), local_port( s ));
    if (ret) fail( "an ordinary bind gave error %d.", ret );
    if (local_port( s ) >= first_port( &block ) && local_port( s ) <= port)
        fail( "an ordinary bind got port %u of the owner's block.", local_port( s ));
    closesocket( s );

    headline( "3. The owner is killed, and its block is free again" );
    s = make_socket();
    start = GetTickCount();
    say( "TerminateProcess( the owner ): %s", TerminateProcess( handles[1], 3 ) ? "done" : "failed" );
    while ((ret = acquire( s, first_port( &block ), BLOCK_SIZE, &shared->block )) == WSAEADDRINUSE)
    {
        if (GetTickCount() - start > FREE_LIMIT) break;
        Sleep( 1 );
    }
    time = GetTickCount() - start;
    say( "WSAIoctl( SIO_ACQUIRE_PORT_RESERVATION, %u to %u ): %s, %lu ms after the kill", first_port( &block ), port,
         error_name( ret ), time );
    if (ret) fail( "the block of a killed process is not free after %lu ms (error %d).", time, ret );
    ret = associate( make_socket(), shared->block.token );
    if (ret) fail( "the new block is of no use (error %d).", ret );

    printf( "\nEach step gave the result that it should.\n" );
    return 0;
}
