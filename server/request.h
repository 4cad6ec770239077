/*
 * Requests: from bytes to a handler
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_REQUEST_H
#define PORTRES_SERVER_REQUEST_H

#include <stddef.h>

#include "protocol.h"
#include "process.h"
#include "status.h"

/* What a request changed, as long as its client may never hear of it: it may give up, or be ended, before it has read the reply. */
struct change
{
    void (*end)( const struct change *change, int heard );  /* NULL: nothing was changed */
    uint64_t     token;       /* of the reservation that it is about */
    uint64_t     sock;        /* id of the socket that was associated with it */
    int          associated;  /* whether that one was before */
    uint64_t     previous;    /* and with what; 0: a reservation that has ended */
    unsigned int state_slot;  /* of the record by which the next server knows the request, see state.h */
    int          is_urgent;   /* others may wait for the end: ports become free with it */
};

/* one connection of a client; owned by whoever reads the requests */
struct client
{
    struct process *process;   /* at the other end of the connection */
    struct change   change;    /* of the request that was handled last */
};

/* the client whose request is being handled */
extern struct client *current;
extern uint32_t current_serial;  /* of the request */

/* print each request and reply on stderr */
extern int debug_level;

/* To be called first: what is above is that of a task, should there be some. */
extern void requests_init(void);

/* Handle one message of a client, whatever it holds: a message that is not a request gets an error. Fills the reply and returns
 * its size in bytes. */
extern size_t handle_request( struct client *client, const void *data, size_t size, union generic_reply *reply );

/* The client has read the reply to its last request (heard), or never will: what the request changed stays, or is taken back. Must be
 * called before the next request of the connection. */
extern void request_done( struct client *client, int heard );

/* for handlers: the status of the reply to the request being handled */
extern void set_error( NTSTATUS status );

#endif /* PORTRES_SERVER_REQUEST_H */
