/*
 * Tests of the pool
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

#include "pool.h"
#include "test.h"

static const int protocols[2] = { PROTOCOL_TCP, PROTOCOL_UDP };

static struct port_client client;

static struct port_reservation *add( struct port_pool *pool, int protocol, unsigned int first, unsigned int count, uint64_t token,
                                     struct port_socket *sock )
{
    static struct port_reservation *reservations;  /* kept, so that no memory is lost */
    static unsigned int used;
    struct port_reservation *reservation;

    if (!(used++ % 256) && !(reservations = calloc( 256, sizeof(*reservations) ))) abort();
    reservation = &reservations[(used - 1) % 256];
    pool_add( pool, reservation, protocol, first, count, token, sock ? &client : NULL, sock );
    return reservation;
}

/* all that is left, too */
static void destroy( struct port_pool *pool )
{
    unsigned int i;

    for (i = 0; i < POOL_HASH_SIZE; i++) while (pool->tokens[i]) pool_remove( pool, pool->tokens[i] );
    ok( !client.reservations, "got %u\n", client.reservations );
    pool_destroy( pool );
}

static struct port_socket *add_socket( int protocol )
{
    static struct port_socket *socks;
    static unsigned int used;
    struct port_socket *sock;

    if (!(used++ % 256) && !(socks = calloc( 256, sizeof(*socks) ))) abort();
    sock = &socks[(used - 1) % 256];
    pool_init_socket( sock, protocol );
    return sock;
}

static void hold( struct port_pool *pool, struct port_socket *sock, unsigned int port, unsigned int holds )
{
    pool_hold( pool, sock, port, holds );
    pool_end_association( sock );
}

static void remove_socket( struct port_pool *pool, struct port_socket *sock )
{
    if (sock->port) pool_unhold( pool, sock );
    pool_end_association( sock );
}

static void test_empty(void)
{
    struct port_pool *pool = pool_create();
    int i;

    if (!ok( pool != NULL, "out of memory\n" )) return;
    for (i = 0; i < 2; i++)
    {
        ok( !pool_find_port( pool, protocols[i], 1 ), "a port is reserved\n" );
        ok( !pool_find_port( pool, protocols[i], 65535 ), "a port is reserved\n" );
        ok( !pool_find_port( pool, protocols[i], 65536 ), "a port that there is not is reserved\n" );
        ok( !pool_next( pool, protocols[i], 0 ), "there is a reservation\n" );
        ok( !pool_port_in_use( pool, protocols[i], 80 ), "a port is in use\n" );
    }
    ok( !pool_find_token( pool, 0 ), "found token 0\n" );
    ok( !pool_find_token( pool, 1 ), "found token 1\n" );
    ok( !pool->runtime && !pool->persistent, "got %u, %u\n", pool->runtime, pool->persistent );
    destroy( pool );
}

/* which blocks pool_check() allows */
static void test_check(void)
{
    static const struct
    {
        unsigned int first, count;
        NTSTATUS     status;
    }
    tests[] =
    {
        { 1, 1, STATUS_SUCCESS },
        { 65535, 1, STATUS_SUCCESS },
        { 1, 65535, STATUS_SHARING_VIOLATION },
        { 0, 1, STATUS_INVALID_PARAMETER },
        { 0, 0, STATUS_INVALID_PARAMETER },
        { 1, 0, STATUS_INVALID_PARAMETER },
        { 0, 65536, STATUS_INVALID_PARAMETER },
        { 1, 65536, STATUS_INVALID_PARAMETER },
        { 65535, 2, STATUS_INVALID_PARAMETER },
        { 65536, 1, STATUS_INVALID_PARAMETER },
        { 65537, 1, STATUS_INVALID_PARAMETER },
        { 0xffffffff, 1, STATUS_INVALID_PARAMETER },
        { 1, 0xffffffff, STATUS_INVALID_PARAMETER },
        { 0xffffffff, 0xffffffff, STATUS_INVALID_PARAMETER },
        { 2, 0xffffffff, STATUS_INVALID_PARAMETER },
        { 1000, 10, STATUS_SHARING_VIOLATION },   /* the reservation itself */
        { 1009, 1, STATUS_SHARING_VIOLATION },    /* its last port */
        { 1010, 1, STATUS_SUCCESS },              /* right after it */
        { 999, 1, STATUS_SUCCESS },               /* right before it */
        { 999, 2, STATUS_SHARING_VIOLATION },
        { 990, 100, STATUS_SHARING_VIOLATION },   /* all around it */
        { 2000, 1, STATUS_SHARING_VIOLATION },    /* held without a reservation */
        { 1999, 1, STATUS_SUCCESS },
        { 2001, 1, STATUS_SUCCESS },
    };
    struct port_pool *pool = pool_create();
    struct port_socket *sock = add_socket( PROTOCOL_TCP );
    unsigned int i;

    add( pool, PROTOCOL_TCP, 1000, 10, 1, NULL );
    hold( pool, sock, 2000, 0 );
    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        NTSTATUS status = pool_check( pool, PROTOCOL_TCP, tests[i].first, tests[i].count );
        NTSTATUS udp = pool_check( pool, PROTOCOL_UDP, tests[i].first, tests[i].count );

        ok( status == tests[i].status, "%u, %u: got %08x\n", tests[i].first, tests[i].count, (unsigned int)status );
        ok( udp == (status == STATUS_SHARING_VIOLATION ? STATUS_SUCCESS : status), "%u, %u, UDP: got %08x\n",
            tests[i].first, tests[i].count, (unsigned int)udp );
    }
    destroy( pool );
}

static void test_find_free(void)
{
    struct port_pool *pool = pool_create();
    unsigned int port;

    add( pool, PROTOCOL_TCP, 105, 5, 1, NULL );
    add( pool, PROTOCOL_TCP, 115, 5, 2, NULL );
#define CHECK( from, last, count, expect ) \
    port = pool_find_free( pool, PROTOCOL_TCP, from, last, count, NULL ); \
    ok( port == (expect), "%u..%u, %u: got %u\n", (unsigned int)(from), (unsigned int)(last), (unsigned int)(count), port )
    CHECK( 100, 200, 1, 100 );
    CHECK( 100, 200, 5, 100 );
    CHECK( 100, 200, 6, 120 );
    CHECK( 101, 200, 5, 110 );
    CHECK( 105, 200, 5, 110 );
    CHECK( 106, 200, 5, 110 );
    CHECK( 106, 200, 6, 120 );
    CHECK( 106, 119, 6, 0 );
    CHECK( 106, 114, 5, 110 );
    CHECK( 106, 113, 5, 0 );
    CHECK( 105, 109, 1, 0 );
    CHECK( 100, 100, 1, 100 );
    CHECK( 101, 100, 1, 0 );
    CHECK( 100, 200, 0, 0 );
    CHECK( 0, 200, 1, 0 );
    CHECK( 120, 65535, 65416, 120 );
    CHECK( 120, 65535, 65417, 0 );
    CHECK( 65535, 65535, 1, 65535 );
#undef CHECK
    destroy( pool );
}

/* several reservations in one place of the table */
static void test_tokens(void)
{
    struct port_pool *pool = pool_create();
    struct port_reservation *r[3];
    unsigned int i, j;

    for (i = 0; i < 3; i++) r[i] = add( pool, PROTOCOL_UDP, 1 + i, 1, 5 + (uint64_t)i * POOL_HASH_SIZE, NULL );
    for (i = 0; i < 3; i++)
        ok( pool_find_token( pool, 5 + (uint64_t)i * POOL_HASH_SIZE ) == r[i], "%u: not found\n", i );
    ok( !pool_find_token( pool, 5 + 3 * POOL_HASH_SIZE ), "found a token that there is not\n" );
    for (i = 1; i <= 3; i++)
    {
        pool_remove( pool, r[i % 3] );
        for (j = 1; j <= 3; j++)
            ok( (pool_find_token( pool, 5 + (uint64_t)(j % 3) * POOL_HASH_SIZE ) != NULL) == (j > i), "%u, %u\n", i, j );
    }
    ok( !pool->persistent, "got %u\n", pool->persistent );
    destroy( pool );
}

/* a socket's way: acquire, associate, associate again, the reservation ends, bind */
static void test_associate(void)
{
    struct port_pool *pool = pool_create();
    struct port_socket *owner = add_socket( PROTOCOL_TCP ), *sock = add_socket( PROTOCOL_TCP );
    struct port_reservation *a = add( pool, PROTOCOL_TCP, 100, 2, 1, owner );
    struct port_reservation *b = add( pool, PROTOCOL_TCP, 200, 2, 2, NULL );

    ok( a->kind == RESERVATION_RUNTIME && a->client == &client && a->sock == owner, "got %u\n", a->kind );
    ok( b->kind == RESERVATION_PERSISTENT && !b->client && !b->sock, "got %u\n", b->kind );
    ok( pool->runtime == 1 && pool->persistent == 1, "got %u, %u\n", pool->runtime, pool->persistent );
    ok( owner->acquired.next == &a->sock_entry, "not in the list of its socket\n" );

    ok( !sock->associated && !sock->reservation, "associated\n" );
    pool_associate( sock, a );
    pool_associate( owner, a );
    ok( sock->associated && sock->reservation == a, "not associated\n" );
    pool_associate( sock, b );  /* the last association stands */
    ok( sock->associated && sock->reservation == b, "not associated\n" );
    pool_associate( sock, a );

    pool_remove( pool, a );
    ok( sock->associated && !sock->reservation, "not associated with a reservation that has ended\n" );
    ok( owner->associated && !owner->reservation, "not associated with a reservation that has ended\n" );
    ok( port_list_empty( &owner->acquired ), "still in the list of its socket\n" );
    ok( !pool_find_port( pool, PROTOCOL_TCP, 100 ) && !pool_find_port( pool, PROTOCOL_TCP, 101 ), "a port is left\n" );

    pool_associate( sock, b );
    hold( pool, sock, 201, 0 );
    ok( !sock->associated && !sock->reservation && sock->port == 201, "got %d, %u\n", sock->associated, sock->port );
    ok( pool_ports_in_use( pool, b ) == 1, "got %u\n", pool_ports_in_use( pool, b ) );
    ok( pool_port_in_use( pool, PROTOCOL_TCP, 201 ), "not in use\n" );
    ok( !pool_port_in_use( pool, PROTOCOL_UDP, 201 ), "in use for the other protocol\n" );
    pool_remove( pool, b );
    /* SPEC 2: sockets already bound from the block keep their ports until they close; only then are those ports free for others */
    ok( pool_check( pool, PROTOCOL_TCP, 200, 2 ) == STATUS_SHARING_VIOLATION, "a port that is in use is free\n" );
    ok( pool_check( pool, PROTOCOL_TCP, 200, 1 ) == STATUS_SUCCESS, "the other port is not free\n" );
    remove_socket( pool, sock );
    ok( pool_check( pool, PROTOCOL_TCP, 200, 2 ) == STATUS_SUCCESS, "a port is not free\n" );
    destroy( pool );
}

/* sockets associated with what ends are not touched later */
static void test_remove_associated_sock(void)
{
    struct port_pool *pool = pool_create();
    struct port_socket *owner = add_socket( PROTOCOL_TCP ), *s[3];
    struct port_reservation *a = add( pool, PROTOCOL_TCP, 100, 2, 1, owner );
    int i;

    for (i = 0; i < 3; i++) pool_associate( s[i] = add_socket( PROTOCOL_TCP ), a );
    remove_socket( pool, s[1] );
    pool_remove( pool, a );
    ok( s[0]->associated && !s[0]->reservation, "the first is not as it should be\n" );
    ok( s[2]->associated && !s[2]->reservation, "the last is not as it should be\n" );
    remove_socket( pool, s[2] );
    destroy( pool );
}

static void test_pick_port(void)
{
    struct port_pool *pool = pool_create();
    struct port_reservation *r = add( pool, PROTOCOL_UDP, 65531, 5, 1, NULL );
    unsigned int tried, port, i, seen;

    hold( pool, add_socket( PROTOCOL_UDP ), 65532, 0 );
    for (i = 0; i < 7; i++)  /* it goes on where the last search ended */
    {
        for (tried = 0, seen = 0; (port = pool_pick_port( pool, r, &tried ));)
        {
            if (!ok( port >= 65531 && port <= 65535, "got %u\n", port )) break;
            ok( !(seen & 1u << (port - 65531)), "got %u again\n", port );
            seen |= 1u << (port - 65531);
        }
        ok( seen == 0x1d, "got %x\n", seen );
        ok( !pool_pick_port( pool, r, &tried ), "got one more\n" );
        tried = 0;
        pool_pick_port( pool, r, &tried );
    }
    for (i = 0; i < 5; i++)
        if (i != 1) hold( pool, add_socket( PROTOCOL_UDP ), 65531 + i, 0 );
    tried = 0;
    ok( !pool_pick_port( pool, r, &tried ), "got a port where all are taken\n" );
    destroy( pool );
}

/* "A dual-stack IPv6 socket takes the port for both families", but "bind to such a port by number: succeeds" beside whoever has as little
 * right to it */
static void test_may_hold(void)
{
    static const unsigned int holds[] = { 0, HOLDS_IPV4_ANY, HOLDS_BOTH_ANY, HOLDS_BY_RIGHT, HOLDS_BY_RIGHT | HOLDS_IPV4_ANY,
                                          HOLDS_BY_RIGHT | HOLDS_BOTH_ANY };
    unsigned int i, j;
    int ret, crossed, right;

    for (i = 0; i < 6; i++)
    {
        struct port_socket *tcp = add_socket( PROTOCOL_TCP ), *udp = add_socket( PROTOCOL_UDP );
        struct port_pool *pool = pool_create();

        hold( pool, add_socket( PROTOCOL_TCP ), 80, holds[i] );
        hold( pool, add_socket( PROTOCOL_UDP ), 80, holds[i] );
        for (j = 0; j < 6; j++)
        {
            crossed = i % 3 && j % 3 && i % 3 != j % 3;
            right = i >= 3 || j >= 3;
            ret = pool_may_hold( pool, tcp, 80, holds[j] );
            ok( ret == !(crossed && right), "%u, %u: got %d\n", holds[i], holds[j], ret );
            ok( pool_may_hold( pool, tcp, 81, holds[j] ), "%u, %u: another port\n", holds[i], holds[j] );
            ok( pool_may_hold( pool, udp, 80, holds[j] ), "%u, %u: UDP\n", holds[i], holds[j] );
        }
        destroy( pool );
    }
}

static void test_next(void)
{
    struct port_pool *pool = pool_create();
    struct port_reservation *a = add( pool, PROTOCOL_TCP, 1, 1, 1, NULL );
    struct port_reservation *b = add( pool, PROTOCOL_TCP, 2, 10, 2, NULL );
    struct port_reservation *c = add( pool, PROTOCOL_TCP, 65530, 6, 3, NULL );

    ok( pool_next( pool, PROTOCOL_TCP, 0 ) == a, "not the first\n" );
    ok( pool_next( pool, PROTOCOL_TCP, 1 ) == a, "not the first\n" );
    ok( pool_next( pool, PROTOCOL_TCP, 2 ) == b, "not the second\n" );
    ok( pool_next( pool, PROTOCOL_TCP, 3 ) == c, "not the third\n" );
    ok( pool_next( pool, PROTOCOL_TCP, 65530 ) == c, "not the third\n" );
    ok( !pool_next( pool, PROTOCOL_TCP, 65531 ), "one too many\n" );
    ok( !pool_next( pool, PROTOCOL_TCP, 65535 ), "one too many\n" );
    ok( !pool_next( pool, PROTOCOL_TCP, 65536 ), "past the last port\n" );
    ok( !pool_next( pool, PROTOCOL_TCP, 0xffffffff ), "past the last port\n" );
    ok( !pool_next( pool, PROTOCOL_UDP, 0 ), "one of the other protocol\n" );
    destroy( pool );
}

/* Random operations, and beside the pool a model that is simple enough to be right: who owns, and how many hold, each port. */

#define MAX_MODEL 300

static struct
{
    int                 alive;
    struct port_reservation *reservation;
    uint64_t            token;
    int                 protocol;
    unsigned int        first, count;
    int                 sock;         /* index of the socket it lives with, -1: persistent */
} reservations[MAX_MODEL];

static struct
{
    struct port_socket *sock;
    int          alive;
    int          protocol;
    int          associated;   /* 0: no, -1: with one that has ended, else index of the reservation plus 1 */
    unsigned int port;
} socks[MAX_MODEL];

static uint16_t owners[2][POOL_PORTS];   /* index of the reservation plus 1 */
static uint16_t holders[2][POOL_PORTS];

static uint64_t random_state;

static unsigned int get_random( unsigned int limit )
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 20) % limit;
}

/* crowded places, so that blocks meet */
static unsigned int random_port(void)
{
    switch (get_random( 4 ))
    {
    case 0:  return get_random( 64 );
    case 1:  return 65535 - get_random( 64 );
    case 2:  return 10000 + get_random( 500 );
    default: return get_random( POOL_PORTS + 10 );
    }
}

static unsigned int random_count(void)
{
    switch (get_random( 8 ))
    {
    case 0:  return get_random( POOL_PORTS + 10 );
    case 1:  return get_random( 3000 );
    default: return get_random( 12 );
    }
}

static NTSTATUS model_check( int index, unsigned int first, unsigned int count )
{
    unsigned int port;

    if (first < 1 || first > 65535 || count < 1 || count > 65535 || first + count > 65536) return STATUS_INVALID_PARAMETER;
    for (port = first; port < first + count; port++)
        if (owners[index][port] || holders[index][port]) return STATUS_SHARING_VIOLATION;
    return STATUS_SUCCESS;
}

static int model_free_run( int index, unsigned int first, unsigned int last, unsigned int count )
{
    for (; first + count - 1 <= last; first++)
        if (!model_check( index, first, count )) return first;
    return 0;
}

static int pick_reservation(void)
{
    int i = get_random( MAX_MODEL );

    return reservations[i].alive ? i : -1;
}

static int pick_sock(void)
{
    int i = get_random( MAX_MODEL );

    return socks[i].alive ? i : -1;
}

static void remove_reservation( struct port_pool *pool, int r )
{
    unsigned int i;

    pool_remove( pool, reservations[r].reservation );
    reservations[r].alive = 0;
    for (i = 0; i < reservations[r].count; i++)
        owners[protocol_index( reservations[r].protocol )][reservations[r].first + i] = 0;
    for (i = 0; i < MAX_MODEL; i++)
        if (socks[i].alive && socks[i].associated == r + 1) socks[i].associated = -1;
}

static void random_add( struct port_pool *pool )
{
    int r = get_random( MAX_MODEL ), s = get_random( 3 ) ? pick_sock() : -1, index;
    unsigned int first = random_port(), count = random_count(), i;
    NTSTATUS status, expect;

    if (reservations[r].alive) return;
    reservations[r].protocol = s >= 0 ? socks[s].protocol : protocols[get_random( 2 )];
    index = protocol_index( reservations[r].protocol );
    status = pool_check( pool, reservations[r].protocol, first, count );
    expect = model_check( index, first, count );
    ok( status == expect, "%u, %u: got %08x, expected %08x\n", first, count, (unsigned int)status, (unsigned int)expect );
    if (status) return;
    /* tokens with few different remainders: long chains in the table */
    reservations[r].token = (uint64_t)(get_random( 1000000 ) + 1) * POOL_HASH_SIZE + get_random( 4 );
    if (pool_find_token( pool, reservations[r].token )) return;
    reservations[r].reservation = add( pool, reservations[r].protocol, first, count, reservations[r].token,
                                       s >= 0 ? socks[s].sock : NULL );
    reservations[r].alive = 1;
    reservations[r].first = first;
    reservations[r].count = count;
    reservations[r].sock = s;
    for (i = 0; i < count; i++) owners[index][first + i] = r + 1;
}

static void random_find_free( struct port_pool *pool )
{
    int i = get_random( 2 );
    unsigned int from = random_port(), last = random_port(), count = random_count(), port, expect;

    if (last > 65535 || !from || !count) return;
    expect = model_free_run( i, from, last, count );
    port = pool_find_free( pool, protocols[i], from, last, count, NULL );
    ok( port == expect, "%u..%u, %u: got %u, expected %u\n", from, last, count, port, expect );
}

static void random_add_sock(void)
{
    int s = get_random( MAX_MODEL );

    if (socks[s].alive) return;
    socks[s].protocol = protocols[get_random( 2 )];
    socks[s].sock = add_socket( socks[s].protocol );
    socks[s].alive = 1;
    socks[s].associated = 0;
    socks[s].port = 0;
}

static void random_remove_sock( struct port_pool *pool )
{
    int s = pick_sock(), i;

    if (s < 0) return;
    for (i = 0; i < MAX_MODEL; i++)
        if (reservations[i].alive && reservations[i].sock == s) remove_reservation( pool, i );
    if (socks[s].port) holders[protocol_index( socks[s].protocol )][socks[s].port]--;
    remove_socket( pool, socks[s].sock );
    socks[s].alive = 0;
}

static void random_associate(void)
{
    int s = pick_sock(), r = pick_reservation();

    if (s < 0 || r < 0 || socks[s].port || socks[s].protocol != reservations[r].protocol) return;
    pool_associate( socks[s].sock, reservations[r].reservation );
    socks[s].associated = r + 1;
}

static void random_hold( struct port_pool *pool )
{
    int s = pick_sock(), r, index;
    unsigned int port, tried = 0;

    if (s < 0 || socks[s].port) return;
    index = protocol_index( socks[s].protocol );
    if (socks[s].associated > 0)
    {
        r = socks[s].associated - 1;
        if (!(port = pool_pick_port( pool, reservations[r].reservation, &tried )))
        {
            for (port = reservations[r].first; port < reservations[r].first + reservations[r].count; port++)
                if (!holders[index][port]) break;
            ok( port == reservations[r].first + reservations[r].count, "port %u is free\n", port );
            return;
        }
        ok( owners[index][port] == r + 1 && !holders[index][port], "port %u is not a free one of the reservation\n", port );
    }
    else if (!(port = random_port() % POOL_PORTS)) return;
    hold( pool, socks[s].sock, port, 0 );
    socks[s].port = port;
    socks[s].associated = 0;
    holders[index][port]++;
}

static int in_use_of( int r )
{
    int index = protocol_index( reservations[r].protocol ), ret = 0;
    unsigned int i;

    for (i = 0; i < reservations[r].count; i++) ret += holders[index][reservations[r].first + i] != 0;
    return ret;
}

/* every port, every reservation and every socket, each asked in every way there is; returns what differs */
static const char *compare( struct port_pool *pool, unsigned int *where )
{
    unsigned int runtime = 0, persistent = 0, count;
    struct port_reservation *r, *walk;
    const struct port_socket *sock;
    int i, index;

    for (index = 0; index < 2; index++)
    {
        walk = pool_next( pool, protocols[index], 0 );
        for (*where = 0; *where < POOL_PORTS; (*where)++)
        {
            unsigned int owner = owners[index][*where];

            for (sock = pool->holders[index][*where], count = 0; sock; sock = sock->port_next) count++;
            if (count != holders[index][*where]) return "number of holders";
            r = pool->owners[index][*where];
            if (!r != !owner) return "owner of a port";
            if (!r) continue;
            if (r != reservations[owner - 1].reservation) return "another owner of a port";
            if (*where != r->first) continue;
            if (walk != r) return "order of the reservations";
            walk = pool_next( pool, protocols[index], *where + 1 );
        }
        if (walk) return "a reservation after the last";
    }
    for (i = 0; i < MAX_MODEL; i++)
    {
        *where = i;
        if (!reservations[i].alive) continue;
        r = reservations[i].reservation;
        if (r->first != reservations[i].first || r->count != reservations[i].count || r->protocol != reservations[i].protocol)
            return "block";
        if (pool_find_token( pool, reservations[i].token ) != r) return "token";
        if (pool_find_port( pool, r->protocol, r->first + r->count - 1 ) != r) return "last port";
        if (r->count < 3000 && pool_ports_in_use( pool, r ) != (unsigned int)in_use_of( i )) return "ports in use";
        if (reservations[i].sock < 0)
        {
            if (r->kind != RESERVATION_PERSISTENT || r->client || r->sock) return "kind (persistent)";
            persistent++;
        }
        else
        {
            if (r->kind != RESERVATION_RUNTIME || r->client != &client || r->sock != socks[reservations[i].sock].sock)
                return "kind (runtime)";
            runtime++;
        }
    }
    for (i = 0; i < MAX_MODEL; i++)
    {
        *where = i;
        if (!socks[i].alive) continue;
        sock = socks[i].sock;
        if (sock->port != socks[i].port) return "port of a socket";
        if (sock->associated != (socks[i].associated != 0)) return "association";
        if (sock->reservation != (socks[i].associated > 0 ? reservations[socks[i].associated - 1].reservation : NULL))
            return "reservation of a socket";
    }
    if (pool->runtime != runtime || pool->persistent != persistent) return "counts";
    return NULL;
}

static void test_random( uint64_t seed, int steps )
{
    struct port_pool *pool = pool_create();
    unsigned int where = 0;
    const char *differs = NULL;
    int i, r, failures = test_failures;

    random_state = seed;
    memset( reservations, 0, sizeof(reservations) );
    memset( socks, 0, sizeof(socks) );
    memset( owners, 0, sizeof(owners) );
    memset( holders, 0, sizeof(holders) );
    for (i = 0; i < steps && test_failures == failures; i++)
    {
        switch (get_random( 8 ))
        {
        case 0: case 1: random_add( pool ); break;
        case 2: if (!get_random( 2 ) && (r = pick_reservation()) >= 0) remove_reservation( pool, r ); break;
        case 3: random_add_sock(); break;
        case 4: if (!get_random( 3 )) random_remove_sock( pool ); break;
        case 5: random_associate(); break;
        case 6: random_hold( pool ); break;
        case 7: random_find_free( pool ); break;
        }
        differs = compare( pool, &where );
        ok( !differs, "seed %lu, step %d: the pool differs from the model: %s, at %u\n", (unsigned long)seed, i, differs, where );
    }
    destroy( pool );
}

int main(void)
{
    uint64_t seed;

    test_empty();
    test_check();
    test_find_free();
    test_tokens();
    test_associate();
    test_remove_associated_sock();
    test_pick_port();
    test_may_hold();
    test_next();
    for (seed = 1; seed <= 4; seed++) test_random( seed, 600 );
    return test_summary( "pool" );
}
