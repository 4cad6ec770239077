/*
 * portguard's side of the stream in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_RING_H
#define PORTRES_PORTGUARD_RING_H

#include "portguard.h"

/* Make the memory and the pipe, for a server that is about to be told of them; those of before are gone. Returns 0 when that can't be. */
extern int ring_open( struct portguard_ring *place );
/* The server uses it: from now on requests come that way, and replies go that way. */
extern void ring_start(void);
extern int ring_is_used(void);
extern void ring_close(void);

/* Readable when the server has something to say; -1: there is no ring in use. */
extern int ring_fd(void);
/* About to wait for ring_fd(). Returns 0 when there is something to be read already. */
extern int ring_wait(void);
/* Returns the number of bytes, 0: there are none, -1: nonsense. */
extern int ring_receive( void *data, size_t size );
/* Write a reply, as much of it as there is room for. Returns how much that was, -1: nonsense. *wake: the server has to be woken. */
extern int ring_send( const void *data, size_t size, int *wake );

#endif /* PORTRES_PORTGUARD_RING_H */
