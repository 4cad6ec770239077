/*
 * The server, seen from a test
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_SERVER_PROCESS_H
#define PORTRES_TESTS_SERVER_PROCESS_H

#include <string.h>
#include "wine/test.h"
#include <tlhelp32.h>

/* The process that runs a program; NULL where there is none. */
static inline HANDLE open_program( const char *name, DWORD access )
{
    PROCESSENTRY32 entry = { .dwSize = sizeof(entry) };
    HANDLE snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPPROCESS, 0 ), process = NULL;
    BOOL ret;

    for (ret = Process32First( snapshot, &entry ); ret && !process; ret = Process32Next( snapshot, &entry ))
        if (!strcmp( entry.szExeFile, name )) process = OpenProcess( access, FALSE, entry.th32ProcessID );
    CloseHandle( snapshot );
    return process;
}

/* The server of this component Windows has not. */
static inline HANDLE open_server( DWORD access )
{
    return open_program( "portserver.exe", access );
}

static inline BOOL kill_server(void)
{
    HANDLE process = open_server( PROCESS_TERMINATE | SYNCHRONIZE );

    if (!process) return FALSE;
    TerminateProcess( process, 1 );
    ok( !WaitForSingleObject( process, 10000 ), "the server did not die\n" );
    CloseHandle( process );
    return TRUE;
}

#endif /* PORTRES_TESTS_SERVER_PROCESS_H */
