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

#include <stdlib.h>
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
    else sock->handle = duplicate;
    return status;
}

void sock_close( struct sock_handle *sock )
{
    CloseHandle( sock->handle );  /* closesocket() refuses a handle that ws2_32 has not seen made */
    sock->handle = NULL;
}

unsigned int sock_port( const struct sock_handle *sock )
{
    struct sockaddr_in6 addr;
    int len = sizeof(addr);

    if (winsock.getsockname( (SOCKET)sock->handle, (struct sockaddr *)&addr, &len )) return 0;
    return swap_port( addr.sin6_port );  /* in the same place for both families */
}

/* SystemExtendedHandleInformation of NtQuerySystemInformation(), with the field names of the Windows kernel's headers */
struct handle_info
{
    void     *Object;
    ULONG_PTR UniqueProcessId;
    ULONG_PTR HandleValue;
    ULONG     GrantedAccess;
    USHORT    CreatorBackTraceIndex;
    USHORT    ObjectTypeIndex;
    ULONG     HandleAttributes;
    ULONG     Reserved;
};

struct handle_list
{
    ULONG_PTR          NumberOfHandles;
    ULONG_PTR          Reserved;
    struct handle_info Handles[1];
};

static struct handle_list *get_all_handles(void)
{
    struct handle_list *list;
    ULONG size = 0x40000;
    NTSTATUS status;

    for (;;)
    {
        if (!(list = malloc( size ))) return NULL;
        status = NtQuerySystemInformation( (SYSTEM_INFORMATION_CLASS)64, list, size, NULL );
        if (!status) return list;
        free( list );
        if (status != STATUS_INFO_LENGTH_MISMATCH) return NULL;
        size *= 2;
    }
}

void sock_find( const sock_id *ids, unsigned int count, struct sock_handle *socks )
{
    struct handle_list *list = get_all_handles();
    struct process process = { 0 };
    struct sock_handle *sock;
    const sock_id *found;
    HANDLE duplicate;
    ULONG_PTR i;
    sock_id id;

    memset( socks, 0, count * sizeof(*socks) );
    for (i = 0; list && i < list->NumberOfHandles; i++)
    {
        const struct handle_info *info = &list->Handles[i];

        if (info->UniqueProcessId == GetCurrentProcessId()) continue;
        if (info->UniqueProcessId != process.pid)
        {
            if (process.handle) CloseHandle( process.handle );
            process.pid = info->UniqueProcessId;
            process.handle = OpenProcess( PROCESS_DUP_HANDLE, FALSE, process.pid );
        }
        if (!process.handle || !DuplicateHandle( process.handle, (HANDLE)info->HandleValue, GetCurrentProcess(), &duplicate,
                                                 0, FALSE, DUPLICATE_SAME_ACCESS ))
            continue;
        id = afd_get_id( duplicate );
        CloseHandle( duplicate );
        if (!id || !(found = bsearch( &id, ids, count, sizeof(*ids), compare_sock_ids ))) continue;
        sock = &socks[found - ids];
        if (!sock->handle && sock_open( &process, info->HandleValue, sock )) sock->handle = NULL;
    }
    if (process.handle) CloseHandle( process.handle );
    free( list );
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
    if (*wsa_error == WSAEADDRINUSE) return STATUS_SHARING_VIOLATION;
    if (*wsa_error == WSAEACCES) return STATUS_ACCESS_DENIED;
    return STATUS_UNSUCCESSFUL;
}
