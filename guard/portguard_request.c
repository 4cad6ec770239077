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

#define SLICE    256  /* ports of a large block that are guarded at a time, so that other requests wait for a millisecond or two */
#define MAX_JOBS 16

/* large blocks that are to be guarded, the one that is next first */
static struct job
{
    struct portguard_request req;
    unsigned int done;    /* ports that have a guard */
    unsigned int port;    /* of the reply */
    NTSTATUS     status;  /* once it is an error, what is done is to be undone */
} jobs[MAX_JOBS];
static unsigned int job_count;

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

static int is_protocol( uint32_t protocol )
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

static int is_block( const struct portguard_request *req )
{
    return is_protocol( req->protocol ) && req->first && req->first < 65536 && req->count && req->count <= 65536 - req->first;
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

static void begin_reply( const struct portguard_request *req )
{
    memset( &reply.header, 0, sizeof(reply.header) );
    reply.header.size = sizeof(reply.header);
    reply.header.serial = req->serial;
}

static int end_reply( const struct portguard_request *req, requests_sender send )
{
    if (req->flags & PORTGUARD_NO_REPLY) return 1;
    reply.header.guards = guards_count();
    reply.header.limit = max_guards;
    reply.header.missing = guards_missing();
    reply.header.info = (guards_exhausted() ? PORTGUARD_INFO_EXHAUSTED : 0) | (outlives_server ? PORTGUARD_INFO_LINGERS : 0) |
                        (job_count ? PORTGUARD_INFO_PENDING : 0);
    return send( &reply, reply.header.size );
}

static int is_large( const struct portguard_request *req )
{
    return req->op == PORTGUARD_GUARD && req->count > SLICE;
}

int requests_pending(void)
{
    return job_count != 0;
}

int requests_go_on( requests_sender send )
{
    struct job *job = &jobs[0], finished;
    unsigned int busy, part = job->status ? job->done : job->req.count - job->done;

    if (part > SLICE) part = SLICE;
    if (!job->status)
    {
        job->status = guards_take( job->req.protocol, job->req.first + job->done, part,
                                   guards_flags( &job->req ) | (job->done ? GUARDS_MORE : 0), &busy );
        if (!job->port) job->port = busy;
        if (!job->status) job->done += part;
    }
    else
    {
        job->done -= part;
        guards_release( job->req.protocol, job->req.first + job->done, part );
    }
    if (job->done != (job->status ? 0 : job->req.count)) return 1;
    finished = *job;
    memmove( jobs, jobs + 1, --job_count * sizeof(jobs[0]) );
    begin_reply( &finished.req );
    reply.header.status = finished.status;
    reply.header.port = finished.port;
    return end_reply( &finished.req, send );
}

void requests_abandon(void)
{
    unsigned int i;

    /* what is forced the next server asks for again */
    for (i = 0; i < job_count; i++)
        if (!(jobs[i].req.flags & PORTGUARD_FORCE))
            guards_release_later( jobs[i].req.protocol, jobs[i].req.first, jobs[i].done );
    job_count = 0;
}

/* does the request come after the job? */
static int needs_job( const struct portguard_request *req, const struct job *job )
{
    switch (req->op)
    {
    case PORTGUARD_GUARD:
    case PORTGUARD_RELEASE:
    case PORTGUARD_YIELD:
    case PORTGUARD_RETAKE:
    case PORTGUARD_SHARE:
        return req->protocol == job->req.protocol && req->first < job->req.first + job->req.count &&
               job->req.first < (uint64_t)req->first + req->count;
    case PORTGUARD_FORGET:
        return 1;
    default:
        return 0;
    }
}

/* Finish the jobs that the request comes after. Returns 0 when the server is gone. */
static int finish_jobs( const struct portguard_request *req, requests_sender send )
{
    unsigned int i, count = job_count;

    while (count && !needs_job( req, &jobs[count - 1] )) count--;
    if (is_large( req ) && job_count == MAX_JOBS && !count) count = 1;
    for (i = job_count - count; job_count > i; ) if (!requests_go_on( send )) return 0;
    return 1;
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

static NTSTATUS busy_ports( const struct portguard_request *req )
{
    unsigned char *map = (unsigned char *)(&reply.header + 1);
    NTSTATUS status = tables_busy_ports( req->protocol, map );
    unsigned int port;

    if (status) return status;
    for (port = 1; guards_releasing() && port < 65536; port++)
        if (guards_is_releasing( req->protocol, port )) map[port / 8] &= ~(1 << (port & 7));
    reply.header.size += TABLES_MAP_SIZE;
    return STATUS_SUCCESS;
}

static NTSTATUS handle( const struct portguard_request *req )
{
    struct portguard_ring ring;

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
    if (!is_protocol( req->protocol )) return STATUS_INVALID_PARAMETER;
    if (req->op == PORTGUARD_BUSY_PORTS) return busy_ports( req );
    return is_block( req ) ? handle_block( req ) : STATUS_INVALID_PARAMETER;
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

enum requests_result requests_handle( const char *data, size_t len, requests_sender send, size_t *used )
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

        if (!finish_jobs( &req.header, send )) return REQUESTS_GONE;
        begin_reply( &req.header );
        if (is_large( &req.header ) && is_block( &req.header ))
        {
            jobs[job_count++] = (struct job){ .req = req.header };
            continue;
        }
        reply.header.status = handle( &req.header );
        if (!end_reply( &req.header, send )) return REQUESTS_GONE;
    }
    return REQUESTS_GO_ON;
}
