/*
 * A service in the place of portserver that is not as it should be
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Put into the place of portserver.exe it is started by the service manager. The file "fakeserver.mode" beside it says what it does:
 *   old       it answers as a server of another version does
 *   stopping  it has a pipe and answers nobody; told to stop, it says that it is about to, and never does */

#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "portserver.h"
#include "protocol.h"
#include "status.h"

static SERVICE_STATUS_HANDLE service;
static BOOL stopping;

static void set_state( DWORD state )
{
    SERVICE_STATUS status = { SERVICE_WIN32_OWN_PROCESS, state, state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0, 0, 0, 0, 0 };

    SetServiceStatus( service, &status );
}

static DWORD WINAPI control_handler( DWORD control, DWORD event_type, void *event_data, void *context )
{
    (void)event_type; (void)event_data; (void)context;
    if (control != SERVICE_CONTROL_STOP) return ERROR_CALL_NOT_IMPLEMENTED;
    set_state( SERVICE_STOP_PENDING );
    if (stopping) return NO_ERROR;
    set_state( SERVICE_STOPPED );
    ExitProcess( 0 );
}

static BOOL read_mode( const char *mode )
{
    char path[MAX_PATH], line[32] = "", *name;
    FILE *file;

    if (!GetModuleFileNameA( NULL, path, MAX_PATH ) || !(name = strrchr( path, '\\' ))) return FALSE;
    snprintf( name, sizeof(path) - (name - path), "\\fakeserver.mode" );
    if (!(file = fopen( path, "r" ))) return FALSE;
    if (!fgets( line, sizeof(line), file )) *line = 0;
    fclose( file );
    line[strcspn( line, "\r\n" )] = 0;
    return !strcmp( line, mode );
}

/* what request.c says to a request of a version that is not its own */
static void answer( HANDLE pipe )
{
    union generic_request req;
    union generic_reply reply;
    DWORD size;

    while (ReadFile( pipe, &req, sizeof(req), &size, NULL ))
    {
        memset( &reply, 0, sizeof(reply) );
        reply.__header.status = (uint32_t)STATUS_REVISION_MISMATCH;
        reply.__header.size = sizeof(reply.__header);
        reply.__header.version = PROTOCOL_VERSION ^ 1;
        if (!WriteFile( pipe, &reply, reply.__header.size, &size, NULL )) break;
    }
}

static void WINAPI service_main( DWORD argc, WCHAR **argv )
{
    static HANDLE mutex;
    HANDLE pipe;

    (void)argc; (void)argv;
    stopping = read_mode( "stopping" );
    service = RegisterServiceCtrlHandlerExW( PORTSERVER_SERVICE, control_handler, NULL );
    mutex = CreateMutexW( NULL, FALSE, PORTSERVER_MUTEX );
    pipe = CreateNamedPipeW( PORTSERVER_PIPE, PIPE_ACCESS_DUPLEX, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, PIPE_UNLIMITED_INSTANCES,
                             sizeof(union generic_reply), sizeof(union generic_request), 0, NULL );
    set_state( mutex ? SERVICE_RUNNING : SERVICE_STOPPED );
    for (;;)
    {
        if (stopping) Sleep( INFINITE );
        if (ConnectNamedPipe( pipe, NULL ) || GetLastError() == ERROR_PIPE_CONNECTED) answer( pipe );
        DisconnectNamedPipe( pipe );
    }
}

int main(void)
{
    static SERVICE_TABLE_ENTRYW services[] = { { (WCHAR *)PORTSERVER_SERVICE, service_main }, { NULL, NULL } };

    return !StartServiceCtrlDispatcherW( services );
}
