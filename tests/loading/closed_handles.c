/*
 * A program that closes the handles it does not know
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "A program that closes handles it does not know (as sandboxes do)": the calls after that work, and what the program then has under the
 * numbers of those handles is left alone. Chromium's sandbox takes the protection off each handle, closes it, and puts an event of its own
 * in the place (sandbox/win/src/handle_closer_agent.cc). */

#include "winsock.h"
#include "../open_handles.h"

#define MAX_HANDLES 256

struct handles
{
    unsigned int count;
    HANDLE       values[MAX_HANDLES];
};

enum way
{
    WAY_CLOSE,     /* as it is */
    WAY_UNPROTECT, /* with the protection off */
    WAY_EVENTS,    /* and events of the program in their place */
    WAY_FILES,     /* and files */
    WAY_COUNT
};

static const char *const ways[] = { "closed", "unprotected and closed", "events", "files" };

typedef ULONG (WINAPI *lookup_function)( USHORT, USHORT, PULONG64 );

static void get_handles( struct handles *handles )
{
    handles->count = min( list_handles( GetCurrentProcessId(), handles->values, MAX_HANDLES ), MAX_HANDLES );
}

static BOOL has_handle( const struct handles *handles, HANDLE handle )
{
    unsigned int i;

    for (i = 0; i < handles->count; i++) if (handles->values[i] == handle) return TRUE;
    return FALSE;
}

static unsigned int close_unknown( const struct handles *known, enum way way )
{
    struct handles now;
    unsigned int i, closed = 0;

    get_handles( &now );
    for (i = 0; i < now.count; i++)
    {
        if (has_handle( known, now.values[i] )) continue;
        if (way != WAY_CLOSE) SetHandleInformation( now.values[i], HANDLE_FLAG_PROTECT_FROM_CLOSE, 0 );
        if (CloseHandle( now.values[i] )) closed++;
    }
    return closed;
}

static HANDLE create_file( unsigned int number )
{
    char folder[MAX_PATH], path[MAX_PATH + 64];

    GetTempPathA( sizeof(folder), folder );
    sprintf( path, "%sportres-%lx-%u", folder, GetCurrentProcessId(), number );
    return CreateFileA( path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                        FILE_FLAG_OVERLAPPED | FILE_FLAG_DELETE_ON_CLOSE, NULL );
}

/* everything that keeps a handle for the next call */
static void test_calls( const char *way, const struct winsock *winsock, SOCKET s, lookup_function lookup )
{
    SOCKET other = winsock->psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    struct instance inst;
    ULONG64 token;
    ULONG error;
    int ret;

    ret = acquire( winsock, s, &inst );
    ok( !ret, "%s: acquire: error %d\n", way, ret );
    ret = associate( winsock, other, inst.Token );
    ok( !ret, "%s: associate: error %d\n", way, ret );
    ret = bind_any( winsock, other );
    ok( !ret, "%s: bind: error %d\n", way, ret );
    winsock->pclosesocket( other );
    error = lookup( 0x0100, 1, &token );  /* a port that nobody has reserved */
    ok( error == ERROR_NOT_FOUND, "%s: lookup: error %lu\n", way, error );
}

static void test_way( enum way way, const struct handles *before, const struct winsock *winsock, lookup_function lookup )
{
    SOCKET s = winsock->psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    HANDLE own[MAX_HANDLES];
    unsigned int i, closed, count = 0;
    struct handles known = *before;
    LARGE_INTEGER size;

    known.values[known.count++] = (HANDLE)s;
    test_calls( ways[way], winsock, s, lookup );
    closed = close_unknown( &known, way );
    trace( "%s: %u handles\n", ways[way], closed );
    if (way == WAY_EVENTS) for (; count < closed + 8; count++) own[count] = CreateEventW( NULL, TRUE, FALSE, NULL );
    if (way == WAY_FILES) for (; count < closed + 8; count++) own[count] = create_file( count );
    test_calls( ways[way], winsock, s, lookup );
    test_calls( ways[way], winsock, s, lookup );
    for (i = 0; i < count; i++)
    {
        if (way == WAY_EVENTS)
        {
            DWORD ret = WaitForSingleObject( own[i], 0 );
            ok( ret == WAIT_TIMEOUT, "event %u of the program: %#lx\n", i, ret );
        }
        else
        {
            ok( GetFileSizeEx( own[i], &size ), "file %u of the program: error %lu\n", i, GetLastError() );
            ok( !size.QuadPart, "file %u of the program has %lu bytes\n", i, size.LowPart );
        }
    }
    winsock->pclosesocket( s );
    for (i = 0; i < count; i++) ok( CloseHandle( own[i] ), "handle %u of the program: error %lu\n", i, GetLastError() );
}

/* Wine's own ws2_32 keeps an event for each thread, and fails without it. So it must be there before the handles that are known are listed. */
static void use_wine_winsock( const struct winsock *ours )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    struct winsock wine = { NULL };
    WCHAR path[MAX_PATH];
    SOCKET s;

    GetSystemDirectoryW( path, MAX_PATH - 32 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (!(wine.module = GetModuleHandleW( path ))) return;
    wine.pbind = (void *)GetProcAddress( wine.module, "bind" );
    s = ours->psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    ok( !wine.pbind( s, (struct sockaddr *)&addr, sizeof(addr) ), "Wine's bind: error %d\n", ours->pWSAGetLastError() );
    ours->pclosesocket( s );
}

START_TEST(closed_handles)
{
    struct handles before;
    struct winsock winsock;
    lookup_function lookup;
    struct instance inst;
    HMODULE iphlpapi;
    WSADATA data;
    enum way way;
    SOCKET s;
    int ret;

    if (!load_winsock( &winsock )) return;
    iphlpapi = LoadLibraryW( L"iphlpapi.dll" );
    lookup = (void *)GetProcAddress( iphlpapi, "LookupPersistentUdpPortReservation" );
    ret = winsock.pWSAStartup( MAKEWORD( 2, 2 ), &data );
    ok( !ret, "WSAStartup failed, error %d\n", ret );
    use_wine_winsock( &winsock );
    get_handles( &before );
    s = winsock.psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    ret = acquire( &winsock, s, &inst );
    winsock.pclosesocket( s );
    if (ret || !winetest_is_wine())
    {
        /* Windows' own Winsock does not have to bear it */
        win_skip( "acquire: error %d, and the handles that Winsock keeps are unknown\n", ret );
    }
    else for (way = 0; way < WAY_COUNT; way++) test_way( way, &before, &winsock, lookup );
    winsock.pWSACleanup();
    FreeLibrary( iphlpapi );
    FreeLibrary( winsock.module );
}
