/*
 * All sockets that the server knows, by their ids
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

#include "sock.h"

#define TABLE_SIZE 4096

static struct sock *table[TABLE_SIZE];
static unsigned int sock_count;

int compare_sock_ids( const void *a, const void *b )
{
    const sock_id *id_a = a, *id_b = b;

    return *id_a < *id_b ? -1 : *id_a > *id_b;
}

static unsigned int hash( sock_id id )
{
    return id % TABLE_SIZE;  /* ids count up */
}

struct sock *sock_table_find( sock_id id )
{
    struct sock *sock = table[hash( id )];

    while (sock && sock->id != id) sock = sock->hash_next;
    return sock;
}

struct sock *sock_table_add( sock_id id, int protocol )
{
    struct sock *sock;

    assert( !sock_table_find( id ) );

    if (!(sock = calloc( 1, sizeof(*sock) ))) return NULL;
    pool_init_socket( &sock->ports, protocol );
    port_list_init( &sock->watch_entry );
    sock->id = id;
    sock->hash_next = table[hash( id )];
    table[hash( id )] = sock;
    sock_count++;
    return sock;
}

void sock_table_remove( struct sock *sock )
{
    struct sock **link;

    for (link = &table[hash( sock->id )]; *link != sock; link = &(*link)->hash_next) ;
    *link = sock->hash_next;
    port_list_remove( &sock->watch_entry );
    sock_count--;
    free( sock );
}

unsigned int sock_table_count(void)
{
    return sock_count;
}

struct sock *sock_table_next( const struct sock *sock )
{
    unsigned int i = 0;

    if (sock)
    {
        if (sock->hash_next) return sock->hash_next;
        i = hash( sock->id ) + 1;
    }
    while (i < TABLE_SIZE && !table[i]) i++;
    return i < TABLE_SIZE ? table[i] : NULL;
}
