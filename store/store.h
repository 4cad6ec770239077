/*
 * The store of persistent reservations: registry and journal
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_STORE_H
#define PORTRES_STORE_H

#include "status.h"

/* one block of the store; ports in host byte order, protocol is IPPROTO_TCP or IPPROTO_UDP */
typedef void (*store_callback)( void *context, int protocol, unsigned int first, unsigned int count );

/* Read the registry, bring it up to date with the journal, and report each block that counts, by protocol and
 * start port. What can't be read, or overlaps an earlier block, is logged and left alone. */
extern NTSTATUS store_open( store_callback callback, void *context );

/* On STATUS_SUCCESS the change survives kill -9 of this process and of wineserver. On failure nothing has changed. */
extern NTSTATUS store_add( int protocol, unsigned int first, unsigned int count );
extern NTSTATUS store_remove( int protocol, unsigned int first, unsigned int count );

/* Called about once a second: shorten the journal when the registry file on disk holds what it says. */
extern void store_tick(void);
extern void store_close(void);

#endif /* PORTRES_STORE_H */
