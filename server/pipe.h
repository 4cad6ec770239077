/*
 * The named pipe that clients connect to
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_PIPE_H
#define PORTRES_SERVER_PIPE_H

#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Completions of the pipe arrive at the port with this key.
 * STATUS_SHARING_VIOLATION: there is another server in this prefix. */
extern NTSTATUS pipe_init( HANDLE port, ULONG_PTR key );
extern void pipe_completed( OVERLAPPED *overlapped, DWORD error, DWORD size );
/* Called about once a second: listen again, should that have failed. */
extern void pipe_tick(void);

/* An auto-reset event: clients have made requests through their channels. */
extern HANDLE pipe_doorbell(void);
/* Serve one of them. Returns whether there are more. */
extern BOOL pipe_serve(void);
/* For the main loop: find out which replies were read. Returns the ms after which it has to be called again. */
extern unsigned int pipe_run(void);

#endif /* PORTRES_SERVER_PIPE_H */
