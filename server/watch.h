/*
 * Watching for the last close of a socket
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_WATCH_H
#define PORTRES_SERVER_WATCH_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Completions of the watch arrive at the port with this key. */
extern NTSTATUS watch_init( HANDLE port, ULONG_PTR key );
extern void watch_completed( OVERLAPPED *overlapped );

#endif /* PORTRES_SERVER_WATCH_H */
