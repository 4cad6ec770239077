/*
 * One helper a prefix: who it is, and how it gets the next server's stream
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_HANDOVER_H
#define PORTRES_PORTGUARD_HANDOVER_H

#include <poll.h>

#include "portguard_prefix.h"

/* The helper of a prefix has a lock on the file "portguard.lock" in the folder of its wineserver, and listens on the socket "portguard" there. Both
 * are this user's alone, and the kernel says who has the lock and who listens. Another helper that finds the lock taken hands its
 * stream on to that process:
 *
 *   new helper               old helper
 *   offer, with the stream
 *                            answer: it can
 *   done, and ends
 *                            serves the stream from now on
 *
 * So the stream is never in two hands: an old helper that is too slow to answer does not get it, whenever it goes on, and one that does not
 * go on within a second is killed. */

enum handover
{
    HANDOVER_HELPER,  /* this process is the helper now */
    HANDOVER_DONE,    /* the one of before has got the stream */
    HANDOVER_FAILED,  /* there is one which neither takes the stream nor ends */
};

/* Become the helper of the prefix, or hand the stream on. */
extern enum handover handover_start( const struct prefix_id *id, int stream );

/* Fill in what becomes readable when another helper comes. Returns how many those are. */
#define HANDOVER_FDS 9
extern unsigned int handover_fds( struct pollfd *fds );
/* Look who came. Returns the stream of the next server, or -1. Does not wait, except for a helper of this user that has made an offer, and then
 * for a moment. Sets *quit when that one can't be served and waits for an end of this process. */
extern int handover_check( int *quit );

/* Leave nothing behind. */
extern void handover_end(void);

#endif /* PORTRES_PORTGUARD_HANDOVER_H */
