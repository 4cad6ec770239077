/*
 * How long a reservation lives
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 5 of the specification: "A runtime reservation ends with the last handle of the socket on which it was acquired,
 * however it goes: closesocket, CloseHandle, process exit, crash, kill -9; a duplicated or inherited handle keeps it alive. It may
 * only be consumed by the process that acquired it." */

#include "port_test.h"

/* what a block of another socket's says as long as it lives */
static void check_alive( int line, int kind, const struct instance *inst, const char *what )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s = make_socket( kind );
    struct instance none;
    int ret;

    /* an end would be noticed within this time */
    Sleep( 100 );
    ret = acquire( s, first_port( inst ), 1, &none );
    ok_( __FILE__, line, ret == WSAEADDRINUSE, "%s, %s: acquire over it: error %d\n", name, what, ret );
    ret = bind_port( s, first_port( inst ) );
    ok_( __FILE__, line, ret == WSAEACCES || broken( TRUE ), "%s, %s: bind to it: error %d\n", name, what, ret );
    closesocket( s );
}

/* all of it is free, within a second */
static void check_ended( int line, int kind, const struct instance *inst, const char *what )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s = make_socket( kind ), other = make_socket( kind );
    DWORD start = GetTickCount();
    struct instance again;
    int ret;

    ret = acquire_soon( s, first_port( inst ), inst->Reservation.NumberOfPorts, &again );
    ok_( __FILE__, line, !ret, "%s, %s: acquire after its end: error %d after %lu ms\n", name, what, ret, GetTickCount() - start );
    ok_( __FILE__, line, ret || again.Token != inst->Token, "%s, %s: the same token again\n", name, what );
    ret = associate( other, inst->Token );
    ok_( __FILE__, line, ret == WSAEINVAL, "%s, %s: the old token: error %d\n", name, what, ret );
    closesocket( other );
    closesocket( s );
}

static SOCKET acquired_socket( int kind, struct instance *inst )
{
    SOCKET s = make_socket( kind );

    must_acquire( s, 3, inst );
    return s;
}

static void test_closesocket( int kind )
{
    struct instance inst;
    SOCKET s = acquired_socket( kind, &inst ), bound = make_socket( kind );

    check_alive( __LINE__, kind, &inst, "open" );
    closesocket( s );
    check_ended( __LINE__, kind, &inst, "closesocket" );

    /* bound, listening or connected sockets are no different */
    bind_loopback( bound, 0 );
    if (socket_kinds[kind].type == SOCK_STREAM) listen( bound, 1 );
    must_acquire( bound, 3, &inst );
    closesocket( bound );
    check_ended( __LINE__, kind, &inst, "closesocket of a bound one" );

    s = acquired_socket( kind, &inst );
    shutdown( s, SD_BOTH );
    check_alive( __LINE__, kind, &inst, "shut down" );
    CloseHandle( (HANDLE)s );
    check_ended( __LINE__, kind, &inst, "CloseHandle" );
}

static void test_duplicate_handle( int kind )
{
    struct instance inst;
    SOCKET s = acquired_socket( kind, &inst ), other = make_socket( kind );
    HANDLE dup = NULL;
    int ret;

    DuplicateHandle( GetCurrentProcess(), (HANDLE)s, GetCurrentProcess(), &dup, 0, FALSE, DUPLICATE_SAME_ACCESS );
    ok( dup != NULL, "DuplicateHandle failed, error %lu\n", GetLastError() );
    closesocket( s );
    check_alive( __LINE__, kind, &inst, "a duplicate is open" );
    ret = associate( other, inst.Token );
    ok( !ret, "associate by way of the duplicate: error %d\n", ret );
    ret = bind_port( other, 0 );
    ok( !ret && in_block( &inst, local_port( other ) ), "error %d, port %u\n", ret, local_port( other ) );
    closesocket( other );
    CloseHandle( dup );
    check_ended( __LINE__, kind, &inst, "CloseHandle of the duplicate" );
}

/* the number of the handle, which another socket may come to have, says nothing */
static void test_handle_again( int kind )
{
    struct instance inst;
    SOCKET s = acquired_socket( kind, &inst ), other;
    HANDLE dup = NULL;

    DuplicateHandle( GetCurrentProcess(), (HANDLE)s, GetCurrentProcess(), &dup, 0, FALSE, DUPLICATE_SAME_ACCESS );
    ok( dup != NULL, "DuplicateHandle failed, error %lu\n", GetLastError() );
    closesocket( s );
    other = make_socket( kind );
    check_alive( __LINE__, kind, &inst, "a duplicate is open" );
    closesocket( other );
    check_alive( __LINE__, kind, &inst, "a socket that may have had the same handle is closed" );
    CloseHandle( dup );
    check_ended( __LINE__, kind, &inst, "CloseHandle of the duplicate" );
}

static void test_process_end( int kind, BOOL kill )
{
    struct instance inst, second;
    struct puppet puppet;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    puppet_socket( &puppet, 0, kind );
    ret = puppet_acquire( &puppet, 0, 0, 3, &inst );
    ok( !ret, "acquire failed, error %d\n", ret );
    ret = puppet_acquire( &puppet, 0, 0, 100, &second );
    ok( !ret, "acquire failed, error %d\n", ret );
    puppet_socket( &puppet, 1, kind );
    ret = puppet_associate( &puppet, 1, inst.Token );
    ok( !ret, "associate failed, error %d\n", ret );
    ret = puppet_bind( &puppet, 1, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    check_alive( __LINE__, kind, &inst, "held by another process" );
    check_alive( __LINE__, kind, &second, "held by another process" );
    if (kill) puppet_kill( &puppet );
    else puppet_stop( &puppet );
    check_ended( __LINE__, kind, &inst, kill ? "killed" : "process ended" );
    check_ended( __LINE__, kind, &second, kill ? "killed" : "process ended" );
}

/* a child that knows nothing of it, and gets a handle all the same */
static void test_inherited( int kind, BOOL kill )
{
    struct instance inst;
    SOCKET s = acquired_socket( kind, &inst );
    struct puppet puppet;

    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT );
    if (!puppet_start( &puppet, TRUE )) return;
    puppet_local_port( &puppet, 0 );   /* it runs */
    closesocket( s );
    check_alive( __LINE__, kind, &inst, "a child has a handle" );
    if (kill) puppet_kill( &puppet );
    else puppet_stop( &puppet );
    check_ended( __LINE__, kind, &inst, kill ? "child killed" : "child ended" );

    /* and one that does not inherit has none */
    s = acquired_socket( kind, &inst );
    if (!puppet_start( &puppet, FALSE )) return;
    puppet_local_port( &puppet, 0 );
    closesocket( s );
    check_ended( __LINE__, kind, &inst, "a child has no handle" );
    puppet_stop( &puppet );
}

static void test_duplicate_socket( int kind )
{
    struct instance inst;
    SOCKET s = acquired_socket( kind, &inst );
    struct puppet puppet;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    ret = puppet_receive( &puppet, 0, s );
    ok( !ret, "no socket from WSADuplicateSocket, error %d\n", ret );
    closesocket( s );
    check_alive( __LINE__, kind, &inst, "duplicated to another process" );

    /* "It may only be consumed by the process that acquired it." */
    puppet_socket( &puppet, 1, kind );
    ret = puppet_associate( &puppet, 1, inst.Token );
    ok( ret == WSAEACCES || broken( TRUE ), "associate there: error %d\n", ret );
    ret = puppet_associate( &puppet, 0, inst.Token );
    ok( ret == WSAEACCES || broken( TRUE ), "associate of the duplicate itself: error %d\n", ret );
    ret = puppet_release( &puppet, 0, inst.Token );
    ok( ret == WSAEACCES || broken( TRUE ), "release there: error %d\n", ret );
    check_alive( __LINE__, kind, &inst, "after another process tried to release it" );

    ret = puppet_close( &puppet, 0 );
    ok( !ret, "closesocket there failed, error %d\n", ret );
    check_ended( __LINE__, kind, &inst, "closesocket of the duplicate" );
    puppet_stop( &puppet );
}

/* An association made before the duplication is honoured where the socket is bound afterwards. */
static void test_duplicate_associated( int kind )
{
    struct instance inst;
    SOCKET owner = acquired_socket( kind, &inst ), s = make_socket( kind ), other = make_socket( kind );
    struct puppet puppet;
    unsigned int port;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    must_associate( s, inst.Token );
    ret = puppet_receive( &puppet, 0, s );
    ok( !ret, "no socket from WSADuplicateSocket, error %d\n", ret );
    ret = puppet_bind( &puppet, 0, 0 );
    ok( !ret, "bind there failed, error %d\n", ret );
    port = puppet_local_port( &puppet, 0 );
    ok( in_block( &inst, port ), "got %u, not of %u-%u\n", port, first_port( &inst ), last_port( &inst ) );
    ok( local_port( s ) == port, "it is %u here\n", local_port( s ) );

    /* the port is held until the last of the two handles goes */
    closesocket( s );
    Sleep( 100 );
    must_associate( other, inst.Token );
    ret = bind_port( other, port );
    ok( ret == WSAEADDRINUSE, "while the other process has it: error %d\n", ret );
    puppet_close( &puppet, 0 );
    ret = bind_soon( other, port );
    ok( !ret, "after the last close: error %d\n", ret );

    puppet_stop( &puppet );
    closesocket( other );
    closesocket( owner );
}

/* Whoever associates a socket, and by whatever handle: it is bound from the block. */
static void test_associated_elsewhere( int kind )
{
    struct instance inst;
    SOCKET s = make_socket( kind ), owner;
    struct sockaddr_in6 addr = { 0 };
    struct puppet puppet;
    HANDLE dup = NULL;
    int ret;

    /* by another process, that acquired the block */
    if (!puppet_start( &puppet, FALSE )) return;
    puppet_receive( &puppet, 0, s );
    puppet_socket( &puppet, 1, kind );
    ret = puppet_acquire( &puppet, 1, 0, 4, &inst );
    ok( !ret, "acquire there: error %d\n", ret );
    ret = puppet_associate( &puppet, 0, inst.Token );
    ok( !ret, "associate there: error %d\n", ret );
    ret = bind_port( s, 0 );
    ok( !ret, "bind: error %d\n", ret );
    ok( in_block( &inst, local_port( s ) ), "got %u, not of %u-%u\n", local_port( s ), first_port( &inst ), last_port( &inst ) );
    closesocket( s );
    puppet_stop( &puppet );

    /* by another handle of this one */
    owner = acquired_socket( kind, &inst );
    s = make_socket( kind );
    DuplicateHandle( GetCurrentProcess(), (HANDLE)s, GetCurrentProcess(), &dup, 0, FALSE, DUPLICATE_SAME_ACCESS );
    must_associate( (SOCKET)dup, inst.Token );
    ret = bind_port( s, 0 );
    ok( !ret, "bind: error %d\n", ret );
    ok( in_block( &inst, local_port( s ) ), "got %u, not of %u-%u\n", local_port( s ), first_port( &inst ), last_port( &inst ) );
    CloseHandle( dup );
    closesocket( s );

    /* and bound by another one */
    s = make_socket( kind );
    DuplicateHandle( GetCurrentProcess(), (HANDLE)s, GetCurrentProcess(), &dup, 0, FALSE, DUPLICATE_SAME_ACCESS );
    must_associate( s, inst.Token );
    /* Wine tells of a handle that it has not made a socket for neither family nor type */
    addr.sin6_family = socket_kinds[kind].family;
    ret = bind( (SOCKET)dup, (struct sockaddr *)&addr, addr.sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(addr) );
    ok( !ret, "bind: error %d\n", WSAGetLastError() );
    ok( in_block( &inst, local_port( s ) ), "got %u, not of %u-%u\n", local_port( s ), first_port( &inst ), last_port( &inst ) );
    CloseHandle( dup );
    closesocket( s );
    closesocket( owner );
}

/* a handle that a child inherited is bound there as it would be here */
static void test_inherited_associated( int kind )
{
    struct instance inst;
    SOCKET owner = acquired_socket( kind, &inst ), s = make_socket( kind );
    struct puppet puppet;
    int ret;

    must_associate( s, inst.Token );
    SetHandleInformation( (HANDLE)owner, HANDLE_FLAG_INHERIT, 0 );
    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT );
    if (!puppet_start( &puppet, TRUE )) return;
    puppet_adopt( &puppet, 0, s, kind );
    ret = puppet_bind( &puppet, 0, last_port( &inst ) );
    ok( !ret, "%s: bind there failed, error %d\n", socket_kinds[kind].name, ret );
    ok( local_port( s ) == last_port( &inst ), "it is %u here\n", local_port( s ) );
    puppet_stop( &puppet );
    closesocket( s );
    closesocket( owner );
}

START_TEST(lifetime)
{
    static const int kinds[] = { TCP4, UDP4, UDP_DUAL };
    unsigned int i;

    if (!start_test()) return;
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    {
        if (socket_kinds[kinds[i]].family == AF_INET6 && !have_ipv6()) continue;
        test_closesocket( kinds[i] );
        test_duplicate_handle( kinds[i] );
        test_handle_again( kinds[i] );
        test_process_end( kinds[i], FALSE );
        test_process_end( kinds[i], TRUE );
        test_inherited( kinds[i], FALSE );
        test_inherited( kinds[i], TRUE );
        test_duplicate_socket( kinds[i] );
        test_duplicate_associated( kinds[i] );
        test_inherited_associated( kinds[i] );
        test_associated_elsewhere( kinds[i] );
    }
}
