/*
 * Wine's AFD ioctls that this project uses
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_AFD_H
#define PORTRES_AFD_H

#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Wine numbers its AFD ioctls in include/wine/afd.h. That of the poll is Windows' own, and so is its structure. */
#define IOCTL_AFD_POLL          0x12024
#define AFD_POLL_CLOSE          0x0020

/* Windows' own as well. The output is the address; the status of a socket that is not bound is STATUS_INVALID_PARAMETER. */
#define IOCTL_AFD_GETSOCKNAME   0x1202f

/* Wine's own; unlike getsockopt() it also takes a handle that ws2_32 has not seen made (DuplicateHandle, inheritance). The output
 * is three ints: family, type and protocol as socket() was called, with the protocol filled in. */
#define IOCTL_AFD_WINE_GET_INFO 0x120368

#define IOCTL_AFD_WINE_GET_SO_REUSEADDR 0x1203a4  /* an int, here and below */
#define IOCTL_AFD_WINE_SET_SO_REUSEADDR 0x1203a8
#define IOCTL_AFD_WINE_GET_IPV6_V6ONLY  0x12045c

/* Wine's own: finish with the NTSTATUS that is the input, and no bytes */
#define IOCTL_AFD_WINE_COMPLETE_ASYNC 0x120348

struct afd_poll_params
{
    LONGLONG timeout;     /* in 100 ns, negative: from now; the largest one means never */
    ULONG    count;
    BOOLEAN  exclusive;
    BOOLEAN  padding[3];
    struct
    {
        ULONG_PTR socket;
        int       flags;
        NTSTATUS  status;
    } sockets[1];
};

struct afd_get_info_params
{
    int family;
    int type;
    int protocol;
};

/* not in mingw-w64's <winternl.h> */
extern NTSTATUS NTAPI NtQueryInformationFile( HANDLE handle, IO_STATUS_BLOCK *io, void *info, ULONG size,
                                              FILE_INFORMATION_CLASS class );

/* A handle of anything may be asked, that of a device, too, whose driver answers when it likes: not into a stack frame that is gone. */
static inline NTSTATUS afd_finish( NTSTATUS status, const volatile IO_STATUS_BLOCK *io )
{
    while (status == STATUS_PENDING && (status = io->Status) == STATUS_PENDING) Sleep( 1 );
    return status;
}

/* Family and protocol of a TCP or UDP socket over IPv4 or IPv6. STATUS_OBJECT_TYPE_MISMATCH: the handle is not a socket.
 * STATUS_NOT_SUPPORTED: it is one of another kind.
 *
 * Where another thread may close the socket meanwhile, an event has to be passed, for which nobody waits. Without one wineserver
 * signals the socket when the ioctl succeeds, in a second request of the thread, and crashes if the socket is gone by then (seen with
 * 8.0 and 10.0; in 8.0 getsockopt( SO_TYPE ) of any program does it too). */
static inline NTSTATUS afd_get_protocol( HANDLE handle, HANDLE event, int *family, int *protocol )
{
    IO_STATUS_BLOCK io = { .Status = STATUS_PENDING };
    struct afd_get_info_params info;
    NTSTATUS status;

    status = NtDeviceIoControlFile( handle, event, NULL, NULL, &io, IOCTL_AFD_WINE_GET_INFO, NULL, 0, &info, sizeof(info) );
    status = afd_finish( status, &io );
    if (status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES) return STATUS_INSUFFICIENT_RESOURCES;
    if (status) return STATUS_OBJECT_TYPE_MISMATCH;
    if (info.family != 2 && info.family != 23) return STATUS_NOT_SUPPORTED;  /* AF_INET, AF_INET6 */
    if (info.type == 1 && (info.protocol == 6 || !info.protocol)) *protocol = 6;  /* SOCK_STREAM, IPPROTO_TCP */
    else if (info.type == 2 && (info.protocol == 17 || !info.protocol)) *protocol = 17;  /* SOCK_DGRAM, IPPROTO_UDP */
    else return STATUS_NOT_SUPPORTED;
    *family = info.family;
    return STATUS_SUCCESS;
}

/* A number that is the same for every handle of a socket, in every process, and not that of another socket while it lives:
 * Wine answers FileInternalInformation with the inode of the Unix file. 0: the handle is not a file. */
static inline NTSTATUS afd_query_id( HANDLE handle, ULONG64 *id )
{
    IO_STATUS_BLOCK io = { .Status = STATUS_PENDING };

    return afd_finish( NtQueryInformationFile( handle, &io, id, sizeof(*id), (FILE_INFORMATION_CLASS)6 /* FileInternalInformation */ ),
                       &io );
}

static inline ULONG64 afd_get_id( HANDLE handle )
{
    ULONG64 id = 0;

    return afd_query_id( handle, &id ) ? 0 : id;
}

#endif /* PORTRES_AFD_H */
