/*
 * Talking to portserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include <wchar.h>

#include "channel.h"
#include "kept.h"
#include "portclient.h"
#include "portserver.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define TIMEOUT   5000  /* ms, for a whole call */
#define SLICE     50    /* of it, before a look whether the server lives; doubled each time */
#define MAX_CALLS 48    /* at one time; a process may have two DLLs with this code, and the server limits their sum */

/* What is read or written lies here and not on a stack: should somebody close the handles meanwhile, nobody knows when it ends. */
struct connection
{
    HANDLE              pipe;
    HANDLE              event;    /* auto-reset */
    ULONG               canary;   /* see kept.h */
    unsigned int        calls;    /* that were answered */
    struct channel     *channel;  /* NULL: there is none */
    HANDLE              doorbell;
    OVERLAPPED          overlapped;
    union generic_reply reply;
};

/* Connections that no call uses. A call takes one out and puts it back, so there is no lock: two calls at once use two connections,
 * and a thread that is killed in the middle of a call takes only its own connection with it. */
static struct connection *idle[8];

static volatile LONG calls;  /* that go on */

/* The map is in a section that the first client or the first server of the prefix makes, and the server fills. So who asks before there was
 * a server learns of it by a memory read. The handle stays open: it keeps the section for the next server, should this one be killed. */
static kept_handle section;
static const struct port_map *map;

/* not in mingw-w64's <winternl.h>; Microsoft documents them as WaitOnAddress() and WakeByAddressSingle() */
extern NTSTATUS NTAPI RtlWaitOnAddress( const void *addr, const void *compare, SIZE_T size, const LARGE_INTEGER *timeout );
extern void NTAPI RtlWakeAddressSingle( const void *addr );

static DWORD time_left( DWORD start )
{
    DWORD passed = GetTickCount() - start;

    return passed < TIMEOUT ? TIMEOUT - passed : 0;
}

/* Closing the pipe tells the server that the reply was not read, so nothing of the request may be left. */
static void close_connection( struct connection *connection )
{
    if (connection->channel) UnmapViewOfFile( connection->channel );
    close_protected( connection->doorbell, connection->canary );
    close_protected( connection->pipe, connection->canary );
    close_protected( connection->event, connection->canary );
    if (HasOverlappedIoCompleted( &connection->overlapped )) free( connection );
}

/* Ask the service manager to start the server. In a process, since that may take its own time, a program that exits meanwhile would
 * end a thread in the middle of a read (see wait_reply()), and no thread can start while a DLL is being loaded.
 *
 * Returns a job that ends that process when it is closed, also by the end of this one: a process that is created in the moment when
 * its creator ends waits for ever to be resumed, and keeps the prefix from ending. NULL on failure. */
static HANDLE start_server(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { .BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE };
    STARTUPINFOEXW startup = { .StartupInfo.cb = sizeof(startup) };
    WCHAR path[MAX_PATH + 32], command[] = L"portres start";
    ULONG_PTR attributes[16];  /* room for one */
    SIZE_T size = sizeof(attributes);
    PROCESS_INFORMATION info;
    HANDLE job;
    BOOL is_wow64;

    if (!(job = CreateJobObjectW( NULL, NULL ))) return NULL;
    startup.lpAttributeList = (void *)attributes;
    if (!SetInformationJobObject( job, JobObjectExtendedLimitInformation, &limits, sizeof(limits) ) ||
        !InitializeProcThreadAttributeList( startup.lpAttributeList, 1, 0, &size ) ||
        !UpdateProcThreadAttribute( startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, &job, sizeof(job), NULL, NULL ))
        goto failed;

    if (IsWow64Process( GetCurrentProcess(), &is_wow64 ) && is_wow64)
    {
        GetSystemWindowsDirectoryW( path, MAX_PATH );
        wcscat( path, L"\\sysnative" );
    }
    else GetSystemDirectoryW( path, MAX_PATH );
    wcscat( path, L"\\portres\\portres.exe" );
    if (!CreateProcessW( path, command, NULL, NULL, FALSE, DETACHED_PROCESS | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                         &startup.StartupInfo, &info )) goto failed;
    CloseHandle( info.hThread );
    CloseHandle( info.hProcess );
    return job;

failed:
    CloseHandle( job );
    return NULL;
}

/* One of all that wait has the server started: who gets this handle, until it is closed. */
static HANDLE claim_start(void)
{
    HANDLE mutex = CreateMutexW( NULL, FALSE, PORTSERVER_STARTING );

    if (!mutex || GetLastError() != ERROR_ALREADY_EXISTS) return mutex;
    CloseHandle( mutex );
    return NULL;
}

/* INVALID_HANDLE_VALUE, with the last error set: there is no server, or it has no instance that waits. */
static HANDLE connect_pipe(void)
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    HANDLE pipe = CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL );

    if (pipe == INVALID_HANDLE_VALUE || SetNamedPipeHandleState( pipe, &mode, NULL, NULL )) return pipe;
    /* the server was killed in this moment */
    CloseHandle( pipe );
    SetLastError( ERROR_FILE_NOT_FOUND );
    return INVALID_HANDLE_VALUE;
}

static HANDLE open_pipe( DWORD start )
{
    HANDLE pipe, starting = NULL, starter = NULL;

    while ((pipe = connect_pipe()) == INVALID_HANDLE_VALUE)
    {
        DWORD error = GetLastError();

        if (!time_left( start ) || (error != ERROR_PIPE_BUSY && error != ERROR_FILE_NOT_FOUND)) break;
        if (error == ERROR_PIPE_BUSY) WaitNamedPipeW( PORTSERVER_PIPE, time_left( start ) );
        else
        {
            if (!starting && (starting = claim_start())) starter = start_server();
            Sleep( 10 );  /* it is about to make its pipe */
        }
    }
    if (starter) CloseHandle( starter );
    if (starting) CloseHandle( starting );
    return pipe == INVALID_HANDLE_VALUE ? NULL : pipe;
}

static struct connection *open_connection( DWORD start, ULONG canary )
{
    struct connection *connection;

    if (!(connection = calloc( 1, sizeof(*connection) ))) return NULL;
    connection->canary = canary;
    if ((connection->event = CreateEventW( NULL, FALSE, FALSE, NULL )))
    {
        protect_handle( connection->event );
        if ((connection->pipe = open_pipe( start )))
        {
            protect_handle( connection->pipe );
            return connection;
        }
    }
    close_connection( connection );
    return NULL;
}

/* Nobody but the server shall be able to write. */
static HANDLE open_section(void)
{
    HANDLE ret, created;

    if ((ret = OpenFileMappingW( FILE_MAP_READ, FALSE, PORT_MAP_NAME )) || GetLastError() != ERROR_FILE_NOT_FOUND) return ret;
    created = CreateFileMappingW( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*map), PORT_MAP_NAME );
    ret = OpenFileMappingW( FILE_MAP_READ, FALSE, PORT_MAP_NAME );
    if (created) CloseHandle( created );
    return ret;
}

/* A map that there was before stays in the address space, since other threads may be reading it. */
static void open_map(void)
{
    const struct port_map *old = map, *view;
    ULONG canary = kept_canary();
    HANDLE handle;

    if (!canary || !(handle = open_section())) return;
    view = MapViewOfFile( handle, FILE_MAP_READ, 0, 0, sizeof(*view) );
    if (view && InterlockedCompareExchangePointer( (void **)&map, (void *)view, (void *)old ) == old)
        kept_put( &section, handle, canary );
    else
    {
        if (view) UnmapViewOfFile( view );
        CloseHandle( handle );
    }
}

static struct connection *take_idle(void)
{
    struct connection *connection = NULL;
    unsigned int i;

    for (i = 0; i < sizeof(idle) / sizeof(idle[0]) && !connection; i++)
        if (idle[i]) connection = InterlockedExchangePointer( (void **)&idle[i], NULL );
    return connection;
}

/* Where handles are gone, the section may be a new one by now, and its map must be the one that is read. */
static struct connection *get_connection( DWORD start )
{
    struct connection *connection = take_idle();
    ULONG canary = kept_canary();

    if (connection && connection->canary == canary) return connection;
    for (; connection; connection = take_idle()) close_connection( connection );
    if (map && !kept_get( &section )) open_map();
    return canary ? open_connection( start, canary ) : NULL;
}

static void put_connection( struct connection *connection )
{
    unsigned int i;

    for (i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        if (!idle[i] && !InterlockedCompareExchangePointer( (void **)&idle[i], connection, NULL )) return;
    close_connection( connection );
}

/* Read or write one message; returns its size, 0 on failure and when the time is up. What was read before the cancel was read. */
static DWORD transfer( struct connection *connection, DWORD start, void *buffer, DWORD size, BOOL write )
{
    OVERLAPPED *overlapped = &connection->overlapped;
    BOOL ret;

    memset( overlapped, 0, sizeof(*overlapped) );
    overlapped->hEvent = connection->event;
    if (write) ret = WriteFile( connection->pipe, buffer, size, NULL, overlapped );
    else ret = ReadFile( connection->pipe, buffer, size, NULL, overlapped );
    if (!ret)
    {
        if (GetLastError() != ERROR_IO_PENDING) return 0;
        if (WaitForSingleObject( connection->event, time_left( start ) ))
        {
            CancelIoEx( connection->pipe, overlapped );
            if (WaitForSingleObject( connection->event, TIMEOUT )) return 0;  /* it is no longer ours */
        }
    }
    if (!GetOverlappedResult( connection->pipe, overlapped, &size, TRUE )) return 0;
    return size;
}

/* Wait for a reply before it is read. Wine hands over what an overlapped read brings in any thread of the process, under a lock that a
 * thread ended in the middle of its own read takes with it: a process that exits while its threads are here would wait for that lock
 * for ever. A read of no bytes needs no lock, and the one after it is done at once. Tried with 8.0 and a pipe of any program. */
static BOOL wait_reply( struct connection *connection, DWORD start )
{
    return !transfer( connection, start, &connection->reply, 0, FALSE ) && GetLastError() == ERROR_MORE_DATA;
}

/* The server accepts only so many connections of a process: more threads than that take turns. */
static BOOL take_turn( DWORD start )
{
    LARGE_INTEGER timeout;
    LONG count;

    for (;;)
    {
        while ((count = calls) < MAX_CALLS) if (InterlockedCompareExchange( &calls, count + 1, count ) == count) return TRUE;
        timeout.QuadPart = time_left( start ) * -10000ll;
        if (!timeout.QuadPart) return FALSE;
        RtlWaitOnAddress( (const void *)&calls, &count, sizeof(count), &timeout );
    }
}

static void end_turn(void)
{
    InterlockedDecrement( &calls );
    RtlWakeAddressSingle( (void *)&calls );
}

/* The server knows by it a request that it has carried out. A DLL that is loaded anew must not begin where it began before. */
static LONG next_serial(void)
{
    static LONG last_serial;
    LARGE_INTEGER now;
    LONG serial;

    if (!last_serial)
    {
        QueryPerformanceCounter( &now );
        InterlockedCompareExchange( &last_serial, now.LowPart | 1, 0 );
    }
    while (!(serial = InterlockedIncrement( &last_serial ))) {}  /* none is 0 */
    return serial;
}

/* Send the request, and read the reply of the same connection. FALSE: the server was told nothing, or learns by the end of the
 * connection that its reply was not read. */
static BOOL exchange_messages( struct connection *connection, DWORD start, union generic_request *req )
{
    DWORD size;

    if (!transfer( connection, start, req, req->__header.size, TRUE ) || !wait_reply( connection, start )) return FALSE;
    size = transfer( connection, start, &connection->reply, sizeof(connection->reply), FALSE );
    return size >= sizeof(connection->reply.__header) && size == connection->reply.__header.size;
}

static BOOL change_state( struct channel *channel, enum channel_state from, enum channel_state to )
{
    return InterlockedCompareExchange( (LONG *)&channel->state, to, from ) == (LONG)from;
}

/* the same through the channel */
static BOOL exchange_in_channel( struct connection *connection, DWORD start, const union generic_request *req )
{
    struct channel *channel = connection->channel;
    DWORD ret, size, slice = SLICE;

    memcpy( &channel->req, req, req->__header.size );
    if (!change_state( channel, CHANNEL_IDLE, CHANNEL_REQUEST )) return FALSE;
    ret = SignalObjectAndWait( connection->doorbell, connection->event, min( slice, time_left( start ) ), FALSE );
    while (!change_state( channel, CHANNEL_REPLY, CHANNEL_IDLE ))
    {
        if (ret == WAIT_FAILED || channel->state == CHANNEL_LEFT || !time_left( start ) ||
            (ret == WAIT_TIMEOUT && !PeekNamedPipe( connection->pipe, NULL, 0, NULL, NULL, NULL )))
        {
            if (change_state( channel, CHANNEL_REQUEST, CHANNEL_LEFT ) || change_state( channel, CHANNEL_RUNNING, CHANNEL_LEFT ) ||
                channel->state == CHANNEL_LEFT) return FALSE;
            continue;  /* the server was quicker */
        }
        if (ret == WAIT_TIMEOUT) slice *= 2;
        ret = WaitForSingleObject( connection->event, min( slice, time_left( start ) ) );
    }
    memcpy( &connection->reply, &channel->reply, sizeof(channel->reply) );
    size = connection->reply.__header.size;
    return size >= sizeof(connection->reply.__header) && size <= sizeof(connection->reply);
}

/* A client that makes one call and no more needs no channel. FALSE: the connection is of no use. */
static BOOL open_channel( struct connection *connection, DWORD start )
{
    union generic_request req = { .__header = { REQ_open_channel, sizeof(req.open_channel_request), PROTOCOL_VERSION, next_serial() } };
    HANDLE section;

    req.open_channel_request.event = (ULONG_PTR)connection->event;
    req.open_channel_request.size = sizeof(struct channel);
    if (!exchange_messages( connection, start, &req )) return FALSE;
    if (connection->reply.__header.status) return TRUE;  /* then without one */
    section = (HANDLE)(ULONG_PTR)connection->reply.open_channel_reply.section;
    connection->doorbell = (HANDLE)(ULONG_PTR)connection->reply.open_channel_reply.doorbell;
    protect_handle( connection->doorbell );
    connection->channel = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(struct channel) );
    CloseHandle( section );
    return !!connection->channel;
}

static BOOL exchange( struct connection *connection, DWORD start, union generic_request *req )
{
    if (connection->calls == 1 && !open_channel( connection, start )) return FALSE;
    connection->calls++;
    return connection->channel ? exchange_in_channel( connection, start, req ) : exchange_messages( connection, start, req );
}

NTSTATUS portclient_call( union generic_request *req, union generic_reply *reply )
{
    static const uint32_t sizes[] = REQUEST_SIZES;
    struct connection *connection;
    DWORD start = GetTickCount();
    BOOL done = FALSE;

    memset( reply, 0, sizeof(*reply) );
    reply->__header.status = (uint32_t)STATUS_HOST_UNREACHABLE;
    if (!take_turn( start )) return STATUS_HOST_UNREACHABLE;
    req->__header.size = sizes[req->__header.req];
    req->__header.version = PROTOCOL_VERSION;
    /* a server that was killed before it replied may have done it: the one that is asked again then knows */
    req->__header.serial = next_serial();
    while (!done && (connection = get_connection( start )))
    {
        unsigned int calls = connection->calls;

        if ((done = exchange( connection, start, req )))
        {
            memcpy( reply, &connection->reply, connection->reply.__header.size );
            put_connection( connection );
        }
        else
        {
            /* the server that the connection led to is gone, another may have come */
            close_connection( connection );
            if (!time_left( start )) break;
            if (!calls) Sleep( 10 );
        }
    }
    end_turn();
    return reply->__header.status;
}

const struct port_map *portclient_map(void)
{
    if (!map) open_map();
    return map && map->version == PORT_MAP_VERSION ? map : NULL;
}

void portclient_unload(void)
{
    struct connection *connection;

    while ((connection = take_idle())) close_connection( connection );
    if (map) UnmapViewOfFile( map );
    kept_close( &section );
    kept_unload();
}
