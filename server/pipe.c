/*
 * The named pipe that clients connect to
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

#include "channel.h"
#include "pipe.h"
#include "port_list.h"
#include "portserver.h"
#include "request.h"
#include "request_handlers.h"
#include "reservation.h"
#include "security.h"
#include "task.h"

/* instances that wait for a client: so many may connect before the server has had a turn */
#define LISTENERS 16
/* A client needs as many connections as it has threads in a request at one time. */
#define MAX_PROCESS_CONNECTIONS 128
#define MAX_CONNECTIONS         4096
/* ms that a request may spend in waits, so that its client gets an answer before it gives up (portclient.c) */
#define MAX_REQUEST_TIME        3000
/* A reply in a channel is read without a word. Where ports become free with that, the server looks for it, every ms at first. */
#define URGENT_TIME             20
#define LOOK_TIME               100

enum state
{
    STATE_LISTENING,
    STATE_READING,
    STATE_DRAINING,  /* reading the rest of a message that is longer than any request */
    STATE_RUNNING,   /* its request is carried out, by a task, which may wait; nothing of the pipe is pending */
    STATE_WRITING,
    STATE_CHANNEL,   /* requests come through the channel; a read is pending, and ends with the client */
};

struct connection
{
    OVERLAPPED            overlapped;
    struct client         client;
    HANDLE                pipe;
    enum state            state;
    struct task           task;
    DWORD                 size;     /* of the message that was read */
    union generic_request req;
    union generic_reply   reply;
    struct channel       *channel;  /* NULL: there is none */
    HANDLE                replied;  /* the client's event */
    struct port_list      entry;    /* in channels */
    BOOL                  running;  /* a request of the channel is carried out */
    BOOL                  gone;     /* and the client has gone meanwhile */
    BOOL                  left;     /* the client broke off; what is pending ends the connection */
    union generic_request channel_req;
    uint64_t              reply_time;  /* of a reply that was not seen read, 0: there is none */
};

static HANDLE doorbell;
static struct port_list channels = { &channels, &channels };
static unsigned int unread;  /* replies in channels that were not seen read, of requests that changed something */

static HANDLE completion_port;
static ULONG_PTR completion_key;
static SECURITY_ATTRIBUTES *security;
static unsigned int listeners;

/* Has the client read the last reply? */
static BOOL is_read( int32_t state )
{
    return state == CHANNEL_IDLE || state == CHANNEL_REQUEST;
}

/* Close the channel. Returns whether the client has read the last reply. */
static BOOL close_channel( struct connection *connection )
{
    int32_t state = InterlockedExchange( (LONG *)&connection->channel->state, CHANNEL_LEFT );

    if (connection->reply_time) unread--;
    port_list_remove( &connection->entry );
    UnmapViewOfFile( connection->channel );
    CloseHandle( connection->replied );
    return is_read( state );
}

static void close_connection( struct connection *connection )
{
    BOOL heard = FALSE;

    if (connection->state == STATE_LISTENING) listeners--;
    if (connection->channel) heard = close_channel( connection );
    if (connection->client.process)
    {
        request_done( &connection->client, heard );
        connection->client.process->connections--;
        process_release( connection->client.process );
        client_count--;
    }
    CloseHandle( connection->pipe );
    free( connection );
}

static NTSTATUS add_listener( DWORD flags )
{
    struct connection *connection;

    if (!(connection = calloc( 1, sizeof(*connection) ))) return STATUS_NO_MEMORY;
    /* Without room for a reply in the pipe its write ends when the client has read it, and fails when the client never will. */
    connection->pipe = CreateNamedPipeW( PORTSERVER_PIPE, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                                         PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
                                         PIPE_UNLIMITED_INSTANCES, 0, sizeof(connection->req), 0, security );
    if (connection->pipe == INVALID_HANDLE_VALUE)
    {
        DWORD error = GetLastError();

        free( connection );
        /* what a second first instance gets, and one of a pipe that is another user's */
        return error == ERROR_ACCESS_DENIED || error == ERROR_PIPE_BUSY ? STATUS_SHARING_VIOLATION : STATUS_INSUFFICIENT_RESOURCES;
    }
    connection->state = STATE_LISTENING;
    listeners++;
    if (!CreateIoCompletionPort( connection->pipe, completion_port, completion_key, 0 ))
    {
        close_connection( connection );
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!ConnectNamedPipe( connection->pipe, &connection->overlapped ) && GetLastError() != ERROR_IO_PENDING)
    {
        /* a client was quicker; it may even be gone again, which the first read finds out */
        if ((GetLastError() != ERROR_PIPE_CONNECTED && GetLastError() != ERROR_NO_DATA) ||
            !PostQueuedCompletionStatus( completion_port, 0, completion_key, &connection->overlapped ))
        {
            close_connection( connection );
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    return STATUS_SUCCESS;
}

static void add_listeners(void)
{
    while (listeners < LISTENERS && client_count + listeners < MAX_CONNECTIONS)
        if (add_listener( 0 )) break;  /* tried again when the next client comes or goes, and by pipe_tick() */
}

/* the completion comes through the port, unless the operation could not even be started */
static void check_started( struct connection *connection, BOOL ret )
{
    if (ret || GetLastError() == ERROR_IO_PENDING || GetLastError() == ERROR_MORE_DATA) return;
    close_connection( connection );
    add_listeners();
}

static void start_read( struct connection *connection, enum state state )
{
    connection->state = state;
    check_started( connection, ReadFile( connection->pipe, &connection->req, sizeof(connection->req), NULL,
                                         &connection->overlapped ) );
}

static void start_write( struct connection *connection, DWORD size )
{
    connection->state = STATE_WRITING;
    check_started( connection, WriteFile( connection->pipe, &connection->reply, size, NULL, &connection->overlapped ) );
}

/* a client has connected: who is it? */
static NTSTATUS accept_client( struct connection *connection )
{
    struct process *process;
    NTSTATUS status;
    ULONG pid;

    listeners--;
    connection->state = STATE_READING;
    if (!GetNamedPipeClientProcessId( connection->pipe, &pid )) return STATUS_UNSUCCESSFUL;
    if ((status = process_open( pid, &process ))) return status;
    if (process->connections >= MAX_PROCESS_CONNECTIONS)
    {
        process_release( process );
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    process->connections++;
    client_count++;
    connection->client.process = process;
    return STATUS_SUCCESS;
}

/* A client that waited too long was told that nothing was done. */
static BOOL client_has_gone( const struct connection *connection )
{
    return !PeekNamedPipe( connection->pipe, NULL, 0, NULL, NULL, NULL ) && GetLastError() == ERROR_BROKEN_PIPE;
}

static void run_request( void *arg )
{
    struct connection *connection = arg;

    start_write( connection, handle_request( &connection->client, &connection->req, connection->size, &connection->reply ) );
}

static void start_request( struct connection *connection, DWORD size )
{
    connection->state = STATE_RUNNING;
    connection->size = size;
    task_start( &connection->task, run_request, connection, MAX_REQUEST_TIME );
}

/* The client has read the reply in its channel, or never will: what the request changed stays, or not. */
static void end_change( struct connection *connection, int heard )
{
    if (connection->reply_time) unread--;
    connection->reply_time = 0;
    request_done( &connection->client, heard );
}

/* before anything that may depend on what was changed */
static void end_changes(void)
{
    struct port_list *entry;

    if (!unread) return;
    for (entry = channels.next; entry != &channels; entry = entry->next)
    {
        struct connection *connection = PORT_LIST_ENTRY( entry, struct connection, entry );

        if (connection->reply_time && is_read( connection->channel->state )) end_change( connection, 1 );
    }
}

unsigned int pipe_run(void)
{
    unsigned int ret = -1;
    struct port_list *entry;

    end_changes();
    if (!unread) return ret;
    for (entry = channels.next; entry != &channels; entry = entry->next)
    {
        const struct connection *connection = PORT_LIST_ENTRY( entry, struct connection, entry );

        if (!connection->reply_time || !connection->client.change.is_urgent) continue;
        ret = min( ret, task_now() - connection->reply_time < URGENT_TIME ? 1 : LOOK_TIME );
    }
    return ret;
}

static void run_channel_request( void *arg )
{
    struct connection *connection = arg;
    struct channel *channel = connection->channel;
    size_t size = handle_request( &connection->client, &connection->channel_req,
                                  min( connection->channel_req.__header.size, sizeof(connection->channel_req) ), &connection->reply );

    connection->running = FALSE;
    if (!connection->gone)
    {
        memcpy( &channel->reply, &connection->reply, size );
        if (connection->client.change.end)
        {
            connection->reply_time = task_now();
            unread++;
        }
        if (InterlockedCompareExchange( (LONG *)&channel->state, CHANNEL_REPLY, CHANNEL_RUNNING ) == CHANNEL_RUNNING)
        {
            SetEvent( connection->replied );
            return;
        }
        /* it has left: the pending read still refers to the connection */
        connection->left = TRUE;
        end_change( connection, 0 );
        CancelIoEx( connection->pipe, &connection->overlapped );
        return;
    }
    close_connection( connection );
    add_listeners();
}

static BOOL has_request( const struct connection *connection )
{
    return connection->state == STATE_CHANNEL && !connection->running && !connection->left && connection->channel->state == CHANNEL_REQUEST;
}

static void start_channel_request( struct connection *connection )
{
    struct channel *channel = connection->channel;

    /* A client that waited too long has left, and was told that nothing was done. */
    if (InterlockedCompareExchange( (LONG *)&channel->state, CHANNEL_RUNNING, CHANNEL_REQUEST ) != CHANNEL_REQUEST) return;
    connection->running = TRUE;
    if (connection->reply_time) end_change( connection, 1 );
    end_changes();
    memcpy( &connection->channel_req, &channel->req, sizeof(channel->req) );
    task_start( &connection->task, run_channel_request, connection, MAX_REQUEST_TIME );
}

HANDLE pipe_doorbell(void)
{
    return doorbell;
}

BOOL pipe_serve(void)
{
    struct connection *connection, *first = NULL;
    struct port_list *entry;
    BOOL more = FALSE;

    for (entry = channels.next; entry != &channels && !more; entry = entry->next)
    {
        connection = PORT_LIST_ENTRY( entry, struct connection, entry );
        if (!has_request( connection )) continue;
        if (first) more = TRUE;
        else first = connection;
    }
    if (!first) return FALSE;
    /* the others come first next time */
    port_list_remove( &first->entry );
    port_list_add_tail( &channels, &first->entry );
    start_channel_request( first );
    return more;
}

static NTSTATUS open_channel( struct connection *connection, const struct open_channel_request *req, struct open_channel_reply *reply )
{
    HANDLE process = connection->client.process->handle, section, theirs = NULL, bell = NULL, replied = NULL;
    struct channel *channel = NULL;

    if (connection->channel || req->size != sizeof(*channel)) return STATUS_INVALID_PARAMETER;
    if (!(section = CreateFileMappingW( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*channel), NULL )))
        return STATUS_INSUFFICIENT_RESOURCES;
    /* touch it: Wine keeps a section in a file, and a write that finds the disk full would end this process */
    if ((channel = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(*channel) )) &&
        !IsBadWritePtr( channel, sizeof(*channel) ) &&
        DuplicateHandle( process, (HANDLE)(ULONG_PTR)req->event, GetCurrentProcess(), &replied, EVENT_MODIFY_STATE, FALSE, 0 ) &&
        DuplicateHandle( GetCurrentProcess(), doorbell, process, &bell, EVENT_MODIFY_STATE, FALSE, 0 ) &&
        DuplicateHandle( GetCurrentProcess(), section, process, &theirs, FILE_MAP_READ | FILE_MAP_WRITE, FALSE, 0 ))
    {
        CloseHandle( section );
        connection->channel = channel;
        connection->replied = replied;
        port_list_add_tail( &channels, &connection->entry );
        reply->section = (ULONG_PTR)theirs;
        reply->doorbell = (ULONG_PTR)bell;
        return STATUS_SUCCESS;
    }
    if (bell) DuplicateHandle( process, bell, NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE );
    if (replied) CloseHandle( replied );
    if (channel) UnmapViewOfFile( channel );
    CloseHandle( section );
    return STATUS_INSUFFICIENT_RESOURCES;
}

DECL_HANDLER(open_channel)
{
    set_error( open_channel( CONTAINING_RECORD( current, struct connection, client ), req, reply ) );
}

void pipe_completed( OVERLAPPED *overlapped, DWORD error, DWORD size )
{
    struct connection *connection = CONTAINING_RECORD( overlapped, struct connection, overlapped );

    end_changes();
    /* nothing comes through the pipe beside a channel but its end */
    if (connection->state == STATE_CHANNEL)
    {
        connection->gone = TRUE;
        if (connection->running) return;
        close_connection( connection );
        add_listeners();
        return;
    }
    if (error && error != ERROR_MORE_DATA && error != ERROR_PIPE_CONNECTED)
    {
        /* any other error came after the client had read it all */
        if (connection->state == STATE_WRITING && error != ERROR_BROKEN_PIPE) request_done( &connection->client, 1 );
        close_connection( connection );
        add_listeners();
        return;
    }
    switch (connection->state)
    {
    case STATE_LISTENING:
        if (accept_client( connection )) close_connection( connection );
        else start_read( connection, STATE_READING );
        add_listeners();
        break;
    case STATE_READING:
        if (error) start_read( connection, STATE_DRAINING );
        else if (client_has_gone( connection ))
        {
            close_connection( connection );
            add_listeners();
        }
        else start_request( connection, size );
        break;
    case STATE_DRAINING:
        if (error) start_read( connection, STATE_DRAINING );
        else start_request( connection, 0 );
        break;
    case STATE_RUNNING:
        break;
    case STATE_WRITING:
        request_done( &connection->client, 1 );
        /* the client may have been quicker */
        if (connection->channel) SetEvent( doorbell );
        start_read( connection, connection->channel ? STATE_CHANNEL : STATE_READING );
        break;
    case STATE_CHANNEL:
        break;
    }
}

void pipe_tick(void)
{
    add_listeners();
}

NTSTATUS pipe_init( HANDLE port, ULONG_PTR key )
{
    static HANDLE instance;
    NTSTATUS status;

    completion_port = port;
    completion_key = key;
    if (!(security = user_only())) return STATUS_NO_MEMORY;
    if (!(doorbell = CreateEventW( NULL, FALSE, FALSE, NULL ))) return STATUS_INSUFFICIENT_RESOURCES;
    /* Wine 8.0 does not look at FILE_FLAG_FIRST_PIPE_INSTANCE; the mutex goes with this process, however it ends */
    instance = CreateMutexW( security, FALSE, PORTSERVER_MUTEX );
    if (GetLastError() == ERROR_ALREADY_EXISTS || (!instance && GetLastError() == ERROR_ACCESS_DENIED)) return STATUS_SHARING_VIOLATION;
    if (!instance) return STATUS_INSUFFICIENT_RESOURCES;
    if ((status = add_listener( FILE_FLAG_FIRST_PIPE_INSTANCE ))) return status;
    add_listeners();
    return STATUS_SUCCESS;
}
