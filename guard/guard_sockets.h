/*
 * Guards: the sockets
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_SOCKETS_H
#define PORTRES_GUARD_SOCKETS_H

#include "status.h"

/* A guard is a Linux socket bound to a port on both address families, which keeps everybody else off it. This file knows sockets, and
 * nothing of who wants them guarded: portguard and a wineserver with reservations in it use it alike. Nothing here waits. Ports are in host
 * order; a protocol is PROTOCOL_TCP or PROTOCOL_UDP. The caller has checked that a block has a port, and ends at 65535. */

/* flags of a call */
#define GUARDS_FORCE      0x1  /* guards_take: leave out what can't be guarded; guards_yield: the owner has the port already */
#define GUARDS_PERSISTENT 0x2  /* nobody is handed such a port, but whoever asks for one by number gets it */
#define GUARDS_MORE       0x4  /* guards_take: the next part of a large block; what the one before found out about the host holds */

/* Calls work( i ) for each i below count, about in order, several at once and in other threads as it likes, and returns when all is done. Once
 * a work has returned 0 those that have not begun may be left out. */
typedef void (*guards_runner)( int (*work)( unsigned int i ), unsigned int count );

/* Find out what this host can do; to be called first. limit: of guards, each of which is a descriptor. runner is for the system calls of large
 * blocks; where threads are not wanted it is NULL. */
extern void guards_init( unsigned int limit, guards_runner runner );

/* Guard a block. All or nothing, unless forced: what can't be guarded is then tried again by guards_retry().
 *
 * The ports of a persistent block are kept from the kernel's own choice only. Where the kernel doesn't choose (outside
 * net.ipv4.ip_local_port_range) there is nothing to keep, and after each port was found free it has no guard.
 *
 * STATUS_SHARING_VIOLATION: *busy is guarded already, or in use by somebody on this host.
 * STATUS_ACCESS_DENIED: the host does not let this user bind *busy.
 * STATUS_TOO_MANY_OPENED_FILES: more than the limit, or than the process may have.
 * STATUS_INSUFFICIENT_RESOURCES: the host has no memory for it. */
extern NTSTATUS guards_take( int protocol, unsigned int first, unsigned int count, unsigned int flags, unsigned int *busy );
extern void guards_release( int protocol, unsigned int first, unsigned int count );

/* The same, only that the ports of a large block come free later: bit by bit with each guards_release_some(), which is to be called while
 * guards_releasing() is not 0, or at once when another call here needs them. */
extern void guards_release_later( int protocol, unsigned int first, unsigned int count );
extern void guards_release_some(void);
extern unsigned int guards_releasing(void);
extern int guards_is_releasing( int protocol, unsigned int port );

/* Let one bind through, right before it is made. The owner's sockets have SO_REUSEADDR if they are TCP, as Wine's do, and not if they are UDP.
 * STATUS_SHARING_VIOLATION: somebody on this host has the port; only where it has no guard, or one of a persistent block. */
extern NTSTATUS guards_yield( int protocol, unsigned int port, unsigned int flags );
/* Take the port back: the bind failed, or the last socket that had the port is gone. */
extern void guards_retake( int protocol, unsigned int port );

/* A UDP port that several sockets of the owner have. Its guard stays, and has SO_REUSEADDR as long as on is set, around the bind of
 * a socket that has it too. A port without a guard gets one, also one that is not guarded otherwise: guards_release() ends that.
 * guards_retake() makes it a port like others again. Errors are those of guards_take(). */
extern NTSTATUS guards_share( int protocol, unsigned int port, int on );

/* The next owner's turn: guards that it does not take (GUARDS_FORCE) or share anew are dropped by guards_forget(), ports that it does not
 * yield anew are taken back. */
extern void guards_claim(void);
extern void guards_forget(void);

/* To be called about once a second while guards_missing() is not 0, and seldom otherwise: takes what could not be taken, and
 * looks whether the kernel chooses other ports now. */
extern void guards_retry(void);

/* is there a guard on the port now? */
extern int guards_has_socket( int protocol, unsigned int port );
/* The socket that guards *port, or the next port after it that has a guard, whose number *port is then; -1 when there is none. */
extern int guards_next_fd( int protocol, unsigned int *port );
/* sockets there are, without those of ports that are being released */
extern unsigned int guards_count(void);
/* ports that should have a guard, and have none */
extern unsigned int guards_missing(void);
/* the last guard that was not made was one too many */
extern int guards_exhausted(void);

#endif /* PORTRES_GUARD_SOCKETS_H */
