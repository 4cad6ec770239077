/*
 * Which host of reservations answers the programs of this prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "portres.h"
#include "afdclient.h"
#include <winioctl.h>
#include "wine/afd_ports.h"

BOOL is_part_of_wine(void)
{
    struct afd_ports_info info;

    return !afdclient_info( &info );
}

/* Where the component is installed, the programs have its DLLs, whatever the Wine below them can do. */
enum host find_host(void)
{
    static enum host host;

    if (host) return host;
    if (GetFileAttributesW( PORTSERVER_PATH ) != INVALID_FILE_ATTRIBUTES) host = HOST_PREFIX;
    else host = is_part_of_wine() ? HOST_WINE : HOST_NONE;
    return host;
}

NTSTATUS host_call( union generic_request *req, union generic_reply *reply )
{
    return find_host() == HOST_WINE ? afdclient_call( req, reply ) : portclient_call( req, reply );
}

NTSTATUS get_reservations( unsigned int protocol, unsigned int from, union generic_reply *reply )
{
    union generic_request req = { .__header.req = REQ_get_reservations };

    req.get_reservations_request.protocol = protocol;
    req.get_reservations_request.from = from;
    return host_call( &req, reply );
}

NTSTATUS get_ports_in_use( unsigned int protocol, unsigned int first, unsigned int last, union generic_reply *reply )
{
    union generic_request req = { .__header.req = REQ_get_ports_in_use };

    req.get_ports_in_use_request.protocol = protocol;
    req.get_ports_in_use_request.first = first;
    req.get_ports_in_use_request.last = last;
    return host_call( &req, reply );
}
