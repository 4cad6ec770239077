/*
 * Fuzzing what portserver and portguard say to each other, with a hostile peer at either end
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guard.h"
#include "guard_helper.h"
#include "guard_local.h"
#include "guard_sockets.h"
#include "guard_stream.h"
#include "guard_tables.h"
#include "log.h"
#include "portguard_prefix.h"
#include "portguard_request.h"
#include "portguard_ring.h"
#include "task.h"

static void check( int cond, const char *what )
{
    if (cond) return;
    fprintf( stderr, "fuzz_portguard: %s\n", what );
    abort();
}

/*** sockets that are only numbers: a port out of seven is somebody else's, who shares most of them ***/

#define FIRST_FD 1000
#define MAX_FDS  300000

static unsigned char fd_open[MAX_FDS], fd_reuse[MAX_FDS];
static unsigned int fd_count, next_fd;

extern int __real_close( int fd );
extern int __wrap_socket( int domain, int type, int protocol );
extern int __wrap_bind( int fd, const struct sockaddr *addr, socklen_t len );
extern int __wrap_setsockopt( int fd, int level, int name, const void *value, socklen_t len );
extern int __wrap_close( int fd );

int __wrap_socket( int domain, int type, int protocol )
{
    (void)type; (void)protocol;
    if (domain == AF_NETLINK || fd_count > MAX_FDS / 2)
    {
        errno = EMFILE;
        return -1;
    }
    while (fd_open[next_fd]) next_fd = (next_fd + 1) % MAX_FDS;
    fd_open[next_fd] = 1;
    fd_reuse[next_fd] = 0;
    fd_count++;
    return FIRST_FD + next_fd;
}

int __wrap_bind( int fd, const struct sockaddr *addr, socklen_t len )
{
    unsigned int port = ((const unsigned char *)addr)[2] << 8 | ((const unsigned char *)addr)[3];

    (void)len;
    check( fd >= FIRST_FD && fd_open[fd - FIRST_FD], "bind() of what is not open" );
    if (port % 7 != 3 || (port % 3 && fd_reuse[fd - FIRST_FD])) return 0;
    errno = port % 2 ? EADDRINUSE : EACCES;
    return -1;
}

int __wrap_setsockopt( int fd, int level, int name, const void *value, socklen_t len )
{
    (void)len;
    check( fd >= FIRST_FD && fd_open[fd - FIRST_FD], "setsockopt() on what is not open" );
    if (level == SOL_SOCKET && name == SO_REUSEADDR) fd_reuse[fd - FIRST_FD] = *(const int *)value != 0;
    return 0;
}

int __wrap_close( int fd )
{
    if (fd < FIRST_FD) return __real_close( fd );
    check( fd_open[fd - FIRST_FD], "close() of what is not open" );
    fd_open[fd - FIRST_FD] = 0;
    fd_count--;
    return 0;
}

/* what the kernel says, and wineserver */

void tables_forget(void)
{
}

enum tables_state tables_state( unsigned int port )
{
    return port % 4;
}

NTSTATUS tables_busy_ports( int protocol, unsigned char *map )
{
    (void)protocol;
    memset( map, 0x55, TABLES_MAP_SIZE );
    return STATUS_SUCCESS;
}

int prefix_find_socks( const uint64_t *inodes, unsigned int count, unsigned char *alive )
{
    unsigned int i;

    for (i = 0; i < count; i++) alive[i] = inodes[i] & 1;
    return 1;
}

/* what threads do */
static void run_work( int (*work)( unsigned int i ), unsigned int count )
{
    unsigned int i;

    for (i = 0; i < count && work( i ); i++) ;
}

/*** a hostile server ***/

static size_t reply_count;

static int take_reply( const void *data, size_t size )
{
    struct portguard_reply reply;

    check( size >= sizeof(reply), "a short reply" );
    memcpy( &reply, data, sizeof(reply) );
    check( reply.size == size, "a reply of another size" );
    check( reply.guards <= reply.limit, "more guards than there may be" );
    reply_count++;
    return reply_count < 1000;
}

/* The first byte says how the bytes come, the others are the stream. */
static void fuzz_requests( const uint8_t *data, size_t size )
{
    static const struct portguard_request quit = { .size = sizeof(quit), .op = PORTGUARD_QUIT };
    size_t part = size ? data[0] % 40 + 1 : 1, len = 0, used, pos;
    char *buffer = malloc( size + sizeof(quit) );
    enum requests_result result = REQUESTS_GO_ON;
    unsigned int i;

    if (!buffer) abort();
    reply_count = 0;
    for (pos = 1; pos < size && result == REQUESTS_GO_ON; pos += part)
    {
        size_t n = part < size - pos ? part : size - pos;

        memcpy( buffer + len, data + pos, n );
        len += n;
        result = requests_handle( buffer, len, take_reply, &used );
        check( used <= len, "more was used than there was" );
        if (requests_pending() && !requests_go_on( take_reply )) break;
        if (result != REQUESTS_GO_ON) break;
        len -= used;
        memmove( buffer, buffer + used, len );
        check( len < PORTGUARD_MAX_REQUEST, "a message that never ends" );
    }
    guards_release_some();
    check( guards_count() + guards_releasing() == fd_count, "another number of guards than of sockets" );
    free( buffer );
    requests_abandon();
    /* no socket is lost */
    for (i = 0; i < 2; i++) guards_release( i ? PROTOCOL_UDP : PROTOCOL_TCP, 1, 65535 );
    check( !fd_count && !guards_releasing(), "a socket is left" );
    check( !guards_missing(), "a port that is missing and not wanted" );
}

/*** a hostile helper ***/

static struct portguard_request sent[64];
static unsigned int sent_count;
static int stream_is_open;

const char *stream_open(void)
{
    stream_is_open = 1;
    sent_count = 0;
    return NULL;
}

void stream_close(void)
{
    stream_is_open = 0;
}

int stream_send( const void *data, size_t size )
{
    if (!stream_is_open) return 0;
    if (size == sizeof(sent[0]) && sent_count < 64 && !(((const struct portguard_request *)data)->flags & PORTGUARD_NO_REPLY))
        memcpy( &sent[sent_count++], data, size );
    return 1;
}

int stream_wait( unsigned int timeout )
{
    (void)timeout;
    return 0;
}

/* no memory that others see, either */
int ring_open( struct portguard_ring *place )
{
    memset( place, 0, sizeof(*place) );
    return 1;
}

void ring_start(void)
{
}

int stream_open_ring( const struct portguard_ring *place )
{
    (void)place;
    return 0;
}

int stream_start_ring(void)
{
    return 0;
}

int stream_spin(void)
{
    return 0;
}

void stream_run(void)
{
}

void log_message( const char *format, ... )
{
    (void)format;
}

NTSTATUS local_guard( int protocol, unsigned int port )
{
    (void)protocol; (void)port;
    return STATUS_SHARING_VIOLATION;
}

void local_release( int protocol, unsigned int port )
{
    (void)protocol; (void)port;
}

int local_guarded( int protocol, unsigned int port )
{
    (void)protocol; (void)port;
    return 0;
}

struct job
{
    struct task task;
    unsigned int what;
    int done;
};

static void run_job( void *arg )
{
    static const uint64_t inodes[] = { 1, 2, 3 };
    static unsigned char map[8192];
    struct job *job = arg;
    unsigned int busy, port = 100 + job->what / 8, count = job->what >= 60 ? 3000 : 4;
    NTSTATUS status = STATUS_SUCCESS;

    switch (job->what % 6)
    {
    case 0:
        status = guard_ports( PROTOCOL_TCP, port, count, GUARD_RUNTIME, 0, &busy );
        check( status != STATUS_SHARING_VIOLATION || (busy >= port && busy < port + count), "a busy port that was not asked for" );
        break;
    case 1: status = guard_yield( PROTOCOL_TCP, port ); break;
    case 2: status = guard_share( PROTOCOL_UDP, port, 1 ); break;
    case 3: status = guard_busy_ports( PROTOCOL_UDP, map ); break;
    case 4: status = guard_find_socks( inodes, 3, map ); break;
    case 5: guard_release( PROTOCOL_TCP, port, 1 ); break;
    }
    check( !status || status == STATUS_SHARING_VIOLATION || status == STATUS_ACCESS_DENIED || status == STATUS_INVALID_PARAMETER ||
           status == STATUS_NOT_SUPPORTED || status == STATUS_INSUFFICIENT_RESOURCES, "a status of the helper's own" );
    job->done = 1;
}

/* Each command is a byte: what a program does, or what the helper says, of which more bytes follow. */
static void fuzz_replies( const uint8_t *data, size_t size )
{
    static struct job jobs[32];
    unsigned int job_count = 0, i;
    size_t pos = 0, n;

    helper_init();
    guard_init_done();
    while (pos < size)
    {
        unsigned char command = data[pos++];

        if (command < 100 && job_count < 32)
        {
            memset( &jobs[job_count], 0, sizeof(jobs[0]) );
            jobs[job_count].what = command;
            task_start( &jobs[job_count].task, run_job, &jobs[job_count], 60000 );
            job_count++;
        }
        else if (command < 200 && sent_count)
        {
            /* as an honest one would, but for the status and the port */
            struct portguard_reply reply = { 0 };
            static char more[PORTGUARD_MAP_SIZE];

            reply.size = sizeof(reply);
            reply.serial = sent[0].serial;
            reply.port = sent[0].op == PORTGUARD_HELLO ? PORTGUARD_VERSION : command;
            if (command >= 150) reply.status = STATUS_SHARING_VIOLATION + (command - 150) % 8;
            n = reply.status ? 0 : sent[0].op == PORTGUARD_BUSY_PORTS ? PORTGUARD_MAP_SIZE : sent[0].op == PORTGUARD_FIND_SOCKS ? 3 :
                sent[0].op == PORTGUARD_OPEN_RING ? sizeof(struct portguard_ring) : 0;
            reply.size += n;
            memmove( sent, sent + 1, --sent_count * sizeof(sent[0]) );
            helper_received( &reply, sizeof(reply) );
            if (n) helper_received( more, n );
        }
        else if (command < 230)
        {
            n = command - 199 < size - pos ? command - 199 : size - pos;
            helper_received( data + pos, n );
            pos += n;
        }
        else if (command < 240) helper_ended();
        else if (command < 250) guard_tick();
        task_run();
    }
    /* the end: nobody is left waiting */
    helper_quit();
    for (i = 0; i < 100 && task_count(); i++)
    {
        if (helper_state_now() != HELPER_NONE) helper_quit();
        task_run();
    }
    for (i = 0; i < job_count; i++) check( jobs[i].done, "a task that nobody wakes" );
    guard_release( PROTOCOL_TCP, 1, 65535 );
    guard_release( PROTOCOL_UDP, 1, 65535 );
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    static int done;

    if (!done)
    {
        task_init();
        guards_init( 100000, run_work );
        requests_init( 0, 100000, 1 );
        check( !fd_count, "a socket is left" );
        done = 1;
    }
    if (!size) return 0;
    if (data[0] & 1) fuzz_requests( data + 1, size - 1 );
    else fuzz_replies( data + 1, size - 1 );
    return 0;
}
