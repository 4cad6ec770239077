/*
 * Finding out which sockets are closed
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "closed.h"
#include "guard.h"
#include "task.h"

/* A look costs portguard a microsecond or two a socket. Between two of them there are 50 times as long, within these bounds: what
 * takes longer is waiting for a portguard that does not run. */
#define INTERVAL     250   /* ms */
#define MAX_INTERVAL 2000
#define MAX_TIME     3000  /* ms that a look may take */

static int needs_watch, is_looking;
static uint64_t next_time;

int closed_needs_watch(void)
{
    return needs_watch;
}

NTSTATUS closed_update_watch( struct sock *sock, const struct sock_handle *handle )
{
    int watch = needs_watch || (!port_list_empty( &sock->ports.acquired ) && !sock->ports.port);
    NTSTATUS status;

    if (watch && !sock->watch && (status = sock_watch( handle, &sock->watch ))) return status;
    if (!watch) closed_end_watch( sock );
    return STATUS_SUCCESS;
}

void closed_end_watch( struct sock *sock )
{
    if (sock->watch && !needs_watch) sock_unwatch( sock->watch );
    if (!needs_watch) sock->watch = NULL;
}

void closed_look_at( struct sock *sock )
{
    sock_id id = sock->id;

    if (!sock->watch) closed_look( &id, 1 );
}

void closed_init(void)
{
    needs_watch = guard_find_socks( NULL, 0, NULL ) == STATUS_NOT_SUPPORTED;
}

/* ids of all sockets, *count of them; NULL: there are none, or there is no memory */
static sock_id *get_all( unsigned int *count )
{
    unsigned int size = sock_table_count();
    sock_id *ids = size ? malloc( size * sizeof(*ids) ) : NULL;
    struct sock *sock = NULL;

    *count = 0;
    while (ids && *count < size && (sock = sock_table_next( sock ))) ids[(*count)++] = sock->id;
    if (ids) qsort( ids, *count, sizeof(*ids), compare_sock_ids );
    return ids;
}

/* Nobody tells any more which sockets live: have all of them watched. */
static void watch_all(void)
{
    struct sock_handle *handles = NULL;
    struct sock *sock;
    unsigned int i, count;
    sock_id *ids = get_all( &count );

    if (!ids || !(handles = calloc( count + 1, sizeof(*handles) ))) goto done;  /* tried again */
    if (sock_find( ids, count, handles ))
    {
        for (i = 0; i < count; i++) if (handles[i].handle) sock_close( &handles[i] );
        goto done;
    }
    needs_watch = 1;
    for (i = 0; i < count; i++)
    {
        sock = sock_table_find( ids[i] );
        if (!handles[i].handle)
        {
            if (!sock->watch) sock_closed( ids[i] );
            continue;
        }
        if (!sock->watch && sock_watch( &handles[i], &sock->watch )) needs_watch = 0;  /* tried again */
        sock_close( &handles[i] );
    }
done:
    free( handles );
    free( ids );
}

unsigned int closed_look( sock_id *ids, unsigned int count )
{
    unsigned char *alive;
    unsigned int i, ret = 0;
    NTSTATUS status;

    if (!count || needs_watch || !(alive = calloc( count, 1 ))) return 0;
    qsort( ids, count, sizeof(*ids), compare_sock_ids );
    if ((status = guard_find_socks( ids, count, alive )) == STATUS_NOT_SUPPORTED) watch_all();
    for (i = 0; i < count && !status; i++)
    {
        if (alive[i]) continue;
        if (sock_table_find( ids[i] )) sock_closed( ids[i] );  /* another look may have been quicker */
        ret++;
    }
    free( alive );
    return ret;
}

static void look_at_all( void *arg )
{
    uint64_t start = task_now(), pause;
    unsigned int count;
    sock_id *ids = get_all( &count );

    (void)arg;
    closed_look( ids, count );
    free( ids );
    pause = 50 * (task_now() - start);
    if (pause < INTERVAL) pause = INTERVAL;
    if (pause > MAX_INTERVAL) pause = MAX_INTERVAL;
    next_time = task_now() + pause;
    is_looking = 0;
}

unsigned int closed_run(void)
{
    static struct task task;
    uint64_t now = task_now();

    if (is_looking || needs_watch || !sock_table_count()) return 1000;
    if (now < next_time) return next_time - now;
    is_looking = 1;
    task_start( &task, look_at_all, NULL, MAX_TIME );
    return INTERVAL;
}
