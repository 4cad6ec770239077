/*
 * A host and a Wine prefix for the request handlers, made of tables
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_SERVER_FAKES_H
#define PORTRES_TESTS_SERVER_FAKES_H

#include "pool.h"
#include "request.h"
#include "sock.h"

/* Linked with the server's request.c, reservation.c, recovery.c and pool.c in place of everything that calls the system. What the
 * server does to it is checked on the way, see fakes_check(). */

#define FAKE_PROCESSES 8
#define FAKE_PROCESSORS 4
#define FAKE_PID( index ) (100 + 4 * (unsigned int)(index))  /* ids of Windows processes are multiples of 4 */

struct fake_sock
{
    sock_id      id;
    unsigned int processes;   /* that have a handle to it, a bit each; 0: it is closed */
    int          is_socket;   /* 0: a handle to something else */
    int          family;
    int          protocol;    /* 0: neither TCP nor UDP */
    int          dual_stack;
    unsigned int port;        /* that it is bound to */
    int          reuse;       /* SO_REUSEADDR */
    int          opened;      /* handles that the server has to it */
    int          watched;     /* 1: until sock_closed() */
    int          mapped;      /* 1: in the map */
};

extern unsigned int fake_opened;         /* handles of processes that the server has opened, or tried to */
extern unsigned int fake_looks;          /* at which sockets live */
extern struct fake_sock *fake_socks;     /* a handle to the socket of an index is FAKE_HANDLE( index ), in every process that has one */
extern unsigned int fake_sock_count;
#define FAKE_HANDLE( index ) (4 * ((uint64_t)(index) + 1))

/* Make a socket with an id of its own; process is the index of who has a handle to it. Returns its index. */
extern unsigned int fake_socket( unsigned int process, int family, int protocol, int dual_stack );
/* the same in the place of one that is closed, and that the server knows nothing of */
extern void fake_socket_again( unsigned int index, unsigned int process, int family, int protocol, int dual_stack );
/* A process closes its handle. Returns 1 when that was the last one; the server learns of it by fake_deliver_close(). */
extern int fake_close( unsigned int index, unsigned int process );
extern void fake_deliver_close( unsigned int index );
extern int fake_close_pending( unsigned int index );

/* clients: each has a connection of its own */
extern void fake_set_elevated( unsigned int process, int elevated );
extern NTSTATUS fake_connect( unsigned int process, struct client *client );
extern void fake_disconnect( struct client *client );
/* A process is gone, or another one was given its id: not while the server refers to it. */
extern void fake_end_process( unsigned int process );
extern void fake_restart_process( unsigned int process );

/* others on the host */
extern void fake_set_busy( int protocol, unsigned int port, int busy );
#define FAKE_FIRST_PORT 1024   /* the host lets nobody bind ports below */
/* what guard_ports() says of a block without force */
extern NTSTATUS fake_host_status( int protocol, unsigned int first, unsigned int count, unsigned int *busy );
/* may the socket be bound to the port, as far as host and Wine know? They don't see that a dual-stack TCP socket has both families. */
extern int fake_can_bind( const struct fake_sock *sock, unsigned int port );
/* is there a guard that keeps everybody off the port? */
extern int fake_is_guarded( int protocol, unsigned int port );

/* Called while a guard is awaited, which is when the server serves others. */
extern void (*fake_while_guarding)(void);

/* The host does not tell which sockets live: from the next start on they are watched. */
extern void fake_set_cannot_tell( int on );
/* Nobody answers whether sockets live: the look takes time, and fails. */
extern void fake_set_helper_stopped( int on );

/* What answers whether sockets live sees none of them. */
extern void fake_set_blind( int on );

/* the store; count of the block that starts there, or 0 */
extern unsigned int fake_stored( int protocol, unsigned int first );
extern void fake_set_stored( int protocol, unsigned int first, unsigned int count );

/* Let the server be killed in its next change of the store: what it does after that has no effect; fake_kill_server() must follow. */
extern void fake_die_in_store(void);

/* Let the nth call from now that can fail do so: allocation, process, socket, guard, store, random number. 0: none. */
extern void fake_fail_at( unsigned int n );
extern unsigned int fake_failed;   /* calls that failed since */
extern unsigned int fake_calls;    /* calls that could have failed since */

/* what the next call of random_token() gives, once */
extern void fake_next_token( uint64_t token );

/* Start the server on this world, kill it (kill -9), or end it. Start gives the status of reservations_init(). */
extern NTSTATUS fake_start_server(void);
extern void fake_kill_server(void);
extern void fake_end_server(void);
/* Count ids of sockets and tokens from the start again. The server must know of none, and all sockets be made again. */
extern void fake_rewind(void);
/* forget everything; no server runs */
extern void fake_reset(void);

/* What the map says. */
extern unsigned int fake_map_foreign(void);

/* Do the pool, the map, the guards, the watches, the state file, the store and the references to processes say the same, and did
 * the server do nothing it must not? Returns NULL, or what is wrong. Looks at what the pool lists; fakes_check_all() at every port. */
extern const char *fakes_check(void);
extern const char *fakes_check_all(void);

#endif /* PORTRES_TESTS_SERVER_FAKES_H */
