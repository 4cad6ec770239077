/*
 * Every way to find a Winsock function finds the same one
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* A DLL that stands before Wine's ws2_32 has Wine's beside it in the process, of the same name. Programs that find functions
 * at run time must not get past it. */

#include <string.h>
#include <wchar.h>
#include "port_test.h"
#include <tlhelp32.h>

typedef void (*function)(void);

/* what this program was linked to; set at run time, since an address in a table is that of a jump in the program itself */
static struct
{
    const char *name;
    function    imported;
} imports[32];
static unsigned int import_count;

#define IMPORT( func ) (imports[import_count].name = #func, imports[import_count++].imported = (function)(func))

static void fill_imports(void)
{
    IMPORT( WSAStartup );
    IMPORT( WSACleanup );
    IMPORT( WSAIoctl );
    IMPORT( bind );
    IMPORT( connect );
    IMPORT( WSAConnect );
    IMPORT( WSASend );
    IMPORT( sendto );
    IMPORT( WSASendTo );
    IMPORT( WSAJoinLeaf );
    IMPORT( WSAConnectByNameA );
    IMPORT( WSAConnectByNameW );
    IMPORT( socket );
    IMPORT( closesocket );
    IMPORT( getsockname );
    IMPORT( listen );
    IMPORT( accept );
    IMPORT( send );
    IMPORT( recv );
    IMPORT( WSASocketW );
    IMPORT( WSAGetLastError );
    IMPORT( getaddrinfo );
    IMPORT( freeaddrinfo );
    IMPORT( gethostname );
}

/* the numbers that programs rely on, those of Winsock 1.1 */
static const struct
{
    WORD        ordinal;
    const char *name;
} ordinals[] =
{
    { 1, "accept" }, { 2, "bind" }, { 3, "closesocket" }, { 4, "connect" }, { 5, "getpeername" }, { 6, "getsockname" },
    { 7, "getsockopt" }, { 8, "htonl" }, { 9, "htons" }, { 10, "ioctlsocket" }, { 11, "inet_addr" }, { 12, "inet_ntoa" },
    { 13, "listen" }, { 14, "ntohl" }, { 15, "ntohs" }, { 16, "recv" }, { 17, "recvfrom" }, { 18, "select" }, { 19, "send" },
    { 20, "sendto" }, { 21, "setsockopt" }, { 22, "shutdown" }, { 23, "socket" }, { 51, "gethostbyaddr" },
    { 52, "gethostbyname" }, { 53, "getprotobyname" }, { 54, "getprotobynumber" }, { 55, "getservbyname" },
    { 56, "getservbyport" }, { 57, "gethostname" }, { 101, "WSAAsyncSelect" }, { 102, "WSAAsyncGetHostByAddr" },
    { 103, "WSAAsyncGetHostByName" }, { 104, "WSAAsyncGetProtoByNumber" }, { 105, "WSAAsyncGetProtoByName" },
    { 106, "WSAAsyncGetServByPort" }, { 107, "WSAAsyncGetServByName" }, { 108, "WSACancelAsyncRequest" },
    { 109, "WSASetBlockingHook" }, { 110, "WSAUnhookBlockingHook" }, { 111, "WSAGetLastError" }, { 112, "WSASetLastError" },
    { 113, "WSACancelBlockingCall" }, { 114, "WSAIsBlocking" }, { 115, "WSAStartup" }, { 116, "WSACleanup" },
    { 151, "__WSAFDIsSet" },
};

static function get_proc( HMODULE module, const char *name )
{
    return (function)GetProcAddress( module, name );
}

static void test_module( const char *when, HMODULE expect )
{
    static const WCHAR *const names[] = { L"ws2_32", L"ws2_32.dll", L"WS2_32.DLL" };
    WCHAR path[MAX_PATH], found[MAX_PATH];
    HMODULE module;
    unsigned int i;

    for (i = 0; i < ARRAYSIZE( names ); i++)
    {
        module = GetModuleHandleW( names[i] );
        ok( module == expect, "%s: GetModuleHandle( %ls ) gave %p, not %p\n", when, names[i], module, expect );
        module = LoadLibraryW( names[i] );
        ok( module == expect, "%s: LoadLibrary( %ls ) gave %p, not %p\n", when, names[i], module, expect );
        FreeLibrary( module );
    }

    GetSystemDirectoryW( path, MAX_PATH - 16 );
    wcscat( path, L"\\ws2_32.dll" );
    module = GetModuleHandleW( path );
    ok( module == expect, "%s: GetModuleHandle( %ls ) gave %p, not %p\n", when, path, module, expect );
    module = LoadLibraryW( path );
    ok( module == expect, "%s: LoadLibrary( %ls ) gave %p, not %p\n", when, path, module, expect );
    FreeLibrary( module );
    GetModuleFileNameW( expect, found, MAX_PATH );
    ok( !wcsicmp( path, found ), "%s: the module is %ls, not %ls\n", when, found, path );

    for (i = 0; i < import_count; i++)
    {
        function proc = get_proc( GetModuleHandleW( L"ws2_32" ), imports[i].name );

        ok( proc == imports[i].imported, "%s: GetProcAddress( %s ) gave %p, not %p\n", when, imports[i].name, proc,
            imports[i].imported );
    }
}

/* the functions lie in the module that is said to export them */
static void test_addresses( HMODULE expect )
{
    HMODULE module;
    unsigned int i;
    BOOL ret;

    for (i = 0; i < import_count; i++)
    {
        module = NULL;
        ret = GetModuleHandleExW( GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                                  (const WCHAR *)imports[i].imported, &module );
        ok( ret && module == expect, "%s lies in %p, not in %p\n", imports[i].name, module, expect );
    }
}

static void test_ordinals( HMODULE module )
{
    unsigned int i;

    for (i = 0; i < ARRAYSIZE( ordinals ); i++)
    {
        function by_name = get_proc( module, ordinals[i].name );
        function by_number = get_proc( module, (const char *)(ULONG_PTR)ordinals[i].ordinal );

        ok( by_name != NULL, "%s is missing\n", ordinals[i].name );
        ok( by_name == by_number, "%u gave %p, not %p of %s\n", ordinals[i].ordinal, by_number, by_name, ordinals[i].name );
    }
    ok( !get_proc( module, "no_such_function" ), "found a function that does not exist\n" );
    ok( GetLastError() == ERROR_PROC_NOT_FOUND, "got error %lu\n", GetLastError() );
    ok( !get_proc( module, (const char *)499 ), "found a function of a number that is free\n" );
}

/* forwards of another DLL, resolved after ours was loaded */
static void test_forwards(void)
{
    static const char *const names[] = { "bind", "connect", "sendto", "listen", "closesocket" };
    HMODULE wsock32 = LoadLibraryW( L"wsock32.dll" ), ws2_32 = GetModuleHandleW( L"ws2_32" );
    unsigned int i;

    ok( wsock32 != NULL, "no wsock32, error %lu\n", GetLastError() );
    for (i = 0; i < ARRAYSIZE( names ); i++)
    {
        function proc = get_proc( wsock32, names[i] ), expect = get_proc( ws2_32, names[i] );

        ok( proc == expect, "%s of wsock32 is %p, not %p\n", names[i], proc, expect );
    }
    FreeLibrary( wsock32 );
}

/* the process has one module of the name */
static void test_snapshot(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot( TH32CS_SNAPMODULE, 0 );
    MODULEENTRY32W entry;
    unsigned int count = 0;
    BOOL ret;

    ok( snapshot != INVALID_HANDLE_VALUE, "no snapshot, error %lu\n", GetLastError() );
    entry.dwSize = sizeof(entry);
    for (ret = Module32FirstW( snapshot, &entry ); ret; ret = Module32NextW( snapshot, &entry ))
    {
        if (!wcsicmp( entry.szModule, L"ws2_32.dll" )) count++;
    }
    ok( count == 1, "got %u modules\n", count );
    CloseHandle( snapshot );
}

/* where the component is installed, all of that is about its DLL and not about Wine's */
static void test_installed( HMODULE module )
{
    WCHAR path[MAX_PATH];

    GetSystemDirectoryW( path, MAX_PATH - 32 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (GetFileAttributesW( path ) == INVALID_FILE_ATTRIBUTES)
    {
        win_skip( "no other DLL stands before ws2_32 here\n" );
        return;
    }
    ok( FindResourceW( module, L"MARK", (const WCHAR *)RT_RCDATA ) != NULL, "the program uses Wine's own ws2_32\n" );
}

static const BYTE *find_version( HMODULE module, DWORD *size )
{
    HRSRC resource = FindResourceW( module, MAKEINTRESOURCEW( VS_VERSION_INFO ), (const WCHAR *)RT_VERSION );

    *size = SizeofResource( module, resource );
    return LockResource( LoadResource( module, resource ) );
}

/* "the version resource ... of each DLL are those of Wine's own" */
static void test_version( const WCHAR *name )
{
    static const DWORD signature = 0xfeef04bd;  /* VS_FIXEDFILEINFO */
    WCHAR path[MAX_PATH], wine_path[MAX_PATH], system[MAX_PATH];
    DWORD size, wine_size, numbers[2] = { 0 }, i;
    const BYTE *version, *wine_version;
    HMODULE module, wine, loaded;

    GetSystemDirectoryW( system, MAX_PATH );
    swprintf( path, ARRAYSIZE( path ), L"%ls\\%ls", system, name );
    swprintf( wine_path, ARRAYSIZE( wine_path ), L"%ls\\portres\\%ls", system, name );
    module = LoadLibraryExW( path, NULL, LOAD_LIBRARY_AS_DATAFILE );
    version = find_version( module, &size );
    ok( version != NULL, "%ls has no version, error %lu\n", name, GetLastError() );
    for (i = 0; version && i + 24 < size; i += 4)
        if (!memcmp( version + i, &signature, sizeof(signature) )) memcpy( numbers, version + i + 8, sizeof(numbers) );
    ok( numbers[0] || numbers[1], "%ls has version 0\n", name );
    trace( "%ls: version %lu.%lu.%lu.%lu\n", name, numbers[0] >> 16, numbers[0] & 0xffff, numbers[1] >> 16, numbers[1] & 0xffff );

    if ((wine = LoadLibraryExW( wine_path, NULL, LOAD_LIBRARY_AS_DATAFILE )))
    {
        wine_version = find_version( wine, &wine_size );
        ok( version && wine_version && size == wine_size && !memcmp( version, wine_version, size ), "%ls: not the version of Wine's\n",
            name );
        loaded = LoadLibraryW( name );
        version = find_version( loaded, &size );
        ok( version && wine_version && size == wine_size && !memcmp( version, wine_version, size ),
            "%ls: not the version of Wine's once it is loaded\n", name );
        FreeLibrary( loaded );
        FreeLibrary( wine );
    }
    FreeLibrary( module );
}

/* Wine's own DLL goes and comes with the one that stands before it */
static void test_load_and_free(void)
{
    static const WCHAR *const names[] = { L"ws2_32.dll", L"iphlpapi.dll" };
    HMODULE module, again;
    unsigned int i, j;

    for (i = 0; i < ARRAYSIZE( names ); i++)
    {
        module = LoadLibraryW( names[i] );
        ok( module != NULL, "no %ls, error %lu\n", names[i], GetLastError() );
        for (j = 0; j < 20; j++)
        {
            again = LoadLibraryW( names[i] );
            ok( again == module, "%ls: got %p, not %p\n", names[i], again, module );
            FreeLibrary( again );
        }
        FreeLibrary( module );
    }
}

START_TEST(overlay)
{
    /* each of them imports ws2_32, or loads it when it is needed */
    static const WCHAR *const others[] =
    {
        L"winhttp.dll", L"wininet.dll", L"rpcrt4.dll", L"mswsock.dll", L"wsock32.dll", L"dnsapi.dll", L"netapi32.dll",
        L"iphlpapi.dll", L"urlmon.dll", L"secur32.dll",
    };
    HMODULE module = GetModuleHandleW( L"ws2_32.dll" ), other_modules[ARRAY_SIZE( others )] = { NULL };
    unsigned int i;

    ok( module != NULL, "ws2_32 is not loaded\n" );
    fill_imports();
    test_installed( module );
    test_module( "at first", module );
    test_addresses( module );
    test_ordinals( module );
    test_snapshot();
    test_version( L"ws2_32.dll" );
    test_version( L"iphlpapi.dll" );
    test_version( L"mswsock.dll" );
    for (i = 0; i < ARRAYSIZE( others ); i++)
    {
        if (!(other_modules[i] = LoadLibraryW( others[i] ))) trace( "no %ls, error %lu\n", others[i], GetLastError() );
    }
    test_module( "after other DLLs were loaded", module );
    test_forwards();
    test_load_and_free();
    test_snapshot();
    for (i = 0; i < ARRAY_SIZE( others ); i++) if (other_modules[i]) FreeLibrary( other_modules[i] );
    test_module( "at last", module );
}
