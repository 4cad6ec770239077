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

#include <stdint.h>

/* what guard_get_info() tells of what is kept off, and get_server_info carries */
#define GUARD_COVERS_EPHEMERAL 0x1   /* the kernel's own choice of a port */
#define GUARD_COVERS_WINE      0x2   /* sockets of Wine, in this prefix and others */
#define GUARD_COVERS_NATIVE    0x4   /* every native program, those that set SO_REUSEADDR included */
/* and of what is in the way */
#define GUARD_SILENT           0x10  /* portguard does not answer: calls that need it fail until it does */
#define GUARD_ELSEWHERE        0x20  /* portguard is in another network namespace than wineserver, and can't go there */
#define GUARD_EXHAUSTED        0x40  /* no more ports can be guarded: the limit of descriptors is reached */

struct guard_info
{
    unsigned int flags;    /* GUARD_* */
    unsigned int guards;   /* ports with a guard */
    unsigned int limit;    /* how many can have one; 0: not known */
    unsigned int missing;  /* ports that should have one, and have none */
};

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
 * are not yielded or shared by then are taken back; yielding one then means that its owner has it.
 *
 * After guard_init_done() the functions that say so wait for the helper in the task that calls them (server/task.h). Outside a task they
 * fail with STATUS_INSUFFICIENT_RESOURCES when they would have to wait, and so they do when the task's time is over; then nothing has
 * changed, or is changed back as soon as the helper goes on. */
extern void guard_init(void);
extern void guard_init_done(void);

/* End all guards at once; without that they outlive the server while its prefix lives, for some minutes. */
extern void guard_exit(void);

extern void guard_get_info( struct guard_info *info );

/* Is a guard at the port, as far as is known here? One of a persistent block may be missing, see docs/guards.md. */
extern int guard_stands( int protocol, unsigned int port );

/* Guard the count ports (host order) from first. All or nothing, unless force is set: then ports that are in use,
 * or that the host keeps from this user, are left unguarded (and tried again later), and nothing fails. May wait.
 * STATUS_SHARING_VIOLATION: *busy is in use by somebody on this host.
 * STATUS_ACCESS_DENIED: the host does not let this user bind *busy.
 * STATUS_INSUFFICIENT_RESOURCES: the host has no sockets left for it, or the helper does not answer. */
extern NTSTATUS guard_ports( int protocol, unsigned int first, unsigned int count, enum guard_mode mode,
                             int force, unsigned int *busy );
extern void guard_release( int protocol, unsigned int first, unsigned int count );

/* Let one bind through on a guarded port, right before it is made. May wait.
 * STATUS_SHARING_VIOLATION: somebody on this host has the port, which is possible in a persistent block, since anybody may ask for one
 * of its ports by number, and where the port could not be guarded. Who is allowed to share it may go on, nothing is in the way.
 * STATUS_INSUFFICIENT_RESOURCES: the helper does not answer. */
extern NTSTATUS guard_yield( int protocol, unsigned int port );
/* The bind failed, or the last socket that held the port is gone. Never fails: what can't be taken back at once is tried again. */
extern void guard_retake( int protocol, unsigned int port );

/* A UDP port that several sockets have, each of which was bound with Linux's SO_REUSEADDR. Its guard stays, and lets in who has that option as
 * long as on is set: around each bind. A port without a guard gets one, which guard_release() ends if it is not reserved
 * otherwise. guard_retake() when the last of the sockets is gone. May wait when on is set; errors are those of guard_ports(). */
extern NTSTATUS guard_share( int protocol, unsigned int port, int on );

/* Set the bit of each port (port & 7 of byte port / 8) that the kernel tells a socket of, reserved ones too; it does not tell of all. Closed
 * connections (TIME_WAIT) are none. May wait. STATUS_NOT_SUPPORTED: it does not tell. STATUS_INSUFFICIENT_RESOURCES: the helper does not answer. */
extern NTSTATUS guard_busy_ports( int protocol, unsigned char map[8192] );

/* Which of these sockets (inodes, in ascending order) does the prefix's wineserver still have open? alive gets a byte for each. May wait.
 * Quick for those that live; one that does not costs a look at all descriptors of wineserver. STATUS_NOT_SUPPORTED: that can't be told.
 * STATUS_INSUFFICIENT_RESOURCES: the helper does not answer, or more than GUARD_MAX_SOCKS are asked for. */
#define GUARD_MAX_SOCKS 65536
extern NTSTATUS guard_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive );

/* Called about once a second: retry ports that could not be guarded, and helpers that could not be started. */
extern void guard_tick(void);

#endif /* PORTRES_GUARD_H */
