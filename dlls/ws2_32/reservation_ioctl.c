/*
 * WSAIoctl: the arguments of the control codes of port reservations
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

const struct reservation_ioctl *find_reservation_ioctl( DWORD code )
{
    static const struct reservation_ioctl ioctls[] =
    {
        { SIO_ACQUIRE_PORT_RESERVATION,   4, 16 },  /* INET_PORT_RANGE, INET_PORT_RESERVATION_INSTANCE */
        { SIO_RELEASE_PORT_RESERVATION,   8, 0 },   /* INET_PORT_RESERVATION_TOKEN */
        { SIO_ASSOCIATE_PORT_RESERVATION, 8, 0 },   /* the same */
        { SIO_CPU_AFFINITY,               2, 0 },   /* USHORT */
    };
    unsigned int i;

    for (i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]); i++) if (ioctls[i].code == code) return &ioctls[i];
    return NULL;
}

static BOOL is_readable( const void *ptr, DWORD size )
{
    return ptr && !IsBadReadPtr( ptr, size );
}

static BOOL is_writable( void *ptr, DWORD size )
{
    return ptr && !IsBadWritePtr( ptr, size );
}

DWORD *clear_ret_size( DWORD *ret_size, const WSAOVERLAPPED *overlapped )
{
    if (is_writable( ret_size, sizeof(*ret_size) )) *ret_size = 0;
    else if (overlapped) return NULL;
    return ret_size;
}

int check_reservation_params( const struct reservation_ioctl *ioctl, const void *in, DWORD in_size, void *out, DWORD out_size,
                              DWORD *ret_size, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    if (in_size < ioctl->in_size) return WSAEINVAL;
    if (ioctl->out_size ? out_size < ioctl->out_size : out_size) return WSAEINVAL;
    if (!is_readable( in, in_size )) return WSAEFAULT;
    if (ioctl->out_size && !is_writable( out, out_size )) return WSAEFAULT;
    if (overlapped ? !is_writable( overlapped, sizeof(*overlapped) ) : !is_writable( ret_size, sizeof(*ret_size) )) return WSAEFAULT;
    if (routine && !is_readable( (const void *)routine, 1 )) return WSAEFAULT;
    return 0;
}

void WINAPI reservation_apc( void *context, IO_STATUS_BLOCK *io, ULONG reserved )
{
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = (LPWSAOVERLAPPED_COMPLETION_ROUTINE)context;
    WSAOVERLAPPED *overlapped = (WSAOVERLAPPED *)io;

    (void)reserved;
    routine( wsa_error_from_status( overlapped->Internal ), overlapped->InternalHigh, overlapped, 0 );
}

/* The event may be none, and a routine does not go with a completion port. Wine's server looks into both before it looks at the ioctl
 * itself, which has nowhere to store its output here, fails at once and signals nothing. */
int check_reservation_completion( SOCKET s, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    IO_STATUS_BLOCK io;

    switch (NtDeviceIoControlFile( (HANDLE)s, routine ? NULL : overlapped->hEvent, routine ? reservation_apc : NULL, NULL, &io,
                                   IOCTL_AFD_WINE_GET_INFO, NULL, 0, NULL, 0 ))
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
