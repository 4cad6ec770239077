/*
 * The rules of port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "ports.h"

/* Wildcard blocks come from here, looked through from a random place: above the ports that services are known by, below
 * those that the system hands out by itself. Only when no block is left there is one looked for among the services' ports. A program that asks for
 * as much as there is must not take from all others what their connections are made of. */
#define WILDCARD_FIRST       10000
#define WILDCARD_OTHER_FIRST 1024
/* A host that hands out nearly all ports by itself, and leaves fewer than this below, has no such place: any port will do. */
#define WILDCARD_LEAST       1024

static struct port_reservation *from_entry( struct port_list *entry )
{
    return PORT_LIST_ENTRY( entry, struct port_reservation, sock_entry );
}

static NTSTATUS new_token( const struct port_pool *pool, uint64_t *token )
{
    NTSTATUS status;

    do
    {
        if ((status = host_random( token ))) return status;
    } while (pool_find_token( pool, *token ));
    return STATUS_SUCCESS;
}

static void remove_reservation( struct port_pool *pool, struct port_reservation *reservation )
{
    struct port_client *client = reservation->client;

    pool_remove( pool, reservation );
    host_free_reservation( reservation );
    if (client) host_release_client( client );
}

/* Reserve a block. The pool has it before the host is asked, who may wait: nobody else can get it meanwhile. */
static NTSTATUS add_reservation( struct port_pool *pool, int protocol, unsigned int first, unsigned int count, uint64_t token,
                                 struct port_client *client, struct port_socket *sock, int force,
                                 struct port_reservation **ret, unsigned int *busy )
{
    struct port_reservation *reservation;
    NTSTATUS status;

    *busy = first;
    if (!(reservation = host_alloc_reservation())) return STATUS_NO_MEMORY;
    pool_add( pool, reservation, protocol, first, count, token, client, sock );
    if (client) host_grab_client( client );
    if ((status = host_guard( reservation->kind, protocol, first, count, force, busy )))
    {
        remove_reservation( pool, reservation );
        return status;
    }
    *ret = reservation;
    return STATUS_SUCCESS;
}

static void grant( struct port_reservation *reservation )
{
    reservation->state = RESERVATION_LIVE;
    host_reservation_added( reservation );
}

void ports_end( struct port_pool *pool, struct port_reservation *reservation )
{
    struct port_list *cursor, *after;
    struct port_socket *sock;

    host_reservation_ended( reservation );
    if (reservation->state == RESERVATION_LIVE)
        host_release_guard( reservation->protocol, reservation->first, reservation->count );
    PORT_LIST_FOR_EACH_SAFE( cursor, after, &reservation->associated )
    {
        sock = PORT_LIST_ENTRY( cursor, struct port_socket, assoc_entry );
        pool_orphan( sock );
        host_socket_changed( sock );
    }
    remove_reservation( pool, reservation );
}

/* what host_guard() says of a port that is in nobody's reservation, but not to be had */
static int is_about_port( NTSTATUS status )
{
    return status == STATUS_SHARING_VIOLATION || status == STATUS_ACCESS_DENIED;
}

/* what the system tells of the ports in use, when it was asked */
struct busy_ports
{
    unsigned char ports[POOL_PORTS / 8];
    int           asked;
};

/* Look for a block in from..last, stepping over ports that somebody else on the machine has. A host keeps the lowest ports from a user, and
 * may be set to keep tens of thousands: the end of those is found by halves. */
static NTSTATUS add_from_range( struct port_pool *pool, struct port_client *client, struct port_socket *sock, unsigned int from,
                                unsigned int last, unsigned int count, uint64_t token, struct busy_ports *known,
                                struct port_reservation **reservation )
{
    unsigned int next = from, busy, denied = 0, end = last + 1;  /* what is kept from this user ends between these two */
    NTSTATUS status;

    for (;;)
    {
        status = STATUS_NOT_FOUND;
        if ((from = pool_find_free( pool, sock->protocol, next, last, count, known->ports )))
        {
            status = add_reservation( pool, sock->protocol, from, count, token, client, sock, 0, reservation, &busy );
            if (!is_about_port( status )) return status;
            /* mostly the first block is free, and to know it all takes longer than to try */
            if (!known->asked) host_get_busy_ports( sock->protocol, known->ports );
            known->asked = 1;
        }
        if (status == STATUS_ACCESS_DENIED)
        {
            denied = busy;
            if (end <= denied) end = last + 1;
        }
        else if (denied && end - denied > 1) end = next;
        else if (from)
        {
            next = busy + 1;
            continue;
        }
        else return status;
        next = denied + (end - denied + 1) / 2;
    }
}

static NTSTATUS add_anywhere( struct port_pool *pool, struct port_client *client, struct port_socket *sock, unsigned int count,
                              uint64_t token, struct port_reservation **reservation )
{
    struct busy_ports busy;
    unsigned int first = WILDCARD_FIRST, last = host_first_ephemeral_port() - 1, start;
    uint64_t random;
    NTSTATUS status;

    if ((status = host_random( &random ))) return status;
    memset( &busy, 0, sizeof(busy) );
    if (last >= POOL_PORTS || last < WILDCARD_OTHER_FIRST + WILDCARD_LEAST - 1) last = POOL_PORTS - 1;
    if (last < first) first = WILDCARD_OTHER_FIRST;
    start = first + random % (last + 1 - first);
    status = add_from_range( pool, client, sock, start, last, count, token, &busy, reservation );
    if (status == STATUS_NOT_FOUND)
        status = add_from_range( pool, client, sock, first, last, count, token, &busy, reservation );
    if (status == STATUS_NOT_FOUND && first != WILDCARD_OTHER_FIRST)
        status = add_from_range( pool, client, sock, WILDCARD_OTHER_FIRST, last, count, token, &busy, reservation );
    return status == STATUS_NOT_FOUND ? STATUS_INSUFFICIENT_RESOURCES : status;
}

NTSTATUS ports_acquire( struct port_pool *pool, struct port_client *client, struct port_socket *sock, unsigned int first,
                        unsigned int count, struct port_reservation **reservation )
{
    unsigned int busy;
    uint64_t token;
    NTSTATUS status;

    if (!block_is_valid( first ? first : 1, count )) return STATUS_INVALID_PARAMETER;
    if (first && (status = pool_check( pool, sock->protocol, first, count ))) return status;
    if (pool->runtime >= MAX_RESERVATIONS || client->reservations >= MAX_CLIENT_RESERVATIONS)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((status = new_token( pool, &token ))) return status;
    if (first) status = add_reservation( pool, sock->protocol, first, count, token, client, sock, 0, reservation, &busy );
    else status = add_anywhere( pool, client, sock, count, token, reservation );
    if (!status) grant( *reservation );
    return status;
}

/* Nobody in the pool's reach gets the ports yet, but the rest of the machine may have them: whoever asked for the end finds them free. */
static void begin_to_end( struct port_reservation *reservation )
{
    reservation->state = RESERVATION_ENDING;
    host_release_guard( reservation->protocol, reservation->first, reservation->count );
    host_reservation_changed( reservation );
}

NTSTATUS ports_release( struct port_pool *pool, struct port_client *client, uint64_t token, struct port_reservation **ret )
{
    struct port_reservation *reservation = pool_find_token( pool, token );

    if (!reservation || reservation->kind != RESERVATION_RUNTIME || reservation->state != RESERVATION_LIVE)
        return STATUS_INVALID_PARAMETER;
    if (reservation->client != client) return STATUS_ACCESS_DENIED;
    begin_to_end( reservation );
    *ret = reservation;
    return STATUS_SUCCESS;
}

int ports_is_guarded( const struct port_pool *pool, int protocol, unsigned int port )
{
    const struct port_reservation *reservation = pool_find_port( pool, protocol, port );

    return reservation && reservation->state == RESERVATION_LIVE;
}

int ports_is_shared( const struct port_pool *pool, int protocol, unsigned int port )
{
    const struct port_socket *sock = pool->holders[protocol_index( protocol )][port];

    while (sock && sock->processor == NO_PROCESSOR) sock = sock->port_next;
    return sock != NULL;
}

static void settle( const struct port_pool *pool, int protocol, unsigned int port )
{
    if (ports_is_guarded( pool, protocol, port )) host_settle( protocol, port, pool_port_in_use( pool, protocol, port ) );
}

NTSTATUS ports_revive( struct port_pool *pool, struct port_reservation *reservation )
{
    unsigned int port, busy, first = reservation->first, count = reservation->count;
    int protocol = reservation->protocol;
    uint64_t token = reservation->token;
    NTSTATUS status;

    if (reservation->kind == RESERVATION_PERSISTENT &&
        (status = host_store_add( reservation->protocol, reservation->first, reservation->count )))
        return status;
    (void)host_guard( reservation->kind, reservation->protocol, reservation->first, reservation->count, 1, &busy );
    if (pool_find_token( pool, token ) != reservation)  /* it ended meanwhile, and its ports may be another's */
    {
        for (port = first; port < first + count; port++)
            if (!pool_find_port( pool, protocol, port )) host_release_guard( protocol, port, 1 );
        return STATUS_SUCCESS;
    }
    reservation->state = RESERVATION_LIVE;
    host_reservation_changed( reservation );
    for (port = first; port < first + count; port++)
    {
        if (!pool_port_in_use( pool, protocol, port )) continue;
        (void)host_yield( protocol, port, 0 );
        if (pool_find_token( pool, token ) != reservation) break;  /* it ended meanwhile */
        settle( pool, protocol, port );
    }
    return STATUS_SUCCESS;
}

NTSTATUS ports_associate( struct port_pool *pool, struct port_client *client, struct port_socket *sock, int is_bound,
                          uint64_t token )
{
    struct port_reservation *reservation = pool_find_token( pool, token );
    NTSTATUS status;

    if (is_bound || sock->port || sock->binding) return STATUS_INVALID_PARAMETER;
    if (!reservation || reservation->state != RESERVATION_LIVE || reservation->protocol != sock->protocol)
        return STATUS_INVALID_PARAMETER;
    if (reservation->kind == RESERVATION_RUNTIME)
    {
        if (reservation->client != client) return STATUS_ACCESS_DENIED;
    }
    else if ((status = host_check_elevated( client ))) return status;
    pool_associate( sock, reservation );
    host_socket_changed( sock );
    return STATUS_SUCCESS;
}

void ports_reassociate( struct port_pool *pool, struct port_socket *sock, int associated, uint64_t token )
{
    struct port_reservation *reservation = token ? pool_find_token( pool, token ) : NULL;

    if (!sock->associated || sock->port) return;
    if (!associated) pool_end_association( sock );
    else if (reservation) pool_associate( sock, reservation );
    else pool_orphan( sock );
    host_socket_changed( sock );
}

NTSTATUS ports_set_processor( struct port_client *client, struct port_socket *sock, int is_bound, int reuse,
                              unsigned int processor, unsigned int processor_count )
{
    if (sock->protocol != PROTOCOL_UDP) return STATUS_NOT_SUPPORTED;
    if (is_bound || sock->port || sock->binding || reuse || processor >= processor_count) return STATUS_INVALID_PARAMETER;
    sock->client = client;
    sock->processor = processor;
    host_socket_changed( sock );
    return STATUS_SUCCESS;
}

/* are all sockets that hold the port of one group with this one, which shares it by processor? */
static int may_join( const struct port_pool *pool, const struct port_socket *sock, unsigned int port )
{
    const struct port_socket *other;

    for (other = pool->holders[protocol_index( sock->protocol )][port]; other; other = other->port_next)
    {
        if (other->processor == NO_PROCESSOR || other->client != sock->client) return 0;
    }
    return 1;
}

/* has a socket been bound to the port, and not just begun to be? */
static int is_held( const struct port_pool *pool, int protocol, unsigned int port )
{
    const struct port_socket *sock = pool->holders[protocol_index( protocol )][port];

    while (sock && sock->binding) sock = sock->port_next;
    return sock != NULL;
}

/* The reservation of a port, unless it is only asked for: what is not granted is no concern of who binds. */
static struct port_reservation *find_granted( const struct port_pool *pool, int protocol, unsigned int port )
{
    struct port_reservation *reservation = pool_find_port( pool, protocol, port );

    return reservation && reservation->state != RESERVATION_PENDING ? reservation : NULL;
}

/* bind the socket to a port that is reserved, or that it shares by processor */
static NTSTATUS bind_port( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind, unsigned int port,
                           int unshared )
{
    NTSTATUS status = STATUS_SUCCESS;
    unsigned int flags = 0, holds = bind->holds | (sock->associated ? HOLDS_BY_RIGHT : 0);
    int protocol = sock->protocol;

    if (!pool_may_hold( pool, sock, port, holds )) return STATUS_SHARING_VIOLATION;
    if (sock->processor != NO_PROCESSOR)
    {
        if (!may_join( pool, sock, port )) return STATUS_SHARING_VIOLATION;
        flags = BIND_GROUP;
    }

    /* the host may wait, and nobody else must pick the port meanwhile */
    pool_hold( pool, sock, port, holds );
    sock->binding = 1;
    if (ports_is_guarded( pool, protocol, port )) status = host_yield( protocol, port, is_held( pool, protocol, port ) );
    /* Who asks for a port of an exclusion by number may share it with somebody outside as he could without one: the bind decides. */
    if (status == STATUS_SHARING_VIOLATION && !sock->associated) status = STATUS_SUCCESS;
    if (!is_held( pool, protocol, port )) flags |= BIND_ALONE;
    else if (unshared) flags |= BIND_UNSHARED;
    if (!status) status = host_bind( pool, sock, bind, port, flags );
    sock->binding = 0;
    if (status) pool_unhold( pool, sock );
    settle( pool, protocol, port );
    if (status) return status;
    bind->port = port;
    pool_end_association( sock );
    host_socket_changed( sock );
    return STATUS_SUCCESS;
}

/* The same for a port of its reservation, where what is not to be had is taken, whatever the system calls it, and
 * SO_REUSEADDR is for UDP alone. */
static NTSTATUS bind_reserved( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind, unsigned int port )
{
    NTSTATUS status = bind_port( pool, sock, bind, port, sock->protocol == PROTOCOL_TCP );

    return status == STATUS_ACCESS_DENIED ? STATUS_SHARING_VIOLATION : status;
}

/* bind the socket to a port of the reservation that it is associated with */
static NTSTATUS bind_from( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind )
{
    struct port_reservation *reservation = sock->reservation;
    unsigned int port, tried = 0;
    uint64_t token;
    NTSTATUS status;

    if (!reservation || reservation->state != RESERVATION_LIVE) return STATUS_INVALID_PARAMETER;
    if (bind->port)
    {
        if (pool_find_port( pool, sock->protocol, bind->port ) != reservation) return STATUS_INVALID_ADDRESS_COMPONENT;
        return bind_reserved( pool, sock, bind, bind->port );
    }
    token = reservation->token;
    while ((port = pool_pick_port( pool, reservation, &tried )))
    {
        /* a port that was lost to somebody else on the machine is passed over */
        status = bind_reserved( pool, sock, bind, port );
        if (status != STATUS_SHARING_VIOLATION) return status;
        if (pool_find_token( pool, token ) != reservation) return STATUS_INVALID_PARAMETER;  /* it ended meanwhile */
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

/* the system picks a port for the first socket of a group, which the others ask for */
static NTSTATUS bind_anywhere( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind )
{
    NTSTATUS status;

    sock->binding = 1;
    status = host_bind( pool, sock, bind, 0, 0 );
    sock->binding = 0;
    if (status) return status;
    pool_hold( pool, sock, bind->port, bind->holds );
    host_socket_changed( sock );
    return STATUS_SUCCESS;
}

NTSTATUS ports_bind( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind )
{
    struct port_reservation *reservation = find_granted( pool, sock->protocol, bind->port );

    if (sock->binding) return STATUS_INVALID_PARAMETER;
    if (sock->associated) return bind_from( pool, sock, bind );
    if (reservation && reservation->kind == RESERVATION_RUNTIME) return STATUS_ACCESS_DENIED;
    if (!reservation && sock->processor == NO_PROCESSOR) return STATUS_NOT_FOUND;
    if (sock->port) return STATUS_INVALID_PARAMETER;
    if (!bind->port) return bind_anywhere( pool, sock, bind );
    /* an administered exclusion keeps a port from being handed out, not from being asked for */
    return bind_port( pool, sock, bind, bind->port, 0 );
}

void ports_close( struct port_pool *pool, struct port_socket *sock )
{
    struct port_list *cursor, *after;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &sock->acquired ) ports_end( pool, from_entry( cursor ) );
    if (!sock->associated) return;
    pool_end_association( sock );
    host_socket_changed( sock );
}

void ports_free_port( struct port_pool *pool, struct port_socket *sock )
{
    unsigned int port = sock->port;

    if (!port) return;
    pool_unhold( pool, sock );
    host_socket_changed( sock );
    settle( pool, sock->protocol, port );
}

/* The live reservation of exactly this block, or NULL. */
static struct port_reservation *find_exact( const struct port_pool *pool, int protocol, unsigned int first, unsigned int count )
{
    struct port_reservation *reservation = pool_find_port( pool, protocol, first );

    if (!reservation || reservation->first != first || reservation->count != count || reservation->state != RESERVATION_LIVE)
        return NULL;
    return reservation;
}

NTSTATUS ports_create( struct port_pool *pool, struct port_client *client, uint32_t protocol, unsigned int first,
                       unsigned int count, struct port_reservation **reservation )
{
    unsigned int busy;
    uint64_t token;
    NTSTATUS status;

    if (!protocol_is_valid( protocol ) || !block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    if ((status = host_check_elevated( client ))) return status;
    if ((status = pool_check( pool, protocol, first, count ))) return status;
    if ((status = new_token( pool, &token ))) return status;
    if ((status = add_reservation( pool, protocol, first, count, token, NULL, NULL, 0, reservation, &busy ))) return status;
    if ((status = host_store_add( protocol, first, count )))
    {
        host_release_guard( protocol, first, count );
        remove_reservation( pool, *reservation );
        return status;
    }
    grant( *reservation );
    return STATUS_SUCCESS;
}

NTSTATUS ports_delete( struct port_pool *pool, struct port_client *client, uint32_t protocol, unsigned int first,
                       unsigned int count, struct port_reservation **ret )
{
    struct port_reservation *reservation;
    NTSTATUS status;

    if (!protocol_is_valid( protocol ) || !block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    if ((status = host_check_elevated( client ))) return status;
    if (!(reservation = find_exact( pool, protocol, first, count ))) return STATUS_NOT_FOUND;
    if (reservation->kind != RESERVATION_PERSISTENT) return STATUS_ACCESS_DENIED;
    if ((status = host_store_remove( protocol, first, count ))) return status;
    begin_to_end( reservation );
    *ret = reservation;
    return STATUS_SUCCESS;
}

NTSTATUS ports_lookup( const struct port_pool *pool, uint32_t protocol, unsigned int first, unsigned int count, uint64_t *token )
{
    const struct port_reservation *reservation;

    if (!protocol_is_valid( protocol ) || !block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    if (!(reservation = find_exact( pool, protocol, first, count )) || reservation->kind != RESERVATION_PERSISTENT)
        return STATUS_NOT_FOUND;
    *token = reservation->token;
    return STATUS_SUCCESS;
}

NTSTATUS ports_restore( struct port_pool *pool, int protocol, unsigned int first, unsigned int count, uint64_t token,
                        struct port_client *client, struct port_socket *sock, struct port_reservation **reservation )
{
    unsigned int busy;
    NTSTATUS status;

    if ((status = pool_check( pool, protocol, first, count ))) return status;
    if (!token && (status = new_token( pool, &token ))) return status;
    if (pool_find_token( pool, token )) return STATUS_INVALID_PARAMETER;
    if ((status = add_reservation( pool, protocol, first, count, token, client, sock, 1, reservation, &busy ))) return status;
    (*reservation)->state = RESERVATION_LIVE;
    return STATUS_SUCCESS;
}

void ports_restore_port( struct port_pool *pool, struct port_socket *sock, unsigned int port, unsigned int holds )
{
    int held = pool_port_in_use( pool, sock->protocol, port );

    pool_hold( pool, sock, port, holds );
    if (ports_is_guarded( pool, sock->protocol, port )) (void)host_yield( sock->protocol, port, held );
    settle( pool, sock->protocol, port );
}
