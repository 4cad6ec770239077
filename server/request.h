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

/* one connection of a client; owned by whoever reads the requests */
struct client
{
    struct process *process;   /* at the other end of the connection */
};

/* the client whose request is being handled */
extern struct client *current;
extern uint32_t current_serial;  /* of the request */

/* print each request and reply on stderr */
extern int debug_level;

/* Handle one message of a client, whatever it holds: a message that is not a request gets an error. Fills the reply and returns
 * its size in bytes. */
extern size_t handle_request( struct client *client, const void *data, size_t size, union generic_reply *reply );

/* for handlers: the status of the reply to the request being handled */
extern void set_error( NTSTATUS status );

#endif /* PORTRES_SERVER_REQUEST_H */
