/*
 * Two sockets on one excluded port
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "bind to such a port by number: succeeds: an administered exclusion keeps a port from being handed out, not from being asked for". So two
 * sockets that are not associated get, of each port of an exclusion, what they would get of any other port: whatever their addresses, their
 * families, SO_REUSEADDR and SO_EXCLUSIVEADDRUSE. */

#include <string.h>
#include "persistent_test.h"

#define PORTS 40  /* to take turns: a port is free a moment after its socket was closed */

static const struct address
{
    const char *name;
    int         family;
    BOOL        dual;
    BYTE        bytes[16];  /* of the address, in network order */
} addresses[] =
{
    { "0.0.0.0",               AF_INET,  FALSE, { 0 } },
    { "127.0.0.1",             AF_INET,  FALSE, { 127, 0, 0, 1 } },
    { "127.0.0.2",             AF_INET,  FALSE, { 127, 0, 0, 2 } },
    { ":: alone",              AF_INET6, FALSE, { 0 } },
    { "::1 alone",             AF_INET6, FALSE, { [15] = 1 } },
    { "::",                    AF_INET6, TRUE,  { 0 } },
    { "::1",                   AF_INET6, TRUE,  { [15] = 1 } },
    { "::ffff:127.0.0.1",      AF_INET6, TRUE,  { [10] = 0xff, 0xff, 127, 0, 0, 1 } },
};

static const struct option
{
    const char *name;
    int         option;
} options[] =
{
    { "", 0 },
    { " with SO_REUSEADDR", SO_REUSEADDR },
    { " with SO_EXCLUSIVEADDRUSE", SO_EXCLUSIVEADDRUSE },
};

static SOCKET socket_at( int type, const struct address *address, const struct option *option, unsigned int port, int *error )
{
    SOCKET s = socket( address->family, type, 0 );
    DWORD only = !address->dual;
    struct sockaddr_in6 in6 = { 0 };
    struct sockaddr_in in = { 0 };
    BOOL on = TRUE;
    int ret;

    if (option->option) setsockopt( s, SOL_SOCKET, option->option, (char *)&on, sizeof(on) );
    if (address->family == AF_INET6)
    {
        setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&only, sizeof(only) );
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons( port );
        memcpy( &in6.sin6_addr, address->bytes, sizeof(in6.sin6_addr) );
        ret = bind( s, (struct sockaddr *)&in6, sizeof(in6) );
    }
    else
    {
        in.sin_family = AF_INET;
        in.sin_port = htons( port );
        memcpy( &in.sin_addr, address->bytes, sizeof(in.sin_addr) );
        ret = bind( s, (struct sockaddr *)&in, sizeof(in) );
    }
    *error = ret ? WSAGetLastError() : 0;
    return s;
}

struct result
{
    int first, second, listen;  /* 0 or an error */
};

static struct result bind_two( int type, const struct address *a, const struct option *a_option, const struct address *b,
                               const struct option *b_option, unsigned int port )
{
    struct result result = { 0 };
    SOCKET first, second;

    first = socket_at( type, a, a_option, port, &result.first );
    second = socket_at( type, b, b_option, port, &result.second );
    if (type == SOCK_STREAM && !result.first && !result.second)
    {
        if (listen( first, 1 )) result.listen = WSAGetLastError();
        if (listen( second, 1 )) result.listen = 1000000 + WSAGetLastError();
    }
    closesocket( second );
    closesocket( first );
    return result;
}

static void test_two( int protocol )
{
    int type = protocol == TCP ? SOCK_STREAM : SOCK_DGRAM;
    unsigned int excluded, plain, i, j, k, l, n = 0;
    struct result expect, result;
    ULONG64 token;
    int err;

    if (!(excluded = create_somewhere( protocol, PORTS, &token ))) return;
    plain = find_free_block( protocols[protocol].kind, PORTS );
    for (i = 0; i < PORTS; i++)
    {
        SOCKET s = make_socket( protocols[protocol].kind );

        err = bind_soon( s, plain + i );
        ok( !err, "bind failed, error %d\n", err );
        closesocket( s );
    }
    for (i = 0; i < ARRAY_SIZE( addresses ); i++)
        for (j = 0; j < ARRAY_SIZE( addresses ); j++)
            for (k = 0; k < ARRAY_SIZE( options ); k++)
                for (l = 0; l < ARRAY_SIZE( options ); l++, n++)
                {
                    if ((addresses[i].family == AF_INET6 || addresses[j].family == AF_INET6) && !have_ipv6()) continue;
                    expect = bind_two( type, &addresses[i], &options[k], &addresses[j], &options[l], plain + n % PORTS );
                    result = bind_two( type, &addresses[i], &options[k], &addresses[j], &options[l], excluded + n % PORTS );
                    ok( !memcmp( &result, &expect, sizeof(result) ),
                        "%s: %s%s, then %s%s: errors %d, %d, %d of an excluded port, %d, %d, %d of another\n", protocols[protocol].name,
                        addresses[i].name, options[k].name, addresses[j].name, options[l].name, result.first, result.second,
                        result.listen, expect.first, expect.second, expect.listen );
                }
    err = delete_block( protocol, excluded, PORTS );
    ok( !err, "delete failed, error %d\n", err );
}

START_TEST(two_sockets)
{
    int protocol;

    if (!start_persistent_test() || !start_test()) return;
    for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++) test_two( protocol );
}
