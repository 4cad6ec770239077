/*
 * What netsh leaves to the one of Wine: it is started
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wine_netsh.h"

#include <stdio.h>
#include <stdlib.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

int run_wine_netsh( const WCHAR *tail, int quiet )
{
    static const WCHAR name[] = L"\\portres\\netsh.exe";
    SECURITY_ATTRIBUTES inherited = { .nLength = sizeof(inherited), .bInheritHandle = TRUE };
    STARTUPINFOW startup = { .cb = sizeof(startup) };
    HANDLE nothing = INVALID_HANDLE_VALUE;
    PROCESS_INFORMATION info;
    WCHAR path[MAX_PATH], *line;
    DWORD exit_code = 1;
    UINT len = GetSystemDirectoryW( path, MAX_PATH - sizeof(name) / sizeof(WCHAR) );

    if (!len || len >= MAX_PATH - sizeof(name) / sizeof(WCHAR)) return 1;
    wcscat( path, name );
    if (!(line = malloc( (wcslen( path ) + wcslen( tail ) + 4) * sizeof(WCHAR) ))) return 1;
    wcscpy( line, L"\"" );
    wcscat( line, path );
    wcscat( line, L"\" " );
    wcscat( line, tail );
    if (quiet)
    {
        /* the commands that follow are for us */
        nothing = CreateFileW( L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL );
        startup.dwFlags = STARTF_USESTDHANDLES;
        startup.hStdInput = nothing;
        startup.hStdOutput = GetStdHandle( STD_OUTPUT_HANDLE );
        startup.hStdError = GetStdHandle( STD_ERROR_HANDLE );
    }
    fflush( stdout );
    if (CreateProcessW( path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &info ))
    {
        SetConsoleCtrlHandler( NULL, TRUE );  /* Ctrl-C is for the other one */
        WaitForSingleObject( info.hProcess, INFINITE );
        SetConsoleCtrlHandler( NULL, FALSE );
        GetExitCodeProcess( info.hProcess, &exit_code );
        CloseHandle( info.hThread );
        CloseHandle( info.hProcess );
    }
    else
        fprintf( stderr, "netsh: cannot start %ls (error %lu); 'wine-portres install' puts Wine's own netsh there\n",
                 path, GetLastError() );
    if (nothing != INVALID_HANDLE_VALUE) CloseHandle( nothing );
    free( line );
    return exit_code;
}
