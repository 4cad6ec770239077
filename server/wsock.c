/*
 * Wine's own Winsock, reached past the overlay
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wsock.h"

#include <string.h>
#include <wchar.h>

struct winsock winsock;

static const char *const names[] =
{
    "WSAStartup", "WSAGetLastError", "socket", "WSASocketW", "bind", "listen", "accept", "connect", "getsockname",
    "getsockopt", "setsockopt", "closesocket", "select", "ioctlsocket", "WSAIoctl",
};

/* The table is filled in the order of the names. */
typedef char check_names[sizeof(names) / sizeof(names[0]) == sizeof(struct winsock) / sizeof(FARPROC) ? 1 : -1];

static HMODULE load_winsock(void)
{
    /* In a prefix with the overlay Wine's own file stands in a folder beside it. */
    static const WCHAR *const files[] = { L"\\portres\\ws2_32.dll", L"\\ws2_32.dll" };
    WCHAR path[MAX_PATH + 32];
    HMODULE module;
    unsigned int i;
    UINT len = GetSystemDirectoryW( path, MAX_PATH );

    if (!len || len >= MAX_PATH) return NULL;
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    {
        wcscpy( path + len, files[i] );
        if ((module = LoadLibraryW( path ))) return module;
        /* with the overlay the other one is the one that asks the server: ourselves */
        if (GetLastError() != ERROR_MOD_NOT_FOUND) break;
    }
    return NULL;
}

static NTSTATUS start_winsock(void)
{
    HMODULE module = load_winsock();
    struct winsock table;
    WSADATA data;
    unsigned int i;

    if (!module) return STATUS_NOT_FOUND;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        FARPROC proc = GetProcAddress( module, names[i] );

        if (!proc) return STATUS_NOT_FOUND;
        memcpy( (char *)&table + i * sizeof(proc), &proc, sizeof(proc) );
    }
    if (table.WSAStartup( MAKEWORD( 2, 2 ), &data )) return STATUS_NOT_FOUND;
    winsock = table;
    return STATUS_SUCCESS;
}

NTSTATUS winsock_init(void)
{
    static BOOL done;
    static NTSTATUS status;

    if (!done)
    {
        status = start_winsock();
        done = TRUE;
    }
    return status;
}
