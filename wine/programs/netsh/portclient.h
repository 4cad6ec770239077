/*
 * Requests of netsh to wineserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTCLIENT_H
#define PORTRES_PORTCLIENT_H

#include "afdclient.h"

/* as in libs/portclient, for the requests that netsh makes */
static inline NTSTATUS portclient_call( union generic_request *req, union generic_reply *reply )
{
    return afdclient_call( req, reply );
}

#endif /* PORTRES_PORTCLIENT_H */
