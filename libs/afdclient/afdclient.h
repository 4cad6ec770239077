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

#ifndef PORTRES_AFDCLIENT_H
#define PORTRES_AFDCLIENT_H

#include "status.h"
#include "protocol.h"

struct afd_ports_info;

/* What the server says of itself; fails where the Wine has no reservations in it. */
extern NTSTATUS afdclient_info( struct afd_ports_info *info );

/* Make a request of protocol.h as an ioctl. req->__header.req names it: those that list, create and delete; STATUS_NOT_IMPLEMENTED for
 * all others. The reply is wholly zero on failure. May be called from any thread. */
extern NTSTATUS afdclient_call( const union generic_request *req, union generic_reply *reply );

#endif /* PORTRES_AFDCLIENT_H */
