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
#include "error.h"
#include "reservation_ioctl.h"

WINE_DEFAULT_DEBUG_CHANNEL(winsock);

static ULONG get_afd_code( DWORD code )
{
    switch (code)
    {
    case SIO_ACQUIRE_PORT_RESERVATION: return IOCTL_AFD_WINE_ACQUIRE_PORTS;
    case SIO_RELEASE_PORT_RESERVATION: return IOCTL_AFD_WINE_RELEASE_PORTS;
    case SIO_CPU_AFFINITY:             return IOCTL_AFD_WINE_SET_CPU_AFFINITY;
    default:                           return IOCTL_AFD_WINE_ASSOCIATE_PORTS;
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

/* of a socket that is not one of TCP or UDP, or not of UDP where that is asked for: WSAEOPNOTSUPP */
static DWORD check_socket( SOCKET s, DWORD code )
{
    struct afd_get_info_params info;
    NTSTATUS status = sync_ioctl( s, IOCTL_AFD_WINE_GET_INFO, NULL, 0, &info, sizeof(info) );

    if (status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES) return WSAENOBUFS;
    if (status) return WSAENOTSOCK;
    if (info.family != AF_INET && info.family != AF_INET6) return WSAEOPNOTSUPP;
    if (info.type == SOCK_STREAM && (info.protocol == IPPROTO_TCP || !info.protocol))
        return code == SIO_CPU_AFFINITY ? WSAEOPNOTSUPP : 0;
    if (info.type == SOCK_DGRAM && (info.protocol == IPPROTO_UDP || !info.protocol)) return 0;
    return WSAEOPNOTSUPP;
}

BOOL is_reservation_ioctl( DWORD code )
{
    return find_reservation_ioctl( code ) != NULL;
}

/* What is wrong with the socket is told before what is wrong with the parameters, and both before anything is done. The server looks at
 * the socket itself, so it need not be asked about it when all is well. */
DWORD reservation_ioctl( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *ret_size,
                         OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    const struct reservation_ioctl *ioctl = find_reservation_ioctl( code );
    struct afd_port_instance granted = { 0 };
    ULONG afd_code = get_afd_code( code );
    void *cvalue = NULL;
    NTSTATUS status;
    DWORD ret, error;

    ret_size = clear_ret_size( ret_size, overlapped );
    if (!num_startup) return WSANOTINITIALISED;
    ret = check_reservation_params( ioctl, in, in_size, out, out_size, ret_size, overlapped, routine );
    if ((ret || overlapped) && (error = check_socket( s, code ))) return error;
    if (ret) return ret;

    if (overlapped)
    {
        if ((ret = check_reservation_completion( s, overlapped, routine ))) return ret;
        if (routine) cvalue = routine;
        else if (!((ULONG_PTR)overlapped->hEvent & 1)) cvalue = overlapped;  /* the bit keeps the completion port out */
        overlapped->Internal = STATUS_PENDING;
        *(DWORD *)((ULONG_PTR *)overlapped + 2) = 0;  /* Offset, where WSAGetOverlappedResult() looks for flags */
        status = NtDeviceIoControlFile( (HANDLE)s, routine ? NULL : overlapped->hEvent, routine ? reservation_apc : NULL,
                                        cvalue, (IO_STATUS_BLOCK *)overlapped, afd_code, in, ioctl->in_size,
                                        out, ioctl->out_size );
        if (NT_ERROR( status )) overlapped->Internal = status;  /* which nobody else reports */
    }
    else
    {
        status = sync_ioctl( s, afd_code, in, ioctl->in_size, &granted, ioctl->out_size );
        if (!status && ioctl->out_size) memcpy( out, &granted, ioctl->out_size );
        /* there was no memory to wait for the answer, which is there */
        if (status && granted.token)
            sync_ioctl( s, IOCTL_AFD_WINE_RELEASE_PORTS, &granted.token, sizeof(granted.token), NULL, 0 );
        if (status && (error = check_socket( s, code ))) return error;
    }
    TRACE( "socket %#Ix, code %#lx, status %#lx.\n", s, code, status );
    if (!status && ret_size) *ret_size = ioctl->out_size;
    return wsa_error_from_status( status );
}
