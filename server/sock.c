/*
 * Sockets of clients
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "afd.h"
#include "handles.h"
#include "sock.h"
#include "wsock.h"

/* What a call says when the system has no more of something, and the answer might have been another. */
static int is_shortage( NTSTATUS status )
{
    return status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_TOO_MANY_OPENED_FILES;
}

/* Each ioctl goes with this event, for which nobody waits: without one wineserver signals the socket at the end, in a second request, and
 * crashes when the socket is gone by then (see afd_get_protocol()). It is, when this server is killed between the two, and the client
 * has closed its own handle. */
static HANDLE get_event(void)
{
    static HANDLE event;

    if (!event) event = CreateEventW( NULL, FALSE, FALSE, NULL );
    return event;
}

static NTSTATUS sock_ioctl( HANDLE handle, ULONG code, void *in, ULONG in_size, void *out, ULONG out_size )
{
    IO_STATUS_BLOCK io = { .Status = STATUS_PENDING };

    if (!get_event()) return STATUS_INSUFFICIENT_RESOURCES;
    return afd_finish( NtDeviceIoControlFile( handle, get_event(), NULL, NULL, &io, code, in, in_size, out, out_size ), &io );
}

/* getsockopt() and setsockopt() refuse a handle that ws2_32 has not seen made */
static NTSTATUS get_option( HANDLE handle, ULONG code, int *value )
{
    return sock_ioctl( handle, code, NULL, 0, value, sizeof(*value) );
}

static NTSTATUS set_option( HANDLE handle, ULONG code, int value )
{
    return sock_ioctl( handle, code, &value, sizeof(value), NULL, 0 );
}

static NTSTATUS get_dual_stack( struct sock_handle *sock, HANDLE handle )
{
    int v6only = 1;
    NTSTATUS status;

    sock->dual_stack = 0;
    if (sock->family != AF_INET6) return STATUS_SUCCESS;
    status = get_option( handle, IOCTL_AFD_WINE_GET_IPV6_V6ONLY, &v6only );
    if (is_shortage( status )) return STATUS_INSUFFICIENT_RESOURCES;
    sock->dual_stack = !v6only;
    return STATUS_SUCCESS;
}

/* What a client names, or has open, can be anything. An ioctl that is sent to it may wait for a driver, or be answered long after the call
 * has returned, into a stack that is another function's by then. What has an id is a Unix file, which no driver of Windows stands behind,
 * and Wine answers the ioctl of sockets there at once (8.0, 10.0 and 11.10). */
static NTSTATUS get_id( struct sock_handle *sock, HANDLE handle )
{
    NTSTATUS status = afd_query_id( handle, &sock->id );

    if (is_shortage( status )) return STATUS_INSUFFICIENT_RESOURCES;
    return status || !sock->id ? STATUS_OBJECT_TYPE_MISMATCH : STATUS_SUCCESS;
}

static NTSTATUS duplicate_sock( const struct process *process, uint64_t handle, struct sock_handle *sock )
{
    HANDLE duplicate;
    NTSTATUS status;

    if (!DuplicateHandle( process->handle, (HANDLE)(ULONG_PTR)handle, GetCurrentProcess(), &duplicate,
                          0, FALSE, DUPLICATE_SAME_ACCESS ))
        return is_shortage_error( GetLastError() ) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_OBJECT_TYPE_MISMATCH;
    if ((status = get_id( sock, duplicate ))) CloseHandle( duplicate );
    else sock->handle = duplicate;
    return status;
}

static NTSTATUS open_sock( const struct process *process, uint64_t handle, int known, struct sock_handle *sock )
{
    const struct sock *of;
    NTSTATUS status;

    if ((status = duplicate_sock( process, handle, sock ))) return status;
    if (known && (of = sock_table_find( sock->id )) && of->family)
    {
        sock->family = of->family;
        sock->protocol = of->ports.protocol;
    }
    else status = afd_get_protocol( sock->handle, get_event(), &sock->family, &sock->protocol );
    if (!status) status = get_dual_stack( sock, sock->handle );
    if (status) sock_close( sock );
    return status;
}

NTSTATUS sock_open( const struct process *process, uint64_t handle, struct sock_handle *sock )
{
    return open_sock( process, handle, 0, sock );
}

NTSTATUS sock_open_to_bind( const struct process *process, uint64_t handle, struct sock_handle *sock )
{
    return open_sock( process, handle, 1, sock );
}

void sock_close( struct sock_handle *sock )
{
    CloseHandle( sock->handle );  /* closesocket() refuses a handle that ws2_32 has not seen made */
    sock->handle = NULL;
}

NTSTATUS sock_port( const struct sock_handle *sock, unsigned int *port )
{
    struct sockaddr_in6 addr;
    NTSTATUS status = sock_ioctl( sock->handle, IOCTL_AFD_GETSOCKNAME, NULL, 0, &addr, sizeof(addr) );

    *port = 0;
    if (status == STATUS_INVALID_PARAMETER) return STATUS_SUCCESS;  /* what it says of a socket that is not bound */
    if (NT_ERROR( status )) return STATUS_INSUFFICIENT_RESOURCES;
    *port = swap_port( addr.sin6_port );  /* in the same place for both families */
    return STATUS_SUCCESS;
}

struct search
{
    const sock_id      *ids;
    unsigned int        count;
    struct sock_handle *socks;
    NTSTATUS            status;
};

/* A handle that is closed meanwhile is no socket that is looked for. One that can't be had for want of something may be. */
static BOOL check_handle( void *context, const struct found_handle *handle )
{
    const struct process process = { .pid = handle->pid, .handle = handle->process };
    struct search *search = context;
    struct sock_handle *sock;
    const sock_id *found;
    sock_id id = 0;
    NTSTATUS status;

    status = afd_query_id( handle->duplicate, &id );
    if (!status && id && (found = bsearch( &id, search->ids, search->count, sizeof(id), compare_sock_ids )))
    {
        sock = &search->socks[found - search->ids];
        if (!sock->handle && (status = sock_open( &process, handle->value, sock ))) sock->handle = NULL;
    }
    if (!is_shortage( status )) return TRUE;
    search->status = STATUS_INSUFFICIENT_RESOURCES;
    return FALSE;
}

NTSTATUS sock_find( const sock_id *ids, unsigned int count, struct sock_handle *socks )
{
    struct search search = { ids, count, socks, STATUS_SUCCESS };
    NTSTATUS status;

    memset( socks, 0, count * sizeof(*socks) );
    if ((status = enum_handles( check_handle, &search ))) return status;
    return search.status;
}

unsigned int sock_holds( const struct sock_handle *sock, const void *addr )
{
    const struct sockaddr_in *in = addr;
    const struct sockaddr_in6 *in6 = addr;
    unsigned int i;

    if (sock->family == AF_INET) return in->sin_addr.s_addr == INADDR_ANY ? HOLDS_IPV4_ANY : 0;
    if (!sock->dual_stack) return 0;
    for (i = 0; i < sizeof(in6->sin6_addr); i++)
        if (in6->sin6_addr.s6_addr[i]) return 0;
    return HOLDS_BOTH_ANY;
}

NTSTATUS sock_open_again( const struct process *process, uint64_t handle, sock_id id, struct sock_handle *sock )
{
    NTSTATUS status;

    if (process && !sock_open( process, handle, sock ))
    {
        if (sock->id == id) return STATUS_SUCCESS;
        sock_close( sock );
    }
    /* that handle was closed, and another one may be left */
    if ((status = sock_find( &id, 1, sock )))
    {
        if (sock->handle) sock_close( sock );
        return status;
    }
    return sock->handle ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

NTSTATUS sock_get_reuse( const struct sock_handle *sock, int *reuse )
{
    return get_option( sock->handle, IOCTL_AFD_WINE_GET_SO_REUSEADDR, reuse ) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NTSTATUS sock_set_reuse( const struct sock_handle *sock, int reuse )
{
    return set_option( sock->handle, IOCTL_AFD_WINE_SET_SO_REUSEADDR, reuse ) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NTSTATUS sock_bind( const struct sock_handle *sock, const void *addr, unsigned int addr_len, unsigned int port,
                    unsigned int *wsa_error )
{
    union
    {
        struct sockaddr     any;
        struct sockaddr_in  in;
        struct sockaddr_in6 in6;
    } buffer;

    *wsa_error = 0;
    memset( &buffer, 0, sizeof(buffer) );
    memcpy( &buffer, addr, min( addr_len, sizeof(buffer) ) );
    buffer.in.sin_port = swap_port( port );  /* in the same place for both families */
    if (!winsock.bind( (SOCKET)sock->handle, &buffer.any, addr_len )) return STATUS_SUCCESS;
    switch (*wsa_error = winsock.WSAGetLastError())
    {
    case WSAEADDRINUSE: return STATUS_SHARING_VIOLATION;
    case WSAEACCES:     return STATUS_ACCESS_DENIED;
    default:            return STATUS_UNSUCCESSFUL;
    }
}
