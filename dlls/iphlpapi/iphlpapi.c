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

#include "error.h"
#include "overlay.h"
#include "portclient.h"

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <iphlpapi.h>

void overlay_unload(void)
{
    portclient_unload();
}

/* The functions follow the reference of iphlpapi.h: the start port is in network byte order, the number of ports in host
 * order. The server checks the block and the caller. */

static unsigned int host_order( USHORT port )
{
    /* not ntohs(): it would make us import ws2_32 */
    return (port & 0xff) << 8 | port >> 8;
}

static ULONG create_reservation( int protocol, USHORT start, USHORT count, ULONG64 *token )
{
    union generic_request req = { .create_persistent_reservation_request = {
        .__header.req = REQ_create_persistent_reservation, .protocol = protocol, .first = host_order( start ), .count = count } };
    union generic_reply reply;
    NTSTATUS status;

    if (!token) return ERROR_INVALID_PARAMETER;
    if (!(status = portclient_call( &req, &reply ))) *token = reply.create_persistent_reservation_reply.token;
    return win32_error_from_status( status );
}

static ULONG delete_reservation( int protocol, USHORT start, USHORT count )
{
    union generic_request req = { .delete_persistent_reservation_request = {
        .__header.req = REQ_delete_persistent_reservation, .protocol = protocol, .first = host_order( start ), .count = count } };
    union generic_reply reply;

    return win32_error_from_status( portclient_call( &req, &reply ));
}

static ULONG lookup_reservation( int protocol, USHORT start, USHORT count, ULONG64 *token )
{
    union generic_request req = { .lookup_persistent_reservation_request = {
        .__header.req = REQ_lookup_persistent_reservation, .protocol = protocol, .first = host_order( start ), .count = count } };
    union generic_reply reply;
    NTSTATUS status;

    if (!token) return ERROR_INVALID_PARAMETER;
    if (!(status = portclient_call( &req, &reply ))) *token = reply.lookup_persistent_reservation_reply.token;
    return win32_error_from_status( status );
}

ULONG WINAPI CreatePersistentTcpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return create_reservation( PROTOCOL_TCP, start, count, token );
}

ULONG WINAPI CreatePersistentUdpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return create_reservation( PROTOCOL_UDP, start, count, token );
}

ULONG WINAPI DeletePersistentTcpPortReservation( USHORT start, USHORT count )
{
    return delete_reservation( PROTOCOL_TCP, start, count );
}

ULONG WINAPI DeletePersistentUdpPortReservation( USHORT start, USHORT count )
{
    return delete_reservation( PROTOCOL_UDP, start, count );
}

ULONG WINAPI LookupPersistentTcpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return lookup_reservation( PROTOCOL_TCP, start, count, token );
}

ULONG WINAPI LookupPersistentUdpPortReservation( USHORT start, USHORT count, PULONG64 token )
{
    return lookup_reservation( PROTOCOL_UDP, start, count, token );
}
