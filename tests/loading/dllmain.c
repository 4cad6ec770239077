/*
 * Calls from DllMain
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "Any call may be made from any thread, also while a DLL is being loaded": with a server, without one, and beside threads that are in
 * calls themselves. */

#include "winsock.h"
#include "dll/loading.h"
#include "../server_process.h"

static BOOL test_load( const char *when )
{
    struct loading_results results;
    HMODULE module = LoadLibraryW( L"loading.dll" );

    ok( module != NULL, "%s: no loading.dll, error %lu\n", when, GetLastError() );
    if (!module) return FALSE;
    memcpy( &results, (void *)GetProcAddress( module, "loading_results" ), sizeof(results) );
    FreeLibrary( module );
    if (results.acquire == WSAEOPNOTSUPP)
    {
        win_skip( "this system has no port reservations\n" );
        return FALSE;
    }
    ok( !results.acquire, "%s: acquire: error %d\n", when, results.acquire );
    ok( !results.associate, "%s: associate: error %d\n", when, results.associate );
    ok( !results.bind, "%s: bind: error %d\n", when, results.bind );
    trace( "%s: %lu ms\n", when, results.time );
    return TRUE;
}

static struct winsock winsock;
static volatile LONG quit;

static DWORD WINAPI busy_thread( void *arg )
{
    SOCKET s = winsock.psocket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    struct instance inst;
    int ret;

    (void)arg;
    while (!quit)
    {
        ret = acquire( &winsock, s, &inst );
        ok( !ret || ret == WSAENOBUFS, "acquire failed, error %d\n", ret );
    }
    winsock.pclosesocket( s );
    return 0;
}

static void test_beside_threads(void)
{
    HANDLE threads[4];
    unsigned int i;
    WSADATA data;

    if (!load_winsock( &winsock )) return;
    winsock.pWSAStartup( MAKEWORD( 2, 2 ), &data );
    for (i = 0; i < ARRAY_SIZE( threads ); i++) threads[i] = CreateThread( NULL, 0, busy_thread, NULL, 0, NULL );
    for (i = 0; i < 10; i++) test_load( "beside threads" );
    if (kill_server()) test_load( "beside threads, without a server" );
    quit = 1;
    for (i = 0; i < ARRAY_SIZE( threads ); i++)
    {
        ok( !WaitForSingleObject( threads[i], 20000 ), "thread %u does not end\n", i );
        CloseHandle( threads[i] );
    }
    winsock.pWSACleanup();
    FreeLibrary( winsock.module );
}

START_TEST(dllmain)
{
    if (!test_load( "with a server" )) return;
    if (kill_server()) test_load( "without a server" );
    test_beside_threads();
}
