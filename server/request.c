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

#include <stdio.h>
#include <string.h>

#define WANT_REQUEST_HANDLERS
#include "request.h"
#include "request_handlers.h"
#include "request_trace.h"
#include "task.h"

struct client *current;
uint32_t current_serial;
int debug_level;

static NTSTATUS global_error;

void requests_init(void)
{
    task_local( &current, sizeof(void *) );
    task_local( &current_serial, sizeof(current_serial) );
    task_local( &global_error, sizeof(global_error) );
}

void set_error( NTSTATUS status )
{
    global_error = status;
}

static NTSTATUS check_request( const union generic_request *req, size_t size )
{
    if (size < sizeof(req->__header)) return STATUS_INFO_LENGTH_MISMATCH;
    if (req->__header.version != PROTOCOL_VERSION) return STATUS_REVISION_MISMATCH;
    if (req->__header.req >= REQ_NB_REQUESTS) return STATUS_NOT_IMPLEMENTED;
    if (req->__header.size != size) return STATUS_INFO_LENGTH_MISMATCH;
    if (size != request_handlers[req->__header.req].request_size) return STATUS_INFO_LENGTH_MISMATCH;
    return STATUS_SUCCESS;
}

size_t handle_request( struct client *client, const void *data, size_t size, union generic_reply *reply )
{
    const union generic_request *req = data;
    const struct request_handler *handler = NULL;

    memset( reply, 0, sizeof(*reply) );
    if ((global_error = check_request( req, size )))
    {
        if (debug_level)
            fprintf( stderr, "%04x: *bad request* of %u bytes: %08x\n", (unsigned int)client->process->pid,
                     (unsigned int)size, (unsigned int)global_error );
    }
    else
    {
        handler = &request_handlers[req->__header.req];
        if (debug_level) trace_request( stderr, client->process->pid, req );
        current = client;
        current_serial = req->__header.serial;
        handler->call( req, reply );
        current = NULL;
    }
    reply->__header.status = global_error;
    reply->__header.size = handler ? handler->reply_size : sizeof(reply->__header);
    reply->__header.version = PROTOCOL_VERSION;
    if (debug_level && handler) trace_reply( stderr, client->process->pid, req->__header.req, reply );
    return reply->__header.size;
}

void request_done( struct client *client, int heard )
{
    struct change change = client->change;

    memset( &client->change, 0, sizeof(client->change) );
    if (change.end) change.end( &change, heard );
}
