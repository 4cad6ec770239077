/*
 * The handles of a process
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_OPEN_HANDLES_H
#define PORTRES_TESTS_OPEN_HANDLES_H

#include <stdlib.h>
#include <windows.h>
#include <winternl.h>

/* HandleCount; 0 when the system does not tell. GetProcessHandleCount() says 0 on Wine. */
static inline DWORD get_handle_count( DWORD pid )
{
    static SYSTEM_PROCESS_INFORMATION *list;
    static ULONG size = 0x40000;
    const SYSTEM_PROCESS_INFORMATION *info;
    NTSTATUS status;

    if (!list) list = malloc( size );
    while ((status = NtQuerySystemInformation( SystemProcessInformation, list, size, NULL )) ==
           (NTSTATUS)0xc0000004 /* STATUS_INFO_LENGTH_MISMATCH */ && size < 0x8000000)
    {
        size *= 2;
        free( list );
        list = malloc( size );
    }
    for (info = status ? NULL : list; info; info = (const SYSTEM_PROCESS_INFORMATION *)((const char *)info + info->NextEntryOffset))
    {
        if ((ULONG_PTR)info->UniqueProcessId == pid) return info->HandleCount;
        if (!info->NextEntryOffset) break;
    }
    return 0;
}

/* The handles of a process, at most max of them; how many it has. On Wine HandleCount is the size of a table; SystemExtendedHandleInformation
 * would tell at once, but may crash wineserver 8.0, see libs/handles. */
static inline DWORD list_handles( DWORD pid, HANDLE *handles, DWORD max )
{
    BOOL is_wine = GetProcAddress( GetModuleHandleA( "ntdll" ), "wine_get_version" ) != NULL;
    DWORD total = get_handle_count( pid ), count = 0;
    HANDLE process, duplicate;
    ULONG_PTR i;

    process = pid == GetCurrentProcessId() ? GetCurrentProcess() : OpenProcess( PROCESS_DUP_HANDLE, FALSE, pid );
    if (!process) return 0;
    for (i = 1; is_wine ? i <= total : count < total && i < 0x10000; i++)
    {
        if (!DuplicateHandle( process, (HANDLE)(4 * i), GetCurrentProcess(), &duplicate, 0, FALSE, DUPLICATE_SAME_ACCESS ))
        {
            if (is_wine || GetLastError() == ERROR_INVALID_HANDLE) continue;  /* some kinds can't be duplicated on Windows */
        }
        else CloseHandle( duplicate );
        if (count < max) handles[count] = (HANDLE)(4 * i);
        count++;
    }
    if (pid != GetCurrentProcessId()) CloseHandle( process );
    return count;
}

/* 0 when the system does not tell */
static inline DWORD count_handles( DWORD pid )
{
    return list_handles( pid, NULL, 0 );
}

#endif /* PORTRES_TESTS_OPEN_HANDLES_H */
