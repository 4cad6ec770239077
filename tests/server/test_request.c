/*
 * Tests of the request handlers
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
#include <unistd.h>

#include "closed.h"
#include "fakes.h"
#include "ports.h"
#include "recovery.h"
#include "reservation.h"
#include "test.h"

/* SPEC.md is meant by the sections named here. */

#define TCP PROTOCOL_TCP
#define UDP PROTOCOL_UDP

static union generic_request req;
static union generic_reply reply;
static uint32_t serial;

/* whether the client of a request reads the reply */
static enum { HEARD, UNHEARD, KILLED /* the server is, before that */ } outcome;

/* the clients of most tests: one, another, and one that is an administrator */
static struct client alice, bob, root;
enum { ALICE, BOB, ROOT };

static void check_invariants( int line )
{
    const char *wrong = fakes_check();

    ok( !wrong, "line %d: %s\n", line, wrong );
}

/* Send req. The rest of a reply with an error is zero. */
static NTSTATUS send_request( int line, struct client *client, enum request code, size_t size )
{
    static const unsigned char zero[sizeof(reply)];
    size_t reply_size;

    req.__header.req = code;
    req.__header.size = size;
    req.__header.version = PROTOCOL_VERSION;
    req.__header.serial = serial;
    reply_size = handle_request( client, &req, size, &reply );
    ok( reply_size == reply.__header.size, "line %d: got size %u\n", line, reply.__header.size );
    if (reply.__header.status && code != REQ_bind_socket)
        ok( !memcmp( &reply.__header + 1, zero, reply_size - sizeof(reply.__header) ), "line %d: data with an error\n", line );
    if (outcome != KILLED)
    {
        request_done( client, outcome == HEARD );
        check_invariants( line );
    }
    memset( &req, 0, sizeof(req) );
    return reply.__header.status;
}

#define SEND( client, name ) (serial++, send_request( line, client, REQ_##name, sizeof(struct name##_request) ))

static NTSTATUS send_acquire( int line, struct client *client, unsigned int index, unsigned int first, unsigned int count )
{
    req.acquire_port_reservation_request.handle = FAKE_HANDLE( index );
    req.acquire_port_reservation_request.first = first;
    req.acquire_port_reservation_request.count = count;
    return SEND( client, acquire_port_reservation );
}

static NTSTATUS send_release( int line, struct client *client, uint64_t token )
{
    req.release_port_reservation_request.token = token;
    return SEND( client, release_port_reservation );
}

/* of the next requests about a socket: is it one that the client has made? */
static int made;

static NTSTATUS send_associate( int line, struct client *client, unsigned int index, uint64_t token )
{
    req.associate_port_reservation_request.handle = FAKE_HANDLE( index );
    req.associate_port_reservation_request.token = token;
    req.associate_port_reservation_request.made = made;
    return SEND( client, associate_port_reservation );
}

static NTSTATUS send_bind( int line, struct client *client, unsigned int index, unsigned int port )
{
    req.bind_socket_request.handle = FAKE_HANDLE( index );
    req.bind_socket_request.addr_len = MAX_SOCKADDR_LEN;
    req.bind_socket_request.addr[2] = port >> 8;
    req.bind_socket_request.addr[3] = port & 0xff;
    return SEND( client, bind_socket );
}

static NTSTATUS send_create( int line, struct client *client, unsigned int protocol, unsigned int first, unsigned int count )
{
    req.create_persistent_reservation_request.protocol = protocol;
    req.create_persistent_reservation_request.first = first;
    req.create_persistent_reservation_request.count = count;
    return SEND( client, create_persistent_reservation );
}

static NTSTATUS send_delete( int line, struct client *client, unsigned int protocol, unsigned int first, unsigned int count )
{
    req.delete_persistent_reservation_request.protocol = protocol;
    req.delete_persistent_reservation_request.first = first;
    req.delete_persistent_reservation_request.count = count;
    return SEND( client, delete_persistent_reservation );
}

static NTSTATUS send_lookup( int line, struct client *client, unsigned int protocol, unsigned int first, unsigned int count )
{
    req.lookup_persistent_reservation_request.protocol = protocol;
    req.lookup_persistent_reservation_request.first = first;
    req.lookup_persistent_reservation_request.count = count;
    return SEND( client, lookup_persistent_reservation );
}

#define acquire( ... )   send_acquire( __LINE__, __VA_ARGS__ )
#define release( ... )   send_release( __LINE__, __VA_ARGS__ )
#define associate( ... ) send_associate( __LINE__, __VA_ARGS__ )
#define bind( ... )      send_bind( __LINE__, __VA_ARGS__ )
#define create( ... )    send_create( __LINE__, __VA_ARGS__ )
#define delete( ... )    send_delete( __LINE__, __VA_ARGS__ )
#define lookup( ... )    send_lookup( __LINE__, __VA_ARGS__ )

#define check( call, expect ) \
    do \
    { \
        NTSTATUS check_status = call; \
        ok( check_status == (expect), "%s: got %08x, expected " #expect "\n", #call, (unsigned int)check_status ); \
    } while (0)
#define succeeds( call ) check( call, STATUS_SUCCESS )

/* after a success */
#define TOKEN()  (reply.acquire_port_reservation_reply.token)
#define FIRST()  (reply.acquire_port_reservation_reply.first)
#define PORT()   (reply.bind_socket_reply.port)

static const struct port_pool *pool(void)
{
    return reservations_pool();
}

static void connect_clients(void)
{
    fake_set_elevated( ROOT, 1 );
    succeeds( fake_connect( ALICE, &alice ) );
    succeeds( fake_connect( BOB, &bob ) );
    succeeds( fake_connect( ROOT, &root ) );
}

static void begin(void)
{
    fake_reset();
    serial = 1000;
    succeeds( fake_start_server() );
    connect_clients();
}

static void end_test( int line )
{
    const char *wrong = fakes_check_all();

    ok( !wrong, "line %d: %s\n", line, wrong );
    fake_end_server();
}
#define end() end_test( __LINE__ )

static void close_sock( unsigned int index, unsigned int process )
{
    if (fake_close( index, process )) fake_deliver_close( index );
    check_invariants( __LINE__ );
}

/* Everything the pool and the store hold, as text. A socket that is merely watched counts for nothing. */
static char *snapshot(void)
{
    static const int protocols[2] = { TCP, UDP };
    const struct port_reservation *r;
    const struct sock *sock;
    unsigned int i, from;
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream( &ret, &size );

    for (i = 0; i < 2; i++)
    {
        for (from = 0; (r = pool_next( pool(), protocols[i], from )); from = r->first + r->count)
            fprintf( out, "%d %u+%u kind %d owner %u socket %u token %llx stored %u\n", r->protocol, r->first, r->count, r->kind,
                     reservation_owner( r ), r->sock ? (unsigned int)sock_from_ports( r->sock )->id : 0, (unsigned long long)r->token,
                     fake_stored( r->protocol, r->first ) );
    }
    for (i = 0; i < fake_sock_count; i++)
    {
        if (!(sock = sock_table_find( fake_socks[i].id )) || (!sock->ports.associated && !sock->ports.port)) continue;
        fprintf( out, "socket %u: associated %d with %llx, port %u\n", (unsigned int)sock->id, sock->ports.associated,
                 sock->ports.reservation ? (unsigned long long)sock->ports.reservation->token : 0, sock->ports.port );
    }
    fclose( out );
    return ret;
}

/* A malformed request gets an error, and the server goes on. */
static void test_malformed(void)
{
    struct request_header header = { REQ_get_server_info, sizeof(header), PROTOCOL_VERSION, 1 };
    unsigned char bytes[4096];
    unsigned int code, i;
    size_t size;

    begin();
    succeeds( acquire( &alice, fake_socket( ALICE, 4, TCP, 0 ), 5000, 10 ) );

    for (size = 0; size < sizeof(header); size++)
    {
        memcpy( bytes, &header, sizeof(header) );
        ok( handle_request( &alice, bytes, size, &reply ) == sizeof(struct reply_header), "%u: wrong size\n", (unsigned int)size );
        ok( reply.__header.status == (uint32_t)STATUS_INFO_LENGTH_MISMATCH, "%u: got %08x\n", (unsigned int)size, reply.__header.status );
    }

    header.version++;
    handle_request( &alice, &header, sizeof(header), &reply );
    ok( reply.__header.status == (uint32_t)STATUS_REVISION_MISMATCH, "got %08x\n", reply.__header.status );
    ok( reply.__header.version == PROTOCOL_VERSION, "got %08x\n", reply.__header.version );
    header.version--;

    for (i = 0; i < 3; i++)
    {
        static const uint32_t codes[] = { REQ_NB_REQUESTS, 0x80000000, 0xffffffff };

        header.req = codes[i];
        handle_request( &alice, &header, sizeof(header), &reply );
        ok( reply.__header.status == (uint32_t)STATUS_NOT_IMPLEMENTED, "%x: got %08x\n", codes[i], reply.__header.status );
    }

    /* every code with every size but its own, said truly and not */
    for (code = 0; code < REQ_NB_REQUESTS; code++)
    {
        static const uint32_t sizes[] = REQUEST_SIZES;

        for (size = sizeof(header); size <= sizeof(union generic_request) + 64; size++)
        {
            memset( bytes, 0xff, sizeof(bytes) );
            header.req = code;
            header.size = size;
            memcpy( bytes, &header, sizeof(header) );
            if (size != sizes[code])
            {
                handle_request( &alice, bytes, size, &reply );
                ok( reply.__header.status == (uint32_t)STATUS_INFO_LENGTH_MISMATCH, "%u, %u: got %08x\n", code, (unsigned int)size,
                    reply.__header.status );
            }
            header.size = size + 1;
            memcpy( bytes, &header, sizeof(header) );
            handle_request( &alice, bytes, size, &reply );
            ok( reply.__header.status == (uint32_t)STATUS_INFO_LENGTH_MISMATCH, "%u, %u: got %08x\n", code, (unsigned int)size,
                reply.__header.status );
        }
    }
    check_invariants( __LINE__ );

    /* the right size, and nonsense in it; what asks for nothing may succeed */
    for (code = 0; code < REQ_NB_REQUESTS; code++)
    {
        static const uint32_t sizes[] = REQUEST_SIZES;

        for (i = 0; i < 2; i++)
        {
            memset( &req, i ? 0xff : 0, sizeof(req) );
            serial++;
            if (send_request( __LINE__, &bob, code, sizes[code] ) == STATUS_SUCCESS)
                ok( code == REQ_get_server_info, "%u, %u: success\n", code, i );
        }
    }
    ok( pool()->runtime == 1 && !pool()->persistent, "got %u, %u\n", pool()->runtime, pool()->persistent );
    end();
}

/* section 2, "Acquire" */
static void test_acquire(void)
{
    unsigned int s, other, udp, raw, i, port;
    uint64_t token;
    char *before, *after;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    udp = fake_socket( ALICE, 6, UDP, 1 );
    other = fake_socket( BOB, 4, TCP, 0 );
    raw = fake_socket( ALICE, 4, 0, 0 );
    succeeds( acquire( &bob, other, 7000, 100 ) );
    succeeds( create( &root, TCP, 8000, 10 ) );
    fake_set_busy( TCP, 9005, 1 );

    before = snapshot();
    check( acquire( &alice, 1000, 5000, 1 ), STATUS_OBJECT_TYPE_MISMATCH );
    check( acquire( &alice, other, 5000, 1 ), STATUS_OBJECT_TYPE_MISMATCH );  /* a handle of somebody else */
    check( acquire( &alice, raw, 5000, 1 ), STATUS_NOT_SUPPORTED );
    check( acquire( &alice, s, 5000, 0 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0, 0 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 65535, 2 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 1, 65536 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0, 65536 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0, 0xffffffff ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 65536, 1 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0xffffffff, 1 ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 5000, 0xffffffff ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0xffffffff, 0xffffffff ), STATUS_INVALID_PARAMETER );
    check( acquire( &alice, s, 0, 65535 ), STATUS_INSUFFICIENT_RESOURCES );   /* no block as large is left */
    check( acquire( &alice, s, 7099, 1 ), STATUS_SHARING_VIOLATION );         /* a runtime reservation */
    check( acquire( &alice, s, 6999, 2 ), STATUS_SHARING_VIOLATION );
    check( acquire( &alice, s, 8009, 2 ), STATUS_SHARING_VIOLATION );         /* a persistent one */
    check( acquire( &alice, s, 9000, 6 ), STATUS_SHARING_VIOLATION );         /* bound by a native program */
    check( acquire( &alice, s, 1023, 1 ), STATUS_ACCESS_DENIED );             /* not for this user */
    after = snapshot();
    ok( !strcmp( before, after ), "from\n%s\nto\n%s\n", before, after );
    free( before );
    free( after );

    succeeds( acquire( &alice, s, 9000, 5 ) );
    ok( FIRST() == 9000 && reply.acquire_port_reservation_reply.count == 5, "got %u\n", FIRST() );
    token = TOKEN();
    ok( token != 0, "no token\n" );
    check( acquire( &alice, s, 9004, 1 ), STATUS_SHARING_VIOLATION );         /* this process's own */
    succeeds( acquire( &alice, s, 9006, 5 ) );                                /* several blocks on one socket */
    ok( TOKEN() != token, "the same token\n" );
    succeeds( acquire( &alice, udp, 9000, 6 ) );                              /* of one protocol */
    succeeds( acquire( &alice, s, 65535, 1 ) );

    /* the same token twice from the system: another one is taken */
    fake_next_token( token );
    succeeds( acquire( &alice, s, 6000, 1 ) );
    ok( TOKEN() != token, "the same token\n" );

    /* wildcard: consecutive, free, never a port that is privileged or busy */
    for (i = 0; i < 200; i++)
    {
        succeeds( acquire( &alice, s, 0, 100 ) );
        ok( FIRST() >= 1024 && FIRST() <= 32768 - 100, "got %u\n", FIRST() );
        ok( reply.acquire_port_reservation_reply.count == 100, "got %u\n", reply.acquire_port_reservation_reply.count );
    }
    succeeds( acquire( &alice, udp, 0, 20000 ) );
    check( acquire( &alice, udp, 0, 20000 ), STATUS_INSUFFICIENT_RESOURCES );

    /* busy ports: wildcard requests step over them */
    close_sock( udp, ALICE );
    udp = fake_socket( BOB, 4, UDP, 0 );
    for (port = 1024; port < 32768; port++) fake_set_busy( UDP, port, port != 2000 && port != 20000 );
    succeeds( acquire( &bob, udp, 0, 1 ) );
    ok( FIRST() == 20000, "got %u\n", FIRST() );
    succeeds( acquire( &bob, udp, 0, 1 ) );
    ok( FIRST() == 2000, "got %u\n", FIRST() );
    check( acquire( &bob, udp, 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    end();
}

/* section 2, "Release" */
static void test_release(void)
{
    unsigned int s, second, other, user;
    uint64_t token, token2, persistent;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    second = fake_socket( ALICE, 4, UDP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    other = fake_socket( BOB, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 2 ) );
    token = TOKEN();
    succeeds( acquire( &alice, second, 7000, 2 ) );
    token2 = TOKEN();
    succeeds( create( &root, TCP, 8000, 10 ) );
    persistent = TOKEN();

    check( release( &alice, 0 ), STATUS_INVALID_PARAMETER );
    check( release( &alice, token + 1 ), STATUS_INVALID_PARAMETER );
    check( release( &alice, persistent ), STATUS_INVALID_PARAMETER );
    check( release( &root, persistent ), STATUS_INVALID_PARAMETER );
    check( release( &bob, token ), STATUS_ACCESS_DENIED );
    check( release( &root, token ), STATUS_ACCESS_DENIED );

    succeeds( associate( &alice, user, token ) );
    succeeds( bind( &alice, user, 7001 ) );
    succeeds( release( &alice, token ) );
    check( release( &alice, token ), STATUS_INVALID_PARAMETER );  /* stale */
    succeeds( release( &alice, token2 ) );                        /* on any of its sockets */

    /* sockets already bound from the block keep their ports until they close; only then are those ports free for others */
    succeeds( acquire( &bob, other, 7000, 1 ) );
    check( acquire( &bob, other, 7001, 1 ), STATUS_SHARING_VIOLATION );
    check( create( &root, TCP, 7001, 1 ), STATUS_SHARING_VIOLATION );
    close_sock( user, ALICE );
    succeeds( acquire( &bob, other, 7001, 1 ) );
    end();
}

/* section 2, "Associate" */
static void test_associate(void)
{
    unsigned int s, udp, user, bound, other;
    uint64_t token, token2, udp_token, persistent, stale;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    udp = fake_socket( ALICE, 4, UDP, 0 );
    user = fake_socket( ALICE, 6, TCP, 1 );
    bound = fake_socket( ALICE, 4, TCP, 0 );
    other = fake_socket( BOB, 4, TCP, 0 );
    fake_socks[bound].port = 4000;
    succeeds( acquire( &alice, s, 7000, 2 ) );
    token = TOKEN();
    succeeds( acquire( &alice, s, 7100, 2 ) );
    token2 = TOKEN();
    succeeds( acquire( &alice, s, 7200, 2 ) );
    stale = TOKEN();
    succeeds( release( &alice, stale ) );
    succeeds( acquire( &alice, udp, 7000, 2 ) );
    udp_token = TOKEN();
    succeeds( create( &root, TCP, 8000, 10 ) );
    persistent = TOKEN();

    check( associate( &alice, bound, token ), STATUS_INVALID_PARAMETER );
    check( associate( &alice, user, 0 ), STATUS_INVALID_PARAMETER );
    check( associate( &alice, user, token + 1 ), STATUS_INVALID_PARAMETER );
    check( associate( &alice, user, stale ), STATUS_INVALID_PARAMETER );
    check( associate( &alice, user, udp_token ), STATUS_INVALID_PARAMETER );
    check( associate( &alice, 1000, token ), STATUS_OBJECT_TYPE_MISMATCH );
    check( associate( &alice, other, token ), STATUS_OBJECT_TYPE_MISMATCH );
    check( associate( &bob, other, token ), STATUS_ACCESS_DENIED );
    check( associate( &bob, other, persistent ), STATUS_ACCESS_DENIED );
    fake_set_elevated( BOB, 1 );
    check( associate( &bob, other, token ), STATUS_ACCESS_DENIED );  /* an administrator neither */
    succeeds( associate( &bob, other, persistent ) );                /* any elevated process may consume any persistent one */
    fake_set_elevated( BOB, 0 );

    /* associating again before binding: the last association stands */
    succeeds( associate( &alice, user, token ) );
    succeeds( associate( &alice, user, token2 ) );
    check( associate( &alice, user, stale ), STATUS_INVALID_PARAMETER );
    succeeds( bind( &alice, user, 0 ) );
    ok( PORT() == 7100 || PORT() == 7101, "got %u\n", PORT() );
    check( associate( &alice, user, token ), STATUS_INVALID_PARAMETER );  /* bound now */
    end();
}

static void test_bind_rows( int protocol, int family, int dual_stack )
{
    unsigned int s, user[6], i, seen = 0;
    uint64_t token;

    begin();
    s = fake_socket( ALICE, 4, protocol, 0 );
    for (i = 0; i < 6; i++) user[i] = fake_socket( ALICE, family, protocol, dual_stack );
    succeeds( acquire( &alice, s, 7000, 4 ) );
    token = TOKEN();
    for (i = 0; i < 6; i++) succeeds( associate( &alice, user[i], token ) );

    check( bind( &alice, user[0], 6999 ), STATUS_INVALID_ADDRESS_COMPONENT );  /* a port outside it */
    check( bind( &alice, user[0], 7004 ), STATUS_INVALID_ADDRESS_COMPONENT );
    succeeds( bind( &alice, user[0], 7002 ) );                                 /* a port of it that is free */
    ok( PORT() == 7002, "got %u\n", PORT() );
    check( bind( &alice, user[1], 7002 ), STATUS_SHARING_VIOLATION );          /* that is taken */
    fake_set_busy( protocol, 7001, 1 );                                        /* lost to a native program */
    for (i = 1; i < 3; i++)
    {
        succeeds( bind( &alice, user[i], 0 ) );                                /* port 0: a free one of the reservation */
        ok( PORT() == 7000 || PORT() == 7003, "got %u\n", PORT() );
        seen |= 1 << (PORT() - 7000);
    }
    ok( seen == 9, "got %x\n", seen );
    check( bind( &alice, user[3], 0 ), STATUS_INSUFFICIENT_RESOURCES );        /* nothing free is left */
    ok( sock_table_find( fake_socks[user[3]].id )->ports.associated, "the socket is no longer associated\n" );
    fake_set_busy( protocol, 7001, 0 );
    succeeds( bind( &alice, user[3], 0 ) );
    ok( PORT() == 7001, "got %u\n", PORT() );

    /* A port comes back to the reservation when the last handle of the socket that held it closes. */
    fake_socks[user[0]].processes |= 1 << BOB;
    close_sock( user[0], ALICE );
    check( bind( &alice, user[4], 7002 ), STATUS_SHARING_VIOLATION );
    check( bind( &alice, user[4], 0 ), STATUS_INSUFFICIENT_RESOURCES );
    close_sock( user[0], BOB );
    succeeds( bind( &alice, user[4], 7002 ) );

    /* the reservation ended between associate and bind */
    succeeds( release( &alice, token ) );
    check( bind( &alice, user[5], 0 ), STATUS_INVALID_PARAMETER );
    check( bind( &alice, user[5], 7000 ), STATUS_INVALID_PARAMETER );
    close_sock( user[5], ALICE );

    /* bad input */
    check( bind( &alice, 1000, 7000 ), STATUS_OBJECT_TYPE_MISMATCH );
    for (i = 0; i < 4; i++)
    {
        static const uint32_t lengths[] = { 0, 15, MAX_SOCKADDR_LEN + 1, 0xffffffff };

        req.bind_socket_request.handle = FAKE_HANDLE( s );
        req.bind_socket_request.addr_len = lengths[i];
        serial++;
        check( send_request( __LINE__, &alice, REQ_bind_socket, sizeof(struct bind_socket_request) ), STATUS_INVALID_PARAMETER );
    }
    end();
}

/* section 3 */
static void test_bind(void)
{
    test_bind_rows( TCP, 4, 0 );
    test_bind_rows( TCP, 6, 0 );
    test_bind_rows( TCP, 6, 1 );
    test_bind_rows( UDP, 4, 0 );
    test_bind_rows( UDP, 6, 1 );
}

/* port 7000 of a block of ten is a's, and b, with SO_REUSEADDR as well, could be bound to it */
static void share_port( int protocol, unsigned int *a, unsigned int *b )
{
    uint64_t token;

    succeeds( acquire( &alice, fake_socket( ALICE, 4, protocol, 0 ), 7000, 10 ) );
    token = TOKEN();
    *a = fake_socket( ALICE, 4, protocol, 0 );
    *b = fake_socket( ALICE, 4, protocol, 0 );
    succeeds( associate( &alice, *a, token ) );
    succeeds( associate( &alice, *b, token ) );
    fake_socks[*a].reuse = fake_socks[*b].reuse = 1;
    succeeds( bind( &alice, *a, 7000 ) );
}

/* section 3: a dual-stack IPv6 socket takes the port for both families; SO_REUSEADDR between UDP sockets works as without one */
static void test_bind_families(void)
{
    unsigned int s, four, four2, six, a, b;
    uint64_t token;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    four = fake_socket( ALICE, 4, TCP, 0 );
    four2 = fake_socket( ALICE, 4, TCP, 0 );
    six = fake_socket( ALICE, 6, TCP, 1 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    token = TOKEN();
    succeeds( associate( &alice, four, token ) );
    succeeds( associate( &alice, four2, token ) );
    succeeds( associate( &alice, six, token ) );
    succeeds( bind( &alice, six, 7000 ) );
    check( bind( &alice, four, 7000 ), STATUS_SHARING_VIOLATION );
    check( bind( &alice, four, 0 ), STATUS_INSUFFICIENT_RESOURCES );
    close_sock( six, ALICE );
    succeeds( bind( &alice, four, 7000 ) );
    six = fake_socket( ALICE, 6, TCP, 1 );
    succeeds( associate( &alice, six, token ) );
    check( bind( &alice, six, 7000 ), STATUS_SHARING_VIOLATION );
    close_sock( six, ALICE );
    six = fake_socket( ALICE, 6, TCP, 0 );  /* IPv6 alone stands beside IPv4 */
    succeeds( associate( &alice, six, token ) );
    succeeds( bind( &alice, six, 7000 ) );
    close_sock( four, ALICE );
    succeeds( bind( &alice, four2, 7000 ) );
    end();

    begin();
    share_port( UDP, &a, &b );
    succeeds( bind( &alice, b, 7000 ) );
    close_sock( a, ALICE );
    ok( pool_port_in_use( pool(), UDP, 7000 ), "the other socket still holds the port\n" );
    close_sock( b, ALICE );
    ok( !pool_port_in_use( pool(), UDP, 7000 ), "nobody holds the port\n" );
    end();

    /* only UDP sockets, or those of nobody's reservation */
    begin();
    share_port( TCP, &a, &b );
    check( bind( &alice, b, 7000 ), STATUS_SHARING_VIOLATION );
    ok( fake_socks[b].reuse, "the socket has lost SO_REUSEADDR\n" );
    close_sock( a, ALICE );
    succeeds( bind( &alice, b, 7000 ) );
    succeeds( create( &root, TCP, 8000, 1 ) );
    a = fake_socket( ALICE, 4, TCP, 0 );
    b = fake_socket( ALICE, 4, TCP, 0 );
    fake_socks[a].reuse = fake_socks[b].reuse = 1;
    succeeds( bind( &alice, a, 8000 ) );
    succeeds( bind( &alice, b, 8000 ) );
    end();
}

/* section 4: binding to a reserved port by number */
static void test_others(void)
{
    unsigned int s, mine, other, third, far;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    mine = fake_socket( ALICE, 4, TCP, 0 );
    other = fake_socket( BOB, 4, TCP, 0 );
    third = fake_socket( BOB, 4, TCP, 0 );
    far = fake_socket( BOB, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 2 ) );
    succeeds( create( &root, TCP, 8000, 2 ) );
    check( bind( &bob, other, 7000 ), STATUS_ACCESS_DENIED );
    check( bind( &alice, mine, 7000 ), STATUS_ACCESS_DENIED );
    check( bind( &alice, s, 7000 ), STATUS_ACCESS_DENIED );
    check( bind( &bob, other, 9000 ), STATUS_NOT_FOUND );
    check( bind( &bob, other, 0 ), STATUS_NOT_FOUND );
    succeeds( bind( &bob, other, 8000 ) );
    ok( PORT() == 8000, "got %u\n", PORT() );
    check( bind( &bob, third, 8000 ), STATUS_SHARING_VIOLATION );
    check( bind( &bob, other, 8001 ), STATUS_INVALID_PARAMETER );  /* bound already */
    fake_socks[far].port = 4000;
    check( bind( &bob, far, 8001 ), STATUS_UNSUCCESSFUL );         /* the same, but the server does not know */
    ok( reply.bind_socket_reply.wsa_error == 10022, "got %u\n", reply.bind_socket_reply.wsa_error );
    succeeds( bind( &alice, mine, 8001 ) );
    close_sock( other, BOB );
    succeeds( bind( &bob, third, 8000 ) );
    end();
}

/* section 5 */
static void test_lifetimes(void)
{
    unsigned int s, user, heir, other;
    uint64_t token;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    heir = fake_socket( BOB, 4, TCP, 0 );
    other = fake_socket( BOB, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 2 ) );
    token = TOKEN();
    succeeds( acquire( &alice, s, 7002, 2 ) );
    succeeds( associate( &alice, user, token ) );
    succeeds( bind( &alice, user, 7000 ) );

    /* a duplicated or inherited handle keeps it alive; it may only be consumed by the process that acquired it */
    fake_socks[s].processes |= 1 << BOB;
    close_sock( s, ALICE );
    ok( pool()->runtime == 2, "got %u\n", pool()->runtime );
    check( associate( &bob, heir, token ), STATUS_ACCESS_DENIED );
    check( acquire( &bob, other, 7001, 1 ), STATUS_SHARING_VIOLATION );
    /* the owner goes: its id must not be taken by another process while the reservation lives */
    fake_disconnect( &alice );
    close_sock( user, ALICE );
    ok( process_find( FAKE_PID( ALICE ) ) != NULL, "the process is forgotten\n" );
    check( associate( &bob, heir, token ), STATUS_ACCESS_DENIED );
    close_sock( s, BOB );
    ok( !pool()->runtime, "got %u\n", pool()->runtime );
    ok( !process_find( FAKE_PID( ALICE ) ), "the process is still known\n" );
    succeeds( acquire( &bob, other, 7000, 4 ) );
    end();
}

/* section 6 */
static void test_persistent(void)
{
    static const struct { unsigned int protocol, first, count; } bad[] =
    {
        { TCP, 0, 1 }, { TCP, 1, 0 }, { TCP, 65535, 2 }, { TCP, 65536, 1 }, { TCP, 1, 65536 }, { TCP, 5000, 0xffffffff },
        { TCP, 0xffffffff, 1 }, { 0, 5000, 1 }, { 1, 5000, 1 }, { 0xffffffff, 5000, 1 }
    };
    unsigned int s, i;
    uint64_t token;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        check( create( &root, bad[i].protocol, bad[i].first, bad[i].count ), STATUS_INVALID_PARAMETER );
        check( delete( &root, bad[i].protocol, bad[i].first, bad[i].count ), STATUS_INVALID_PARAMETER );
        check( lookup( &root, bad[i].protocol, bad[i].first, bad[i].count ), STATUS_INVALID_PARAMETER );
    }
    check( create( &alice, TCP, 5000, 10 ), STATUS_ACCESS_DENIED );
    succeeds( create( &root, TCP, 5000, 10 ) );
    token = TOKEN();
    ok( token != 0, "no token\n" );
    succeeds( create( &root, UDP, 5000, 10 ) );

    succeeds( lookup( &alice, TCP, 5000, 10 ) );
    ok( TOKEN() == token, "another token\n" );
    check( lookup( &alice, TCP, 5000, 9 ), STATUS_NOT_FOUND );
    check( lookup( &alice, TCP, 5001, 9 ), STATUS_NOT_FOUND );
    check( lookup( &alice, TCP, 6000, 1 ), STATUS_NOT_FOUND );

    check( create( &root, TCP, 5000, 10 ), STATUS_SHARING_VIOLATION );
    check( create( &root, TCP, 5009, 1 ), STATUS_SHARING_VIOLATION );
    succeeds( acquire( &alice, s, 6000, 2 ) );
    check( create( &root, TCP, 6001, 2 ), STATUS_SHARING_VIOLATION );
    check( lookup( &alice, TCP, 6000, 2 ), STATUS_NOT_FOUND );  /* there is one, a runtime one */
    check( delete( &root, TCP, 6000, 2 ), STATUS_ACCESS_DENIED );
    fake_set_busy( TCP, 7001, 1 );
    check( create( &root, TCP, 7000, 2 ), STATUS_SHARING_VIOLATION );

    check( delete( &alice, TCP, 5000, 10 ), STATUS_ACCESS_DENIED );
    check( delete( &root, TCP, 5000, 9 ), STATUS_NOT_FOUND );
    succeeds( bind( &alice, s, 5003 ) );
    succeeds( delete( &root, TCP, 5000, 10 ) );
    ok( !fake_stored( TCP, 5000 ) && fake_stored( UDP, 5000 ) == 10, "the store is wrong\n" );
    check( delete( &root, TCP, 5000, 10 ), STATUS_NOT_FOUND );
    check( lookup( &root, TCP, 5000, 10 ), STATUS_NOT_FOUND );
    check( create( &root, TCP, 5000, 10 ), STATUS_SHARING_VIOLATION );  /* sockets bound from it keep their ports */
    close_sock( s, ALICE );
    succeeds( create( &root, TCP, 5000, 10 ) );
    end();
}

static unsigned int meanwhile_count, meanwhile_total;

/* what bob sees of the list while another one's request goes on */
static void list_meanwhile(void)
{
    union generic_request list_req = { .get_reservations_request = { .__header = { REQ_get_reservations, sizeof(struct get_reservations_request),
                                                                                    PROTOCOL_VERSION }, .protocol = TCP } };
    struct client *before = current;
    uint32_t before_serial = current_serial;
    union generic_reply list;

    handle_request( &bob, &list_req, sizeof(struct get_reservations_request), &list );
    current = before;
    current_serial = before_serial;
    ok( !list.__header.status, "got %x\n", list.__header.status );
    meanwhile_count++;
    meanwhile_total = list.get_reservations_reply.count;
}

/* docs/reliability.md, "The soak found that a list of the reservations could show one that was still being asked for, and then refused." */
static void test_list_meanwhile(void)
{
    unsigned int s;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 2 ) );
    fake_while_guarding = list_meanwhile;
    meanwhile_count = 0;
    succeeds( acquire( &alice, s, 7010, 2 ) );
    ok( meanwhile_count == 1 && meanwhile_total == 1, "%u lists, the last of %u\n", meanwhile_count, meanwhile_total );
    succeeds( create( &root, TCP, 7030, 2 ) );
    ok( meanwhile_count == 2 && meanwhile_total == 2, "%u lists, the last of %u\n", meanwhile_count, meanwhile_total );
    fake_while_guarding = NULL;
    list_meanwhile();
    ok( meanwhile_total == 3, "got %u\n", meanwhile_total );
    end();
}

static void test_lists(void)
{
    struct get_reservations_reply *list = &reply.get_reservations_reply;
    struct get_ports_in_use_reply *ports = &reply.get_ports_in_use_reply;
    struct get_guarded_ports_reply *guarded = &reply.get_guarded_ports_reply;
    struct get_server_info_reply *info = &reply.get_server_info_reply;
    unsigned int s, i, from, total, user, line = __LINE__;
    uint64_t token;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    for (i = 0; i < 150; i++) succeeds( acquire( &alice, s, 2000 + 3 * i, 2 ) );
    succeeds( create( &root, TCP, 65535, 1 ) );
    for (from = 0, total = 0;;)
    {
        req.get_reservations_request.protocol = TCP;
        req.get_reservations_request.from = from;
        succeeds( SEND( &bob, get_reservations ) );
        for (i = 0; i < list->count; i++, total++)
        {
            unsigned int first = total < 150 ? 2000 + 3 * total : 65535;

            ok( list->entries[i].first == first, "%u: got %u\n", total, list->entries[i].first );
            ok( list->entries[i].kind == (total < 150 ? RESERVATION_RUNTIME : RESERVATION_PERSISTENT), "%u: got kind %u\n", total,
                list->entries[i].kind );
            ok( list->entries[i].owner == (total < 150 ? FAKE_PID( ALICE ) : 0), "%u: got owner %u\n", total, list->entries[i].owner );
            from = first + list->entries[i].count;
        }
        if (list->count < sizeof(list->entries) / sizeof(list->entries[0])) break;
    }
    ok( total == 151, "got %u\n", total );
    for (i = 0; i < 2; i++)
    {
        req.get_reservations_request.protocol = i ? UDP : TCP;
        req.get_reservations_request.from = i ? 0 : 0xffffffff;
        succeeds( SEND( &bob, get_reservations ) );
        ok( !list->count, "got %u\n", list->count );
    }
    req.get_reservations_request.protocol = 0;
    check( SEND( &bob, get_reservations ), STATUS_INVALID_PARAMETER );

    succeeds( acquire( &alice, s, 10000, 300 ) );
    token = TOKEN();
    /* each port has a guard as long as no socket has it */
    for (from = 10000, total = 0;;)
    {
        req.get_guarded_ports_request.protocol = TCP;
        req.get_guarded_ports_request.first = from;
        req.get_guarded_ports_request.last = 10299;
        succeeds( SEND( &bob, get_guarded_ports ) );
        for (i = 0; i < guarded->count; i++, total++) ok( guarded->ports[i] == 10000 + total, "%u: got %u\n", total, guarded->ports[i] );
        if (guarded->count < sizeof(guarded->ports) / sizeof(guarded->ports[0])) break;
        from = guarded->ports[guarded->count - 1] + 1;
    }
    ok( total == 300, "got %u\n", total );
    ok( guarded->in_prefix == 1, "got %u\n", guarded->in_prefix );  /* the fakes keep off nobody outside */

    for (i = 0; i < 300; i++)
    {
        user = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( associate( &alice, user, token ) );
        succeeds( bind( &alice, user, 0 ) );
    }
    for (from = 10000, total = 0;;)
    {
        req.get_ports_in_use_request.protocol = TCP;
        req.get_ports_in_use_request.first = from;
        req.get_ports_in_use_request.last = 65535;
        succeeds( SEND( &bob, get_ports_in_use ) );
        for (i = 0; i < ports->count; i++, total++) ok( ports->ports[i] == 10000 + total, "%u: got %u\n", total, ports->ports[i] );
        if (ports->count < sizeof(ports->ports) / sizeof(ports->ports[0])) break;
        from = ports->ports[ports->count - 1] + 1;
    }
    ok( total == 300, "got %u\n", total );
    req.get_guarded_ports_request.protocol = TCP;
    req.get_guarded_ports_request.first = 10000;
    req.get_guarded_ports_request.last = 65534;
    succeeds( SEND( &bob, get_guarded_ports ) );
    ok( !guarded->count, "got %u\n", guarded->count );
    req.get_guarded_ports_request.protocol = TCP;
    req.get_guarded_ports_request.last = 65536;
    check( SEND( &bob, get_guarded_ports ), STATUS_INVALID_PARAMETER );
    req.get_guarded_ports_request.protocol = 1;
    req.get_guarded_ports_request.last = 65535;
    check( SEND( &bob, get_guarded_ports ), STATUS_INVALID_PARAMETER );

    req.get_ports_in_use_request.protocol = TCP;
    req.get_ports_in_use_request.last = 65536;
    check( SEND( &bob, get_ports_in_use ), STATUS_INVALID_PARAMETER );
    req.get_ports_in_use_request.protocol = 1;
    req.get_ports_in_use_request.last = 65535;
    check( SEND( &bob, get_ports_in_use ), STATUS_INVALID_PARAMETER );

    server_pid = 42;
    client_count = 3;
    succeeds( SEND( &bob, get_server_info ) );
    ok( info->pid == 42 && info->clients == 3, "got %u, %u\n", info->pid, info->clients );
    ok( info->runtime == 151 && info->persistent == 1 && info->sockets == 301, "got %u, %u, %u\n", info->runtime, info->persistent,
        info->sockets );
    end();
}

/* as send_request(), without looking at everything each time */
static NTSTATUS send_fast( struct client *client, enum request code, size_t size )
{
    req.__header.req = code;
    req.__header.size = size;
    req.__header.version = PROTOCOL_VERSION;
    req.__header.serial = ++serial;
    handle_request( client, &req, size, &reply );
    memset( &req, 0, sizeof(req) );
    return reply.__header.status;
}

static NTSTATUS fast_acquire( struct client *client, unsigned int index, unsigned int first )
{
    req.acquire_port_reservation_request.handle = FAKE_HANDLE( index );
    req.acquire_port_reservation_request.first = first;
    req.acquire_port_reservation_request.count = 1;
    return send_fast( client, REQ_acquire_port_reservation, sizeof(struct acquire_port_reservation_request) );
}

/* Associate sockets until there are too many; returns how many there were. */
static unsigned int fill_with_sockets( struct client *client, unsigned int process, uint64_t token )
{
    unsigned int count = 0;
    NTSTATUS status;

    for (;;)
    {
        req.associate_port_reservation_request.handle = FAKE_HANDLE( fake_socket( process, 4, TCP, 0 ) );
        req.associate_port_reservation_request.token = token;
        status = send_fast( client, REQ_associate_port_reservation, sizeof(struct associate_port_reservation_request) );
        if (status) break;
        count++;
    }
    ok( status == STATUS_INSUFFICIENT_RESOURCES, "got %08x\n", (unsigned int)status );
    return count;
}

/* what one process, and all together, may have: past it an error, and the others go on */
static void test_limits(void)
{
    struct client clients[FAKE_PROCESSES];
    unsigned int i, p, s = 0, port = 2000, failed = 0, count;
    uint64_t token;

    begin();
    for (p = 3; p < FAKE_PROCESSES; p++) succeeds( fake_connect( p, &clients[p] ) );
    s = fake_socket( ALICE, 4, TCP, 0 );
    for (i = 0; i < MAX_CLIENT_RESERVATIONS; i++) failed += fast_acquire( &alice, s, port++ ) != 0;
    ok( !failed, "%u failed\n", failed );
    check( acquire( &alice, s, port, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    check( acquire( &alice, s, 0, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    check( acquire( &alice, s, 2000, 1 ), STATUS_SHARING_VIOLATION );  /* an error that says more */
    s = fake_socket( BOB, 4, TCP, 0 );
    succeeds( acquire( &bob, s, port++, 1 ) );                         /* the others have theirs */
    token = TOKEN();
    check( release( &alice, token ), STATUS_ACCESS_DENIED );
    succeeds( release( &bob, token ) );

    for (p = 1; p < FAKE_PROCESSES; p++)
    {
        struct client *client = p == BOB ? &bob : p == ROOT ? &root : &clients[p];

        s = fake_socket( p, 4, TCP, 0 );
        for (i = 0; i < MAX_CLIENT_RESERVATIONS; i++) failed += fast_acquire( client, s, port++ ) != 0;
        if (p == BOB) check( acquire( &bob, s, port, 1 ), STATUS_INSUFFICIENT_RESOURCES );
    }
    ok( !failed, "%u failed\n", failed );
    ok( pool()->runtime == MAX_RESERVATIONS, "got %u\n", pool()->runtime );
    close_sock( s, FAKE_PROCESSES - 1 );
    ok( pool()->runtime == MAX_RESERVATIONS - MAX_CLIENT_RESERVATIONS, "got %u\n", pool()->runtime );
    s = fake_socket( FAKE_PROCESSES - 1, 4, TCP, 0 );
    succeeds( acquire( &clients[FAKE_PROCESSES - 1], s, 0, 1 ) );
    end();

    /* sockets: those that were refused can still do without */
    begin();
    for (p = 3; p < FAKE_PROCESSES; p++) succeeds( fake_connect( p, &clients[p] ) );
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 2000, 1 ) );
    token = TOKEN();
    count = fill_with_sockets( &alice, ALICE, token );
    ok( count == MAX_PROCESS_SOCKETS - 1, "got %u\n", count );
    succeeds( acquire( &alice, s, 2001, 1 ) );  /* a socket that is known */
    succeeds( bind( &alice, 1, 2000 ) );
    close_sock( 1, ALICE );
    succeeds( associate( &alice, fake_socket( ALICE, 4, TCP, 0 ), token ) );
    check( associate( &alice, fake_socket( ALICE, 4, TCP, 0 ), token ), STATUS_INSUFFICIENT_RESOURCES );
    for (p = 3; p < 3 + MAX_SOCKETS / MAX_PROCESS_SOCKETS; p++)
    {
        s = fake_socket( p, 4, TCP, 0 );
        if (sock_table_count() == MAX_SOCKETS)
        {
            check( acquire( &clients[p], s, 2000 + p, 1 ), STATUS_INSUFFICIENT_RESOURCES );
            break;
        }
        succeeds( acquire( &clients[p], s, 2000 + p, 1 ) );  /* the others have theirs */
        fill_with_sockets( &clients[p], p, TOKEN() );
    }
    ok( sock_table_count() == MAX_SOCKETS, "got %u\n", sock_table_count() );
    end();
}

/* the server is killed: what lived goes on */
static void test_restart(void)
{
    unsigned int s, heir, user, user2, waiting, ended, admin, gone, i;
    uint64_t token, token2, stale, persistent;
    char *before, *after;

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    heir = fake_socket( BOB, 4, UDP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    user2 = fake_socket( ALICE, 6, TCP, 1 );
    waiting = fake_socket( ALICE, 4, TCP, 0 );
    ended = fake_socket( ALICE, 4, TCP, 0 );
    admin = fake_socket( ROOT, 4, TCP, 0 );
    gone = fake_socket( BOB, 4, TCP, 0 );
    succeeds( create( &root, TCP, 8000, 10 ) );
    persistent = TOKEN();
    succeeds( acquire( &alice, s, 7000, 10 ) );
    token = TOKEN();
    succeeds( acquire( &alice, s, 7100, 10 ) );
    stale = TOKEN();
    succeeds( acquire( &bob, heir, 7000, 10 ) );
    token2 = TOKEN();
    succeeds( acquire( &bob, gone, 7200, 10 ) );
    succeeds( associate( &alice, user, token ) );
    succeeds( bind( &alice, user, 7005 ) );
    succeeds( associate( &alice, user2, stale ) );
    succeeds( bind( &alice, user2, 7105 ) );
    succeeds( associate( &alice, ended, stale ) );
    succeeds( release( &alice, stale ) );
    succeeds( associate( &alice, waiting, token ) );
    succeeds( associate( &root, admin, persistent ) );

    before = snapshot();
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    check_invariants( __LINE__ );
    succeeds( lookup( &root, TCP, 8000, 10 ) );
    ok( TOKEN() != persistent, "a persistent reservation has its token of before\n" );
    after = snapshot();
    ok( strlen( before ) == strlen( after ), "from\n%s\nto\n%s\n", before, after );
    free( before );
    free( after );

    check( release( &bob, token ), STATUS_ACCESS_DENIED );
    check( acquire( &bob, heir, 7009, 1 ), STATUS_SHARING_VIOLATION );
    check( bind( &alice, waiting, 7005 ), STATUS_SHARING_VIOLATION );
    check( bind( &alice, waiting, 7100 ), STATUS_INVALID_ADDRESS_COMPONENT );
    succeeds( bind( &alice, waiting, 7006 ) );
    check( bind( &alice, ended, 0 ), STATUS_INVALID_PARAMETER );
    succeeds( bind( &root, admin, 0 ) );
    ok( PORT() >= 8000 && PORT() <= 8009, "got %u\n", PORT() );
    close_sock( user2, ALICE );
    succeeds( release( &bob, token2 ) );

    /* killed again, and meanwhile: one socket closes, one process ends and its id is given to another */
    succeeds( acquire( &bob, heir, 9000, 10 ) );
    token2 = TOKEN();
    fake_kill_server();
    fake_close( gone, BOB );
    fake_restart_process( BOB );
    succeeds( fake_start_server() );
    connect_clients();
    check_invariants( __LINE__ );
    ok( pool()->runtime == 2, "got %u\n", pool()->runtime );
    check( release( &bob, token2 ), STATUS_ACCESS_DENIED );  /* kept alive by an heir of the socket, consumed by nobody */
    close_sock( heir, BOB );
    ok( pool()->runtime == 1, "got %u\n", pool()->runtime );
    end();

    /* the same request again, since there was no reply */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 10 ) );
    token = TOKEN();
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    serial--;
    succeeds( acquire( &alice, s, 7000, 10 ) );
    ok( TOKEN() == token && FIRST() == 7000, "got %u\n", FIRST() );
    check( acquire( &alice, s, 7000, 10 ), STATUS_SHARING_VIOLATION );
    succeeds( associate( &alice, user, token ) );
    succeeds( bind( &alice, user, 0 ) );
    ok( PORT() != 0, "got %u\n", PORT() );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    serial--;
    succeeds( bind( &alice, user, 0 ) );
    ok( PORT() == fake_socks[user].port, "got %u\n", PORT() );
    check( bind( &alice, user, 7001 ), STATUS_ACCESS_DENIED );
    end();

    /* Serials count up in each process: with the same one from another process it is another request. */
    begin();
    succeeds( create( &root, TCP, 8000, 10 ) );
    user = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( bind( &alice, user, 8003 ) );
    fake_socks[user].processes |= 1 << BOB;
    serial--;
    check( bind( &bob, user, 8004 ), STATUS_INVALID_PARAMETER );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    serial--;
    check( bind( &bob, user, 8004 ), STATUS_INVALID_PARAMETER );
    serial--;
    succeeds( bind( &alice, user, 8003 ) );
    end();

    /* bound in the moment before the server was killed, and killed again before anything was asked */
    begin();
    succeeds( acquire( &alice, fake_socket( ALICE, 4, TCP, 0 ), 7000, 10 ) );
    token = TOKEN();
    user = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( associate( &alice, user, token ) );
    fake_socks[user].port = 7004;
    for (i = 0; i < 2; i++)
    {
        fake_kill_server();
        succeeds( fake_start_server() );
        connect_clients();
        check_invariants( __LINE__ );
    }
    succeeds( bind( &alice, user, 0 ) );
    ok( PORT() == 7004, "got %u\n", PORT() );
    for (i = 0; i < 2; i++)
    {
        check( bind( &alice, user, 7004 ), STATUS_ACCESS_DENIED );  /* another request */
        fake_kill_server();
        succeeds( fake_start_server() );
        connect_clients();
    }
    end();

    /* Two sockets with one port, as UDP and SO_REUSEADDR have it: its guard yields once. */
    begin();
    share_port( UDP, &user, &user2 );
    succeeds( bind( &alice, user2, 7000 ) );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    close_sock( user, ALICE );
    close_sock( user2, ALICE );
    end();

    /* A socket is not associated with what came after the reservation it was associated with. */
    begin();
    succeeds( create( &root, TCP, 8000, 10 ) );
    token = TOKEN();
    user = fake_socket( ROOT, 4, TCP, 0 );
    succeeds( associate( &root, user, token ) );
    succeeds( delete( &root, TCP, 8000, 10 ) );
    succeeds( acquire( &alice, fake_socket( ALICE, 4, TCP, 0 ), 8000, 10 ) );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    check( bind( &root, user, 0 ), STATUS_INVALID_PARAMETER );
    end();

    /* ended by itself: nothing is taken up */
    begin();
    succeeds( acquire( &alice, fake_socket( ALICE, 4, TCP, 0 ), 7000, 10 ) );
    fake_end_server();
    succeeds( fake_start_server() );
    connect_clients();
    ok( !pool()->runtime && !sock_table_count(), "got %u, %u\n", pool()->runtime, sock_table_count() );
    end();
}

static void restart_server(void)
{
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    check_invariants( __LINE__ );
}

/* "a call that failed because the time was over, or because its program was ended in the middle of it, leaves no block, no association,
 * no guard behind" */
static void test_unheard(void)
{
    unsigned int s, user;
    uint64_t token, token2;
    char *before, *after;

#define changes_nothing( call ) \
    do \
    { \
        before = snapshot(); \
        outcome = UNHEARD; \
        succeeds( call ); \
        outcome = HEARD; \
        after = snapshot(); \
        ok( !strcmp( before, after ), "from\n%s\nto\n%s\n", before, after ); \
        free( before ); \
        free( after ); \
    } while (0)

    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    changes_nothing( acquire( &alice, s, 7000, 10 ) );
    changes_nothing( acquire( &alice, s, 0, 10 ) );
    succeeds( acquire( &alice, s, 7000, 10 ) );
    token = TOKEN();
    succeeds( acquire( &alice, s, 7100, 10 ) );
    token2 = TOKEN();

    /* also what it was associated with before is as it was */
    changes_nothing( associate( &alice, user, token ) );
    succeeds( associate( &alice, user, token ) );
    changes_nothing( associate( &alice, user, token2 ) );
    succeeds( bind( &alice, user, 0 ) );
    ok( PORT() >= 7000 && PORT() <= 7009, "got %u\n", PORT() );

    changes_nothing( release( &alice, token ) );
    succeeds( release( &alice, token ) );
    check( release( &alice, token ), STATUS_INVALID_PARAMETER );

    changes_nothing( create( &root, TCP, 8000, 10 ) );
    succeeds( create( &root, TCP, 8000, 10 ) );
    token = TOKEN();
    changes_nothing( delete( &root, TCP, 8000, 10 ) );
    succeeds( lookup( &root, TCP, 8000, 10 ) );
    ok( TOKEN() == token, "another token\n" );
    succeeds( delete( &root, TCP, 8000, 10 ) );
    check( lookup( &root, TCP, 8000, 10 ), STATUS_NOT_FOUND );
#undef changes_nothing

    /* what has been released or deleted is that for everybody, before the client has heard */
    succeeds( acquire( &alice, s, 7200, 10 ) );
    token = TOKEN();
    succeeds( create( &root, TCP, 8000, 10 ) );
    outcome = KILLED;
    succeeds( release( &alice, token ) );
    check( associate( &alice, s, token ), STATUS_INVALID_PARAMETER );
    s = fake_socket( BOB, 4, TCP, 0 );
    check( acquire( &bob, s, 7200, 1 ), STATUS_SHARING_VIOLATION );
    succeeds( delete( &root, TCP, 8000, 10 ) );
    check( lookup( &alice, TCP, 8000, 10 ), STATUS_NOT_FOUND );
    outcome = HEARD;
    request_done( &alice, 1 );
    request_done( &root, 1 );
    succeeds( acquire( &bob, s, 7200, 1 ) );
    end();
}

/* "A request that is repeated because the server was killed before it could reply ends as the first would have." */
static void test_repeated(void)
{
    unsigned int s, i;
    uint64_t token;

#define repeat( call ) \
    do \
    { \
        outcome = KILLED; \
        succeeds( call ); \
        outcome = HEARD; \
        restart_server(); \
        serial--; \
        succeeds( call ); \
    } while (0)

    for (i = 0; i < 2; i++)
    {
        begin();
        s = fake_socket( ALICE, 4, TCP, 0 );
        repeat( acquire( &alice, s, 7000, 10 ) );
        token = TOKEN();
        repeat( associate( &alice, fake_socket( ALICE, 4, TCP, 0 ), token ) );
        repeat( release( &alice, token ) );
        check( release( &alice, token ), STATUS_INVALID_PARAMETER );
        succeeds( acquire( &alice, s, 7000, 10 ) );

        repeat( create( &root, TCP, 8000, 10 ) );
        token = TOKEN();
        succeeds( lookup( &root, TCP, 8000, 10 ) );
        ok( TOKEN() == token, "another token\n" );
        check( create( &root, TCP, 8000, 10 ), STATUS_SHARING_VIOLATION );
        repeat( delete( &root, TCP, 8000, 10 ) );
        check( delete( &root, TCP, 8000, 10 ), STATUS_NOT_FOUND );
        end();
    }
#undef repeat

    /* killed after the intention was noted, and before the store was changed */
    begin();
    fake_die_in_store();
    outcome = KILLED;
    create( &root, TCP, 8000, 10 );
    outcome = HEARD;
    restart_server();
    serial--;
    succeeds( create( &root, TCP, 8000, 10 ) );
    end();

    /* nobody asks again: in time the record is forgotten, and another process's request is another one */
    begin();
    outcome = KILLED;
    succeeds( create( &root, TCP, 8000, 10 ) );
    outcome = HEARD;
    fake_set_elevated( BOB, 1 );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    serial--;
    check( create( &bob, TCP, 8000, 10 ), STATUS_SHARING_VIOLATION );
    for (i = 0; i < 10; i++) recovery_tick();
    serial--;
    check( create( &root, TCP, 8000, 10 ), STATUS_SHARING_VIOLATION );
    end();
}

static NTSTATUS send_processor( int line, struct client *client, unsigned int index, unsigned int processor )
{
    req.set_socket_processor_request.handle = FAKE_HANDLE( index );
    req.set_socket_processor_request.processor = processor;
    req.set_socket_processor_request.made = made;
    return SEND( client, set_socket_processor );
}

#define set_processor( ... ) send_processor( __LINE__, __VA_ARGS__ )

/* SPEC 10 */
static void test_processors(void)
{
    unsigned int i, j, s[4], other, port;
    uint64_t token;

    /* which sockets */
    begin();
    s[0] = fake_socket( ALICE, 4, TCP, 0 );
    check( set_processor( &alice, s[0], 0 ), STATUS_NOT_SUPPORTED );
    s[1] = fake_socket( ALICE, 4, UDP, 0 );
    check( set_processor( &alice, s[1], FAKE_PROCESSORS ), STATUS_INVALID_PARAMETER );
    check( set_processor( &bob, s[1], 0 ), STATUS_OBJECT_TYPE_MISMATCH );
    fake_socks[s[1]].reuse = 1;
    check( set_processor( &alice, s[1], 0 ), STATUS_INVALID_PARAMETER );
    fake_socks[s[1]].reuse = 0;
    succeeds( set_processor( &alice, s[1], 0 ) );
    fake_socks[s[1]].port = 5000;
    check( set_processor( &alice, s[1], 0 ), STATUS_INVALID_PARAMETER );
    end();

    /* SPEC 2, "whatever fails, nothing changed": a heir of a socket that is bound does not become the one who lets others share its port */
    begin();
    for (i = 0; i < 2; i++)
    {
        s[i] = fake_socket( ALICE, 4, UDP, 0 );
        succeeds( set_processor( &alice, s[i], i ) );
    }
    succeeds( bind( &alice, s[0], 6000 ) );
    fake_socks[s[0]].processes |= 1 << BOB;
    check( set_processor( &bob, s[0], 0 ), STATUS_INVALID_PARAMETER );
    fake_disconnect( &bob );
    ok( !process_find( FAKE_PID( BOB ) ), "the process is still known\n" );
    succeeds( bind( &alice, s[1], 6000 ) );
    end();

    /* a group with a reservation (i = 0) and without; killed and restarted between any two steps (j = 1) */
    for (i = 0; i < 2; i++) for (j = 0; j < 2; j++)
    {
        begin();
        token = 0;
        for (port = 0; port < 4; port++) s[port] = fake_socket( ALICE, 6, UDP, 1 );
        if (!i)
        {
            succeeds( acquire( &alice, s[3], 7000, 1 ) );
            token = TOKEN();
        }
        for (port = 0; port < 4; port++)
        {
            succeeds( set_processor( &alice, s[port], port ) );
            if (token) succeeds( associate( &alice, s[port], token ) );
        }
        if (j) restart_server();
        succeeds( bind( &alice, s[0], token ? 7000 : 0 ) );
        port = PORT();
        ok( port && port == fake_socks[s[0]].port, "got %u\n", port );
        if (j) restart_server();
        succeeds( bind( &alice, s[1], port ) );
        /* a socket whose handle has changed since it came */
        fake_socks[s[1]].processes = 1 << ROOT;
        succeeds( bind( &alice, s[2], port ) );
        succeeds( bind( &alice, s[3], port ) );
        if (j) restart_server();
        for (other = 0; other < 4; other++) ok( !fake_socks[s[other]].reuse, "%u: others can get in\n", other );

        other = fake_socket( BOB, 6, UDP, 1 );
        fake_socks[other].reuse = 1;
        check( bind( &bob, other, port ), i ? STATUS_NOT_FOUND : STATUS_ACCESS_DENIED );
        fake_socks[other].reuse = 0;
        succeeds( set_processor( &bob, other, 0 ) );
        check( bind( &bob, other, port ), i ? STATUS_SHARING_VIOLATION : STATUS_ACCESS_DENIED );
        check( acquire( &bob, other, port, 1 ), STATUS_SHARING_VIOLATION );

        /* the holder closes first */
        close_sock( s[3], ALICE );
        check( acquire( &bob, other, port, 1 ), STATUS_SHARING_VIOLATION );
        close_sock( s[0], ALICE );
        close_sock( s[1], ROOT );
        check( acquire( &bob, other, port, 1 ), STATUS_SHARING_VIOLATION );
        close_sock( s[2], ALICE );
        succeeds( acquire( &bob, other, port, 1 ) );
        end();
    }

    /* what the client does not hear of */
    begin();
    s[0] = fake_socket( ALICE, 4, UDP, 0 );
    outcome = UNHEARD;
    succeeds( set_processor( &alice, s[0], 1 ) );
    outcome = HEARD;
    check( bind( &alice, s[0], 6000 ), STATUS_NOT_FOUND );
    end();
}

/* SPEC 5, "A runtime reservation ends with the last handle of the socket", and SPEC 10, "a reservation may end before its sockets do":
 * also while one of them is bound, in whatever the main loop does then */
static unsigned int closed_meanwhile;

static void close_meanwhile(void)
{
    struct client *before = current;
    uint32_t before_serial = current_serial;

    fake_while_guarding = NULL;
    current = NULL;
    current_serial = 0;
    fake_close( closed_meanwhile, ALICE );
    fake_deliver_close( closed_meanwhile );
    current = before;
    current_serial = before_serial;
}

/* The client closes its socket, and then nobody tells any more which ones live. */
static void lose_helper_meanwhile(void)
{
    struct client *before = current;
    uint32_t before_serial = current_serial;
    sock_id id = fake_socks[closed_meanwhile].id;

    fake_while_guarding = NULL;
    current = NULL;
    current_serial = 0;
    fake_close( closed_meanwhile, ALICE );
    fake_set_cannot_tell( 1 );
    closed_look( &id, 1 );
    fake_set_cannot_tell( 0 );
    current = before;
    current_serial = before_serial;
}

/* Another thread asks with the same number on the same socket, and goes before it has heard. */
static void repeat_meanwhile(void)
{
    union generic_request again = { .acquire_port_reservation_request = { .__header = { REQ_acquire_port_reservation,
                                    sizeof(struct acquire_port_reservation_request), PROTOCOL_VERSION },
                                    .handle = FAKE_HANDLE( closed_meanwhile ), .first = 7000, .count = 4 } };
    struct client *before = current, other;
    uint32_t before_serial = current_serial;
    union generic_reply answer;

    fake_while_guarding = NULL;
    succeeds( fake_connect( ALICE, &other ) );
    handle_request( &other, &again, sizeof(again.acquire_port_reservation_request), &answer );
    ok( answer.__header.status == (uint32_t)STATUS_SHARING_VIOLATION, "got %08x\n", (unsigned int)answer.__header.status );
    request_done( &other, 0 );
    fake_disconnect( &other );
    current = before;
    current_serial = before_serial;
}

/* Who binds what it has made, and told nobody of, need not ask, unless a socket was associated by another than its maker. */
static void test_makers(void)
{
    unsigned int s[3];
    uint64_t token;

    begin();
    s[0] = fake_socket( ALICE, 4, UDP, 0 );
    s[1] = fake_socket( ALICE, 4, UDP, 0 );
    succeeds( acquire( &alice, s[0], 8000, 10 ) );
    token = TOKEN();
    s[2] = fake_socket( ALICE, 4, UDP, 0 );
    made = 1;
    succeeds( associate( &alice, s[1], token ) );
    ok( !fake_map_foreign(), "a socket of its maker is another's" );
    /* by another handle */
    made = 0;
    succeeds( associate( &alice, s[1], token ) );
    ok( fake_map_foreign() == 1, "it is still its maker's" );
    made = 1;
    succeeds( set_processor( &alice, s[1], 0 ) );
    succeeds( associate( &alice, s[1], token ) );
    ok( fake_map_foreign() == 1, "what another one did is forgotten" );
    made = 0;
    succeeds( set_processor( &alice, s[2], 0 ) );
    ok( fake_map_foreign() == 2, "got %u", fake_map_foreign() );
    succeeds( bind( &alice, s[1], 8000 ) );
    ok( fake_map_foreign() == 1, "one that is bound is of interest" );
    fake_close( s[2], ALICE );
    fake_deliver_close( s[2] );
    ok( !fake_map_foreign(), "one that is closed is of interest" );
    end();

    /* the next server does not know */
    begin();
    s[0] = fake_socket( ALICE, 4, UDP, 0 );
    s[1] = fake_socket( ALICE, 4, UDP, 0 );
    succeeds( acquire( &alice, s[0], 8000, 10 ) );
    made = 1;
    succeeds( associate( &alice, s[1], TOKEN() ) );
    fake_kill_server();
    succeeds( fake_start_server() );
    connect_clients();
    ok( fake_map_foreign() == 1, "it is its maker's" );
    made = 0;
    end();
}

static void test_end_meanwhile(void)
{
    unsigned int holder, s[2], busy, i;
    uint64_t token;

    /* the bind succeeds, or fails */
    for (busy = 0; busy < 2; busy++)
    {
        begin();
        holder = fake_socket( ALICE, 4, TCP, 0 );
        s[0] = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( acquire( &alice, holder, 7000, 1 ) );
        succeeds( associate( &alice, s[0], TOKEN() ) );
        closed_meanwhile = holder;
        fake_while_guarding = close_meanwhile;
        fake_set_busy( TCP, 7000, busy );
        check( bind( &alice, s[0], 7000 ), busy ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS );
        ok( !fake_while_guarding, "no guard was awaited\n" );
        fake_set_busy( TCP, 7000, 0 );
        ok( !pool()->runtime, "got %u\n", pool()->runtime );
        if (busy) check( bind( &alice, s[0], 7000 ), STATUS_INVALID_PARAMETER );
        restart_server();
        close_sock( s[0], ALICE );
        succeeds( acquire( &alice, fake_socket( ALICE, 4, TCP, 0 ), 7000, 1 ) );
        end();
    }

    /* what was released, and that was not heard, is put back while its socket closes */
    begin();
    holder = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, holder, 7000, 4 ) );
    token = TOKEN();
    for (i = 0; i < 2; i++)
    {
        s[i] = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( associate( &alice, s[i], token ) );
        succeeds( bind( &alice, s[i], 7000 + 2 * i ) );
    }
    closed_meanwhile = holder;
    fake_while_guarding = close_meanwhile;
    outcome = UNHEARD;
    succeeds( release( &alice, token ) );
    outcome = HEARD;
    ok( !fake_while_guarding, "no guard was awaited\n" );
    ok( !pool()->runtime, "got %u\n", pool()->runtime );
    end();

    /* a block that is only asked for is not that of a request that is made again */
    begin();
    holder = closed_meanwhile = fake_socket( ALICE, 4, TCP, 0 );
    fake_while_guarding = repeat_meanwhile;
    serial = ~0u;  /* and the next one is 0 */
    succeeds( acquire( &alice, holder, 7000, 4 ) );
    ok( !fake_while_guarding, "no guard was awaited\n" );
    succeeds( release( &alice, TOKEN() ) );
    end();

    /* a socket that is closed while it acquires a block, or is bound */
    for (i = 0; i < 2; i++)
    {
        begin();
        holder = closed_meanwhile = fake_socket( ALICE, 4, TCP, 0 );
        if (i)
        {
            succeeds( acquire( &alice, holder, 7000, 4 ) );
            succeeds( associate( &alice, holder, TOKEN() ) );
        }
        fake_while_guarding = lose_helper_meanwhile;
        succeeds( i ? bind( &alice, holder, 7000 ) : acquire( &alice, holder, 7000, 4 ) );
        ok( !fake_while_guarding, "no guard was awaited\n" );
        ok( closed_needs_watch(), "not watched\n" );
        fake_deliver_close( holder );
        ok( !pool()->runtime, "got %u\n", pool()->runtime );
        restart_server();
        ok( !closed_needs_watch(), "watched\n" );
        end();
    }

    /* a group of sockets that share the port */
    begin();
    holder = fake_socket( ALICE, 4, UDP, 0 );
    succeeds( acquire( &alice, holder, 7000, 1 ) );
    token = TOKEN();
    for (i = 0; i < 2; i++)
    {
        s[i] = fake_socket( ALICE, 4, UDP, 0 );
        succeeds( set_processor( &alice, s[i], i ) );
        succeeds( associate( &alice, s[i], token ) );
    }
    succeeds( bind( &alice, s[0], 7000 ) );
    closed_meanwhile = holder;
    fake_while_guarding = close_meanwhile;
    succeeds( bind( &alice, s[1], 7000 ) );
    ok( !fake_while_guarding, "no guard was awaited\n" );
    ok( !fakes_check_all(), "%s\n", fakes_check_all() );
    for (i = 0; i < 2; i++) close_sock( s[i], ALICE );
    ok( !fakes_check_all(), "%s\n", fakes_check_all() );
    end();
}

/* SPEC 3, "A port comes back to the reservation when the last handle of the socket that held it closes.", and SPEC 5, "A runtime reservation
 * ends with the last handle of the socket": also before the server has looked */
static void test_closed(void)
{
    unsigned int i, s, user, user2;
    uint64_t token;

    for (i = 0; i < 2; i++)
    {
        int protocol = i ? UDP : TCP;

        begin();
        s = fake_socket( ALICE, 4, protocol, 0 );
        user = fake_socket( ALICE, 4, protocol, 0 );
        user2 = fake_socket( ALICE, 4, protocol, 0 );
        succeeds( acquire( &alice, s, 7000, 1 ) );
        token = TOKEN();
        succeeds( associate( &alice, user, token ) );
        succeeds( associate( &alice, user2, token ) );
        succeeds( bind( &alice, user, 0 ) );
        check( bind( &alice, user2, 0 ), STATUS_INSUFFICIENT_RESOURCES );
        check( bind( &alice, user2, 7000 ), STATUS_SHARING_VIOLATION );
        fake_close( user, ALICE );
        succeeds( bind( &alice, user2, i ? 7000 : 0 ) );
        user = fake_socket( BOB, 4, protocol, 0 );
        fake_close( s, ALICE );
        check( acquire( &bob, user, 7000, 1 ), STATUS_SHARING_VIOLATION );
        ok( !pool()->runtime, "got %u\n", pool()->runtime );
        fake_close( user2, ALICE );
        succeeds( acquire( &bob, user, 7000, 1 ) );
        fake_close( user, BOB );
        succeeds( create( &root, protocol, 7000, 1 ) );
        succeeds( delete( &root, protocol, 7000, 1 ) );

        /* anybody's bind, and a block anywhere */
        user = fake_socket( BOB, 4, protocol, 0 );
        succeeds( acquire( &bob, user, 7000, 1 ) );
        s = fake_socket( ALICE, 4, protocol, 0 );
        check( bind( &alice, s, 7000 ), STATUS_ACCESS_DENIED );
        fake_close( user, BOB );
        check( bind( &alice, s, 7000 ), STATUS_NOT_FOUND );
        user = fake_socket( BOB, 4, protocol, 0 );
        succeeds( acquire( &bob, user, 0, 20000 ) );
        check( acquire( &alice, s, 0, 20000 ), STATUS_INSUFFICIENT_RESOURCES );
        fake_close( user, BOB );
        succeeds( acquire( &alice, s, 0, 20000 ) );
        end();
    }

    /* docs/guards.md, "four times a second (more seldom when there are thousands)": also after a look that had no answer for long */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    usleep( 300000 );
    fake_set_helper_stopped( 1 );
    closed_run();
    fake_set_helper_stopped( 0 );
    fake_close( s, ALICE );
    usleep( 2100000 );
    closed_run();
    ok( !pool()->runtime, "got %u\n", pool()->runtime );
    end();

    /* an answer that does not know what the server itself has open is none: nothing is lost by it, and what is asked for fails as before */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    fake_set_blind( 1 );
    for (i = 0; i < 3; i++)
    {
        usleep( 300000 );
        closed_run();
        check( acquire( &bob, fake_socket( BOB, 4, TCP, 0 ), 7000, 1 ), STATUS_SHARING_VIOLATION );
    }
    ok( pool()->runtime == 1, "got %u\n", pool()->runtime );
    fake_set_blind( 0 );
    fake_close( s, ALICE );
    succeeds( acquire( &bob, fake_socket( BOB, 4, TCP, 0 ), 7000, 1 ) );
    end();

    /* where nobody tells which sockets live, they are watched */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    fake_set_cannot_tell( 1 );
    restart_server();
    ok( closed_needs_watch(), "not needed\n" );
    user = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, user, 8000, 1 ) );
    ok( fake_socks[user].watched, "not watched\n" );
    fake_set_cannot_tell( 0 );
    restart_server();
    end();

    /* that begins later: what lives is watched, and what does not is forgotten */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    user = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    succeeds( acquire( &alice, user, 7000 + 1, 1 ) );
    fake_close( user, ALICE );
    fake_set_cannot_tell( 1 );
    check( acquire( &bob, fake_socket( BOB, 4, TCP, 0 ), 0, 65535 ), STATUS_INSUFFICIENT_RESOURCES );
    ok( closed_needs_watch(), "not watched\n" );
    fake_set_cannot_tell( 0 );
    restart_server();
    end();
}

/* Let some ms pass, and the server look. */
static void look(void)
{
    usleep( 5000 );
    closed_run();
    check_invariants( __LINE__ );
}

static void look_until_watched( unsigned int index )
{
    unsigned int i;

    for (i = 0; i < 1000 && !fake_socks[index].watched; i++) look();
    ok( fake_socks[index].watched, "not watched\n" );
}

/* until a handle was opened, which was of no use */
static void look_until_tried(void)
{
    unsigned int i, opened = fake_opened;

    for (i = 0; i < 1000 && fake_opened == opened; i++) look();
    ok( fake_opened == opened + 1, "%u handles were opened\n", fake_opened - opened );
}

static void look_until_ended(void)
{
    unsigned int i;

    for (i = 0; i < 1000 && pool()->runtime; i++) look();
    ok( !pool()->runtime, "got %u\n", pool()->runtime );
}

static union generic_request asked_meanwhile;

/* another thread of ALICE makes a request, and hears of it */
static void ask_meanwhile(void)
{
    struct client *before = current, other;
    uint32_t before_serial = current_serial;
    union generic_reply answer;

    fake_while_guarding = NULL;
    succeeds( fake_connect( ALICE, &other ) );
    handle_request( &other, &asked_meanwhile, asked_meanwhile.__header.size, &answer );
    ok( !answer.__header.status, "got %08x\n", (unsigned int)answer.__header.status );
    request_done( &other, 1 );
    fake_disconnect( &other );
    current = before;
    current_serial = before_serial;
}

static void acquire_meanwhile( unsigned int index, unsigned int first, unsigned int count )
{
    asked_meanwhile = (union generic_request){ .acquire_port_reservation_request = {
        .__header = { REQ_acquire_port_reservation, sizeof(struct acquire_port_reservation_request), PROTOCOL_VERSION, serial },
        .handle = FAKE_HANDLE( index ), .first = first, .count = count } };
    fake_while_guarding = ask_meanwhile;
}

static void release_meanwhile( uint64_t token )
{
    asked_meanwhile = (union generic_request){ .release_port_reservation_request = {
        .__header = { REQ_release_port_reservation, sizeof(struct release_port_reservation_request), PROTOCOL_VERSION, serial },
        .token = token } };
    fake_while_guarding = ask_meanwhile;
}

/* Make a socket on which ALICE acquired a port, and of which only BOB has a handle then. */
static unsigned int socket_of_heir( unsigned int port )
{
    unsigned int s = fake_socket( ALICE, 4, TCP, 0 );

    fake_socks[s].processes |= 1 << BOB;
    succeeds( acquire( &alice, s, port, 1 ) );
    fake_close( s, ALICE );
    return s;
}

/* "A runtime reservation ends with the last handle of the socket": who sees it although nobody asks, and when a watch on the socket
 * is worth what it costs */
static void test_watch(void)
{
    unsigned int s, other, i, count, opened, many[200];
    uint64_t token;

    /* not at once, but soon */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    ok( !fake_socks[s].watched, "watched at once\n" );
    look_until_watched( s );
    ok( !fake_socks[s].opened, "a handle is left\n" );
    close_sock( s, ALICE );
    ok( !pool()->runtime, "got %u\n", pool()->runtime );
    end();

    /* never, when nothing is left by then, or the socket has got a port */
    begin();
    s = fake_socket( ALICE, 4, UDP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    token = TOKEN();
    other = fake_socket( ALICE, 4, UDP, 0 );
    succeeds( acquire( &alice, other, 7001, 1 ) );
    succeeds( release( &alice, TOKEN() ) );
    succeeds( associate( &alice, s, token ) );
    succeeds( bind( &alice, s, 0 ) );
    usleep( 25000 );
    closed_run();
    ok( !fake_socks[s].watched && !fake_socks[other].watched, "watched\n" );
    ok( pool()->runtime == 1, "got %u\n", pool()->runtime );
    /* the watch of one that gets its port later ends */
    succeeds( acquire( &alice, other, 7001, 1 ) );
    token = TOKEN();
    look_until_watched( other );
    succeeds( associate( &alice, other, token ) );
    succeeds( bind( &alice, other, 0 ) );
    ok( !fake_socks[other].watched, "watched\n" );
    end();

    /* one that is closed by then, without a word */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    succeeds( acquire( &alice, s, 7000, 1 ) );
    fake_close( s, ALICE );
    look_until_ended();
    end();

    /* one that only an heir has by then: nobody knows its handle; the looks at all see it closed */
    begin();
    s = socket_of_heir( 7000 );
    look_until_tried();
    ok( !fake_socks[s].watched, "watched\n" );
    ok( pool()->runtime == 1, "got %u\n", pool()->runtime );
    /* what that handle is by now, is nothing to be opened again and again */
    opened = fake_opened;
    for (i = 0; i < 100; i++) look();
    ok( fake_opened == opened, "%u handles were opened\n", fake_opened - opened );
    fake_close( s, BOB );
    look_until_ended();
    end();

    /* what comes soon after costs no look, which takes the longer the more sockets there are */
    begin();
    s = fake_socket( ALICE, 4, TCP, 0 );
    other = fake_socket( ALICE, 4, TCP, 0 );
    opened = fake_looks;
    succeeds( acquire( &alice, s, 7000, 2 ) );
    token = TOKEN();
    succeeds( associate( &alice, other, token ) );
    succeeds( bind( &alice, other, 7000 ) );
    succeeds( release( &alice, token ) );
    ok( fake_looks == opened, "%u looks\n", fake_looks - opened );
    /* unless the socket is not where it was */
    for (i = 0; i < 2; i++)
    {
        s = socket_of_heir( 7002 + i );
        token = TOKEN();
        opened = fake_looks;
        succeeds( associate( &alice, fake_socket( ALICE, 4, TCP, 0 ), token ) );
        ok( fake_looks == opened + 1, "%u looks\n", fake_looks - opened );
        fake_close( s, BOB );
        check( i ? release( &alice, token ) : associate( &alice, fake_socket( ALICE, 4, TCP, 0 ), token ), STATUS_INVALID_PARAMETER );
    }
    end();

    /* such a one is watched when its heir acquires something, too */
    begin();
    s = socket_of_heir( 7000 );
    look_until_tried();
    succeeds( acquire( &bob, s, 7001, 1 ) );
    look_until_watched( s );
    close_sock( s, BOB );
    end();

    /* what its reservation is released of while another one is asked for, and refused, owns nothing */
    for (i = 0; i < 2; i++)
    {
        begin();
        s = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( acquire( &alice, s, 7000, 1 ) );
        token = TOKEN();
        if (i) look_until_watched( s );
        fake_set_busy( TCP, 8000, 1 );
        release_meanwhile( token );
        check( acquire( &alice, s, 8000, 1 ), STATUS_SHARING_VIOLATION );
        ok( !fake_while_guarding, "no guard was awaited\n" );
        fake_set_busy( TCP, 8000, 0 );
        for (opened = 0; opened < 20; opened++) look();
        ok( !fake_socks[s].watched, "watched\n" );
        end();
    }

    /* one that acquires something while it is bound: it gets the port, or not */
    for (i = 0; i < 2; i++)
    {
        begin();
        s = fake_socket( ALICE, 4, TCP, 0 );
        other = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( acquire( &alice, other, 7000, 1 ) );
        succeeds( associate( &alice, s, TOKEN() ) );
        fake_set_busy( TCP, 7000, i );
        acquire_meanwhile( s, 8000, 1 );
        check( bind( &alice, s, 7000 ), i ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS );
        ok( !fake_while_guarding, "no guard was awaited\n" );
        fake_set_busy( TCP, 7000, 0 );
        if (i) look_until_watched( s );
        end();
    }

    /* all of many, a part at a time */
    begin();
    count = sizeof(many) / sizeof(many[0]);
    for (i = 0; i < count; i++) succeeds( acquire( &alice, many[i] = fake_socket( ALICE, 4, TCP, 0 ), 7000 + i, 1 ) );
    for (i = 0; i < count; i++) look_until_watched( many[i] );
    for (i = 0; i < count; i++) close_sock( many[i], ALICE );
    end();

    /* what can't be watched for want of something is, later */
    for (i = 1; i < 10; i++)
    {
        begin();
        s = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( acquire( &alice, s, 7000, 1 ) );
        usleep( 25000 );
        fake_fail_at( i );
        closed_run();
        fake_fail_at( 0 );
        check_invariants( __LINE__ );
        look_until_watched( s );
        close_sock( s, ALICE );
        end();
    }
}

/* Faults: a scenario in which each call that can fail is made to, one after another. After each the request must have said so,
 * and changed nothing; made again, without a fault, it must work. */

static unsigned int fault_number;

#define step( call ) \
    do \
    { \
        char *step_before = snapshot(), *step_after; \
        unsigned int step_failed = fake_failed; \
        NTSTATUS step_status = call; \
        if (step_status) \
        { \
            ok( fake_failed > step_failed, "fault %u: %s: got %08x without a fault\n", fault_number, #call, (unsigned int)step_status ); \
            step_after = snapshot(); \
            ok( !strcmp( step_before, step_after ), "fault %u: %s: from\n%s\nto\n%s\n", fault_number, #call, step_before, step_after ); \
            free( step_after ); \
            step_status = call; \
            ok( !step_status, "fault %u: %s, again: got %08x\n", fault_number, #call, (unsigned int)step_status ); \
        } \
        free( step_before ); \
    } while (0)

static void fault_scenario(void)
{
    unsigned int s = fake_socket( ALICE, 4, TCP, 0 ), udp = fake_socket( BOB, 6, UDP, 1 ), user[4], i, admin;
    uint64_t token, wildcard, persistent;

    for (i = 0; i < 4; i++) user[i] = fake_socket( ALICE, 4, TCP, 0 );
    admin = fake_socket( ROOT, 4, TCP, 0 );

    step( create( &root, TCP, 8000, 10 ) );
    step( lookup( &root, TCP, 8000, 10 ) );
    persistent = TOKEN();
    step( acquire( &alice, s, 7000, 10 ) );
    token = TOKEN();
    step( acquire( &bob, udp, 0, 10 ) );
    wildcard = TOKEN();
    for (i = 0; i < 4; i++) step( associate( &alice, user[i], token ) );
    step( bind( &alice, user[0], 7001 ) );
    step( bind( &alice, user[1], 0 ) );
    step( associate( &root, admin, persistent ) );
    step( bind( &root, admin, 0 ) );
    step( bind( &alice, s, 8009 ) );
    step( release( &bob, wildcard ) );
    step( release( &alice, token ) );
    step( delete( &root, TCP, 8000, 10 ) );
    step( create( &root, TCP, 9000, 10 ) );
    step( acquire( &bob, udp, 65535, 1 ) );
    for (i = 0; i < 4; i++) close_sock( user[i], ALICE );
    close_sock( s, ALICE );
    close_sock( admin, ROOT );
    ok( pool()->runtime == 1 && pool()->persistent == 1 && sock_table_count() == 1, "fault %u: got %u, %u, %u\n", fault_number,
        pool()->runtime, pool()->persistent, sock_table_count() );
    close_sock( udp, BOB );
    ok( !pool()->runtime && !sock_table_count(), "fault %u: got %u, %u\n", fault_number, pool()->runtime, sock_table_count() );
}

static void test_faults(void)
{
    unsigned int reached = 1;

    for (fault_number = 1; reached; fault_number++)
    {
        begin();
        fake_fail_at( fault_number );
        fault_scenario();
        reached = fake_failed;
        fake_fail_at( 0 );
        end();
    }
    ok( fault_number > 30, "only %u faults\n", fault_number );
}

/* the same for the start, and for taking up what a killed server left */
static void test_start_faults(void)
{
    unsigned int s, user[3], i, reached = 1, failed = 0;
    uint64_t token;
    NTSTATUS status;

    for (fault_number = 1; reached; fault_number++)
    {
        fake_reset();
        serial = 1000;
        fake_set_stored( TCP, 8000, 10 );
        fake_set_stored( UDP, 8000, 10 );
        succeeds( fake_start_server() );
        connect_clients();
        s = fake_socket( ALICE, 4, TCP, 0 );
        succeeds( acquire( &alice, s, 7000, 10 ) );
        token = TOKEN();
        succeeds( acquire( &bob, fake_socket( BOB, 6, UDP, 1 ), 7000, 10 ) );
        for (i = 0; i < 3; i++) succeeds( associate( &alice, user[i] = fake_socket( ALICE, 4, TCP, 0 ), token ) );
        succeeds( bind( &alice, user[0], 7003 ) );
        fake_kill_server();

        fake_fail_at( fault_number );
        status = fake_start_server();
        reached = fake_failed;
        fake_fail_at( 0 );
        if (status)
        {
            failed++;
            ok( reached, "got %08x without a fault\n", (unsigned int)status );
            ok( !reservations_pool(), "a pool is left\n" );
            succeeds( fake_start_server() );
        }
        connect_clients();
        /* a server that runs lacks nothing */
        ok( pool()->runtime == 2, "fault %u: got %u\n", fault_number, pool()->runtime );
        ok( pool()->persistent == 2, "fault %u: got %u\n", fault_number, pool()->persistent );
        check( acquire( &bob, fake_socket( BOB, 4, TCP, 0 ), 7003, 1 ), STATUS_SHARING_VIOLATION );
        fake_end_server();
    }
    ok( failed >= 2, "only %u starts failed\n", failed );
    ok( fault_number > 8, "only %u faults\n", fault_number );
}

int main(void)
{
    test_malformed();
    test_acquire();
    test_release();
    test_associate();
    test_bind();
    test_bind_families();
    test_others();
    test_lifetimes();
    test_persistent();
    test_lists();
    test_list_meanwhile();
    test_limits();
    test_restart();
    test_unheard();
    test_repeated();
    test_processors();
    test_makers();
    test_end_meanwhile();
    test_closed();
    test_watch();
    test_faults();
    test_start_faults();
    fake_reset();
    return test_summary( "request" );
}
