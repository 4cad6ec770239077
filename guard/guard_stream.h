/*
 * The stream to portguard
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_STREAM_H
#define PORTRES_GUARD_STREAM_H

#include <stddef.h>

#include "portguard.h"

/* What guard_helper.c needs of the system: a new portguard, and a stream of bytes to it. What arrives is handed to helper_received() and
 * helper_ended(), from within stream_wait() and stream_spin(), and after stream_run() from the main loop. */

/* Start portguard with a stream to it. Returns NULL, or what is wrong; always the same text for the same fault. */
extern const char *stream_open(void);
/* The stream is of no use any more; nothing of it arrives after that. */
extern void stream_close(void);
/* Send these bytes after those before. Does not wait. Returns 0 when the stream is broken, or more is unsent than can be kept. */
extern int stream_send( const void *data, size_t size );
/* Until stream_run(): wait for something to arrive. Returns 0 when nothing did. */
extern int stream_wait( unsigned int timeout );
/* Open the ring that portguard told of; FALSE: it can't be. */
extern int stream_open_ring( const struct portguard_ring *place );
/* What is sent from now on goes through the ring, and what arrives comes from there. Returns 0 when something is unsent still, which may be
 * only when the stream is broken. */
extern int stream_start_ring(void);
/* Look into the ring for something that arrives, for a moment; also in a task. Returns 0 when nothing did. */
extern int stream_spin(void);
/* From now on the main loop runs. */
extern void stream_run(void);

#ifdef _WIN32
# define WIN32_LEAN_AND_MEAN
# include <windows.h>
/* Completions of the stream arrive at the port with this key. */
extern void stream_init( HANDLE port, ULONG_PTR key );
extern void stream_completed( OVERLAPPED *overlapped, DWORD error, DWORD size );
#endif

#endif /* PORTRES_GUARD_STREAM_H */
