/*
 * One process creates a reservation, another one uses it
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "Process A creates, B looks up and associates, binds every port of the block once, C (restricted) is refused, D binds a port by
 * number". "Any elevated process may consume any persistent reservation." */

#include <stdlib.h>
#include "persistent_test.h"

#define BLOCK_SIZE 16

static BOOL get_args( int *protocol, unsigned int *first )
{
    char **argv;

    if (winetest_get_mainargs( &argv ) < 4 || !load_functions()) return FALSE;
    *protocol = atoi( argv[2] );
    *first = atoi( argv[3] );
    return TRUE;
}

START_TEST(story_b)
{
    SOCKET sockets[BLOCK_SIZE], s;
    unsigned char used[BLOCK_SIZE] = { 0 };
    unsigned int first, i, port;
    int protocol, kind, err;
    const char *name;
    ULONG64 token;
    ULONG ret;

    if (!get_args( &protocol, &first )) return;
    name = protocols[protocol].name;
    kind = protocols[protocol].kind;
    ret = lookup_block( protocol, first, BLOCK_SIZE, &token );
    ok( !ret, "%s: lookup failed, error %lu\n", name, ret );

    /* every port of the block once */
    for (i = 0; i < BLOCK_SIZE; i++)
    {
        sockets[i] = make_socket( kind );
        err = associate( sockets[i], token );
        ok( !err, "%s: associate %u: error %d\n", name, i, err );
        err = i % 4 == 3 ? implicit_bind( sockets[i] ) : bind_port( sockets[i], 0 );
        ok( !err, "%s: bind %u: error %d\n", name, i, err );
        port = local_port( sockets[i] );
        ok( port >= first && port < first + BLOCK_SIZE, "%s: got port %u, not of %u-%u\n", name, port, first, first + BLOCK_SIZE - 1 );
        if (port < first || port >= first + BLOCK_SIZE) continue;
        ok( !used[port - first], "%s: got port %u twice\n", name, port );
        used[port - first] = 1;
    }
    /* "nothing free is left: the call fails; the socket stays unbound and associated" */
    s = make_socket( kind );
    err = associate( s, token );
    ok( !err, "%s: associate: error %d\n", name, err );
    err = bind_port( s, 0 );
    ok( err == WSAENOBUFS || broken( err ), "%s: bind of one too many: error %d\n", name, err );
    /* "A port comes back to the reservation when the last handle of the socket that held it closes." */
    port = local_port( sockets[5] );
    closesocket( sockets[5] );
    err = bind_soon( s, 0 );
    ok( !err, "%s: bind after a close: error %d\n", name, err );
    ok( local_port( s ) == port, "%s: got port %u, not %u\n", name, local_port( s ), port );
    closesocket( s );
    for (i = 0; i < BLOCK_SIZE; i++) if (i != 5) closesocket( sockets[i] );
}

START_TEST(story_c)
{
    unsigned int first;
    int protocol, err;
    const char *name;
    ULONG64 token;
    SOCKET s;
    ULONG ret;

    if (!get_args( &protocol, &first )) return;
    name = protocols[protocol].name;
    ret = lookup_block( protocol, first, BLOCK_SIZE, &token );
    ok( !ret, "%s: lookup failed, error %lu\n", name, ret );
    s = make_socket( protocols[protocol].kind );
    err = associate( s, token );
    ok( err == WSAEACCES, "%s: associate: error %d\n", name, err );
    closesocket( s );
    ret = delete_block( protocol, first, BLOCK_SIZE );
    ok( ret == ERROR_ACCESS_DENIED, "%s: delete: error %lu\n", name, ret );
}

START_TEST(story_d)
{
    unsigned int first, i;
    int protocol, err;
    SOCKET s;

    if (!get_args( &protocol, &first )) return;
    for (i = 0; i < BLOCK_SIZE; i += 5)
    {
        s = make_socket( protocols[protocol].kind );
        err = bind_soon( s, first + i );
        ok( !err, "%s: bind to port %u: error %d\n", protocols[protocol].name, i, err );
        ok( local_port( s ) == first + i, "%s: got port %u\n", protocols[protocol].name, local_port( s ) );
        closesocket( s );
    }
}

START_TEST(story)
{
    int protocol;

    if (!start_persistent_test() || !start_test()) return;
    for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
    {
        unsigned int first, round;
        char args[64];
        ULONG64 token;
        ULONG ret;

        if (!(first = create_somewhere( protocol, BLOCK_SIZE, &token ))) continue;
        for (round = 0; round < 2; round++)
        {
            winetest_wait_child( winetest_start_child( FALSE, NULL, "-story_b %d %u", protocol, first ), 30000 );
            sprintf( args, "-story_c %d %u", protocol, first );
            winetest_wait_child( start_restricted_child( args ), 30000 );
            winetest_wait_child( winetest_start_child( FALSE, NULL, "-story_d %d %u", protocol, first ), 30000 );
        }
        ret = delete_block( protocol, first, BLOCK_SIZE );
        ok( !ret, "%s: delete failed, error %lu\n", protocols[protocol].name, ret );
    }
}
