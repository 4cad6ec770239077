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

#ifndef PORTRES_TESTS_PORTS_HOST_H
#define PORTRES_TESTS_PORTS_HOST_H

#include "ports.h"

/* The third host, beside portserver and wineserver: it gives the core what ports.h says, and notes what the core must not do. */

#define HOST_CLIENTS 4
#define HOST_SOCKETS 12
#define HOST_FIRST_PORT 1024
#define HOST_FIRST_EPHEMERAL 32768

struct host_client
{
    struct port_client ports;
    unsigned int       refs;
    int                elevated;
};

struct host_socket
{
    struct port_socket ports;
    unsigned int       bound;   /* port that the system gave it */
    int                reuse;   /* SO_REUSEADDR */
    unsigned int       changes; /* times that the core said it changed */
};

struct host_bind
{
    struct port_bind   ports;
    struct host_socket *sock;
};

extern struct port_pool *pool;
extern struct host_client host_clients[HOST_CLIENTS];   /* the first is an administrator */
extern struct host_socket host_sockets[HOST_SOCKETS];   /* the even ones are TCP */

extern unsigned int host_first_ephemeral;   /* HOST_FIRST_EPHEMERAL after host_reset() */
extern unsigned int host_first_port;        /* the system lets nobody bind ports below; HOST_FIRST_PORT after host_reset() */

/* Begin anew, with open sockets and nothing reserved. */
extern void host_reset(void);
/* Close everything; what is left then is a violation. */
extern void host_end(void);
/* Close a socket, and make another one in its place. */
extern void host_close( struct host_socket *sock );

extern NTSTATUS host_try_bind( struct host_socket *sock, unsigned int port, unsigned int holds, unsigned int *got );

/* somebody else on the machine has the port; seen: host_get_busy_ports() tells */
extern void host_set_busy( int protocol, unsigned int port, int busy, int seen );
/* Is there a guard that keeps everybody off the port? */
extern int host_is_guarded( int protocol, unsigned int port );
extern int host_is_stored( int protocol, unsigned int first, unsigned int count );

/* Let the nth call from now that can fail do so. 0: none. */
extern void host_fail_at( unsigned int n );
extern unsigned int host_failed;   /* calls that failed since */

/* Called wherever the host may wait; other requests may be made from it. NULL: nothing happens meanwhile. */
extern void (*host_waits)(void);

/* How often the core asked for guards since host_reset(). */
extern unsigned int host_guard_calls;

/* Between any two requests: do pool, guards, store and sockets say the same, and did the core do nothing it must not? NULL, or what
 * is wrong. */
extern const char *host_check(void);

#endif /* PORTRES_TESTS_PORTS_HOST_H */
