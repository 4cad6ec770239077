/*
 * Create, delete and look up persistent reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 6 of the specification; its words stand over the tests. */

#include <stdlib.h>
#include "persistent_test.h"

/* "StartPort 0, NumberOfPorts 0, block past 65535, NULL Token: ERROR_INVALID_PARAMETER" */
static void test_invalid_blocks( int protocol )
{
    static const struct { unsigned int first, count; } blocks[] =
    {
        { 0, 0 }, { 0, 1 }, { 0, 65535 }, { 30000, 0 }, { 65535, 0 }, { 65535, 2 }, { 65000, 537 }, { 2, 65535 }, { 1, 0 },
    };
    const char *name = protocols[protocol].name;
    ULONG64 token;
    unsigned int i;
    ULONG ret;

    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
    {
        ret = create_block( protocol, blocks[i].first, blocks[i].count, &token );
        ok( ret == ERROR_INVALID_PARAMETER, "%s: create %u, %u: error %lu\n", name, blocks[i].first, blocks[i].count, ret );
        ret = delete_block( protocol, blocks[i].first, blocks[i].count );
        ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_NOT_FOUND ), "%s: delete %u, %u: error %lu\n", name,
            blocks[i].first, blocks[i].count, ret );
        ret = lookup_block( protocol, blocks[i].first, blocks[i].count, &token );
        ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_NOT_FOUND ), "%s: lookup %u, %u: error %lu\n", name,
            blocks[i].first, blocks[i].count, ret );
    }
    ret = protocols[protocol].pCreate( htons( 30000 ), 1, NULL );
    ok( ret == ERROR_INVALID_PARAMETER, "%s: create without a token: error %lu\n", name, ret );
    ret = protocols[protocol].pLookup( htons( 30000 ), 1, NULL );
    ok( ret == ERROR_INVALID_PARAMETER, "%s: lookup without a token: error %lu\n", name, ret );
}

/* "done: NO_ERROR, token"; "no reservation with exactly this start and count: ERROR_NOT_FOUND" */
static void test_create_lookup_delete( int protocol )
{
    const char *name = protocols[protocol].name;
    ULONG64 token, other;
    unsigned int first;
    ULONG ret;

    if (!(first = create_somewhere( protocol, 10, &token ))) return;
    ret = lookup_block( protocol, first, 10, &other );
    ok( !ret && other == token, "%s: lookup: error %lu, token %llx, not %llx\n", name, ret, other, token );
    ret = lookup_block( protocol, first, 10, &other );
    ok( !ret && other == token, "%s: second lookup: error %lu, token %llx, not %llx\n", name, ret, other, token );

    ret = lookup_block( protocol, first, 9, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup of fewer ports: error %lu\n", name, ret );
    ret = lookup_block( protocol, first, 11, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup of more ports: error %lu\n", name, ret );
    ret = lookup_block( protocol, first + 1, 9, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup of the end: error %lu\n", name, ret );
    ret = lookup_block( protocol, first - 1, 11, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup of one before: error %lu\n", name, ret );
    ret = lookup_block( !protocol, first, 10, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup in the other protocol: error %lu\n", name, ret );

    ret = delete_block( protocol, first, 9 );
    ok( ret == ERROR_NOT_FOUND, "%s: delete of fewer ports: error %lu\n", name, ret );
    ret = delete_block( protocol, first, 11 );
    ok( ret == ERROR_NOT_FOUND, "%s: delete of more ports: error %lu\n", name, ret );
    ret = delete_block( protocol, first + 1, 9 );
    ok( ret == ERROR_NOT_FOUND, "%s: delete of the end: error %lu\n", name, ret );
    ret = delete_block( !protocol, first, 10 );
    ok( ret == ERROR_NOT_FOUND, "%s: delete in the other protocol: error %lu\n", name, ret );
    ret = lookup_block( protocol, first, 10, &other );
    ok( !ret && other == token, "%s: and then: error %lu, token %llx\n", name, ret, other );

    ret = delete_block( protocol, first, 10 );
    ok( !ret, "%s: delete failed, error %lu\n", name, ret );
    ret = lookup_block( protocol, first, 10, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup after delete: error %lu\n", name, ret );
    ret = delete_block( protocol, first, 10 );
    ok( ret == ERROR_NOT_FOUND, "%s: delete after delete: error %lu\n", name, ret );

    /* the ports are free at once */
    ret = create_block( protocol, first, 10, &other );
    ok( !ret, "%s: create after delete: error %lu\n", name, ret );
    ok( other != token || broken( TRUE ), "%s: got the same token again\n", name );
    ret = delete_block( protocol, first, 10 );
    ok( !ret, "%s: delete failed, error %lu\n", name, ret );
}

/* "overlaps a reservation of either kind: ERROR_SHARING_VIOLATION" */
static void test_overlap( int protocol )
{
    /* against a block of ten ports */
    static const struct { int offset; unsigned int count; } blocks[] =
    {
        { 0, 10 }, { 0, 1 }, { 9, 1 }, { 3, 4 }, { -5, 6 }, { 9, 5 }, { -5, 20 }, { -1, 2 }, { 0, 11 },
    };
    const char *name = protocols[protocol].name;
    struct instance inst;
    ULONG64 token, other;
    unsigned int first, i;
    SOCKET s;
    ULONG ret;
    int err;

    if (!(first = create_somewhere( protocol, 10, &token ))) return;
    for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
    {
        ret = create_block( protocol, first + blocks[i].offset, blocks[i].count, &other );
        ok( ret == ERROR_SHARING_VIOLATION, "%s: create %d, %u: error %lu\n", name, blocks[i].offset, blocks[i].count, ret );
    }
    /* one next to it is none over it */
    ret = create_block( protocol, first + 10, 1, &other );
    if (ret != ERROR_SHARING_VIOLATION)
    {
        ok( !ret, "%s: create behind it: error %lu\n", name, ret );
        ok( other != token, "%s: got the same token\n", name );
        ret = delete_block( protocol, first + 10, 1 );
        ok( !ret, "%s: delete failed, error %lu\n", name, ret );
    }
    ret = lookup_block( protocol, first, 10, &other );
    ok( !ret && other == token, "%s: and then: error %lu, token %llx\n", name, ret, other );
    ret = delete_block( protocol, first, 10 );
    ok( !ret, "%s: delete failed, error %lu\n", name, ret );

    s = make_socket( protocols[protocol].kind );
    err = acquire( s, 0, 10, &inst );
    ok( !err, "%s: acquire failed, error %d\n", name, err );
    if (!err)
    {
        first = first_port( &inst );
        for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        {
            if (first + blocks[i].offset + blocks[i].count > 65536) continue;
            ret = create_block( protocol, first + blocks[i].offset, blocks[i].count, &other );
            ok( ret == ERROR_SHARING_VIOLATION, "%s: create %d, %u over a runtime block: error %lu\n", name, blocks[i].offset,
                blocks[i].count, ret );
        }
        /* "exactly this start and count, but a live runtime reservation": nothing to look up, and not to be deleted */
        ret = lookup_block( protocol, first, 10, &other );
        ok( ret == ERROR_NOT_FOUND, "%s: lookup of a runtime block: error %lu\n", name, ret );
        ret = delete_block( protocol, first, 10 );
        ok( ret == ERROR_ACCESS_DENIED || broken( ret == ERROR_NOT_FOUND ), "%s: delete of a runtime block: error %lu\n", name, ret );
        ret = delete_block( protocol, first, 9 );
        ok( ret == ERROR_NOT_FOUND, "%s: delete of a part of a runtime block: error %lu\n", name, ret );
    }
    closesocket( s );
}

/* "or a port is in use: ERROR_SHARING_VIOLATION" */
static void test_port_in_use( int protocol )
{
    const char *name = protocols[protocol].name;
    ULONG64 token;
    unsigned int i, port;
    int kind, err;
    SOCKET s;
    ULONG ret;

    for (i = 0; i < 6; i++)
    {
        kind = protocols[protocol].kind + i / 2;
        if (socket_kinds[kind].family == AF_INET6 && !have_ipv6()) break;
        s = make_socket( kind );
        err = i % 2 && !socket_kinds[kind].dual ? bind_loopback( s, 0 ) : bind_port( s, 0 );
        ok( !err, "%s: bind failed, error %d\n", socket_kinds[kind].name, err );
        port = local_port( s );
        ret = create_block( protocol, port, 1, &token );
        ok( ret == ERROR_SHARING_VIOLATION, "%s, %u: create over a bound port: error %lu\n", socket_kinds[kind].name, i, ret );
        if (!ret) delete_block( protocol, port, 1 );
        ret = lookup_block( protocol, port, 1, &token );
        ok( ret == ERROR_NOT_FOUND, "%s: and yet it is there: error %lu\n", name, ret );
        closesocket( s );

        ret = create_soon( protocol, port, 1, &token );
        ok( !ret, "%s, %u: after the socket was closed: error %lu\n", socket_kinds[kind].name, i, ret );
        if (!ret) delete_block( protocol, port, 1 );
    }
}

/* "sockets bound from it keep their ports" */
static void test_delete_in_use( int protocol )
{
    const char *name = protocols[protocol].name;
    int kind = protocols[protocol].kind, err;
    SOCKET bound, waiting, s;
    ULONG64 token, other;
    unsigned int first, port;
    ULONG ret;

    if (!(first = create_somewhere( protocol, 2, &token ))) return;
    bound = make_socket( kind );
    waiting = make_socket( kind );
    err = associate( bound, token );
    ok( !err, "%s: associate failed, error %d\n", name, err );
    err = bind_port( bound, 0 );
    ok( !err, "%s: bind failed, error %d\n", name, err );
    port = local_port( bound );
    ok( port == first || port == first + 1, "%s: got port %u, not %u or the next\n", name, port, first );
    err = associate( waiting, token );
    ok( !err, "%s: associate failed, error %d\n", name, err );

    ret = delete_block( protocol, first, 2 );
    ok( !ret, "%s: delete failed, error %lu\n", name, ret );
    ok( local_port( bound ) == port, "%s: the socket lost its port\n", name );
    ret = create_block( protocol, first, 2, &other );
    ok( ret == ERROR_SHARING_VIOLATION, "%s: create over the socket: error %lu\n", name, ret );

    /* "the reservation ended between associate and bind: WSAEINVAL" */
    err = bind_port( waiting, 0 );
    ok( err == WSAEINVAL || broken( TRUE ), "%s: bind of a socket associated before: error %d\n", name, err );
    /* "token unknown, stale or 0" */
    s = make_socket( kind );
    err = associate( s, token );
    ok( err == WSAEINVAL || broken( err == WSAEACCES ), "%s: associate with a stale token: error %d\n", name, err );
    closesocket( s );

    closesocket( waiting );
    closesocket( bound );
    ret = create_soon( protocol, first, 2, &other );
    ok( !ret, "%s: create after the socket was closed: error %lu\n", name, ret );
    if (!ret) delete_block( protocol, first, 2 );
}

/* what the control codes make of a persistent token */
static void test_token( int protocol )
{
    const char *name = protocols[protocol].name;
    int kind = protocols[protocol].kind, err;
    unsigned int first;
    ULONG64 token, other;
    SOCKET s;
    ULONG ret;

    if (!(first = create_somewhere( protocol, 3, &token ))) return;

    /* "Unknown, stale, zero or persistent token: WSAEINVAL" */
    s = make_socket( kind );
    err = release( s, token );
    ok( err == WSAEINVAL || broken( err ), "%s: release: error %d\n", name, err );
    ret = lookup_block( protocol, first, 3, &other );
    ok( !ret && other == token, "%s: and then: error %lu\n", name, ret );
    closesocket( s );

    /* "or of the other protocol" */
    s = make_socket( protocols[!protocol].kind );
    err = associate( s, token );
    ok( err == WSAEINVAL || broken( err == WSAEACCES ), "%s: associate of the other protocol: error %d\n", name, err );
    closesocket( s );

    ret = delete_block( protocol, first, 3 );
    ok( !ret, "%s: delete failed, error %lu\n", name, ret );
}

/* many blocks: "is not given out twice" */
static void test_many( int protocol )
{
    enum { COUNT = 40 };
    const char *name = protocols[protocol].name;
    unsigned int firsts[COUNT], i, j;
    ULONG64 tokens[COUNT], token;
    ULONG ret;

    for (i = 0; i < COUNT; i++)
    {
        firsts[i] = create_somewhere( protocol, 1 + i % 5, &tokens[i] );
        for (j = 0; j < i; j++) ok( tokens[i] != tokens[j], "%s: %u and %u have the same token\n", name, i, j );
    }
    for (i = 0; i < COUNT; i++)
    {
        if (!firsts[i]) continue;
        ret = lookup_block( protocol, firsts[i], 1 + i % 5, &token );
        ok( !ret && token == tokens[i], "%s: lookup %u: error %lu\n", name, i, ret );
        ret = delete_block( protocol, firsts[i], 1 + i % 5 );
        ok( !ret, "%s: delete %u: error %lu\n", name, i, ret );
    }
}

START_TEST(persistent)
{
    int protocol;

    if (!start_persistent_test()) return;
    for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
    {
        test_invalid_blocks( protocol );
        test_create_lookup_delete( protocol );
        test_overlap( protocol );
        test_port_in_use( protocol );
        test_delete_in_use( protocol );
        test_token( protocol );
        test_many( protocol );
    }
}
