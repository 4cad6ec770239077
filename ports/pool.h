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

#ifndef PORTRES_PORTS_POOL_H
#define PORTRES_PORTS_POOL_H

#include "port_list.h"
#include "status.h"

/* The pool knows reservations and the sockets that have to do with them, and nothing of the system; what may be done with it is
 * in rules.c. Ports are in host byte order; a protocol is PROTOCOL_TCP or PROTOCOL_UDP. */

#define POOL_PORTS 65536

/* A process. Part of a structure of the host's, who keeps it while a reservation refers to it (host_grab_client()). */
struct port_client
{
    unsigned int reservations;   /* runtime reservations that it acquired */
};

/* Part of a larger structure of the host, who allocates it (host_alloc_reservation()). */
struct port_reservation
{
    struct port_reservation *hash_next;
    struct port_list    sock_entry;  /* runtime: in sock->acquired */
    struct port_list    associated;  /* sockets associated with it and not bound */
    uint64_t            token;
    int                 kind;        /* RESERVATION_* */
    int                 state;       /* enum reservation_state */
    int                 protocol;
    unsigned int        first;
    unsigned int        count;
    unsigned int        next_port;   /* where the next search for a free port starts */
    struct port_client *client;      /* runtime: who acquired it; NULL when that process is gone */
    struct port_socket *sock;        /* runtime: socket that it lives with */
};

enum reservation_state
{
    RESERVATION_LIVE,
    RESERVATION_PENDING,   /* its ports are nobody else's, but it is not granted yet */
    RESERVATION_ENDING,    /* it has ended for those who ask, but its ports are not free yet */
};

/* what a socket holds of its port; a socket of one address, or of IPv6 alone, holds neither of the two */
#define HOLDS_IPV4_ANY 0x1   /* IPv4, every address */
#define HOLDS_BOTH_ANY 0x2   /* IPv6 and IPv4, every address */
#define HOLDS_ANY      0x3
#define HOLDS_BY_RIGHT 0x4   /* the socket was associated with the reservation of the port */

#define NO_PROCESSOR (~0u)

/* A socket that acquired a reservation, is associated with one, holds a port, or shares one by processor. Part of a structure of the
 * host's. */
struct port_socket
{
    struct port_list    acquired;      /* runtime reservations that live with it */
    struct port_list    assoc_entry;   /* in reservation->associated */
    struct port_socket *port_next;     /* the next one that holds the port */
    struct port_client *client;        /* who shares the port by processor, for comparing only */
    int                 protocol;
    int                 associated;    /* it was associated, and not bound since */
    struct port_reservation *reservation; /* that it is associated with, NULL when that one has ended */
    unsigned int        port;          /* that it holds, 0 when none */
    unsigned int        holds;         /* HOLDS_* */
    int                 binding;       /* it is being bound to that port at this moment */
    unsigned int        processor;     /* of SIO_CPU_AFFINITY, or NO_PROCESSOR */
};

#define POOL_HASH_SIZE 4096

struct port_pool
{
    struct port_reservation *owners[2][POOL_PORTS];   /* of each port, by protocol */
    struct port_socket      *holders[2][POOL_PORTS];  /* sockets that hold the port */
    struct port_reservation *tokens[POOL_HASH_SIZE];
    unsigned int             runtime;                 /* number of runtime reservations */
    unsigned int             persistent;              /* number of persistent reservations */
};

/* 0 for TCP, 1 for UDP: the index of the tables by protocol */
static inline int protocol_index( int protocol )
{
    return protocol == PROTOCOL_UDP;
}

static inline int protocol_is_valid( uint32_t protocol )
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

/* can there be such a block? */
static inline int block_is_valid( unsigned int first, unsigned int count )
{
    return first && count && first < POOL_PORTS && count <= POOL_PORTS - first;
}

extern struct port_pool *pool_create(void);      /* NULL: out of memory */
extern void pool_destroy( struct port_pool *pool );  /* nothing must be left in it */

/* May this block be reserved? STATUS_INVALID_PARAMETER: there is no such block.
 * STATUS_SHARING_VIOLATION: a port of it is reserved, or held by a socket that the pool knows. */
extern NTSTATUS pool_check( const struct port_pool *pool, int protocol, unsigned int first, unsigned int count );

/* First port of the first block of count ports in from..last that pool_check() allows and that has no port in busy, a bit a port, or
 * NULL; 0 when there is none. */
extern unsigned int pool_find_free( const struct port_pool *pool, int protocol, unsigned int from, unsigned int last,
                                    unsigned int count, const unsigned char *busy );

/* Add a reservation, as RESERVATION_PENDING. sock and client are those of a runtime reservation, NULL for a persistent one; client
 * may be NULL for both. The block must have passed pool_check(), and the token be new. */
extern void pool_add( struct port_pool *pool, struct port_reservation *reservation, int protocol, unsigned int first,
                      unsigned int count, uint64_t token, struct port_client *client, struct port_socket *sock );

/* Take a reservation out. Sockets that hold ports of it keep them; sockets associated with it stay associated with a
 * reservation that has ended. */
extern void pool_remove( struct port_pool *pool, struct port_reservation *reservation );

extern struct port_reservation *pool_find_token( const struct port_pool *pool, uint64_t token );
extern struct port_reservation *pool_find_port( const struct port_pool *pool, int protocol, unsigned int port );
/* the reservation with the lowest first port that is at least from */
extern struct port_reservation *pool_next( const struct port_pool *pool, int protocol, unsigned int from );
/* number of ports of the reservation that a socket holds */
extern unsigned int pool_ports_in_use( const struct port_pool *pool, const struct port_reservation *reservation );
extern int pool_port_in_use( const struct port_pool *pool, int protocol, unsigned int port );

extern void pool_init_socket( struct port_socket *sock, int protocol );
/* nothing refers to the socket, and nothing would be lost with it */
extern int pool_socket_is_idle( const struct port_socket *sock );

extern void pool_associate( struct port_socket *sock, struct port_reservation *reservation );
/* The socket stays associated with a reservation that has ended. */
extern void pool_orphan( struct port_socket *sock );
extern void pool_end_association( struct port_socket *sock );

/* A free port of the reservation after the ones tried before; 0 when all were tried or are taken. *tried is 0 at first,
 * and counts the ports looked at. */
extern unsigned int pool_pick_port( const struct port_pool *pool, struct port_reservation *reservation, unsigned int *tried );
/* May a socket be bound to a port of a reservation with HOLDS_*, as far as the pool knows? Two sockets of one family are
 * left to the system. It does not see that a dual-stack TCP socket takes the port for both families: Wine lets the
 * other family's bind through, and Linux sees SO_REUSEADDR on both. Two that have no right to the port get what they get of any port. */
extern int pool_may_hold( const struct port_pool *pool, const struct port_socket *sock, unsigned int port, unsigned int holds );
/* The socket has the port, or is about to. */
extern void pool_hold( struct port_pool *pool, struct port_socket *sock, unsigned int port, unsigned int holds );
extern void pool_unhold( struct port_pool *pool, struct port_socket *sock );

#endif /* PORTRES_PORTS_POOL_H */
