/*
 * Sockets without a reservation: nothing is other than before
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Where a DLL stands before Wine's own ws2_32, that is there as well, in a folder of system32. Each function that was replaced does the
 * same calls as Wine's own, and both write down all that a program can see: result, last error, what was stored, event and
 * completion. What they wrote down must be the same, whether there are reservations of other sockets or not. */

#include <string.h>
#include <wchar.h>
#include "port_test.h"

static struct functions
{
    __typeof__(&WSAStartup)        WSAStartup;
    __typeof__(&WSACleanup)        WSACleanup;
    __typeof__(&WSAIoctl)          WSAIoctl;
    __typeof__(&socket)            socket;
    __typeof__(&WSASocketA)        WSASocketA;
    __typeof__(&WSASocketW)        WSASocketW;
    __typeof__(&closesocket)       closesocket;
    __typeof__(&bind)              bind;
    __typeof__(&connect)           connect;
    __typeof__(&WSAConnect)        WSAConnect;
    __typeof__(&WSAConnectByNameA) WSAConnectByNameA;
    __typeof__(&WSAConnectByNameW) WSAConnectByNameW;
    __typeof__(&send)              send;
    __typeof__(&WSASend)           WSASend;
    __typeof__(&sendto)            sendto;
    __typeof__(&WSASendTo)         WSASendTo;
    LPFN_WSASENDMSG                WSASendMsg;
    LPFN_WSARECVMSG                WSARecvMsg;
    __typeof__(&WSAJoinLeaf)       WSAJoinLeaf;
    __typeof__(&setsockopt)        setsockopt;
    __typeof__(&getsockopt)        getsockopt;
} functions[2], *f;

static char logs[2][300000], *log_end;

static void WINETEST_PRINTF( 1, 2 ) record( const char *format, ... )
{
    DWORD error = GetLastError();
    va_list args;

    va_start( args, format );
    log_end += vsprintf( log_end, format, args );
    va_end( args );
    SetLastError( error );
}

/* A bad pointer may also end in an exception, which has to be the same then. */
static void *exception_buffer[5];
static volatile BOOL exception_armed;

static LONG CALLBACK exception_handler( EXCEPTION_POINTERS *pointers )
{
    void *address = pointers->ExceptionRecord->ExceptionAddress;
    HMODULE module = NULL;

    if (!exception_armed || pointers->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION) return EXCEPTION_CONTINUE_SEARCH;
    /* IsBadReadPtr() and its like try it out */
    GetModuleHandleExW( GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, address, &module );
    if (module && (module == GetModuleHandleW( L"kernelbase" ) || module == GetModuleHandleW( L"kernel32" )))
        return EXCEPTION_CONTINUE_SEARCH;
    __builtin_longjmp( exception_buffer, 1 );
}

/* write down a call, its result and the last error that it left */
#define RECORD( what, call ) \
    do { \
        int ret__; \
        SetLastError( 0xdead ); \
        exception_armed = TRUE; \
        if (__builtin_setjmp( exception_buffer )) record( "%s: exception\n", what ); \
        else \
        { \
            ret__ = call; \
            record( "%s: %d, error %lu\n", what, ret__, GetLastError() ); \
        } \
        exception_armed = FALSE; \
    } while (0)

static void record_socket( const char *what, SOCKET s )
{
    struct sockaddr_storage addr;
    int len = sizeof(addr), ret;
    char *bytes = (char *)&addr;

    memset( &addr, 0, sizeof(addr) );
    ret = getsockname( s, (struct sockaddr *)&addr, &len );
    if (ret) record( "%s: unbound, error %d\n", what, WSAGetLastError() );
    else
    {
        record( "%s: bound, family %d, length %d, port %s", what, addr.ss_family, len,
                ((struct sockaddr_in *)&addr)->sin_port ? "set" : "0" );
        if (addr.ss_family == AF_INET) record( ", address %02x..%02x", bytes[4], bytes[7] );
        else record( ", address %02x..%02x", bytes[8], bytes[23] );
        len = sizeof(addr);
        ret = getpeername( s, (struct sockaddr *)&addr, &len );
        record( ", peer %d, error %d\n", ret, ret ? WSAGetLastError() : 0 );
    }
}

static SOCKET listener, udp_target;   /* of test_same() */
static struct sockaddr_in listener_addr, udp_addr;
static SOCKET listener6;
static struct sockaddr_in6 listener6_addr;

static SOCKET bad_sockets[3];
static const char *const bad_names[] = { "INVALID_SOCKET", "event", "closed socket" };

static void make_bad_sockets(void)
{
    static HANDLE event;

    if (!event) event = CreateEventW( NULL, TRUE, FALSE, NULL );
    bad_sockets[0] = INVALID_SOCKET;
    bad_sockets[1] = (SOCKET)event;
    bad_sockets[2] = make_socket( UDP4 );
    closesocket( bad_sockets[2] );
}

static void do_startup(void)
{
    static const WORD versions[] = { 0, 1, 0x0101, 0x0002, 0x0202, 0x0302, 0x0003, 0xffff };
    unsigned int i;
    WSADATA data;

    for (i = 0; i < ARRAY_SIZE( versions ); i++)
    {
        int ret;

        memset( &data, 0xcc, sizeof(data) );
        SetLastError( 0xdead );
        ret = f->WSAStartup( versions[i], &data );
        record( "WSAStartup %x: %d, error %lu, versions %x %x, %d\n", versions[i], ret, GetLastError(), data.wVersion,
                data.wHighVersion, data.iMaxSockets );
        if (!ret) RECORD( "WSACleanup", f->WSACleanup() );
    }
}

/* what a call made, or why it made none */
static void record_made( const char *what, SOCKET s )
{
    DWORD error = GetLastError(), flags = 0;
    int type = 0, len = sizeof(type);

    record( "%s: %s, error %lu", what, s == INVALID_SOCKET ? "no socket" : "a socket", error );
    if (s != INVALID_SOCKET)
    {
        getsockopt( s, SOL_SOCKET, SO_TYPE, (char *)&type, &len );
        GetHandleInformation( (HANDLE)s, &flags );
        SetLastError( 0xdead );
        record( ", type %d, flags %lx, closesocket", type, flags );
        record( " %d", f->closesocket( s ) );
        record( ", error %lu, again", GetLastError() );
        record( " %d", f->closesocket( s ) );
        record( ", error %lu", GetLastError() );
    }
    record( "\n" );
}

static void do_socket(void)
{
    static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_IPX, 77, -1 }, types[] = { 0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, 9 },
                     protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, 199 };
    static const DWORD flags[] = { 0, WSA_FLAG_OVERLAPPED, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT };
    WSAPROTOCOL_INFOA info_a;
    WSAPROTOCOL_INFOW info_w;
    unsigned int i, j, k;
    char what[100];
    int len;
    SOCKET s;

    for (i = 0; i < ARRAY_SIZE( families ); i++)
    {
        for (j = 0; j < ARRAY_SIZE( types ); j++)
        {
            for (k = 0; k < ARRAY_SIZE( protocols ); k++)
            {
                sprintf( what, "socket %d %d %d", families[i], types[j], protocols[k] );
                SetLastError( 0xdead );
                record_made( what, f->socket( families[i], types[j], protocols[k] ) );
                SetLastError( 0xdead );
                record_made( "WSASocketA", f->WSASocketA( families[i], types[j], protocols[k], NULL, 0, flags[k % 3] ) );
                SetLastError( 0xdead );
                record_made( "WSASocketW", f->WSASocketW( families[i], types[j], protocols[k], NULL, 0, flags[k % 3] ) );
            }
        }
    }
    s = make_socket( UDP4 );
    len = sizeof(info_a);
    getsockopt( s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&info_a, &len );
    SetLastError( 0xdead );
    record_made( "as described", f->WSASocketA( FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info_a, 0, 0 ) );
    WSADuplicateSocketA( s, GetCurrentProcessId(), &info_a );
    SetLastError( 0xdead );
    record_made( "a duplicate", f->WSASocketA( FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info_a, 0, 0 ) );
    WSADuplicateSocketW( s, GetCurrentProcessId(), &info_w );
    SetLastError( 0xdead );
    record_made( "a duplicate", f->WSASocketW( FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info_w, 0, 0 ) );
    closesocket( s );
    for (i = 0; i < 3; i++) RECORD( bad_names[i], f->closesocket( bad_sockets[i] ) );
}

static void do_bind( int kind )
{
    SOCKET s, other;
    struct sockaddr_storage addr;
    struct sockaddr *sa = (struct sockaddr *)&addr;
    int i, len;
    DWORD value;

    record( "bind, %s\n", socket_kinds[kind].name );
    s = make_socket( kind );
    len = make_addr( s, TRUE, 0, &addr );
    for (i = 0; i < 3; i++) RECORD( bad_names[i], f->bind( bad_sockets[i], sa, len ) );
    RECORD( "NULL", f->bind( s, NULL, len ) );
    RECORD( "NULL, 0", f->bind( s, NULL, 0 ) );
    for (i = 0; i < len; i += i < 4 ? 1 : 3) RECORD( "short", f->bind( s, sa, i ) );
    RECORD( "negative", f->bind( s, sa, -1 ) );
    record_socket( "after it", s );
    RECORD( "bad pointer", f->bind( s, (struct sockaddr *)16, len ) );
    addr.ss_family = socket_kinds[kind].family == AF_INET ? AF_INET6 : AF_INET;
    RECORD( "other family", f->bind( s, sa, sizeof(addr) ) );
    addr.ss_family = 0;
    RECORD( "family 0", f->bind( s, sa, len ) );
    addr.ss_family = 77;
    RECORD( "unknown family", f->bind( s, sa, len ) );
    record_socket( "after it", s );
    len = make_addr( s, TRUE, 0, &addr );
    if (addr.ss_family == AF_INET) ((struct sockaddr_in *)sa)->sin_addr.s_addr = htonl( 0x01020304 );
    else ((struct sockaddr_in6 *)sa)->sin6_addr.s6_addr[0] = 0x20;
    RECORD( "address of another machine", f->bind( s, sa, len ) );
    record_socket( "after it", s );
    len = make_addr( s, TRUE, 0, &addr );
    RECORD( "longer", f->bind( s, sa, sizeof(addr) ) );
    record_socket( "after it", s );
    RECORD( "again", f->bind( s, sa, len ) );
    len = make_addr( s, TRUE, local_port( s ), &addr );
    RECORD( "the same again", f->bind( s, sa, len ) );
    RECORD( "NULL again", f->bind( s, NULL, len ) );

    other = make_socket( kind );
    RECORD( "taken", f->bind( other, sa, len ) );
    record_socket( "after it", other );
    value = 1;
    setsockopt( other, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, sizeof(value) );
    RECORD( "taken, exclusive", f->bind( other, sa, len ) );
    closesocket( other );
    other = make_socket( kind );
    setsockopt( other, SOL_SOCKET, SO_REUSEADDR, (char *)&value, sizeof(value) );
    RECORD( "taken, reused", f->bind( other, sa, len ) );
    closesocket( other );
    closesocket( s );

    s = make_socket( kind );
    len = make_addr( s, FALSE, 0, &addr );
    RECORD( "any", f->bind( s, sa, len ) );
    record_socket( "after it", s );
    closesocket( s );

    s = WSASocketW( socket_kinds[kind].family, socket_kinds[kind].type, 0, NULL, 0, 0 );
    RECORD( "not overlapped", f->bind( s, sa, len ) );
    record_socket( "after it", s );
    closesocket( s );
}

static void accept_and_close(void)
{
    TIMEVAL none = { 0, 0 };
    fd_set set;

    for (;;)
    {
        FD_ZERO( &set );
        FD_SET( listener, &set );
        if (select( 0, &set, NULL, NULL, &none ) != 1) return;
        closesocket( accept( listener, NULL, NULL ) );
    }
}

static int do_call_connect( BOOL wsa, SOCKET s, const struct sockaddr *addr, int len )
{
    return wsa ? f->WSAConnect( s, addr, len, NULL, NULL, NULL, NULL ) : f->connect( s, addr, len );
}

static void do_connect( BOOL wsa )
{
    struct sockaddr *sa = (struct sockaddr *)&listener_addr;
    struct sockaddr_in closed;
    SOCKET s, holder = make_socket( TCP4 );
    int i, len = sizeof(listener_addr);
    WSANETWORKEVENTS events;
    TIMEVAL timeout = { 5, 0 };
    HANDLE event;
    u_long on = 1;
    fd_set set;

    record( "connect, %d\n", wsa );
    bind_loopback( holder, 0 );
    i = sizeof(closed);
    getsockname( holder, (struct sockaddr *)&closed, &i );
    for (i = 0; i < 3; i++) RECORD( bad_names[i], do_call_connect( wsa, bad_sockets[i], sa, len ) );
    s = make_socket( TCP4 );
    RECORD( "NULL", do_call_connect( wsa, s, NULL, len ) );
    RECORD( "short", do_call_connect( wsa, s, sa, 4 ) );
    RECORD( "no length", do_call_connect( wsa, s, sa, 0 ) );
    RECORD( "bad pointer", do_call_connect( wsa, s, (struct sockaddr *)16, len ) );
    record_socket( "after it", s );
    RECORD( "other family", do_call_connect( wsa, s, (struct sockaddr *)&listener6_addr, sizeof(listener6_addr) ) );
    record_socket( "after it", s );
    RECORD( "connect", do_call_connect( wsa, s, sa, len ) );
    record_socket( "after it", s );
    RECORD( "again", do_call_connect( wsa, s, sa, len ) );
    closesocket( s );
    s = make_socket( TCP4 );
    RECORD( "closed port", do_call_connect( wsa, s, (struct sockaddr *)&closed, len ) );
    closesocket( s );
    RECORD( "of a listener", do_call_connect( wsa, listener, sa, len ) );

    s = make_socket( TCP4 );
    event = CreateEventW( NULL, TRUE, FALSE, NULL );
    WSAEventSelect( s, event, FD_CONNECT );
    RECORD( "with FD_CONNECT", do_call_connect( wsa, s, sa, len ) );
    record( "event: %lu\n", WaitForSingleObject( event, 5000 ) );
    memset( &events, 0xcc, sizeof(events) );
    i = WSAEnumNetworkEvents( s, event, &events );
    record( "events %d: %lx, error %d\n", i, events.lNetworkEvents, events.iErrorCode[FD_CONNECT_BIT] );
    record_socket( "after it", s );
    closesocket( s );
    CloseHandle( event );

    s = make_socket( TCP4 );
    ioctlsocket( s, FIONBIO, &on );
    RECORD( "non-blocking", do_call_connect( wsa, s, sa, len ) );
    FD_ZERO( &set );
    FD_SET( s, &set );
    record( "select: %d\n", select( 0, NULL, &set, NULL, &timeout ) );
    record_socket( "after it", s );
    closesocket( s );
    s = make_socket( TCP4 );
    ioctlsocket( s, FIONBIO, &on );
    RECORD( "non-blocking, closed port", do_call_connect( wsa, s, (struct sockaddr *)&closed, len ) );
    FD_ZERO( &set );
    FD_SET( s, &set );
    record( "select: %d\n", select( 0, NULL, NULL, &set, &timeout ) );
    closesocket( s );

    s = make_socket( UDP4 );
    RECORD( "UDP", do_call_connect( wsa, s, (struct sockaddr *)&udp_addr, len ) );
    record_socket( "after it", s );
    RECORD( "UDP again", do_call_connect( wsa, s, (struct sockaddr *)&udp_addr, len ) );
    closesocket( s );
    s = make_socket( TCP_DUAL );
    RECORD( "IPv6", do_call_connect( wsa, s, (struct sockaddr *)&listener6_addr, sizeof(listener6_addr) ) );
    record_socket( "after it", s );
    closesocket( s );
    s = make_socket( TCP4 );
    bind_loopback( s, 0 );
    RECORD( "bound", do_call_connect( wsa, s, sa, len ) );
    record_socket( "after it", s );
    closesocket( s );
    closesocket( holder );
    accept_and_close();
}

static void do_connect_by_name(void)
{
    static const char *const nodes[] = { "127.0.0.1", NULL, "name.invalid", "" };
    WCHAR nodeW[32], serviceW[16];
    char node[32], service[16];
    struct sockaddr_storage local, remote;
    DWORD local_len, remote_len;
    OVERLAPPED overlapped;
    unsigned int i, wide;
    SOCKET s;
    int ret;

    for (i = 0; i < ARRAY_SIZE( nodes ) * 2; i++)
    {
        BOOL ok = i / 2 == 0;

        wide = i & 1;
        s = make_socket( TCP4 );
        if (nodes[i / 2]) sprintf( node, "%s", nodes[i / 2] );
        sprintf( service, "%u", ntohs( listener_addr.sin_port ));
        MultiByteToWideChar( CP_ACP, 0, node, -1, nodeW, 32 );
        MultiByteToWideChar( CP_ACP, 0, service, -1, serviceW, 16 );
        memset( &local, 0xcc, sizeof(local) );
        memset( &remote, 0xcc, sizeof(remote) );
        local_len = remote_len = sizeof(local);
        SetLastError( 0xdead );
        if (wide) ret = f->WSAConnectByNameW( s, nodes[i / 2] ? nodeW : NULL, serviceW, &local_len, (struct sockaddr *)&local,
                                              &remote_len, (struct sockaddr *)&remote, NULL, NULL );
        else ret = f->WSAConnectByNameA( s, nodes[i / 2] ? node : NULL, service, &local_len, (struct sockaddr *)&local,
                                         &remote_len, (struct sockaddr *)&remote, NULL, NULL );
        record( "WSAConnectByName %u: %d, error %lu, lengths %lu %lu, families %x %x\n", i, ret, GetLastError(), local_len, remote_len,
                local.ss_family, remote.ss_family );
        record_socket( "after it", s );
        if (ok)
        {
            memset( &overlapped, 0, sizeof(overlapped) );
            if (wide) RECORD( "reserved", f->WSAConnectByNameW( s, nodeW, serviceW, NULL, NULL, NULL, NULL, NULL, &overlapped ) );
            else RECORD( "reserved", f->WSAConnectByNameA( s, node, service, NULL, NULL, NULL, NULL, NULL, &overlapped ) );
            if (wide) RECORD( "no service", f->WSAConnectByNameW( s, nodeW, NULL, NULL, NULL, NULL, NULL, NULL, NULL ) );
            else RECORD( "no service", f->WSAConnectByNameA( s, node, NULL, NULL, NULL, NULL, NULL, NULL, NULL ) );
        }
        closesocket( s );
    }
    accept_and_close();
}

static int routine_calls;
static DWORD routine_error, routine_size, routine_flags;

static void CALLBACK routine( DWORD error, DWORD size, OVERLAPPED *overlapped, DWORD flags )
{
    (void)overlapped;
    routine_calls++;
    routine_error = error;
    routine_size = size;
    routine_flags = flags;
}

/* An overlapped call by its number, with all that tells of its end: 0: event; 1: routine; 2: port; 3: port and event with the low
 * bit; 4: port, skipped on success. */
static void do_overlapped( const char *what, SOCKET s, int (*call)( SOCKET s, DWORD *size, OVERLAPPED *overlapped,
                                                                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine ) )
{
    HANDLE event = CreateEventW( NULL, TRUE, TRUE, NULL ), port = NULL;
    OVERLAPPED overlapped, *posted;
    DWORD size, flags;
    ULONG_PTR key;
    int way, ret, error;
    SOCKET dup = s;

    for (way = 0; way < 5; way++)
    {
        SetEvent( event );
        memset( &overlapped, 0x55, sizeof(overlapped) );
        overlapped.hEvent = way == 0 ? event : way == 3 ? (HANDLE)((ULONG_PTR)event | 1) : NULL;
        if (way == 2) port = CreateIoCompletionPort( (HANDLE)s, NULL, 77, 0 );
        if (way == 4) SetFileCompletionNotificationModes( (HANDLE)s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS );
        routine_calls = routine_error = routine_size = routine_flags = 0;
        size = 0xdeadbeef;
        SetLastError( 0xdead );
        ret = call( dup, &size, &overlapped, way == 1 ? routine : NULL );
        error = GetLastError();
        record( "%s, way %d: %d, error %d, size %lx\n", what, way, ret, error, size );
        if (!ret || error == WSA_IO_PENDING)
        {
            ret = SleepEx( way == 1 ? 1000 : 0, TRUE );
            record( "routine: %d, %d calls, error %lu, size %lu, flags %lx\n", ret, routine_calls, routine_error, routine_size, routine_flags );
            if (way == 0 || way == 3) record( "event: %lu\n", WaitForSingleObject( event, 1000 ) );
            size = 0xdeadbeef;
            flags = 0xdeadbeef;
            ret = WSAGetOverlappedResult( s, &overlapped, &size, way == 0, &flags );
            record( "result: %d, error %d, size %lx, Internal %lx, InternalHigh %lx\n", ret, ret ? 0 : WSAGetLastError(), size,
                    (DWORD)overlapped.Internal, (DWORD)overlapped.InternalHigh );
        }
        else record( "event: %lu, routine %lu %d\n", WaitForSingleObject( event, 0 ), SleepEx( 0, TRUE ), routine_calls );
        if (port)
        {
            do
            {
                posted = NULL;
                key = size = 0;
                ret = GetQueuedCompletionStatus( port, &size, &key, &posted, 20 );
                record( "port: %d, error %lu, size %lu, key %lu, posted %d\n", ret, ret ? 0 : GetLastError(), size, (DWORD)key,
                        posted == &overlapped );
            }
            while (posted);
        }
    }
    if (port) CloseHandle( port );
    CloseHandle( event );
}

static int overlapped_sendto( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    WSABUF buf = { 3, (char *)"abc" };

    return f->WSASendTo( s, &buf, 1, size, 0, (struct sockaddr *)&udp_addr, sizeof(udp_addr), overlapped, routine );
}

static int overlapped_send( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    WSABUF buf = { 3, (char *)"abc" };

    (void)connect( s, (struct sockaddr *)&udp_addr, sizeof(udp_addr) );
    return f->WSASend( s, &buf, 1, size, 0, overlapped, routine );
}

static int overlapped_bad_sendto( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    WSABUF buf = { 3, (char *)"abc" };

    return f->WSASendTo( s, &buf, 1, size, 0, (struct sockaddr *)&udp_addr, 4, overlapped, routine );
}

static int overlapped_sendmsg( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    WSABUF buf = { 3, (char *)"abc" };
    WSAMSG msg = { (struct sockaddr *)&udp_addr, sizeof(udp_addr), &buf, 1, { 0, NULL }, 0 };

    return f->WSASendMsg( s, &msg, 0, size, overlapped, routine );
}

static int overlapped_unknown_ioctl( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    return f->WSAIoctl( s, _WSAIOW( IOC_VENDOR, 4711 ), NULL, 0, NULL, 0, size, overlapped, routine );
}

static int overlapped_routing( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    static struct sockaddr_in out;

    return f->WSAIoctl( s, SIO_ROUTING_INTERFACE_QUERY, &udp_addr, sizeof(udp_addr), &out, sizeof(out), size, overlapped, routine );
}

static int overlapped_fionread( SOCKET s, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    static u_long out;

    return f->WSAIoctl( s, FIONREAD, NULL, 0, &out, sizeof(out), size, overlapped, routine );
}

static void do_all_overlapped(void)
{
    static const struct
    {
        const char *name;
        int (*call)( SOCKET, DWORD *, OVERLAPPED *, LPWSAOVERLAPPED_COMPLETION_ROUTINE );
    }
    calls[] =
    {
        { "WSASend", overlapped_send },
        { "WSASendTo", overlapped_sendto },
        { "WSASendTo, short address", overlapped_bad_sendto },
        { "WSASendMsg", overlapped_sendmsg },
        { "WSAIoctl of an unknown code", overlapped_unknown_ioctl },
        { "WSAIoctl, SIO_ROUTING_INTERFACE_QUERY", overlapped_routing },
        { "WSAIoctl, FIONREAD", overlapped_fionread },
    };
    unsigned int i;
    SOCKET s;

    for (i = 0; i < ARRAY_SIZE( calls ); i++)
    {
        s = make_socket( UDP4 );
        do_overlapped( calls[i].name, s, calls[i].call );
        record_socket( "after it", s );
        closesocket( s );
    }
}

static void do_sendto(void)
{
    struct sockaddr *to = (struct sockaddr *)&udp_addr;
    struct sockaddr_in other = udp_addr;
    WSABUF bufs[2] = { { 2, (char *)"ab" }, { 1, (char *)"c" } };
    int i, len = sizeof(udp_addr), ret;
    DWORD sent;
    SOCKET s;

    for (i = 0; i < 3; i++)
    {
        RECORD( bad_names[i], f->sendto( bad_sockets[i], "x", 1, 0, to, len ) );
        RECORD( bad_names[i], f->WSASendTo( bad_sockets[i], bufs, 2, &sent, 0, to, len, NULL, NULL ) );
    }
    other.sin_family = AF_INET6;
    for (i = 0; i < 2; i++)
    {
        s = make_socket( UDP4 );
        record( "sendto, %d\n", i );
#define SEND( what, buffers, count, flags, to, to_len ) \
        do { \
            sent = 0xdeadbeef; \
            SetLastError( 0xdead ); \
            if (i) ret = f->WSASendTo( s, buffers, count, &sent, flags, to, to_len, NULL, NULL ); \
            else ret = f->sendto( s, (buffers)->buf, (count) ? (buffers)->len : 0, flags, to, to_len ); \
            record( "%s: %d, error %lu, sent %lx\n", what, ret, GetLastError(), sent ); \
        } while (0)
        SEND( "no address", bufs, 1, 0, NULL, 0 );
        SEND( "no address, a length", bufs, 1, 0, NULL, len );
        SEND( "short", bufs, 1, 0, to, 4 );
        SEND( "no length", bufs, 1, 0, to, 0 );
        SEND( "other family", bufs, 1, 0, (struct sockaddr *)&other, len );
        record_socket( "after it", s );
        SEND( "unknown flags", bufs, 1, 0x4000000, to, len );
        record_socket( "after it", s );
        SEND( "send", bufs, 1, 0, to, len );
        record_socket( "after it", s );
        SEND( "nothing", bufs, 0, 0, to, len );
        SEND( "two buffers", bufs, 2, 0, to, len );
        closesocket( s );
        s = make_socket( UDP4 );
        bind_loopback( s, 0 );
        SEND( "bound", bufs, 1, 0, to, len );
        record_socket( "after it", s );
        (void)connect( s, to, len );
        SEND( "connected", bufs, 1, 0, NULL, 0 );
        SEND( "connected, with an address", bufs, 1, 0, to, len );
        closesocket( s );
        s = make_socket( TCP4 );
        SEND( "TCP, unconnected", bufs, 1, 0, (struct sockaddr *)&listener_addr, len );
        record_socket( "after it", s );
        (void)connect( s, (struct sockaddr *)&listener_addr, len );
        SEND( "TCP, connected", bufs, 1, 0, (struct sockaddr *)&listener_addr, len );
        shutdown( s, SD_SEND );
        SEND( "TCP, shut down", bufs, 1, 0, (struct sockaddr *)&listener_addr, len );
        closesocket( s );
        accept_and_close();
    }
    s = make_socket( UDP4 );
    RECORD( "nowhere for the size", f->WSASendTo( s, bufs, 1, NULL, 0, to, len, NULL, NULL ) );
    RECORD( "bad buffer", f->sendto( s, (char *)16, 8, 0, to, len ) );
    RECORD( "bad address", f->sendto( s, "x", 1, 0, (struct sockaddr *)16, len ) );
    closesocket( s );
}

static void do_send(void)
{
    WSABUF bufs[2] = { { 2, (char *)"ab" }, { 1, (char *)"c" } };
    DWORD sent;
    int i, kind;
    SOCKET s;

    for (i = 0; i < 3; i++)
    {
        RECORD( bad_names[i], f->send( bad_sockets[i], "x", 1, 0 ) );
        RECORD( bad_names[i], f->WSASend( bad_sockets[i], bufs, 2, &sent, 0, NULL, NULL ) );
    }
    for (i = 0; i < 4; i++)
    {
        kind = i % 2 ? TCP4 : UDP4;
        s = make_socket( kind );
        RECORD( "unconnected", i / 2 ? f->WSASend( s, bufs, 2, &sent, 0, NULL, NULL ) : f->send( s, "x", 1, 0 ) );
        record_socket( "after it", s );
        (void)connect( s, kind == TCP4 ? (struct sockaddr *)&listener_addr : (struct sockaddr *)&udp_addr, sizeof(udp_addr) );
        sent = 0xdeadbeef;
        RECORD( "connected", i / 2 ? f->WSASend( s, bufs, 2, &sent, 0, NULL, NULL ) : f->send( s, "x", 1, 0 ) );
        record( "sent %lx\n", sent );
        RECORD( "nothing", i / 2 ? f->WSASend( s, bufs, 0, &sent, 0, NULL, NULL ) : f->send( s, "x", 0, 0 ) );
        RECORD( "unknown flags", i / 2 ? f->WSASend( s, bufs, 1, &sent, 0x4000000, NULL, NULL ) : f->send( s, "x", 1, 0x4000000 ) );
        RECORD( "bad buffer", f->send( s, (char *)16, 8, 0 ) );
        RECORD( "nowhere for the size", f->WSASend( s, bufs, 1, NULL, 0, NULL, NULL ) );
        shutdown( s, SD_SEND );
        RECORD( "shut down", i / 2 ? f->WSASend( s, bufs, 1, &sent, 0, NULL, NULL ) : f->send( s, "x", 1, 0 ) );
        closesocket( s );
        if (kind == TCP4) accept_and_close();
    }
}

static void do_sendmsg(void)
{
    WSABUF buf = { 2, (char *)"ab" };
    WSAMSG msg = { (struct sockaddr *)&udp_addr, sizeof(udp_addr), &buf, 1, { 0, NULL }, 0 };
    SOCKET s;
    DWORD sent;
    int i;

    if (!f->WSASendMsg) return;
    for (i = 0; i < 3; i++) RECORD( bad_names[i], f->WSASendMsg( bad_sockets[i], &msg, 0, &sent, NULL, NULL ) );
    s = make_socket( UDP4 );
    RECORD( "no message", f->WSASendMsg( s, NULL, 0, &sent, NULL, NULL ) );
    record_socket( "after it", s );
    sent = 0xdeadbeef;
    RECORD( "WSASendMsg", f->WSASendMsg( s, &msg, 0, &sent, NULL, NULL ) );
    record( "sent %lx\n", sent );
    record_socket( "after it", s );
    msg.namelen = 4;
    RECORD( "short", f->WSASendMsg( s, &msg, 0, &sent, NULL, NULL ) );
    msg.name = NULL;
    msg.namelen = 0;
    RECORD( "no address", f->WSASendMsg( s, &msg, 0, &sent, NULL, NULL ) );
    (void)connect( s, (struct sockaddr *)&udp_addr, sizeof(udp_addr) );
    RECORD( "connected", f->WSASendMsg( s, &msg, 0, &sent, NULL, NULL ) );
    RECORD( "nowhere for the size", f->WSASendMsg( s, &msg, 0, NULL, NULL, NULL ) );
    closesocket( s );
    s = make_socket( TCP4 );
    RECORD( "TCP", f->WSASendMsg( s, &msg, 0, &sent, NULL, NULL ) );
    record_socket( "after it", s );
    closesocket( s );
}

static void do_recvmsg(void)
{
    char data[8], control[128];
    struct sockaddr_in from;
    WSABUF buf = { sizeof(data), data };
    WSAMSG msg = { (struct sockaddr *)&from, sizeof(from), &buf, 1, { sizeof(control), control }, 0 };
    DWORD received, on = 1;
    u_long nonblocking = 1;
    SOCKET s, sender;
    int i;

    if (!f->WSARecvMsg) return;
    for (i = 0; i < 3; i++) RECORD( bad_names[i], f->WSARecvMsg( bad_sockets[i], &msg, &received, NULL, NULL ) );
    s = make_socket( UDP4 );
    sender = make_socket( UDP4 );
    ioctlsocket( s, FIONBIO, &nonblocking );
    RECORD( "unbound", f->WSARecvMsg( s, &msg, &received, NULL, NULL ) );
    bind_loopback( s, 0 );
    RECORD( "no datagram", f->WSARecvMsg( s, &msg, &received, NULL, NULL ) );
    RECORD( "no message", f->WSARecvMsg( s, NULL, &received, NULL, NULL ) );
    f->setsockopt( s, IPPROTO_IP, IP_RECVTOS, (char *)&on, sizeof(on) );
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    for (i = 0; i < 3; i++)
    {
        from.sin_port = htons( local_port( s ));
        sendto( sender, "abc", 3, 0, (struct sockaddr *)&from, sizeof(from) );
        Sleep( 10 );
        received = 0xdeadbeef;
        memset( control, 0xcc, sizeof(control) );
        msg.namelen = sizeof(from);
        msg.dwFlags = 0;
        msg.Control.len = i == 1 ? sizeof(WSACMSGHDR) : sizeof(control);
        if (i == 2) msg.Control.buf = NULL;
        RECORD( "WSARecvMsg", f->WSARecvMsg( s, &msg, &received, NULL, NULL ) );
        record( "received %lx, name %d, flags %lx, control %lu:", received, msg.namelen, msg.dwFlags, msg.Control.len );
        for (on = 0; on < sizeof(WSACMSGHDR) + 4; on++) record( " %02x", control[on] & 0xff );
        record( "\n" );
    }
    closesocket( s );
    closesocket( sender );
}

/* each option that Wine has, and some that it has not */
static void do_sockopt( int kind )
{
    static const struct { int level, first, last; } ranges[] =
    {
        { SOL_SOCKET, 1, 0x80 }, { SOL_SOCKET, 0x1001, 0x100b }, { SOL_SOCKET, 0x2004, 0x2006 }, { SOL_SOCKET, 0xfff0, 0xffff },
        { IPPROTO_IP, 0, 49 }, { IPPROTO_IP, 51, 52 }, { IPPROTO_IPV6, 0, 49 }, { IPPROTO_IPV6, 51, 52 }, { IPPROTO_TCP, 0, 20 },
        { IPPROTO_UDP, 0, 3 }, { 12345, 1, 1 },
    };
    static const int lens[] = { 0, 1, 2, 4, 8, 16 };
    unsigned int i, j;
    int name, len, sets;
    char value[64];
    SOCKET s;

    record( "options, %s\n", socket_kinds[kind].name );
    for (i = 0; i < ARRAY_SIZE( ranges ); i++)
    {
        for (name = ranges[i].first; name <= ranges[i].last; name++)
        {
            /* the handle of a duplicate, and a time */
            if (ranges[i].level == SOL_SOCKET && (name == 0x2005 || name == 0x2004 || name == 0x700c)) continue;
            s = make_socket( kind );
            sets = 0;
            for (j = 0; j < ARRAY_SIZE( lens ); j++)
            {
                int ret;

                memset( value, 0, sizeof(value) );
                value[0] = j & 1;
                ret = f->setsockopt( s, ranges[i].level, name, value, lens[j] );
                sets = sets * 31 + (ret ? WSAGetLastError() : 0);
                len = lens[j];
                memset( value, 0xcc, sizeof(value) );
                ret = f->getsockopt( s, ranges[i].level, name, value, &len );
                sets = sets * 31 + (ret ? WSAGetLastError() : 0) * 7 + len * 3 + (len <= 4 ? value[0] : 0);
            }
            sets = sets * 31 + (f->setsockopt( bad_sockets[1], ranges[i].level, name, value, 4 ) ? WSAGetLastError() : 0);
            record( "option %x, %x: %x\n", ranges[i].level, name, sets );
            closesocket( s );
        }
    }
    for (i = 0; i < 3; i++)
    {
        len = 4;
        RECORD( bad_names[i], f->getsockopt( bad_sockets[i], SOL_SOCKET, SO_REUSEADDR, value, &len ) );
        RECORD( bad_names[i], f->getsockopt( bad_sockets[i], IPPROTO_IP, IP_RECVTOS, value, &len ) );
        RECORD( bad_names[i], f->setsockopt( bad_sockets[i], SOL_SOCKET, SO_REUSEADDR, value, 4 ) );
        RECORD( bad_names[i], f->setsockopt( bad_sockets[i], IPPROTO_IP, IP_RECVTOS, value, 4 ) );
    }
    s = make_socket( kind );
    RECORD( "no value", f->setsockopt( s, IPPROTO_IP, IP_RECVTOS, NULL, 4 ) );
    RECORD( "nowhere for the value", f->getsockopt( s, IPPROTO_IP, IP_RECVTOS, NULL, &len ) );
    closesocket( s );
}

static void do_join_leaf(void)
{
    struct sockaddr_in group = { .sin_family = AF_INET, .sin_port = htons( 9 ), .sin_addr.s_addr = htonl( 0xe0000142 ) };
    SOCKET s = make_socket( UDP4 );
    int i;

    for (i = 0; i < 3; i++)
        RECORD( bad_names[i], f->WSAJoinLeaf( bad_sockets[i], (struct sockaddr *)&group, sizeof(group), NULL, NULL, NULL, NULL, JL_BOTH ) == INVALID_SOCKET );
    RECORD( "WSAJoinLeaf", f->WSAJoinLeaf( s, (struct sockaddr *)&group, sizeof(group), NULL, NULL, NULL, NULL, JL_BOTH ) == INVALID_SOCKET );
    RECORD( "no address", f->WSAJoinLeaf( s, NULL, 0, NULL, NULL, NULL, NULL, JL_BOTH ) == INVALID_SOCKET );
    record_socket( "after it", s );
    closesocket( s );
}

static void do_ioctl( int kind )
{
    static const GUID guids[] =
    {
        WSAID_ACCEPTEX, WSAID_CONNECTEX, WSAID_DISCONNECTEX, WSAID_GETACCEPTEXSOCKADDRS, WSAID_TRANSMITFILE, WSAID_WSARECVMSG,
        WSAID_WSASENDMSG, WSAID_TRANSMITPACKETS, { 0x12345678, 1, 2, { 3, 4, 5, 6, 7, 8, 9, 10 } },
    };
    static const DWORD codes[] =
    {
        FIONBIO, FIONREAD, SIOCATMARK, SIO_GET_INTERFACE_LIST, SIO_ADDRESS_LIST_QUERY, SIO_ROUTING_INTERFACE_QUERY, SIO_KEEPALIVE_VALS,
        SIO_GET_EXTENSION_FUNCTION_POINTER, SIO_UDP_CONNRESET, SIO_ENABLE_CIRCULAR_QUEUEING, SIO_LOOPBACK_FAST_PATH, 0, 0xffffffff,
        _WSAIOW( IOC_VENDOR, 99 ), _WSAIOW( IOC_VENDOR, 103 ), _WSAIOR( IOC_VENDOR, 100 ), _WSAIO( IOC_VENDOR, 100 ),
    };
    SOCKET s = make_socket( kind );
    static char out[4096];
    struct tcp_keepalive keepalive = { 1, 1000, 1000 };
    void *pointer;
    DWORD size;
    unsigned int i, j;
    int ret;

    record( "WSAIoctl, %s\n", socket_kinds[kind].name );
    for (i = 0; i < ARRAY_SIZE( codes ); i++)
    {
        for (j = 0; j < 3; j++)
        {
            record( "code %lx, ", codes[i] );
            RECORD( bad_names[j], f->WSAIoctl( bad_sockets[j], codes[i], &keepalive, sizeof(keepalive), out, sizeof(out), &size, NULL, NULL ) );
        }
        size = 0xdeadbeef;
        record( "code %lx, ", codes[i] );
        RECORD( "nothing", f->WSAIoctl( s, codes[i], NULL, 0, NULL, 0, &size, NULL, NULL ) );
        record( "size %lx\n", size );
        if (codes[i] == SIO_GET_EXTENSION_FUNCTION_POINTER) continue;
        size = 0xdeadbeef;
        memset( out, 0xcc, sizeof(out) );
        record( "code %lx, ", codes[i] );
        if (codes[i] == SIO_ROUTING_INTERFACE_QUERY)
            RECORD( "all", f->WSAIoctl( s, codes[i], &udp_addr, sizeof(udp_addr), out, sizeof(out), &size, NULL, NULL ) );
        else
            RECORD( "all", f->WSAIoctl( s, codes[i], &keepalive, sizeof(keepalive), out, sizeof(out), &size, NULL, NULL ) );
        record( "size %lx, output %02x %02x %02x %02x\n", size, out[0] & 0xff, out[1] & 0xff, out[2] & 0xff, out[3] & 0xff );
    }
    for (i = 0; i < ARRAY_SIZE( guids ); i++)
    {
        pointer = (void *)(ULONG_PTR)0xdead;
        size = 0xdeadbeef;
        SetLastError( 0xdead );
        ret = f->WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, (void *)&guids[i], sizeof(guids[i]), &pointer, sizeof(pointer), &size, NULL, NULL );
        record( "extension %u: %d, error %lu, size %lx, pointer %d\n", i, ret, GetLastError(), size,
                !pointer ? 0 : pointer == (void *)(ULONG_PTR)0xdead ? 1 : 2 );
        /* Wine's own functions, but for the one that can give a socket its port and the one that reports marks of datagrams */
        if (i != 5 && i != 6) record( "it is %p\n", pointer );
        pointer = (void *)(ULONG_PTR)0xdead;
        ret = f->WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, (void *)&guids[i], sizeof(guids[i]) - 1, &pointer, sizeof(pointer), &size, NULL, NULL );
        record( "extension %u, short GUID: %d, error %lu\n", i, ret, GetLastError() );
        ret = f->WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, (void *)&guids[i], sizeof(guids[i]), &pointer, sizeof(pointer) - 1, &size, NULL, NULL );
        record( "extension %u, short pointer: %d, error %lu\n", i, ret, GetLastError() );
    }
    closesocket( s );
}

static void compare( const char *when )
{
    char *ours = logs[0], *wines = logs[1], *ours_end, *wines_end;
    unsigned int line = 0;

    for (;; ours = ours_end + 1, wines = wines_end + 1)
    {
        if (!(ours_end = strchr( ours, '\n' )) || !(wines_end = strchr( wines, '\n' ))) break;
        *ours_end = *wines_end = 0;
        line++;
        ok( !strcmp( ours, wines ), "%s, line %u: \"%s\", but Wine's own: \"%s\"\n", when, line, ours, wines );
    }
    ok( !*ours && !*wines, "%s: a different number of lines\n", when );
    ok( line > 100, "%s: only %u lines\n", when, line );
}

static void test_same( const char *when )
{
    static void (*const todo[])(void) =
    {
        do_startup, do_socket, do_connect_by_name, do_send, do_sendto, do_sendmsg, do_recvmsg, do_join_leaf, do_all_overlapped,
    };
    unsigned int i, j;
    int kind;

    for (i = 0; i < 2; i++)
    {
        f = &functions[i];
        log_end = logs[i];
        make_bad_sockets();
        for (kind = 0; kind < KIND_COUNT; kind++) do_bind( kind );
        do_connect( FALSE );
        do_connect( TRUE );
        for (j = 0; j < ARRAY_SIZE( todo ); j++) todo[j]();
        do_ioctl( TCP4 );
        do_ioctl( UDP4 );
        do_sockopt( TCP4 );
        do_sockopt( UDP6 );
    }
    compare( when );
}

static BOOL get_functions( struct functions *functions, HMODULE module )
{
    GUID sendmsg_guid = WSAID_WSASENDMSG, recvmsg_guid = WSAID_WSARECVMSG;
    SOCKET s = make_socket( UDP4 );
    DWORD size;

#define GET( name ) if (!(functions->name = (void *)GetProcAddress( module, #name ))) return FALSE
    GET( WSAStartup );
    GET( WSACleanup );
    GET( WSAIoctl );
    GET( socket );
    GET( WSASocketA );
    GET( WSASocketW );
    GET( closesocket );
    GET( bind );
    GET( connect );
    GET( WSAConnect );
    GET( WSAConnectByNameA );
    GET( WSAConnectByNameW );
    GET( send );
    GET( WSASend );
    GET( sendto );
    GET( WSASendTo );
    GET( WSAJoinLeaf );
    GET( setsockopt );
    GET( getsockopt );
#undef GET
    functions->WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &sendmsg_guid, sizeof(sendmsg_guid), &functions->WSASendMsg,
                         sizeof(functions->WSASendMsg), &size, NULL, NULL );
    functions->WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &recvmsg_guid, sizeof(recvmsg_guid), &functions->WSARecvMsg,
                         sizeof(functions->WSARecvMsg), &size, NULL, NULL );
    closesocket( s );
    return TRUE;
}

START_TEST(same)
{
    SOCKET owner, associated;
    struct instance inst;
    WCHAR path[MAX_PATH];
    HMODULE wine;
    int len, ret;

    if (!start_test()) return;
    GetSystemDirectoryW( path, MAX_PATH - 32 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (GetFileAttributesW( path ) == INVALID_FILE_ATTRIBUTES || !(wine = LoadLibraryW( path )))
    {
        win_skip( "no other DLL stands before ws2_32 here\n" );
        return;
    }
    ok( wine != GetModuleHandleW( L"ws2_32" ), "that is the same DLL\n" );
    ret = get_functions( &functions[0], GetModuleHandleW( L"ws2_32" ) ) && get_functions( &functions[1], wine );
    ok( ret, "a function is missing\n" );
    ok( functions[0].bind != functions[1].bind, "bind is the same\n" );
    ok( functions[0].WSASendMsg != functions[1].WSASendMsg, "WSASendMsg is the same\n" );
    if (!ret || !have_ipv6()) return;

    listener = make_socket( TCP4 );
    bind_loopback( listener, 0 );
    listen( listener, 50 );
    len = sizeof(listener_addr);
    getsockname( listener, (struct sockaddr *)&listener_addr, &len );
    listener6 = make_socket( TCP6 );
    bind_loopback( listener6, 0 );
    listen( listener6, 50 );
    len = sizeof(listener6_addr);
    getsockname( listener6, (struct sockaddr *)&listener6_addr, &len );
    udp_target = make_socket( UDP4 );
    bind_loopback( udp_target, 0 );
    len = sizeof(udp_addr);
    getsockname( udp_target, (struct sockaddr *)&udp_addr, &len );

    AddVectoredExceptionHandler( TRUE, exception_handler );
    test_same( "no reservations" );
    owner = make_socket( UDP4 );
    ret = acquire( owner, 0, 4, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    test_same( "with reservations" );
    associated = make_socket( UDP4 );
    ret = associate( associated, inst.Token );
    ok( !ret, "associate failed, error %d\n", ret );
    test_same( "with an associated socket" );
    closesocket( associated );
    closesocket( owner );
    closesocket( udp_target );
    closesocket( listener6 );
    closesocket( listener );
}
