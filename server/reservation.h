/*
 * Reservations of this prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_RESERVATION_H
#define PORTRES_SERVER_RESERVATION_H

#include "pool.h"
#include "sock.h"

/* what the server keeps with a reservation */
struct reservation
{
    struct port_reservation ports;
    uint32_t     serial;      /* runtime: of the request that acquired it */
    uint64_t     handle;      /* runtime: that the client acquired it by, 0: not known */
    unsigned int state_slot;  /* runtime: of its record, see state.h */
};

/* Create the pool, and fill it from the store and from what the last server left. On failure the server must not run: ports that are
 * reserved would be handed out. */
extern NTSTATUS reservations_init(void);
extern void reservations_done(void);

/* what the handlers keep; for tests */
extern const struct port_pool *reservations_pool(void);

/* what get_server_info tells of the process; set by whoever accepts connections */
extern unsigned int client_count;
extern uint32_t server_pid;

/* How many sockets the server knows from one process, and in all; see MAX_RESERVATIONS in ports.h. */
#define MAX_PROCESS_SOCKETS      20000
#define MAX_SOCKETS              60000

/* process that acquired it, 0 when that one is gone */
extern uint32_t reservation_owner( const struct port_reservation *reservation );

static inline struct reservation *reservation_from_ports( const struct port_reservation *reservation )
{
    return PORT_LIST_ENTRY( reservation, struct reservation, ports );
}

static inline struct sock *sock_from_ports( const struct port_socket *sock )
{
    return PORT_LIST_ENTRY( sock, struct sock, ports );
}

#endif /* PORTRES_SERVER_RESERVATION_H */
