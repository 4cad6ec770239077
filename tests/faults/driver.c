/*
 * What the fault tests share: the server, the pipe, the registry
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "driver.h"
#include "../open_handles.h"
#include "guard_helper.h"
#include "guard_stream.h"
#include "path.h"
#include "portserver.h"

#include <stdio.h>

struct faults *faults;

static HANDLE server, pipe_handle = INVALID_HANDLE_VALUE;
static DWORD server_id;
static WCHAR folder[MAX_PATH];
static DWORD timeout_ms = 5000;
static char messages[65536];

BOOL driver_init(void)
{
    WCHAR path[2 * MAX_PATH];
    HANDLE section = CreateFileMappingW( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*faults), FAULTS_NAME );
    WSADATA data;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    if (section) faults = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, sizeof(*faults) );
    GetSystemDirectoryW( folder, MAX_PATH );
    wcscat( folder, L"\\portres\\" );
    wcscpy( path, folder );
    wcscat( path, FAULTS_SERVER );
    ok( faults != NULL, "no section, error %lu\n", GetLastError() );
    if (faults && GetFileAttributesW( path ) == INVALID_FILE_ATTRIBUTES)
    {
        win_skip( "portserver_faults.exe is not installed; tests/tools/faults.sh does that\n" );
        return FALSE;
    }
    if (faults) faults_disarm();
    return faults != NULL;
}

BOOL driver_is_full(void)
{
    char **argv;
    int argc = winetest_get_mainargs( &argv );

    return argc > 2 && !strcmp( argv[2], "full" );
}

void faults_arm( const struct fault_call *call, LONG function, LONG kind )
{
    faults->armed = 0;
    faults->calls = faults->fired = faults->seen = 0;
    faults->fail_at = call ? call->nth : 0;
    if (call) faults->fail = *call;
    faults->function = function;
    faults->kind = kind;
    faults->violation[0] = 0;
    MemoryBarrier();
    faults->armed = 1;
}

void faults_disarm(void)
{
    faults->armed = 0;
    faults->fail_at = 0;
    faults->function = -1;
}

const char *call_name( const struct fault_call *call )
{
    static char name[80];

    sprintf( name, "%s at +%lx", faults->names[call->function], call->site );
    return name;
}

static int is_same_place( const struct fault_call *a, const struct fault_call *b )
{
    return a->site == b->site && a->step == b->step;
}

LONG get_calls( struct fault_call *calls )
{
    LONG count = min( faults->calls, MAX_FAULT_CALLS ), i, j;

    for (i = 0; i < count; i++)
    {
        calls[i] = faults->call[i];
        calls[i].nth = 1;
        for (j = i - 1; j >= 0; j--)
        {
            if (!is_same_place( &calls[j], &calls[i] )) continue;
            calls[i].nth = calls[j].nth + 1;
            break;
        }
    }
    return count;
}

void print_sites( const char *what, LONG count )
{
    LONG i, j;

    for (i = 0; i < count && i < MAX_FAULT_CALLS; i++)
    {
        for (j = 0; j < i && faults->call[j].site != faults->call[i].site; j++) {}
        if (j == i) printf( "site %s %lx %s\n", what, faults->call[i].site, faults->names[faults->call[i].function] );
    }
    fflush( stdout );
}

/* ---- the server ---- */

static void messages_path( WCHAR *path )
{
    wcscpy( path, folder );
    wcscat( path, L"faults.out" );
}

const char *server_messages(void)
{
    WCHAR path[2 * MAX_PATH];
    DWORD size = 0;
    HANDLE file;

    messages_path( path );
    file = CreateFileW( path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL );
    if (file != INVALID_HANDLE_VALUE)
    {
        if (!ReadFile( file, messages, sizeof(messages) - 1, &size, NULL )) size = 0;
        CloseHandle( file );
    }
    messages[size] = 0;
    return messages;
}

enum start_result server_start( DWORD *exit_code )
{
    SECURITY_ATTRIBUTES security = { sizeof(security), NULL, TRUE };
    STARTUPINFOW startup = { .cb = sizeof(startup) };
    struct get_server_info_reply info;
    WCHAR path[2 * MAX_PATH], out[2 * MAX_PATH], command[] = L"portserver --foreground";
    PROCESS_INFORMATION process;
    DWORD start = GetTickCount();
    BOOL ret;

    wcscpy( path, folder );
    wcscat( path, FAULTS_SERVER );
    messages_path( out );
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdError = CreateFileW( out, GENERIC_WRITE, FILE_SHARE_READ, &security, CREATE_ALWAYS, 0, NULL );
    startup.hStdOutput = startup.hStdError;
    ret = CreateProcessW( path, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process );
    CloseHandle( startup.hStdError );
    ok( ret, "the server can't be started, error %lu\n", GetLastError() );
    if (!ret) return SERVER_ENDED;
    CloseHandle( process.hThread );
    server = process.hProcess;
    server_id = process.dwProcessId;
    do
    {
        call_timeout( 100 );
        ret = !get_info( &info );
        call_timeout( 5000 );
        if (ret) return SERVER_RUNS;
        if (!WaitForSingleObject( server, 0 ))
        {
            GetExitCodeProcess( server, exit_code );
            CloseHandle( server );
            server = NULL;
            return SERVER_ENDED;
        }
    } while (GetTickCount() - start < 20000);
    return SERVER_HANGS;
}

void server_kill(void)
{
    if (!server) return;
    TerminateProcess( server, 1 );
    ok( !WaitForSingleObject( server, 10000 ), "the server can't be killed\n" );
    CloseHandle( server );
    server = NULL;
    drop_connection();
}

static WCHAR *beside_server( WCHAR *path, const WCHAR *name )
{
    wcscpy( path, folder );
    wcscat( path, name );
    return path;
}

/* for guard/guard_stream.c: the portguard to start is that of the server */
BOOL path_beside_program( WCHAR *path, const WCHAR *name )
{
    beside_server( path, name );
    return TRUE;
}

static BOOL helper_answered, helper_has_ended;

void helper_received( const void *data, size_t size )
{
    (void)data; (void)size;
    helper_answered = TRUE;
}

void helper_ended(void)
{
    helper_has_ended = TRUE;
}

/* A new helper hands its stream on to the one of the server before; tell it to end. */
static void end_helper(void)
{
    struct portguard_request req = { .size = sizeof(req), .op = PORTGUARD_HELLO, .count = PORTGUARD_VERSION };
    static HANDLE port;

    helper_answered = helper_has_ended = FALSE;
    if (!port) port = CreateIoCompletionPort( INVALID_HANDLE_VALUE, NULL, 0, 0 );
    stream_init( port, 0 );
    if (stream_open()) return;  /* there is no program, so there is no helper */
    if (stream_send( &req, sizeof(req) )) while (!helper_answered && !helper_has_ended && stream_wait( 5000 )) ;
    ok( helper_answered, "no helper answers\n" );
    req.op = PORTGUARD_QUIT;
    if (stream_send( &req, sizeof(req) )) while (!helper_has_ended && stream_wait( 5000 )) ;
    ok( helper_has_ended, "the helper does not end\n" );
    stream_close();
}

void remove_traces(void)
{
    static const WCHAR *const names[] = { L"state", L"journal", L"journal.damaged" };
    WCHAR path[2 * MAX_PATH];
    unsigned int i;

    end_helper();
    for (i = 0; i < ARRAY_SIZE( names ); i++) DeleteFileW( beside_server( path, names[i] ) );
}

void hide_helper( BOOL hide )
{
    WCHAR path[2 * MAX_PATH], away[2 * MAX_PATH];

    beside_server( path, L"" PORTGUARD_FILE );
    beside_server( away, L"" PORTGUARD_FILE ".away" );
    ok( MoveFileW( hide ? path : away, hide ? away : path ), "the helper can't be renamed, error %lu\n", GetLastError() );
}

BOOL server_alive(void)
{
    return server && WaitForSingleObject( server, 0 ) == WAIT_TIMEOUT;
}

DWORD server_handles(void)
{
    return count_handles( server_id );
}

/* ---- the pipe ---- */

void call_timeout( DWORD timeout )
{
    timeout_ms = timeout;
}

void drop_connection(void)
{
    if (pipe_handle != INVALID_HANDLE_VALUE) CloseHandle( pipe_handle );
    pipe_handle = INVALID_HANDLE_VALUE;
}

static DWORD time_left( DWORD start )
{
    DWORD passed = GetTickCount() - start;

    return passed < timeout_ms ? timeout_ms - passed : 0;
}

static BOOL open_connection( DWORD start )
{
    DWORD mode = PIPE_READMODE_MESSAGE;

    while (pipe_handle == INVALID_HANDLE_VALUE)
    {
        pipe_handle = CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL );
        if (pipe_handle != INVALID_HANDLE_VALUE) break;
        if (!time_left( start )) return FALSE;
        if (GetLastError() == ERROR_PIPE_BUSY) WaitNamedPipeW( PORTSERVER_PIPE, min( time_left( start ), 100 ) );
        else Sleep( 1 );
    }
    return SetNamedPipeHandleState( pipe_handle, &mode, NULL, NULL );
}

static DWORD transfer( DWORD start, void *data, DWORD size, BOOL write )
{
    static HANDLE event;
    OVERLAPPED overlapped = { 0 };
    BOOL ret;

    if (!event) event = CreateEventW( NULL, TRUE, FALSE, NULL );
    overlapped.hEvent = event;
    ret = write ? WriteFile( pipe_handle, data, size, NULL, &overlapped ) : ReadFile( pipe_handle, data, size, NULL, &overlapped );
    if (!ret)
    {
        if (GetLastError() != ERROR_IO_PENDING) return 0;
        if (WaitForSingleObject( event, time_left( start ) )) CancelIoEx( pipe_handle, &overlapped );
    }
    if (!GetOverlappedResult( pipe_handle, &overlapped, &size, TRUE )) return 0;
    return size;
}

static NTSTATUS exchange( void *data, DWORD size, union generic_reply *reply )
{
    DWORD start = GetTickCount(), got;
    int tries;

    for (tries = 0; tries < 3; tries++)
    {
        if (!open_connection( start ))
        {
            drop_connection();
            if (!time_left( start )) break;
            continue;
        }
        got = 0;
        if (transfer( start, data, size, TRUE )) got = transfer( start, reply, sizeof(*reply), FALSE );
        if (got >= sizeof(reply->__header) && got == reply->__header.size) return reply->__header.status;
        drop_connection();
    }
    return STATUS_HOST_UNREACHABLE;
}

static uint32_t next_serial(void)
{
    static uint32_t serial;

    return ++serial;
}

NTSTATUS call( enum request code, union generic_request *req, union generic_reply *reply )
{
    static const uint32_t sizes[] = REQUEST_SIZES;

    req->__header.req = code;
    req->__header.size = sizes[code];
    req->__header.version = PROTOCOL_VERSION;
    req->__header.serial = next_serial();
    return exchange( req, sizes[code], reply );
}

NTSTATUS call_raw( enum request code, DWORD size )
{
    union generic_reply reply;
    union generic_request *req = calloc( 1, max( size, sizeof(*req) ) );
    NTSTATUS status;

    if (!req) return STATUS_INSUFFICIENT_RESOURCES;
    req->__header.req = code;
    req->__header.size = size;
    req->__header.version = PROTOCOL_VERSION;
    req->__header.serial = next_serial();
    status = exchange( req, size, &reply );
    free( req );
    return status;
}

NTSTATUS get_info( struct get_server_info_reply *info )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    NTSTATUS status = call( REQ_get_server_info, &req, &reply );

    if (!status) *info = reply.get_server_info_reply;
    return status;
}

NTSTATUS acquire( SOCKET s, unsigned int first, unsigned int count, uint64_t *token, unsigned int *granted )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    NTSTATUS status;

    req.acquire_port_reservation_request.handle = s;
    req.acquire_port_reservation_request.first = first;
    req.acquire_port_reservation_request.count = count;
    if (!(status = call( REQ_acquire_port_reservation, &req, &reply )))
    {
        *token = reply.acquire_port_reservation_reply.token;
        *granted = reply.acquire_port_reservation_reply.first;
        ok( *token && reply.acquire_port_reservation_reply.count == count && (!first || *granted == first),
            "got %u ports from %u\n", reply.acquire_port_reservation_reply.count, *granted );
    }
    return status;
}

NTSTATUS release( uint64_t token )
{
    union generic_request req = { 0 };
    union generic_reply reply;

    req.release_port_reservation_request.token = token;
    return call( REQ_release_port_reservation, &req, &reply );
}

NTSTATUS associate( SOCKET s, uint64_t token )
{
    union generic_request req = { 0 };
    union generic_reply reply;

    req.associate_port_reservation_request.handle = s;
    req.associate_port_reservation_request.token = token;
    return call( REQ_associate_port_reservation, &req, &reply );
}

NTSTATUS bind_socket( SOCKET s, int family, unsigned int port, unsigned int *bound )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    struct sockaddr_in6 addr = { 0 };
    NTSTATUS status;

    addr.sin6_family = family;
    addr.sin6_port = htons( port );
    req.bind_socket_request.handle = s;
    req.bind_socket_request.addr_len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(addr);
    memcpy( req.bind_socket_request.addr, &addr, req.bind_socket_request.addr_len );
    if (!(status = call( REQ_bind_socket, &req, &reply ))) *bound = reply.bind_socket_reply.port;
    return status;
}

NTSTATUS persistent( enum request code, int protocol, unsigned int first, unsigned int count, uint64_t *token )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    NTSTATUS status;

    /* the three requests have the same fields, and two the same reply */
    req.create_persistent_reservation_request.protocol = protocol;
    req.create_persistent_reservation_request.first = first;
    req.create_persistent_reservation_request.count = count;
    status = call( code, &req, &reply );
    if (!status && token) *token = reply.create_persistent_reservation_reply.token;
    return status;
}

NTSTATUS list_reservations( int protocol, struct reservation_info *entries, unsigned int *count )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    NTSTATUS status;

    req.get_reservations_request.protocol = protocol;
    if ((status = call( REQ_get_reservations, &req, &reply ))) return status;
    *count = reply.get_reservations_reply.count;
    memcpy( entries, reply.get_reservations_reply.entries, *count * sizeof(*entries) );
    return STATUS_SUCCESS;
}

NTSTATUS list_ports( int protocol, unsigned int first, unsigned int last, unsigned int *count )
{
    union generic_request req = { 0 };
    union generic_reply reply;
    NTSTATUS status;

    req.get_ports_in_use_request.protocol = protocol;
    req.get_ports_in_use_request.first = first;
    req.get_ports_in_use_request.last = last;
    if (!(status = call( REQ_get_ports_in_use, &req, &reply ))) *count = reply.get_ports_in_use_reply.count;
    return status;
}

/* ---- the rest ---- */

SOCKET make_socket( int family, int type )
{
    SOCKET s = socket( family, type, 0 );
    int off = 0;

    ok( s != INVALID_SOCKET, "no socket, error %d\n", WSAGetLastError() );
    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, 0 );  /* a server that is started must not keep it open */
    if (family == AF_INET6) setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&off, sizeof(off) );
    return s;
}

BOOL stored( int protocol, unsigned int first, unsigned int count )
{
    const char *path = protocol == PROTOCOL_TCP
        ? "SYSTEM\\CurrentControlSet\\Control\\Nsi\\{eb004a03-9b1a-11d4-9123-0050047759bc}\\29"
        : "SYSTEM\\CurrentControlSet\\Control\\Nsi\\{eb004a02-9b1a-11d4-9123-0050047759bc}\\5";
    char name[16];
    LSTATUS error;
    HKEY key;

    sprintf( name, "%02x%02x%02x%02x", first >> 8, first & 0xff, count & 0xff, count >> 8 );
    if (RegOpenKeyExA( HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, &key )) return FALSE;
    error = RegQueryValueExA( key, name, NULL, NULL, NULL, NULL );
    RegCloseKey( key );
    return !error;
}

unsigned int find_free_ports( unsigned int count )
{
    unsigned int tries, first, i;

    srand( GetTickCount() );
    for (tries = 0; tries < 100; tries++)
    {
        first = 10000 + rand() % 20000;
        for (i = 0; i < count; i++)
        {
            struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons( first + i ) };
            SOCKET tcp = make_socket( AF_INET, SOCK_STREAM ), udp = make_socket( AF_INET, SOCK_DGRAM );
            int busy = bind( tcp, (struct sockaddr *)&addr, sizeof(addr) ) || bind( udp, (struct sockaddr *)&addr, sizeof(addr) );

            closesocket( tcp );
            closesocket( udp );
            if (busy) break;
        }
        if (i == count) return first;
    }
    ok( 0, "no %u ports are free\n", count );
    return 0;
}
