/*
 * Taking up the reservations of a server that was killed
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_RECOVERY_H
#define PORTRES_SERVER_RECOVERY_H

#include "pool.h"
#include "process.h"
#include "state.h"

/* Fill the pool with the runtime reservations and the sockets of the last server that still live. The pool holds the
 * persistent reservations already. STATUS_NO_MEMORY: nothing was done, and the next server may try again. */
extern NTSTATUS recover_reservations( struct port_pool *pool );

/* The previous server was killed over this request (STATE_RELEASED, STATE_CREATING, STATE_DELETING), and the client asks again. Returns
 * the slot of its record, which the caller has to erase, or 0. */
extern unsigned int recovery_find( enum state_type type, const struct process *process, uint32_t serial );
/* Called about once a second: forget what nobody will ask again. */
extern void recovery_tick(void);
extern void recovery_done(void);

#endif /* PORTRES_SERVER_RECOVERY_H */
