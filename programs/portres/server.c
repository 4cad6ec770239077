/*
 * The server, seen from outside: does it answer, and how it is ended when it does not
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "portres.h"
#include "portserver.h"
#include <tlhelp32.h>

/* Unlike portclient_call() this starts no server, and tells why there is no answer. */

static DWORD time_left( DWORD start, DWORD timeout )
{
    DWORD passed = GetTickCount() - start;

    return passed < timeout ? timeout - passed : 0;
}

/* Read or write one message. Returns its size; 0 with ERROR_OPERATION_ABORTED when the time is up. */
static DWORD transfer( HANDLE pipe, HANDLE event, void *data, DWORD size, BOOL write, DWORD timeout )
{
    OVERLAPPED overlapped = { 0 };
    BOOL ret;

    overlapped.hEvent = event;
    ret = write ? WriteFile( pipe, data, size, NULL, &overlapped ) : ReadFile( pipe, data, size, NULL, &overlapped );
    if (!ret && GetLastError() != ERROR_IO_PENDING) return 0;
    if (!ret && WaitForSingleObject( event, timeout )) CancelIoEx( pipe, &overlapped );
    return GetOverlappedResult( pipe, &overlapped, &size, TRUE ) ? size : 0;
}

static enum server_state exchange( HANDLE pipe, HANDLE event, DWORD start, DWORD timeout )
{
    static const uint32_t sizes[] = REQUEST_SIZES;
    union generic_request req = { 0 };
    union generic_reply reply;
    DWORD mode = PIPE_READMODE_MESSAGE;

    req.__header.req = REQ_get_server_info;
    req.__header.size = sizes[REQ_get_server_info];
    req.__header.version = PROTOCOL_VERSION;
    if (!SetNamedPipeHandleState( pipe, &mode, NULL, NULL ) ||
        !transfer( pipe, event, &req, req.__header.size, TRUE, time_left( start, timeout ) ) ||
        transfer( pipe, event, &reply, sizeof(reply), FALSE, time_left( start, timeout ) ) < sizeof(reply.__header))
        return GetLastError() == ERROR_OPERATION_ABORTED ? SERVER_SILENT : SERVER_NONE;
    return reply.__header.version == PROTOCOL_VERSION && !reply.__header.status ? SERVER_ANSWERS : SERVER_OTHER_VERSION;
}

enum server_state ask_server( DWORD timeout )
{
    HANDLE pipe, event = CreateEventW( NULL, TRUE, FALSE, NULL );
    DWORD start = GetTickCount();
    enum server_state state = SERVER_NONE;

    while ((pipe = CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL ))
           == INVALID_HANDLE_VALUE)
    {
        if (GetLastError() != ERROR_PIPE_BUSY) break;
        state = SERVER_SILENT;
        if (!time_left( start, timeout )) break;
        WaitNamedPipeW( PORTSERVER_PIPE, time_left( start, timeout ) );
    }
    if (pipe != INVALID_HANDLE_VALUE)
    {
        state = exchange( pipe, event, start, timeout );
        CloseHandle( pipe );
    }
    CloseHandle( event );
    return state;
}

/* a handle to the process if its program is our server's, not one of another folder that has the same name */
static HANDLE open_server( DWORD pid, DWORD access )
{
    HANDLE process = OpenProcess( access | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid );
    WCHAR path[MAX_PATH];
    DWORD len = MAX_PATH;

    if (!process) return NULL;
    if (QueryFullProcessImageNameW( process, 0, path, &len ) && !lstrcmpiW( path, PORTSERVER_PATH )) return process;
    CloseHandle( process );
    return NULL;
}

unsigned int open_servers( HANDLE *processes, DWORD *ids, unsigned int count )
{
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };
    HANDLE snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPPROCESS, 0 );
    unsigned int ret = 0;
    BOOL found;

    if (snapshot == INVALID_HANDLE_VALUE) return 0;
    for (found = Process32FirstW( snapshot, &entry ); found && ret < count; found = Process32NextW( snapshot, &entry ))
    {
        if (lstrcmpiW( entry.szExeFile, L"portserver.exe" )) continue;
        if (!(processes[ret] = open_server( entry.th32ProcessID, SYNCHRONIZE | PROCESS_TERMINATE ))) continue;
        ids[ret++] = entry.th32ProcessID;
    }
    CloseHandle( snapshot );
    return ret;
}

DWORD find_server(void)
{
    HANDLE process;
    DWORD pid;

    if (!open_servers( &process, &pid, 1 )) return 0;
    CloseHandle( process );
    return pid;
}

static BOOL is_newer_file( const WCHAR *path, const FILETIME *time )
{
    WIN32_FILE_ATTRIBUTE_DATA info;

    return GetFileAttributesExW( path, GetFileExInfoStandard, &info ) && CompareFileTime( &info.ftLastWriteTime, time ) > 0;
}

BOOL is_server_outdated(void)
{
    FILETIME start, end, kernel, user;
    HANDLE process;
    DWORD pid = find_server();
    BOOL ret = FALSE;

    if (!pid || !(process = open_server( pid, PROCESS_QUERY_INFORMATION ))) return FALSE;
    if (GetProcessTimes( process, &start, &end, &kernel, &user ))
        ret = is_newer_file( PORTSERVER_PATH, &start ) || is_newer_file( PORTSERVER_FOLDER L"portguard", &start );
    CloseHandle( process );
    return ret;
}
