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

#include <stdlib.h>
#include <string.h>

#include "guard_helper.h"
#include "guard_stream.h"
#include "log.h"
#include "port_list.h"
#include "task.h"

#define PLAIN_TIMEOUT  10000  /* ms; before the main loop runs nobody is served anyway */
#define START_TIMEOUT  6000   /* ms; it may have to end the one of before first */
#define SILENT_TIMEOUT 15000  /* ms after which a helper that does not answer is replaced */
#define START_TRIES    3      /* at once: what is short may be there a moment later, and one of before may have guards that only it can open */
#define MANY_PORTS     256    /* a request for so many is not answered while one looks for the answer */
#define RETRY_TIME     1000   /* ms between two tries to start one, doubled each time */
#define MAX_RETRY_TIME 640000

/* a request whose reply has not come */
struct call
{
    struct port_list         entry;
    struct task             *task;       /* that waits for it, if any */
    uint64_t                 time;       /* of the request */
    enum { WAITING, ANSWERED, LOST } state;
    int                      abandoned;  /* nobody waits; free it when the reply comes */
    struct portguard_request req;
    struct portguard_reply   reply;
    void                    *out;
    size_t                   out_size;
};

/* a task that waits for the helper's start */
struct waiter
{
    struct port_list entry;
    struct task     *task;
    int              woken;
};

static enum helper_state state;
static int loop_runs;
static int silent;                /* a request was given up, and no reply has come since */
static int elsewhere;
static uint64_t next_start;       /* when it may be tried again */
static unsigned int retry_time = RETRY_TIME;
static const char *last_failure;  /* what was logged when the last one could not be started */
static unsigned int stream_count; /* tells streams apart */
static uint32_t last_serial;
static struct port_list calls = { &calls, &calls };
static struct port_list waiters = { &waiters, &waiters };
static struct portguard_reply info;
static int info_is_old;           /* something was told since, and not answered, or is not done */
static uint32_t told_serial;      /* the last of what was told */

/* what has arrived of the next reply */
static union
{
    struct portguard_reply header;
    char bytes[PORTGUARD_MAX_REPLY];
} incoming;
static size_t incoming_size;

static void wake_waiters(void)
{
    struct port_list *cursor, *after;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &waiters )
    {
        struct waiter *waiter = PORT_LIST_ENTRY( cursor, struct waiter, entry );

        port_list_remove( &waiter->entry );
        waiter->woken = 1;
        task_wake( waiter->task );
    }
}

/* The stream is of no use: nobody gets an answer from it. */
static void close_stream(void)
{
    struct port_list *cursor, *after;

    state = HELPER_NONE;
    silent = 0;
    incoming_size = 0;
    stream_count++;
    memset( &info, 0, sizeof(info) );
    stream_close();
    PORT_LIST_FOR_EACH_SAFE( cursor, after, &calls )
    {
        struct call *call = PORT_LIST_ENTRY( cursor, struct call, entry );

        port_list_remove( &call->entry );
        call->state = LOST;
        if (call->abandoned) free( call );
        else if (call->task) task_wake( call->task );
    }
}

static struct call *add_call( const struct portguard_request *req, void *out, size_t out_size, int abandoned )
{
    struct call *call = calloc( 1, sizeof(*call) );

    if (!call) return NULL;
    call->task = abandoned ? NULL : task_current();
    call->time = task_now();
    call->abandoned = abandoned;
    call->req = *req;
    call->out = out;
    call->out_size = out_size;
    port_list_add_tail( &calls, &call->entry );
    return call;
}

static int send_message( struct portguard_request *req, const void *more, size_t more_size )
{
    return stream_send( req, sizeof(*req) ) && (!more_size || stream_send( more, more_size ));
}

/* It can't be started. That is tried again and again, and said once. */
static void failed( const char *why )
{
    if (why != last_failure) log_message( "%s; native programs can bind to reserved TCP ports", why );
    last_failure = why;
    next_start = task_now() + retry_time;
    if (retry_time < MAX_RETRY_TIME) retry_time *= 2;
}

static void start(void)
{
    struct portguard_request req = { 0 };
    const char *error;

    if ((error = stream_open()))
    {
        failed( error );
        return;
    }
    state = HELPER_STARTING;
    req.size = sizeof(req);
    req.op = PORTGUARD_HELLO;
    req.serial = ++last_serial;
    req.count = PORTGUARD_VERSION;
    if (add_call( &req, NULL, 0, 1 ) && send_message( &req, NULL, 0 )) return;
    close_stream();
    failed( "there is no memory for portguard" );
}

/* It is gone, or has to be given up. Another one takes its place, unless this one never answered. */
static void lost( const char *why )
{
    int answered = state == HELPER_RUNS;

    close_stream();
    if (answered)
    {
        log_message( "%s; starting another one", why );
        start();
    }
    else failed( why );
    if (state == HELPER_NONE) helper_lost();
    wake_waiters();
}

static void ask_for_ring(void)
{
    struct portguard_request req = { .size = sizeof(req), .op = PORTGUARD_OPEN_RING, .serial = ++last_serial };

    if (!add_call( &req, NULL, sizeof(struct portguard_ring), 1 ) || !send_message( &req, NULL, 0 ))
        lost( "portguard takes no more requests" );
}

/* Should there be no ring, the stream carries everything. Returns 0 when it is broken. */
static int use_ring( const struct portguard_ring *place )
{
    struct portguard_request req = { .size = sizeof(req), .op = PORTGUARD_USE_RING, .flags = PORTGUARD_NO_REPLY };

    if (!stream_open_ring( place )) return 1;
    req.serial = ++last_serial;
    return send_message( &req, NULL, 0 ) && stream_start_ring();
}

/* the answer to the first request */
static void hello( const struct portguard_reply *reply )
{
    elsewhere = reply->status == STATUS_NOT_SUPPORTED;
    if (!reply->status && reply->port == PORTGUARD_VERSION) ask_for_ring();
    else if (elsewhere) lost( "portguard is in another network than wineserver, and can't go there" );
    else lost( "portguard is of another version; install again" );
}

/* Without a wineserver portguard knows of no other one of the prefix either, which may have guards that are still wanted. */
static void check_wineserver( const struct portguard_reply *reply )
{
    static int told;

    if (told || (reply->info & PORTGUARD_INFO_LINGERS)) return;
    told = 1;
    log_message( "portguard does not find this prefix's wineserver in /proc: its guards end with the server, and those of the server before "
                 "may be in the way for some minutes" );
}

/* the answer to the second one */
static void ring_opened( const struct portguard_reply *reply )
{
    struct portguard_ring place;

    memcpy( &place, reply + 1, sizeof(place) );
    if (!reply->status && !use_ring( &place ))
    {
        lost( "portguard takes no more requests" );
        return;
    }
    state = HELPER_RUNS;
    retry_time = RETRY_TIME;
    last_failure = NULL;
    check_wineserver( reply );
    helper_started();
    wake_waiters();
}

/* Replies to large blocks may come after those to what was asked later. */
static struct call *find_call( uint32_t serial )
{
    struct port_list *cursor, *after;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &calls )
    {
        struct call *call = PORT_LIST_ENTRY( cursor, struct call, entry );

        if (call->req.serial == serial) return call;
    }
    return NULL;
}

/* Take the reply that has arrived. Returns 0 when it makes no sense. */
static int take_reply( const struct portguard_reply *reply )
{
    struct call *call = find_call( reply->serial );
    size_t size = reply->size - sizeof(*reply);

    if (!call) return 0;
    /* what is abandoned has no place for the rest, which stays where it is */
    if (size != (reply->status ? 0 : call->out_size)) return 0;
    if (silent) log_message( "portguard answers again" );
    silent = 0;
    info = *reply;
    if (reply->info & PORTGUARD_INFO_PENDING) info_is_old = 1;
    else if ((int32_t)(reply->serial - told_serial) > 0) info_is_old = 0;
    port_list_remove( &call->entry );
    call->reply = *reply;
    call->state = ANSWERED;
    if (call->req.op == PORTGUARD_HELLO) hello( reply );
    else if (call->req.op == PORTGUARD_OPEN_RING) ring_opened( reply );
    else
    {
        if (!call->abandoned && size) memcpy( call->out, reply + 1, size );
        helper_replied( &call->req, reply, call->abandoned );
    }
    if (call->abandoned) free( call );
    else if (call->task) task_wake( call->task );
    return 1;
}

void helper_received( const void *data, size_t size )
{
    const char *ptr = data;
    unsigned int stream = stream_count;

    while (size && stream == stream_count)
    {
        size_t wanted = sizeof(incoming.header), part;

        if (incoming_size >= wanted) wanted = incoming.header.size;
        part = wanted - incoming_size < size ? wanted - incoming_size : size;
        memcpy( incoming.bytes + incoming_size, ptr, part );
        incoming_size += part;
        ptr += part;
        size -= part;
        if (incoming_size < sizeof(incoming.header)) return;
        if (incoming.header.size < sizeof(incoming.header) || incoming.header.size > sizeof(incoming))
        {
            lost( "portguard said something that makes no sense" );
            return;
        }
        if (incoming_size < incoming.header.size) continue;
        incoming_size = 0;
        if (take_reply( &incoming.header )) continue;
        lost( "portguard answered what it was not asked" );
        return;
    }
}

void helper_ended(void)
{
    if (state == HELPER_RUNS) lost( "portguard has ended" );
    else if (state == HELPER_STARTING) lost( "portguard ended without an answer" );
}

void helper_init(void)
{
    unsigned int tries;
    uint64_t end;

    for (tries = 0; tries < START_TRIES && state != HELPER_RUNS; tries++)
    {
        end = task_now() + START_TIMEOUT;
        start();
        while (state == HELPER_STARTING && task_now() < end)
            if (!stream_wait( end - task_now() )) break;
        if (state == HELPER_STARTING)
        {
            lost( "portguard does not answer" );
            break;
        }
    }
}

void helper_run(void)
{
    loop_runs = 1;
    stream_run();
}

void helper_quit(void)
{
    struct portguard_request req = { 0 };

    if (state == HELPER_NONE) return;
    req.size = sizeof(req);
    req.op = PORTGUARD_QUIT;
    req.serial = ++last_serial;
    send_message( &req, NULL, 0 );
    close_stream();
}

void helper_tick(void)
{
    struct call *first = port_list_empty( &calls ) ? NULL : PORT_LIST_ENTRY( calls.next, struct call, entry );

    if (state == HELPER_NONE && task_now() >= next_start)
    {
        start();
        if (state == HELPER_NONE) wake_waiters();
    }
    else if (state == HELPER_STARTING && first && task_now() > first->time + START_TIMEOUT)
        lost( "portguard does not answer" );
    /* the new one ends it, whatever holds it */
    else if (state == HELPER_RUNS && silent && first && task_now() > first->time + SILENT_TIMEOUT)
        lost( "portguard still does not answer" );
    else if (state == HELPER_RUNS && info_is_old && !first)
    {
        struct portguard_request req = { .op = PORTGUARD_INFO };

        helper_send( &req, 1 );
    }
    /* what there was no room for */
    else if (state == HELPER_RUNS && !stream_send( "", 0 )) lost( "portguard takes no more requests" );
}

enum helper_state helper_state(void)
{
    struct task *task = task_current();
    struct waiter *waiter;

    if (state != HELPER_STARTING || !task || !(waiter = calloc( 1, sizeof(*waiter) ))) return state;
    waiter->task = task;
    port_list_add_tail( &waiters, &waiter->entry );
    while (!waiter->woken && task_wait()) ;
    if (!waiter->woken) port_list_remove( &waiter->entry );
    free( waiter );
    return state;
}

enum helper_state helper_state_now(void)
{
    return state;
}

int helper_is_silent(void)
{
    return silent;
}

int helper_is_elsewhere(void)
{
    return elsewhere;
}

const struct portguard_reply *helper_info(void)
{
    return &info;
}

enum helper_result helper_call( struct portguard_request *req, const void *more, size_t more_size,
                                struct portguard_reply *reply, void *out, size_t out_size )
{
    struct task *task = task_current();
    enum helper_result ret = HELPER_DONE;
    struct call *call;
    uint64_t end = task_now() + PLAIN_TIMEOUT;

    if (state != HELPER_RUNS) return state == HELPER_STARTING ? HELPER_SILENT : HELPER_GONE;
    if (loop_runs && !task) return HELPER_SILENT;  /* the main loop does not wait */
    req->size = sizeof(*req) + more_size;
    req->serial = ++last_serial;
    if (!(call = add_call( req, out, out_size, 0 ))) return HELPER_SILENT;
    if (!send_message( req, more, more_size ))
    {
        lost( "portguard takes no more requests" );
        free( call );
        return HELPER_GONE;
    }
    if (req->op != PORTGUARD_GUARD || req->count < MANY_PORTS)
        while (call->state == WAITING && !silent && stream_spin()) ;
    while (call->state == WAITING)
        if (!(task ? task_wait() : stream_wait( end > task_now() ? end - task_now() : 0 ))) break;
    if (call->state == WAITING)
    {
        if (!silent) log_message( "portguard does not answer; what needs it fails until it does" );
        silent = 1;
        call->abandoned = 1;
        call->task = NULL;
        return HELPER_SILENT;
    }
    if (call->state == LOST) ret = HELPER_GONE;
    *reply = call->reply;
    free( call );
    return ret;
}

void helper_send( struct portguard_request *req, int wants_reply )
{
    if (state != HELPER_RUNS) return;
    req->size = sizeof(*req);
    req->serial = ++last_serial;
    if (!wants_reply || !add_call( req, NULL, 0, 1 ))
    {
        req->flags |= PORTGUARD_NO_REPLY;
        info_is_old = 1;
        told_serial = req->serial;
    }
    if (!send_message( req, NULL, 0 )) lost( "portguard takes no more requests" );
}

int helper_is_waiting( enum portguard_op op, uint32_t protocol, uint32_t first )
{
    struct port_list *cursor, *after;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &calls )
    {
        const struct call *call = PORT_LIST_ENTRY( cursor, struct call, entry );

        if (!call->abandoned && call->req.op == (uint32_t)op && call->req.protocol == protocol && call->req.first == first) return 1;
    }
    return 0;
}
