/*
 * What is left of Winsock when it is unloaded
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "memory, handles and threads of a program that loads and unloads Winsock a thousand times stay level" */

#include <stdlib.h>
#include <wchar.h>
#include "winsock.h"
#include "../open_handles.h"
#include <iphlpapi.h>
#include <tlhelp32.h>

#define WARM_UP  20
#define ROUNDS   1000
#define COMPARED 200
#define SLACK    320  /* bytes of the heap a round; it is two DLLs for one */

struct usage
{
    DWORD committed;  /* KB of address space that are in use, mapped files included */
    DWORD heap;       /* bytes of the process's heap that are in use */
    DWORD handles, threads;
};

static DWORD committed_size(void)
{
    MEMORY_BASIC_INFORMATION info;
    SIZE_T sum = 0;
    char *addr;

    for (addr = NULL; VirtualQuery( addr, &info, sizeof(info) ); addr = (char *)info.BaseAddress + info.RegionSize)
        if (info.State == MEM_COMMIT) sum += info.RegionSize;
    return sum / 1024;
}

static DWORD heap_bytes(void)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    SIZE_T sum = 0;

    HeapLock( GetProcessHeap() );
    while (HeapWalk( GetProcessHeap(), &entry )) if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) sum += entry.cbData;
    HeapUnlock( GetProcessHeap() );
    return sum;
}

static DWORD count_threads(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPTHREAD, 0 );
    THREADENTRY32 entry = { .dwSize = sizeof(entry) };
    DWORD count = 0;
    BOOL ret;

    for (ret = Thread32First( snapshot, &entry ); ret; ret = Thread32Next( snapshot, &entry ))
        if (entry.th32OwnerProcessID == GetCurrentProcessId()) count++;
    CloseHandle( snapshot );
    return count;
}

static struct usage get_usage(void)
{
    struct usage usage = { committed_size(), heap_bytes(), count_handles( GetCurrentProcessId() ), count_threads() };

    return usage;
}

/* A DLL that is only loaded does nothing yet, so it is used for all that it keeps something for. */
static void use_winsock( const struct winsock *winsock )
{
    struct instance inst;
    WSADATA data;
    SOCKET s, other;
    int ret;

    ret = winsock->pWSAStartup( MAKEWORD( 2, 2 ), &data );
    ok( !ret, "WSAStartup failed, error %d\n", ret );
    s = winsock->psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    other = winsock->psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    if (!(ret = acquire( winsock, s, &inst )))
    {
        ret = associate( winsock, other, inst.Token );
        ok( !ret, "associate failed, error %d\n", ret );
        ret = bind_any( winsock, other );
        ok( !ret, "bind failed, error %d\n", ret );
    }
    /* Wine 8.0's own bind() fails when ws2_32 is loaded for the second time */
    else ok( ret == WSAEOPNOTSUPP, "acquire failed, error %d\n", ret );
    winsock->pclosesocket( other );
    winsock->pclosesocket( s );
    winsock->pWSACleanup();
}

static void use_iphlpapi( HMODULE module )
{
    ULONG (WINAPI *lookup)( USHORT, USHORT, PULONG64 ) = (void *)GetProcAddress( module, "LookupPersistentUdpPortReservation" );
    DWORD (WINAPI *table)( void *, DWORD *, BOOL, ULONG, UDP_TABLE_CLASS, ULONG ) =
        (void *)GetProcAddress( module, "GetExtendedUdpTable" );
    ULONG64 token;
    DWORD size = 0;

    if (lookup) lookup( 0x0100, 1, &token );  /* a port that nobody has reserved */
    table( NULL, &size, FALSE, AF_INET, UDP_TABLE_BASIC, 0 );
}

static void round_winsock(void)
{
    struct winsock winsock;

    if (!load_winsock( &winsock )) return;
    use_winsock( &winsock );
    FreeLibrary( winsock.module );
}

static void round_iphlpapi(void)
{
    HMODULE module = LoadLibraryW( L"iphlpapi.dll" );

    ok( module != NULL, "no iphlpapi, error %lu\n", GetLastError() );
    if (!module) return;
    use_iphlpapi( module );
    FreeLibrary( module );
}

static void round_mswsock(void)
{
    HMODULE module = LoadLibraryW( L"mswsock.dll" );

    ok( module != NULL, "no mswsock, error %lu\n", GetLastError() );
    FreeLibrary( module );
}

/* What Wine loses by itself each time that a DLL is loaded and unloaded: 436 bytes of the heap in 8.0, 2600 in 10.0. So Wine's own
 * ws2_32 is loaded for comparison, where another one stands before it. */
static void round_wine(void)
{
    WCHAR path[MAX_PATH];
    HMODULE module;

    GetSystemDirectoryW( path, MAX_PATH - 32 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (!(module = LoadLibraryW( path ))) module = LoadLibraryW( L"ws2_32.dll" );
    ok( module != NULL, "no ws2_32, error %lu\n", GetLastError() );
    FreeLibrary( module );
}

static void run_rounds( void (*one_round)(void), unsigned int count, struct usage *before, struct usage *after )
{
    LONG failures = winetest_failures();
    unsigned int i;

    for (i = 0; i < WARM_UP; i++) one_round();
    *before = get_usage();
    for (i = 0; i < count && winetest_failures() == failures; i++) one_round();
    *after = get_usage();
}

static const struct
{
    const char *name;
    void (*one_round)(void);
} dlls[] =
{
    { "ws2_32", round_winsock },
    { "iphlpapi", round_iphlpapi },
    { "mswsock", round_mswsock },
};

/* level N: for one of the DLLs. In a process of its own: Wine 10.0 loads iphlpapi no more than some thousand times. */
START_TEST(level)
{
    struct usage before, after, wine_before, wine_after;
    DWORD heap, committed;
    const char *name;
    char **argv;
    int dll;

    if (winetest_get_mainargs( &argv ) < 3) return;
    dll = atoi( argv[2] );
    name = dlls[dll].name;
    ok( !GetModuleHandleW( L"ws2_32.dll" ), "this program is linked to Winsock\n" );
    run_rounds( round_wine, COMPARED, &wine_before, &wine_after );
    run_rounds( dlls[dll].one_round, ROUNDS, &before, &after );
    heap = (wine_after.heap - wine_before.heap) * (ROUNDS / COMPARED);
    committed = (wine_after.committed - wine_before.committed) * (ROUNDS / COMPARED);
    trace( "%s: %lu KB committed, then %lu; %lu of the heap, then %lu; %lu handles, then %lu; %lu threads, then %lu; Wine itself: %lu KB, %lu\n",
           name, before.committed, after.committed, before.heap, after.heap, before.handles, after.handles, before.threads, after.threads,
           committed, heap );
    /* a heap may grow by a piece when it was nearly full before */
    ok( after.committed <= before.committed + committed + 2048, "%s: %lu KB committed, then %lu\n", name, before.committed,
        after.committed );
    ok( after.heap < before.heap + heap + SLACK * ROUNDS, "%s: %lu bytes of the heap, then %lu\n", name, before.heap, after.heap );
    ok( after.handles <= before.handles, "%s: %lu handles, then %lu\n", name, before.handles, after.handles );
    ok( after.threads <= before.threads, "%s: %lu threads, then %lu\n", name, before.threads, after.threads );
    ok( !GetModuleHandleW( L"ws2_32.dll" ), "Winsock is still loaded\n" );
}

/* Nearly all of the time is Wine's loader's: some 1500 system calls a round, mostly to map and protect sections, for the up to eight DLLs that
 * one brings with it; each round takes as long as the first one. */
START_TEST(unload)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE( dlls ); i++) winetest_wait_child( winetest_start_child( FALSE, NULL, "-level %u", i ), 60000 );
}
