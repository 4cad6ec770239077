/*
 * Sockets of clients
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_SOCK_H
#define PORTRES_SERVER_SOCK_H

#include "pool.h"
#include "process.h"

typedef uint64_t sock_id;  /* of the socket behind a handle, the same in every process */

/* for qsort() and bsearch() */
extern int compare_sock_ids( const void *a, const void *b );

/* what the server knows of a socket, while that one has to do with reservations */
struct sock
{
    struct port_socket ports;
    struct sock       *hash_next;
    sock_id            id;
    uint32_t           serial;      /* of the request that bound it, 0: not known */
    uint32_t           binder;      /* process that made that request */
    struct process    *client;      /* that the server knows the socket from, NULL: the previous server knew it */
    struct process    *sharer;      /* that lets it share its port by processor, or NULL */
    uint64_t           handle;      /* of that process */
    int                family;      /* AF_INET or AF_INET6, as Windows numbers them; 0: not known */
    unsigned int       state_slot;  /* of its record, see state.h */
    struct watch      *watch;       /* of sock_watch(), or NULL */
    struct port_list   watch_entry; /* of those that are to be watched soon, see closed.c */
    int                made;        /* who associated it has made it; 0: another one, or not known */
    int                mapped;      /* the map says that the server has to bind it */
    int                foreign;     /* and that all have to ask for it */
    int                shares;      /* it is counted there as one that shares its port */
};

/* The port that the socket has; 0 also while it is being bound to one, which may fail. */
static inline unsigned int sock_bound_port( const struct port_socket *sock )
{
    return sock->binding ? 0 : sock->port;
}

/* Must each bind of the socket come to the server? */
static inline int sock_needs_server( const struct port_socket *sock, int associated )
{
    return associated || (sock->processor != NO_PROCESSOR && !sock_bound_port( sock ));
}

/* Has it a port that it shares by processor? */
static inline int sock_shares( const struct port_socket *sock )
{
    return sock->processor != NO_PROCESSOR && sock_bound_port( sock );
}

/* All that the server knows. They are many, and found by their ids. */
extern struct sock *sock_table_find( sock_id id );
extern struct sock *sock_table_add( sock_id id, int protocol );  /* NULL: out of memory */
extern void sock_table_remove( struct sock *sock );
extern unsigned int sock_table_count(void);
/* the first one when sock is NULL, else the one after it; NULL: there are no more */
extern struct sock *sock_table_next( const struct sock *sock );

/* a client's socket while a request is handled: the server has a handle of its own to it */
struct sock_handle
{
    void         *handle;     /* HANDLE */
    sock_id       id;
    int           family;     /* AF_INET or AF_INET6, as Windows numbers them */
    int           protocol;   /* IPPROTO_TCP or IPPROTO_UDP */
    int           dual_stack; /* IPv6 and IPV6_V6ONLY is off */
};

/* Duplicate a handle of the process. STATUS_OBJECT_TYPE_MISMATCH: it is not a socket (WSAENOTSOCK).
 * STATUS_NOT_SUPPORTED: neither TCP nor UDP (WSAEOPNOTSUPP). STATUS_INSUFFICIENT_RESOURCES: nobody knows. */
extern NTSTATUS sock_open( const struct process *process, uint64_t handle, struct sock_handle *sock );
/* The same for a handle that is to be bound at once, which tells by itself when it is no socket: one that the server knows is not asked what it
 * is. So is one that is to be watched. */
extern NTSTATUS sock_open_to_bind( const struct process *process, uint64_t handle, struct sock_handle *sock );
extern void sock_close( struct sock_handle *sock );
/* Open the socket with this id, which had this handle in the process when it was last seen. STATUS_NOT_FOUND: it is closed. */
extern NTSTATUS sock_open_again( const struct process *process, uint64_t handle, sock_id id, struct sock_handle *sock );

extern NTSTATUS sock_port( const struct sock_handle *sock, unsigned int *port );  /* 0 when it is not bound */

/* HOLDS_* of the address (struct sockaddr_in or sockaddr_in6) if the socket is bound to it */
extern unsigned int sock_holds( const struct sock_handle *sock, const void *addr );

/* SO_REUSEADDR. STATUS_INSUFFICIENT_RESOURCES: it could not be asked, or set. */
extern NTSTATUS sock_get_reuse( const struct sock_handle *sock, int *reuse );
extern NTSTATUS sock_set_reuse( const struct sock_handle *sock, int reuse );

/* Bind the socket to an address (struct sockaddr_in or sockaddr_in6) with another port, in host order, or 0 for any.
 * STATUS_SHARING_VIOLATION: the port is taken. STATUS_ACCESS_DENIED: it is taken by a socket with SO_EXCLUSIVEADDRUSE, or
 * not this user's to bind. STATUS_UNSUCCESSFUL: any other error. Winsock's code is in *wsa_error. */
extern NTSTATUS sock_bind( const struct sock_handle *sock, const void *addr, unsigned int addr_len, unsigned int port,
                           unsigned int *wsa_error );

/* Call sock_closed() when the last handle of the socket, in whatever process, is closed. Until that is noticed here, wineserver keeps
 * the socket open; see closed.h for what does without. */
extern NTSTATUS sock_watch( const struct sock_handle *sock, struct watch **watch );
extern void sock_unwatch( struct watch *watch );

/* id of a socket that is open as long as this server is, 0: not known */
extern sock_id sock_own_id(void);

/* Look in all processes for the sockets with these ids, which are sorted. One that a request is about may be open in this one alone.
 * A handle is NULL where there is none. An error means that there may be more; the handles found are to be closed then, too. */
extern NTSTATUS sock_find( const sock_id *ids, unsigned int count, struct sock_handle *socks );

/* called once for each socket that the server knows; in reservation.c */
extern void sock_closed( sock_id id );

#endif /* PORTRES_SERVER_SOCK_H */
