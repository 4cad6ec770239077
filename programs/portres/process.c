/*
 * What runs in the prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "portres.h"
#include <tlhelp32.h>

/* started by Wine itself with each prefix; they make no reservations and end with it */
static const WCHAR * const wine_services[] =
{
    L"conhost.exe", L"explorer.exe", L"plugplay.exe", L"portserver.exe", L"rpcss.exe", L"services.exe",
    L"start.exe", L"svchost.exe", L"wineboot.exe", L"winedevice.exe",
};

static int is_wine_service( const WCHAR *name )
{
    unsigned int i;

    for (i = 0; i < sizeof(wine_services) / sizeof(wine_services[0]); i++)
        if (!lstrcmpiW( name, wine_services[i] )) return 1;
    return 0;
}

void get_process_name( DWORD pid, char *name, unsigned int size )
{
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };
    HANDLE snapshot;
    BOOL found;

    lstrcpynA( name, "?", size );
    if ((snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPPROCESS, 0 )) == INVALID_HANDLE_VALUE) return;
    for (found = Process32FirstW( snapshot, &entry ); found; found = Process32NextW( snapshot, &entry ))
    {
        if (entry.th32ProcessID != pid) continue;
        if (!WideCharToMultiByte( CP_UTF8, 0, entry.szExeFile, -1, name, size, NULL, NULL ))
            lstrcpynA( name, "?", size );
        break;
    }
    CloseHandle( snapshot );
}

/* Wine marks its own modules behind the DOS header (tools/winebuild of Wine); find which kind of ws2_32 a process has.
 * Returns -1 for none. */
static int has_native_ws2_32( DWORD pid )
{
    static const char mark[] = "Wine builtin DLL";
    MODULEENTRY32W module = { .dwSize = sizeof(module) };
    char start[sizeof(IMAGE_DOS_HEADER) + sizeof(mark)];
    HANDLE snapshot, process;
    int ret = -1;
    BOOL found;

    if ((snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPMODULE | TH32CS_SNAPMODULE32, pid )) == INVALID_HANDLE_VALUE) return -1;
    process = OpenProcess( PROCESS_VM_READ, FALSE, pid );
    for (found = process && Module32FirstW( snapshot, &module ); found; found = Module32NextW( snapshot, &module ))
    {
        if (lstrcmpiW( module.szModule, L"ws2_32.dll" )) continue;
        if (!ReadProcessMemory( process, module.modBaseAddr, start, sizeof(start), NULL )) continue;
        ret = !!memcmp( start + sizeof(IMAGE_DOS_HEADER), mark, sizeof(mark) - 1 );
        if (ret) break;  /* ours loads Wine's own beside it */
    }
    if (process) CloseHandle( process );
    CloseHandle( snapshot );
    return ret;
}

int count_processes( const WCHAR *name )
{
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };
    HANDLE snapshot;
    int count = 0;
    BOOL found;

    if ((snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPPROCESS, 0 )) == INVALID_HANDLE_VALUE) return 0;
    for (found = Process32FirstW( snapshot, &entry ); found; found = Process32NextW( snapshot, &entry ))
        if (!lstrcmpiW( entry.szExeFile, name )) count++;
    CloseHandle( snapshot );
    return count;
}

void list_running_programs( int native, const char *heading )
{
    PROCESSENTRY32W entry = { .dwSize = sizeof(entry) };
    HANDLE snapshot;
    char name[3 * MAX_PATH];
    int count = 0;
    BOOL found;

    if ((snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPPROCESS, 0 )) == INVALID_HANDLE_VALUE) return;
    for (found = Process32FirstW( snapshot, &entry ); found; found = Process32NextW( snapshot, &entry ))
    {
        if (entry.th32ProcessID == GetCurrentProcessId() || is_wine_service( entry.szExeFile )) continue;
        if (has_native_ws2_32( entry.th32ProcessID ) != native) continue;
        if (!WideCharToMultiByte( CP_UTF8, 0, entry.szExeFile, -1, name, sizeof(name), NULL, NULL )) continue;
        if (!count++) printf( "%s\n", heading );
        printf( "  %s (process %lu)\n", name, entry.th32ProcessID );
    }
    CloseHandle( snapshot );
}
