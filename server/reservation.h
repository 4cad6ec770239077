/*
 * Reservations: the request handlers
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

/* Create the pool, and fill it from the store and from what the last server left. On failure the server must not run: ports that are
 * reserved would be handed out. */
extern NTSTATUS reservations_init(void);
extern void reservations_done(void);

/* what the handlers keep; for tests */
extern const struct pool *reservations_pool(void);

/* what get_server_info tells of the process; set by whoever accepts connections */
extern unsigned int client_count;
extern uint32_t server_pid;

/* What one process, and all together, may have. Far above what programs need, low enough that one that runs wild leaves
 * the others their ports and the server its memory. Past it: STATUS_INSUFFICIENT_RESOURCES (WSAENOBUFS). */
#define MAX_PROCESS_RESERVATIONS  4096
#define MAX_RESERVATIONS         32768
#define MAX_PROCESS_SOCKETS      20000
#define MAX_SOCKETS              60000

#endif /* PORTRES_SERVER_RESERVATION_H */
