/*
 * The service entry of portserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "portres.h"
#include "portserver.h"

static const WCHAR display_name[] = L"wine-portres port reservation server";

#define START_MS  60000  /* for a slow machine; a start takes well under a second */
#define RETRY_MS  15000  /* a start that failed for no reason that passes by itself */
#define STOP_MS   10000  /* a server that ends by itself takes well under a second */
#define KILL_MS   10000
#define ANSWER_MS 5000   /* as long as a client waits */
#define POLL_MS   50

#define MAX_SERVERS 4    /* there is one; another may be about to find that out */

static DWORD get_state( SC_HANDLE service )
{
    SERVICE_STATUS status;

    return QueryServiceStatus( service, &status ) ? status.dwCurrentState : SERVICE_STOPPED;
}

/* Wait until none of the processes is left; returns how many are. */
static unsigned int wait_processes( const HANDLE *processes, unsigned int count, DWORD timeout )
{
    DWORD begin = GetTickCount(), passed;
    unsigned int i, left = 0;

    for (i = 0; i < count; i++)
    {
        passed = GetTickCount() - begin;
        if (WaitForSingleObject( processes[i], passed < timeout ? timeout - passed : 0 )) left++;
    }
    return left;
}

/* End the server: one that answers is told to; one that does not within a time is killed, and what it held is taken up by the next. What
 * the service manager says does not count: of a server that was killed it hears later, and of one that is stopped (SIGSTOP) nothing. */
static DWORD stop( SC_HANDLE service, enum server_state state )
{
    HANDLE processes[MAX_SERVERS];
    DWORD ids[MAX_SERVERS], service_state = get_state( service );
    unsigned int i, left, count = open_servers( processes, ids, MAX_SERVERS );
    SERVICE_STATUS status;

    left = count;
    if (count && (state == SERVER_ANSWERS || state == SERVER_OTHER_VERSION))
    {
        /* not to be asked when it is silent: the service manager waits for it, and lets nobody else ask meanwhile */
        ControlService( service, SERVICE_CONTROL_STOP, &status );
        service_state = get_state( service );
        if (service_state == SERVICE_STOPPED) service_state = SERVICE_STOP_PENDING;
    }
    /* it says that it stopped while it still has its pipe */
    if (count && service_state == SERVICE_STOP_PENDING)
        left = wait_processes( processes, count, STOP_MS );
    if (left)
    {
        for (i = 0; i < count; i++) TerminateProcess( processes[i], 1 );
        left = wait_processes( processes, count, KILL_MS );
    }
    for (i = 0; i < count; i++) CloseHandle( processes[i] );
    return left ? ERROR_TIMEOUT : ERROR_SUCCESS;
}

/* Does the server answer? One that is just starting has a pipe before that. */
static DWORD wait_answer( SC_HANDLE service )
{
    SERVICE_STATUS status = { 0 };
    DWORD begin = GetTickCount();

    for (;;)
    {
        switch (ask_server( ANSWER_MS ))
        {
        case SERVER_ANSWERS:       return ERROR_SUCCESS;
        case SERVER_OTHER_VERSION: return ERROR_REVISION_MISMATCH;
        default:                   break;
        }
        if (!QueryServiceStatus( service, &status )) return GetLastError();
        /* nothing else than its end can follow */
        if (status.dwCurrentState == SERVICE_STOPPED)
            return status.dwWin32ExitCode ? status.dwWin32ExitCode : ERROR_PROCESS_ABORTED;
        if (GetTickCount() - begin >= (status.dwCurrentState == SERVICE_START_PENDING ? START_MS : RETRY_MS)) return ERROR_TIMEOUT;
        Sleep( POLL_MS );
    }
}

/* While the service manager starts the services of a prefix that has just come up, it refuses to start others (Wine,
 * programs/services), and one that it waits for too long is given up; one that was killed runs for it until it hears of that: try again.
 * A server that runs counts only when it answers. */
static DWORD start( SC_HANDLE service )
{
    DWORD error, limit, begin = GetTickCount();

    for (;;)
    {
        if (StartServiceW( service, 0, NULL ) || GetLastError() == ERROR_SERVICE_ALREADY_RUNNING) error = wait_answer( service );
        else error = GetLastError();
        if (!error || error == ERROR_SERVICE_DISABLED || error == ERROR_REVISION_MISMATCH) return error;
        limit = error == ERROR_SERVICE_DATABASE_LOCKED || error == ERROR_SERVICE_REQUEST_TIMEOUT ? START_MS : RETRY_MS;
        if (GetTickCount() - begin >= limit) return error;
        Sleep( POLL_MS );
    }
}

static DWORD configure( SC_HANDLE service, DWORD start_type )
{
    return ChangeServiceConfigW( service, SERVICE_WIN32_OWN_PROCESS, start_type, SERVICE_ERROR_NORMAL, PORTSERVER_PATH,
                                 NULL, NULL, NULL, NULL, NULL, display_name ) ? ERROR_SUCCESS : GetLastError();
}

DWORD install_service( int restart )
{
    SC_HANDLE manager, service;
    enum server_state state;
    DWORD ret = ERROR_SUCCESS;

    if (!(manager = OpenSCManagerW( NULL, NULL, SC_MANAGER_ALL_ACCESS ))) return GetLastError();
    if ((service = OpenServiceW( manager, PORTSERVER_SERVICE, SERVICE_ALL_ACCESS ))) ret = configure( service, SERVICE_AUTO_START );
    else
    {
        service = CreateServiceW( manager, PORTSERVER_SERVICE, display_name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                  SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, PORTSERVER_PATH, NULL, NULL, NULL, NULL, NULL );
        if (!service) ret = GetLastError();
    }
    if (!ret)
    {
        state = ask_server( ANSWER_MS );
        if (state == SERVER_SILENT && get_state( service ) == SERVICE_START_PENDING) state = SERVER_NONE;
        if (state == SERVER_SILENT) printf( "The port reservation server does not answer; it is ended and started anew.\n" );
        if (restart || state == SERVER_SILENT || state == SERVER_OTHER_VERSION || is_server_outdated()) ret = stop( service, state );
    }
    if (!ret) ret = start( service );
    if (service) CloseServiceHandle( service );
    CloseServiceHandle( manager );
    return ret;
}

DWORD remove_service(void)
{
    SC_HANDLE manager, service;
    DWORD ret = ERROR_SUCCESS;

    if (!(manager = OpenSCManagerW( NULL, NULL, SC_MANAGER_ALL_ACCESS ))) return GetLastError();
    if ((service = OpenServiceW( manager, PORTSERVER_SERVICE, SERVICE_ALL_ACCESS )))
    {
        /* or a program of this prefix has it started again in the next moment */
        ret = configure( service, SERVICE_DISABLED );
        if (!ret) ret = stop( service, ask_server( ANSWER_MS ) );
        if (!ret && !DeleteService( service ) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE) ret = GetLastError();
        CloseServiceHandle( service );
    }
    else if (GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST) ret = GetLastError();
    CloseServiceHandle( manager );
    return ret;
}

DWORD start_service(void)
{
    SC_HANDLE manager, service;
    DWORD ret = ERROR_SUCCESS;

    if (!(manager = OpenSCManagerW( NULL, NULL, SC_MANAGER_CONNECT ))) return GetLastError();
    service = OpenServiceW( manager, PORTSERVER_SERVICE, SERVICE_START | SERVICE_QUERY_STATUS );
    if (!service) ret = GetLastError();
    else
    {
        ret = start( service );
        CloseServiceHandle( service );
    }
    CloseServiceHandle( manager );
    return ret;
}
