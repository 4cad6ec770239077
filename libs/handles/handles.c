/*
 * Every handle of every process
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "handles.h"
#include "status.h"

static NTSTATUS get_processes( SYSTEM_PROCESS_INFORMATION **list )
{
    ULONG size = 0x10000;
    NTSTATUS status;

    for (;;)
    {
        if (!(*list = malloc( size ))) return STATUS_NO_MEMORY;
        if (!(status = NtQuerySystemInformation( SystemProcessInformation, *list, size, NULL ))) return STATUS_SUCCESS;
        free( *list );
        *list = NULL;
        if (status != STATUS_INFO_LENGTH_MISMATCH) return status;
        size *= 2;
    }
}

static SYSTEM_PROCESS_INFORMATION *next_process( SYSTEM_PROCESS_INFORMATION *info )
{
    return info->NextEntryOffset ? (SYSTEM_PROCESS_INFORMATION *)((char *)info + info->NextEntryOffset) : NULL;
}

/* HandleCount is the size of the process's table in wineserver, used or not, and handles are multiples of four. *more: was each looked at
 * without func having said that it is enough? */
static NTSTATUS enum_process( struct found_handle *handle, ULONG count, handle_func func, void *context, BOOL *more )
{
    for (handle->value = 4; handle->value <= 4 * (ULONG_PTR)count && *more; handle->value += 4)
    {
        if (!DuplicateHandle( handle->process, (HANDLE)handle->value, GetCurrentProcess(), &handle->duplicate, 0, FALSE,
                              DUPLICATE_SAME_ACCESS ))
        {
            if (is_shortage_error( GetLastError() )) return STATUS_INSUFFICIENT_RESOURCES;
            continue;
        }
        *more = func( context, handle );
        CloseHandle( handle->duplicate );
    }
    return STATUS_SUCCESS;
}

NTSTATUS enum_handles( handle_func func, void *context )
{
    SYSTEM_PROCESS_INFORMATION *list, *info;
    struct found_handle handle = { 0 };
    NTSTATUS status;
    BOOL more = TRUE;

    if ((status = get_processes( &list ))) return status;
    for (info = list; info && !status && more; info = next_process( info ))
    {
        handle.pid = (ULONG_PTR)info->UniqueProcessId;
        if (!info->HandleCount) continue;
        if (!(handle.process = OpenProcess( PROCESS_DUP_HANDLE, FALSE, handle.pid )))
        {
            if (is_shortage_error( GetLastError() )) status = STATUS_INSUFFICIENT_RESOURCES;
            continue;
        }
        status = enum_process( &handle, info->HandleCount, func, context, &more );
        CloseHandle( handle.process );
    }
    free( list );
    return status;
}
