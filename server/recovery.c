/*
 * Taking up the reservations of a server that was killed
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
#include "log.h"
#include "ports.h"
#include "process.h"
#include "recovery.h"
#include "reservation.h"
#include "sock.h"
#include "state.h"

/* A socket goes on in its process while the server is away, and is found there by its id. A reservation whose socket is
 * not found has ended meanwhile. */

static int is_valid( const struct state_record *record )
{
    if (!protocol_is_valid( record->protocol )) return 0;
    if (record->type == STATE_CREATING || record->type == STATE_DELETING) return 1;
    return record->sock && record->port < POOL_PORTS && record->first < POOL_PORTS;
}

/* Requests that the previous server may or may not have carried out, and whose clients have not heard of it. A client asks again within
 * the time that a call has. */
#define SECONDS_TO_ASK 10

static struct unfinished
{
    unsigned int        slot;
    struct state_record record;
} *unfinished;
static unsigned int unfinished_count, seconds;

static NTSTATUS add_unfinished( const struct state_record *record, unsigned int slot )
{
    struct unfinished *entries = realloc( unfinished, (unfinished_count + 1) * sizeof(*entries) );

    if (!entries) return STATUS_NO_MEMORY;
    unfinished = entries;
    unfinished[unfinished_count].slot = slot;
    unfinished[unfinished_count++].record = *record;
    return STATUS_SUCCESS;
}

unsigned int recovery_find( enum state_type type, const struct process *process, uint32_t serial )
{
    unsigned int i, slot;

    for (i = 0; i < unfinished_count; i++)
    {
        const struct state_record *record = &unfinished[i].record;

        if (record->type != type || record->serial != serial || record->pid != process->pid ||
            record->start_time != process->start_time)
            continue;
        slot = unfinished[i].slot;
        unfinished[i] = unfinished[--unfinished_count];
        return slot;
    }
    return 0;
}

void recovery_tick(void)
{
    if (!unfinished_count || ++seconds < SECONDS_TO_ASK) return;
    while (unfinished_count) state_erase( &unfinished[--unfinished_count].slot );
    recovery_done();
}

void recovery_done(void)
{
    free( unfinished );
    unfinished = NULL;
    unfinished_count = seconds = 0;
}

/* What restores a record returns STATUS_NOT_FOUND for one that has no effect any more, and another error for one that has: without it
 * the server must not run. */

/* A process that is gone shares with nobody any more. The server may have been killed in the moment when the socket let others in. */
static NTSTATUS restore_processor( struct sock *sock, const struct state_record *record, const struct sock_handle *handle )
{
    NTSTATUS status = process_open( record->count, &sock->sharer );

    if (status == STATUS_ACCESS_DENIED) sock->sharer = NULL;
    else if (status) return status;
    else if (sock->sharer->start_time != record->start_time)
    {
        process_release( sock->sharer );
        sock->sharer = NULL;
    }
    sock->ports.processor = record->processor;
    sock->ports.client = sock->sharer ? &sock->sharer->client : NULL;
    return sock_set_reuse( handle, 0 );
}

static NTSTATUS restore_sock( const struct state_record *record, const struct sock_handle *handle, unsigned int slot )
{
    struct sock *sock;
    NTSTATUS status;

    if (!handle->handle || handle->protocol != (int)record->protocol) return STATUS_NOT_FOUND;
    if (sock_table_find( record->sock )) return STATUS_NOT_FOUND;
    if (!(sock = sock_table_add( record->sock, record->protocol ))) return STATUS_NO_MEMORY;
    if ((status = closed_update_watch( sock, handle )))
    {
        sock_table_remove( sock );
        return status;
    }
    sock->state_slot = slot;
    sock->serial = record->serial;
    sock->binder = record->pid;
    if (record->processor != NO_PROCESSOR) return restore_processor( sock, record, handle );
    return STATUS_SUCCESS;
}

static NTSTATUS restore_reservation( struct port_pool *pool, const struct state_record *record, unsigned int slot )
{
    struct sock *sock = sock_table_find( record->sock );
    struct port_reservation *reservation;
    struct process *owner = NULL;
    NTSTATUS status;

    if (!sock || !record->token || sock->ports.protocol != (int)record->protocol) return STATUS_NOT_FOUND;
    /* An heir of the socket keeps the reservation alive, but nobody may consume it once its owner is gone. */
    status = process_open( record->pid, &owner );
    if (status && status != STATUS_ACCESS_DENIED) return status;
    if (!status && owner->start_time != record->start_time)
    {
        process_release( owner );
        owner = NULL;
    }
    status = ports_restore( pool, record->protocol, record->first, record->count, record->token, owner ? &owner->client : NULL,
                            &sock->ports, &reservation );
    if (owner) process_release( owner );
    if (status == STATUS_SHARING_VIOLATION || status == STATUS_INVALID_PARAMETER) return STATUS_NOT_FOUND;
    if (status) return status;
    reservation_from_ports( reservation )->serial = record->serial;
    reservation_from_ports( reservation )->state_slot = slot;
    return STATUS_SUCCESS;
}

static NTSTATUS restore_use( struct port_pool *pool, struct state_record *record, const struct sock_handle *handle )
{
    struct sock *sock = sock_table_find( record->sock );
    unsigned int port = record->port;
    struct port_reservation *reservation;
    NTSTATUS status;

    if (!port && sock_needs_server( &sock->ports, record->associated ))
    {
        if ((status = sock_port( handle, &port ))) return status;
    }
    if (port && !record->port)
    {
        /* bound in the last moment, by a request that had no reply */
        sock->serial = sock->binder = 0;
        record->serial = record->pid = record->first = record->associated = 0;
        record->token = 0;
        record->port = port;
        state_save( &sock->state_slot, record );
    }
    if (port) ports_restore_port( pool, &sock->ports, port, record->holds );
    else if (record->associated)
    {
        reservation = record->token ? pool_find_token( pool, record->token )
                                    : pool_find_port( pool, sock->ports.protocol, record->first );
        if (reservation) pool_associate( &sock->ports, reservation );
        else pool_orphan( &sock->ports );
    }
    if ((status = closed_update_watch( sock, handle ))) return status;
    /* with the rest of the map, which is published next */
    sock->mapped = sock->foreign = sock_needs_server( &sock->ports, sock->ports.associated );
    sock->shares = sock_shares( &sock->ports );
    return STATUS_SUCCESS;
}

static struct sock_handle *find_handle( const sock_id *ids, struct sock_handle *handles, unsigned int count, sock_id id )
{
    const sock_id *found = bsearch( &id, ids, count, sizeof(*ids), compare_sock_ids );

    return found ? &handles[found - ids] : NULL;
}

NTSTATUS recover_reservations( struct port_pool *pool )
{
    unsigned int i, slot, total, count = 0;
    struct state_record *records, *record;
    struct sock_handle *handles = NULL;
    sock_id *ids = NULL;
    NTSTATUS status;

    if ((status = state_open( &records, &total ))) return status;
    if (!records) return STATUS_SUCCESS;
    ids = calloc( total, sizeof(*ids) );
    handles = calloc( total, sizeof(*handles) );
    if (!ids || !handles)
    {
        free( handles );
        free( ids );
        free( records );
        return STATUS_NO_MEMORY;
    }
    for (i = 0; i < total; i++)
    {
        if (!is_valid( &records[i] )) records[i].type = records[i].type ? STATE_INVALID : STATE_FREE;
        if (records[i].type == STATE_SOCKET) ids[count++] = records[i].sock;
    }
    if (count)
    {
        qsort( ids, count, sizeof(*ids), compare_sock_ids );
        if ((status = sock_find( ids, count, handles ))) goto done;
    }
    /* sockets first, then what lives with them, then what refers to both; records without effect become free */
    for (i = 0; i < total; i++)
    {
        record = &records[i];
        if (record->type != STATE_SOCKET) continue;
        status = restore_sock( record, find_handle( ids, handles, count, record->sock ), i + 1 );
        if (status == STATUS_NOT_FOUND) record->type = STATE_INVALID;
        else if (status) goto done;
    }
    for (i = 0; i < total; i++)
    {
        record = &records[i];
        if (record->type != STATE_RESERVATION) continue;
        status = restore_reservation( pool, record, i + 1 );
        if (status == STATUS_NOT_FOUND) record->type = STATE_INVALID;
        else if (status) goto done;
    }
    /* from here on the file changes */
    status = STATUS_SUCCESS;
    for (i = 0; i < total; i++)
    {
        record = &records[i];
        if (record->type == STATE_SOCKET)
        {
            if ((status = restore_use( pool, record, find_handle( ids, handles, count, record->sock ) ))) goto done;
        }
        else if (record->type == STATE_RELEASED || record->type == STATE_CREATING || record->type == STATE_DELETING)
        {
            if ((status = add_unfinished( record, i + 1 ))) goto done;
        }
        else if (record->type != STATE_RESERVATION)
        {
            slot = i + 1;
            state_erase( &slot );
        }
    }
    if (pool->runtime) log_message( "took up %u reservations and %u sockets of the server before", pool->runtime,
                                    sock_table_count() );
done:
    for (i = 0; i < count; i++)
        if (handles[i].handle) sock_close( &handles[i] );
    free( handles );
    free( ids );
    free( records );
    return status;
}
