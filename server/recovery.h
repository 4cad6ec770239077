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

/* Fill the pool with the runtime reservations and the sockets of the last server that still live. The pool holds the
 * persistent reservations already. STATUS_NO_MEMORY: nothing was done, and the next server may try again. */
extern NTSTATUS recover_reservations( struct port_pool *pool );

#endif /* PORTRES_SERVER_RECOVERY_H */
