/*
 * What the tests of port reservations share
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
#include "port_test.h"

const struct socket_kind socket_kinds[KIND_COUNT] =
{
    { "TCP over IPv4",       AF_INET,  SOCK_STREAM, IPPROTO_TCP, 0 },
    { "TCP over IPv6",       AF_INET6, SOCK_STREAM, IPPROTO_TCP, 0 },
    { "TCP over both",       AF_INET6, SOCK_STREAM, IPPROTO_TCP, 1 },
    { "UDP over IPv4",       AF_INET,  SOCK_DGRAM,  IPPROTO_UDP, 0 },
    { "UDP over IPv6",       AF_INET6, SOCK_DGRAM,  IPPROTO_UDP, 0 },
    { "UDP over both",       AF_INET6, SOCK_DGRAM,  IPPROTO_UDP, 1 },
};

BOOL start_test(void)
{
    struct instance inst;
    WSADATA data;
    SOCKET s;
    int ret;

    ret = WSAStartup( MAKEWORD( 2, 2 ), &data );
    ok( !ret, "WSAStartup failed, error %d\n", ret );
    if (ret) return FALSE;

    s = make_socket( TCP4 );
    ret = acquire( s, 0, 1, &inst );
    closesocket( s );
    if (ret == WSAEOPNOTSUPP)
    {
        win_skip( "this system has no port reservations\n" );
        return FALSE;
    }
    ok( !ret, "could not acquire any port, error %d\n", ret );
    return !ret;
}

BOOL have_ipv6(void)
{
    static int have = -1;

    if (have == -1)
    {
        SOCKET s = socket( AF_INET6, SOCK_STREAM, IPPROTO_TCP );

        have = s != INVALID_SOCKET && !bind_loopback( s, 0 );
        if (s != INVALID_SOCKET) closesocket( s );
        if (!have) skip( "this machine has no IPv6\n" );
    }
    return have;
}

SOCKET make_socket( int kind )
{
    const struct socket_kind *k = &socket_kinds[kind];
    DWORD only = !k->dual;
    SOCKET s;

    s = socket( k->family, k->type, k->protocol );
    ok( s != INVALID_SOCKET, "no socket for %s, error %d\n", k->name, WSAGetLastError() );
    if (k->family == AF_INET6)
    {
        int ret = setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&only, sizeof(only) );
        ok( !ret, "IPV6_V6ONLY for %s, error %d\n", k->name, WSAGetLastError() );
    }
    return s;
}

int acquire( SOCKET s, unsigned int first, unsigned int count, struct instance *inst )
{
    INET_PORT_RANGE range;
    DWORD size = 0xdeadbeef;
    int ret, err;

    range.StartPort = htons( first );
    range.NumberOfPorts = count;
    memset( inst, 0xcc, sizeof(*inst) );
    WSASetLastError( 0 );
    ret = WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), inst, sizeof(*inst), &size, NULL, NULL );
    err = ret ? WSAGetLastError() : 0;
    if (ret)
    {
        ok( ret == SOCKET_ERROR, "got %d\n", ret );
        ok( err != 0, "failed without an error\n" );
    }
    else ok( size == sizeof(*inst), "got %lu bytes\n", size );
    return err;
}

static int token_ioctl( SOCKET s, DWORD code, ULONG64 value )
{
    INET_PORT_RESERVATION_TOKEN token = { value };
    DWORD size = 0xdeadbeef;
    int ret;

    WSASetLastError( 0 );
    ret = WSAIoctl( s, code, &token, sizeof(token), NULL, 0, &size, NULL, NULL );
    if (!ret)
    {
        /* the reference says "cannot be zero", of a buffer that there is not */
        ok( !size || broken( size ), "an ioctl without an output: got %lu bytes\n", size );
        return 0;
    }
    ok( ret == SOCKET_ERROR, "got %d\n", ret );
    ok( WSAGetLastError() != 0, "failed without an error\n" );
    return WSAGetLastError();
}

int release( SOCKET s, ULONG64 token )
{
    return token_ioctl( s, SIO_RELEASE_PORT_RESERVATION, token );
}

int set_processor( SOCKET s, USHORT processor )
{
    DWORD size = 0xdeadbeef;
    int ret = WSAIoctl( s, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size, NULL, NULL );

    if (ret) return WSAGetLastError();
    ok( !size, "got %lu bytes\n", size );
    return 0;
}

int associate( SOCKET s, ULONG64 token )
{
    return token_ioctl( s, SIO_ASSOCIATE_PORT_RESERVATION, token );
}

static int socket_family( SOCKET s )
{
    WSAPROTOCOL_INFOW info;
    int len = sizeof(info);

    memset( &info, 0, sizeof(info) );
    getsockopt( s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &len );
    return info.iAddressFamily;
}

int socket_kind_of( SOCKET s )
{
    int type = 0, len = sizeof(type);

    getsockopt( s, SOL_SOCKET, SO_TYPE, (char *)&type, &len );
    if (socket_family( s ) == AF_INET6) return type == SOCK_STREAM ? TCP6 : UDP6;
    return type == SOCK_STREAM ? TCP4 : UDP4;
}

static int family_addr( int family, BOOL loopback, unsigned int port, struct sockaddr_storage *addr )
{
    memset( addr, 0, sizeof(*addr) );
    if (family == AF_INET6)
    {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons( port );
        if (loopback) in6->sin6_addr.s6_addr[15] = 1;
        return sizeof(*in6);
    }
    else
    {
        struct sockaddr_in *in = (struct sockaddr_in *)addr;

        in->sin_family = AF_INET;
        in->sin_port = htons( port );
        in->sin_addr.s_addr = htonl( loopback ? INADDR_LOOPBACK : INADDR_ANY );
        return sizeof(*in);
    }
}

int make_addr( SOCKET s, BOOL loopback, unsigned int port, struct sockaddr_storage *addr )
{
    return family_addr( socket_family( s ), loopback, port, addr );
}

static int bind_to( SOCKET s, BOOL loopback, unsigned int port )
{
    struct sockaddr_storage addr;
    int len = make_addr( s, loopback, port, &addr );

    if (!bind( s, (struct sockaddr *)&addr, len )) return 0;
    return WSAGetLastError();
}

int bind_port( SOCKET s, unsigned int port )
{
    return bind_to( s, FALSE, port );
}

int bind_loopback( SOCKET s, unsigned int port )
{
    return bind_to( s, TRUE, port );
}

int implicit_bind( SOCKET s )
{
    struct sockaddr_storage addr;
    int type = 0, size = sizeof(type), len, ret;

    getsockopt( s, SOL_SOCKET, SO_TYPE, (char *)&type, &size );
    len = make_addr( s, TRUE, 9, &addr );   /* discard: nobody listens there */
    if (type == SOCK_DGRAM) ret = sendto( s, "x", 1, 0, (struct sockaddr *)&addr, len );
    else
    {
        /* nobody waits for the answer, and Windows takes a second to believe a refusal */
        u_long on = 1;
        ioctlsocket( s, FIONBIO, &on );
        ret = connect( s, (struct sockaddr *)&addr, len );
        if (ret && (WSAGetLastError() == WSAEWOULDBLOCK || WSAGetLastError() == WSAECONNREFUSED)) ret = 0;
    }
    return ret < 0 ? WSAGetLastError() : 0;
}

unsigned int local_port( SOCKET s )
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);

    memset( &addr, 0, sizeof(addr) );
    if (getsockname( s, (struct sockaddr *)&addr, &len )) return 0;
    return ntohs( ((struct sockaddr_in *)&addr)->sin_port );   /* at the same place in sockaddr_in6 */
}

int acquire_explicit( SOCKET s, unsigned int count, struct instance *inst )
{
    unsigned int i, first;
    int ret = WSAENOBUFS;

    for (i = 0; i < 10; i++)
    {
        if ((ret = acquire( s, 0, count, inst ))) return ret;
        first = first_port( inst );
        if ((ret = release( s, inst->Token ))) return ret;
        if ((ret = acquire( s, first, count, inst )) != WSAEADDRINUSE) return ret;
    }
    return ret;
}

static const char *kind_name( SOCKET s )
{
    return socket_kinds[socket_kind_of( s )].name;
}

void must_acquire_( const char *file, int line, SOCKET s, unsigned int count, struct instance *inst )
{
    int ret = acquire( s, 0, count, inst );

    ok_( file, line, !ret, "%s: acquire failed, error %d\n", kind_name( s ), ret );
}

void must_associate_( const char *file, int line, SOCKET s, ULONG64 token )
{
    int ret = associate( s, token );

    ok_( file, line, !ret, "%s: associate failed, error %d\n", kind_name( s ), ret );
}

SOCKET associated_socket_( const char *file, int line, int kind, const struct instance *inst )
{
    SOCKET s = make_socket( kind );

    must_associate_( file, line, s, inst->Token );
    return s;
}

unsigned int find_free_block( int kind, unsigned int count )
{
    SOCKET s = make_socket( kind );
    struct instance inst;
    int ret;

    ret = acquire( s, 0, count, &inst );
    ok( !ret, "could not acquire %u ports, error %d\n", count, ret );
    if (!ret) release( s, inst.Token );
    closesocket( s );
    return ret ? 0 : first_port( &inst );
}

int acquire_soon( SOCKET s, unsigned int first, unsigned int count, struct instance *inst )
{
    DWORD start = GetTickCount();
    int ret;

    while ((ret = acquire( s, first, count, inst )) == WSAEADDRINUSE && GetTickCount() - start < GIVE_BACK_TIMEOUT)
        Sleep( 10 );
    return ret;
}

int bind_soon( SOCKET s, unsigned int port )
{
    DWORD start = GetTickCount();
    int ret;

    while ((ret = bind_port( s, port )) && GetTickCount() - start < GIVE_BACK_TIMEOUT) Sleep( 10 );
    return ret;
}

/* The second process */

enum puppet_command
{
    PUPPET_QUIT,
    PUPPET_SOCKET,
    PUPPET_ADOPT,
    PUPPET_RECEIVE,
    PUPPET_CLOSE,
    PUPPET_ACQUIRE,
    PUPPET_RELEASE,
    PUPPET_ASSOCIATE,
    PUPPET_BIND,
    PUPPET_LOCAL_PORT,
    PUPPET_SET_REUSE,
    PUPPET_SET_PROCESSOR,
};

struct puppet_shared
{
    enum puppet_command command;
    DWORD parent;
    int slot;
    int error;
    unsigned int kind, first, count, port;
    ULONG64 token, handle;
    struct instance inst;
    WSAPROTOCOL_INFOW info;
};

START_TEST(puppet)
{
    SOCKET sockets[PUPPET_SLOTS];
    struct sockaddr_storage addr;
    int families[PUPPET_SLOTS] = { 0 }, len;
    struct puppet_shared *shared;
    HANDLE handles[2], done, section;
    char **argv, name[64];
    WSADATA data;
    unsigned int i;
    BOOL quit = FALSE;
    int on = 1;

    if (winetest_get_mainargs( &argv ) < 3) return;
    for (i = 0; i < PUPPET_SLOTS; i++) sockets[i] = INVALID_SOCKET;
    sprintf( name, "%.40s-section", argv[2] );
    section = OpenFileMappingA( FILE_MAP_WRITE, FALSE, name );
    sprintf( name, "%.40s-go", argv[2] );
    handles[0] = OpenEventA( SYNCHRONIZE, FALSE, name );
    sprintf( name, "%.40s-done", argv[2] );
    done = OpenEventA( EVENT_MODIFY_STATE, FALSE, name );
    shared = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, 0 );
    ok( shared && handles[0] && done, "could not reach the parent, error %lu\n", GetLastError() );
    if (!shared) return;
    handles[1] = OpenProcess( SYNCHRONIZE, FALSE, shared->parent );
    WSAStartup( MAKEWORD( 2, 2 ), &data );

    while (!quit && !WaitForMultipleObjects( 2, handles, FALSE, INFINITE ))
    {
        SOCKET *s = &sockets[shared->slot];

        shared->error = 0;
        switch (shared->command)
        {
        case PUPPET_QUIT:
            quit = TRUE;
            break;
        case PUPPET_SOCKET:
            *s = make_socket( shared->kind );
            families[shared->slot] = socket_kinds[shared->kind].family;
            break;
        case PUPPET_ADOPT:
            *s = (SOCKET)shared->handle;
            families[shared->slot] = socket_kinds[shared->kind].family;
            break;
        case PUPPET_RECEIVE:
            *s = WSASocketW( FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &shared->info, 0, 0 );
            if (*s == INVALID_SOCKET) shared->error = WSAGetLastError();
            families[shared->slot] = shared->info.iAddressFamily;
            break;
        case PUPPET_CLOSE:
            if (closesocket( *s )) shared->error = WSAGetLastError();
            *s = INVALID_SOCKET;
            break;
        case PUPPET_ACQUIRE:
            shared->error = acquire( *s, shared->first, shared->count, &shared->inst );
            break;
        case PUPPET_RELEASE:
            shared->error = release( *s, shared->token );
            break;
        case PUPPET_ASSOCIATE:
            shared->error = associate( *s, shared->token );
            break;
        case PUPPET_BIND:
            /* Wine 8.0 tells nobody the family of a socket that was inherited */
            len = family_addr( families[shared->slot], FALSE, shared->port, &addr );
            if (bind( *s, (struct sockaddr *)&addr, len )) shared->error = WSAGetLastError();
            break;
        case PUPPET_LOCAL_PORT:
            shared->port = local_port( *s );
            break;
        case PUPPET_SET_REUSE:
            if (setsockopt( *s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on) )) shared->error = WSAGetLastError();
            break;
        case PUPPET_SET_PROCESSOR:
            shared->error = set_processor( *s, shared->count );
            break;
        }
        SetEvent( done );
    }
}

static int puppet_call( struct puppet *puppet, int slot, enum puppet_command command )
{
    HANDLE handles[2];
    DWORD ret;

    if (!puppet->process) return -1;
    handles[0] = puppet->done;
    handles[1] = puppet->process;
    puppet->shared->command = command;
    puppet->shared->slot = slot;
    SetEvent( puppet->go );
    ret = WaitForMultipleObjects( 2, handles, FALSE, 15000 );
    ok( !ret, "the other process gave no answer to command %d (%lu)\n", command, ret );
    return ret ? -1 : puppet->shared->error;
}

BOOL puppet_start( struct puppet *puppet, BOOL inherit )
{
    static unsigned int count;
    char name[32], object[64];

    sprintf( name, "portres-%lx-%u", GetCurrentProcessId(), count++ );
    sprintf( object, "%s-section", name );
    puppet->section = CreateFileMappingA( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*puppet->shared), object );
    puppet->shared = MapViewOfFile( puppet->section, FILE_MAP_WRITE, 0, 0, 0 );
    puppet->shared->parent = GetCurrentProcessId();
    sprintf( object, "%s-go", name );
    puppet->go = CreateEventA( NULL, FALSE, FALSE, object );
    sprintf( object, "%s-done", name );
    puppet->done = CreateEventA( NULL, FALSE, FALSE, object );
    puppet->process = winetest_start_child( inherit, &puppet->pid, "-puppet %s", name );
    return puppet->process != NULL;
}

static void puppet_free( struct puppet *puppet )
{
    UnmapViewOfFile( puppet->shared );
    CloseHandle( puppet->section );
    CloseHandle( puppet->go );
    CloseHandle( puppet->done );
    memset( puppet, 0, sizeof(*puppet) );
}

void puppet_stop( struct puppet *puppet )
{
    puppet_call( puppet, 0, PUPPET_QUIT );
    winetest_wait_child( puppet->process, 10000 );
    puppet_free( puppet );
}

void puppet_kill( struct puppet *puppet )
{
    DWORD ret;

    TerminateProcess( puppet->process, 1 );
    ret = WaitForSingleObject( puppet->process, 10000 );
    ok( !ret, "a terminated process still runs\n" );
    CloseHandle( puppet->process );
    puppet_free( puppet );
}

int puppet_socket( struct puppet *puppet, int slot, int kind )
{
    puppet->shared->kind = kind;
    return puppet_call( puppet, slot, PUPPET_SOCKET );
}

int puppet_adopt( struct puppet *puppet, int slot, SOCKET s, int kind )
{
    puppet->shared->kind = kind;
    puppet->shared->handle = s;
    return puppet_call( puppet, slot, PUPPET_ADOPT );
}

int puppet_receive( struct puppet *puppet, int slot, SOCKET s )
{
    int ret = WSADuplicateSocketW( s, puppet->pid, &puppet->shared->info );

    ok( !ret, "WSADuplicateSocket failed, error %d\n", WSAGetLastError() );
    return puppet_call( puppet, slot, PUPPET_RECEIVE );
}

int puppet_close( struct puppet *puppet, int slot )
{
    return puppet_call( puppet, slot, PUPPET_CLOSE );
}

int puppet_acquire( struct puppet *puppet, int slot, unsigned int first, unsigned int count, struct instance *inst )
{
    int ret;

    puppet->shared->first = first;
    puppet->shared->count = count;
    ret = puppet_call( puppet, slot, PUPPET_ACQUIRE );
    *inst = puppet->shared->inst;
    return ret;
}

int puppet_release( struct puppet *puppet, int slot, ULONG64 token )
{
    puppet->shared->token = token;
    return puppet_call( puppet, slot, PUPPET_RELEASE );
}

int puppet_associate( struct puppet *puppet, int slot, ULONG64 token )
{
    puppet->shared->token = token;
    return puppet_call( puppet, slot, PUPPET_ASSOCIATE );
}

int puppet_bind( struct puppet *puppet, int slot, unsigned int port )
{
    puppet->shared->port = port;
    return puppet_call( puppet, slot, PUPPET_BIND );
}

unsigned int puppet_local_port( struct puppet *puppet, int slot )
{
    if (puppet_call( puppet, slot, PUPPET_LOCAL_PORT )) return 0;
    return puppet->shared->port;
}

int puppet_set_reuse( struct puppet *puppet, int slot )
{
    return puppet_call( puppet, slot, PUPPET_SET_REUSE );
}

int puppet_set_processor( struct puppet *puppet, int slot, unsigned int processor )
{
    puppet->shared->count = processor;
    return puppet_call( puppet, slot, PUPPET_SET_PROCESSOR );
}
