/*
 * Watching for the last close of a socket
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "afd.h"
#include "sock.h"
#include "watch.h"
#include "wsock.h"

/* A poll in Wine's server refers to the socket, but not to a handle of it. It completes when the last handle is closed, in whatever
 * process and however that one ended; one helper socket carries all polls. */

struct watch
{
    OVERLAPPED             overlapped;  /* begins like an IO_STATUS_BLOCK, and comes back from the completion port */
    sock_id                id;
    struct afd_poll_params params;
};

static HANDLE helper;

/* wineserver goes through all polls when the last handle of a socket is closed, and keeps the next one in hand while one is completed.
 * Should this process have been killed a moment ago, each completion finds one more of its threads dead, of those that wait in
 * wineserver, and with the last of them go the process and its polls, the one in hand too: wineserver crashes (seen with 8.0), and the
 * prefix with it. A thread that sleeps without wineserver is found dead by itself, at another time. */
static DWORD WINAPI sleep_for_ever( void *arg )
{
    (void)arg;
    Sleep( INFINITE );
    return 0;
}

NTSTATUS watch_init( HANDLE port, ULONG_PTR key )
{
    SOCKET s = winsock.WSASocketW( AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED );
    HANDLE thread;

    if (s == INVALID_SOCKET) return STATUS_INSUFFICIENT_RESOURCES;
    if (!(thread = CreateThread( NULL, 0, sleep_for_ever, NULL, 0, NULL ))) return STATUS_INSUFFICIENT_RESOURCES;
    CloseHandle( thread );
    helper = (HANDLE)s;
    return CreateIoCompletionPort( helper, port, key, 0 ) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

sock_id sock_own_id(void)
{
    sock_id id = 0;

    return afd_query_id( helper, &id ) ? 0 : id;
}

NTSTATUS sock_watch( const struct sock_handle *sock, struct watch **ret )
{
    struct watch *watch;
    NTSTATUS status;

    if (!(watch = calloc( 1, sizeof(*watch) ))) return STATUS_NO_MEMORY;
    watch->id = sock->id;
    watch->params.timeout = 0x7fffffffffffffff;
    watch->params.count = 1;
    watch->params.sockets[0].socket = (ULONG_PTR)sock->handle;
    watch->params.sockets[0].flags = AFD_POLL_CLOSE;
    status = NtDeviceIoControlFile( helper, NULL, NULL, &watch->overlapped, (IO_STATUS_BLOCK *)&watch->overlapped, IOCTL_AFD_POLL,
                                    &watch->params, sizeof(watch->params), &watch->params, sizeof(watch->params) );
    if (NT_SUCCESS( status ))  /* pending or done, its completion comes */
    {
        *ret = watch;
        return STATUS_SUCCESS;
    }
    free( watch );
    return status;
}

void sock_unwatch( struct watch *watch )
{
    watch->id = 0;  /* its completion comes all the same */
    CancelIoEx( helper, &watch->overlapped );
}

void watch_completed( OVERLAPPED *overlapped )
{
    struct watch *watch = CONTAINING_RECORD( overlapped, struct watch, overlapped );
    sock_id id = watch->id;
    struct sock *sock = id ? sock_table_find( id ) : NULL;

    if (sock) sock->watch = NULL;
    free( watch );
    if (id) sock_closed( id );
}
