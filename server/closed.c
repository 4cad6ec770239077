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
#include <string.h>

#include "closed.h"
#include "guard.h"
#include "log.h"
#include "reservation.h"
#include "task.h"

/* A look costs portguard a microsecond or two a socket. Between two of them there are 50 times as long, within these bounds: what
 * takes longer is waiting for a portguard that does not run. */
#define INTERVAL     250   /* ms */
#define MAX_INTERVAL 2000
#define MAX_TIME     3000  /* ms that a look may take */

/* A watch costs eight requests to wineserver, and many a socket is closed, or its reservation released, a moment after it acquired one. */
#define WATCH_DELAY  20    /* ms that one goes without */
#define MAX_WATCHES  64    /* begun in one go, while others wait */

/* what is done now and then, in a task */
struct look
{
    void      (*func)( struct look *look );
    struct task task;
    uint64_t    soonest;  /* when it may be done next, */
    uint64_t    time;     /* and when it is */
    int         runs;
};

static int needs_watch;
static sock_id own_sock;  /* of one that is open as long as this server is, 0: not known */
static struct port_list unwatched = { &unwatched, &unwatched };  /* sockets that are to be watched and are not */

static void look_at_all( struct look *look );
static void watch_owners( struct look *look );

static struct look all = { .func = look_at_all }, owners = { .func = watch_owners };

/* Does something live with the socket that has to end in the moment when it is closed? */
static int is_owner( const struct sock *sock )
{
    return !port_list_empty( &sock->ports.acquired ) && !sock_bound_port( &sock->ports );
}

static NTSTATUS start_watch( struct sock *sock, const struct sock_handle *handle )
{
    NTSTATUS status = sock_watch( handle, &sock->watch );

    if (!status) port_list_remove( &sock->watch_entry );
    return status;
}

int closed_needs_watch(void)
{
    return needs_watch;
}

NTSTATUS closed_update_watch( struct sock *sock, const struct sock_handle *handle )
{
    int watch = needs_watch || is_owner( sock );
    NTSTATUS status;

    if (watch && !sock->watch && (status = start_watch( sock, handle ))) return status;
    if (!watch) closed_end_watch( sock );
    return STATUS_SUCCESS;
}

void closed_watch_soon( struct sock *sock )
{
    uint64_t time = task_now() + WATCH_DELAY;

    if (!is_owner( sock ))
    {
        closed_end_watch( sock );
        return;
    }
    if (sock->watch || !port_list_empty( &sock->watch_entry )) return;
    if (time < owners.soonest) time = owners.soonest;
    if (port_list_empty( &unwatched ) || time < owners.time) owners.time = time;
    port_list_add_tail( &unwatched, &sock->watch_entry );
}

void closed_end_watch( struct sock *sock )
{
    port_list_remove( &sock->watch_entry );
    if (sock->watch && !needs_watch) sock_unwatch( sock->watch );
    if (!needs_watch) sock->watch = NULL;
}

/* Open the socket by the handle that something was acquired by last. STATUS_NOT_FOUND: it is not known, or closed, but the socket may have
 * others. What is closed is not tried again: by now it may be the handle of anything, which its program closes, too, and finds open. */
static NTSTATUS open_owner( struct sock *sock, struct sock_handle *handle )
{
    struct reservation *reservation;
    struct port_list *entry;
    NTSTATUS status;

    for (entry = sock->ports.acquired.prev; entry != &sock->ports.acquired; entry = entry->prev)
    {
        reservation = reservation_from_ports( PORT_LIST_ENTRY( entry, struct port_reservation, sock_entry ) );
        if (!reservation->handle) continue;
        status = sock_open_to_bind( process_from_client( reservation->ports.client ), reservation->handle, handle );
        if (status == STATUS_INSUFFICIENT_RESOURCES || (!status && handle->id == sock->id)) return status;
        if (!status) sock_close( handle );
        reservation->handle = 0;
        break;
    }
    return STATUS_NOT_FOUND;
}

static NTSTATUS watch_owner( struct sock *sock )
{
    struct sock_handle handle;
    NTSTATUS status;

    if ((status = open_owner( sock, &handle ))) return status;
    status = start_watch( sock, &handle );
    sock_close( &handle );
    return status;
}

/* One that is to be watched soon is mostly still open where it was. To see that takes as long whatever there is; a look, the longer the
 * more sockets there are. */
static int is_open( struct sock *sock )
{
    struct sock_handle handle;

    if (port_list_empty( &sock->watch_entry ) || open_owner( sock, &handle )) return 0;
    sock_close( &handle );
    return 1;
}

void closed_look_at( struct sock *sock )
{
    sock_id id = sock->id;

    if (!sock->watch && !is_open( sock )) closed_look( &id, 1 );
}

void closed_init(void)
{
    own_sock = sock_own_id();
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
        if (!sock->watch && start_watch( sock, &handles[i] )) needs_watch = 0;  /* tried again */
        sock_close( &handles[i] );
    }
done:
    free( handles );
    free( ids );
}

/* Which of the sockets live? An answer that does not know the server's own socket is none: whatever portguard looked at, it was not all of
 * this wineserver's descriptors. */
static NTSTATUS find_socks( const sock_id *ids, unsigned int count, unsigned char *alive )
{
    const sock_id *own = bsearch( &own_sock, ids, count, sizeof(*ids), compare_sock_ids );
    NTSTATUS status = guard_find_socks( ids, count, alive );

    if (status || !own || alive[own - ids]) return status;
    log_message( "portguard does not see the sockets that are open" );
    return STATUS_UNSUCCESSFUL;
}

unsigned int closed_look( const sock_id *ids, unsigned int count )
{
    unsigned int i, all_count = count, ret = 0;
    unsigned char *alive = NULL;
    sock_id *all = NULL;
    NTSTATUS status;

    if (!count || needs_watch) return 0;
    if (!(all = malloc( (count + 1) * sizeof(*all) )) || !(alive = calloc( count + 1, 1 ))) goto done;
    memcpy( all, ids, count * sizeof(*all) );
    if (own_sock) all[all_count++] = own_sock;
    qsort( all, all_count, sizeof(*all), compare_sock_ids );
    if ((status = find_socks( all, all_count, alive )) == STATUS_NOT_SUPPORTED) watch_all();
    for (i = 0; i < all_count && !status; i++)
    {
        if (alive[i]) continue;
        if (sock_table_find( all[i] )) sock_closed( all[i] );  /* another look may have been quicker */
        ret++;
    }
done:
    free( alive );
    free( all );
    return ret;
}

/* Look at some sockets, or all. One look after the other takes no more than a fiftieth of the time. */
static void look_at( struct look *look, sock_id *ids, unsigned int count )
{
    uint64_t start = task_now(), pause;

    closed_look( ids, count );
    pause = 50 * (task_now() - start);
    look->soonest = task_now() + (pause < MAX_INTERVAL ? pause : MAX_INTERVAL);
}

static void set_time( struct look *look, unsigned int interval )
{
    uint64_t now = task_now();

    look->time = now + interval;
    if (look->time < look->soonest) look->time = look->soonest;
}

static void look_at_all( struct look *look )
{
    unsigned int count;
    sock_id *ids = get_all( &count );

    look_at( look, ids, count );
    free( ids );
    set_time( look, INTERVAL );
}

/* What can't be watched for want of something is tried again. What is not found is left to the looks at all. */
static void watch_owners( struct look *look )
{
    unsigned int i, count = 0, failed = 0;
    sock_id ids[MAX_WATCHES];
    struct port_list *entry;
    struct sock *sock;
    NTSTATUS status;

    for (entry = unwatched.next; entry != &unwatched && count < MAX_WATCHES; entry = entry->next)
        ids[count++] = PORT_LIST_ENTRY( entry, struct sock, watch_entry )->id;
    look_at( look, ids, count );
    for (i = 0; i < count; i++)
    {
        if (!(sock = sock_table_find( ids[i] )) || port_list_empty( &sock->watch_entry ) || !(status = watch_owner( sock ))) continue;
        port_list_remove( &sock->watch_entry );
        if (status == STATUS_NOT_FOUND)
        {
            all.time = all.soonest;  /* it may just have been closed */
            continue;
        }
        port_list_add_tail( &unwatched, &sock->watch_entry );
        failed++;
    }
    set_time( look, failed < count ? WATCH_DELAY : INTERVAL );
}

static void run_look( void *arg )
{
    struct look *look = arg;

    look->func( look );
    look->runs = 0;
}

static void do_look( struct look *look )
{
    if (look->runs || task_now() < look->time) return;
    look->runs = 1;
    task_start( &look->task, run_look, look, MAX_TIME );
}

static unsigned int get_timeout( const struct look *look )
{
    uint64_t now = task_now();

    if (look->runs) return INTERVAL;
    return look->time > now ? look->time - now : 0;
}

void closed_run(void)
{
    if (needs_watch || !sock_table_count()) return;
    do_look( &all );
    if (!port_list_empty( &unwatched )) do_look( &owners );
}

unsigned int closed_timeout(void)
{
    unsigned int ret, time;

    if (needs_watch || !sock_table_count()) return 1000;
    ret = get_timeout( &all );
    if (port_list_empty( &unwatched )) return ret;
    time = get_timeout( &owners );
    return time < ret ? time : ret;
}
