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

static int is_dual_stack( HANDLE handle, int family )
{
    IO_STATUS_BLOCK io;
    int v6only = 1;

    if (family != AF_INET6) return 0;
    if (NtDeviceIoControlFile( handle, NULL, NULL, NULL, &io, IOCTL_AFD_WINE_GET_IPV6_V6ONLY, NULL, 0,
                               &v6only, sizeof(v6only) ))
        return 0;
    return !v6only;
}

NTSTATUS sock_open( const struct process *process, uint64_t handle, struct sock_handle *sock )
{
    HANDLE duplicate;
    NTSTATUS status;

    if (!DuplicateHandle( process->handle, (HANDLE)(ULONG_PTR)handle, GetCurrentProcess(), &duplicate,
                          0, FALSE, DUPLICATE_SAME_ACCESS ))
        return STATUS_OBJECT_TYPE_MISMATCH;
    status = afd_get_protocol( duplicate, &sock->family, &sock->protocol );
    sock->dual_stack = !status && is_dual_stack( duplicate, sock->family );
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
