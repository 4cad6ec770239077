/*
 * Reservations: the request handlers, and what the core asks of this host
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
#include "map.h"
#include "ports.h"
#include "recovery.h"

#include "request.h"
#include "request_handlers.h"
#include "reservation.h"
#include "sock.h"
#include "state.h"
#include "store.h"

static struct port_pool *pool;

unsigned int client_count;
uint32_t server_pid;

const struct port_pool *reservations_pool(void)
{
    return pool;
}

/* What the core asks of a host. */

uint32_t reservation_owner( const struct port_reservation *reservation )
{
    return reservation->client ? process_from_client( reservation->client )->pid : 0;
}

NTSTATUS host_random( uint64_t *random )
{
    return random_token( random );
}

NTSTATUS host_check_elevated( const struct port_client *client )
{
    return process_check_elevated( process_from_client( client ) );
}

void host_grab_client( struct port_client *client )
{
    process_grab( process_from_client( client ) );
}

void host_release_client( struct port_client *client )
{
    process_release( process_from_client( client ) );
}

struct port_reservation *host_alloc_reservation(void)
{
    struct reservation *reservation = calloc( 1, sizeof(*reservation) );

    /* cppcheck-suppress memleak ; the core has it, as a part of the whole */
    return reservation ? &reservation->ports : NULL;
}

void host_free_reservation( struct port_reservation *reservation )
{
    free( reservation_from_ports( reservation ) );
}

NTSTATUS host_guard( int kind, int protocol, unsigned int first, unsigned int count, int force, unsigned int *busy )
{
    return guard_ports( protocol, first, count, kind == RESERVATION_RUNTIME ? GUARD_RUNTIME : GUARD_PERSISTENT, force, busy );
}

void host_release_guard( int protocol, unsigned int first, unsigned int count )
{
    guard_release( protocol, first, count );
}

/* Sockets that share a port by processor have SO_REUSEADDR for the moment of each bind. So has its guard, which can stay then. */
static int is_group( int protocol, unsigned int port )
{
    const struct port_socket *sock = pool->holders[protocol_index( protocol )][port];

    return sock && sock->processor != NO_PROCESSOR;
}

static unsigned char shared[POOL_PORTS / 8];  /* UDP ports with a guard that lets in such sockets now */

NTSTATUS host_yield( int protocol, unsigned int port, int held )
{
    NTSTATUS status;

    if (!is_group( protocol, port )) return held ? STATUS_SUCCESS : guard_yield( protocol, port );
    status = guard_share( protocol, port, 1 );
    /* a reservation that has ended meanwhile is not settled any more, and leaves no guard */
    if (ports_is_guarded( pool, protocol, port )) shared[port / 8] |= 1u << port % 8;
    else guard_release( protocol, port, 1 );
    return status;
}

void host_settle( int protocol, unsigned int port, int held )
{
    if (protocol == PROTOCOL_UDP && shared[port / 8] & 1u << port % 8)
    {
        shared[port / 8] &= ~(1u << port % 8);
        guard_share( protocol, port, 0 );
    }
    if (!held) guard_retake( protocol, port );
}

void host_get_busy_ports( int protocol, unsigned char busy[POOL_PORTS / 8] )
{
    (void)guard_busy_ports( protocol, busy );
}

unsigned int host_first_ephemeral_port(void)
{
    return first_ephemeral_port();
}

/* Change the store for the request at hand, or to undo one. The next server must know a request that this one was killed over. */
static NTSTATUS change_store( enum state_type type, NTSTATUS (*func)( int, unsigned int, unsigned int ), int protocol,
                              unsigned int first, unsigned int count )
{
    struct state_record record;
    unsigned int slot = 0;
    NTSTATUS status;

    if (!current) return func( protocol, first, count );
    memset( &record, 0, sizeof(record) );
    record.type = type;
    record.protocol = protocol;
    record.start_time = current->process->start_time;
    record.pid = current->process->pid;
    record.serial = current_serial;
    record.first = first;
    record.count = count;
    state_save( &slot, &record );
    if ((status = func( protocol, first, count ))) state_erase( &slot );
    else current->change.state_slot = slot;
    return status;
}

NTSTATUS host_store_add( int protocol, unsigned int first, unsigned int count )
{
    return change_store( STATE_CREATING, store_add, protocol, first, count );
}

NTSTATUS host_store_remove( int protocol, unsigned int first, unsigned int count )
{
    return change_store( STATE_DELETING, store_remove, protocol, first, count );
}

/* The records of the state follow the pool; what is saved is what the next server would have to know. */

static void save_sock( struct sock *sock )
{
    const struct port_reservation *reservation = sock->ports.reservation;
    struct state_record record;

    memset( &record, 0, sizeof(record) );
    record.type = STATE_SOCKET;
    record.protocol = sock->ports.protocol;
    record.sock = sock->id;
    if (reservation && reservation->kind == RESERVATION_RUNTIME) record.token = reservation->token;
    else if (reservation) record.first = reservation->first;
    record.pid = sock->binder;
    record.serial = sock->serial;
    record.port = sock_bound_port( &sock->ports );
    record.holds = record.port ? sock->ports.holds : 0;
    record.associated = sock->ports.associated;
    record.processor = sock->ports.processor;
    if (sock->sharer)
    {
        record.count = sock->sharer->pid;
        record.start_time = sock->sharer->start_time;
    }
    state_save( &sock->state_slot, &record );
}

static void save_reservation( struct reservation *reservation )
{
    const struct process *owner = process_from_client( reservation->ports.client );
    struct state_record record;

    memset( &record, 0, sizeof(record) );
    record.type = reservation->ports.state == RESERVATION_ENDING ? STATE_RELEASED : STATE_RESERVATION;
    record.protocol = reservation->ports.protocol;
    record.sock = sock_from_ports( reservation->ports.sock )->id;
    record.token = reservation->ports.token;
    record.start_time = owner->start_time;
    record.pid = owner->pid;
    record.serial = record.type == STATE_RELEASED ? current_serial : reservation->serial;
    record.first = reservation->ports.first;
    record.count = reservation->ports.count;
    state_save( &reservation->state_slot, &record );
}

void host_reservation_added( struct port_reservation *ports )
{
    struct reservation *reservation = reservation_from_ports( ports );

    if (ports->kind == RESERVATION_RUNTIME)
    {
        reservation->serial = current_serial;
        save_reservation( reservation );
    }
    map_set_ports( ports->protocol, ports->first, ports->count, ports->kind );
}

void host_reservation_changed( struct port_reservation *ports )
{
    map_set_ports( ports->protocol, ports->first, ports->count, ports->state == RESERVATION_LIVE ? ports->kind : 0 );
    if (ports->kind == RESERVATION_RUNTIME) save_reservation( reservation_from_ports( ports ) );
}

void host_reservation_ended( struct port_reservation *ports )
{
    if (ports->state == RESERVATION_LIVE) map_set_ports( ports->protocol, ports->first, ports->count, 0 );
    state_erase( &reservation_from_ports( ports )->state_slot );
    if (ports->sock && ports->sock->acquired.next == ports->sock->acquired.prev) closed_end_watch( sock_from_ports( ports->sock ) );
}

void host_socket_changed( struct port_socket *ports )
{
    struct sock *sock = sock_from_ports( ports );
    int mapped = sock_needs_server( ports, ports->associated );
    int foreign = mapped && !sock->made;

    if (mapped && !sock->mapped) map_add_socket( sock->id );
    map_count_foreign( foreign - sock->foreign );
    if (!mapped && sock->mapped) map_remove_socket( sock->id );
    sock->mapped = mapped;
    sock->foreign = foreign;
    map_count_sharing( sock_shares( ports ) - sock->shares );
    sock->shares = sock_shares( ports );
    if (sock_bound_port( ports ))
    {
        sock->serial = current_serial;
        sock->binder = current->process->pid;
    }
    save_sock( sock );
}

/* a bind, with what the core need not know of it */
struct bind_args
{
    struct port_bind                  ports;
    const struct sock_handle         *handle;
    const struct bind_socket_request *req;
    unsigned int                      wsa_error;
};

static NTSTATUS bind_now( struct bind_args *args, unsigned int port )
{
    NTSTATUS status = sock_bind( args->handle, args->req->addr, args->req->addr_len, port, &args->wsa_error );

    if (status || port) return status;
    return sock_port( args->handle, &args->ports.port );
}

/* bind with SO_REUSEADDR for the moment as it is given */
static NTSTATUS bind_with_reuse( struct bind_args *args, unsigned int port, int reuse )
{
    NTSTATUS status;
    int before;

    if ((status = sock_get_reuse( args->handle, &before ))) return status;
    if (before != reuse && (status = sock_set_reuse( args->handle, reuse ))) return status;
    status = bind_now( args, port );
    if (before != reuse) sock_set_reuse( args->handle, before );
    return status;
}

/* Bind to a port that others of the group have. They all have SO_REUSEADDR for that moment alone: when it is over the system lets nobody
 * in, whatever he sets. */
static NTSTATUS bind_to_group( const struct port_pool *pool, const struct port_socket *sock, struct bind_args *args, unsigned int port )
{
    const struct port_socket *holders = pool->holders[protocol_index( sock->protocol )][port], *other;
    unsigned int i, count = 0;
    struct sock_handle *others;
    NTSTATUS status = STATUS_SUCCESS;

    for (other = holders; other; other = other->port_next) count++;
    if (!(others = calloc( count + 1, sizeof(*others) ))) return STATUS_NO_MEMORY;
    for (other = holders, count = 0; other && !status; other = other->port_next)
    {
        if (other == sock || other->binding) continue;
        status = sock_open_again( sock_from_ports( other )->sharer, sock_from_ports( other )->handle, sock_from_ports( other )->id,
                                  &others[count] );
        if (status == STATUS_NOT_FOUND) status = STATUS_SUCCESS;  /* closed, and soon known to be */
        else if (!status) status = sock_set_reuse( &others[count++], 1 );
    }
    if (!status) status = bind_with_reuse( args, port, 1 );
    for (i = 0; i < count; i++)
    {
        sock_set_reuse( &others[i], 0 );
        sock_close( &others[i] );
    }
    free( others );
    return status;
}

NTSTATUS host_bind( const struct port_pool *pool, struct port_socket *sock, struct port_bind *bind, unsigned int port,
                    unsigned int flags )
{
    struct bind_args *args = PORT_LIST_ENTRY( bind, struct bind_args, ports );

    if (flags & BIND_GROUP) return bind_to_group( pool, sock, args, port );
    if (flags & BIND_UNSHARED) return bind_with_reuse( args, port, 0 );
    return bind_now( args, port );
}

/* Requests. */

/* Find the socket among those that the server knows, or add it there. */
static NTSTATUS get_sock( const struct sock_handle *handle, struct sock **sock )
{
    NTSTATUS status;

    if ((*sock = sock_table_find( handle->id ))) return STATUS_SUCCESS;
    if (sock_table_count() >= MAX_SOCKETS || current->process->sockets >= MAX_PROCESS_SOCKETS)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!(*sock = sock_table_add( handle->id, handle->protocol ))) return STATUS_NO_MEMORY;
    if ((status = closed_update_watch( *sock, handle )))
    {
        sock_table_remove( *sock );
        return status;
    }
    (*sock)->client = current->process;
    (*sock)->family = handle->family;
    current->process->sockets++;
    process_grab( current->process );
    save_sock( *sock );
    return STATUS_SUCCESS;
}

/* A process is about to associate it, or to let it share its port. What another one did before stays as it is. Returns sock->made, to be
 * set again when that fails. */
static int set_made( struct sock *sock, int made )
{
    int before = sock->made;

    sock->made = made && (sock->made || !sock->mapped);
    return before;
}

/* does the socket have a port of the block, or a reservation with one? */
static int is_in_block( const struct sock *sock, unsigned int first, unsigned int count )
{
    const struct port_reservation *reservation;
    const struct port_list *entry;

    if (sock->ports.port && sock->ports.port - first < count) return 1;
    for (entry = sock->ports.acquired.next; entry != &sock->ports.acquired; entry = entry->next)
    {
        reservation = PORT_LIST_ENTRY( entry, struct port_reservation, sock_entry );
        if (reservation->first < first + count && first < reservation->first + reservation->count) return 1;
    }
    return 0;
}

/* A request failed for want of a port of the block. What is in its way may be closed already; returns whether some of it is. */
static int forget_closed( int protocol, unsigned int first, unsigned int count )
{
    struct sock *sock = NULL;
    unsigned int found = 0, size = sock_table_count();
    sock_id *ids = malloc( size * sizeof(*ids) );

    while (ids && found < size && (sock = sock_table_next( sock )))
        if (sock->ports.protocol == protocol && is_in_block( sock, first, count )) ids[found++] = sock->id;
    found = closed_look( ids, found );
    free( ids );
    return found != 0;
}

/* the same for a socket that is to be bound to the port, or to any of its reservation */
static int forget_closed_for( const struct port_socket *sock, unsigned int port )
{
    if (port) return forget_closed( sock->protocol, port, 1 );
    return sock->reservation && forget_closed( sock->protocol, sock->reservation->first, sock->reservation->count );
}

static int is_for_want_of_ports( NTSTATUS status )
{
    return status == STATUS_SHARING_VIOLATION || status == STATUS_ACCESS_DENIED || status == STATUS_INSUFFICIENT_RESOURCES;
}

/* The reservation that this very request made before: the client had no reply, since the server was killed. */
static struct port_reservation *find_repeated( const struct sock_handle *handle )
{
    struct sock *sock = sock_table_find( handle->id );
    struct reservation *reservation;
    struct port_list *cursor, *after;

    if (!sock) return NULL;
    PORT_LIST_FOR_EACH_SAFE( cursor, after, &sock->ports.acquired )
    {
        reservation = reservation_from_ports( PORT_LIST_ENTRY( cursor, struct port_reservation, sock_entry ) );
        if (reservation->ports.state == RESERVATION_LIVE && reservation->ports.client == &current->process->client &&
            reservation->serial == current_serial)
            return &reservation->ports;
    }
    return NULL;
}

static void acquire_done( const struct change *change, int heard )
{
    struct port_reservation *reservation = pool_find_token( pool, change->token );

    if (!heard && reservation) ports_end( pool, reservation );
}

DECL_HANDLER(acquire_port_reservation)
{
    struct port_reservation *reservation;
    struct sock_handle handle;
    struct sock *sock;
    NTSTATUS status;

    if ((status = sock_open( current->process, req->handle, &handle )))
    {
        set_error( status );
        return;
    }
    if (!(reservation = find_repeated( &handle )) && !(status = get_sock( &handle, &sock )))
    {
        status = ports_acquire( pool, &current->process->client, &sock->ports, req->first, req->count, &reservation );
        if (is_for_want_of_ports( status ) &&
            forget_closed( handle.protocol, req->first ? req->first : 1, req->first ? req->count : POOL_PORTS - 1 ))
            status = ports_acquire( pool, &current->process->client, &sock->ports, req->first, req->count, &reservation );
        if (!status) reservation_from_ports( reservation )->handle = req->handle;
        closed_watch_soon( sock );
    }
    if (!status)
    {
        reply->token = reservation->token;
        reply->first = reservation->first;
        reply->count = reservation->count;
        current->change.end = acquire_done;
        current->change.token = reservation->token;
    }
    sock_close( &handle );
    set_error( status );
}

/* A reservation is about to be used: has it ended with its socket? */
static void look_at_owner( const struct port_reservation *reservation )
{
    if (reservation && reservation->sock) closed_look_at( sock_from_ports( reservation->sock ) );
}

/* what was released or deleted */
static void end_done( const struct change *change, int heard )
{
    struct port_reservation *reservation = pool_find_token( pool, change->token );
    unsigned int slot = change->state_slot;

    /* one that can't be put back into the store is not there for the next server either */
    if (reservation && (heard || ports_revive( pool, reservation ))) ports_end( pool, reservation );
    state_erase( &slot );
}

DECL_HANDLER(release_port_reservation)
{
    unsigned int slot = recovery_find( STATE_RELEASED, current->process, current_serial );
    struct port_reservation *reservation;
    NTSTATUS status = STATUS_SUCCESS;

    look_at_owner( pool_find_token( pool, req->token ) );
    if (!slot) status = ports_release( pool, &current->process->client, req->token, &reservation );
    if (!status)
    {
        current->change.end = end_done;
        current->change.is_urgent = 1;
        current->change.token = req->token;
        current->change.state_slot = slot;
    }
    set_error( status );
}

static void associate_done( const struct change *change, int heard )
{
    struct sock *sock = sock_table_find( change->sock );

    if (heard || !sock || !sock->ports.reservation || sock->ports.reservation->token != change->token) return;
    ports_reassociate( pool, &sock->ports, change->associated, change->previous );
}

DECL_HANDLER(associate_port_reservation)
{
    struct sock_handle handle;
    struct change change = { .end = associate_done };
    struct sock *sock;
    unsigned int port;
    NTSTATUS status;
    int made;

    if (!(status = sock_open( current->process, req->handle, &handle )))
    {
        if (!(status = sock_port( &handle, &port )) && !(status = get_sock( &handle, &sock )))
        {
            look_at_owner( pool_find_token( pool, req->token ) );
            made = set_made( sock, req->made );
            change.token = req->token;
            change.sock = sock->id;
            change.associated = sock->ports.associated;
            change.previous = sock->ports.reservation ? sock->ports.reservation->token : 0;
            status = ports_associate( pool, &current->process->client, &sock->ports, port, req->token );
            if (!status) current->change = change;
            else sock->made = made;
        }
        sock_close( &handle );
    }
    set_error( status );
}

static void processor_done( const struct change *change, int heard )
{
    struct sock *sock = sock_table_find( change->sock );

    if (heard || !sock || sock->ports.port) return;
    sock->ports.processor = change->previous;
    host_socket_changed( &sock->ports );
}

DECL_HANDLER(set_socket_processor)
{
    struct sock_handle handle;
    struct change change = { .end = processor_done };
    struct process *before;
    struct sock *sock;
    unsigned int port;
    int reuse = 0, made;
    NTSTATUS status;

    if (!(status = sock_open( current->process, req->handle, &handle )))
    {
        if (handle.protocol != PROTOCOL_UDP) status = STATUS_NOT_SUPPORTED;
        else if (!(status = sock_port( &handle, &port )) && !(status = sock_get_reuse( &handle, &reuse )) &&
                 !(status = get_sock( &handle, &sock )))
        {
            made = set_made( sock, req->made );
            change.sock = sock->id;
            change.previous = sock->ports.processor;
            before = sock->sharer;
            sock->sharer = current->process;
            status = ports_set_processor( &current->process->client, &sock->ports, port, reuse, req->processor, processor_count() );
            if (status)
            {
                sock->sharer = before;
                sock->made = made;
            }
            else
            {
                process_grab( sock->sharer );
                if (before) process_release( before );
                sock->handle = req->handle;
                current->change = change;
            }
        }
        sock_close( &handle );
    }
    set_error( status );
}

DECL_HANDLER(get_socket_processor)
{
    struct sock_handle handle;
    struct sock *sock;
    NTSTATUS status;

    if (!(status = sock_open( current->process, req->handle, &handle )))
    {
        if ((sock = sock_table_find( handle.id )) && sock->ports.processor != NO_PROCESSOR) reply->processor = sock->ports.processor;
        else status = STATUS_NOT_FOUND;
        sock_close( &handle );
    }
    set_error( status );
}

DECL_HANDLER(bind_socket)
{
    struct sock_handle handle;
    struct bind_args args;
    struct sock *sock;
    NTSTATUS status;

    if (req->addr_len < 16 || req->addr_len > sizeof(req->addr))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    if ((status = sock_open_to_bind( current->process, req->handle, &handle )))
    {
        set_error( status );
        return;
    }
    args.ports.port = req->addr[2] << 8 | req->addr[3];
    args.ports.holds = sock_holds( &handle, req->addr );
    args.handle = &handle;
    args.req = req;
    args.wsa_error = 0;
    sock = sock_table_find( handle.id );
    if (sock && sock->ports.port && !sock->ports.binding &&
        (!sock->serial || (sock->serial == current_serial && sock->binder == current->process->pid)))
    {
        /* this very request bound it, and the server was killed before the reply, or before it noted the port */
        host_socket_changed( &sock->ports );
        args.ports.port = sock->ports.port;
    }
    else if (!sock && !pool_find_port( pool, handle.protocol, args.ports.port )) status = STATUS_NOT_FOUND;
    else if (!(status = get_sock( &handle, &sock )))
    {
        look_at_owner( sock->ports.reservation );
        /* to open each socket of a group is quick while it lives, and takes a search through all handles when it does not */
        if (sock->ports.processor != NO_PROCESSOR) forget_closed( handle.protocol, args.ports.port, 1 );
        status = ports_bind( pool, &sock->ports, &args.ports );
        if (is_for_want_of_ports( status ) && forget_closed_for( &sock->ports, args.ports.port ))
            status = ports_bind( pool, &sock->ports, &args.ports );
        if (!status) (void)closed_update_watch( sock, &handle );
    }
    sock_close( &handle );
    if (!status) reply->port = args.ports.port;
    reply->wsa_error = args.wsa_error;
    set_error( status );
}

void sock_closed( sock_id id )
{
    struct sock *sock = sock_table_find( id );
    struct process *client;

    if (!sock) return;
    client = sock->client;
    sock->ports.processor = NO_PROCESSOR;
    ports_close( pool, &sock->ports );
    ports_free_port( pool, &sock->ports );
    map_count_foreign( -sock->foreign );
    if (sock->mapped) map_remove_socket( id );
    if (sock->watch) sock_unwatch( sock->watch );
    state_erase( &sock->state_slot );
    if (sock->sharer) process_release( sock->sharer );
    sock_table_remove( sock );
    if (!client) return;
    client->sockets--;
    process_release( client );
}

static void create_done( const struct change *change, int heard )
{
    struct port_reservation *reservation = pool_find_token( pool, change->token );
    unsigned int slot = change->state_slot;

    /* what can't be taken out of the store must stay: the next server would have it */
    if (!heard && reservation && !store_remove( reservation->protocol, reservation->first, reservation->count ))
        ports_end( pool, reservation );
    state_erase( &slot );
}

DECL_HANDLER(create_persistent_reservation)
{
    unsigned int slot = recovery_find( STATE_CREATING, current->process, current_serial );
    struct port_reservation *reservation;
    NTSTATUS status = STATUS_SUCCESS;

    if (slot && !ports_lookup( pool, req->protocol, req->first, req->count, &reply->token )) current->change.state_slot = slot;
    else
    {
        state_erase( &slot );
        status = ports_create( pool, &current->process->client, req->protocol, req->first, req->count, &reservation );
        if (status == STATUS_SHARING_VIOLATION && forget_closed( req->protocol, req->first, req->count ))
            status = ports_create( pool, &current->process->client, req->protocol, req->first, req->count, &reservation );
        if (!status) reply->token = reservation->token;
    }
    if (!status)
    {
        current->change.end = create_done;
        current->change.token = reply->token;
    }
    set_error( status );
}

DECL_HANDLER(delete_persistent_reservation)
{
    unsigned int slot = recovery_find( STATE_DELETING, current->process, current_serial );
    struct port_reservation *reservation;
    NTSTATUS status;

    status = ports_delete( pool, &current->process->client, req->protocol, req->first, req->count, &reservation );
    if (!status) current->change.token = reservation->token;
    if (status == STATUS_NOT_FOUND && slot)
    {
        current->change.state_slot = slot;
        status = STATUS_SUCCESS;
    }
    else state_erase( &slot );
    if (!status)
    {
        current->change.end = end_done;
        current->change.is_urgent = 1;
    }
    set_error( status );
}

DECL_HANDLER(lookup_persistent_reservation)
{
    set_error( ports_lookup( pool, req->protocol, req->first, req->count, &reply->token ) );
}

DECL_HANDLER(get_server_info)
{
    struct guard_info guard;

    guard_get_info( &guard );
    reply->pid = server_pid;
    reply->guard = guard.flags;
    reply->guards = guard.guards;
    reply->guard_limit = guard.limit;
    reply->guard_missing = guard.missing;
    reply->runtime = pool->runtime;
    reply->persistent = pool->persistent;
    reply->sockets = sock_table_count();
    reply->clients = client_count;
    reply->unsaved = state_unsaved();
}

DECL_HANDLER(get_reservations)
{
    struct port_reservation *reservation;
    struct reservation_info *info;
    unsigned int from = req->from;

    if (!protocol_is_valid( req->protocol ))
    {
        set_error( STATUS_INVALID_PARAMETER );
        return;
    }
    while (reply->count < sizeof(reply->entries) / sizeof(reply->entries[0]) &&
           (reservation = pool_next( pool, req->protocol, from )))
    {
        from = reservation->first + reservation->count;
        if (reservation->state == RESERVATION_PENDING) continue;  /* it may be refused yet */
        info = &reply->entries[reply->count++];
        info->first = reservation->first;
        info->protocol = reservation->protocol;
        info->count = reservation->count;
        info->kind = reservation->kind;
        info->owner = reservation_owner( reservation );
        info->in_use = pool_ports_in_use( pool, reservation );
    }
}

static int is_in_use( int protocol, unsigned int port )
{
    return pool_port_in_use( pool, protocol, port );
}

/* Fill the ports of first..last that are to be listed into an array, the lowest ones, *count of them. Returns 0, and sets the error, when
 * there are no such ports. */
static int list_ports( unsigned int protocol, unsigned int first, unsigned int last,
                       int (*is_listed)( int protocol, unsigned int port ), uint16_t *ports, unsigned int max, uint32_t *count )
{
    unsigned int port;

    if (!protocol_is_valid( protocol ) || last >= POOL_PORTS)
    {
        set_error( STATUS_INVALID_PARAMETER );
        return 0;
    }
    for (port = first; port <= last && *count < max; port++) if (is_listed( protocol, port )) ports[(*count)++] = port;
    return 1;
}

DECL_HANDLER(get_ports_in_use)
{
    list_ports( req->protocol, req->first, req->last, is_in_use, reply->ports,
                sizeof(reply->ports) / sizeof(reply->ports[0]), &reply->count );
}

DECL_HANDLER(get_guarded_ports)
{
    struct guard_info info;

    if (!list_ports( req->protocol, req->first, req->last, guard_stands, reply->ports,
                     sizeof(reply->ports) / sizeof(reply->ports[0]), &reply->count ))
        return;
    guard_get_info( &info );
    reply->in_prefix = !(info.flags & GUARD_COVERS_NATIVE);
}

static void add_stored( void *context, int protocol, unsigned int first, unsigned int count )
{
    struct port_reservation *reservation;
    NTSTATUS status, *failed = context;

    if ((status = ports_restore( pool, protocol, first, count, 0, NULL, NULL, &reservation ))) *failed = status;
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
    struct port_reservation *reservation;
    struct sock *sock;
    unsigned int i;

    /* just the memory: what ends with the server, ends by itself */
    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each is taken out of the table before it is freed */
        while ((reservation = pool->tokens[i]))
        {
            pool_remove( pool, reservation );
            host_free_reservation( reservation );
        }
    }
    while ((sock = sock_table_next( NULL ))) sock_table_remove( sock );
    recovery_done();
    store_close();
    state_close();
    pool_destroy( pool );
    pool = NULL;
}
