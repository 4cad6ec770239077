/*
 * The channel of a connection: requests and replies in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_CHANNEL_H
#define PORTRES_CHANNEL_H

#include <stdint.h>

#include "protocol.h"

/* A message through the pipe takes wineserver, and both sides, about twenty requests; one through memory that they share takes four. The pipe
 * stays: it tells each side of the end of the other. A client that makes one call and no more does without a channel.
 *
 * The client writes the request, sets CHANNEL_REQUEST, sets the server's doorbell, one event for all channels, and waits for the event that
 * is its own. Whoever changes the state does so with a compare-exchange from the state that it knows, so both agree on whether a
 * reply was read. The server believes nothing that stands here: a client may write anything at any time. */
enum channel_state
{
    CHANNEL_IDLE,     /* the last reply, if any, was read */
    CHANNEL_REQUEST,  /* set by the client */
    CHANNEL_RUNNING,  /* set by the server: it has copied the request */
    CHANNEL_REPLY,    /* set by the server */
    CHANNEL_LEFT,     /* set by either side: it will neither read nor write again */
};

struct channel
{
    volatile int32_t      state;  /* enum channel_state */
    uint32_t              __pad[3];
    union generic_request req;
    union generic_reply   reply;
};

#endif /* PORTRES_CHANNEL_H */
