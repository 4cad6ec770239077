/*
 * The service provider interface
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 8 of the specification: "WSPIoctl is reached as on Windows: WSCGetProviderPath of the base provider, LoadLibrary,
 * WSPStartup, then lpWSPIoctl of the procedure table; same results, the error in *lpErrno." */

#include <string.h>
#include <wchar.h>
#include "port_test.h"
#include <ws2spi.h>

#define SOON 5000

static HMODULE provider_module;
static WSAPROTOCOL_INFOW tcp_info, udp_info;
static LPWSPSTARTUP startup;
static WSPPROC_TABLE table;

/* What the provider may ask of its caller. A caller without a ws2_32 of its own answers for itself. */

static int modified_handles, queued_apcs;

static SOCKET WSPAPI upcall_modify_ifs_handle( DWORD catalog_id, SOCKET s, int *error )
{
    (void)catalog_id;
    (void)error;
    modified_handles++;
    return s;
}

static int WSPAPI upcall_query_blocking_callback( DWORD catalog_id, LPBLOCKINGCALLBACK *callback, DWORD_PTR *context, int *error )
{
    (void)catalog_id;
    (void)error;
    *callback = NULL;
    *context = 0;
    return 0;
}

static int WSPAPI upcall_queue_apc( WSATHREADID *thread, LPWSAUSERAPC func, DWORD_PTR context, int *error )
{
    queued_apcs++;
    if (QueueUserAPC( (PAPCFUNC)func, thread->ThreadHandle, context )) return 0;
    *error = WSAEINVAL;
    return SOCKET_ERROR;
}

static BOOL WSPAPI upcall_post_message( HWND window, UINT message, WPARAM wparam, LPARAM lparam )
{
    (void)window;
    (void)message;
    (void)wparam;
    (void)lparam;
    return TRUE;
}

static int WSPAPI upcall_fd_is_set( SOCKET s, fd_set *set )
{
    u_int i;

    for (i = 0; i < set->fd_count; i++) if (set->fd_array[i] == s) return 1;
    return 0;
}

static int WSPAPI upcall_open_current_thread( WSATHREADID *thread, int *error )
{
    (void)error;
    thread->ThreadHandle = OpenThread( THREAD_ALL_ACCESS, FALSE, GetCurrentThreadId() );
    return 0;
}

static int WSPAPI upcall_close_thread( WSATHREADID *thread, int *error )
{
    (void)error;
    CloseHandle( thread->ThreadHandle );
    return 0;
}

static WSPUPCALLTABLE make_upcalls(void)
{
    WSPUPCALLTABLE upcalls;

    memset( &upcalls, 0, sizeof(upcalls) );
    upcalls.lpWPUModifyIFSHandle = upcall_modify_ifs_handle;
    upcalls.lpWPUQueryBlockingCallback = upcall_query_blocking_callback;
    upcalls.lpWPUQueueApc = upcall_queue_apc;
    upcalls.lpWPUPostMessage = upcall_post_message;
    upcalls.lpWPUFDIsSet = upcall_fd_is_set;
    upcalls.lpWPUOpenCurrentThread = upcall_open_current_thread;
    upcalls.lpWPUCloseThread = upcall_close_thread;
    upcalls.lpWPUGetProviderPath = WSCGetProviderPath;
    return upcalls;
}

static void test_enum_protocols(void)
{
    WSAPROTOCOL_INFOW *protocols, *wsa_protocols;
    DWORD size = 0, wsa_size;
    int i, count, wsa_count, error = 0, found_tcp = 0, found_udp = 0;

    count = WSCEnumProtocols( NULL, NULL, &size, &error );
    ok( count == SOCKET_ERROR && error == WSAENOBUFS, "no buffer: got %d, error %d\n", count, error );
    ok( size && !(size % sizeof(*protocols)), "got size %lu\n", size );
    protocols = malloc( size );
    count = WSCEnumProtocols( NULL, protocols, &size, &error );
    ok( count > 0, "got %d, error %d\n", count, error );
    for (i = 0; i < count; i++)
    {
        const WSAPROTOCOL_INFOW *info = &protocols[i];

        if (info->iAddressFamily != AF_INET || info->ProtocolChain.ChainLen != BASE_PROTOCOL) continue;
        if (info->iProtocol == IPPROTO_TCP && !found_tcp++) tcp_info = *info;
        if (info->iProtocol == IPPROTO_UDP && !found_udp++) udp_info = *info;
    }
    ok( found_tcp == 1 && found_udp == 1, "found TCP %d times, UDP %d times\n", found_tcp, found_udp );

    wsa_size = size;
    wsa_protocols = malloc( wsa_size );
    wsa_count = WSAEnumProtocolsW( NULL, wsa_protocols, &wsa_size );
    ok( wsa_count == count || broken( wsa_count > 0 && wsa_count < count ), "WSAEnumProtocols gave %d, not %d\n", wsa_count, count );
    if (wsa_count == count) ok( !memcmp( wsa_protocols, protocols, count * sizeof(*protocols) ), "WSAEnumProtocols gave others\n" );
    free( wsa_protocols );
    free( protocols );
}

static void test_provider_path(void)
{
    static const GUID none = { 0x12345678, 0x1234, 0x5678, { 1, 2, 3, 4, 5, 6, 7, 8 } };
    WCHAR path[MAX_PATH], expanded[MAX_PATH], expect[MAX_PATH];
    GUID guid;
    int len, needed, error, ret;

    len = MAX_PATH;
    error = 0xdead;
    memset( path, 0xcc, sizeof(path) );
    ret = WSCGetProviderPath( &tcp_info.ProviderId, path, &len, &error );
    ok( !ret, "got %d, error %d\n", ret, error );
    ok( error == 0xdead || broken( TRUE ), "success stored error %d\n", error );
    path[MAX_PATH - 1] = 0;
    ok( len == (int)wcslen( path ) + 1 || broken( len == (int)wcslen( path ) || len == MAX_PATH ), "got length %d of %ls\n", len, path );
    ExpandEnvironmentStringsW( path, expanded, MAX_PATH );
    GetSystemDirectoryW( expect, MAX_PATH - 16 );
    wcscat( expect, L"\\mswsock.dll" );
    ok( !wcsicmp( expanded, expect ), "got %ls, that is %ls\n", path, expanded );
    needed = wcslen( path ) + 1;
    ret = WSCGetProviderPath( &udp_info.ProviderId, path, &len, &error );
    ok( !ret && !wcsicmp( expanded, expect ), "UDP: got %d, error %d\n", ret, error );

    len = needed;
    ret = WSCGetProviderPath( &tcp_info.ProviderId, path, &len, &error );
    ok( !ret, "exact length: got %d, error %d\n", ret, error );
    len = needed - 1;
    path[0] = 'x';
    ret = WSCGetProviderPath( &tcp_info.ProviderId, path, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "short: got %d, error %d\n", ret, error );
    ok( len == needed || broken( len == needed - 1 ), "short: got length %d\n", len );
    ok( path[0] == 'x', "short: the output was touched\n" );
    len = -1;
    ret = WSCGetProviderPath( &tcp_info.ProviderId, path, &len, &error );
    /* Wine looks at that first, and calls it another error */
    ok( ret == SOCKET_ERROR && (error == WSAEFAULT || error == WSAEINVAL), "negative: got %d, error %d\n", ret, error );
    ok( path[0] == 'x', "negative: the output was touched\n" );
    guid = none;
    len = MAX_PATH;
    ret = WSCGetProviderPath( &guid, path, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAEINVAL, "unknown: got %d, error %d\n", ret, error );
    ok( path[0] == 'x' && (len == MAX_PATH || broken( TRUE )), "unknown: the output was touched, length %d\n", len );
    error = 0;
    ret = WSCGetProviderPath( NULL, path, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "no GUID: got %d, error %d\n", ret, error );
    error = 0;
    ret = WSCGetProviderPath( &tcp_info.ProviderId, path, NULL, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "no length: got %d, error %d\n", ret, error );
    error = 0;
    ret = WSCGetProviderPath( &tcp_info.ProviderId, NULL, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "no path: got %d, error %d\n", ret, error );

    provider_module = LoadLibraryW( expanded );
    ok( provider_module != NULL, "could not load %ls, error %lu\n", expanded, GetLastError() );
    ok( provider_module == GetModuleHandleW( L"mswsock" ), "%ls is not the mswsock of the process\n", expanded );
    startup = (void *)GetProcAddress( provider_module, "WSPStartup" );
    ok( startup != NULL, "no WSPStartup\n" );
}

static void test_startup(void)
{
    WSPUPCALLTABLE upcalls = make_upcalls();
    void **entries = (void **)&table;
    WSPDATA data;
    unsigned int i;
    int ret;

    memset( &data, 0xcc, sizeof(data) );
    memset( &table, 0, sizeof(table) );
    ret = startup( MAKEWORD( 1, 1 ), &data, &tcp_info, upcalls, &table );
    ok( ret == WSAVERNOTSUPPORTED, "version 1.1: got %d\n", ret );
    ok( data.wVersion == 0xcccc || broken( TRUE ), "version 1.1: got version %x\n", data.wVersion );
    ok( !table.lpWSPBind, "version 1.1: there is a table\n" );
    if (winetest_is_wine())
    {
        ret = startup( MAKEWORD( 2, 2 ), NULL, &tcp_info, upcalls, &table );
        ok( ret == WSAEFAULT, "no data: got %d\n", ret );
        ret = startup( MAKEWORD( 2, 2 ), &data, &tcp_info, upcalls, NULL );
        ok( ret == WSAEFAULT, "no table: got %d\n", ret );
    }
    memset( &table, 0, sizeof(table) );
    memset( &data, 0xcc, sizeof(data) );
    ret = startup( MAKEWORD( 2, 2 ), &data, &tcp_info, upcalls, &table );
    ok( !ret, "got %d\n", ret );
    ok( data.wVersion == MAKEWORD( 2, 2 ) && data.wHighVersion == MAKEWORD( 2, 2 ), "got versions %x and %x\n", data.wVersion,
        data.wHighVersion );
    ok( wcslen( data.szDescription ) <= WSPDESCRIPTION_LEN, "the description has no end\n" );
    for (i = 0; i < sizeof(table) / sizeof(void *); i++) ok( entries[i] != NULL, "entry %u is missing\n", i );
}

static SOCKET spi_socket( int kind )
{
    const struct socket_kind *k = &socket_kinds[kind];
    int error = 0, count = modified_handles;
    SOCKET s;

    s = table.lpWSPSocket( k->family, k->type, k->protocol, kind == UDP4 ? &udp_info : &tcp_info, 0, WSA_FLAG_OVERLAPPED, &error );
    ok( s != INVALID_SOCKET, "WSPSocket failed, error %d\n", error );
    ok( modified_handles == count + 1, "WPUModifyIFSHandle was called %d times\n", modified_handles - count );
    return s;
}

static int spi_bind( SOCKET s, unsigned int port )
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons( port ), .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) };
    int error = 0;

    return table.lpWSPBind( s, (struct sockaddr *)&addr, sizeof(addr), &error ) ? error : 0;
}

static unsigned int spi_port( SOCKET s )
{
    struct sockaddr_in addr = { 0 };
    int len = sizeof(addr), error = 0;

    return table.lpWSPGetSockName( s, (struct sockaddr *)&addr, &len, &error ) ? 0 : ntohs( addr.sin_port );
}

static int spi_ioctl( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *size )
{
    int error = 0xdead, ret;

    WSASetLastError( 0xbeef );
    ret = table.lpWSPIoctl( s, code, in, in_size, out, out_size, size, NULL, NULL, NULL, &error );
    if (!ret)
    {
        ok( error == 0xdead || broken( !error ), "success stored error %d\n", error );
        return 0;
    }
    ok( ret == SOCKET_ERROR, "got %d\n", ret );
    ok( error != 0xdead, "no error was stored\n" );
    return error;
}

static int spi_acquire( SOCKET s, unsigned int first, unsigned int count, struct instance *inst )
{
    INET_PORT_RANGE range = { htons( first ), count };
    DWORD size = 0xdeadbeef;
    int error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), inst, sizeof(*inst), &size );

    ok( size == (error ? 0 : sizeof(*inst)) || broken( TRUE ), "got %lu bytes\n", size );
    return error;
}

static int spi_token( SOCKET s, DWORD code, ULONG64 token )
{
    INET_PORT_RESERVATION_TOKEN in = { token };
    DWORD size = 0xdeadbeef;
    int error = spi_ioctl( s, code, &in, sizeof(in), NULL, 0, &size );

    ok( !size || broken( TRUE ), "got %lu bytes\n", size );
    return error;
}

/* "each control code and error rows" */
static void test_ioctl( int kind )
{
    SOCKET s = spi_socket( kind ), owner = spi_socket( kind ), other = spi_socket( kind == TCP4 ? UDP4 : TCP4 );
    INET_PORT_RANGE range = { 0, 1 };
    struct instance inst, more;
    USHORT processor = 0;
    char c = 0;
    DWORD size;
    int error;

    error = spi_acquire( owner, 0, 2, &inst );
    ok( !error && inst.Reservation.NumberOfPorts == 2 && first_port( &inst ) && inst.Token, "acquire: error %d\n", error );
    error = spi_acquire( owner, first_port( &inst ), 1, &more );
    ok( error == WSAEADDRINUSE, "reserved: error %d\n", error );
    error = spi_acquire( owner, 0, 0, &more );
    ok( error == WSAEINVAL, "no ports: error %d\n", error );
    error = spi_acquire( owner, 65535, 2, &more );
    ok( error == WSAEINVAL, "past the end: error %d\n", error );
    error = spi_acquire( INVALID_SOCKET, 0, 1, &more );
    ok( error == WSAENOTSOCK, "no socket: error %d\n", error );
    error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, 3, &more, sizeof(more), &size );
    ok( error == WSAEINVAL || broken( error == WSAEFAULT ), "short input: error %d\n", error );
    error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &more, 15, &size );
    ok( error == WSAEINVAL || broken( error == WSAEFAULT ), "short output: error %d\n", error );
    error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, NULL, sizeof(range), &more, sizeof(more), &size );
    ok( error == WSAEFAULT, "no input: error %d\n", error );
    error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), NULL, sizeof(more), &size );
    ok( error == WSAEFAULT, "no output: error %d\n", error );
    error = spi_ioctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &more, sizeof(more), NULL );
    ok( error == WSAEFAULT, "nowhere for the size: error %d\n", error );

    error = spi_token( s, SIO_ASSOCIATE_PORT_RESERVATION, ~inst.Token );
    ok( error == WSAEINVAL, "associate, unknown token: error %d\n", error );
    error = spi_token( s, SIO_ASSOCIATE_PORT_RESERVATION, 0 );
    ok( error == WSAEINVAL, "associate, token 0: error %d\n", error );
    error = spi_token( other, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( error == WSAEINVAL, "associate, other protocol: error %d\n", error );
    error = spi_token( INVALID_SOCKET, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( error == WSAENOTSOCK, "associate, no socket: error %d\n", error );
    error = spi_token( s, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( !error, "associate: error %d\n", error );
    error = spi_bind( s, 0 );
    ok( !error && in_block( &inst, spi_port( s ) ), "bind: error %d, port %u\n", error, spi_port( s ) );
    error = spi_token( s, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( error == WSAEINVAL, "associate, bound: error %d\n", error );
    table.lpWSPCloseSocket( other, &error );
    other = spi_socket( kind );
    error = spi_bind( other, last_port( &inst ) );
    ok( error == WSAEACCES, "bind of an unassociated socket: error %d\n", error );

    error = spi_token( s, SIO_RELEASE_PORT_RESERVATION, ~inst.Token );
    ok( error == WSAEINVAL, "release, unknown token: error %d\n", error );
    error = spi_token( s, SIO_RELEASE_PORT_RESERVATION, inst.Token );
    ok( !error, "release: error %d\n", error );
    error = spi_token( s, SIO_RELEASE_PORT_RESERVATION, inst.Token );
    ok( error == WSAEINVAL, "release again: error %d\n", error );

    /* section 10: "through WSAIoctl and WSPIoctl" */
    size = 0xdeadbeef;
    error = spi_ioctl( other, SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size );
    ok( error == (kind == TCP4 ? WSAEOPNOTSUPP : 0) || broken( kind == TCP4 ), "a processor: error %d\n", error );
    ok( !size || broken( size == 0xdeadbeef ), "a processor: got %lu bytes\n", size );
    error = spi_ioctl( other, SIO_CPU_AFFINITY, &processor, 1, NULL, 0, &size );
    ok( error == (kind == TCP4 ? WSAEOPNOTSUPP : WSAEINVAL) || broken( error ), "a processor, short: error %d\n", error );

    /* another control code, and one that there is not */
    error = spi_ioctl( s, FIONREAD, NULL, 0, &c, sizeof(c), &size );
    ok( error == WSAEFAULT || broken( error ), "FIONREAD, short: error %d\n", error );
    error = spi_ioctl( s, _WSAIOW( IOC_VENDOR, 9999 ), NULL, 0, NULL, 0, &size );
    ok( error == WSAEOPNOTSUPP || error == WSAEINVAL, "unknown code: error %d\n", error );

    table.lpWSPCloseSocket( s, &error );
    table.lpWSPCloseSocket( owner, &error );
    table.lpWSPCloseSocket( other, &error );
}

/* "a socket made, bound, connected, read, written and closed only through the table", from a reservation */
static void test_tcp(void)
{
    SOCKET listener = spi_socket( TCP4 ), client = spi_socket( TCP4 ), accepted;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) }, from;
    WSAPROTOCOL_INFOW dup_info;
    WSANETWORKEVENTS events;
    TIMEVAL timeout = { 5, 0 };
    struct instance inst;
    char buffer[16] = "";
    WSABUF buf = { 5, (char *)"hello" };
    OVERLAPPED overlapped;
    DWORD size, flags;
    HANDLE event;
    SOCKET dup;
    fd_set set;
    int error, ret, value, len;
    u_long pending = 0, nonblocking = 1;

    error = spi_acquire( listener, 0, 2, &inst );
    ok( !error, "acquire: error %d\n", error );
    error = spi_token( listener, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( !error, "associate: error %d\n", error );
    error = spi_token( client, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( !error, "associate: error %d\n", error );
    error = spi_bind( listener, 0 );
    ok( !error, "WSPBind: error %d\n", error );
    ok( in_block( &inst, spi_port( listener ) ), "got %u\n", spi_port( listener ) );
    error = spi_bind( listener, 0 );
    ok( error == WSAEINVAL, "WSPBind again: error %d\n", error );
    ret = table.lpWSPListen( client, 1, &error );
    ok( ret == SOCKET_ERROR && error == WSAEINVAL, "WSPListen of an unbound socket: got %d, error %d\n", ret, error );
    ret = table.lpWSPListen( listener, 1, &error );
    ok( !ret, "WSPListen: error %d\n", error );

    spi_ioctl( listener, FIONBIO, &nonblocking, sizeof(nonblocking), NULL, 0, &size );
    accepted = table.lpWSPAccept( listener, NULL, NULL, NULL, 0, &error );
    ok( accepted == INVALID_SOCKET && error == WSAEWOULDBLOCK, "WSPAccept, nobody there: got %d, error %d\n", accepted != INVALID_SOCKET, error );
    nonblocking = 0;
    spi_ioctl( listener, FIONBIO, &nonblocking, sizeof(nonblocking), NULL, 0, &size );

    /* an implicit bind */
    addr.sin_port = htons( spi_port( listener ) );
    ret = table.lpWSPConnect( client, (struct sockaddr *)&addr, 4, NULL, NULL, NULL, NULL, &error );
    /* Wine has two errors for a connect like this one */
    ok( ret == SOCKET_ERROR && (error == WSAEFAULT || error == WSAEADDRNOTAVAIL), "WSPConnect, short: got %d, error %d\n", ret, error );
    ret = table.lpWSPConnect( client, (struct sockaddr *)&addr, sizeof(addr), NULL, NULL, NULL, NULL, &error );
    ok( !ret, "WSPConnect: error %d\n", error );
    ok( in_block( &inst, spi_port( client ) ) && spi_port( client ) != spi_port( listener ), "got %u\n", spi_port( client ) );
    len = sizeof(from);
    accepted = table.lpWSPAccept( listener, (struct sockaddr *)&from, &len, NULL, 0, &error );
    ok( accepted != INVALID_SOCKET, "WSPAccept: error %d\n", error );
    ok( ntohs( from.sin_port ) == spi_port( client ), "accepted from port %u\n", ntohs( from.sin_port ) );
    len = sizeof(from);
    ret = table.lpWSPGetPeerName( client, (struct sockaddr *)&from, &len, &error );
    ok( !ret && from.sin_port == addr.sin_port, "WSPGetPeerName: got %d, error %d\n", ret, error );
    ret = table.lpWSPGetPeerName( listener, (struct sockaddr *)&from, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAENOTCONN, "WSPGetPeerName of a listener: got %d, error %d\n", ret, error );
    len = sizeof(from);
    ret = table.lpWSPGetSockName( INVALID_SOCKET, (struct sockaddr *)&from, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAENOTSOCK, "WSPGetSockName of no socket: got %d, error %d\n", ret, error );

    /* options */
    value = 1;
    ret = table.lpWSPSetSockOpt( client, IPPROTO_TCP, TCP_NODELAY, (char *)&value, sizeof(value), &error );
    ok( !ret, "WSPSetSockOpt: error %d\n", error );
    value = 0;
    len = sizeof(value);
    ret = table.lpWSPGetSockOpt( client, IPPROTO_TCP, TCP_NODELAY, (char *)&value, &len, &error );
    ok( !ret && value, "WSPGetSockOpt: got %d, %d, error %d\n", ret, value, error );
    ret = table.lpWSPGetSockOpt( client, SOL_SOCKET, 0x7777, (char *)&value, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAENOPROTOOPT, "WSPGetSockOpt of none: got %d, error %d\n", ret, error );
    ret = table.lpWSPSetSockOpt( client, SOL_SOCKET, SO_REUSEADDR, NULL, 0, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "WSPSetSockOpt of nothing: got %d, error %d\n", ret, error );

    /* data, with all that tells of it */
    event = CreateEventW( NULL, TRUE, FALSE, NULL );
    ret = table.lpWSPEventSelect( accepted, event, FD_READ, &error );
    ok( !ret, "WSPEventSelect: error %d\n", error );
    ret = table.lpWSPSend( client, &buf, 1, &size, 0, NULL, NULL, NULL, &error );
    ok( !ret && size == 5, "WSPSend: got %d, %lu bytes, error %d\n", ret, size, error );
    ok( !WaitForSingleObject( event, SOON ), "WSPEventSelect: no event\n" );
    memset( &events, 0xcc, sizeof(events) );
    ret = table.lpWSPEnumNetworkEvents( accepted, event, &events, &error );
    ok( !ret && events.lNetworkEvents == FD_READ && !events.iErrorCode[FD_READ_BIT], "WSPEnumNetworkEvents: got %d, %lx, error %d\n",
        ret, events.lNetworkEvents, error );
    FD_ZERO( &set );
    FD_SET( accepted, &set );
    ret = table.lpWSPSelect( 0, &set, NULL, NULL, &timeout, &error );
    ok( ret == 1 && set.fd_count == 1, "WSPSelect: got %d, error %d\n", ret, error );
    ret = table.lpWSPSelect( 0, NULL, NULL, NULL, &timeout, &error );
    ok( ret == SOCKET_ERROR && error == WSAEINVAL, "WSPSelect of nothing: got %d, error %d\n", ret, error );
    ret = spi_ioctl( accepted, FIONREAD, NULL, 0, &pending, sizeof(pending), &size );
    ok( !ret && pending == 5, "FIONREAD: error %d, %lu bytes\n", ret, pending );
    buf.buf = buffer;
    buf.len = 2;
    flags = 0;
    ret = table.lpWSPRecv( accepted, &buf, 1, &size, &flags, NULL, NULL, NULL, &error );
    ok( !ret && size == 2 && !memcmp( buffer, "he", 2 ), "WSPRecv: got %d, %lu bytes, error %d\n", ret, size, error );
    buf.len = sizeof(buffer);
    flags = 0;
    ret = table.lpWSPRecvFrom( accepted, &buf, 1, &size, &flags, NULL, NULL, NULL, NULL, NULL, &error );
    ok( !ret && size == 3 && !memcmp( buffer, "llo", 3 ), "WSPRecvFrom: got %d, %lu bytes, error %d\n", ret, size, error );
    flags = 0;
    ret = table.lpWSPRecv( accepted, &buf, 1, &size, &flags, NULL, NULL, NULL, &error );
    ok( ret == SOCKET_ERROR && error == WSAEWOULDBLOCK, "WSPRecv of nothing: got %d, error %d\n", ret, error );

    /* overlapped */
    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = event;
    ResetEvent( event );
    flags = 0;
    ret = table.lpWSPRecv( accepted, &buf, 1, NULL, &flags, &overlapped, NULL, NULL, &error );
    ok( ret == SOCKET_ERROR && error == WSA_IO_PENDING, "overlapped WSPRecv: got %d, error %d\n", ret, error );
    ret = table.lpWSPGetOverlappedResult( accepted, &overlapped, &size, FALSE, &flags, &error );
    ok( !ret && error == WSA_IO_INCOMPLETE, "WSPGetOverlappedResult too early: got %d, error %d\n", ret, error );
    buf.buf = (char *)"world";
    buf.len = 5;
    ret = table.lpWSPSendTo( client, &buf, 1, &size, 0, NULL, 0, NULL, NULL, NULL, &error );
    ok( !ret && size == 5, "WSPSendTo: got %d, %lu bytes, error %d\n", ret, size, error );
    ret = table.lpWSPGetOverlappedResult( accepted, &overlapped, &size, TRUE, &flags, &error );
    ok( ret && size == 5 && !memcmp( buffer, "world", 5 ), "WSPGetOverlappedResult: got %d, %lu bytes, error %d\n", ret, size, error );

    /* a second descriptor of the same socket */
    ret = table.lpWSPDuplicateSocket( client, GetCurrentProcessId(), &dup_info, &error );
    ok( !ret, "WSPDuplicateSocket: error %d\n", error );
    dup = table.lpWSPSocket( AF_INET, SOCK_STREAM, IPPROTO_TCP, &dup_info, 0, WSA_FLAG_OVERLAPPED, &error );
    ok( dup != INVALID_SOCKET, "WSPSocket of a duplicate: error %d\n", error );
    ok( spi_port( dup ) == spi_port( client ), "the duplicate has port %u\n", spi_port( dup ) );
    ret = table.lpWSPCloseSocket( dup, &error );
    ok( !ret, "WSPCloseSocket of a duplicate: error %d\n", error );

    /* the ends */
    ret = table.lpWSPRecvDisconnect( listener, NULL, &error );
    ok( ret == SOCKET_ERROR || broken( TRUE ), "WSPRecvDisconnect of a listener: got %d\n", ret );
    ret = table.lpWSPSendDisconnect( accepted, NULL, &error );
    ok( !ret, "WSPSendDisconnect: error %d\n", error );
    buf.buf = buffer;
    buf.len = sizeof(buffer);
    flags = 0;
    ret = table.lpWSPRecv( client, &buf, 1, &size, &flags, NULL, NULL, NULL, &error );
    ok( !ret && !size, "WSPRecv at the end: got %d, %lu bytes, error %d\n", ret, size, error );
    ret = table.lpWSPShutdown( client, SD_BOTH, &error );
    ok( !ret, "WSPShutdown: error %d\n", error );
    ret = table.lpWSPShutdown( listener, 17, &error );
    ok( ret == SOCKET_ERROR && (error == WSAEINVAL || error == WSAENOTCONN), "WSPShutdown, bad: got %d, error %d\n", ret, error );

    ret = table.lpWSPCloseSocket( accepted, &error );
    ok( !ret, "WSPCloseSocket: error %d\n", error );
    ret = table.lpWSPCloseSocket( accepted, &error );
    ok( ret == SOCKET_ERROR && error == WSAENOTSOCK, "WSPCloseSocket again: got %d, error %d\n", ret, error );
    table.lpWSPCloseSocket( client, &error );
    table.lpWSPCloseSocket( listener, &error );
    CloseHandle( event );
}

static void test_udp(void)
{
    SOCKET owner = spi_socket( UDP4 ), s = spi_socket( UDP4 ), receiver = spi_socket( UDP4 );
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) }, from;
    struct instance inst;
    WSABUF buf = { 3, (char *)"abc" };
    char buffer[16];
    DWORD size, flags = 0;
    int error, ret, len = sizeof(from);

    error = spi_bind( receiver, 0 );
    ok( !error, "WSPBind: error %d\n", error );
    addr.sin_port = htons( spi_port( receiver ) );
    error = spi_acquire( owner, 0, 1, &inst );
    ok( !error, "acquire: error %d\n", error );
    error = spi_token( s, SIO_ASSOCIATE_PORT_RESERVATION, inst.Token );
    ok( !error, "associate: error %d\n", error );
    ret = table.lpWSPSendTo( s, &buf, 1, &size, 0, (struct sockaddr *)&addr, sizeof(addr), NULL, NULL, NULL, &error );
    ok( !ret && size == 3, "WSPSendTo: got %d, %lu bytes, error %d\n", ret, size, error );
    ok( spi_port( s ) == first_port( &inst ), "got %u, not %u\n", spi_port( s ), first_port( &inst ) );
    buf.buf = buffer;
    buf.len = sizeof(buffer);
    ret = table.lpWSPRecvFrom( receiver, &buf, 1, &size, &flags, (struct sockaddr *)&from, &len, NULL, NULL, NULL, &error );
    ok( !ret && size == 3, "WSPRecvFrom: got %d, %lu bytes, error %d\n", ret, size, error );
    ok( ntohs( from.sin_port ) == first_port( &inst ), "from port %u\n", ntohs( from.sin_port ) );
    table.lpWSPCloseSocket( s, &error );
    table.lpWSPCloseSocket( receiver, &error );
    table.lpWSPCloseSocket( owner, &error );
}

/* the entries that touch no data */
static void test_others(void)
{
    SOCKET s = spi_socket( UDP4 );
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons( 80 ), .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) };
    WCHAR string[64];
    WSABUF name = { 4, (char *)"none" };
    DWORD size = ARRAY_SIZE( string );
    HWND window;
    QOS qos;
    int error = 0, ret, len;

    ret = table.lpWSPAddressToString( (struct sockaddr *)&addr, sizeof(addr), NULL, string, &size, &error );
    ok( !ret && !wcscmp( string, L"127.0.0.1:80" ), "WSPAddressToString: got %d, error %d\n", ret, error );
    size = 2;
    ret = table.lpWSPAddressToString( (struct sockaddr *)&addr, sizeof(addr), NULL, string, &size, &error );
    ok( ret == SOCKET_ERROR && error == WSAEFAULT, "WSPAddressToString, short: got %d, error %d\n", ret, error );
    memset( &addr, 0, sizeof(addr) );
    len = sizeof(addr);
    ret = table.lpWSPStringToAddress( (WCHAR *)L"127.0.0.2:81", AF_INET, NULL, (struct sockaddr *)&addr, &len, &error );
    ok( !ret && addr.sin_port == htons( 81 ) && addr.sin_addr.s_addr == htonl( 0x7f000002 ), "WSPStringToAddress: got %d, error %d\n",
        ret, error );
    ret = table.lpWSPStringToAddress( (WCHAR *)L"nonsense", AF_INET, NULL, (struct sockaddr *)&addr, &len, &error );
    ok( ret == SOCKET_ERROR && error == WSAEINVAL, "WSPStringToAddress, bad: got %d, error %d\n", ret, error );

    window = (HWND)(ULONG_PTR)0xdead;
    ret = table.lpWSPAsyncSelect( INVALID_SOCKET, window, 0x400, FD_READ, &error );
    ok( ret == SOCKET_ERROR && (error == WSAENOTSOCK || broken( error )), "WSPAsyncSelect: got %d, error %d\n", ret, error );
    ret = table.lpWSPAsyncSelect( s, NULL, 0, 0, &error );
    ok( !ret || broken( ret ), "WSPAsyncSelect: got %d, error %d\n", ret, error );
    error = 0;
    ret = table.lpWSPGetQOSByName( s, &name, &qos, &error );
    ok( !ret && error, "WSPGetQOSByName: got %d, error %d\n", ret, error );
    error = 0;
    table.lpWSPCancelBlockingCall( &error );   /* nothing blocks; what that gives differs */
    ret = table.lpWSPSocket( 4711, SOCK_STREAM, 0, NULL, 0, 0, &error ) != INVALID_SOCKET;
    ok( !ret && (error == WSAEAFNOSUPPORT || broken( error )), "WSPSocket, bad family: error %d\n", error );
    ret = table.lpWSPJoinLeaf( INVALID_SOCKET, (struct sockaddr *)&addr, sizeof(addr), NULL, NULL, NULL, NULL, JL_BOTH, &error )
          != INVALID_SOCKET;
    ok( !ret && (error == WSAENOTSOCK || broken( error ) || winetest_is_wine()), "WSPJoinLeaf: error %d\n", error );
    ret = table.lpWSPCloseSocket( s, &error );
    ok( !ret, "WSPCloseSocket: error %d\n", error );
}

static volatile LONG routine_calls;
static DWORD routine_thread, routine_error, routine_size;
static OVERLAPPED *routine_overlapped;

static void CALLBACK routine( DWORD error, DWORD size, OVERLAPPED *overlapped, DWORD flags )
{
    (void)flags;
    routine_thread = GetCurrentThreadId();
    routine_error = error;
    routine_size = size;
    routine_overlapped = overlapped;
    InterlockedIncrement( &routine_calls );
}

static DWORD CALLBACK alertable_proc( void *stop )
{
    while (WaitForSingleObjectEx( stop, INFINITE, TRUE ) == WAIT_IO_COMPLETION) ;
    return 0;
}

/* lpThreadId: "a WSATHREADID structure to be used by the provider in a subsequent call to WPUQueueApc" */
static void test_thread_id(void)
{
    HANDLE stop = CreateEventW( NULL, TRUE, FALSE, NULL ), thread;
    DWORD other_id, size, flags, start, ret;
    INET_PORT_RANGE range = { 0, 1 };
    struct instance inst;
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) };
    OVERLAPPED overlapped;
    WSATHREADID id;
    WSABUF buf;
    char buffer[16];
    SOCKET s = spi_socket( UDP4 );
    int i, error;

    thread = CreateThread( NULL, 0, alertable_proc, stop, 0, &other_id );
    spi_bind( s, 0 );
    addr.sin_port = htons( spi_port( s ) );
    for (i = 0; i < 8; i++)
    {
        BOOL other = i & 1;
        int op = i / 2;   /* an acquire; a send; a receive that has to wait; a failure */

        memset( &overlapped, 0, sizeof(overlapped) );
        overlapped.hEvent = (HANDLE)(ULONG_PTR)0xdeadbef0;
        memset( &id, 0, sizeof(id) );
        id.ThreadHandle = other ? thread : OpenThread( THREAD_ALL_ACCESS, FALSE, GetCurrentThreadId() );
        routine_calls = 0;
        error = 0;
        flags = 0;
        buf.buf = buffer;
        buf.len = 1;
        switch (op)
        {
        case 0:
            ret = table.lpWSPIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &inst, sizeof(inst), NULL, &overlapped,
                                    routine, &id, &error );
            size = sizeof(inst);
            break;
        case 1:
            ret = table.lpWSPSendTo( s, &buf, 1, NULL, 0, (struct sockaddr *)&addr, sizeof(addr), &overlapped, routine, &id, &error );
            size = 1;
            break;
        case 2:
            ret = table.lpWSPRecvFrom( s, &buf, 1, NULL, &flags, NULL, NULL, &overlapped, routine, &id, &error );
            size = 1;
            break;
        default:
            ret = table.lpWSPIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, 1, &inst, sizeof(inst), NULL, &overlapped, routine, &id,
                                    &error );
            size = 0;
            break;
        }
        if (op == 3)
        {
            ok( ret == (DWORD)SOCKET_ERROR && (error == WSAEINVAL || broken( error )), "%d: got %ld, error %d\n", i, ret, error );
            SleepEx( 50, TRUE );
            ok( !routine_calls || broken( TRUE ), "%d: the routine was called for an error that was returned\n", i );
        }
        else
        {
            ok( !ret || (ret == (DWORD)SOCKET_ERROR && error == WSA_IO_PENDING), "%d: got %ld, error %d\n", i, ret, error );
            start = GetTickCount();
            while (!routine_calls && GetTickCount() - start < SOON) SleepEx( 10, TRUE );
            ok( routine_calls == 1, "%d: %ld calls\n", i, routine_calls );
            ok( routine_thread == (other ? other_id : GetCurrentThreadId()), "%d: on thread %lx, not %lx\n", i, routine_thread,
                other ? other_id : GetCurrentThreadId() );
            ok( !routine_error && routine_size == size, "%d: error %lu, %lu bytes\n", i, routine_error, routine_size );
            ok( routine_overlapped == &overlapped, "%d: got %p\n", i, routine_overlapped );
            ok( overlapped.hEvent == (HANDLE)(ULONG_PTR)0xdeadbef0, "%d: hEvent was changed\n", i );
        }
        if (!other) CloseHandle( id.ThreadHandle );
    }
    ok( queued_apcs > 0 || broken( TRUE ), "WPUQueueApc was not called\n" );

    /* none, and none that can be told: the calling thread */
    for (i = 0; i < 2; i++)
    {
        memset( &overlapped, 0, sizeof(overlapped) );
        memset( &id, 0, sizeof(id) );
        routine_calls = 0;
        if (!winetest_is_wine()) break;
        ret = table.lpWSPIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &inst, sizeof(inst), NULL, &overlapped, routine,
                                i ? &id : NULL, &error );
        ok( !ret || error == WSA_IO_PENDING, "%d: got %ld, error %d\n", i, ret, error );
        SleepEx( SOON, TRUE );
        ok( routine_calls == 1 && routine_thread == GetCurrentThreadId(), "%d: %ld calls, on %lx\n", i, routine_calls, routine_thread );
    }

    /* an overlapped call without a routine */
    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
    ret = table.lpWSPIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &inst, sizeof(inst), NULL, &overlapped, NULL, NULL,
                            &error );
    ok( !ret || error == WSA_IO_PENDING, "got %ld, error %d\n", ret, error );
    ret = table.lpWSPGetOverlappedResult( s, &overlapped, &size, TRUE, &flags, &error );
    ok( ret && size == sizeof(inst), "got %ld, %lu bytes, error %d\n", ret, size, error );
    CloseHandle( overlapped.hEvent );

    table.lpWSPCloseSocket( s, &error );
    SetEvent( stop );
    WaitForSingleObject( thread, SOON );
    CloseHandle( thread );
    CloseHandle( stop );
}

/* a provider without any upcall, as a program without a Winsock of its own starts it */
static void test_no_upcalls(void)
{
    WSPUPCALLTABLE upcalls;
    WSPPROC_TABLE other;
    WSPDATA data;
    int ret, error;
    SOCKET s;

    if (!winetest_is_wine()) return;
    memset( &upcalls, 0, sizeof(upcalls) );
    ret = startup( MAKEWORD( 2, 2 ), &data, NULL, upcalls, &other );
    ok( !ret, "got %d\n", ret );
    s = other.lpWSPSocket( AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0, &error );
    ok( s != INVALID_SOCKET, "error %d\n", error );
    ret = other.lpWSPCloseSocket( s, &error );
    ok( !ret, "error %d\n", error );
    ret = other.lpWSPCleanup( &error );
    ok( !ret, "error %d\n", error );
    ret = startup( MAKEWORD( 2, 2 ), &data, &tcp_info, make_upcalls(), &table );
    ok( !ret, "got %d\n", ret );
    ret = table.lpWSPCleanup( &error );
    ok( !ret, "error %d\n", error );
}

static void test_cleanup(void)
{
    int ret, error = 0;

    ret = table.lpWSPCleanup( &error );
    ok( !ret, "error %d\n", error );
    ret = table.lpWSPCleanup( &error );
    ok( ret == SOCKET_ERROR && error == WSANOTINITIALISED, "again: got %d, error %d\n", ret, error );
    if (winetest_is_wine())
    {
        ret = table.lpWSPIoctl( INVALID_SOCKET, SIO_ACQUIRE_PORT_RESERVATION, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, &error );
        ok( ret == SOCKET_ERROR && error == WSANOTINITIALISED, "WSPIoctl after it: got %d, error %d\n", ret, error );
    }
}

START_TEST(spi)
{
    struct instance inst;
    int ret, error;
    BOOL have;
    SOCKET s;

    test_enum_protocols();
    test_provider_path();
    if (!startup) return;
    /* Winsock itself is not started, only its provider */
    test_startup();
    s = spi_socket( UDP4 );
    ret = spi_acquire( s, 0, 1, &inst );
    table.lpWSPCloseSocket( s, &error );
    have = ret != WSAEOPNOTSUPP;
    if (!have) win_skip( "this system has no port reservations\n" );
    test_others();
    if (have)
    {
        test_ioctl( TCP4 );
        test_ioctl( UDP4 );
        test_tcp();
        test_udp();
        test_thread_id();
    }
    test_no_upcalls();
    test_cleanup();
}
