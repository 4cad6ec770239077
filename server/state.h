/*
 * Runtime state that outlives the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_STATE_H
#define PORTRES_SERVER_STATE_H

#include <stdint.h>

/* What the next server needs to take up the runtime reservations of this one, should it be killed. The records are in a file,
 * written without a flush: they have to survive the server, not the host, whose sockets end with it. */

enum state_type
{
    STATE_FREE,
    STATE_RESERVATION,
    STATE_SOCKET,
    STATE_RELEASED,       /* a reservation that has ended, as soon as its owner hears of it */
    STATE_CREATING,       /* a change of the store, from before it is made until its client has heard of it */
    STATE_DELETING,
    STATE_INVALID,        /* to be erased; never in the file */
};

struct state_record
{
    uint32_t type;        /* enum state_type */
    uint32_t protocol;    /* IPPROTO_TCP or IPPROTO_UDP */
    uint64_t sock;        /* id of the socket; of a reservation: that it lives with */
    uint64_t token;       /* of the reservation; of a socket: that it is associated with, 0 when that one is persistent or ended */
    uint64_t start_time;  /* of the process, when it was created; of a socket: of the one that lets it share its port */
    uint32_t pid;         /* process that acquired the reservation, bound the socket, or asked for the change */
    uint32_t serial;      /* of the request that made it so */
    uint32_t first;       /* of the reservation, or the block of the store; of a socket: of the persistent one that it is associated with, or 0 */
    uint32_t count;       /* of the same; of a socket: process that lets it share its port by processor */
    uint32_t port;        /* that the socket holds, or 0 */
    uint32_t holds;       /* HOLDS_* */
    uint32_t associated;  /* the socket is associated and not bound */
    uint32_t processor;   /* of a socket that shares its port, or NO_PROCESSOR */
};

/* Read what the last server left: an array for free(), NULL when there is nothing; the record of index i has the slot i + 1. They
 * stay in the file, until they are written anew or erased: the server may be killed again before it has taken them up.
 * An error means that there may be records, and that they could not be read. */
extern NTSTATUS state_open( struct state_record **records, unsigned int *count );

/* Write a record. *slot is 0 for a new one, and then its place. A record that can't be written is kept for state_tick(), and that is
 * logged: the reservation holds all the same, as long as the server lives. */
extern void state_save( unsigned int *slot, const struct state_record *record );
extern void state_erase( unsigned int *slot );
/* Called about once a second: write what could not be written. */
extern void state_tick(void);
/* Would the next server not know all that this one has? */
extern int state_unsaved(void);

/* Forget all: the server ends by itself. */
extern void state_close(void);

#endif /* PORTRES_SERVER_STATE_H */
