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

#ifndef PORTRES_SERVER_POOL_H
#define PORTRES_SERVER_POOL_H

#include "list.h"
#include "protocol.h"
#include "status.h"

/* The pool knows reservations and sockets, and nothing of the system: its callers guard the ports, publish the map and
 * watch the sockets. Ports are in host byte order; a protocol is IPPROTO_TCP or IPPROTO_UDP. */

#define POOL_PORTS 65536

typedef uint64_t sock_id;  /* of the socket behind a handle, the same in every process */

/* for qsort() and bsearch() */
extern int compare_sock_ids( const void *a, const void *b );

struct reservation
{
    struct reservation *hash_next;
    struct list   sock_entry;    /* runtime: in owner_sock->acquired */
    struct list   associated;    /* sockets associated with it and not bound */
    uint64_t      token;
    uint32_t      kind;          /* RESERVATION_* */
    uint32_t      owner;         /* runtime: process that acquired it */
    struct sock  *owner_sock;    /* runtime: socket that it lives with */
    int           protocol;
    unsigned int  first;
    unsigned int  count;
    unsigned int  next_port;     /* where the next search for a free port starts */
    uint32_t      serial;        /* runtime: of the request that acquired it */
    unsigned int  state_slot;    /* runtime: of its record, see state.h */
};

/* what a socket holds of its port; a socket of one address, or of IPv6 alone, holds neither */
#define HOLDS_IPV4_ANY 0x1   /* IPv4, every address */
#define HOLDS_BOTH_ANY 0x2   /* IPv6 and IPv4, every address */

/* a socket that acquired a reservation, is associated with one, or holds a port */
struct sock
{
    struct sock  *hash_next;
    struct list   acquired;      /* runtime reservations that live with it */
    struct list   assoc_entry;   /* in reservation->associated */
    sock_id       id;
    int           protocol;
    int           associated;    /* SIO_ASSOCIATE_PORT_RESERVATION was done and no bind since */
    struct reservation *reservation; /* that it is associated with, NULL when that one has ended */
    unsigned int  port;          /* that it holds, 0 when none */
    unsigned int  holds;         /* HOLDS_* */
    uint32_t      serial;        /* of the request that bound it, 0: not known */
    uint32_t      binder;        /* process that made that request */
    uint32_t      client;        /* process that the server knows the socket from, 0: a server before knew it */
    unsigned int  state_slot;    /* of its record, see state.h */
};

#define POOL_HASH_SIZE 4096

struct pool
{
    struct reservation *owners[2][POOL_PORTS];   /* of each port, by protocol */
    uint16_t            holders[2][POOL_PORTS];  /* number of sockets that hold the port */
    struct reservation *tokens[POOL_HASH_SIZE];
    struct sock        *socks[POOL_HASH_SIZE];
    unsigned int        runtime;                 /* number of runtime reservations */
    unsigned int        persistent;              /* number of persistent reservations */
    unsigned int        sockets;                 /* number of sockets */
};

/* 0 for TCP, 1 for UDP: the index of the tables by protocol */
static inline int protocol_index( int protocol )
{
    return protocol == PROTOCOL_UDP;
}

extern struct pool *pool_create(void);           /* NULL: out of memory */
extern void pool_destroy( struct pool *pool );

/* May this block be reserved? STATUS_INVALID_PARAMETER: it has no port, starts at 0, or passes 65535.
 * STATUS_SHARING_VIOLATION: a port of it is reserved, or held by a socket that was bound from a reservation. */
extern NTSTATUS pool_check( const struct pool *pool, int protocol, unsigned int first, unsigned int count );

/* First port of the first block of count ports in from..last that pool_check() allows; 0 when there is none. */
extern unsigned int pool_find_free( const struct pool *pool, int protocol, unsigned int from, unsigned int last,
                                    unsigned int count );

/* Add a reservation. sock and owner are those of a runtime reservation, NULL and 0 for a persistent one. Returns NULL
 * when there is no memory; the block must have passed pool_check(), and the token be new. */
extern struct reservation *pool_add( struct pool *pool, int protocol, unsigned int first, unsigned int count,
                                     uint64_t token, struct sock *sock, uint32_t owner );

/* End a reservation. Sockets that hold ports of it keep them; sockets associated with it stay associated with
 * a reservation that has ended. */
extern void pool_remove( struct pool *pool, struct reservation *reservation );

extern struct reservation *pool_find_token( const struct pool *pool, uint64_t token );
extern struct reservation *pool_find_port( const struct pool *pool, int protocol, unsigned int port );
/* the reservation with the lowest first port that is at least from */
extern struct reservation *pool_next( const struct pool *pool, int protocol, unsigned int from );
/* number of ports of the reservation that a socket holds */
extern unsigned int pool_ports_in_use( const struct pool *pool, const struct reservation *reservation );
extern int pool_port_in_use( const struct pool *pool, int protocol, unsigned int port );

extern struct sock *pool_find_sock( const struct pool *pool, sock_id id );
extern struct sock *pool_add_sock( struct pool *pool, sock_id id, int protocol );  /* NULL: out of memory */
/* Forget a socket that acquired nothing (any more). Its association ends, and it no longer holds its port. */
extern void pool_remove_sock( struct pool *pool, struct sock *sock );

extern void pool_associate( struct sock *sock, struct reservation *reservation );
/* The socket stays associated with a reservation that has ended. */
extern void pool_end_association( struct sock *sock );
/* A free port of the reservation after the ones tried before; 0 when all were tried or are taken. *tried is 0 at first,
 * and counts the ports looked at. */
extern unsigned int pool_pick_port( const struct pool *pool, struct reservation *reservation, unsigned int *tried );
/* May a socket be bound to a port of a reservation with HOLDS_*, as far as the pool knows? Two sockets of one family are
 * left to the system. It does not see that a dual-stack TCP socket takes the port for both families: Wine lets the
 * other family's bind through, and Linux sees SO_REUSEADDR on both. */
extern int pool_may_hold( const struct pool *pool, int protocol, unsigned int port, unsigned int holds );
/* The socket was bound to the port: it holds it, and is no longer associated. */
extern void pool_hold( struct pool *pool, struct sock *sock, unsigned int port, unsigned int holds );

#endif /* PORTRES_SERVER_POOL_H */
