/*
 * Reservations: the request handlers
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

#include "guard.h"
#include "map.h"
#include "pool.h"
#include "recovery.h"
#include "request.h"
#include "request_handlers.h"
#include "reservation.h"
#include "sock.h"
#include "state.h"
#include "store.h"

/* Wildcard blocks come from here, looked through from a random place: above the ports that services are known by, below
 * those that Linux hands out by itself (net.ipv4.ip_local_port_range, 32768 to 60999 unless set otherwise). Only when
 * no block is left there is the rest tried. */
#define WILDCARD_FIRST       10000
#define WILDCARD_LAST        32767
#define WILDCARD_OTHER_FIRST 1024

static struct pool *pool;

unsigned int client_count;
uint32_t server_pid;

const struct pool *reservations_pool(void)
{
    return pool;
}

/* The records of the state follow the pool; what is saved is what the next server would have to know. */

static void save_reservation( struct reservation *reservation )
{
    struct state_record record;

    memset( &record, 0, sizeof(record) );
    record.type = STATE_RESERVATION;
    record.protocol = reservation->protocol;
    record.sock = reservation->owner_sock->id;
    record.token = reservation->token;
    record.start_time = current->process->start_time;
    record.pid = reservation->owner;
    record.serial = reservation->serial;
    record.first = reservation->first;
    record.count = reservation->count;
    state_save( &reservation->state_slot, &record );
}

static void save_sock( struct sock *sock )
{
    struct state_record record;

    memset( &record, 0, sizeof(record) );
    record.type = STATE_SOCKET;
    record.protocol = sock->protocol;
    record.sock = sock->id;
    if (sock->reservation && sock->reservation->kind == RESERVATION_RUNTIME) record.token = sock->reservation->token;
    else if (sock->reservation) record.first = sock->reservation->first;
    record.pid = sock->binder;
    record.serial = sock->serial;
    record.port = sock->port;
    record.holds = sock->holds;
    record.associated = sock->associated;
    state_save( &sock->state_slot, &record );
}

/* Find the socket in the pool, or add it there and watch it. */
static NTSTATUS get_sock( const struct sock_handle *handle, struct sock **sock )
{
    NTSTATUS status;

    if ((*sock = pool_find_sock( pool, handle->id ))) return STATUS_SUCCESS;
    if (pool->sockets >= MAX_SOCKETS || current->process->sockets >= MAX_PROCESS_SOCKETS)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!(*sock = pool_add_sock( pool, handle->id, handle->protocol ))) return STATUS_NO_MEMORY;
    if ((status = sock_watch( handle )))
    {
        pool_remove_sock( pool, *sock );
        return status;
    }
    (*sock)->client = current->process->pid;
    current->process->sockets++;
    process_grab( current->process );
    save_sock( *sock );
    return STATUS_SUCCESS;
}

/* Guard a block, add it to the pool and show it to everybody. sock is NULL for a persistent reservation.
 * STATUS_SHARING_VIOLATION, STATUS_ACCESS_DENIED: because of the port *busy. */
static NTSTATUS add_reservation( int protocol, unsigned int first, unsigned int count, struct sock *sock, int force,
                                 struct reservation **reservation, unsigned int *busy )
{
    enum guard_mode mode = sock ? GUARD_RUNTIME : GUARD_PERSISTENT;
    uint64_t token;
    NTSTATUS status;

    do
    {
        if ((status = random_token( &token ))) return status;
    } while (pool_find_token( pool, token ));

    *busy = first;
    if ((status = guard_ports( protocol, first, count, mode, force, busy ))) return status;
    if (!(*reservation = pool_add( pool, protocol, first, count, token, sock, sock ? current->process->pid : 0 )))
    {
        guard_release( protocol, first, count );
        return STATUS_NO_MEMORY;
    }
    if (sock)
    {
        (*reservation)->serial = current_serial;
        save_reservation( *reservation );
        current->process->reservations++;
        process_grab( current->process );
    }
    map_set_ports( protocol, first, count, (*reservation)->kind );
    return STATUS_SUCCESS;
}

static void end_reservation( struct reservation *reservation )
{
    struct process *owner = NULL;
    struct list *cursor, *after;
    struct sock *sock;

    if (reservation->kind == RESERVATION_RUNTIME) owner = process_find( reservation->owner );
    map_set_ports( reservation->protocol, reservation->first, reservation->count, 0 );
    guard_release( reservation->protocol, reservation->first, reservation->count );
    state_erase( &reservation->state_slot );
    if (reservation->kind == RESERVATION_PERSISTENT)
    {
        /* the records of these sockets name it by its port, which another reservation may get */
        LIST_FOR_EACH_SAFE( cursor, after, &reservation->associated )
        {
            sock = LIST_ENTRY( cursor, struct sock, assoc_entry );
            pool_end_association( sock );
            save_sock( sock );
        }
    }
    pool_remove( pool, reservation );
    if (owner)
    {
        owner->reservations--;
        process_release( owner );
    }
}

/* look for a block in from..last, stepping over ports that somebody else on the host has */
static NTSTATUS add_from_range( unsigned int from, unsigned int last, unsigned int count, struct sock *sock,
                                struct reservation **reservation )
{
    unsigned int busy;
    NTSTATUS status;

    for (; (from = pool_find_free( pool, sock->protocol, from, last, count )); from = busy + 1)
    {
        status = add_reservation( sock->protocol, from, count, sock, 0, reservation, &busy );
        if (status != STATUS_SHARING_VIOLATION && status != STATUS_ACCESS_DENIED) return status;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS add_anywhere( unsigned int count, struct sock *sock, struct reservation **reservation )
{
    unsigned int start;
    uint64_t random;
    NTSTATUS status;

    if ((status = random_token( &random ))) return status;
    start = WILDCARD_FIRST + random % (WILDCARD_LAST + 1 - WILDCARD_FIRST);
    status = add_from_range( start, WILDCARD_LAST, count, sock, reservation );
    if (status == STATUS_INSUFFICIENT_RESOURCES)
        status = add_from_range( WILDCARD_FIRST, WILDCARD_LAST, count, sock, reservation );
    if (status == STATUS_INSUFFICIENT_RESOURCES)
        status = add_from_range( WILDCARD_OTHER_FIRST, POOL_PORTS - 1, count, sock, reservation );
    return status;
}

/* The reservation that this very request made before: the client had no reply, since the server was killed. */
static struct reservation *find_repeated( const struct sock_handle *handle )
{
    struct sock *sock = pool_find_sock( pool, handle->id );
    struct reservation *reservation;
    struct list *cursor, *after;

    if (!sock) return NULL;
    LIST_FOR_EACH_SAFE( cursor, after, &sock->acquired )
    {
        reservation = LIST_ENTRY( cursor, struct reservation, sock_entry );
        if (reservation->owner == current->process->pid && reservation->serial == current_serial) return reservation;
    }
    return NULL;
}

DECL_HANDLER(acquire_port_reservation)
{
    struct reservation *reservation;
    struct sock_handle handle;
    struct sock *sock;
    unsigned int busy;
    NTSTATUS status;

    if ((status = sock_open( current->process, req->handle, &handle )))
    {
        set_error( status );
        return;
    }
    if ((reservation = find_repeated( &handle ))) goto done;
    if (!req->count || req->count >= POOL_PORTS || (req->first && req->first > POOL_PORTS - req->count))
        status = STATUS_INVALID_PARAMETER;
    else if (req->first)
        status = pool_check( pool, handle.protocol, req->first, req->count );
    if (!status && (pool->runtime >= MAX_RESERVATIONS || current->process->reservations >= MAX_PROCESS_RESERVATIONS))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (!status) status = get_sock( &handle, &sock );
    if (!status)
    {
        if (req->first)
            status = add_reservation( handle.protocol, req->first, req->count, sock, 0, &reservation, &busy );
        else
            status = add_anywhere( req->count, sock, &reservation );
    }
done:
    if (!status)
    {
        reply->token = reservation->token;
        reply->first = reservation->first;
        reply->count = reservation->count;
    }
    sock_close( &handle );
    set_error( status );
}

DECL_HANDLER(release_port_reservation)
{
    struct reservation *reservation = pool_find_token( pool, req->token );

    if (!reservation || reservation->kind != RESERVATION_RUNTIME) set_error( STATUS_INVALID_PARAMETER );
    else if (reservation->owner != current->process->pid) set_error( STATUS_ACCESS_DENIED );
    else end_reservation( reservation );
}

/* may the current client's socket be associated with the reservation? */
static NTSTATUS check_associate( const struct sock_handle *handle, const struct reservation *reservation )
{
    unsigned int port;
    NTSTATUS status;

    if ((status = sock_port( handle, &port ))) return status;
    if (port) return STATUS_INVALID_PARAMETER;
    if (!reservation || reservation->protocol != handle->protocol) return STATUS_INVALID_PARAMETER;
    if (reservation->kind == RESERVATION_RUNTIME)
        return reservation->owner == current->process->pid ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    return process_check_elevated( current->process );
}

DECL_HANDLER(associate_port_reservation)
{
    struct reservation *reservation = pool_find_token( pool, req->token );
    struct sock_handle handle;
    struct sock *sock;
    NTSTATUS status;

    if (!(status = sock_open( current->process, req->handle, &handle )))
    {
        if (!(status = check_associate( &handle, reservation )) && !(status = get_sock( &handle, &sock )))
        {
            if (!sock->associated) map_add_socket( sock->id );
            pool_associate( sock, reservation );
            save_sock( sock );
        }
        sock_close( &handle );
    }
    set_error( status );
}

/* bind the socket to a port that is guarded, unless another socket holds it already */
static NTSTATUS bind_guarded( const struct sock_handle *handle, const struct bind_socket_request *req,
                              unsigned int port, int unshared, unsigned int *wsa_error )
{
    int in_use = pool_port_in_use( pool, handle->protocol, port );
    NTSTATUS status;

    if (!pool_may_hold( pool, handle->protocol, port, sock_holds( handle, req->addr ) )) return STATUS_SHARING_VIOLATION;
    if (!in_use) guard_yield( handle->protocol, port );
    status = sock_bind( handle, req->addr, req->addr_len, port, in_use && unshared, wsa_error );
    if (status && !in_use) guard_retake( handle->protocol, port );
    return status;
}

/* the socket was bound: remember it */
static void hold_port( struct sock *sock, const struct sock_handle *handle, const struct bind_socket_request *req,
                       unsigned int port )
{
    if (sock->associated) map_remove_socket( sock->id );
    pool_hold( pool, sock, port, sock_holds( handle, req->addr ) );
    sock->serial = current_serial;
    sock->binder = current->process->pid;
    save_sock( sock );
}

/* The same as bind_guarded() for a port of its reservation, where what is not to be had is taken, whatever the system calls it, and
 * SO_REUSEADDR is for UDP alone */
static NTSTATUS bind_reserved( const struct sock_handle *handle, const struct bind_socket_request *req,
                               unsigned int port, unsigned int *wsa_error )
{
    NTSTATUS status = bind_guarded( handle, req, port, handle->protocol == PROTOCOL_TCP, wsa_error );

    return status == STATUS_ACCESS_DENIED ? STATUS_SHARING_VIOLATION : status;
}

/* bind the socket to a port of the reservation, any if *port is 0 */
static NTSTATUS bind_from( struct reservation *reservation, const struct sock_handle *handle,
                           const struct bind_socket_request *req, unsigned int *port, unsigned int *wsa_error )
{
    unsigned int tried = 0;
    NTSTATUS status;

    if (!reservation) return STATUS_INVALID_PARAMETER;  /* it ended after it was associated */
    if (*port)
    {
        if (pool_find_port( pool, handle->protocol, *port ) != reservation) return STATUS_INVALID_ADDRESS_COMPONENT;
        return bind_reserved( handle, req, *port, wsa_error );
    }
    while ((*port = pool_pick_port( pool, reservation, &tried )))
    {
        /* a port that was lost to somebody else on the host is passed over */
        status = bind_reserved( handle, req, *port, wsa_error );
        if (status != STATUS_SHARING_VIOLATION) return status;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

DECL_HANDLER(bind_socket)
{
    unsigned int port, wsa_error = 0;
    struct reservation *reservation;
    struct sock_handle handle;
    struct sock *sock;
    NTSTATUS status;

    if (req->addr_len < 16 || req->addr_len > sizeof(req->addr))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    if ((status = sock_open( current->process, req->handle, &handle )))
    {
        set_error( status );
        return;
    }
    port = req->addr[2] << 8 | req->addr[3];
    reservation = pool_find_port( pool, handle.protocol, port );
    if ((sock = pool_find_sock( pool, handle.id )) && sock->associated)
    {
        if (!(status = bind_from( sock->reservation, &handle, req, &port, &wsa_error )))
            hold_port( sock, &handle, req, port );
    }
    else if (sock && sock->port && (!sock->serial || (sock->serial == current_serial && sock->binder == current->process->pid)))
    {
        /* this very request bound it, and the server was killed before the reply, or before it noted the port */
        sock->serial = current_serial;
        sock->binder = current->process->pid;
        save_sock( sock );
        port = sock->port;
    }
    else if (!reservation) status = STATUS_NOT_FOUND;
    else if (reservation->kind == RESERVATION_RUNTIME) status = STATUS_ACCESS_DENIED;
    else if (sock && sock->port) status = STATUS_INVALID_PARAMETER;
    else if (!(status = get_sock( &handle, &sock )))
    {
        /* an administered exclusion keeps a port from being handed out, not from being asked for */
        if (!(status = bind_guarded( &handle, req, port, 0, &wsa_error ))) hold_port( sock, &handle, req, port );
    }
    sock_close( &handle );
    if (!status) reply->port = port;
    reply->wsa_error = wsa_error;
    set_error( status );
}

void sock_closed( sock_id id )
{
    struct sock *sock = pool_find_sock( pool, id );
    struct process *client = NULL;
    struct list *cursor, *after;
    unsigned int port;
    int protocol;

    if (!sock) return;
    if (sock->client) client = process_find( sock->client );
    LIST_FOR_EACH_SAFE( cursor, after, &sock->acquired )
        end_reservation( LIST_ENTRY( cursor, struct reservation, sock_entry ) );
    if (sock->associated) map_remove_socket( id );
    port = sock->port;
    protocol = sock->protocol;
    state_erase( &sock->state_slot );
    pool_remove_sock( pool, sock );
    if (client)
    {
        client->sockets--;
        process_release( client );
    }
    if (port && pool_find_port( pool, protocol, port ) && !pool_port_in_use( pool, protocol, port ))
        guard_retake( protocol, port );
}

/* The reservation of exactly this block; STATUS_INVALID_PARAMETER or STATUS_NOT_FOUND when there can be, or is, none. */
static NTSTATUS find_persistent( uint32_t protocol, uint32_t first, uint32_t count, struct reservation **reservation )
{
    if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) return STATUS_INVALID_PARAMETER;
    if (!first || !count || first >= POOL_PORTS || count > POOL_PORTS - first) return STATUS_INVALID_PARAMETER;
    *reservation = pool_find_port( pool, protocol, first );
    if (!*reservation || (*reservation)->kind != RESERVATION_PERSISTENT ||
        (*reservation)->first != first || (*reservation)->count != count)
        return STATUS_NOT_FOUND;
    return STATUS_SUCCESS;
}

DECL_HANDLER(create_persistent_reservation)
{
    struct reservation *reservation;
    unsigned int busy;
    NTSTATUS status;

    status = find_persistent( req->protocol, req->first, req->count, &reservation );
    if (status != STATUS_INVALID_PARAMETER)
    {
        if (!(status = process_check_elevated( current->process )) &&
            !(status = pool_check( pool, req->protocol, req->first, req->count )))
            status = add_reservation( req->protocol, req->first, req->count, NULL, 0, &reservation, &busy );
    }
    if (!status && (status = store_add( req->protocol, req->first, req->count ))) end_reservation( reservation );
    if (!status) reply->token = reservation->token;
    set_error( status );
}

DECL_HANDLER(delete_persistent_reservation)
{
    struct reservation *reservation;
    NTSTATUS status, elevated;

    status = find_persistent( req->protocol, req->first, req->count, &reservation );
    if (status != STATUS_INVALID_PARAMETER && (elevated = process_check_elevated( current->process ))) status = elevated;
    if (!status && !(status = store_remove( req->protocol, req->first, req->count ))) end_reservation( reservation );
    set_error( status );
}

DECL_HANDLER(lookup_persistent_reservation)
{
    struct reservation *reservation;
    NTSTATUS status;

    if (!(status = find_persistent( req->protocol, req->first, req->count, &reservation )))
        reply->token = reservation->token;
    set_error( status );
}

DECL_HANDLER(get_server_info)
{
    reply->pid = server_pid;
    reply->guard = guard_coverage();
    reply->runtime = pool->runtime;
    reply->persistent = pool->persistent;
    reply->sockets = pool->sockets;
    reply->clients = client_count;
    reply->unsaved = state_unsaved();
}

DECL_HANDLER(get_reservations)
{
    struct reservation *reservation;
    struct reservation_info *info;
    unsigned int from = req->from;

    if (req->protocol != PROTOCOL_TCP && req->protocol != PROTOCOL_UDP)
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    while (reply->count < sizeof(reply->entries) / sizeof(reply->entries[0]) &&
           (reservation = pool_next( pool, req->protocol, from )))
    {
        info = &reply->entries[reply->count++];
        info->first = reservation->first;
        info->protocol = reservation->protocol;
        info->count = reservation->count;
        info->kind = reservation->kind;
        info->owner = reservation->owner;
        info->in_use = pool_ports_in_use( pool, reservation );
        from = reservation->first + reservation->count;
    }
}

DECL_HANDLER(get_ports_in_use)
{
    unsigned int port;

    if ((req->protocol != PROTOCOL_TCP && req->protocol != PROTOCOL_UDP) || req->last >= POOL_PORTS)
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    for (port = req->first; port <= req->last; port++)
    {
        if (reply->count == sizeof(reply->ports) / sizeof(reply->ports[0])) break;
        if (pool_port_in_use( pool, req->protocol, port )) reply->ports[reply->count++] = port;
    }
}

static void add_stored( void *context, int protocol, unsigned int first, unsigned int count )
{
    struct reservation *reservation;
    NTSTATUS status, *failed = context;
    unsigned int busy;

    if ((status = add_reservation( protocol, first, count, NULL, 1, &reservation, &busy ))) *failed = status;
}

NTSTATUS reservations_init(void)
{
    NTSTATUS status, failed = STATUS_SUCCESS;

    if (!(pool = pool_create())) return STATUS_NO_MEMORY;
    if ((status = store_open( add_stored, &failed ))) return status;
    if (failed) return failed;
    if ((status = recover_reservations( pool ))) return status;
    map_publish( pool );
    return STATUS_SUCCESS;
}

void reservations_done(void)
{
    store_close();
    state_close();
    pool_destroy( pool );
    pool = NULL;
}
