/*
 * Persistent port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdarg.h>

#include "ntstatus.h"
#define WIN32_NO_STATUS
#include "windef.h"
#include "winbase.h"
#include "winternl.h"
#include "winsock2.h"
#include "ws2ipdef.h"
#include "iphlpapi.h"
#include "wine/afd.h"
#include "wine/debug.h"

#include "error.h"

WINE_DEFAULT_DEBUG_CHANNEL(iphlpapi);

/* The functions follow the reference of iphlpapi.h: the start port is in network byte order, the number of ports in host
 * order. The server checks the block and the caller. */

static NTSTATUS open_afd( HANDLE *handle )
{
    static const WCHAR nameW[] = {'\\','D','e','v','i','c','e','\\','A','f','d',0};
    OBJECT_ATTRIBUTES attr;
    UNICODE_STRING name;
    IO_STATUS_BLOCK io;

    RtlInitUnicodeString( &name, nameW );
    InitializeObjectAttributes( &attr, &name, 0, NULL, NULL );
    return NtOpenFile( handle, GENERIC_READ | SYNCHRONIZE, &attr, &io, FILE_SHARE_READ | FILE_SHARE_WRITE,
                       FILE_SYNCHRONOUS_IO_NONALERT );
}

static ULONG persistent_reservation( ULONG code, int protocol, USHORT start, USHORT count, ULONG64 *token )
{
    struct afd_port_block block = { protocol, RtlUshortByteSwap( start ), count };
    IO_STATUS_BLOCK io;
    ULONG64 result = 0;
    NTSTATUS status;
    HANDLE handle;

    TRACE( "code %#lx, protocol %d, start %u, count %u.\n", code, protocol, block.first, count );

    if (code != IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS && !token) return ERROR_INVALID_PARAMETER;
    if ((status = open_afd( &handle ))) return win32_error_from_status( status );
    status = NtDeviceIoControlFile( handle, NULL, NULL, NULL, &io, code, &block, sizeof(block),
                                    token ? &result : NULL, token ? sizeof(result) : 0 );
    /* there was no memory to wait for the answer, which is there */
    if (status && result && code == IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS)
        NtDeviceIoControlFile( handle, NULL, NULL, NULL, &io, IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS, &block, sizeof(block), NULL, 0 );
    NtClose( handle );
    if (!status && token) *token = result;
    return win32_error_from_status( status );
}

/******************************************************************
 *    CreatePersistentTcpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI CreatePersistentTcpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return persistent_reservation( IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS, IPPROTO_TCP, start, count, token );
}

/******************************************************************
 *    CreatePersistentUdpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI CreatePersistentUdpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return persistent_reservation( IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS, IPPROTO_UDP, start, count, token );
}

/******************************************************************
 *    DeletePersistentTcpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI DeletePersistentTcpPortReservation( USHORT start, USHORT count )
{
    return persistent_reservation( IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS, IPPROTO_TCP, start, count, NULL );
}

/******************************************************************
 *    DeletePersistentUdpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI DeletePersistentUdpPortReservation( USHORT start, USHORT count )
{
    return persistent_reservation( IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS, IPPROTO_UDP, start, count, NULL );
}

/******************************************************************
 *    LookupPersistentTcpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI LookupPersistentTcpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return persistent_reservation( IOCTL_AFD_WINE_LOOKUP_PERSISTENT_PORTS, IPPROTO_TCP, start, count, token );
}

/******************************************************************
 *    LookupPersistentUdpPortReservation (IPHLPAPI.@)
 */
ULONG WINAPI LookupPersistentUdpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return persistent_reservation( IOCTL_AFD_WINE_LOOKUP_PERSISTENT_PORTS, IPPROTO_UDP, start, count, token );
}
