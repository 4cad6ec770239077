/*
 * Conversation with portguard, the native helper
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_HELPER_H
#define PORTRES_GUARD_HELPER_H

#include <stddef.h>
#include <stdint.h>

#include "portguard.h"

/* Requests go out in the order in which they are made. Those that need an answer wait for it in their task, while the main loop goes on; before the
 * loop runs all of them just wait. An answer that comes too late for its task is handed to helper_replied() all the same. That
 * and its like may tell portguard something, and ask it nothing: they may be called while a task looks for its answer. */

enum helper_state
{
    HELPER_NONE,      /* there is none */
    HELPER_STARTING,  /* it has not answered yet */
    HELPER_RUNS,
};

enum helper_result
{
    HELPER_DONE,
    HELPER_GONE,    /* it ended meanwhile; a new one may run, or start */
    HELPER_SILENT,  /* no answer in time, or no memory */
};

/* Start one, and wait for its answer. Without one that answers it is tried again by helper_tick(). */
extern void helper_init(void);
/* The main loop runs from now on. */
extern void helper_run(void);
/* End it. */
extern void helper_quit(void);
/* Called about once a second. */
extern void helper_tick(void);

/* Waits for one that starts. */
extern enum helper_state helper_state(void);
/* the same without a wait */
extern enum helper_state helper_state_now(void);
/* requests are waiting, and the last one was in vain */
extern int helper_is_silent(void);
/* it said that it is not where wineserver's sockets are */
extern int helper_is_elsewhere(void);
/* what its last reply said of itself, at most some seconds ago while it answers */
extern const struct portguard_reply *helper_info(void);

/* Make a request of op, flags, protocol, first and count, and wait for the reply. more are data_size bytes that follow it; out takes the out_size bytes that
 * follow a reply of STATUS_SUCCESS. */
extern enum helper_result helper_call( struct portguard_request *req, const void *more, size_t more_size,
                                       struct portguard_reply *reply, void *out, size_t out_size );
/* Make a request that nobody waits for. With wants_reply set helper_replied() gets the answer. */
extern void helper_send( struct portguard_request *req, int wants_reply );
/* Does a task wait for the answer to a request of this kind, about this port as the first? */
extern int helper_is_waiting( enum portguard_op op, uint32_t protocol, uint32_t first );

/* For the caller to provide: */

/* Each reply, in the order of the requests about the same ports, before its task goes on. abandoned: nobody waits for it (any more). */
extern void helper_replied( const struct portguard_request *req, const struct portguard_reply *reply, int abandoned );
/* There is a helper that knows nothing yet; there is none any more. */
extern void helper_started(void);
extern void helper_lost(void);

/* For the stream to call: */
extern void helper_received( const void *data, size_t size );
extern void helper_ended(void);

#endif /* PORTRES_GUARD_HELPER_H */
