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

#include <string.h>

#include "afd.h"
#include "sock.h"
#include "wsock.h"

NTSTATUS sock_open( const struct process *process, uint64_t handle, struct sock_handle *sock )
{
    HANDLE duplicate;
    NTSTATUS status;

    if (!DuplicateHandle( process->handle, (HANDLE)(ULONG_PTR)handle, GetCurrentProcess(), &duplicate,
                          0, FALSE, DUPLICATE_SAME_ACCESS ))
        return STATUS_OBJECT_TYPE_MISMATCH;
    status = afd_get_protocol( duplicate, &sock->family, &sock->protocol );
    if (!status && !(sock->id = afd_get_id( duplicate ))) status = STATUS_NOT_SUPPORTED;
    if (status) CloseHandle( duplicate );
    sock->handle = duplicate;
    return status;
}

void sock_close( struct sock_handle *sock )
{
    CloseHandle( sock->handle );  /* closesocket() refuses a handle that ws2_32 has not seen made */
    sock->handle = NULL;
}

int sock_is_bound( const struct sock_handle *sock )
{
    struct sockaddr_in6 addr;
    int len = sizeof(addr);

    return !winsock.getsockname( (SOCKET)sock->handle, (struct sockaddr *)&addr, &len );
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
    *wsa_error = winsock.WSAGetLastError();
    /* Wine says WSAEACCES where the holder of the port has SO_EXCLUSIVEADDRUSE */
    if (*wsa_error == WSAEADDRINUSE || *wsa_error == WSAEACCES) return STATUS_SHARING_VIOLATION;
    return STATUS_UNSUCCESSFUL;
}
