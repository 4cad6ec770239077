/*
 * Death of the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Live runtime reservations outlive the server that granted them: the next one, started by a client's next call, takes up owner,
 * block, token and ports in use. Windows keeps reservations in the kernel; there is nothing to kill there. */

#include "port_test.h"
#include "server_process.h"

static void test_taken_up( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), bound, associated, late, foreign;
    struct instance inst, other;
    struct puppet puppet;
    unsigned int port;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    must_acquire( owner, 3, &inst );
    bound = associated_socket( kind, &inst );
    associated = associated_socket( kind, &inst );
    ret = bind_port( bound, first_port( &inst ) );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    puppet_socket( &puppet, 0, kind );
    ret = puppet_acquire( &puppet, 0, 0, 2, &other );
    ok( !ret, "%s: acquire failed there, error %d\n", name, ret );

    ok( kill_server(), "no server runs\n" );

    /* the block is nobody else's, before and after the next server runs */
    foreign = make_socket( kind );
    ret = bind_port( foreign, last_port( &inst ) );
    ok( ret == WSAEACCES, "%s: bind by number: error %d\n", name, ret );
    closesocket( foreign );
    puppet_socket( &puppet, 1, kind );
    ret = puppet_bind( &puppet, 1, last_port( &inst ) );
    ok( ret == WSAEACCES, "%s: bind by number there: error %d\n", name, ret );
    ret = puppet_acquire( &puppet, 1, first_port( &inst ), 3, &other );
    ok( ret == WSAEADDRINUSE, "%s: acquire over it: error %d\n", name, ret );
    ret = puppet_acquire( &puppet, 1, first_port( &inst ) + 1, 1, &other );
    ok( ret == WSAEADDRINUSE, "%s: acquire over a part of it: error %d\n", name, ret );
    foreign = make_socket( kind );
    ret = bind_port( foreign, last_port( &inst ) );
    ok( ret == WSAEACCES, "%s: bind by number: error %d\n", name, ret );
    closesocket( foreign );

    /* owner and token are known */
    ret = puppet_associate( &puppet, 1, inst.Token );
    ok( ret == WSAEACCES, "%s: associate there: error %d\n", name, ret );
    ret = puppet_release( &puppet, 1, inst.Token );
    ok( ret == WSAEACCES, "%s: release there: error %d\n", name, ret );

    /* so are an association and the ports in use */
    ret = bind_port( associated, first_port( &inst ) );
    ok( ret == WSAEADDRINUSE, "%s: bind to a port in use: error %d\n", name, ret );
    ret = bind_port( associated, 0 );
    port = local_port( associated );
    ok( !ret && in_block( &inst, port ) && port != first_port( &inst ), "%s: bind: error %d, port %u\n", name, ret, port );
    late = associated_socket( kind, &inst );
    ret = bind_port( late, 0 );
    port = local_port( late );
    ok( !ret && in_block( &inst, port ), "%s: bind: error %d, port %u\n", name, ret, port );
    closesocket( late );

    /* the port that was in use comes back when its socket closes, and the block when its owner does */
    closesocket( bound );
    late = associated_socket( kind, &inst );
    ret = bind_soon( late, first_port( &inst ) );
    ok( !ret, "%s: bind to a port given back: error %d\n", name, ret );
    closesocket( late );
    closesocket( associated );
    closesocket( owner );
    owner = make_socket( kind );
    ret = acquire_soon( owner, first_port( &inst ), 3, &inst );
    ok( !ret, "%s: acquire after the end: error %d\n", name, ret );
    closesocket( owner );
    puppet_stop( &puppet );
}

/* what ended while there was no server has ended for the next one */
static void test_ended_meanwhile( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s, waiting;
    struct instance inst, other;
    struct puppet puppet;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    must_acquire( owner, 3, &inst );
    waiting = associated_socket( kind, &inst );
    puppet_socket( &puppet, 0, kind );
    ret = puppet_acquire( &puppet, 0, 0, 2, &other );
    ok( !ret, "%s: acquire failed there, error %d\n", name, ret );
    ok( kill_server(), "no server runs\n" );
    closesocket( owner );
    puppet_kill( &puppet );

    ret = bind_port( waiting, 0 );
    ok( ret == WSAEINVAL, "%s: bind after the end: error %d\n", name, ret );
    closesocket( waiting );
    s = make_socket( kind );
    ret = acquire_soon( s, first_port( &inst ), 3, &inst );
    ok( !ret, "%s: acquire: error %d\n", name, ret );
    ret = acquire_soon( s, first_port( &other ), 2, &other );
    ok( !ret, "%s: acquire what the other process had: error %d\n", name, ret );
    closesocket( s );
}

/* and a port that was reserved can be had by its number again, also by who asks for nothing else */
static void test_number_free_again( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    struct instance inst;
    int ret;

    must_acquire( owner, 1, &inst );
    ok( kill_server(), "no server runs\n" );
    closesocket( owner );
    ret = bind_soon( s, first_port( &inst ) );
    ok( !ret, "%s: bind by number: error %d\n", name, ret );
    closesocket( s );
}

/* a server may die before it has done anything */
static void test_again_and_again( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s;
    struct instance inst, other;
    unsigned int i;
    int ret;

    must_acquire( owner, 8, &inst );
    for (i = 0; i < 8; i++)
    {
        ok( kill_server(), "no server runs\n" );
        s = make_socket( kind );
        if (i % 2)
        {
            ret = acquire( s, first_port( &inst ) + i, 1, &other );
            ok( ret == WSAEADDRINUSE, "%s: acquire: error %d\n", name, ret );
        }
        must_associate( s, inst.Token );
        ret = bind_port( s, first_port( &inst ) + i );
        ok( !ret, "%s: bind failed, error %d\n", name, ret );
        closesocket( s );
    }
    ret = release( owner, inst.Token );
    ok( !ret, "%s: release failed, error %d\n", name, ret );
    closesocket( owner );
}

/* The next call starts the server, also while a DLL is being loaded, when no thread of the process can start. */
static void test_under_loader_lock(void)
{
    NTSTATUS (WINAPI *pLdrLockLoaderLock)( ULONG, ULONG *, ULONG_PTR * );
    NTSTATUS (WINAPI *pLdrUnlockLoaderLock)( ULONG, ULONG_PTR );
    HMODULE ntdll = GetModuleHandleA( "ntdll.dll" );
    SOCKET s = make_socket( UDP4 );
    struct instance inst;
    ULONG_PTR magic;
    DWORD start;
    int ret;

    pLdrLockLoaderLock = (void *)GetProcAddress( ntdll, "LdrLockLoaderLock" );
    pLdrUnlockLoaderLock = (void *)GetProcAddress( ntdll, "LdrUnlockLoaderLock" );
    ok( kill_server(), "no server runs\n" );
    start = GetTickCount();
    pLdrLockLoaderLock( 0, NULL, &magic );
    ret = acquire( s, 0, 1, &inst );
    pLdrUnlockLoaderLock( 0, magic );
    trace( "a call that starts the server took %lu ms\n", GetTickCount() - start );
    ok( !ret, "acquire failed, error %d\n", ret );
    closesocket( s );
}

/* A process that ends while its threads call a server that is gone. */
static void test_exit_without_server(void)
{
    unsigned int i, port = find_free_block( UDP4, 8 );
    struct instance inst;
    HANDLE child;
    SOCKET s;
    int ret;

    for (i = 0; i < 20; i++)
    {
        child = winetest_start_child( FALSE, NULL, "-exiting %u %u", port, 20 + i % 5 * 15 );
        Sleep( 60 + i * 5 );
        kill_server();
        winetest_wait_child( child, 20000 );
        s = make_socket( UDP4 );
        ret = acquire_soon( s, port, 8, &inst );
        ok( !ret, "after the end of the process: error %d\n", ret );
        closesocket( s );
    }
    /* what was to start the server is gone as well */
    for (i = 0; i < 100 && (child = open_program( "portres.exe", SYNCHRONIZE )); i++)
    {
        CloseHandle( child );
        Sleep( 100 );
    }
    ok( i < 100, "a process was left behind\n" );
}

/* "whatever fails, nothing changed in the pool": also when the server comes to a request after its client has given up */
static void test_too_late( int kind )
{
    NTSTATUS (WINAPI *pNtSuspendProcess)( HANDLE ), (WINAPI *pNtResumeProcess)( HANDLE );
    const char *name = socket_kinds[kind].name;
    HMODULE ntdll = GetModuleHandleA( "ntdll.dll" );
    HANDLE server = open_server( PROCESS_SUSPEND_RESUME );
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    unsigned int port = find_free_block( kind, 2 );
    struct instance inst;
    int ret;

    pNtSuspendProcess = (void *)GetProcAddress( ntdll, "NtSuspendProcess" );
    pNtResumeProcess = (void *)GetProcAddress( ntdll, "NtResumeProcess" );
    ok( server != NULL, "no server runs\n" );
    pNtSuspendProcess( server );
    ret = acquire( owner, port, 2, &inst );
    ok( ret == WSAENETDOWN, "%s: acquire without an answer: error %d\n", name, ret );
    pNtResumeProcess( server );
    CloseHandle( server );
    ret = acquire( s, port, 2, &inst );
    ok( !ret, "%s: acquire of the same block: error %d\n", name, ret );
    closesocket( owner );
    closesocket( s );
}

START_TEST(death)
{
    HANDLE server;

    if (!start_test()) return;
    if (!(server = open_server( SYNCHRONIZE )))
    {
        win_skip( "this system keeps reservations elsewhere\n" );
        return;
    }
    CloseHandle( server );
    test_taken_up( TCP4 );
    test_taken_up( UDP_DUAL );
    test_ended_meanwhile( TCP6 );
    test_ended_meanwhile( UDP4 );
    test_number_free_again( TCP4 );
    test_number_free_again( UDP_DUAL );
    test_again_and_again( TCP_DUAL );
    test_again_and_again( UDP6 );
    test_under_loader_lock();
    test_exit_without_server();
    test_too_late( UDP4 );
}
