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
static const WCHAR binary_path[] = L"C:\\windows\\system32\\portres\\portserver.exe";

#define WAIT_MS 60000  /* for a slow machine; a start takes well under a second */
#define POLL_MS 50

/* Returns ERROR_TIMEOUT, or what ended the service, when it does not get there. */
static DWORD wait_state( SC_HANDLE service, DWORD wanted )
{
    SERVICE_STATUS status;
    DWORD i;

    for (i = 0; i < WAIT_MS / POLL_MS; i++)
    {
        if (!QueryServiceStatus( service, &status )) return GetLastError();
        if (status.dwCurrentState == wanted) return ERROR_SUCCESS;
        /* nothing else than its end can follow */
        if (status.dwCurrentState == SERVICE_STOPPED)
            return status.dwWin32ExitCode ? status.dwWin32ExitCode : ERROR_PROCESS_ABORTED;
        Sleep( POLL_MS );
    }
    return ERROR_TIMEOUT;
}

static DWORD stop( SC_HANDLE service )
{
    SERVICE_STATUS_PROCESS info = { 0 };
    SERVICE_STATUS status;
    HANDLE process = NULL;
    DWORD size, error;

    if (QueryServiceStatusEx( service, SC_STATUS_PROCESS_INFO, (BYTE *)&info, sizeof(info), &size ) && info.dwProcessId)
        process = OpenProcess( SYNCHRONIZE, FALSE, info.dwProcessId );

    if (ControlService( service, SERVICE_CONTROL_STOP, &status )) error = wait_state( service, SERVICE_STOPPED );
    else if ((error = GetLastError()) == ERROR_SERVICE_NOT_ACTIVE) error = ERROR_SUCCESS;

    /* it says that it stopped while it still has its pipe */
    if (process && !error && WaitForSingleObject( process, WAIT_MS )) error = ERROR_TIMEOUT;
    if (process) CloseHandle( process );
    return error;
}

#define RETRY_MS 15000

static BOOL server_listens(void)
{
    return WaitNamedPipeW( PORTSERVER_PIPE, 1 ) || GetLastError() == ERROR_SEM_TIMEOUT;
}

/* While the service manager starts the services of a prefix that has just come up, it refuses to start others (Wine,
 * programs/services), and one that it waits for too long is given up; one that was killed runs for it
 * until it hears of that: try again. */
static DWORD start( SC_HANDLE service )
{
    DWORD error, limit, begin = GetTickCount();

    for (;;)
    {
        if (StartServiceW( service, 0, NULL ) || GetLastError() == ERROR_SERVICE_ALREADY_RUNNING)
            error = wait_state( service, SERVICE_RUNNING );
        else error = GetLastError();
        if (!error && !server_listens()) error = ERROR_SERVICE_NOT_ACTIVE;
        if (!error) return ERROR_SUCCESS;
        limit = error == ERROR_SERVICE_DATABASE_LOCKED || error == ERROR_SERVICE_REQUEST_TIMEOUT ? WAIT_MS : RETRY_MS;
        if (GetTickCount() - begin >= limit) return error;
        Sleep( POLL_MS );
    }
}

DWORD install_service( int restart )
{
    SC_HANDLE manager, service;
    DWORD ret = ERROR_SUCCESS;

    if (!(manager = OpenSCManagerW( NULL, NULL, SC_MANAGER_ALL_ACCESS ))) return GetLastError();
    service = OpenServiceW( manager, PORTSERVER_SERVICE, SERVICE_ALL_ACCESS );
    if (service)
    {
        if (!ChangeServiceConfigW( service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                                   binary_path, NULL, NULL, NULL, NULL, NULL, display_name ))
            ret = GetLastError();
        else if (restart) ret = stop( service );
    }
    else
    {
        service = CreateServiceW( manager, PORTSERVER_SERVICE, display_name, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                  SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, binary_path, NULL, NULL, NULL, NULL, NULL );
        if (!service) ret = GetLastError();
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
    service = OpenServiceW( manager, PORTSERVER_SERVICE, SERVICE_ALL_ACCESS );
    if (service)
    {
        ret = stop( service );
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
