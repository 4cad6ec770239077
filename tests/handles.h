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

#ifndef PORTRES_TESTS_HANDLES_H
#define PORTRES_TESTS_HANDLES_H

#include <stdlib.h>
#include <windows.h>
#include <winternl.h>

/* what SystemExtendedHandleInformation gives; GetProcessHandleCount says 0 on Wine */
struct handle_info
{
    void      *object;
    ULONG_PTR  pid;
    ULONG_PTR  handle;
    ULONG      access;
    USHORT     backtrace, type;
    ULONG      attributes, reserved;
};

struct handle_list
{
    ULONG_PTR count, reserved;
    struct handle_info handles[1];
};

/* Every handle of the system, until the next call; NULL when the system does not tell. */
static inline const struct handle_list *list_handles(void)
{
    static struct handle_list *list;
    static ULONG size = 0x40000;
    NTSTATUS status;

    if (!list) list = malloc( size );
    while ((status = NtQuerySystemInformation( (SYSTEM_INFORMATION_CLASS)64, list, size, NULL )) ==
           (NTSTATUS)0xc0000004 /* STATUS_INFO_LENGTH_MISMATCH */ && size < 0x8000000)
    {
        size *= 2;
        free( list );
        list = malloc( size );
    }
    return status ? NULL : list;
}

/* 0 when the system does not tell */
static inline DWORD count_handles( DWORD pid )
{
    const struct handle_list *list = list_handles();
    DWORD count = 0;
    ULONG_PTR i;

    for (i = 0; list && i < list->count; i++) if (list->handles[i].pid == pid) count++;
    return count;
}

#endif /* PORTRES_TESTS_HANDLES_H */
