/*
 * A host for the core, made of tables
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

struct port_pool *pool;
struct host_client host_clients[HOST_CLIENTS];
struct host_socket host_sockets[HOST_SOCKETS];
void (*host_waits)(void);
unsigned int host_failed, host_guard_calls, host_first_ephemeral, host_first_port;

#define GUARDED 0x1
#define YIELDED 0x2

#define BUSY 0x1
#define SEEN 0x2

static unsigned char guards[2][POOL_PORTS], busy_ports[2][POOL_PORTS];
static uint32_t stored[2][POOL_PORTS];
static unsigned int fail_at, allocated, guard_count;
static uint64_t last_random;
static int waiting;   /* requests that wait */
static const char *violation;

static void violate( const char *what )
{
    if (!violation) violation = what;
}

void host_fail_at( unsigned int n )
{
    fail_at = n;
    host_failed = 0;
}

static int fails(void)
{
    if (!fail_at || --fail_at) return 0;
    host_failed++;
    return 1;
}

static void wait_for_others(void)
{
    waiting++;
    if (host_waits) host_waits();
    waiting--;
}

void host_set_busy( int protocol, unsigned int port, int busy, int seen )
{
    busy_ports[protocol_index( protocol )][port] = busy ? BUSY | (seen ? SEEN : 0) : 0;
}

int host_is_guarded( int protocol, unsigned int port )
{
    return guards[protocol_index( protocol )][port] == GUARDED;
}

int host_is_stored( int protocol, unsigned int first, unsigned int count )
{
    return stored[protocol_index( protocol )][first] == count;
}

NTSTATUS host_random( uint64_t *random )
{
    if (fails()) return STATUS_UNSUCCESSFUL;
    /* the multiplier of Knuth's MMIX generator: all values are different */
    last_random = last_random * 6364136223846793005u + 1442695040888963407u;
    *random = last_random ? last_random : 1;
    return STATUS_SUCCESS;
}

static struct host_client *client_from_ports( const struct port_client *client )
{
    return PORT_LIST_ENTRY( client, struct host_client, ports );
}

NTSTATUS host_check_elevated( const struct port_client *client )
{
    if (fails()) return STATUS_NO_MEMORY;
    return client_from_ports( client )->elevated ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

void host_grab_client( struct port_client *client )
{
    client_from_ports( client )->refs++;
}

void host_release_client( struct port_client *client )
{
    if (!client_from_ports( client )->refs--) violate( "host_release_client() of what was not grabbed" );
}

struct port_reservation *host_alloc_reservation(void)
{
    struct port_reservation *reservation = fails() ? NULL : calloc( 1, sizeof(*reservation) );

    if (reservation) allocated++;
    return reservation;
}

void host_free_reservation( struct port_reservation *reservation )
{
    allocated--;
    free( reservation );
}

/* the lowest port of the block that somebody else, or a socket without a reservation, has */
static unsigned int find_busy( int protocol, unsigned int first, unsigned int count )
{
    unsigned int port, i;

    for (port = first; port < first + count; port++)
    {
        if (busy_ports[protocol_index( protocol )][port]) return port;
        for (i = 0; i < HOST_SOCKETS; i++)
            if (host_sockets[i].bound == port && host_sockets[i].ports.protocol == protocol) return port;
    }
    return 0;
}

NTSTATUS host_guard( int kind, int protocol, unsigned int first, unsigned int count, int force, unsigned int *busy )
{
    unsigned char *guard = &guards[protocol_index( protocol )][first];
    unsigned int i, found;

    (void)kind;
    host_guard_calls++;
    for (i = 0; i < count; i++) if (guard[i]) violate( "host_guard() of guarded ports" );
    wait_for_others();
    if (!force)
    {
        if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
        *busy = first;
        if (first < host_first_port) return STATUS_ACCESS_DENIED;
        if ((found = find_busy( protocol, first, count )))
        {
            *busy = found;
            return STATUS_SHARING_VIOLATION;
        }
    }
    for (i = 0; i < count; i++)
    {
        if (guard[i]) violate( "two guards on a port" );
        /* what is in use can't be guarded before it is free */
        guard[i] = GUARDED | (force && pool_port_in_use( pool, protocol, first + i ) ? YIELDED : 0);
    }
    guard_count += count;
    return STATUS_SUCCESS;
}

void host_release_guard( int protocol, unsigned int first, unsigned int count )
{
    unsigned char *guard = &guards[protocol_index( protocol )][first];
    unsigned int i;

    for (i = 0; i < count; i++)
    {
        if (!guard[i]) violate( "host_release_guard() of ports that are not guarded" );
        guard[i] = 0;
    }
    guard_count -= count;
}

NTSTATUS host_yield( int protocol, unsigned int port, int held )
{
    unsigned char *guard = &guards[protocol_index( protocol )][port];

    if (!*guard) violate( "host_yield() where no guard stands" );
    if (held && !(*guard & YIELDED)) violate( "host_yield() for a port that is held, and was not yielded" );
    wait_for_others();
    if (fails()) return STATUS_INSUFFICIENT_RESOURCES;
    if (*guard) *guard |= YIELDED;  /* the reservation may have ended meanwhile */
    return STATUS_SUCCESS;
}

void host_settle( int protocol, unsigned int port, int held )
{
    unsigned char *guard = &guards[protocol_index( protocol )][port];

    if (!*guard) violate( "host_settle() where no guard stands" );
    if (!held) *guard &= ~YIELDED;
}

void host_get_busy_ports( int protocol, unsigned char busy[POOL_PORTS / 8] )
{
    unsigned int port;

    wait_for_others();
    for (port = 0; port < POOL_PORTS; port++)
        if (busy_ports[protocol_index( protocol )][port] & SEEN) busy[port / 8] |= 1u << port % 8;
}

unsigned int host_first_ephemeral_port(void)
{
    return host_first_ephemeral;
}

static struct host_socket *socket_from_ports( const struct port_socket *sock )
{
    return PORT_LIST_ENTRY( sock, struct host_socket, ports );
}

/* may the system bind the socket to the port, beside those that have it? */
static NTSTATUS check_bind( const struct host_socket *sock, unsigned int port, unsigned int flags )
{
    int reuse = sock->reuse && !(flags & BIND_UNSHARED);
    unsigned int i;

    if (port < host_first_port || port >= POOL_PORTS) return STATUS_ACCESS_DENIED;
    if (busy_ports[protocol_index( sock->ports.protocol )][port]) return STATUS_SHARING_VIOLATION;
    for (i = 0; i < HOST_SOCKETS; i++)
    {
        const struct host_socket *other = &host_sockets[i];

        if (other == sock || other->bound != port || other->ports.protocol != sock->ports.protocol) continue;
        if (flags & BIND_ALONE) violate( "BIND_ALONE where somebody has the port" );
        if (!(flags & BIND_GROUP) && !(reuse && other->reuse)) return STATUS_SHARING_VIOLATION;
    }
    return STATUS_SUCCESS;
}

NTSTATUS host_bind( const struct port_pool *the_pool, struct port_socket *ports, struct port_bind *bind, unsigned int port,
                    unsigned int flags )
{
    struct host_socket *sock = socket_from_ports( ports );
    NTSTATUS status;

    if (the_pool != pool || PORT_LIST_ENTRY( bind, struct host_bind, ports )->sock != sock) violate( "host_bind() of another socket" );
    if (port && guards[protocol_index( ports->protocol )][port] == GUARDED) violate( "host_bind() on a guarded port" );
    if (sock->bound) return STATUS_INVALID_PARAMETER;
    if (fails()) return STATUS_UNSUCCESSFUL;
    if (!port)
    {
        port = HOST_FIRST_EPHEMERAL;
        while (port < POOL_PORTS && (guards[protocol_index( ports->protocol )][port] || check_bind( sock, port, 0 ))) port++;
        if (port == POOL_PORTS) return STATUS_INSUFFICIENT_RESOURCES;
        bind->port = port;
    }
    else if ((status = check_bind( sock, port, flags ))) return status;
    sock->bound = port;
    return STATUS_SUCCESS;
}

NTSTATUS host_store_add( int protocol, unsigned int first, unsigned int count )
{
    if (stored[protocol_index( protocol )][first]) violate( "host_store_add() of what is there" );
    if (fails()) return STATUS_UNSUCCESSFUL;
    stored[protocol_index( protocol )][first] = count;
    return STATUS_SUCCESS;
}

NTSTATUS host_store_remove( int protocol, unsigned int first, unsigned int count )
{
    if (stored[protocol_index( protocol )][first] != count) violate( "host_store_remove() of what is not there" );
    if (fails()) return STATUS_UNSUCCESSFUL;
    stored[protocol_index( protocol )][first] = 0;
    return STATUS_SUCCESS;
}

void host_reservation_added( struct port_reservation *reservation )
{
    if (reservation->state != RESERVATION_LIVE) violate( "host_reservation_added() before it is granted" );
}

void host_reservation_changed( struct port_reservation *reservation )
{
    if (reservation->state == RESERVATION_PENDING) violate( "host_reservation_changed() before it is granted" );
}

void host_reservation_ended( struct port_reservation *reservation )
{
    if (pool_find_token( pool, reservation->token ) != reservation) violate( "host_reservation_ended() of what is not there" );
}

void host_socket_changed( struct port_socket *sock )
{
    socket_from_ports( sock )->changes++;
}

static void init_socket( struct host_socket *sock )
{
    memset( sock, 0, sizeof(*sock) );
    pool_init_socket( &sock->ports, (sock - host_sockets) % 2 ? PROTOCOL_UDP : PROTOCOL_TCP );
}

void host_reset(void)
{
    unsigned int i;

    if (!pool && !(pool = pool_create())) abort();
    memset( host_clients, 0, sizeof(host_clients) );
    host_clients[0].elevated = 1;
    for (i = 0; i < HOST_SOCKETS; i++) init_socket( &host_sockets[i] );
    memset( busy_ports, 0, sizeof(busy_ports) );
    memset( stored, 0, sizeof(stored) );
    violation = NULL;
    host_waits = NULL;
    last_random = host_guard_calls = 0;
    host_first_ephemeral = HOST_FIRST_EPHEMERAL;
    host_first_port = HOST_FIRST_PORT;
    host_fail_at( 0 );
}

void host_close( struct host_socket *sock )
{
    sock->bound = 0;
    ports_close( pool, &sock->ports );
    ports_free_port( pool, &sock->ports );
    init_socket( sock );
}

void host_end(void)
{
    static const int protocols[2] = { PROTOCOL_TCP, PROTOCOL_UDP };
    struct port_reservation *reservation;
    unsigned int i;

    host_fail_at( 0 );
    for (i = 0; i < HOST_SOCKETS; i++) host_close( &host_sockets[i] );
    for (i = 0; i < 2; i++) while ((reservation = pool_next( pool, protocols[i], 0 ))) ports_end( pool, reservation );
    if (pool->runtime || pool->persistent || allocated) violate( "a reservation is left" );
    for (i = 0; i < HOST_CLIENTS; i++)
        if (host_clients[i].refs || host_clients[i].ports.reservations) violate( "a client is still referred to" );
    if (guard_count) violate( "a guard is left" );
}

NTSTATUS host_try_bind( struct host_socket *sock, unsigned int port, unsigned int holds, unsigned int *got )
{
    struct host_bind bind = { { port, holds }, sock };
    NTSTATUS status = ports_bind( pool, &sock->ports, &bind.ports );

    *got = status ? 0 : bind.ports.port;
    return status;
}

static const char *check_reservation( const struct port_reservation *reservation )
{
    int index = protocol_index( reservation->protocol );
    unsigned int port;

    if (pool_find_token( pool, reservation->token ) != reservation) return "a reservation without a token";
    if (!waiting && reservation->state == RESERVATION_PENDING) return "a reservation that is neither granted nor refused";
    for (port = reservation->first; port < reservation->first + reservation->count; port++)
    {
        if (pool->owners[index][port] != reservation) return "a port with another owner";
        if (!waiting && (guards[index][port] == GUARDED) !=
            (!pool->holders[index][port] && reservation->state == RESERVATION_LIVE))
            return "a port that is not guarded as it should be";
    }
    if (reservation->kind == RESERVATION_PERSISTENT && reservation->state == RESERVATION_LIVE &&
        !host_is_stored( reservation->protocol, reservation->first, reservation->count ))
        return "a persistent reservation that is not in the store";
    return NULL;
}

static const char *check_socket( const struct host_socket *sock )
{
    const struct port_socket *ports = &sock->ports, *holder;

    if (!waiting && ports->binding) return "a socket that is being bound";
    if (ports->associated && ports->port && !ports->binding) return "a socket that is associated and bound";
    if (ports->reservation && (!ports->associated || pool_find_token( pool, ports->reservation->token ) != ports->reservation))
        return "a socket associated with what is not there";
    if (!ports->port) return NULL;
    if (!ports->binding && ports->port != sock->bound) return "a socket that has another port than it holds";
    for (holder = pool->holders[protocol_index( ports->protocol )][ports->port]; holder != ports; holder = holder->port_next)
        if (!holder) return "a socket that is not among the holders of its port";
    return NULL;
}

const char *host_check(void)
{
    const struct port_reservation *reservation;
    unsigned int i, runtime = 0, persistent = 0;
    const char *ret;

    if (violation) return violation;
    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        for (reservation = pool->tokens[i]; reservation; reservation = reservation->hash_next)
        {
            if ((ret = check_reservation( reservation ))) return ret;
            if (reservation->kind == RESERVATION_RUNTIME) runtime++;
            else persistent++;
        }
    }
    if (runtime != pool->runtime || persistent != pool->persistent) return "a wrong number of reservations";
    for (i = 0; i < HOST_SOCKETS; i++) if ((ret = check_socket( &host_sockets[i] ))) return ret;
    return NULL;
}
