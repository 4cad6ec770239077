/*
 * Guards: what keeps the rest of the host off reserved ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "guard.h"
#include "guard_helper.h"
#include "guard_local.h"
#include "log.h"

#include <string.h>

/* what is wanted of a port; the helper knows it too, but it may be killed */
#define WANTED     0x1
#define PERSISTENT 0x2
#define YIELDED    0x4
#define SHARED     0x8
#define ALONE      0x10  /* wanted because it is shared, and for nothing else */

#define MAX_RETRIES 64  /* Wine sockets made by one guard_tick() */
#define MAX_TRIES   3   /* of a request, when one helper after another ends over it */

static unsigned char wanted[2][65536];
static int init_done;
static int local_missing;  /* without the helper: there may be ports that are not guarded and should be */

static unsigned char *get_wanted( int protocol, unsigned int port )
{
    return &wanted[protocol == PROTOCOL_UDP][port];
}

static struct portguard_request make_request( enum portguard_op op, int protocol, unsigned int first, unsigned int count,
                                              unsigned int flags )
{
    struct portguard_request req = { 0 };

    req.op = op;
    req.flags = flags;
    req.protocol = protocol;
    req.first = first;
    req.count = count;
    return req;
}

/* a request that nobody waits for; when there is no helper, or an end of this one, what is in the table counts */
static void tell( enum portguard_op op, int protocol, unsigned int first, unsigned int count, unsigned int flags )
{
    struct portguard_request req = make_request( op, protocol, first, count, flags );

    helper_send( &req, 0 );
}

/* The one map of what a helper may say: nothing else of it gets to a client. */
static NTSTATUS map_status( NTSTATUS status )
{
    switch (status)
    {
    case STATUS_SUCCESS:
    case STATUS_SHARING_VIOLATION:
    case STATUS_ACCESS_DENIED:
    case STATUS_INVALID_PARAMETER:
    case STATUS_NOT_SUPPORTED:
        return status;
    default:
        return STATUS_INSUFFICIENT_RESOURCES;
    }
}

/* Make a request and wait for the reply. Returns 0 when there is no helper to ask. */
static int ask( struct portguard_request *req, const void *more, size_t more_size, NTSTATUS *status, unsigned int *port,
                void *out, size_t out_size )
{
    struct portguard_reply reply;
    unsigned int tries;

    *status = STATUS_INSUFFICIENT_RESOURCES;
    for (tries = 0; tries < MAX_TRIES; tries++)
    {
        if (helper_state() == HELPER_NONE) return 0;
        switch (helper_call( req, more, more_size, &reply, out, out_size ))
        {
        case HELPER_DONE:
            *status = map_status( reply.status );
            if (port) *port = reply.port;
            return 1;
        case HELPER_SILENT:
            return 1;
        case HELPER_GONE:
            break;
        }
    }
    return 1;
}

/* Call func for each run of ports with the same flags. */
static void for_each_block( void (*func)( int protocol, unsigned int first, unsigned int count, unsigned char flags ) )
{
    static const int protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
    unsigned int i, first, end;

    for (i = 0; i < 2; i++)
    {
        for (first = 1; first < 65536; first = end)
        {
            unsigned char flags = *get_wanted( protocols[i], first );

            for (end = first + 1; end < 65536 && *get_wanted( protocols[i], end ) == flags; end++) ;
            if (flags & WANTED) func( protocols[i], first, end - first, flags );
        }
    }
}

static void tell_helper( int protocol, unsigned int first, unsigned int count, unsigned char flags )
{
    if (!(flags & ALONE))
        tell( PORTGUARD_GUARD, protocol, first, count, PORTGUARD_FORCE | (flags & PERSISTENT ? PORTGUARD_PERSISTENT : 0) );
    if (flags & YIELDED) tell( PORTGUARD_YIELD, protocol, first, count, PORTGUARD_FORCE );
    if (flags & SHARED) while (count--) tell( PORTGUARD_SHARE, protocol, first++, 1, 0 );
}

static void local_try( int protocol, unsigned int port )
{
    NTSTATUS status;

    if (local_guarded( protocol, port )) return;
    status = local_guard( protocol, port );
    /* what is not this user's to bind will not be in a second either; all else may */
    if (status && status != STATUS_ACCESS_DENIED) local_missing = 1;
}

static void guard_locally( int protocol, unsigned int first, unsigned int count, unsigned char flags )
{
    if (flags & (YIELDED | SHARED)) return;
    while (count--) local_try( protocol, first++ );
}

static void drop_local( int protocol, unsigned int first, unsigned int count, unsigned char flags )
{
    (void)flags;
    while (count--) local_release( protocol, first++ );
}

/* That was all: what the helper still has of the server before is not wanted. The reply tells how many guards there are. */
static void tell_done(void)
{
    struct portguard_request req = make_request( PORTGUARD_FORGET, 0, 0, 0, 0 );

    helper_send( &req, 1 );
}

void helper_started(void)
{
    for_each_block( drop_local );
    if (!init_done) return;
    for_each_block( tell_helper );
    tell_done();
}

void helper_lost(void)
{
    local_missing = 0;
    for_each_block( guard_locally );
}

static void log_exhausted( const struct portguard_reply *reply )
{
    static int logged;

    if (!(reply->info & PORTGUARD_INFO_EXHAUSTED)) logged = 0;
    else if (!logged)
    {
        logged = 1;
        log_message( "no more than %u ports can be guarded, since each takes a descriptor of portguard, and there are no more. Raise the hard "
                     "limit ('ulimit -Hn') before Wine is started", (unsigned int)reply->limit );
    }
}

void helper_replied( const struct portguard_request *req, const struct portguard_reply *reply, int abandoned )
{
    unsigned char *flags = get_wanted( req->protocol, req->first & 0xffff );

    log_exhausted( reply );
    if (reply->status) return;
    /* What is noted here is what the helper knows now, whenever the task goes on; what nobody waits for any more is taken back. */
    switch (req->op)
    {
    case PORTGUARD_GUARD:
        if (abandoned) tell( PORTGUARD_RELEASE, req->protocol, req->first, req->count, 0 );
        else memset( flags, WANTED | (req->flags & PORTGUARD_PERSISTENT ? PERSISTENT : 0), req->count );
        break;
    case PORTGUARD_YIELD:
        if (!abandoned) *flags |= YIELDED;
        /* the next one may be on its way, or be past this */
        else if (!(*flags & YIELDED) && !helper_is_waiting( PORTGUARD_YIELD, req->protocol, req->first ))
            tell( PORTGUARD_RETAKE, req->protocol, req->first, 1, 0 );
        break;
    case PORTGUARD_SHARE:
        if (!abandoned) *flags = (*flags & WANTED ? *flags & ~YIELDED : WANTED | ALONE) | SHARED;
        else if (*flags & SHARED) tell( PORTGUARD_SHARE, req->protocol, req->first, 1, 0 );
        else if (!helper_is_waiting( PORTGUARD_SHARE, req->protocol, req->first ))
            tell( *flags & WANTED ? PORTGUARD_RETAKE : PORTGUARD_RELEASE, req->protocol, req->first, 1, 0 );
        break;
    }
}

void guard_init(void)
{
    helper_init();
}

void guard_init_done(void)
{
    init_done = 1;
    tell_done();
    helper_run();
}

void guard_exit(void)
{
    helper_quit();
}

static void count_locally( int protocol, unsigned int first, unsigned int count, struct guard_info *info )
{
    for (; count--; first++)
    {
        if (local_guarded( protocol, first )) info->guards++;
        else if ((*get_wanted( protocol, first ) & (WANTED | YIELDED | SHARED)) == WANTED) info->missing++;
    }
}

void guard_get_info( struct guard_info *info )
{
    const struct portguard_reply *reply = helper_info();

    memset( info, 0, sizeof(*info) );
    info->flags = GUARD_COVERS_EPHEMERAL | GUARD_COVERS_WINE;
    if (helper_is_elsewhere()) info->flags |= GUARD_ELSEWHERE;
    if (helper_state_now() == HELPER_NONE)
    {
        /* Wine gives each TCP socket Linux's SO_REUSEADDR, so a native program that sets it too can bind beside its guards. */
        count_locally( PROTOCOL_TCP, 1, 65535, info );
        count_locally( PROTOCOL_UDP, 1, 65535, info );
        return;
    }
    info->flags |= GUARD_COVERS_NATIVE;
    if (helper_is_silent()) info->flags |= GUARD_SILENT;
    if (reply->info & PORTGUARD_INFO_EXHAUSTED) info->flags |= GUARD_EXHAUSTED;
    info->guards = reply->guards;
    info->limit = reply->limit;
    info->missing = reply->missing;
}

int guard_stands( int protocol, unsigned int port )
{
    unsigned char flags = *get_wanted( protocol, port );

    if (helper_state_now() == HELPER_NONE) return local_guarded( protocol, port );
    return (flags & WANTED) && (!(flags & YIELDED) || protocol == PROTOCOL_TCP);
}

static NTSTATUS guard_ports_locally( int protocol, unsigned int first, unsigned int count, enum guard_mode mode, int force,
                                     unsigned int *busy )
{
    unsigned int port;
    NTSTATUS status;

    for (port = first; port < first + count; port++)
    {
        status = local_guard( protocol, port );
        if (status == STATUS_ACCESS_DENIED && mode == GUARD_PERSISTENT) status = STATUS_SUCCESS;
        if (!status) continue;
        if (force)
        {
            local_missing = 1;
            continue;
        }
        *busy = port;
        while (port > first) local_release( protocol, --port );
        return status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS guard_ports( int protocol, unsigned int first, unsigned int count, enum guard_mode mode, int force,
                      unsigned int *busy )
{
    unsigned int flags = (force ? PORTGUARD_FORCE : 0) | (mode == GUARD_PERSISTENT ? PORTGUARD_PERSISTENT : 0);
    struct portguard_request req = make_request( PORTGUARD_GUARD, protocol, first, count, flags );
    NTSTATUS status = STATUS_SUCCESS;

    *busy = 0;
    if (!first || first > 65535 || !count || count > 65536 - first) return STATUS_INVALID_PARAMETER;
    /* No block that is forced is refused; at a start there may be thousands, and waiting for each would take most of the time. */
    if (force && helper_state_now() != HELPER_NONE)
    {
        memset( get_wanted( protocol, first ), WANTED | (mode == GUARD_PERSISTENT ? PERSISTENT : 0), count );
        tell( PORTGUARD_GUARD, protocol, first, count, flags );
        return STATUS_SUCCESS;
    }
    if (!force && ask( &req, NULL, 0, &status, busy, NULL, 0 ))
    {
        if (*busy < first || *busy >= first + count) *busy = first;
        return status == STATUS_NOT_SUPPORTED ? STATUS_INSUFFICIENT_RESOURCES : status;
    }
    status = guard_ports_locally( protocol, first, count, mode, force, busy );
    if (!status) memset( get_wanted( protocol, first ), WANTED | (mode == GUARD_PERSISTENT ? PERSISTENT : 0), count );
    return status;
}

void guard_release( int protocol, unsigned int first, unsigned int count )
{
    unsigned int port;

    memset( get_wanted( protocol, first ), 0, count );
    tell( PORTGUARD_RELEASE, protocol, first, count, 0 );
    for (port = first; port < first + count; port++) local_release( protocol, port );
}

NTSTATUS guard_yield( int protocol, unsigned int port )
{
    struct portguard_request req = make_request( PORTGUARD_YIELD, protocol, port, 1, 0 );
    unsigned char *flags = get_wanted( protocol, port );
    NTSTATUS status;

    if (!(*flags & WANTED) || (*flags & (YIELDED | SHARED))) return STATUS_SUCCESS;
    if (!init_done && helper_state_now() != HELPER_NONE)
    {
        *flags |= YIELDED;
        tell( PORTGUARD_YIELD, protocol, port, 1, PORTGUARD_FORCE );
        return STATUS_SUCCESS;
    }
    if (ask( &req, NULL, 0, &status, NULL, NULL, 0 ))
        return !status || status == STATUS_SHARING_VIOLATION ? status : STATUS_INSUFFICIENT_RESOURCES;
    *flags |= YIELDED;
    local_release( protocol, port );
    return STATUS_SUCCESS;
}

void guard_retake( int protocol, unsigned int port )
{
    unsigned char *flags = get_wanted( protocol, port );

    if (!(*flags & (YIELDED | SHARED))) return;
    if (*flags & ALONE)
    {
        guard_release( protocol, port, 1 );
        return;
    }
    *flags &= ~(YIELDED | SHARED);
    if (helper_state_now() == HELPER_NONE) local_try( protocol, port );
    else tell( PORTGUARD_RETAKE, protocol, port, 1, 0 );
}

NTSTATUS guard_share( int protocol, unsigned int port, int on )
{
    struct portguard_request req = make_request( PORTGUARD_SHARE, protocol, port, 1, on ? PORTGUARD_ON : 0 );
    unsigned char *flags = get_wanted( protocol, port );
    NTSTATUS status;

    if (protocol != PROTOCOL_UDP || !port || port > 65535) return STATUS_INVALID_PARAMETER;
    if (on && helper_state_now() != HELPER_NONE && ask( &req, NULL, 0, &status, NULL, NULL, 0 ))
        return status == STATUS_NOT_SUPPORTED ? STATUS_INSUFFICIENT_RESOURCES : status;
    if (!(*flags & WANTED)) *flags = WANTED | ALONE;
    *flags = (*flags & ~YIELDED) | SHARED;
    /* A guard of Wine's sockets can't stand beside others. At rest the group's sockets keep everybody off by themselves. */
    if (helper_state_now() == HELPER_NONE) local_release( protocol, port );
    else tell( PORTGUARD_SHARE, protocol, port, 1, 0 );
    return STATUS_SUCCESS;
}

NTSTATUS guard_busy_ports( int protocol, unsigned char map[8192] )
{
    struct portguard_request req = make_request( PORTGUARD_BUSY_PORTS, protocol, 0, 0, 0 );
    NTSTATUS status;

    return ask( &req, NULL, 0, &status, NULL, map, PORTGUARD_MAP_SIZE ) ? status : STATUS_NOT_SUPPORTED;
}

NTSTATUS guard_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive )
{
    struct portguard_request req = make_request( PORTGUARD_FIND_SOCKS, 0, 0, count, 0 );
    NTSTATUS status;

    if (count > GUARD_MAX_SOCKS) return STATUS_INSUFFICIENT_RESOURCES;
    return ask( &req, inodes, count * sizeof(*inodes), &status, NULL, alive, count ) ? status : STATUS_NOT_SUPPORTED;
}

static void retry_locally(void)
{
    static unsigned int pos;
    unsigned int seen, tried = 0;

    local_missing = 0;
    for (seen = 0; seen < 2 * 65536 && tried < MAX_RETRIES; seen++)
    {
        int protocol = pos < 65536 ? PROTOCOL_TCP : PROTOCOL_UDP;
        unsigned int port = pos % 65536;
        unsigned char flags = *get_wanted( protocol, port );

        pos = (pos + 1) % (2 * 65536);
        if ((flags & (WANTED | YIELDED | SHARED)) != WANTED || local_guarded( protocol, port )) continue;
        tried++;
        local_try( protocol, port );
    }
    if (tried == MAX_RETRIES) local_missing = 1;
}

void guard_tick(void)
{
    helper_tick();
    if (helper_state_now() == HELPER_NONE && local_missing) retry_locally();
}
