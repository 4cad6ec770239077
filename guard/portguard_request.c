/*
 * Requests of the server to portguard
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "guard_sockets.h"
#include "guard_tables.h"
#include "portguard_prefix.h"
#include "portguard_request.h"
#include "portguard_ring.h"

typedef char check_map_size[PORTGUARD_MAP_SIZE == TABLES_MAP_SIZE ? 1 : -1];

static int refused;
static unsigned int max_guards;
static int outlives_server;

static union
{
    struct portguard_reply header;
    unsigned char bytes[PORTGUARD_MAX_REPLY];
} reply;

void requests_init( int refuse, unsigned int limit, int lingers )
{
    refused = refuse;
    max_guards = limit;
    outlives_server = lingers;
}

static unsigned int guards_flags( const struct portguard_request *req )
{
    return (req->flags & PORTGUARD_FORCE ? GUARDS_FORCE : 0) | (req->flags & PORTGUARD_PERSISTENT ? GUARDS_PERSISTENT : 0);
}

static NTSTATUS find_socks( const struct portguard_request *req )
{
    static uint64_t inodes[PORTGUARD_MAX_SOCKS];
    unsigned int i;

    memcpy( inodes, req + 1, req->count * sizeof(inodes[0]) );
    for (i = 1; i < req->count; i++)
        if (inodes[i] < inodes[i - 1]) return STATUS_INVALID_PARAMETER;
    if (!prefix_find_socks( inodes, req->count, (unsigned char *)(&reply.header + 1) )) return STATUS_NOT_SUPPORTED;
    reply.header.size += req->count;
    return STATUS_SUCCESS;
}

/* a request about a block, which is one */
static NTSTATUS handle_block( const struct portguard_request *req )
{
    unsigned int port, busy = 0;
    NTSTATUS status = STATUS_SUCCESS;

    switch (req->op)
    {
    case PORTGUARD_GUARD:
        status = guards_take( req->protocol, req->first, req->count, guards_flags( req ), &busy );
        reply.header.port = busy;
        break;
    case PORTGUARD_RELEASE:
        /* where nobody waits for it, it keeps nobody waiting */
        if (req->flags & PORTGUARD_NO_REPLY) guards_release_later( req->protocol, req->first, req->count );
        else guards_release( req->protocol, req->first, req->count );
        break;
    case PORTGUARD_YIELD:
        if (req->count > 1 && !(req->flags & PORTGUARD_FORCE)) return STATUS_INVALID_PARAMETER;
        for (port = req->first; port < req->first + req->count; port++)
            status = guards_yield( req->protocol, port, guards_flags( req ) );
        break;
    case PORTGUARD_RETAKE:
        for (port = req->first; port < req->first + req->count; port++) guards_retake( req->protocol, port );
        break;
    case PORTGUARD_SHARE:
        if (req->count != 1) return STATUS_INVALID_PARAMETER;
        status = guards_share( req->protocol, req->first, !!(req->flags & PORTGUARD_ON) );
        break;
    }
    return status;
}

static NTSTATUS handle( const struct portguard_request *req )
{
    struct portguard_ring ring;
    NTSTATUS status;

    switch (req->op)
    {
    case PORTGUARD_HELLO:
        reply.header.port = PORTGUARD_VERSION;
        return refused ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
    case PORTGUARD_OPEN_RING:
        if (!ring_open( &ring )) return STATUS_INSUFFICIENT_RESOURCES;
        memcpy( &reply.header + 1, &ring, sizeof(ring) );
        reply.header.size += sizeof(ring);
        return STATUS_SUCCESS;
    case PORTGUARD_USE_RING:
        ring_start();
        return STATUS_SUCCESS;
    case PORTGUARD_FORGET:
        guards_forget();
        return STATUS_SUCCESS;
    case PORTGUARD_INFO:
        return STATUS_SUCCESS;
    case PORTGUARD_FIND_SOCKS:
        return find_socks( req );
    }
    if (req->protocol != PROTOCOL_TCP && req->protocol != PROTOCOL_UDP) return STATUS_INVALID_PARAMETER;
    if (req->op == PORTGUARD_BUSY_PORTS)
    {
        guards_release_rest();
        status = tables_busy_ports( req->protocol, (unsigned char *)(&reply.header + 1) );
        if (!status) reply.header.size += TABLES_MAP_SIZE;
        return status;
    }
    if (!req->first || req->first > 65535 || !req->count || req->count > 65536 - req->first) return STATUS_INVALID_PARAMETER;
    return handle_block( req );
}

static int is_request( const struct portguard_request *req )
{
    size_t more = 0;

    if (req->op < PORTGUARD_HELLO || req->op > PORTGUARD_QUIT) return 0;
    if (refused && req->op != PORTGUARD_HELLO && req->op != PORTGUARD_QUIT) return 0;
    if (req->op == PORTGUARD_FIND_SOCKS)
    {
        if (req->count > PORTGUARD_MAX_SOCKS) return 0;
        more = req->count * sizeof(uint64_t);
    }
    return req->size == sizeof(*req) + more;
}

enum requests_result requests_handle( const char *data, size_t len, int (*send)( const void *data, size_t size ), size_t *used )
{
    /* aligned, unlike what follows a message of another size */
    static union
    {
        struct portguard_request header;
        char bytes[PORTGUARD_MAX_REQUEST];
    } req;

    for (*used = 0; len - *used >= sizeof(req.header); *used += req.header.size)
    {
        memcpy( &req, data + *used, sizeof(req.header) );
        if (!is_request( &req.header )) return REQUESTS_NONSENSE;
        if (len - *used < req.header.size) break;
        memcpy( &req, data + *used, req.header.size );
        if (req.header.op == PORTGUARD_QUIT) return REQUESTS_QUIT;

        memset( &reply.header, 0, sizeof(reply.header) );
        reply.header.size = sizeof(reply.header);
        reply.header.serial = req.header.serial;
        reply.header.status = handle( &req.header );
        if (req.header.flags & PORTGUARD_NO_REPLY) continue;
        reply.header.guards = guards_count();
        reply.header.limit = max_guards;
        reply.header.missing = guards_missing();
        reply.header.info = (guards_exhausted() ? PORTGUARD_INFO_EXHAUSTED : 0) | (outlives_server ? PORTGUARD_INFO_LINGERS : 0);
        if (!send( &reply, reply.header.size )) return REQUESTS_GONE;
    }
    return REQUESTS_GO_ON;
}
