/*
 * portserver: start, service, main loop
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "closed.h"
#include "guard.h"
#include "guard_stream.h"
#include "log.h"
#include "map.h"
#include "pipe.h"
#include "portserver.h"
#include "recovery.h"
#include "request.h"
#include "reservation.h"
#include "state.h"
#include "store.h"
#include "task.h"
#include "watch.h"
#include "wsock.h"

enum completion_key
{
    KEY_QUIT,
    KEY_PIPE,
    KEY_WATCH,
    KEY_GUARD,
};

static HANDLE completion_port;
static SERVICE_STATUS_HANDLE service;

static int fail( const char *what, NTSTATUS status )
{
    log_message( "%s (status %08x)", what, (unsigned int)status );
    return 1;
}

static int init(void)
{
    NTSTATUS status;

    server_pid = GetCurrentProcessId();
    if (!task_init()) return fail( "cannot make tasks", STATUS_NO_MEMORY );
    requests_init();
    if (!(completion_port = CreateIoCompletionPort( INVALID_HANDLE_VALUE, NULL, 0, 0 )))
        return fail( "cannot create a completion port", GetLastError() );
    /* the first thing that another server in the prefix would collide with; nobody is answered before the loop runs */
    status = pipe_init( completion_port, KEY_PIPE );
    if (status == STATUS_SHARING_VIOLATION)
        return fail( "another portserver runs in this prefix; stop it with 'net stop portserver' first", status );
    if (status) return fail( "cannot make the pipe for clients", status );
    if ((status = winsock_init())) return fail( "cannot load Wine's ws2_32.dll; run 'wine-portres install' again", status );
    if ((status = watch_init( completion_port, KEY_WATCH ))) return fail( "cannot watch sockets", status );
    if ((status = map_init())) return fail( "cannot share the port map", status );
    stream_init( completion_port, KEY_GUARD );
    guard_init();
    closed_init();
    if ((status = reservations_init())) return fail( "cannot take up the reservations of the store and of the server before", status );
    guard_init_done();
    return 0;
}

/* Wait until a client rings, or something arrives at the completion port. Returns what it is, NULL: nothing yet. */
static HANDLE wait_for_event( DWORD timeout )
{
    static BOOL port_first;
    HANDLE handles[2] = { pipe_doorbell(), completion_port };
    DWORD ret;

    if (port_first)
    {
        handles[0] = completion_port;
        handles[1] = pipe_doorbell();
    }
    ret = WaitForMultipleObjects( 2, handles, FALSE, timeout );
    if (ret == WAIT_OBJECT_0) port_first = !port_first;
    if (ret > WAIT_OBJECT_0 + 1) return NULL;
    return handles[ret - WAIT_OBJECT_0];
}

/* Handle what has arrived at the completion port, if anything. FALSE: the server has to end. */
static BOOL handle_completion(void)
{
    DWORD size = 0, error = 0;
    OVERLAPPED *overlapped = NULL;
    ULONG_PTR key = KEY_QUIT;

    if (!GetQueuedCompletionStatus( completion_port, &size, &key, &overlapped, 0 )) error = GetLastError();
    if (overlapped && key == KEY_PIPE) pipe_completed( overlapped, error, size );
    else if (overlapped && key == KEY_WATCH) watch_completed( overlapped );
    else if (overlapped && key == KEY_GUARD) stream_completed( overlapped, error, size );
    return error || key != KEY_QUIT;
}

static void main_loop(void)
{
    DWORD last_tick = GetTickCount();
    BOOL more = FALSE;  /* there are more requests in channels: take turns with the port */

    for (;;)
    {
        DWORD timeout;
        HANDLE event;

        closed_run();
        timeout = min( task_run(), 1000 );
        timeout = min( timeout, closed_timeout() );  /* a look may have ended now */
        timeout = min( timeout, pipe_run() );
        event = more ? completion_port : wait_for_event( timeout );
        if (event == completion_port && !handle_completion()) break;
        /* also when the time was over: a program of this user may have reset the doorbell */
        if (more || event != completion_port) more = pipe_serve();

        if (GetTickCount() - last_tick >= 1000)
        {
            last_tick = GetTickCount();
            pipe_tick();
            guard_tick();
            store_tick();
            state_tick();
            recovery_tick();
        }
    }
    reservations_done();
    map_clear();
    guard_exit();
}

static void set_service_state( DWORD state, DWORD exit_code )
{
    SERVICE_STATUS status = { 0 };

    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    status.dwWin32ExitCode = exit_code;
    SetServiceStatus( service, &status );
}

static DWORD WINAPI control_handler( DWORD control, DWORD event_type, void *event_data, void *context )
{
    (void)event_type; (void)event_data; (void)context;
    switch (control)
    {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        set_service_state( SERVICE_STOP_PENDING, NO_ERROR );
        PostQueuedCompletionStatus( completion_port, 0, KEY_QUIT, NULL );
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

static void WINAPI service_main( DWORD argc, WCHAR **argv )
{
    (void)argc; (void)argv;
    if (!(service = RegisterServiceCtrlHandlerExW( PORTSERVER_SERVICE, control_handler, NULL ))) return;
    set_service_state( SERVICE_START_PENDING, NO_ERROR );
    if (init())
    {
        set_service_state( SERVICE_STOPPED, ERROR_SERVICE_SPECIFIC_ERROR );
        return;
    }
    set_service_state( SERVICE_RUNNING, NO_ERROR );
    main_loop();
    set_service_state( SERVICE_STOPPED, NO_ERROR );
}

static int usage( FILE *out )
{
    fprintf( out, "Usage: portserver --foreground [--debug]\n"
             "Own the port reservations of this Wine prefix. Without an option it runs as a service, as\n"
             "'wine-portres install' sets it up, and can be started by the service manager only.\n\n"
             "  -f, --foreground   run in this console until the prefix ends\n"
             "  -d, --debug        print each request and reply on standard error\n" );
    return out == stderr;
}

int main( int argc, char *argv[] )
{
    static SERVICE_TABLE_ENTRYW services[] = { { (WCHAR *)PORTSERVER_SERVICE, service_main }, { NULL, NULL } };
    int i, foreground = 0;

    for (i = 1; i < argc; i++)
    {
        if (!strcmp( argv[i], "-f" ) || !strcmp( argv[i], "--foreground" )) foreground = 1;
        else if (!strcmp( argv[i], "-d" ) || !strcmp( argv[i], "--debug" )) debug_level = 1;
        else if (!strcmp( argv[i], "-h" ) || !strcmp( argv[i], "--help" )) return usage( stdout );
        else
        {
            fprintf( stderr, "portserver: unknown option '%s'\n", argv[i] );
            return usage( stderr );
        }
    }
    if (foreground)
    {
        if (init()) return 1;
        main_loop();
        return 0;
    }
    if (!StartServiceCtrlDispatcherW( services ))
    {
        fprintf( stderr, "portserver: not started by the service manager\n" );
        return usage( stderr );
    }
    return 0;
}
