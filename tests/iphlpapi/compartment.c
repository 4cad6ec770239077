/*
 * The network compartment of a thread
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include "persistent_test.h"

static UINT (WINAPI *pGetCurrentThreadCompartmentId)(void);
static DWORD (WINAPI *pSetCurrentThreadCompartmentId)( UINT );

/* "A Wine that has one of these keeps its own": 8.0 has not, 10.0 has, and takes any number. */
static BOOL wine_has_function(void)
{
    const char *(CDECL *pwine_get_version)(void) = (void *)GetProcAddress( GetModuleHandleA( "ntdll.dll" ), "wine_get_version" );

    return pwine_get_version && atoi( pwine_get_version() ) > 8;
}

static DWORD WINAPI other_thread( void *unused )
{
    UINT id = pGetCurrentThreadCompartmentId();

    (void)unused;
    ok( id == 1, "got %u\n", id );
    return 0;
}

START_TEST(compartment)
{
    HANDLE thread;
    DWORD ret;
    UINT id;

    pGetCurrentThreadCompartmentId = (void *)GetProcAddress( LoadLibraryA( "iphlpapi.dll" ), "GetCurrentThreadCompartmentId" );
    pSetCurrentThreadCompartmentId = (void *)GetProcAddress( LoadLibraryA( "iphlpapi.dll" ), "SetCurrentThreadCompartmentId" );
    ok( pGetCurrentThreadCompartmentId && pSetCurrentThreadCompartmentId, "the functions are missing\n" );
    if (!pGetCurrentThreadCompartmentId || !pSetCurrentThreadCompartmentId) return;

    /* "GetCurrentThreadCompartmentId (1)"; a process in a container of Windows has another one */
    id = pGetCurrentThreadCompartmentId();
    ok( id == 1 || broken( id > 1 ), "got %u\n", id );
    ret = pSetCurrentThreadCompartmentId( id );
    ok( !ret, "the same compartment: error %lu\n", ret );
    ret = pSetCurrentThreadCompartmentId( 0 );   /* docker's libnetwork goes back by that */
    ok( !ret, "no compartment in particular: error %lu\n", ret );
    ok( pGetCurrentThreadCompartmentId() == id, "got %u, not %u\n", pGetCurrentThreadCompartmentId(), id );
    ret = pSetCurrentThreadCompartmentId( 0x12345678 );
    ok( ret == ERROR_NOT_FOUND || broken( ret != 0 ) || (!ret && wine_has_function()), "another compartment: error %lu\n", ret );
    ok( pGetCurrentThreadCompartmentId() == id, "got %u, not %u\n", pGetCurrentThreadCompartmentId(), id );

    if (id != 1) return;
    thread = CreateThread( NULL, 0, other_thread, NULL, 0, NULL );
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
}
