/*
 * Who may create, delete, look up and use persistent reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 6 of the specification: "caller not an elevated administrator", and section 2, "Associate". */

#include <stdlib.h>
#include "persistent_test.h"

/* runs in a process whose token is no administrator's: restricted_child PROTOCOL FIRST COUNT TOKEN */
START_TEST(restricted_child)
{
    unsigned int first, count;
    ULONG64 token, other;
    const char *name;
    int protocol, err;
    char **argv;
    SOCKET s;
    ULONG ret;

    if (winetest_get_mainargs( &argv ) < 6 || !load_functions()) return;
    protocol = atoi( argv[2] );
    first = atoi( argv[3] );
    count = atoi( argv[4] );
    token = _strtoui64( argv[5], NULL, 16 );
    name = protocols[protocol].name;

    ret = create_block( protocol, first + 100, 1, &other );
    ok( ret == ERROR_ACCESS_DENIED, "%s: create: error %lu\n", name, ret );
    /* the same where an administrator would hear of an overlap */
    ret = create_block( protocol, first, count, &other );
    ok( ret == ERROR_ACCESS_DENIED || broken( ret == ERROR_SHARING_VIOLATION ), "%s: create again: error %lu\n", name, ret );
    ret = delete_block( protocol, first, count );
    ok( ret == ERROR_ACCESS_DENIED, "%s: delete: error %lu\n", name, ret );
    ret = delete_block( protocol, first + 100, 1 );
    ok( ret == ERROR_ACCESS_DENIED || broken( ret == ERROR_NOT_FOUND ), "%s: delete of nothing: error %lu\n", name, ret );

    ret = create_block( protocol, 0, 1, &other );
    ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_ACCESS_DENIED ), "%s: create at 0: error %lu\n", name, ret );
    ret = delete_block( protocol, first, 0 );
    ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_ACCESS_DENIED ), "%s: delete of no port: error %lu\n", name, ret );

    ret = lookup_block( protocol, first, count, &other );
    ok( !ret && other == token, "%s: lookup: error %lu, token %llx, not %llx\n", name, ret, other, token );
    ret = lookup_block( protocol, first + 100, 1, &other );
    ok( ret == ERROR_NOT_FOUND, "%s: lookup of nothing: error %lu\n", name, ret );
    ret = lookup_block( protocol, 0, 1, &other );
    ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_NOT_FOUND ), "%s: lookup at 0: error %lu\n", name, ret );

    /* "a persistent reservation, and the caller is not an elevated member of Administrators: WSAEACCES" */
    s = make_socket( protocols[protocol].kind );
    err = associate( s, token );
    ok( err == WSAEACCES, "%s: associate: error %d\n", name, err );
    /* that socket is as any other */
    err = bind_port( s, 0 );
    ok( !err, "%s: bind: error %d\n", name, err );
    ok( local_port( s ) < first || local_port( s ) >= first + count, "%s: got port %u of the block\n", name, local_port( s ) );
    closesocket( s );

    /* "bind to such a port by number: succeeds" */
    s = make_socket( protocols[protocol].kind );
    err = bind_port( s, first );
    ok( !err, "%s: bind by number: error %d\n", name, err );
    ok( local_port( s ) == first, "%s: got port %u\n", name, local_port( s ) );
    closesocket( s );

    /* runtime reservations are for everybody */
    if (start_test())
    {
        struct instance inst;

        s = make_socket( protocols[protocol].kind );
        err = acquire( s, 0, 2, &inst );
        ok( !err, "%s: acquire: error %d\n", name, err );
        closesocket( s );
    }
}

START_TEST(restricted)
{
    int protocol;

    if (!start_persistent_test()) return;
    for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
    {
        unsigned int first;
        ULONG64 token, other;
        HANDLE process;
        char args[128];
        ULONG ret;

        if (!(first = create_somewhere( protocol, 4, &token ))) continue;
        sprintf( args, "-restricted_child %d %u 4 %llx", protocol, first, token );
        process = start_restricted_child( args );
        winetest_wait_child( process, 30000 );

        ret = lookup_block( protocol, first, 4, &other );
        ok( !ret && other == token, "%s: and then: error %lu\n", protocols[protocol].name, ret );
        ret = lookup_block( protocol, first + 100, 1, &other );
        ok( ret == ERROR_NOT_FOUND, "%s: it has created something: error %lu\n", protocols[protocol].name, ret );
        ret = delete_block( protocol, first, 4 );
        ok( !ret, "%s: delete failed, error %lu\n", protocols[protocol].name, ret );
    }
}
