/*
 * The pool: who has which port
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <assert.h>
#include <stdlib.h>

#include "pool.h"

static unsigned int hash( uint64_t token )
{
    return token % POOL_HASH_SIZE;  /* tokens are random */
}

struct port_pool *pool_create(void)
{
    return calloc( 1, sizeof(struct port_pool) );
}

void pool_destroy( struct port_pool *pool )
{
    free( pool );
}

static int port_is_free( const struct port_pool *pool, int protocol, unsigned int port )
{
    int index = protocol_index( protocol );

    return !pool->owners[index][port] && !pool->holders[index][port];
}

NTSTATUS pool_check( const struct port_pool *pool, int protocol, unsigned int first, unsigned int count )
{
    unsigned int i;

    if (!block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    for (i = 0; i < count; i++)
    {
        if (!port_is_free( pool, protocol, first + i )) return STATUS_SHARING_VIOLATION;
    }
    return STATUS_SUCCESS;
}

unsigned int pool_find_free( const struct port_pool *pool, int protocol, unsigned int from, unsigned int last,
                             unsigned int count, const unsigned char *busy )
{
    unsigned int port, run = 0;

    if (!count || !from) return 0;
    /* as long as enough ports are left */
    for (port = from; port <= last && run + last - port + 1 >= count; port++)
    {
        if (busy && busy[port / 8] & 1u << port % 8) run = 0;
        else run = port_is_free( pool, protocol, port ) ? run + 1 : 0;
        if (run == count) return port - count + 1;
    }
    return 0;
}

void pool_add( struct port_pool *pool, struct port_reservation *reservation, int protocol, unsigned int first,
               unsigned int count, uint64_t token, struct port_client *client, struct port_socket *sock )
{
    unsigned int i;

    assert( !pool_check( pool, protocol, first, count ) );
    assert( token && !pool_find_token( pool, token ) );

    port_list_init( &reservation->sock_entry );
    port_list_init( &reservation->associated );
    reservation->token = token;
    reservation->kind = sock ? RESERVATION_RUNTIME : RESERVATION_PERSISTENT;
    reservation->state = RESERVATION_PENDING;
    reservation->protocol = protocol;
    reservation->first = first;
    reservation->count = count;
    reservation->next_port = 0;
    reservation->client = client;
    reservation->sock = sock;

    reservation->hash_next = pool->tokens[hash( token )];
    pool->tokens[hash( token )] = reservation;
    for (i = 0; i < count; i++) pool->owners[protocol_index( protocol )][first + i] = reservation;
    if (sock)
    {
        port_list_add_tail( &sock->acquired, &reservation->sock_entry );
        pool->runtime++;
    }
    else pool->persistent++;
    if (client) client->reservations++;
}

void pool_remove( struct port_pool *pool, struct port_reservation *reservation )
{
    struct port_reservation **link;
    struct port_list *cursor, *after;
    unsigned int i;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &reservation->associated )
        pool_orphan( PORT_LIST_ENTRY( cursor, struct port_socket, assoc_entry ) );
    port_list_remove( &reservation->sock_entry );
    for (link = &pool->tokens[hash( reservation->token )]; *link != reservation; link = &(*link)->hash_next) ;
    *link = reservation->hash_next;
    for (i = 0; i < reservation->count; i++)
        pool->owners[protocol_index( reservation->protocol )][reservation->first + i] = NULL;
    if (reservation->kind == RESERVATION_RUNTIME) pool->runtime--;
    else pool->persistent--;
    if (reservation->client) reservation->client->reservations--;
}

struct port_reservation *pool_find_token( const struct port_pool *pool, uint64_t token )
{
    struct port_reservation *reservation = pool->tokens[hash( token )];

    while (reservation && reservation->token != token) reservation = reservation->hash_next;
    return reservation;
}

struct port_reservation *pool_find_port( const struct port_pool *pool, int protocol, unsigned int port )
{
    return port < POOL_PORTS ? pool->owners[protocol_index( protocol )][port] : NULL;
}

struct port_reservation *pool_next( const struct port_pool *pool, int protocol, unsigned int from )
{
    struct port_reservation *reservation;
    unsigned int port = from;

    while (port < POOL_PORTS)
    {
        if (!(reservation = pool->owners[protocol_index( protocol )][port])) port++;
        else if (reservation->first >= from) return reservation;
        else port = reservation->first + reservation->count;
    }
    return NULL;
}

unsigned int pool_ports_in_use( const struct port_pool *pool, const struct port_reservation *reservation )
{
    unsigned int i, ret = 0;

    for (i = 0; i < reservation->count; i++)
        ret += pool_port_in_use( pool, reservation->protocol, reservation->first + i );
    return ret;
}

int pool_port_in_use( const struct port_pool *pool, int protocol, unsigned int port )
{
    return pool->holders[protocol_index( protocol )][port] != NULL;
}

void pool_init_socket( struct port_socket *sock, int protocol )
{
    port_list_init( &sock->acquired );
    port_list_init( &sock->assoc_entry );
    sock->port_next = NULL;
    sock->client = NULL;
    sock->protocol = protocol;
    sock->associated = 0;
    sock->reservation = NULL;
    sock->port = 0;
    sock->holds = 0;
    sock->binding = 0;
    sock->processor = NO_PROCESSOR;
}

int pool_socket_is_idle( const struct port_socket *sock )
{
    return port_list_empty( &sock->acquired ) && !sock->associated && !sock->port && sock->processor == NO_PROCESSOR;
}

void pool_associate( struct port_socket *sock, struct port_reservation *reservation )
{
    port_list_remove( &sock->assoc_entry );
    port_list_add_tail( &reservation->associated, &sock->assoc_entry );
    sock->associated = 1;
    sock->reservation = reservation;
}

void pool_orphan( struct port_socket *sock )
{
    port_list_remove( &sock->assoc_entry );
    sock->associated = 1;
    sock->reservation = NULL;
}

void pool_end_association( struct port_socket *sock )
{
    pool_orphan( sock );
    sock->associated = 0;
}

unsigned int pool_pick_port( const struct port_pool *pool, struct port_reservation *reservation, unsigned int *tried )
{
    unsigned int port;

    while (*tried < reservation->count)
    {
        (*tried)++;
        port = reservation->first + reservation->next_port;
        reservation->next_port = (reservation->next_port + 1) % reservation->count;
        if (!pool_port_in_use( pool, reservation->protocol, port )) return port;
    }
    return 0;
}

int pool_may_hold( const struct port_pool *pool, const struct port_socket *sock, unsigned int port, unsigned int holds )
{
    const struct port_socket *other;
    unsigned int seen;

    if (sock->protocol != PROTOCOL_TCP) return 1;
    for (other = pool->holders[protocol_index( sock->protocol )][port]; other; other = other->port_next)
    {
        /* one holds the port for IPv4, the other for both */
        seen = holds | other->holds;
        if ((seen & HOLDS_BY_RIGHT) && (seen & HOLDS_ANY) == HOLDS_ANY) return 0;
    }
    return 1;
}

void pool_hold( struct port_pool *pool, struct port_socket *sock, unsigned int port, unsigned int holds )
{
    struct port_socket **head = &pool->holders[protocol_index( sock->protocol )][port];

    assert( !sock->port && port && port < POOL_PORTS );

    sock->port = port;
    sock->holds = holds;
    sock->port_next = *head;
    *head = sock;
}

void pool_unhold( struct port_pool *pool, struct port_socket *sock )
{
    struct port_socket **link = &pool->holders[protocol_index( sock->protocol )][sock->port];

    while (*link != sock) link = &(*link)->port_next;
    *link = sock->port_next;
    sock->port_next = NULL;
    sock->port = sock->holds = 0;
}
