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

#include "portclient.h"
#include "portserver.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define TIMEOUT   5000  /* ms, for a whole call */
#define MAX_CALLS 48    /* at one time; a process may have two DLLs with this code, and the server limits their sum */

struct connection
{
    HANDLE pipe;
    HANDLE event;
};

/* A connection that no call uses. A call takes it out and puts it back, so there is no lock: two calls at once use two connections,
 * and a thread that is killed in the middle of a call takes only its own connection with it. */
static struct connection *idle;

static DWORD time_left( DWORD start )
{
    DWORD passed = GetTickCount() - start;

    return passed < TIMEOUT ? TIMEOUT - passed : 0;
}

static void close_connection( struct connection *connection )
{
    if (connection->pipe != INVALID_HANDLE_VALUE) CloseHandle( connection->pipe );
    if (connection->event) CloseHandle( connection->event );
    free( connection );
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

static struct connection *open_connection( DWORD start )
{
    DWORD mode = PIPE_READMODE_MESSAGE;
    HANDLE starting = NULL, starter = NULL;
    struct connection *connection;

    if (!(connection = malloc( sizeof(*connection) ))) return NULL;
    connection->event = CreateEventW( NULL, TRUE, FALSE, NULL );
    while ((connection->pipe = CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                            FILE_FLAG_OVERLAPPED, NULL )) == INVALID_HANDLE_VALUE)
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
    if (connection->event && connection->pipe != INVALID_HANDLE_VALUE &&
        SetNamedPipeHandleState( connection->pipe, &mode, NULL, NULL ))
        return connection;
    close_connection( connection );
    return NULL;
}

/* read or write one message; returns its size, 0 on failure and when the time is up */
static DWORD transfer( struct connection *connection, DWORD start, void *buffer, DWORD size, BOOL write )
{
    OVERLAPPED overlapped = { 0 };
    BOOL ret;

    overlapped.hEvent = connection->event;
    if (write) ret = WriteFile( connection->pipe, buffer, size, NULL, &overlapped );
    else ret = ReadFile( connection->pipe, buffer, size, NULL, &overlapped );
    if (!ret)
    {
        if (GetLastError() != ERROR_IO_PENDING) return 0;
        if (WaitForSingleObject( connection->event, time_left( start ) )) CancelIoEx( connection->pipe, &overlapped );
    }
    if (!GetOverlappedResult( connection->pipe, &overlapped, &size, TRUE )) return 0;
    return size;
}

/* Wait for a reply before it is read. Wine hands over what an overlapped read brings in any thread of the process, under a lock that a
 * thread ended in the middle of its own read takes with it: a process that exits while its threads are here would wait for that lock
 * for ever. A read of no bytes needs no lock, and the one after it is done at once. Tried with 8.0 and a pipe of any program. */
static BOOL wait_reply( struct connection *connection, DWORD start )
{
    char none;

    return !transfer( connection, start, &none, 0, FALSE ) && GetLastError() == ERROR_MORE_DATA;
}

/* The server accepts only so many connections of a process: more threads than that take turns. */
static HANDLE get_turns(void)
{
    static HANDLE turns;
    HANDLE semaphore;

    if (turns || !(semaphore = CreateSemaphoreW( NULL, MAX_CALLS, MAX_CALLS, NULL ))) return turns;
    if (InterlockedCompareExchangePointer( &turns, semaphore, NULL )) CloseHandle( semaphore );
    return turns;
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

NTSTATUS portclient_call( union generic_request *req, union generic_reply *reply )
{
    static const uint32_t sizes[] = REQUEST_SIZES;
    struct connection *connection;
    DWORD start = GetTickCount(), size;
    HANDLE turns = get_turns();
    BOOL has_turn = turns && !WaitForSingleObject( turns, TIMEOUT );
    int tries;

    req->__header.size = sizes[req->__header.req];
    req->__header.version = PROTOCOL_VERSION;
    /* a server that was killed before it replied may have done it: the one that is asked again then knows */
    req->__header.serial = next_serial();
    for (tries = 0; has_turn && tries < 3; tries++)
    {
        connection = InterlockedExchangePointer( (void **)&idle, NULL );
        if (!connection && !(connection = open_connection( start ))) break;
        size = 0;
        if (transfer( connection, start, req, req->__header.size, TRUE ) && wait_reply( connection, start ))
            size = transfer( connection, start, reply, sizeof(*reply), FALSE );
        /* NOLINTBEGIN(clang-analyzer-unix.Malloc): a connection that is idle is kept for the next call */
        if (size >= sizeof(reply->__header) && size == reply->__header.size)
        {
            if ((connection = InterlockedExchangePointer( (void **)&idle, connection ))) close_connection( connection );
            ReleaseSemaphore( turns, 1, NULL );
            return reply->__header.status;
        }
        /* NOLINTEND(clang-analyzer-unix.Malloc) */
        /* the server that the connection led to is gone, another may have come */
        close_connection( connection );
        if (!time_left( start )) break;
    }
    if (has_turn) ReleaseSemaphore( turns, 1, NULL );
    memset( reply, 0, sizeof(*reply) );
    reply->__header.status = (uint32_t)STATUS_HOST_UNREACHABLE;
    return STATUS_HOST_UNREACHABLE;
}

const struct port_map *portclient_map(void)
{
    static const struct port_map *map;
    const struct port_map *view;
    HANDLE section;

    if (map) return map;
    if (!(section = OpenFileMappingW( FILE_MAP_READ, FALSE, PORT_MAP_NAME ))) return NULL;
    view = MapViewOfFile( section, FILE_MAP_READ, 0, 0, sizeof(*view) );
    /* the handle stays open: it keeps the section for the next server, should this one be killed */
    if (view && view->version == PORT_MAP_VERSION &&
        !InterlockedCompareExchangePointer( (void **)&map, (void *)view, NULL ))
        return map;
    if (view) UnmapViewOfFile( view );
    CloseHandle( section );
    return map;
}
