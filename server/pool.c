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

static unsigned int hash( uint64_t value )
{
    /* tokens are random, socket ids count up: the low bits of both spread well */
    return value % POOL_HASH_SIZE;
}

int compare_sock_ids( const void *a, const void *b )
{
    const sock_id *id_a = a, *id_b = b;

    return *id_a < *id_b ? -1 : *id_a > *id_b;
}

struct pool *pool_create(void)
{
    return calloc( 1, sizeof(struct pool) );
}

void pool_destroy( struct pool *pool )
{
    struct reservation *reservation;
    struct sock *sock;
    int i;

    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each is taken out of the table before it is freed */
        while ((reservation = pool->tokens[i])) pool_remove( pool, reservation );
    }
    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        while ((sock = pool->socks[i])) pool_remove_sock( pool, sock );
    }
    free( pool );
}

static int port_is_free( const struct pool *pool, int protocol, unsigned int port )
{
    int index = protocol_index( protocol );

    return !pool->owners[index][port] && !pool->holders[index][port];
}

NTSTATUS pool_check( const struct pool *pool, int protocol, unsigned int first, unsigned int count )
{
    unsigned int i;

    if (!first || !count || first >= POOL_PORTS || count > POOL_PORTS - first) return STATUS_INVALID_PARAMETER;
    for (i = 0; i < count; i++)
    {
        if (!port_is_free( pool, protocol, first + i )) return STATUS_SHARING_VIOLATION;
    }
    return STATUS_SUCCESS;
}

unsigned int pool_find_free( const struct pool *pool, int protocol, unsigned int from, unsigned int last,
                             unsigned int count )
{
    unsigned int port, run = 0;

    if (!count || !from) return 0;
    /* as long as enough ports are left */
    for (port = from; port <= last && run + last - port + 1 >= count; port++)
    {
        run = port_is_free( pool, protocol, port ) ? run + 1 : 0;
        if (run == count) return port - count + 1;
    }
    return 0;
}

struct reservation *pool_add( struct pool *pool, int protocol, unsigned int first, unsigned int count,
                              uint64_t token, struct sock *sock, uint32_t owner )
{
    struct reservation *reservation;
    unsigned int i;

    assert( !pool_check( pool, protocol, first, count ) );
    assert( token && !pool_find_token( pool, token ) );

    if (!(reservation = calloc( 1, sizeof(*reservation) ))) return NULL;
    list_init( &reservation->sock_entry );
    list_init( &reservation->associated );
    reservation->token = token;
    reservation->kind = sock ? RESERVATION_RUNTIME : RESERVATION_PERSISTENT;
    reservation->owner = owner;
    reservation->owner_sock = sock;
    reservation->protocol = protocol;
    reservation->first = first;
    reservation->count = count;

    reservation->hash_next = pool->tokens[hash( token )];
    pool->tokens[hash( token )] = reservation;
    for (i = 0; i < count; i++) pool->owners[protocol_index( protocol )][first + i] = reservation;
    if (sock)
    {
        list_add_tail( &sock->acquired, &reservation->sock_entry );
        pool->runtime++;
    }
    else pool->persistent++;
    return reservation;
}

void pool_remove( struct pool *pool, struct reservation *reservation )
{
    struct reservation **link;
    struct list *cursor, *after;
    unsigned int i;

    LIST_FOR_EACH_SAFE( cursor, after, &reservation->associated )
        pool_end_association( LIST_ENTRY( cursor, struct sock, assoc_entry ) );
    list_remove( &reservation->sock_entry );
    for (link = &pool->tokens[hash( reservation->token )]; *link != reservation; link = &(*link)->hash_next) ;
    *link = reservation->hash_next;
    for (i = 0; i < reservation->count; i++)
        pool->owners[protocol_index( reservation->protocol )][reservation->first + i] = NULL;
    if (reservation->kind == RESERVATION_RUNTIME) pool->runtime--;
    else pool->persistent--;
    free( reservation );
}

struct reservation *pool_find_token( const struct pool *pool, uint64_t token )
{
    struct reservation *reservation = pool->tokens[hash( token )];

    while (reservation && reservation->token != token) reservation = reservation->hash_next;
    return reservation;
}

struct reservation *pool_find_port( const struct pool *pool, int protocol, unsigned int port )
{
    return port < POOL_PORTS ? pool->owners[protocol_index( protocol )][port] : NULL;
}

struct reservation *pool_next( const struct pool *pool, int protocol, unsigned int from )
{
    struct reservation *reservation;
    unsigned int port = from;

    while (port < POOL_PORTS)
    {
        if (!(reservation = pool->owners[protocol_index( protocol )][port])) port++;
        else if (reservation->first >= from) return reservation;
        else port = reservation->first + reservation->count;
    }
    return NULL;
}

unsigned int pool_ports_in_use( const struct pool *pool, const struct reservation *reservation )
{
    unsigned int i, ret = 0;

    for (i = 0; i < reservation->count; i++)
        ret += pool_port_in_use( pool, reservation->protocol, reservation->first + i );
    return ret;
}

int pool_port_in_use( const struct pool *pool, int protocol, unsigned int port )
{
    return pool->holders[protocol_index( protocol )][port] != 0;
}

struct sock *pool_find_sock( const struct pool *pool, sock_id id )
{
    struct sock *sock = pool->socks[hash( id )];

    while (sock && sock->id != id) sock = sock->hash_next;
    return sock;
}

struct sock *pool_add_sock( struct pool *pool, sock_id id, int protocol )
{
    struct sock *sock;

    assert( !pool_find_sock( pool, id ) );

    if (!(sock = calloc( 1, sizeof(*sock) ))) return NULL;
    list_init( &sock->acquired );
    list_init( &sock->assoc_entry );
    sock->id = id;
    sock->protocol = protocol;
    sock->hash_next = pool->socks[hash( id )];
    pool->socks[hash( id )] = sock;
    pool->sockets++;
    return sock;
}

void pool_remove_sock( struct pool *pool, struct sock *sock )
{
    struct sock **link;

    assert( list_empty( &sock->acquired ) );

    if (sock->port) pool->holders[protocol_index( sock->protocol )][sock->port]--;
    list_remove( &sock->assoc_entry );
    for (link = &pool->socks[hash( sock->id )]; *link != sock; link = &(*link)->hash_next) ;
    *link = sock->hash_next;
    pool->sockets--;
    free( sock );
}

void pool_associate( struct sock *sock, struct reservation *reservation )
{
    list_remove( &sock->assoc_entry );
    list_add_tail( &reservation->associated, &sock->assoc_entry );
    sock->associated = 1;
    sock->reservation = reservation;
}

void pool_end_association( struct sock *sock )
{
    list_remove( &sock->assoc_entry );
    sock->reservation = NULL;
}

unsigned int pool_pick_port( const struct pool *pool, struct reservation *reservation, unsigned int *tried )
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

int pool_may_hold( const struct pool *pool, int protocol, unsigned int port, unsigned int holds )
{
    const struct sock *sock;
    unsigned int i;

    if (protocol != PROTOCOL_TCP || !holds || !pool_port_in_use( pool, protocol, port )) return 1;
    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        for (sock = pool->socks[i]; sock; sock = sock->hash_next)
        {
            if (sock->port == port && sock->protocol == protocol && sock->holds && sock->holds != holds) return 0;
        }
    }
    return 1;
}

void pool_hold( struct pool *pool, struct sock *sock, unsigned int port, unsigned int holds )
{
    assert( !sock->port && port && port < POOL_PORTS );

    list_remove( &sock->assoc_entry );
    sock->associated = 0;
    sock->reservation = NULL;
    sock->port = port;
    sock->holds = holds;
    pool->holders[protocol_index( sock->protocol )][port]++;
}
