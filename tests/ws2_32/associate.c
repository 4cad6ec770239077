/*
 * SIO_ASSOCIATE_PORT_RESERVATION
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 2 of the specification, "Associate", whose sentences stand over the tests. */

#include "port_test.h"

/* "the socket is already bound (also by an implicit bind): WSAEINVAL" */
static void test_bound( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    struct instance inst;
    int ret;

    must_acquire( owner, 2, &inst );
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ret = associate( s, inst.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: bound: error %d\n", name, ret );
    closesocket( s );

    s = make_socket( kind );
    ret = implicit_bind( s );
    ok( !ret && local_port( s ), "%s: implicit bind: error %d, port %u\n", name, ret, local_port( s ) );
    ret = associate( s, inst.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: bound by the way: error %d\n", name, ret );
    closesocket( s );

    /* bound from the same reservation */
    s = make_socket( kind );
    must_associate( s, inst.Token );
    ret = bind_port( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ret = associate( s, inst.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: bound from it: error %d\n", name, ret );
    closesocket( s );
    closesocket( owner );
}

/* "token unknown, stale or 0, or of the other protocol: WSAEINVAL" */
static void test_bad_tokens( int kind )
{
    const char *name = socket_kinds[kind].name;
    int other_kind = socket_kinds[kind].type == SOCK_STREAM ? UDP4 : TCP4;
    SOCKET owner = make_socket( kind ), s = make_socket( kind ), other = make_socket( other_kind );
    struct instance inst, gone;
    int ret;

    ret = associate( s, 0 );
    ok( ret == WSAEINVAL, "%s: zero: error %d\n", name, ret );
    ret = associate( s, 0x0123456789abcdef );
    ok( ret == WSAEINVAL, "%s: made up: error %d\n", name, ret );

    must_acquire( owner, 2, &inst );
    ret = associate( s, ~inst.Token );
    ok( ret == WSAEINVAL, "%s: unknown: error %d\n", name, ret );
    ret = associate( other, inst.Token );
    ok( ret == WSAEINVAL || broken( ret ), "%s: to the other protocol: error %d\n", name, ret );
    ret = bind_loopback( other, 0 );
    ok( !ret, "%s: then bind failed, error %d\n", name, ret );
    ok( !in_block( &inst, local_port( other ) ), "%s: and gave %u\n", name, local_port( other ) );

    must_acquire( owner, 2, &gone );
    ret = release( owner, gone.Token );
    ok( !ret, "%s: release failed, error %d\n", name, ret );
    ret = associate( s, gone.Token );
    ok( ret == WSAEINVAL, "%s: stale: error %d\n", name, ret );

    /* all of these failures left the socket as it was: not associated */
    ret = bind_loopback( s, first_port( &inst ) );
    ok( ret == WSAEACCES, "%s: bind to the block: error %d\n", name, ret );
    ret = bind_loopback( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( !in_block( &inst, local_port( s ) ), "%s: bound to %u\n", name, local_port( s ) );

    closesocket( s );
    closesocket( other );
    closesocket( owner );
}

/* "a runtime reservation that another process acquired: WSAEACCES" */
static void test_other_process( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind );
    struct instance inst;
    struct puppet puppet;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    must_acquire( owner, 2, &inst );
    puppet_socket( &puppet, 0, kind );
    ret = puppet_associate( &puppet, 0, inst.Token );
    ok( ret == WSAEACCES, "%s: error %d\n", name, ret );
    ret = puppet_bind( &puppet, 0, first_port( &inst ) );
    ok( ret == WSAEACCES, "%s: bind to it: error %d\n", name, ret );
    ret = puppet_bind( &puppet, 0, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( !in_block( &inst, puppet_local_port( &puppet, 0 ) ), "%s: bound to the block\n", name );
    puppet_stop( &puppet );
    closesocket( owner );
}

/* "associating again before binding: the last association stands" */
static void test_again( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET owner = make_socket( kind ), s = make_socket( kind );
    struct instance first, second;
    int ret;

    must_acquire( owner, 2, &first );
    must_acquire( owner, 2, &second );

    must_associate( s, first.Token );
    ret = associate( s, first.Token );
    ok( !ret || broken( ret ), "%s: the same again: error %d\n", name, ret );
    ret = associate( s, second.Token );
    ok( !ret || broken( ret ), "%s: another: error %d\n", name, ret );
    /* an association that fails is none */
    ret = associate( s, ~first.Token );
    ok( ret == WSAEINVAL, "%s: unknown: error %d\n", name, ret );
    ret = bind_port( s, 0 );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( in_block( &second, local_port( s ) ) || broken( in_block( &first, local_port( s ) )),
        "%s: got %u, not of %u-%u\n", name, local_port( s ), first_port( &second ), last_port( &second ) );
    closesocket( s );
    closesocket( owner );
}

/* the socket that the block was acquired on may be used as well as any other */
static void test_itself( int kind )
{
    const char *name = socket_kinds[kind].name;
    SOCKET s = make_socket( kind );
    struct instance inst;
    int ret;

    must_acquire( s, 1, &inst );
    must_associate( s, inst.Token );
    ret = bind_port( s, first_port( &inst ) );
    ok( !ret, "%s: bind failed, error %d\n", name, ret );
    ok( local_port( s ) == first_port( &inst ), "%s: got %u\n", name, local_port( s ) );
    closesocket( s );
}

START_TEST(associate)
{
    int kind;

    if (!start_test()) return;
    for (kind = 0; kind < KIND_COUNT; kind++)
    {
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) continue;
        test_bound( kind );
        test_bad_tokens( kind );
        test_again( kind );
        test_itself( kind );
    }
    test_other_process( TCP4 );
    test_other_process( UDP4 );
}
