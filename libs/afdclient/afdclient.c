/*
 * Asking a wineserver that has reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "afdclient.h"

#include <windows.h>
#include <winternl.h>
#include <winioctl.h>
#include "wine/afd_ports.h"

static NTSTATUS afd_ioctl( ULONG code, const struct afd_port_block *block, void *out, ULONG *out_size )
{
    OBJECT_ATTRIBUTES attr;
    UNICODE_STRING name;
    IO_STATUS_BLOCK io;
    NTSTATUS status;
    HANDLE handle;

    RtlInitUnicodeString( &name, L"\\Device\\Afd" );
    InitializeObjectAttributes( &attr, &name, 0, NULL, NULL );
    if ((status = NtOpenFile( &handle, GENERIC_READ | SYNCHRONIZE, &attr, &io, FILE_SHARE_READ | FILE_SHARE_WRITE,
                              FILE_SYNCHRONOUS_IO_NONALERT ))) return status;
    memset( &io, 0, sizeof(io) );
    status = NtDeviceIoControlFile( handle, NULL, NULL, NULL, &io, code, (void *)block, sizeof(*block), out, *out_size );
    NtClose( handle );
    *out_size = status ? 0 : io.Information;
    return status;
}

static NTSTATUS list( const struct get_reservations_request *req, struct get_reservations_reply *reply )
{
    struct afd_port_reservation infos[sizeof(reply->entries) / sizeof(reply->entries[0])] = { { 0 } };
    struct afd_port_block block = { req->protocol, req->from, 0 };
    ULONG i, size = sizeof(infos);
    NTSTATUS status = afd_ioctl( IOCTL_AFD_WINE_LIST_PORTS, &block, infos, &size );

    reply->count = size / sizeof(infos[0]);
    for (i = 0; i < reply->count; i++)
    {
        reply->entries[i].first = infos[i].first;
        reply->entries[i].protocol = req->protocol;
        reply->entries[i].count = infos[i].count;
        reply->entries[i].kind = infos[i].kind;
        reply->entries[i].owner = infos[i].owner;
        reply->entries[i].in_use = infos[i].in_use;
    }
    return status;
}

static NTSTATUS list_ports_in_use( const struct get_ports_in_use_request *req, struct get_ports_in_use_reply *reply )
{
    struct afd_port_block block = { req->protocol, req->first, req->last - req->first + 1 };
    ULONG size = sizeof(reply->ports);
    NTSTATUS status = afd_ioctl( IOCTL_AFD_WINE_LIST_PORTS_IN_USE, &block, reply->ports, &size );

    reply->count = size / sizeof(reply->ports[0]);
    return status;
}

NTSTATUS afdclient_info( struct afd_ports_info *info )
{
    static const struct afd_port_block none;
    ULONG size = sizeof(*info);
    NTSTATUS status = afd_ioctl( IOCTL_AFD_WINE_GET_PORTS_INFO, &none, info, &size );

    if (!status && (size < sizeof(*info) || info->version != 1)) return STATUS_REVISION_MISMATCH;
    return status;
}

NTSTATUS afdclient_call( const union generic_request *req, union generic_reply *reply )
{
    struct afd_port_block block;
    ULONG64 token;
    ULONG size = 0;

    memset( reply, 0, sizeof(*reply) );
    switch (req->__header.req)
    {
    case REQ_get_reservations:
        return list( &req->get_reservations_request, &reply->get_reservations_reply );
    case REQ_get_ports_in_use:
        return list_ports_in_use( &req->get_ports_in_use_request, &reply->get_ports_in_use_reply );
    case REQ_create_persistent_reservation:
        block.protocol = req->create_persistent_reservation_request.protocol;
        block.first = req->create_persistent_reservation_request.first;
        block.count = req->create_persistent_reservation_request.count;
        size = sizeof(token);
        return afd_ioctl( IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS, &block, &token, &size );
    case REQ_delete_persistent_reservation:
        block.protocol = req->delete_persistent_reservation_request.protocol;
        block.first = req->delete_persistent_reservation_request.first;
        block.count = req->delete_persistent_reservation_request.count;
        return afd_ioctl( IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS, &block, NULL, &size );
    default:
        return STATUS_NOT_IMPLEMENTED;
    }
}
