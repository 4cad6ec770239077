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

#include <string.h>

/* what is wanted of a port; the helper knows it too, but it may be killed */
#define WANTED     0x1
#define PERSISTENT 0x2
#define YIELDED    0x4

#define MAX_RETRIES 64  /* Wine sockets made by one guard_tick() */

static unsigned char wanted[2][65536];
static int local_missing;  /* without the helper: there may be ports that are not guarded and should be */

static unsigned char *get_wanted( int protocol, unsigned int port )
{
    return &wanted[protocol == PROTOCOL_UDP][port];
}

static int send_request( enum portguard_op op, int protocol, unsigned int first, unsigned int count, unsigned int flags,
                         struct portguard_reply *reply )
{
    struct portguard_request req = { 0 };

    req.op = op;
    req.flags = flags;
    req.protocol = protocol;
    req.first = first;
    req.count = count;
    return helper_call( &req, reply );
}

/* Call func for each run of ports with the same flags. Returns 0 when one call did. */
static int for_each_block( int (*func)( int protocol, unsigned int first, unsigned int count, unsigned char flags ) )
{
    static const int protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
    unsigned int i, first, end;

    for (i = 0; i < 2; i++)
    {
        for (first = 1; first < 65536; first = end)
        {
            unsigned char flags = *get_wanted( protocols[i], first );

            for (end = first + 1; end < 65536 && *get_wanted( protocols[i], end ) == flags; end++) ;
            if ((flags & WANTED) && !func( protocols[i], first, end - first, flags )) return 0;
        }
    }
    return 1;
}

static int tell_helper( int protocol, unsigned int first, unsigned int count, unsigned char flags )
{
    struct portguard_reply reply;

    if (!send_request( PORTGUARD_GUARD, protocol, first, count,
                       PORTGUARD_FORCE | (flags & PERSISTENT ? PORTGUARD_PERSISTENT : 0), &reply )) return 0;
    return !(flags & YIELDED) || send_request( PORTGUARD_YIELD, protocol, first, count, 0, &reply );
}

static void local_try( int protocol, unsigned int port )
{
    NTSTATUS status;

    if (local_guarded( protocol, port )) return;
    status = local_guard( protocol, port );
    /* what is not this user's to bind will not be in a second either; all else may */
    if (status && status != STATUS_ACCESS_DENIED) local_missing = 1;
}

static int guard_locally( int protocol, unsigned int first, unsigned int count, unsigned char flags )
{
    if (flags & YIELDED) return 1;
    while (count--) local_try( protocol, first++ );
    return 1;
}

/* The helper is gone. Start another one, or do without. */
static void recover(void)
{
    if (helper_start() && for_each_block( tell_helper ) && send_request( PORTGUARD_FORGET, 0, 0, 0, 0, NULL )) return;
    local_missing = 0;
    for_each_block( guard_locally );
}

/* Send a request that wants no answer but has to be carried out. */
static void tell( enum portguard_op op, int protocol, unsigned int port )
{
    struct portguard_reply reply;

    /* The state is up to date, so recover() does what the request would have done. The owner binds next, so yield has to
     * be over; the rest need not be waited for. */
    if (!send_request( op, protocol, port, 1, 0, op == PORTGUARD_YIELD ? &reply : NULL )) recover();
}

void guard_init(void)
{
    helper_start();
}

void guard_init_done(void)
{
    if (helper_running() && !send_request( PORTGUARD_FORGET, 0, 0, 0, 0, NULL )) recover();
}

void guard_exit(void)
{
    helper_quit();
}

unsigned int guard_coverage(void)
{
    /* Wine gives each TCP socket Linux's SO_REUSEADDR, so a native program that sets it too can bind beside its guards. */
    return GUARD_COVERS_EPHEMERAL | GUARD_COVERS_WINE | (helper_running() ? GUARD_COVERS_NATIVE : 0);
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
    struct portguard_reply reply;
    int tries, answered = 0;
    NTSTATUS status;

    *busy = 0;
    if (!first || first > 65535 || !count || count > 65536 - first) return STATUS_INVALID_PARAMETER;
    for (tries = 0; tries < 2 && !answered && helper_running(); tries++)
        if (!(answered = send_request( PORTGUARD_GUARD, protocol, first, count, flags, force ? NULL : &reply ))) recover();
    /* No block that is forced is refused; at a start there may be thousands, and waiting for each would take most of the time. */
    if (answered && force) status = STATUS_SUCCESS;
    else if (answered)
    {
        status = reply.status;
        *busy = reply.port;
    }
    else if (helper_running()) return STATUS_INSUFFICIENT_RESOURCES;  /* one after another dies over it */
    else status = guard_ports_locally( protocol, first, count, mode, force, busy );
    if (!status) memset( get_wanted( protocol, first ), WANTED | (mode == GUARD_PERSISTENT ? PERSISTENT : 0), count );
    return status;
}

void guard_release( int protocol, unsigned int first, unsigned int count )
{
    unsigned int port;

    memset( get_wanted( protocol, first ), 0, count );
    if (helper_running())
    {
        if (!send_request( PORTGUARD_RELEASE, protocol, first, count, 0, NULL )) recover();
    }
    else for (port = first; port < first + count; port++) local_release( protocol, port );
}

void guard_yield( int protocol, unsigned int port )
{
    unsigned char *flags = get_wanted( protocol, port );

    if (!(*flags & WANTED) || (*flags & YIELDED)) return;
    *flags |= YIELDED;
    if (helper_running()) tell( PORTGUARD_YIELD, protocol, port );
    else local_release( protocol, port );
}

void guard_retake( int protocol, unsigned int port )
{
    unsigned char *flags = get_wanted( protocol, port );

    if (!(*flags & YIELDED)) return;
    *flags &= ~YIELDED;
    if (helper_running()) tell( PORTGUARD_RETAKE, protocol, port );
    else local_try( protocol, port );
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
        if (!(flags & WANTED) || (flags & YIELDED) || local_guarded( protocol, port )) continue;
        tried++;
        local_try( protocol, port );
    }
    if (tried == MAX_RETRIES) local_missing = 1;
}

void guard_tick(void)
{
    /* The helper tries again by itself. */
    if (helper_running() && !helper_alive()) recover();
    if (!helper_running() && local_missing) retry_locally();
}
