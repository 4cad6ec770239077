/*
 * Fuzzing the request handlers and the pool
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "reservation.h"

/* The input is a row of operations of several clients, of others on the host, and of fate. Beside the server a model says who
 * should own and hold each port; what the server answers and what its pool holds must be what the model says, after each step. */

/* fuzz_recovery.c sets this: the server is killed and started again, which takes longer than everything else */
#ifndef WITH_KILLS
# define WITH_KILLS 0
#endif

#define CLIENTS   4         /* of which the first is an administrator */
#define SOCKETS   10
#define MAX_STEPS 40
#define MAX_MODEL (MAX_STEPS + 1)

static struct client clients[CLIENTS];
static int process_ended[CLIENTS];
static int killed;   /* the server, in this run */
static union generic_request req;
static union generic_reply reply;
static uint32_t serial;
static int unheard;  /* the client does not read the reply */
static unsigned int busy_ports[MAX_STEPS], busy_count;   /* that somebody on the host had */

/* the model */

static struct model_reservation
{
    int          alive;
    uint64_t     token;
    int          protocol;
    unsigned int first, count;
    int          sock;       /* that it lives with, -1: persistent */
    int          owner;      /* client, -1: nobody */
    uint32_t     serial;
} reservations[MAX_MODEL];
static unsigned int reservation_count;   /* that were ever made in this run */

static struct model_sock
{
    int          associated;
    int          reservation;  /* that it is associated with, -1: one that has ended */
    unsigned int port;
    unsigned int holds;
    uint32_t     serial;
    int          binder;       /* client */
} socks[SOCKETS];

static uint8_t owners[2][POOL_PORTS];    /* index of the reservation plus 1 */
static uint8_t holders[2][POOL_PORTS];

static void fail( const char *format, ... ) __attribute__((format (printf, 1, 2), noreturn));
static void fail( const char *format, ... )
{
    va_list args;

    va_start( args, format );
    fprintf( stderr, "fuzz_request: " );
    vfprintf( stderr, format, args );
    fprintf( stderr, "\n" );
    va_end( args );
    abort();
}

/* the input */

static const uint8_t *input;
static size_t input_left;

static unsigned int get_byte(void)
{
    if (!input_left) return 0;
    input_left--;
    return *input++;
}

/* few ports, so that requests meet; and the edges */
static unsigned int get_port(void)
{
    static const unsigned int edges[] = { 65536, 0xffffffff, 0x80000000, 65537, 1, 32767, 32768, 60999 };
    unsigned int b = get_byte();

    if (b < 112) return 5000 + b % 24;
    if (b < 160) return 65535 - b % 16;
    if (b < 200) return 0;
    if (b < 224) return 1012 + b % 24;
    return edges[b % 8];
}

static unsigned int get_count(void)
{
    static const unsigned int edges[] = { 65535, 65536, 0xffffffff, 300, 64512, 2000, 0x80000000, 65534 };
    unsigned int b = get_byte();

    return b < 248 ? b % 9 : edges[b % 8];
}

static int get_protocol(void)
{
    unsigned int b = get_byte();

    return b == 255 ? 0xffff : b == 254 ? 0 : b % 2 ? PROTOCOL_UDP : PROTOCOL_TCP;
}

static uint64_t get_token( int *reservation )
{
    unsigned int b = get_byte();

    *reservation = -1;
    if (!reservation_count || b >= 250) return b == 250 ? 0 : b;
    *reservation = b % reservation_count;
    if (reservations[*reservation].alive) return reservations[*reservation].token;
    b = *reservation;
    *reservation = -1;
    return reservations[b].token;  /* stale */
}

/* sending */

static NTSTATUS send_request( unsigned int client, enum request code, size_t size )
{
    unsigned int failed;
    size_t reply_size;

    req.__header.req = code;
    req.__header.size = size;
    req.__header.version = PROTOCOL_VERSION;
    req.__header.serial = serial;
    reply_size = handle_request( &clients[client], &req, size, &reply );
    if (reply_size != reply.__header.size || reply.__header.version != PROTOCOL_VERSION) fail( "a bad reply header" );
    failed = fake_failed;
    fake_fail_at( 0 );  /* what is taken back can't fail */
    request_done( &clients[client], !unheard );
    fake_failed = failed;
    return reply.__header.status;
}

#define SEND( client, name ) send_request( client, REQ_##name, sizeof(struct name##_request) )

/* Is it what the model expects? A fault may turn a success into an error, nothing else. Returns 1 for a success that the client has
 * heard of; else nothing has changed. */
static int check_status( const char *what, NTSTATUS status, NTSTATUS expect )
{
    if (status == expect) return !status && !unheard;
    if (fake_failed && status) return 0;
    fail( "%s: got %08x, expected %08x", what, (unsigned int)status, (unsigned int)expect );
}

/* requests */

static NTSTATUS expect_open( unsigned int client, unsigned int slot )
{
    if (slot >= SOCKETS || !(fake_socks[slot].processes & 1u << client) || !fake_socks[slot].is_socket)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return fake_socks[slot].protocol ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

static int is_block( unsigned int first, unsigned int count )
{
    return first >= 1 && first <= 65535 && count >= 1 && count <= 65535 && first + count <= 65536;
}

static int is_taken( int protocol, unsigned int first, unsigned int count )
{
    int index = protocol_index( protocol );
    unsigned int i;

    for (i = first; i < first + count; i++) if (owners[index][i] || holders[index][i]) return 1;
    return 0;
}

/* Is a block left below the ports that the host hands out by itself? */
static int is_anywhere_free( int protocol, unsigned int count )
{
    unsigned int first, busy;

    for (first = 1024; first + count <= first_ephemeral_port(); first++)
        if (!is_taken( protocol, first, count ) && !fake_host_status( protocol, first, count, &busy )) return 1;
    return 0;
}

static void add_reservation( int protocol, unsigned int first, unsigned int count, uint64_t token, int sock, int owner )
{
    struct model_reservation *r = &reservations[reservation_count++];

    if (reservation_count > MAX_MODEL) fail( "too many steps" );
    if (!token || pool_find_token( reservations_pool(), token ) == NULL) fail( "a token that is not known" );
    if (!is_block( first, count ) || is_taken( protocol, first, count )) fail( "a block that is not free: %u, %u", first, count );
    r->alive = 1;
    r->token = token;
    r->protocol = protocol;
    r->first = first;
    r->count = count;
    r->sock = sock;
    r->owner = owner;
    r->serial = serial;
    memset( &owners[protocol_index( protocol )][first], reservation_count, count );
}

static void end_reservation( int index )
{
    struct model_reservation *r = &reservations[index];
    unsigned int i;

    r->alive = 0;
    memset( &owners[protocol_index( r->protocol )][r->first], 0, r->count );
    for (i = 0; i < SOCKETS; i++) if (socks[i].associated && socks[i].reservation == index) socks[i].reservation = -1;
}

static void acquire( unsigned int client, unsigned int slot )
{
    struct acquire_port_reservation_reply *got = &reply.acquire_port_reservation_reply;
    unsigned int first = get_port(), count = get_count(), i, busy;
    NTSTATUS status, expect = expect_open( client, slot );
    int protocol = expect ? 0 : fake_socks[slot].protocol;

    if (!expect)
    {
        for (i = 0; i < reservation_count; i++)
        {
            if (!reservations[i].alive || reservations[i].sock != (int)slot || reservations[i].owner != (int)client ||
                reservations[i].serial != serial) continue;
            break;  /* the same request again */
        }
    }
    req.acquire_port_reservation_request.handle = FAKE_HANDLE( slot );
    req.acquire_port_reservation_request.first = first;
    req.acquire_port_reservation_request.count = count;
    status = SEND( client, acquire_port_reservation );
    if (!expect && i < reservation_count)
    {
        check_status( "acquire again", status, STATUS_SUCCESS );
        if (!status && got->token != reservations[i].token) fail( "acquire again: another token" );
        if (!status && unheard) end_reservation( i );
        return;
    }

    if (!expect && !is_block( first ? first : 1, count )) expect = STATUS_INVALID_PARAMETER;
    if (!expect && first)
    {
        if (is_taken( protocol, first, count )) expect = STATUS_SHARING_VIOLATION;
        else expect = fake_host_status( protocol, first, count, &busy );
    }
    if (!expect && !first && status == STATUS_INSUFFICIENT_RESOURCES && !is_anywhere_free( protocol, count ))
        expect = STATUS_INSUFFICIENT_RESOURCES;
    if (!check_status( "acquire", status, expect )) return;
    if (got->count != count || (first && got->first != first)) fail( "acquire: another block" );
    if (fake_host_status( protocol, got->first, count, &busy )) fail( "acquire: port %u is not free on the host", busy );
    add_reservation( protocol, got->first, count, got->token, slot, client );
}

static void release( unsigned int client )
{
    int r;
    uint64_t token = get_token( &r );
    NTSTATUS expect = STATUS_SUCCESS;

    if (r < 0 || reservations[r].sock < 0) expect = STATUS_INVALID_PARAMETER;
    else if (reservations[r].owner != (int)client) expect = STATUS_ACCESS_DENIED;
    req.release_port_reservation_request.token = token;
    if (check_status( "release", SEND( client, release_port_reservation ), expect )) end_reservation( r );
}

static void associate( unsigned int client, unsigned int slot )
{
    int r;
    uint64_t token = get_token( &r );
    NTSTATUS expect = expect_open( client, slot );

    if (expect) ;
    else if (fake_socks[slot].port) expect = STATUS_INVALID_PARAMETER;
    else if (r < 0 || reservations[r].protocol != fake_socks[slot].protocol) expect = STATUS_INVALID_PARAMETER;
    else if (reservations[r].sock >= 0 ? reservations[r].owner != (int)client : client != 0) expect = STATUS_ACCESS_DENIED;
    req.associate_port_reservation_request.handle = FAKE_HANDLE( slot );
    req.associate_port_reservation_request.token = token;
    req.associate_port_reservation_request.made = slot % 2;
    if (!check_status( "associate", SEND( client, associate_port_reservation ), expect )) return;
    socks[slot].associated = 1;
    socks[slot].reservation = r;
}

static void hold( unsigned int slot, unsigned int port, unsigned int holds, uint32_t by, int client )
{
    socks[slot].associated = 0;
    socks[slot].port = port;
    socks[slot].holds = holds;
    socks[slot].serial = by;
    socks[slot].binder = client;
    holders[protocol_index( fake_socks[slot].protocol )][port]++;
}

/* does one have the port for IPv4 and the other for both families, and one of them by right? */
static int holds_clash( unsigned int a, unsigned int b )
{
    unsigned int any = HOLDS_IPV4_ANY | HOLDS_BOTH_ANY;

    return (a & any) && (b & any) && (a & any) != (b & any) && ((a & HOLDS_BY_RIGHT) || (b & HOLDS_BY_RIGHT));
}

/* what a bind to a port, that nobody reserved or the right one, gives */
static NTSTATUS expect_bind( unsigned int slot, unsigned int port, unsigned int holds )
{
    const struct fake_sock *sock = &fake_socks[slot];
    unsigned int i;

    for (i = 0; i < SOCKETS && sock->protocol == PROTOCOL_TCP; i++)
        if (fake_socks[i].protocol == PROTOCOL_TCP && socks[i].port == port && holds_clash( socks[i].holds, holds ))
            return STATUS_SHARING_VIOLATION;
    if (sock->port) return STATUS_UNSUCCESSFUL;
    return fake_can_bind( sock, port ) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
}

static NTSTATUS expect_bind_any( unsigned int slot, const struct model_reservation *r )
{
    unsigned int port;

    for (port = r->first; port < r->first + r->count; port++)
    {
        if (holders[protocol_index( r->protocol )][port]) continue;
        if (fake_socks[slot].port) return STATUS_UNSUCCESSFUL;
        if (fake_can_bind( &fake_socks[slot], port )) return STATUS_SUCCESS;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static void bind( unsigned int client, unsigned int slot )
{
    unsigned int port = get_port() & 0xffff, kind = get_byte(), got, holds = 0, before;
    struct bind_socket_request *r = &req.bind_socket_request;
    NTSTATUS expect = expect_open( client, slot );
    int owner, index;

    r->handle = FAKE_HANDLE( slot );
    r->addr_len = kind == 255 ? 0xffffffff : kind == 254 ? 15 : kind == 253 ? 29 : kind % 2 ? 16 : 28;
    memset( r->addr, 0, sizeof(r->addr) );
    r->addr[2] = port >> 8;
    r->addr[3] = port & 0xff;
    if (kind & 2) r->addr[4] = r->addr[8] = 1;  /* an address of its own */

    if (r->addr_len < 16 || r->addr_len > 28) expect = STATUS_INVALID_PARAMETER;
    if (!expect)
    {
        if (!(kind & 2) && fake_socks[slot].family == 2) holds = HOLDS_IPV4_ANY;
        if (!(kind & 2) && fake_socks[slot].dual_stack) holds = HOLDS_BOTH_ANY;
        if (socks[slot].associated) holds |= HOLDS_BY_RIGHT;
        index = protocol_index( fake_socks[slot].protocol );
        owner = owners[index][port] - 1;
        if (socks[slot].associated)
        {
            if (socks[slot].reservation < 0) expect = STATUS_INVALID_PARAMETER;
            else if (!port) expect = expect_bind_any( slot, &reservations[socks[slot].reservation] );
            else if (owner != socks[slot].reservation) expect = STATUS_INVALID_ADDRESS_COMPONENT;
            else expect = expect_bind( slot, port, holds );
        }
        else if (socks[slot].port && (!socks[slot].serial ||
                                      (socks[slot].serial == serial && socks[slot].binder == (int)client)))
        {
            if (check_status( "bind again", SEND( client, bind_socket ), STATUS_SUCCESS ))
            {
                if (reply.bind_socket_reply.port != socks[slot].port) fail( "bind again: another port" );
                socks[slot].serial = serial;
                socks[slot].binder = client;
            }
            return;
        }
        else if (owner < 0) expect = STATUS_NOT_FOUND;
        else if (reservations[owner].sock >= 0) expect = STATUS_ACCESS_DENIED;
        else if (socks[slot].port) expect = STATUS_INVALID_PARAMETER;
        else expect = expect_bind( slot, port, holds );
    }
    before = slot < SOCKETS ? fake_socks[slot].port : 0;
    if (!check_status( "bind", SEND( client, bind_socket ), expect ))
    {
        if (slot < SOCKETS && fake_socks[slot].port != before) fail( "bind: bound, and an error" );
        return;
    }
    got = reply.bind_socket_reply.port;
    if (got != fake_socks[slot].port || (port && got != port)) fail( "bind: another port" );
    index = protocol_index( fake_socks[slot].protocol );
    if (socks[slot].associated && owners[index][got] - 1 != socks[slot].reservation) fail( "bind: a port of another reservation" );
    if (!port && holders[index][got]) fail( "bind: a port that is held" );
    hold( slot, got, holds, serial, client );
}

static int find_block( int protocol, unsigned int first, unsigned int count )
{
    unsigned int i;

    for (i = 0; i < reservation_count; i++)
        if (reservations[i].alive && reservations[i].protocol == protocol && reservations[i].first == first &&
            reservations[i].count == count) return i;
    return -1;
}

static void persistent( unsigned int client )
{
    unsigned int what = get_byte() % 4, first, count, busy;
    int protocol = get_protocol(), r;
    NTSTATUS expect = STATUS_SUCCESS;

    first = get_port();
    count = get_count();
    r = find_block( protocol, first, count );
    if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || !is_block( first, count )) expect = STATUS_INVALID_PARAMETER;
    else if (what <= 2 && client) expect = STATUS_ACCESS_DENIED;
    else if (what >= 2 && r < 0) expect = STATUS_NOT_FOUND;
    else if (what >= 2 && reservations[r].sock >= 0) expect = what == 2 ? STATUS_ACCESS_DENIED : STATUS_NOT_FOUND;
    else if (what < 2 && is_taken( protocol, first, count )) expect = STATUS_SHARING_VIOLATION;
    else if (what < 2) expect = fake_host_status( protocol, first, count, &busy );
    /* the three requests have the same fields */
    req.create_persistent_reservation_request.protocol = protocol;
    req.create_persistent_reservation_request.first = first;
    req.create_persistent_reservation_request.count = count;
    switch (what)
    {
    case 0: case 1:
        if (check_status( "create", SEND( client, create_persistent_reservation ), expect ))
            add_reservation( protocol, first, count, reply.create_persistent_reservation_reply.token, -1, -1 );
        break;
    case 2:
        if (check_status( "delete", SEND( client, delete_persistent_reservation ), expect )) end_reservation( r );
        break;
    case 3:
        if (check_status( "lookup", SEND( client, lookup_persistent_reservation ), expect ) &&
            reply.lookup_persistent_reservation_reply.token != reservations[r].token) fail( "lookup: another token" );
        break;
    }
}

/* the lowest first port of a reservation that is at least from */
static int next_reservation( int protocol, unsigned int from )
{
    unsigned int i;
    int ret = -1;

    for (i = 0; i < reservation_count; i++)
        if (reservations[i].alive && reservations[i].protocol == protocol && reservations[i].first >= from &&
            (ret < 0 || reservations[i].first < reservations[ret].first)) ret = i;
    return ret;
}

static void list( unsigned int client )
{
    struct get_reservations_reply *got = &reply.get_reservations_reply;
    struct get_ports_in_use_reply *ports = &reply.get_ports_in_use_reply;
    struct get_guarded_ports_reply *guarded = &reply.get_guarded_ports_reply;
    unsigned int what = get_byte() % 8, from = get_port(), last, i, port;
    int protocol = get_protocol(), r, valid = protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;

    if (what == 0)
    {
        if (!check_status( "info", SEND( client, get_server_info ), STATUS_SUCCESS )) return;
    }
    else if (what == 1 && (from > 60000 || !get_byte()))  /* it looks at each port from there on */
    {
        req.get_reservations_request.protocol = protocol;
        req.get_reservations_request.from = from;
        if (!check_status( "list", SEND( client, get_reservations ), valid ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER )) return;
        for (i = 0; (r = next_reservation( protocol, from )) >= 0 && i < 64; i++)
        {
            if (i >= got->count || got->entries[i].first != reservations[r].first || got->entries[i].count != reservations[r].count ||
                got->entries[i].kind != (reservations[r].sock < 0 ? RESERVATION_PERSISTENT : RESERVATION_RUNTIME) ||
                got->entries[i].owner != (reservations[r].owner < 0 ? 0 : FAKE_PID( reservations[r].owner )))
                fail( "list: a wrong entry %u", i );
            from = reservations[r].first + reservations[r].count;
        }
        if (i != got->count) fail( "list: %u entries too many", got->count - i );
    }
    else if (what == 6)
    {
        last = from + get_byte();
        req.get_guarded_ports_request.protocol = protocol;
        req.get_guarded_ports_request.first = from;
        req.get_guarded_ports_request.last = last;
        if (!check_status( "guarded ports", SEND( client, get_guarded_ports ),
                           valid && last < 65536 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER )) return;
        /* each reserved port that no socket holds */
        for (i = 0, port = from; port <= last && i < 256; port++)
            if (owners[protocol_index( protocol )][port] && !holders[protocol_index( protocol )][port] &&
                (i == guarded->count || guarded->ports[i++] != port)) fail( "guarded ports: wrong" );
        if (i != guarded->count) fail( "guarded ports: too many" );
    }
    else
    {
        last = what < 7 ? from + get_byte() : get_port();
        req.get_ports_in_use_request.protocol = protocol;
        req.get_ports_in_use_request.first = from;
        req.get_ports_in_use_request.last = last;
        if (!check_status( "ports", SEND( client, get_ports_in_use ),
                           valid && last < 65536 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER )) return;
        for (i = 0, port = from; port <= last && i < 256; port++)
            if (holders[protocol_index( protocol )][port] && (i == ports->count || ports->ports[i++] != port)) fail( "ports: wrong" );
        if (i != ports->count) fail( "ports: too many" );
    }
}

/* a message that is no request */
static void malformed( unsigned int client )
{
    static const uint32_t sizes[] = REQUEST_SIZES;
    unsigned int what = get_byte(), size = get_byte(), code = get_byte(), i;
    struct request_header header = { code % REQ_NB_REQUESTS, size, PROTOCOL_VERSION, serial };
    unsigned char *data;
    NTSTATUS expect = STATUS_INFO_LENGTH_MISMATCH;

    switch (what % 4)
    {
    case 0:  /* short */
        size %= sizeof(header);
        break;
    case 1:
        if (size < sizeof(header)) size = sizeof(header);
        header.version ^= 1u << code % 32;
        expect = STATUS_REVISION_MISMATCH;
        break;
    case 2:
        if (size < sizeof(header)) size = sizeof(header);
        header.req = code < 128 ? REQ_NB_REQUESTS + code : ~code;
        expect = STATUS_NOT_IMPLEMENTED;
        break;
    case 3:  /* the size in the header is not that of the message, or of no such request */
        if (size < sizeof(header)) size = sizeof(header);
        header.size = what & 4 ? sizes[header.req] : size;
        if (size == sizes[header.req] && header.size == size) size++;
        break;
    }
    if (!(data = malloc( size + 1 ))) return;
    for (i = 0; i < size; i++) data[i] = i % 5 ? i : what;
    memcpy( data, &header, size < sizeof(header) ? size : sizeof(header) );
    handle_request( &clients[client], data, size, &reply );
    free( data );
    check_status( "malformed", reply.__header.status, expect );
}

/* fate */

static void forget_sock( unsigned int slot )
{
    unsigned int i;

    for (i = 0; i < reservation_count; i++) if (reservations[i].alive && reservations[i].sock == (int)slot) end_reservation( i );
    if (socks[slot].port) holders[protocol_index( fake_socks[slot].protocol )][socks[slot].port]--;
    memset( &socks[slot], 0, sizeof(socks[slot]) );
}

static void make_sock( unsigned int slot, unsigned int client )
{
    static const struct { int family, protocol, dual_stack; } kinds[] =
    {
        { 4, PROTOCOL_TCP, 0 }, { 4, PROTOCOL_UDP, 0 }, { 6, PROTOCOL_TCP, 1 }, { 4, PROTOCOL_TCP, 0 }, { 6, PROTOCOL_TCP, 0 },
        { 6, PROTOCOL_UDP, 1 }, { 4, 0, 0 }, { 4, PROTOCOL_UDP, 0 }, { 6, PROTOCOL_TCP, 1 }, { 4, PROTOCOL_TCP, 0 },
    };

    fake_socket_again( slot, client, kinds[slot].family, kinds[slot].protocol, kinds[slot].dual_stack );
    fake_socks[slot].is_socket = slot != 9;
    fake_socks[slot].reuse = slot == 1 || slot == 7;
    if (slot == 9) fake_socks[slot].protocol = 0;
}

static void deliver_close( unsigned int slot )
{
    if (!fake_close_pending( slot )) return;
    fake_deliver_close( slot );
    forget_sock( slot );
}

/* the process that is to be connected; 0 when it can't be */
static int connect_client( unsigned int client )
{
    if (clients[client].process) return 1;
    if (process_ended[client])
    {
        if (process_find( FAKE_PID( client ) )) return 0;  /* its id is kept */
        fake_restart_process( client );
        process_ended[client] = 0;
    }
    return !fake_connect( client, &clients[client] );
}

static void end_process( unsigned int client )
{
    unsigned int i;

    if (process_ended[client]) return;
    for (i = 0; i < SOCKETS; i++) fake_close( i, client );
    if (clients[client].process) fake_disconnect( &clients[client] );
    process_ended[client] = 1;
}

/* kill -9, and the next one takes up what lives */
static void kill_server( int reuse_ids )
{
    struct port_reservation *found;
    unsigned int i;

    killed = 1;
    fake_kill_server();
    for (i = 0; i < CLIENTS; i++)
    {
        clients[i].process = NULL;
        if (!process_ended[i]) continue;
        if (reuse_ids) fake_restart_process( i );
        else fake_end_process( i );
    }
    for (i = 0; i < SOCKETS; i++) if (!fake_socks[i].processes) forget_sock( i );
    if (fake_start_server()) fail( "the server does not start" );
    for (i = 0; i < reservation_count; i++)
    {
        struct model_reservation *r = &reservations[i];

        if (!r->alive) continue;
        if (r->owner >= 0 && process_ended[r->owner]) r->owner = -1;
        if (r->sock >= 0) continue;
        if (!(found = pool_find_port( reservations_pool(), r->protocol, r->first ))) fail( "a persistent reservation is lost" );
        r->token = found->token;
    }
    for (i = 0; i < CLIENTS; i++)
    {
        if (!process_ended[i]) continue;
        process_ended[i] = 0;
        if (!reuse_ids) fake_restart_process( i );
    }
    /* bound behind the server's back, or in the moment before it was killed */
    for (i = 0; i < SOCKETS; i++) if (socks[i].associated && fake_socks[i].port) hold( i, fake_socks[i].port, 0, 0, -1 );
}

static void fate(void)
{
    unsigned int what = get_byte(), client = what >> 4 & 3, slot = get_byte() % SOCKETS, port, i;
    struct fake_sock *sock = &fake_socks[slot];

    switch (what % 16)
    {
    case 0: case 1: case 2:
        if (fake_close( slot, client ) && what & 0x40) deliver_close( slot );
        break;
    case 3: case 4:  /* DuplicateHandle(), inheritance */
        if (sock->processes && !process_ended[client]) sock->processes |= 1u << client;
        break;
    case 5: case 6:
        for (i = 0; i < SOCKETS; i++) deliver_close( i );
        break;
    case 7: case 8:
        if (!sock->processes && !sock_table_find( sock->id ) && !process_ended[client])
        {
            forget_sock( slot );
            make_sock( slot, client );
        }
        break;
    case 9:
        port = get_port() & 0xffff;
        fake_set_busy( what & 0x80 ? PROTOCOL_UDP : PROTOCOL_TCP, port, 0 );
        if (what & 0x40 && !fake_is_guarded( what & 0x80 ? PROTOCOL_UDP : PROTOCOL_TCP, port ))
        {
            fake_set_busy( what & 0x80 ? PROTOCOL_UDP : PROTOCOL_TCP, port, 1 );
            busy_ports[busy_count++] = port;
        }
        break;
    case 10:  /* a socket is bound without asking the server */
        port = get_port() & 0xffff;
        if (sock->processes && !sock->port && sock->protocol && !fake_is_guarded( sock->protocol, port ) &&
            !owners[protocol_index( sock->protocol )][port] && fake_can_bind( sock, port )) sock->port = port;
        break;
    case 11:
        end_process( client );
        break;
    case 12:
        if (WITH_KILLS && !killed) kill_server( what & 0x40 );
        break;
    default:
        if (clients[client].process) fake_disconnect( &clients[client] );
        break;
    }
}

static void compare(void)
{
    const struct port_pool *pool = reservations_pool();
    unsigned int i, count, runtime = 0, persistents = 0;
    const struct port_reservation *found;
    const struct port_socket *ports, *holder;
    const struct sock *sock;
    const char *wrong;

    for (i = 0; i < reservation_count; i++)
    {
        const struct model_reservation *r = &reservations[i];

        found = pool_find_token( pool, r->token );
        if (!r->alive)
        {
            if (found) fail( "a reservation that has ended is there" );
            continue;
        }
        if (!found || found->first != r->first || found->count != r->count || found->protocol != r->protocol)
            fail( "reservation %u+%u is not there", r->first, r->count );
        if (reservation_owner( found ) != (r->owner < 0 ? 0 : FAKE_PID( r->owner ))) fail( "a reservation with another owner" );
        if (r->sock < 0) persistents++;
        else
        {
            if (sock_from_ports( found->sock )->id != fake_socks[r->sock].id) fail( "a reservation on another socket" );
            runtime++;
        }
    }
    if (pool->runtime != runtime || pool->persistent != persistents) fail( "a wrong number of reservations" );
    for (i = 0; i < SOCKETS; i++)
    {
        if (!(sock = sock_table_find( fake_socks[i].id )))
        {
            if (socks[i].associated || socks[i].port) fail( "a socket is not there" );
            continue;
        }
        ports = &sock->ports;
        if (ports->associated != socks[i].associated || ports->port != socks[i].port || ports->holds != socks[i].holds)
            fail( "a socket is another: associated %d, port %u, holds %x", ports->associated, ports->port, ports->holds );
        if (ports->port)
        {
            for (holder = pool->holders[protocol_index( ports->protocol )][ports->port], count = 0; holder; holder = holder->port_next)
                count++;
            if (count != holders[protocol_index( ports->protocol )][ports->port]) fail( "a wrong number of holders" );
        }
        if (!ports->associated) continue;
        if (!ports->reservation != (socks[i].reservation < 0) ||
            (ports->reservation && ports->reservation->token != reservations[socks[i].reservation].token))
            fail( "a socket associated with another reservation" );
    }
    if ((wrong = fakes_check())) fail( "%s", wrong );
}

static void step(void)
{
    unsigned int op = get_byte(), who, client, slot, i;

    if (op % 16 >= 13)
    {
        fate();
        return;
    }
    who = get_byte();
    unheard = op & 0x20 && (op % 16 < 5 || op % 16 > 7);  /* a bind stays */
    client = who & 3;
    slot = (who >> 2) % (SOCKETS + 1);  /* one more than there are */
    if (!connect_client( client )) return;
    /* what is in a request's way and closed does not stay there */
    if (op % 16 < 11) for (i = 0; i < SOCKETS; i++) deliver_close( i );
    if (!(op & 0x40)) serial++;  /* else the number of the last request is used again */
    /* one of the calls that can fail does */
    fake_fail_at( op & 0x80 ? get_byte() % 8 + 1 : 0 );
    switch (op % 16)
    {
    case 0: case 1: case 2: acquire( client, slot ); break;
    case 3: case 4:         associate( client, slot ); break;
    case 5: case 6: case 7: bind( client, slot ); break;
    case 8:                 release( client ); break;
    case 9: case 10:        persistent( client ); break;
    case 11:                list( client ); break;
    case 12:                malformed( client ); break;
    }
    fake_fail_at( 0 );
}

/* The pool is made once for all runs: it is a megabyte. Each run ends with everything closed. */
static void clean_up(void)
{
    static const int protocols[2] = { PROTOCOL_TCP, PROTOCOL_UDP };
    static unsigned int runs;
    const struct port_pool *pool = reservations_pool();
    const char *wrong;
    unsigned int i, j, port;

    for (i = 0; i < CLIENTS; i++) end_process( i );
    for (i = 0; i < SOCKETS; i++)
    {
        deliver_close( i );
        forget_sock( i );
    }
    for (i = 0; i < CLIENTS; i++)
        if (process_find( FAKE_PID( i ) )) fail( "a process is still referred to" );
    unheard = 0;
    connect_client( 0 );
    for (i = 0; i < reservation_count; i++)
    {
        if (!reservations[i].alive) continue;
        req.delete_persistent_reservation_request.protocol = reservations[i].protocol;
        req.delete_persistent_reservation_request.first = reservations[i].first;
        req.delete_persistent_reservation_request.count = reservations[i].count;
        if (SEND( 0, delete_persistent_reservation )) fail( "a persistent reservation can't be deleted" );
        end_reservation( i );
    }
    fake_disconnect( &clients[0] );
    compare();
    if (pool->runtime || pool->persistent || sock_table_count()) fail( "something is left" );
    for (i = 0; i < reservation_count; i++)
        for (j = 0; j < 2; j++)
            for (port = reservations[i].first; port < reservations[i].first + reservations[i].count; port++)
                if (pool->owners[j][port] || pool->holders[j][port]) fail( "port %u is left", port );
    for (i = 0; i < busy_count; i++)
        for (j = 0; j < 2; j++) fake_set_busy( protocols[j], busy_ports[i], 0 );
    busy_count = 0;
    if (!(++runs % 4096) && (wrong = fakes_check_all())) fail( "%s", wrong );
    reservation_count = 0;
    serial = 0;
    killed = 0;
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    unsigned int i;

    if (!reservations_pool())
    {
        debug_level = getenv( "FUZZ_DEBUG" ) != NULL;  /* to see what an input means */
        fake_reset();
        fake_set_elevated( 0, 1 );
        for (i = 0; i < SOCKETS; i++) fake_socket( 0, 4, PROTOCOL_TCP, 0 );
        if (fake_start_server()) fail( "the server does not start" );
    }
    fake_rewind();
    for (i = 0; i < CLIENTS; i++) process_ended[i] = 0;
    for (i = 0; i < SOCKETS; i++) make_sock( i, i % CLIENTS );
    input = data;
    input_left = size;
    for (i = 0; i < MAX_STEPS && input_left; i++)
    {
        step();
        compare();
    }
    input_left = 0;
    clean_up();
    return 0;
}
