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

#include "pipe.h"
#include "portserver.h"
#include "request.h"
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

enum state
{
    STATE_LISTENING,
    STATE_READING,
    STATE_DRAINING,  /* reading the rest of a message that is longer than any request */
    STATE_RUNNING,   /* its request is carried out, by a task, which may wait; nothing of the pipe is pending */
    STATE_WRITING,
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
};

static HANDLE completion_port;
static ULONG_PTR completion_key;
static SECURITY_ATTRIBUTES *security;
static unsigned int listeners;

static void close_connection( struct connection *connection )
{
    if (connection->state == STATE_LISTENING) listeners--;
    if (connection->client.process)
    {
        request_done( &connection->client, 0 );
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

void pipe_completed( OVERLAPPED *overlapped, DWORD error, DWORD size )
{
    struct connection *connection = CONTAINING_RECORD( overlapped, struct connection, overlapped );

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
        start_read( connection, STATE_READING );
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
    /* Wine 8.0 does not look at FILE_FLAG_FIRST_PIPE_INSTANCE; the mutex goes with this process, however it ends */
    instance = CreateMutexW( security, FALSE, PORTSERVER_MUTEX );
    if (GetLastError() == ERROR_ALREADY_EXISTS || (!instance && GetLastError() == ERROR_ACCESS_DENIED)) return STATUS_SHARING_VIOLATION;
    if (!instance) return STATUS_INSUFFICIENT_RESOURCES;
    if ((status = add_listener( FILE_FLAG_FIRST_PIPE_INSTANCE ))) return status;
    add_listeners();
    return STATUS_SUCCESS;
}
