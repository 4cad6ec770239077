/*
 * What the tests of persistent reservations share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>
#include <string.h>
#include "persistent_test.h"

struct protocol protocols[PROTOCOL_COUNT] =
{
    { "TCP", TCP4, NULL, NULL, NULL },
    { "UDP", UDP4, NULL, NULL, NULL },
};

BOOL load_functions(void)
{
    HMODULE iphlpapi = LoadLibraryA( "iphlpapi.dll" );
    BOOL ret = TRUE;
    WSADATA data;
    int i;

    ok( iphlpapi != NULL, "no iphlpapi.dll, error %lu\n", GetLastError() );
    ok( !WSAStartup( MAKEWORD( 2, 2 ), &data ), "WSAStartup failed\n" );
    for (i = 0; i < PROTOCOL_COUNT; i++)
    {
        char name[64];

        sprintf( name, "CreatePersistent%sPortReservation", i == TCP ? "Tcp" : "Udp" );
        protocols[i].pCreate = (void *)GetProcAddress( iphlpapi, name );
        sprintf( name, "DeletePersistent%sPortReservation", i == TCP ? "Tcp" : "Udp" );
        protocols[i].pDelete = (void *)GetProcAddress( iphlpapi, name );
        sprintf( name, "LookupPersistent%sPortReservation", i == TCP ? "Tcp" : "Udp" );
        protocols[i].pLookup = (void *)GetProcAddress( iphlpapi, name );
        if (!protocols[i].pCreate || !protocols[i].pDelete || !protocols[i].pLookup) ret = FALSE;
    }
    if (!ret) win_skip( "this system has no persistent port reservations\n" );
    srand( GetTickCount() ^ GetCurrentProcessId() );
    return ret;
}

BOOL start_persistent_test(void)
{
    unsigned int first, i;
    ULONG64 token;
    ULONG ret = ERROR_SHARING_VIOLATION;

    if (!load_functions()) return FALSE;
    for (i = 0; i < 20 && ret == ERROR_SHARING_VIOLATION; i++)
    {
        first = 20000 + rand() % 40000;
        if (!(ret = create_block( TCP, first, 1, &token ))) delete_block( TCP, first, 1 );
    }
    if (ret == ERROR_ACCESS_DENIED)
    {
        skip( "this needs an elevated administrator\n" );
        return FALSE;
    }
    ok( !ret, "could not create any reservation, error %lu\n", ret );
    return !ret;
}

ULONG create_block( int protocol, unsigned int first, unsigned int count, ULONG64 *token )
{
    ULONG ret;

    *token = 0xdeadbeefdeadbeef;
    ret = protocols[protocol].pCreate( htons( first ), count, token );
    if (ret) ok( *token == 0xdeadbeefdeadbeef || broken( TRUE ), "%s: failed with %lu, and wrote a token\n", protocols[protocol].name, ret );
    else ok( *token && *token != 0xdeadbeefdeadbeef, "%s: wrote no token\n", protocols[protocol].name );
    return ret;
}

ULONG delete_block( int protocol, unsigned int first, unsigned int count )
{
    return protocols[protocol].pDelete( htons( first ), count );
}

ULONG lookup_block( int protocol, unsigned int first, unsigned int count, ULONG64 *token )
{
    ULONG ret;

    *token = 0xdeadbeefdeadbeef;
    ret = protocols[protocol].pLookup( htons( first ), count, token );
    if (ret) ok( *token == 0xdeadbeefdeadbeef || broken( TRUE ), "%s: failed with %lu, and wrote a token\n", protocols[protocol].name, ret );
    else ok( *token && *token != 0xdeadbeefdeadbeef, "%s: wrote no token\n", protocols[protocol].name );
    return ret;
}

unsigned int create_somewhere( int protocol, unsigned int count, ULONG64 *token )
{
    ULONG ret = ERROR_SHARING_VIOLATION;
    unsigned int i, first;

    /* Not where the system takes its own choices from, if that can be helped: 49152 and up on Windows, 32768 and up on Linux. */
    for (i = 0; i < 50 && ret == ERROR_SHARING_VIOLATION; i++)
    {
        first = 20000 + rand() % (12000 - count);
        if (!(ret = create_block( protocol, first, count, token ))) return first;
    }
    ok( 0, "%s: could not create a block of %u ports, error %lu\n", protocols[protocol].name, count, ret );
    return 0;
}

ULONG create_soon( int protocol, unsigned int first, unsigned int count, ULONG64 *token )
{
    DWORD start = GetTickCount();
    ULONG ret;

    while ((ret = create_block( protocol, first, count, token )) == ERROR_SHARING_VIOLATION &&
           GetTickCount() - start < GIVE_BACK_TIMEOUT) Sleep( 10 );
    return ret;
}

HANDLE start_restricted_child( const char *args )
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_NT_AUTHORITY };
    STARTUPINFOA startup = { .cb = sizeof(startup) };
    SID_AND_ATTRIBUTES disabled = { NULL, 0 };
    char path[MAX_PATH], cmd[MAX_PATH + 256];
    HANDLE token, restricted = NULL;
    PROCESS_INFORMATION info;
    BOOL ret;

    info.hProcess = NULL;
    ret = OpenProcessToken( GetCurrentProcess(), TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY | TOKEN_QUERY, &token );
    ok( ret, "OpenProcessToken failed, error %lu\n", GetLastError() );
    AllocateAndInitializeSid( &authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &disabled.Sid );
    ret = CreateRestrictedToken( token, DISABLE_MAX_PRIVILEGE, 1, &disabled, 0, NULL, 0, NULL, &restricted );
    if (ret)
    {
        GetModuleFileNameA( NULL, path, sizeof(path) );
        sprintf( cmd, "\"%s\" " WINETEST_CHILD_PREFIX "%.200s", path, args );
        ret = CreateProcessAsUserA( restricted, path, cmd, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &info );
        CloseHandle( restricted );
    }
    if (!ret) skip( "cannot start a process with a restricted token, error %lu\n", GetLastError() );
    else CloseHandle( info.hThread );
    FreeSid( disabled.Sid );
    CloseHandle( token );
    return ret ? info.hProcess : NULL;
}
