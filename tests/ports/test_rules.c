/*
 * Tests of the rules
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

#include "host.h"
#include "test.h"

/* SPEC.md is meant by the sections named here. What a host adds is tested with the host; here are the rules by themselves, and what
 * happens when the host waits and other requests come meanwhile. */

#define TCP PROTOCOL_TCP
#define UDP PROTOCOL_UDP

enum { ROOT, ALICE, BOB };

static struct port_client *clients( unsigned int index )
{
    return &host_clients[index].ports;
}

static struct host_socket *tcp( unsigned int index )
{
    return host_sockets + 2 * (size_t)index;
}

static struct host_socket *udp( unsigned int index )
{
    return host_sockets + 2 * (size_t)index + 1;
}

#define check( call, expect ) \
    do \
    { \
        NTSTATUS check_status = call; \
        ok( check_status == (expect), "%s: got %08x, expected " #expect "\n", #call, (unsigned int)check_status ); \
    } while (0)
#define succeeds( call ) check( call, STATUS_SUCCESS )

static void check_host( int line )
{
    const char *wrong = host_check();

    ok( !wrong, "line %d: %s\n", line, wrong );
}

static struct port_reservation *granted;

static NTSTATUS acquire( unsigned int client, struct host_socket *sock, unsigned int first, unsigned int count )
{
    NTSTATUS status = ports_acquire( pool, clients( client ), &sock->ports, first, count, &granted );

    check_host( __LINE__ );
    return status;
}

static NTSTATUS associate( unsigned int client, struct host_socket *sock, uint64_t token )
{
    NTSTATUS status = ports_associate( pool, clients( client ), &sock->ports, sock->bound, token );

    check_host( __LINE__ );
    return status;
}

static unsigned int got_port;

static NTSTATUS bind( struct host_socket *sock, unsigned int port )
{
    NTSTATUS status = host_try_bind( sock, port, 0, &got_port );

    check_host( __LINE__ );
    return status;
}

static NTSTATUS release( unsigned int client, uint64_t token )
{
    struct port_reservation *reservation;
    NTSTATUS status = ports_release( pool, clients( client ), token, &reservation );

    if (!status) ports_end( pool, reservation );
    check_host( __LINE__ );
    return status;
}

static NTSTATUS create( unsigned int client, int protocol, unsigned int first, unsigned int count )
{
    NTSTATUS status = ports_create( pool, clients( client ), protocol, first, count, &granted );

    check_host( __LINE__ );
    return status;
}

static NTSTATUS delete( unsigned int client, int protocol, unsigned int first, unsigned int count )
{
    struct port_reservation *reservation;
    NTSTATUS status = ports_delete( pool, clients( client ), protocol, first, count, &reservation );

    if (!status) ports_end( pool, reservation );
    check_host( __LINE__ );
    return status;
}

static NTSTATUS lookup( int protocol, unsigned int first, unsigned int count, uint64_t *token )
{
    return ports_lookup( pool, protocol, first, count, token );
}

static void end(void)
{
    const char *wrong;

    host_end();
    wrong = host_check();
    ok( !wrong, "%s\n", wrong );
}

/* SPEC 2, "Acquire": wildcard requests */
static void test_wildcard(void)
{
    unsigned int i, port, calls;

    for (i = 0; i < 50; i++)
    {
        host_reset();
        succeeds( acquire( ALICE, tcp( 0 ), 0, 1 + i * 300 ) );
        ok( granted->first >= 10000 && granted->first + granted->count <= HOST_FIRST_EPHEMERAL,
            "%u: got %u, not below the ephemeral range\n", granted->count, granted->first );
        end();
    }

    /* "ours comes from below Linux's ephemeral range; none left: WSAENOBUFS": what the system hands out by itself stays, however
     * much is asked for */
    host_reset();
    check( acquire( ALICE, tcp( 0 ), 0, HOST_FIRST_EPHEMERAL - 1023 ), STATUS_INSUFFICIENT_RESOURCES );
    succeeds( acquire( ALICE, tcp( 0 ), 0, HOST_FIRST_EPHEMERAL - 1024 ) );
    ok( granted->first == 1024, "got %u\n", granted->first );
    check( acquire( ALICE, tcp( 0 ), 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    succeeds( acquire( ALICE, tcp( 0 ), 65000, 1 ) );
    check( acquire( ALICE, tcp( 0 ), 0, 65535 ), STATUS_INSUFFICIENT_RESOURCES );
    check( acquire( ALICE, tcp( 0 ), 0, 65536 ), STATUS_INVALID_PARAMETER );
    check( acquire( ALICE, tcp( 0 ), 0, 0 ), STATUS_INVALID_PARAMETER );
    end();

    /* a range that begins among the services' ports, and one below which there is nothing to speak of */
    host_reset();
    host_first_ephemeral = 2048;
    succeeds( acquire( ALICE, tcp( 0 ), 0, 1024 ) );
    ok( granted->first == 1024, "got %u\n", granted->first );
    check( acquire( ALICE, tcp( 0 ), 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    end();
    for (i = 1; i < 2048; i += 341)
    {
        host_reset();
        host_first_ephemeral = i;
        succeeds( acquire( ALICE, tcp( 0 ), 0, 50000 ) );
        succeeds( acquire( ALICE, udp( 0 ), 0, POOL_PORTS - 1024 ) );
        check( acquire( ALICE, udp( 0 ), 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
        end();
    }

    /* "a port that the host does not let this user bind": a search gets past such ports in few questions, and misses no block behind them */
    for (i = 1500; i <= 32768; i += 1500)
    {
        host_reset();
        host_first_port = i;
        for (port = 0; port < 3; port++)
        {
            calls = host_guard_calls;
            succeeds( acquire( ALICE, tcp( 0 ), 0, 8 ) );
            ok( granted->first >= i && granted->first + 8 <= HOST_FIRST_EPHEMERAL, "from %u on: got %u\n", i, granted->first );
            ok( host_guard_calls - calls <= 50, "from %u on: asked for guards %u times\n", i, host_guard_calls - calls );
        }
        succeeds( acquire( BOB, udp( 0 ), 0, HOST_FIRST_EPHEMERAL - i ) );
        ok( granted->first == i, "from %u on: got %u\n", i, granted->first );
        check( acquire( BOB, udp( 0 ), 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
        end();
    }
    host_reset();
    host_first_port = 30000;
    for (port = 1; port < POOL_PORTS; port++) host_set_busy( TCP, port, port != 30000 && port != 31234, port % 2 );
    succeeds( acquire( ALICE, tcp( 0 ), 0, 1 ) );
    succeeds( acquire( ALICE, tcp( 0 ), 0, 1 ) );
    check( acquire( ALICE, tcp( 0 ), 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    end();

    /* "A busy host makes a call slower": what the system tells of narrows the search to few questions */
    host_reset();
    for (port = 1; port < POOL_PORTS; port += 2) host_set_busy( TCP, port, 1, 1 );
    for (port = 20000; port < 20010; port++) host_set_busy( TCP, port, 0, 0 );
    succeeds( acquire( ALICE, tcp( 0 ), 0, 10 ) );
    ok( granted->first >= 19999 && granted->first <= 20001, "got %u\n", granted->first );
    calls = host_guard_calls;
    ok( calls <= 2, "asked for guards %u times\n", calls );
    check( acquire( ALICE, tcp( 0 ), 0, 10 ), STATUS_INSUFFICIENT_RESOURCES );
    ok( host_guard_calls <= calls + 1, "asked for guards %u times\n", host_guard_calls - calls );
    succeeds( acquire( ALICE, udp( 0 ), 0, 10 ) );
    end();

    /* what it does not tell of is passed over, too */
    host_reset();
    for (port = 1; port < POOL_PORTS; port += 2) host_set_busy( TCP, port, 1, 0 );
    for (port = 20000; port < 20010; port++) host_set_busy( TCP, port, 0, 0 );
    succeeds( acquire( ALICE, tcp( 0 ), 0, 10 ) );
    ok( granted->first >= 19999 && granted->first <= 20001, "got %u\n", granted->first );
    end();
}

/* Requests that come while the host waits for another one. */

static unsigned int waits;
static uint64_t the_token;

static void acquire_the_same(void)
{
    struct port_reservation *other;

    if (waits++) return;
    check( ports_acquire( pool, clients( BOB ), &tcp( 1 )->ports, 7000, 10, &other ), STATUS_SHARING_VIOLATION );
    check( ports_acquire( pool, clients( BOB ), &tcp( 1 )->ports, 7009, 1, &other ), STATUS_SHARING_VIOLATION );
    check( ports_create( pool, clients( ROOT ), TCP, 6990, 11, &other ), STATUS_SHARING_VIOLATION );
    check( ports_acquire( pool, clients( BOB ), &tcp( 1 )->ports, 7010, 1, &other ), STATUS_SUCCESS );
    check_host( __LINE__ );
}

static void ask_for_pending(void)
{
    struct port_reservation *pending = pool_find_port( pool, TCP, 7000 ), *other;
    uint64_t token;

    if (waits++) return;
    ok( pending && pending->state == RESERVATION_PENDING, "not pending\n" );
    if (!pending) return;
    check( ports_lookup( pool, TCP, 7000, 10, &token ), STATUS_NOT_FOUND );
    check( ports_delete( pool, clients( ROOT ), TCP, 7000, 10, &other ), STATUS_NOT_FOUND );
    check( ports_release( pool, clients( ALICE ), pending->token, &other ), STATUS_INVALID_PARAMETER );
    check( ports_associate( pool, clients( ALICE ), &tcp( 2 )->ports, 0, pending->token ), STATUS_INVALID_PARAMETER );
}

static void bind_another(void)
{
    unsigned int port;

    if (waits++) return;
    check( host_try_bind( tcp( 2 ), 0, 0, &port ), STATUS_SUCCESS );
    ok( port == 7001, "got %u\n", port );
}

static void bind_the_same(void)
{
    unsigned int port;

    if (waits++) return;
    check( host_try_bind( tcp( 1 ), 0, 0, &port ), STATUS_INVALID_PARAMETER );
    check( ports_associate( pool, clients( ALICE ), &tcp( 1 )->ports, 0, the_token ), STATUS_INVALID_PARAMETER );
}

static void release_meanwhile(void)
{
    if (waits++) return;
    check( release( ALICE, the_token ), STATUS_SUCCESS );
}

static void close_owner(void)
{
    if (!waits++) host_close( tcp( 0 ) );
}

static void let( void (*func)(void) )
{
    waits = 0;
    host_waits = func;
}

static void test_waiting(void)
{
    host_reset();
    let( acquire_the_same );
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    ok( waits > 0, "nothing came meanwhile\n" );
    end();

    host_reset();
    let( ask_for_pending );
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    ok( waits > 0, "nothing came meanwhile\n" );
    end();

    host_reset();
    let( ask_for_pending );
    succeeds( create( ROOT, TCP, 7000, 10 ) );
    end();

    /* it fails, and what came meanwhile stays */
    host_reset();
    let( acquire_the_same );
    host_set_busy( TCP, 7005, 1, 1 );
    check( acquire( ALICE, tcp( 0 ), 7000, 10 ), STATUS_SHARING_VIOLATION );
    ok( pool->runtime == 1 && pool_find_port( pool, TCP, 7010 ), "got %u\n", pool->runtime );
    end();

    /* SPEC 3, "a free port of the reservation": not one that is being given away */
    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    succeeds( associate( ALICE, tcp( 1 ), granted->token ) );
    succeeds( associate( ALICE, tcp( 2 ), granted->token ) );
    let( bind_another );
    succeeds( bind( tcp( 1 ), 0 ) );
    ok( got_port == 7000, "got %u\n", got_port );
    end();

    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    the_token = granted->token;
    succeeds( associate( ALICE, tcp( 1 ), the_token ) );
    let( bind_the_same );
    succeeds( bind( tcp( 1 ), 0 ) );
    ok( waits > 0, "nothing came meanwhile\n" );
    end();

    /* SPEC 2, "Sockets already bound from the block keep their ports": also one that is just being bound */
    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    the_token = granted->token;
    succeeds( associate( ALICE, tcp( 1 ), the_token ) );
    let( release_meanwhile );
    succeeds( bind( tcp( 1 ), 7003 ) );
    check( acquire( BOB, tcp( 2 ), 7003, 1 ), STATUS_SHARING_VIOLATION );
    succeeds( acquire( BOB, tcp( 2 ), 7000, 3 ) );
    end();

    /* the first port is lost to somebody else, and the reservation ends meanwhile */
    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    the_token = granted->token;
    succeeds( associate( ALICE, tcp( 1 ), the_token ) );
    host_set_busy( TCP, 7000, 1, 1 );
    let( release_meanwhile );
    check( bind( tcp( 1 ), 0 ), STATUS_INVALID_PARAMETER );
    ok( tcp( 1 )->ports.associated && !tcp( 1 )->bound, "got %u\n", tcp( 1 )->bound );
    end();
}

/* a release or delete that its client does not hear of */
static void test_revive(void)
{
    struct port_reservation *reservation;
    uint64_t token, found;

    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    token = granted->token;
    succeeds( associate( ALICE, tcp( 1 ), token ) );
    succeeds( ports_release( pool, clients( ALICE ), token, &reservation ) );
    check( bind( tcp( 1 ), 0 ), STATUS_INVALID_PARAMETER );
    check( acquire( BOB, tcp( 2 ), 7000, 1 ), STATUS_SHARING_VIOLATION );
    succeeds( ports_revive( pool, reservation ) );
    succeeds( bind( tcp( 1 ), 0 ) );
    end();

    /* the socket that it lives with is closed meanwhile */
    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    succeeds( ports_release( pool, clients( ALICE ), granted->token, &reservation ) );
    let( close_owner );
    succeeds( ports_revive( pool, reservation ) );
    succeeds( acquire( BOB, tcp( 2 ), 7000, 10 ) );
    end();

    host_reset();
    succeeds( create( ROOT, UDP, 7000, 10 ) );
    token = granted->token;
    succeeds( ports_delete( pool, clients( ROOT ), UDP, 7000, 10, &reservation ) );
    ok( !host_is_stored( UDP, 7000, 10 ), "still stored\n" );
    check( lookup( UDP, 7000, 10, &found ), STATUS_NOT_FOUND );
    check( create( ROOT, UDP, 7000, 10 ), STATUS_SHARING_VIOLATION );
    succeeds( ports_revive( pool, reservation ) );
    ok( host_is_stored( UDP, 7000, 10 ), "not stored\n" );
    succeeds( lookup( UDP, 7000, 10, &found ) );
    ok( found == token, "another token\n" );
    succeeds( delete( ROOT, UDP, 7000, 10 ) );

    /* what can't be stored again has ended */
    succeeds( create( ROOT, UDP, 7000, 10 ) );
    succeeds( ports_delete( pool, clients( ROOT ), UDP, 7000, 10, &reservation ) );
    host_fail_at( 1 );
    check( ports_revive( pool, reservation ), STATUS_UNSUCCESSFUL );
    ports_end( pool, reservation );
    succeeds( create( ROOT, UDP, 7000, 10 ) );
    end();
}

/* SPEC 6: "exactly this start and count, but a live runtime reservation: ERROR_ACCESS_DENIED", and to look up there is nothing */
static void test_delete_runtime(void)
{
    uint64_t token;

    host_reset();
    succeeds( acquire( ALICE, tcp( 0 ), 7000, 10 ) );
    check( delete( ROOT, TCP, 7000, 10 ), STATUS_ACCESS_DENIED );
    check( delete( ROOT, TCP, 7000, 9 ), STATUS_NOT_FOUND );
    check( delete( ROOT, UDP, 7000, 10 ), STATUS_NOT_FOUND );
    check( lookup( TCP, 7000, 10, &token ), STATUS_NOT_FOUND );
    ok( pool->runtime == 1, "got %u\n", pool->runtime );
    end();
}

#define set_processor( client, sock, processor ) \
    ports_set_processor( clients( client ), &(sock)->ports, (sock)->bound, (sock)->reuse, processor, 4 )

/* SPEC 10 */
static void test_processors(void)
{
    unsigned int port;

    /* the table of states */
    host_reset();
    check( set_processor( ALICE, tcp( 0 ), 0 ), STATUS_NOT_SUPPORTED );
    check( set_processor( ALICE, udp( 0 ), 4 ), STATUS_INVALID_PARAMETER );
    udp( 0 )->reuse = 1;
    check( set_processor( ALICE, udp( 0 ), 0 ), STATUS_INVALID_PARAMETER );
    udp( 0 )->reuse = 0;
    udp( 0 )->bound = 5000;
    check( set_processor( ALICE, udp( 0 ), 0 ), STATUS_INVALID_PARAMETER );
    udp( 0 )->bound = 0;
    ok( pool_socket_is_idle( &udp( 0 )->ports ), "not idle\n" );
    succeeds( set_processor( ALICE, udp( 0 ), 3 ) );
    succeeds( set_processor( ALICE, udp( 0 ), 0 ) );  /* the last one counts */
    end();

    /* "bound to the same address and port, each with its processor (also several with the same one)": with a reservation */
    host_reset();
    succeeds( acquire( ALICE, udp( 0 ), 7000, 1 ) );
    the_token = granted->token;
    succeeds( set_processor( ALICE, udp( 0 ), 0 ) );
    succeeds( set_processor( ALICE, udp( 1 ), 1 ) );
    succeeds( set_processor( ALICE, udp( 2 ), 1 ) );
    succeeds( associate( ALICE, udp( 0 ), the_token ) );
    succeeds( associate( ALICE, udp( 1 ), the_token ) );
    succeeds( associate( ALICE, udp( 2 ), the_token ) );
    succeeds( bind( udp( 0 ), 7000 ) );
    succeeds( bind( udp( 1 ), 7000 ) );
    succeeds( bind( udp( 2 ), 7000 ) );
    /* "whoever has not set it, and another process, is refused (WSAEADDRINUSE, or WSAEACCES where the port is reserved)" */
    check( bind( udp( 3 ), 7000 ), STATUS_ACCESS_DENIED );
    succeeds( associate( ALICE, udp( 3 ), the_token ) );
    check( bind( udp( 3 ), 7000 ), STATUS_SHARING_VIOLATION );
    succeeds( set_processor( BOB, udp( 4 ), 0 ) );
    check( bind( udp( 4 ), 7000 ), STATUS_ACCESS_DENIED );
    ok( ports_is_shared( pool, PROTOCOL_UDP, 7000 ), "not shared\n" );
    ok( !ports_is_shared( pool, PROTOCOL_TCP, 7000 ) && !ports_is_shared( pool, PROTOCOL_UDP, 7001 ), "shared\n" );
    /* "The port is free when the last of them closes, in any order; a reservation may end before its sockets do." */
    host_close( udp( 0 ) );
    check_host( __LINE__ );
    ok( !pool->runtime, "got %u\n", pool->runtime );
    check( acquire( ALICE, udp( 0 ), 7000, 1 ), STATUS_SHARING_VIOLATION );
    host_close( udp( 2 ) );
    check( acquire( ALICE, udp( 0 ), 7000, 1 ), STATUS_SHARING_VIOLATION );
    host_close( udp( 1 ) );
    succeeds( acquire( ALICE, udp( 0 ), 7000, 1 ) );
    end();

    /* "It holds with and without a reservation, for port 0 too: the first socket gets a port, the others ask for that number." */
    host_reset();
    succeeds( set_processor( ALICE, udp( 0 ), 0 ) );
    succeeds( set_processor( ALICE, udp( 1 ), 1 ) );
    succeeds( bind( udp( 0 ), 0 ) );
    port = got_port;
    ok( port == udp( 0 )->bound && port, "got %u\n", port );
    succeeds( bind( udp( 1 ), port ) );
    ok( got_port == port, "got %u\n", got_port );
    check( acquire( BOB, udp( 2 ), port, 1 ), STATUS_SHARING_VIOLATION );
    succeeds( set_processor( BOB, udp( 3 ), 0 ) );
    check( bind( udp( 3 ), port ), STATUS_SHARING_VIOLATION );
    check( bind( udp( 4 ), port ), STATUS_NOT_FOUND );  /* the system refuses it */
    check( bind( udp( 1 ), port ), STATUS_INVALID_PARAMETER );  /* it is bound */
    end();
}

int main(void)
{
    test_wildcard();
    test_waiting();
    test_revive();
    test_delete_runtime();
    test_processors();
    return test_summary( "rules" );
}
