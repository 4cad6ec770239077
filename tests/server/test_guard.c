/*
 * Tests of the server's half of the guards, and of tasks
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard.h"
#include "guard_helper.h"
#include "guard_local.h"
#include "guard_stream.h"
#include "log.h"
#include "task.h"
#include "test.h"

/*** a stream to a helper that does as the test wants ***/

static int stream_is_open, loop_runs, opened, refuse_to_open, refuse_to_send;
static char sent[1 << 20];
static size_t sent_len, sent_pos;
static int answer_hello = 1;
static int logged;
static char last_log[512];
static unsigned int guard_count = 7;  /* that the helper tells of */

void log_message( const char *format, ... )
{
    va_list args;

    logged++;
    va_start( args, format );
    vsnprintf( last_log, sizeof(last_log), format, args );
    va_end( args );
}

const char *stream_open(void)
{
    if (refuse_to_open) return "no helper";
    stream_is_open = 1;
    opened++;
    sent_len = sent_pos = 0;
    return NULL;
}

void stream_close(void)
{
    stream_is_open = 0;
}

int stream_send( const void *data, size_t size )
{
    if (!stream_is_open || refuse_to_send || sent_len + size > sizeof(sent)) return 0;
    memcpy( sent + sent_len, data, size );
    sent_len += size;
    return 1;
}

/* the next request that the helper was sent; op is 0 when there is none */
static struct portguard_request next_request(void)
{
    struct portguard_request req = { 0 };

    if (sent_len - sent_pos < sizeof(req)) return req;
    memcpy( &req, sent + sent_pos, sizeof(req) );
    ok( req.size >= sizeof(req) && req.size <= sent_len - sent_pos, "got %u bytes", req.size );
    sent_pos += req.size;
    return req;
}

static uint32_t reply_info;  /* what replies say */

static void reply_with( const struct portguard_request *req, NTSTATUS status, unsigned int port, const void *more, size_t size )
{
    struct portguard_reply reply = { 0 };

    reply.size = sizeof(reply) + size;
    reply.serial = req->serial;
    reply.status = status;
    reply.port = port;
    reply.guards = guard_count;
    reply.limit = 1000;
    reply.info = reply_info;
    helper_received( &reply, sizeof(reply) );
    if (size) helper_received( more, size );
}

static int ring_opens, rings;

int stream_open_ring( const struct portguard_ring *place )
{
    ok( place->pid == 77, "got process %u", place->pid );
    return ring_opens;
}

int stream_start_ring(void)
{
    return ++rings;
}

int stream_spin(void)
{
    return 0;
}

static void reply_hello(void)
{
    static const struct portguard_ring ring = { .pid = 77 };
    struct portguard_request req = next_request();

    ok( req.op == PORTGUARD_HELLO && req.count == PORTGUARD_VERSION, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, PORTGUARD_VERSION, NULL, 0 );
    req = next_request();
    ok( req.op == PORTGUARD_OPEN_RING, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, &ring, sizeof(ring) );
    if (!ring_opens) return;
    req = next_request();
    ok( req.op == PORTGUARD_USE_RING, "got request %u", req.op );
}

int stream_wait( unsigned int timeout )
{
    (void)timeout;
    if (loop_runs || !answer_hello || sent_pos == sent_len) return 0;
    reply_hello();
    return 1;
}

void stream_run(void)
{
    loop_runs = 1;
}

/* guards of Wine's sockets */

static unsigned char local[2][65536];

NTSTATUS local_guard( int protocol, unsigned int port )
{
    ok( !local[protocol == PROTOCOL_UDP][port], "port %u has a guard already", port );
    local[protocol == PROTOCOL_UDP][port] = 1;
    return STATUS_SUCCESS;
}

void local_release( int protocol, unsigned int port )
{
    local[protocol == PROTOCOL_UDP][port] = 0;
}

int local_guarded( int protocol, unsigned int port )
{
    return local[protocol == PROTOCOL_UDP][port];
}

/*** tasks ***/

static unsigned int local_variable;
static char trace[256];

struct step
{
    struct task task;
    const char *name;
    int waits;
};

static void add_trace( const char *name, const char *what )
{
    size_t len = strlen( trace );

    snprintf( trace + len, sizeof(trace) - len, "%s%s ", name, what );
}

static void step_func( void *arg )
{
    struct step *step = arg;

    ok( !local_variable, "%s starts with %u", step->name, local_variable );
    ok( task_current() == &step->task, "another task runs" );
    local_variable = (unsigned char)step->name[0];
    add_trace( step->name, "+" );
    while (step->waits--) add_trace( step->name, task_wait() ? "w" : "t" );
    ok( local_variable == (unsigned char)step->name[0], "%s goes on with %u", step->name, local_variable );
    add_trace( step->name, "-" );
}

static void test_tasks(void)
{
    static struct step a = { .name = "a", .waits = 2 }, b = { .name = "b", .waits = 1 }, c = { .name = "c" };
    static struct step many[1100];
    uint64_t start = task_now();
    unsigned int next, i;

    ok( !task_current(), "there is a task" );
    ok( !task_wait(), "the main loop waits" );
    next = task_run();
    ok( next == (unsigned int)-1, "got %u", next );
    task_start( &a.task, step_func, &a, 10000 );
    ok( !local_variable, "got %u", local_variable );
    task_start( &b.task, step_func, &b, 100 );
    task_start( &c.task, step_func, &c, 10000 );
    ok( !strcmp( trace, "a+ b+ c+ c- " ), "got %s", trace );
    next = task_run();
    ok( next > 0 && next <= 100, "got %u", next );
    task_wake( &a.task );
    task_wake( &a.task );
    ok( !strcmp( trace, "a+ b+ c+ c- " ), "it runs too early: %s", trace );
    task_run();
    ok( !strcmp( trace, "a+ b+ c+ c- aw " ), "got %s", trace );
    usleep( 120000 );
    next = task_run();
    ok( !strcmp( trace, "a+ b+ c+ c- aw bt b- " ), "got %s", trace );
    ok( next > 1000 && next <= 10000, "got %u", next );
    task_wake( &a.task );
    task_run();
    ok( !strcmp( trace, "a+ b+ c+ c- aw bt b- aw a- " ), "got %s", trace );
    ok( task_run() == (unsigned int)-1, "a task is left" );

    /* more than there are stacks for: the others wait for their turn, and none is lost */
    for (i = 0; i < 1100; i++)
    {
        many[i].name = "m";
        many[i].waits = 1;
        task_start( &many[i].task, step_func, &many[i], 60000 );
        trace[0] = 0;
    }
    task_run();
    for (i = 0; i < 1100; i++)
    {
        task_wake( &many[i].task );
        trace[0] = 0;
    }
    task_run();
    trace[0] = 0;
    task_run();
    for (i = 0; i < 1100 && many[i].waits < 0; i++) ;
    ok( i == 1100, "task %u has not ended", i );
    ok( task_run() == (unsigned int)-1, "a task is left" );
    ok( task_now() - start < 5000, "took %u ms", (unsigned int)(task_now() - start) );
}

/*** the guards ***/

#define TCP PROTOCOL_TCP
#define UDP PROTOCOL_UDP

struct job
{
    struct task task;
    int (*func)( struct job *job );  /* returns an NTSTATUS */
    int protocol;
    unsigned int port, count, busy;
    NTSTATUS status;
    int done;
    const uint64_t *inodes;
    unsigned char map[8192];
};

static void run_job( void *arg )
{
    struct job *job = arg;

    job->status = job->func( job );
    job->done = 1;
}

static int do_guard( struct job *job )
{
    return guard_ports( job->protocol, job->port, job->count, GUARD_RUNTIME, 0, &job->busy );
}

static int do_yield( struct job *job )
{
    return guard_yield( job->protocol, job->port );
}

static int do_share( struct job *job )
{
    return guard_share( job->protocol, job->port, 1 );
}

static int do_busy( struct job *job )
{
    return guard_busy_ports( job->protocol, job->map );
}

static int do_find( struct job *job )
{
    return guard_find_socks( job->inodes, job->count, job->map );
}

/* time: ms, then it is over */
static void begin( struct job *job, int (*func)( struct job *job ), int protocol, unsigned int port, unsigned int count, unsigned int time )
{
    memset( job, 0, sizeof(*job) );
    job->func = func;
    job->protocol = protocol;
    job->port = port;
    job->count = count;
    task_start( &job->task, run_job, job, time );
}

#define check_request( req, o, p, f, c ) check_request_( __LINE__, req, o, p, f, c )
static void check_request_( int line, const struct portguard_request *req, unsigned int op, unsigned int protocol, unsigned int first,
                            unsigned int count )
{
    ok( req->op == op && req->protocol == protocol && req->first == first && req->count == count,
        "line %d: got request %u, %u %u %u", line, req->op, req->protocol, req->first, req->count );
}

#define check_quiet() check_quiet_( __LINE__ )
static void check_quiet_( int line )
{
    struct portguard_request req = next_request();

    ok( !req.op, "line %d: got request %u, %u %u %u", line, req.op, req.protocol, req.first, req.count );
}

static void check_done( struct job *job, NTSTATUS status )
{
    task_run();
    ok( job->done, "it does not end" );
    ok( job->status == status, "got %x, expected %x", job->status, status );
}

/* Let the time of a task pass without an answer. Returns its request, which is to be answered too late. */
static struct portguard_request give_up( struct job *job, int (*func)( struct job *job ), int protocol, unsigned int port, unsigned int count )
{
    struct portguard_request req;

    begin( job, func, protocol, port, count, 30 );
    req = next_request();
    usleep( 50000 );
    check_done( job, STATUS_INSUFFICIENT_RESOURCES );
    return req;
}

static void answer( struct job *job, NTSTATUS status )
{
    struct portguard_request req = next_request();

    check_request( &req, job->func == do_guard ? PORTGUARD_GUARD : PORTGUARD_YIELD, job->protocol, job->port, job->count );
    reply_with( &req, status, job->port, NULL, 0 );
}

/* "no handler waits for it": each waits in its task, others are served, and answers find their way. */
static void test_answers(void)
{
    static const uint64_t inodes[] = { 3, 5, 7 };
    static unsigned char map[8192];
    struct portguard_request req;
    struct guard_info info;
    struct job a, b;

    begin( &a, do_guard, TCP, 1000, 5, 1000 );
    begin( &b, do_guard, UDP, 1000, 6, 1000 );
    ok( !a.done && !b.done, "no answer, but an end" );
    answer( &a, STATUS_SUCCESS );
    ok( !a.done, "the main loop did not have its turn" );
    check_done( &a, STATUS_SUCCESS );
    ok( !b.done, "another's answer" );
    answer( &b, STATUS_SHARING_VIOLATION );
    check_done( &b, STATUS_SHARING_VIOLATION );
    ok( b.busy == 1000, "got port %u", b.busy );
    guard_get_info( &info );
    ok( info.guards == 7 && info.limit == 1000, "got %u of %u", info.guards, info.limit );
    ok( info.flags == (GUARD_COVERS_EPHEMERAL | GUARD_COVERS_WINE | GUARD_COVERS_NATIVE), "got flags %x", info.flags );

    begin( &a, do_yield, TCP, 1002, 1, 1000 );
    answer( &a, STATUS_SHARING_VIOLATION );
    check_done( &a, STATUS_SHARING_VIOLATION );
    guard_retake( TCP, 1002 );
    check_quiet();  /* nothing to take back */
    begin( &a, do_yield, TCP, 1002, 1, 1000 );
    answer( &a, STATUS_SUCCESS );
    check_done( &a, STATUS_SUCCESS );
    ok( guard_stands( TCP, 1002 ) && guard_stands( TCP, 1004 ) && !guard_stands( TCP, 1005 ) && !guard_stands( UDP, 1002 ),
        "a guard of TCP stays beside the sockets of its owner" );
    begin( &a, do_yield, TCP, 1002, 1, 1000 );
    check_done( &a, STATUS_SUCCESS );  /* it is already */
    check_quiet();
    guard_retake( TCP, 1002 );
    req = next_request();
    check_request( &req, PORTGUARD_RETAKE, TCP, 1002, 1 );
    begin( &a, do_yield, TCP, 2000, 1, 1000 );
    check_done( &a, STATUS_SUCCESS );  /* no guard is in the way */
    check_quiet();

    begin( &a, do_busy, UDP, 0, 0, 1000 );
    req = next_request();
    check_request( &req, PORTGUARD_BUSY_PORTS, UDP, 0, 0 );
    map[100] = 0xff;
    reply_with( &req, STATUS_SUCCESS, 0, map, sizeof(map) );
    check_done( &a, STATUS_SUCCESS );
    ok( !memcmp( a.map, map, sizeof(map) ), "another map" );

    memset( &a, 0, sizeof(a) );
    a.func = do_find;
    a.inodes = inodes;
    a.count = 3;
    task_start( &a.task, run_job, &a, 1000 );
    req = next_request();
    check_request( &req, PORTGUARD_FIND_SOCKS, 0, 0, 3 );
    ok( req.size == sizeof(req) + sizeof(inodes) && !memcmp( sent + sent_len - sizeof(inodes), inodes, sizeof(inodes) ), "got %u bytes", req.size );
    reply_with( &req, STATUS_SUCCESS, 0, "\1\0\1", 3 );
    check_done( &a, STATUS_SUCCESS );
    ok( !memcmp( a.map, "\1\0\1", 3 ), "got %u %u %u", a.map[0], a.map[1], a.map[2] );

    /* what a helper may say, and what gets to clients */
    begin( &a, do_guard, TCP, 3000, 1, 1000 );
    answer( &a, STATUS_TOO_MANY_OPENED_FILES );
    check_done( &a, STATUS_INSUFFICIENT_RESOURCES );
    begin( &a, do_guard, TCP, 3000, 1, 1000 );
    answer( &a, (NTSTATUS)0x12345678 );
    check_done( &a, STATUS_INSUFFICIENT_RESOURCES );

    /* out of a task the main loop does not wait, and asks nothing */
    ok( guard_ports( TCP, 3000, 1, GUARD_RUNTIME, 0, &a.busy ) == STATUS_INSUFFICIENT_RESOURCES, "the main loop waits" );
    ok( guard_yield( TCP, 1000 ) == STATUS_INSUFFICIENT_RESOURCES, "the main loop waits" );
    check_quiet();

    guard_release( TCP, 1000, 5 );
    req = next_request();
    check_request( &req, PORTGUARD_RELEASE, TCP, 1000, 5 );
    ok( req.flags & PORTGUARD_NO_REPLY, "a release wants a reply" );
    /* how many guards there are now is asked later, once */
    guard_tick();
    req = next_request();
    ok( req.op == PORTGUARD_INFO, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    guard_tick();
    check_quiet();
}

/* "a failed call leaves nothing": what was asked of a helper that does not answer is taken back when it answers at last. */
static void test_silence(void)
{
    struct portguard_request guard, yield, others[3], req;
    struct guard_info info;
    struct job a, b, c;
    unsigned int i;

    begin( &a, do_guard, TCP, 4000, 4, 1000 );
    answer( &a, STATUS_SUCCESS );
    check_done( &a, STATUS_SUCCESS );

    logged = 0;
    begin( &a, do_guard, TCP, 5000, 5, 30 );
    guard = next_request();
    begin( &b, do_yield, TCP, 4001, 1, 30 );
    yield = next_request();
    usleep( 50000 );
    check_done( &a, STATUS_INSUFFICIENT_RESOURCES );
    check_done( &b, STATUS_INSUFFICIENT_RESOURCES );
    ok( logged == 1, "logged %d times", logged );
    guard_get_info( &info );
    ok( info.flags & GUARD_SILENT, "got flags %x", info.flags );
    check_quiet();  /* nobody knows yet whether there is something to be taken back */

    /* now it goes on, with others waiting */
    begin( &c, do_guard, UDP, 5000, 1, 1000 );
    others[0] = next_request();
    reply_with( &guard, STATUS_SUCCESS, 0, NULL, 0 );
    req = next_request();
    check_request( &req, PORTGUARD_RELEASE, TCP, 5000, 5 );
    reply_with( &yield, STATUS_SUCCESS, 0, NULL, 0 );
    req = next_request();
    check_request( &req, PORTGUARD_RETAKE, TCP, 4001, 1 );
    reply_with( &others[0], STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &c, STATUS_SUCCESS );
    guard_get_info( &info );
    ok( !(info.flags & GUARD_SILENT), "got flags %x", info.flags );
    ok( logged == 2, "logged %d times", logged );

    /* what failed there as well needs nothing; and the next one's yield is not taken back for the one before */
    begin( &a, do_guard, TCP, 5000, 5, 30 );
    guard = next_request();
    begin( &b, do_yield, TCP, 4001, 1, 30 );
    yield = next_request();
    usleep( 50000 );
    task_run();
    begin( &c, do_yield, TCP, 4001, 1, 1000 );
    others[0] = next_request();
    reply_with( &guard, STATUS_SHARING_VIOLATION, 5001, NULL, 0 );
    reply_with( &yield, STATUS_SUCCESS, 0, NULL, 0 );
    check_quiet();
    reply_with( &others[0], STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &c, STATUS_SUCCESS );
    check_quiet();
    guard_retake( TCP, 4001 );
    req = next_request();
    check_request( &req, PORTGUARD_RETAKE, TCP, 4001, 1 );

    /* a share as well */
    begin( &a, do_share, UDP, 6000, 1, 30 );
    guard = next_request();
    check_request( &guard, PORTGUARD_SHARE, UDP, 6000, 1 );
    usleep( 50000 );
    check_done( &a, STATUS_INSUFFICIENT_RESOURCES );
    reply_with( &guard, STATUS_SUCCESS, 0, NULL, 0 );
    req = next_request();
    check_request( &req, PORTGUARD_RELEASE, UDP, 6000, 1 );

    /* how many guards there are is asked again, when the last that was heard of it is from before the end of some */
    begin( &a, do_guard, TCP, 5000, 5, 30 );
    guard = next_request();
    begin( &b, do_yield, TCP, 4002, 1, 30 );
    yield = next_request();
    usleep( 50000 );
    task_run();
    guard_count = 12;
    reply_with( &guard, STATUS_SUCCESS, 0, NULL, 0 );
    reply_with( &yield, STATUS_SHARING_VIOLATION, 0, NULL, 0 );
    req = next_request();
    check_request( &req, PORTGUARD_RELEASE, TCP, 5000, 5 );
    guard_count = 7;
    guard_tick();
    req = next_request();
    ok( req.op == PORTGUARD_INFO, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    guard_get_info( &info );
    ok( info.guards == 7, "got %u", info.guards );
    guard_tick();
    check_quiet();

    /* a map has no place any more */
    guard = give_up( &a, do_busy, TCP, 0, 0 );
    {
        static const unsigned char map[8192] = { 0xff };

        reply_with( &guard, STATUS_SUCCESS, 0, map, sizeof(map) );
    }
    ok( !a.map[0], "the map was written to" );
    for (i = 0; i < sizeof(a.map) && !a.map[i]; i++) ;
    ok( i == sizeof(a.map), "the map was written to" );
    guard_release( TCP, 4000, 4 );
    guard_release( UDP, 5000, 1 );
    next_request();
    next_request();
    check_quiet();
}

/* The helper ends: the next one is told what it has to know, and what waited is asked anew. */
static void test_end(void)
{
    struct portguard_request req;
    struct guard_info info;
    struct job a, b;
    int before = opened;

    begin( &a, do_guard, TCP, 4000, 4, 1000 );
    answer( &a, STATUS_SUCCESS );
    task_run();
    begin( &a, do_yield, TCP, 4002, 1, 1000 );
    answer( &a, STATUS_SUCCESS );
    task_run();
    begin( &a, do_guard, UDP, 7000, 2, 5000 );
    begin( &b, do_yield, TCP, 4003, 1, 5000 );
    helper_ended();
    ok( opened == before + 1, "%d helpers were started", opened - before );
    task_run();
    ok( !a.done && !b.done, "they don't wait for the next one" );
    guard_release( TCP, 4000, 1 );  /* meanwhile */
    reply_hello();
    req = next_request();
    check_request( &req, PORTGUARD_GUARD, TCP, 4001, 1 );
    ok( req.flags == (PORTGUARD_FORCE | PORTGUARD_NO_REPLY), "got flags %x", req.flags );
    req = next_request();
    check_request( &req, PORTGUARD_GUARD, TCP, 4002, 1 );
    req = next_request();
    check_request( &req, PORTGUARD_YIELD, TCP, 4002, 1 );
    ok( req.flags == (PORTGUARD_FORCE | PORTGUARD_NO_REPLY), "got flags %x", req.flags );
    req = next_request();
    check_request( &req, PORTGUARD_GUARD, TCP, 4003, 1 );
    req = next_request();
    ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    task_run();
    answer( &a, STATUS_SUCCESS );
    check_done( &a, STATUS_SUCCESS );
    answer( &b, STATUS_SUCCESS );
    check_done( &b, STATUS_SUCCESS );
    check_quiet();

    /* nor can it be started: Wine's sockets have to do, until it can */
    refuse_to_open = 1;
    logged = 0;
    helper_ended();
    ok( local[0][4001] && !local[0][4002] && local[1][7000], "no guards of Wine's sockets" );
    guard_get_info( &info );
    ok( !(info.flags & GUARD_COVERS_NATIVE), "got flags %x", info.flags );
    ok( info.guards == 3 && !info.missing, "got %u guards, %u missing", info.guards, info.missing );
    ok( guard_ports( TCP, 8000, 2, GUARD_RUNTIME, 0, &a.busy ) == STATUS_SUCCESS, "no guards of Wine's sockets" );
    ok( local[0][8001], "no guards of Wine's sockets" );
    ok( guard_yield( TCP, 8001 ) == STATUS_SUCCESS && !local[0][8001], "a guard is in the way" );
    guard_retake( TCP, 8001 );
    ok( local[0][8001], "no guard" );
    ok( guard_busy_ports( TCP, a.map ) == STATUS_NOT_SUPPORTED, "who tells?" );
    ok( logged == 2, "logged %d times", logged );  /* that it has ended, and that there is no other */
    refuse_to_open = 0;
    usleep( 10000 );
    guard_tick();
    ok( !stream_is_open, "it is tried again at once" );
    for (before = 0; before < 105 && !stream_is_open; before++)
    {
        usleep( 100000 );
        guard_tick();
    }
    ok( stream_is_open, "it is not tried again" );
    reply_hello();
    ok( !local[0][4001] && !local[0][8000], "guards of Wine's sockets are left, and in the way of the helper's" );
    do req = next_request();
    while (req.op && req.op != PORTGUARD_FORGET);
    ok( req.op == PORTGUARD_FORGET, "the helper is not told" );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    guard_release( TCP, 4001, 3 );
    guard_release( TCP, 8000, 2 );
    guard_release( UDP, 7000, 2 );
    while (next_request().op) ;
}

/* A reply to a large block may come later than those to what was asked after it, and finds who waits for it. */
static void test_order(void)
{
    struct portguard_request large, small, told, req;
    struct job a, b, c;

    begin( &a, do_guard, TCP, 20000, 5000, 5000 );
    begin( &b, do_guard, TCP, 30000, 1, 5000 );
    begin( &c, do_guard, UDP, 20000, 1, 5000 );
    large = next_request();
    check_request( &large, PORTGUARD_GUARD, TCP, 20000, 5000 );
    small = next_request();
    answer( &c, STATUS_SHARING_VIOLATION );
    check_done( &c, STATUS_SHARING_VIOLATION );
    ok( !a.done && !b.done, "another's answer" );
    reply_with( &small, STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &b, STATUS_SUCCESS );
    ok( guard_stands( TCP, 30000 ) && !guard_stands( TCP, 20000 ), "another's answer" );
    begin( &b, do_yield, TCP, 30000, 1, 5000 );
    answer( &b, STATUS_SUCCESS );
    check_done( &b, STATUS_SUCCESS );
    reply_with( &large, STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &a, STATUS_SUCCESS );
    ok( guard_stands( TCP, 20000 ) && guard_stands( TCP, 24999 ) && !guard_stands( TCP, 25000 ), "another block" );
    guard_release( TCP, 20000, 5000 );
    guard_release( TCP, 30000, 1 );
    next_request();
    next_request();

    /* too late, while others are answered */
    large = give_up( &a, do_guard, TCP, 20000, 5000 );
    begin( &b, do_guard, TCP, 30000, 1, 5000 );
    small = next_request();
    reply_with( &small, STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &b, STATUS_SUCCESS );
    check_quiet();
    reply_with( &large, STATUS_SUCCESS, 0, NULL, 0 );
    req = next_request();
    check_request( &req, PORTGUARD_RELEASE, TCP, 20000, 5000 );
    ok( !guard_stands( TCP, 20000 ), "it is guarded" );

    /* how many guards there are is asked once more, when the last answer is to what was asked before something was told */
    begin( &a, do_guard, TCP, 20000, 5000, 5000 );
    large = next_request();
    guard_release( TCP, 30000, 1 );
    told = next_request();
    check_request( &told, PORTGUARD_RELEASE, TCP, 30000, 1 );
    reply_with( &large, STATUS_SUCCESS, 0, NULL, 0 );
    check_done( &a, STATUS_SUCCESS );
    guard_tick();
    req = next_request();
    ok( req.op == PORTGUARD_INFO, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    guard_release( TCP, 20000, 5000 );
    next_request();
    guard_tick();
    req = next_request();
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );

    /* and when it is from the middle of a large block */
    guard_release( TCP, 30000, 1 );
    next_request();
    guard_tick();
    req = next_request();
    reply_info = PORTGUARD_INFO_PENDING;
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    reply_info = 0;
    guard_tick();
    req = next_request();
    ok( req.op == PORTGUARD_INFO, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    guard_tick();
    check_quiet();

    /* the helper ends over it: the next one is asked for all of it */
    begin( &a, do_guard, TCP, 20000, 5000, 5000 );
    next_request();
    begin( &b, do_guard, TCP, 30000, 1, 5000 );
    answer( &b, STATUS_SUCCESS );
    check_done( &b, STATUS_SUCCESS );
    helper_ended();
    reply_hello();
    req = next_request();
    check_request( &req, PORTGUARD_GUARD, TCP, 30000, 1 );
    req = next_request();
    ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    task_run();
    answer( &a, STATUS_SUCCESS );
    check_done( &a, STATUS_SUCCESS );
    guard_release( TCP, 20000, 5000 );
    guard_release( TCP, 30000, 1 );
    next_request();
    next_request();
    guard_tick();
    req = next_request();
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    check_quiet();
}

/* A helper that says what makes no sense, or what was not asked, is replaced. */
static void test_nonsense(void)
{
    static const struct { unsigned int size, serial; } replies[] =
    {
        { 0, 0 }, { 31, 0 }, { 0xffffffff, 0 }, { PORTGUARD_MAX_REPLY + 1, 0 },
        { sizeof(struct portguard_reply), 1 }, { sizeof(struct portguard_reply), 0xffffffff }, { sizeof(struct portguard_reply) + 1, 0 },
    };
    struct portguard_request req;
    struct portguard_reply reply;
    struct job a;
    unsigned int i, j;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
    {
        int before = opened;
        char more[8] = { 0 };

        begin( &a, do_guard, TCP, 9000, 1, 5000 );
        req = next_request();
        memset( &reply, 0, sizeof(reply) );
        reply.size = replies[i].size;
        reply.serial = req.serial + replies[i].serial;
        /* byte by byte */
        for (j = 0; j < sizeof(reply) && opened == before; j++) helper_received( (char *)&reply + j, 1 );
        if (opened == before) helper_received( more, 1 );
        ok( opened == before + 1, "reply %u: the helper was not replaced", i );
        reply_hello();
        req = next_request();
        ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
        reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
        task_run();
        answer( &a, STATUS_SHARING_VIOLATION );
        check_done( &a, STATUS_SHARING_VIOLATION );
    }
    /* what comes unasked */
    i = opened;
    memset( &reply, 0, sizeof(reply) );
    reply.size = sizeof(reply);
    helper_received( &reply, sizeof(reply) );
    ok( opened == (int)i + 1, "the helper was not replaced" );
    reply_hello();
    req = next_request();
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );

    /* the ring is used from then on, before anything else is said */
    ring_opens = 1;
    helper_ended();
    reply_hello();
    ok( rings == 1 && helper_state_now() == HELPER_RUNS, "got %d rings, state %d", rings, helper_state_now() );
    req = next_request();
    ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    ring_opens = 0;

    /* one that has none is as good */
    helper_ended();
    req = next_request();
    reply_with( &req, STATUS_SUCCESS, PORTGUARD_VERSION, NULL, 0 );
    ok( helper_state_now() == HELPER_STARTING, "got state %d", helper_state_now() );
    req = next_request();
    reply_with( &req, STATUS_INSUFFICIENT_RESOURCES, 0, NULL, 0 );
    ok( helper_state_now() == HELPER_RUNS && rings == 1, "got state %d, %d rings", helper_state_now(), rings );
    req = next_request();
    ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );

    /* of another version, or not where wineserver is: no helper */
    helper_ended();
    req = next_request();
    reply_with( &req, STATUS_SUCCESS, PORTGUARD_VERSION + 1, NULL, 0 );
    ok( helper_state_now() == HELPER_NONE, "got state %d", helper_state_now() );
    ok( strstr( last_log, "version" ) != NULL, "got %s", last_log );
}

int main(void)
{
    struct portguard_request req;

    task_init();
    task_local( &local_variable, sizeof(local_variable) );
    test_tasks();

    guard_init();
    ok( helper_state_now() == HELPER_RUNS, "got state %d", helper_state_now() );
    /* docs/guards.md, "When it can't find the wineserver it ends with the server, and the log says so" */
    ok( logged == 1 && strstr( last_log, "wineserver" ), "logged %d times, %s", logged, last_log );
    logged = 0;
    guard_init_done();
    req = next_request();
    ok( req.op == PORTGUARD_FORGET, "got request %u", req.op );
    reply_with( &req, STATUS_SUCCESS, 0, NULL, 0 );
    test_answers();
    test_silence();
    test_end();
    test_order();
    test_nonsense();
    return test_summary( "test_guard" );
}
