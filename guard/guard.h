/*
 * Guards: what keeps the rest of the host off reserved ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_H
#define PORTRES_GUARD_H

#include "status.h"

/* what guard_coverage() answers, and get_server_info carries */
#define GUARD_COVERS_EPHEMERAL 0x1  /* the kernel's own choice of a port */
#define GUARD_COVERS_WINE      0x2  /* sockets of Wine, in this prefix and others */
#define GUARD_COVERS_NATIVE    0x4  /* every native program, those that set SO_REUSEADDR included */

/* how the ports of a block are kept */
enum guard_mode
{
    GUARD_RUNTIME,     /* nobody binds there */
    GUARD_PERSISTENT,  /* nobody is handed such a port, but may ask for one by number */
};

/* Start the guard. Never fails: without the native helper the sockets of this process do what they can.
 *
 * The guards of a server that was killed moments ago are still there, and stay when guard_ports() is called again for them, with
 * force. The others are dropped by guard_init_done(), which must follow before the first request is served. Ports that
 * are not yielded by then are taken back. */
extern void guard_init(void);
extern void guard_init_done(void);

/* End all guards at once; without that they outlive the server while its prefix lives, for some minutes. */
extern void guard_exit(void);

extern unsigned int guard_coverage(void);

/* Guard the count ports (host order) from first. All or nothing, unless force is set: then ports that are in use,
 * or that the host keeps from this user, are left unguarded (and tried again later).
 * STATUS_SHARING_VIOLATION: *busy is in use by somebody on this host.
 * STATUS_ACCESS_DENIED: the host does not let this user bind *busy.
 * STATUS_INSUFFICIENT_RESOURCES: the host has no sockets left for it. */
extern NTSTATUS guard_ports( int protocol, unsigned int first, unsigned int count, enum guard_mode mode,
                             int force, unsigned int *busy );
extern void guard_release( int protocol, unsigned int first, unsigned int count );

/* Let one bind through on a guarded port, right before it is made; guard_retake() when the bind failed, or when the
 * last socket that held the port is gone. Both are quick and never fail: what can't be taken back at once is tried
 * again by guard_tick(). */
extern void guard_yield( int protocol, unsigned int port );
extern void guard_retake( int protocol, unsigned int port );

/* Called about once a second: retry ports that could not be guarded. */
extern void guard_tick(void);

#endif /* PORTRES_GUARD_H */
