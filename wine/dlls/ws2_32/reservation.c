/*
 * Port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "ws2_32_private.h"

WINE_DEFAULT_DEBUG_CHANNEL(winsock);

#ifndef SIO_ACQUIRE_PORT_RESERVATION
# define SIO_ACQUIRE_PORT_RESERVATION   _WSAIOW( IOC_VENDOR, 100 )
# define SIO_RELEASE_PORT_RESERVATION   _WSAIOW( IOC_VENDOR, 101 )
# define SIO_ASSOCIATE_PORT_RESERVATION _WSAIOW( IOC_VENDOR, 102 )
#endif
#ifndef SIO_CPU_AFFINITY
# define SIO_CPU_AFFINITY               _WSAIOW( IOC_VENDOR, 21 )
#endif

static const struct reservation_ioctl
{
    DWORD code;
    DWORD afd_code;
    DWORD in_size;
    DWORD out_size;
}
ioctls[] =
{
    { SIO_ACQUIRE_PORT_RESERVATION, IOCTL_AFD_WINE_ACQUIRE_PORTS, sizeof(struct afd_port_range), sizeof(struct afd_port_instance) },
    { SIO_RELEASE_PORT_RESERVATION, IOCTL_AFD_WINE_RELEASE_PORTS, sizeof(ULONG64), 0 },
    { SIO_ASSOCIATE_PORT_RESERVATION, IOCTL_AFD_WINE_ASSOCIATE_PORTS, sizeof(ULONG64), 0 },
    { SIO_CPU_AFFINITY, IOCTL_AFD_WINE_SET_CPU_AFFINITY, sizeof(USHORT), 0 },
};

static const struct reservation_ioctl *find_ioctl( DWORD code )
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(ioctls); i++) if (ioctls[i].code == code) return &ioctls[i];
    return NULL;
}

BOOL is_reservation_ioctl( DWORD code )
{
    return find_ioctl( code ) != NULL;
}

static DWORD error_from_status( NTSTATUS status )
{
    switch (status)
    {
    case STATUS_SUCCESS:                return 0;
    case STATUS_PENDING:                return WSA_IO_PENDING;
    case STATUS_OBJECT_TYPE_MISMATCH:
    case STATUS_INVALID_HANDLE:         return WSAENOTSOCK;
    case STATUS_NOT_SUPPORTED:          return WSAEOPNOTSUPP;
    case STATUS_ACCESS_DENIED:          return WSAEACCES;
    case STATUS_SHARING_VIOLATION:      return WSAEADDRINUSE;
    case STATUS_NO_MEMORY:
    case STATUS_INSUFFICIENT_RESOURCES: return WSAENOBUFS;
    case STATUS_CANCELLED:              return WSA_OPERATION_ABORTED;
    default:                            return WSAEINVAL;
    }
}

/* a socket answers at once, but what is not one may be any driver's file */
static NTSTATUS sync_ioctl( SOCKET s, ULONG code, void *in, ULONG in_size, void *out, ULONG out_size )
{
    HANDLE event = get_sync_event();
    IO_STATUS_BLOCK io;
    NTSTATUS status;

    if (!event) return STATUS_INSUFFICIENT_RESOURCES;
    status = NtDeviceIoControlFile( (HANDLE)s, event, NULL, NULL, &io, code, in, in_size, out, out_size );
    if (status != STATUS_PENDING) return status;
    WaitForSingleObject( event, INFINITE );
    return *(NTSTATUS *)&io;
}

/* of a socket that is not one of TCP or UDP: WSAEOPNOTSUPP */
static DWORD check_socket( SOCKET s )
{
    struct afd_get_info_params info;
    NTSTATUS status = sync_ioctl( s, IOCTL_AFD_WINE_GET_INFO, NULL, 0, &info, sizeof(info) );

    if (status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES) return WSAENOBUFS;
    if (status) return WSAENOTSOCK;
    if (info.family != AF_INET && info.family != AF_INET6) return WSAEOPNOTSUPP;
    if (info.type == SOCK_STREAM && (info.protocol == IPPROTO_TCP || !info.protocol)) return 0;
    if (info.type == SOCK_DGRAM && (info.protocol == IPPROTO_UDP || !info.protocol)) return 0;
    return WSAEOPNOTSUPP;
}

static BOOL is_readable( const void *ptr, DWORD size )
{
    return ptr && !IsBadReadPtr( ptr, size );
}

static BOOL is_writable( void *ptr, DWORD size )
{
    return ptr && !IsBadWritePtr( ptr, size );
}

static DWORD check_params( const struct reservation_ioctl *ioctl, void *in, DWORD in_size, void *out, DWORD out_size,
                           DWORD *ret_size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE completion )
{
    if (in_size < ioctl->in_size) return WSAEINVAL;
    if (ioctl->out_size ? out_size < ioctl->out_size : out_size) return WSAEINVAL;
    if (!is_readable( in, in_size )) return WSAEFAULT;
    if (ioctl->out_size && !is_writable( out, out_size )) return WSAEFAULT;
    if (overlapped ? !is_writable( overlapped, sizeof(*overlapped) ) : !is_writable( ret_size, sizeof(*ret_size) ))
        return WSAEFAULT;
    if (completion && !is_readable( completion, 1 )) return WSAEFAULT;
    return 0;
}

static void WINAPI reservation_apc( void *context, IO_STATUS_BLOCK *io, ULONG reserved )
{
    LPWSAOVERLAPPED_COMPLETION_ROUTINE completion = context;
    OVERLAPPED *overlapped = (OVERLAPPED *)io;

    completion( error_from_status( overlapped->Internal ), overlapped->InternalHigh, overlapped, 0 );
}

/* Can the end be reported as the program asks? Asked before anything is done. The server looks at the event, and at a completion port
 * that does not go with a routine, before it looks at the ioctl itself, which has nowhere to store its output here. */
static DWORD check_completion( SOCKET s, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE completion )
{
    IO_STATUS_BLOCK io;

    switch (NtDeviceIoControlFile( (HANDLE)s, completion ? NULL : overlapped->hEvent, completion ? reservation_apc : NULL, NULL,
                                   &io, IOCTL_AFD_WINE_GET_INFO, NULL, 0, NULL, 0 ))
    {
    case STATUS_INVALID_HANDLE:
    case STATUS_OBJECT_TYPE_MISMATCH:
    case STATUS_ACCESS_DENIED:
        return WSA_INVALID_HANDLE;
    case STATUS_INVALID_PARAMETER:
        return WSAEINVAL;
    default:
        return 0;
    }
}

/* What is wrong with the socket is told before what is wrong with the parameters, and both before anything is done. The server looks at
 * the socket itself, so it need not be asked about it when all is well. */
DWORD reservation_ioctl( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *ret_size,
                         OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE completion )
{
    const struct reservation_ioctl *ioctl = find_ioctl( code );
    void *cvalue = NULL;
    NTSTATUS status;
    DWORD ret, error;

    if (is_writable( ret_size, sizeof(*ret_size) )) *ret_size = 0;
    else if (overlapped) ret_size = NULL;
    if (!num_startup) return WSANOTINITIALISED;
    ret = check_params( ioctl, in, in_size, out, out_size, ret_size, overlapped, completion );
    if ((ret || overlapped) && (error = check_socket( s ))) return error;
    if (ret) return ret;

    if (overlapped)
    {
        if ((ret = check_completion( s, overlapped, completion ))) return ret;
        if (completion) cvalue = completion;
        else if (!((ULONG_PTR)overlapped->hEvent & 1)) cvalue = overlapped;  /* the bit keeps the completion port out */
        overlapped->Internal = STATUS_PENDING;
        *(DWORD *)((ULONG_PTR *)overlapped + 2) = 0;  /* Offset, where WSAGetOverlappedResult() looks for flags */
        status = NtDeviceIoControlFile( (HANDLE)s, completion ? NULL : overlapped->hEvent, completion ? reservation_apc : NULL,
                                        cvalue, (IO_STATUS_BLOCK *)overlapped, ioctl->afd_code, in, ioctl->in_size,
                                        out, ioctl->out_size );
        if (NT_ERROR( status )) overlapped->Internal = status;  /* which nobody else reports */
    }
    else
    {
        status = sync_ioctl( s, ioctl->afd_code, in, ioctl->in_size, out, ioctl->out_size );
        if (status && (error = check_socket( s ))) return error;
    }
    TRACE( "socket %#Ix, code %#lx, status %#lx.\n", s, code, status );
    if (!status && ret_size) *ret_size = ioctl->out_size;
    return error_from_status( status );
}
