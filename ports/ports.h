/*
 * The rules of port reservations, and what they ask of a host
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTS_PORTS_H
#define PORTRES_PORTS_PORTS_H

#include "pool.h"

/* One core of rules serves several hosts: portserver beside Wine, wineserver in it, tables in the tests. A host calls the functions
 * ports_*(), and gives the functions host_*(). All ports are in host byte order. A function that returns an error has changed nothing,
 * unless it says so.
 *
 * Any host_*() that is marked "may wait" may let other requests run before it returns, as long as the clients and sockets of the
 * request at hand stay. */

/* What one process, and all together, may have. Far above what programs need, low enough that one that runs wild leaves
 * the others their ports and the host its memory. Past it: STATUS_INSUFFICIENT_RESOURCES (WSAENOBUFS). */
#define MAX_CLIENT_RESERVATIONS  4096
#define MAX_RESERVATIONS        32768

/* SIO_ACQUIRE_PORT_RESERVATION: reserve count ports from first, or count consecutive ones anywhere when first is 0. The
 * reservation lives with the socket.
 * STATUS_INVALID_PARAMETER: no port, or past 65535. STATUS_SHARING_VIOLATION: a port of it is reserved or in use.
 * STATUS_ACCESS_DENIED: the host does not let this user bind a port of it. STATUS_INSUFFICIENT_RESOURCES: no such block is left. */
extern NTSTATUS ports_acquire( struct port_pool *pool, struct port_client *client, struct port_socket *sock,
                               unsigned int first, unsigned int count, struct port_reservation **reservation );

/* SIO_RELEASE_PORT_RESERVATION. The reservation has ended for everybody who asks, but nobody else can have its ports reserved yet: ports_end() must
 * follow, or ports_revive() when the client has not heard of it.
 * STATUS_INVALID_PARAMETER: no live runtime reservation has the token. STATUS_ACCESS_DENIED: it is another process's. */
extern NTSTATUS ports_release( struct port_pool *pool, struct port_client *client, uint64_t token,
                               struct port_reservation **reservation );

/* SIO_ASSOCIATE_PORT_RESERVATION. is_bound: the system says that the socket has a port.
 * STATUS_INVALID_PARAMETER: it has; the token is unknown, or of the other protocol. STATUS_ACCESS_DENIED: the reservation is another
 * process's, or a persistent one and the client is not elevated. */
extern NTSTATUS ports_associate( struct port_pool *pool, struct port_client *client, struct port_socket *sock,
                                 int is_bound, uint64_t token );
/* Put back what the socket was associated with before: associated and token of its reservation, 0 for one that has ended. Does
 * nothing when the socket was bound meanwhile. */
extern void ports_reassociate( struct port_pool *pool, struct port_socket *sock, int associated, uint64_t token );

/* SIO_CPU_AFFINITY: let the socket share its port with others of the process. reuse: SO_REUSEADDR is set.
 * STATUS_NOT_SUPPORTED: not a UDP socket. STATUS_INVALID_PARAMETER: it is bound, reuse is set, or there is no such processor. */
extern NTSTATUS ports_set_processor( struct port_client *client, struct port_socket *sock, int is_bound, int reuse,
                                     unsigned int processor, unsigned int processor_count );

/* what a bind asks for; part of a structure of the host's, who knows the address */
struct port_bind
{
    unsigned int port;    /* asked for, 0: any; on success the one that the socket has */
    unsigned int holds;   /* HOLDS_* of the socket when it is bound to that address */
};

/* Bind a socket, explicitly or implicitly.
 * STATUS_NOT_FOUND: no rule is about it, the host binds it as ever. STATUS_INVALID_PARAMETER: it is bound, or its reservation has ended.
 * STATUS_INVALID_ADDRESS_COMPONENT: the port is outside its reservation. STATUS_SHARING_VIOLATION: the port is taken.
 * STATUS_ACCESS_DENIED: the port is in a runtime reservation that the socket is not associated with.
 * STATUS_INSUFFICIENT_RESOURCES: nothing free is left. Else what host_bind() said. */
extern NTSTATUS ports_bind( struct port_pool *pool, struct port_socket *sock, struct port_bind *bind );

/* The last handle of the socket was closed: what lives with it ends. Its port is free when ports_free_port() is called, then or later. */
extern void ports_close( struct port_pool *pool, struct port_socket *sock );
extern void ports_free_port( struct port_pool *pool, struct port_socket *sock );

/* CreatePersistent*PortReservation. STATUS_INVALID_PARAMETER: there is no such block or protocol. STATUS_ACCESS_DENIED: the
 * client is not elevated. STATUS_SHARING_VIOLATION: a port of it is reserved or in use. Else what host_store_add() said. */
extern NTSTATUS ports_create( struct port_pool *pool, struct port_client *client, uint32_t protocol, unsigned int first,
                              unsigned int count, struct port_reservation **reservation );

/* DeletePersistent*PortReservation. The block is out of the store; ports_end() must follow, or ports_revive().
 * STATUS_INVALID_PARAMETER: there is no such block or protocol. STATUS_ACCESS_DENIED: the client is not elevated, or it is a runtime
 * reservation. STATUS_NOT_FOUND: there is no reservation of just this block. Else what host_store_remove() said. */
extern NTSTATUS ports_delete( struct port_pool *pool, struct port_client *client, uint32_t protocol, unsigned int first,
                              unsigned int count, struct port_reservation **reservation );

/* LookupPersistent*PortReservation. STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND: as for delete. */
extern NTSTATUS ports_lookup( const struct port_pool *pool, uint32_t protocol, unsigned int first, unsigned int count,
                              uint64_t *token );

/* End a reservation: free its ports. */
extern void ports_end( struct port_pool *pool, struct port_reservation *reservation );
/* Undo ports_release() or ports_delete(). Returns what host_store_add() said of a persistent one, which must be ended then. */
extern NTSTATUS ports_revive( struct port_pool *pool, struct port_reservation *reservation );

/* Is the port guarded on behalf of a reservation? */
extern int ports_is_guarded( const struct port_pool *pool, int protocol, unsigned int port );

/* Do sockets share the port by processor? Whoever else asks for it is told that it is in use, whatever his options. */
extern int ports_is_shared( const struct port_pool *pool, int protocol, unsigned int port );

/* For the start: take up a block of the store, or a runtime reservation of the previous server (client is NULL when the process that
 * acquired it is gone). Ports that are in use are reserved all the same. The host is not told of a change.
 * STATUS_SHARING_VIOLATION, STATUS_INVALID_PARAMETER: there can be no such block or token; else there is no memory. */
extern NTSTATUS ports_restore( struct port_pool *pool, int protocol, unsigned int first, unsigned int count, uint64_t token,
                               struct port_client *client, struct port_socket *sock, struct port_reservation **reservation );
/* the same for the port of a socket that was bound from a reservation */
extern void ports_restore_port( struct port_pool *pool, struct port_socket *sock, unsigned int port, unsigned int holds );

/* What a host gives. */

/* a number that cannot be guessed, 64 bits from the system; never 0 */
extern NTSTATUS host_random( uint64_t *random );

/* STATUS_SUCCESS: the client is an elevated member of Administrators. STATUS_ACCESS_DENIED: it is not; else that can't be told now. */
extern NTSTATUS host_check_elevated( const struct port_client *client );

/* A reservation refers to the client: it must stay, and the id of its process must not be given to another one. */
extern void host_grab_client( struct port_client *client );
extern void host_release_client( struct port_client *client );

/* Memory for a reservation and what the host keeps with it; NULL when there is none. */
extern struct port_reservation *host_alloc_reservation(void);
extern void host_free_reservation( struct port_reservation *reservation );

/* Keep everybody else on this machine off the ports. All or nothing, unless force is set: then ports that can't be had are left out,
 * and tried again later. May wait.
 * STATUS_SHARING_VIOLATION: *busy is in use. STATUS_ACCESS_DENIED: the host does not let this user bind *busy.
 * STATUS_INSUFFICIENT_RESOURCES: the system has no more of something. Another one ends a search for a free block, too. */
extern NTSTATUS host_guard( int kind, int protocol, unsigned int first, unsigned int count, int force, unsigned int *busy );
extern void host_release_guard( int protocol, unsigned int first, unsigned int count );

/* Let a bind through on a guarded port, right before it is made. held: a socket of the reservation has the port already. May wait.
 * STATUS_SHARING_VIOLATION: somebody else on the machine has the port. Else that can't be told now. */
extern NTSTATUS host_yield( int protocol, unsigned int port, int held );
/* That bind was made, or failed, or a socket that had the port is gone: keep others off again. held: a socket has the port. */
extern void host_settle( int protocol, unsigned int port, int held );

/* Narrow a search: set the bit of each port that the system knows to be in use; it need not know all. May wait. */
extern void host_get_busy_ports( int protocol, unsigned char busy[POOL_PORTS / 8] );
/* lowest port that the system hands out by itself */
extern unsigned int host_first_ephemeral_port(void);

enum bind_flags
{
    BIND_ALONE    = 1,  /* nobody that the pool knows has the port, but its guard may be there */
    BIND_UNSHARED = 2,  /* others have the port: refuse it, also if they have SO_REUSEADDR */
    BIND_GROUP    = 4,  /* share the port with those that have it, without letting in others */
};

/* Bind the socket to the address of the bind with this port, 0 for any that the system picks, which is then in bind->port.
 * STATUS_SHARING_VIOLATION: the port is taken. STATUS_ACCESS_DENIED: it is taken by a socket with SO_EXCLUSIVEADDRUSE, or
 * not this user's to bind. */
extern NTSTATUS host_bind( const struct port_pool *pool, struct port_socket *sock, struct port_bind *bind, unsigned int port,
                           unsigned int flags );

/* Make a change of the store durable. On failure nothing has changed. */
extern NTSTATUS host_store_add( int protocol, unsigned int first, unsigned int count );
extern NTSTATUS host_store_remove( int protocol, unsigned int first, unsigned int count );

/* What has changed, for who shows or saves it: a reservation is granted; its state has changed; it is about to be
 * freed; the association, port or processor of a socket has changed. */
extern void host_reservation_added( struct port_reservation *reservation );
extern void host_reservation_changed( struct port_reservation *reservation );
extern void host_reservation_ended( struct port_reservation *reservation );
extern void host_socket_changed( struct port_socket *sock );

#endif /* PORTRES_PORTS_PORTS_H */
