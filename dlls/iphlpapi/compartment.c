/*
 * Network compartments, of which there is one
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <iphlpapi.h>

#include "wine_iphlpapi.h"

/* Programs of QUIC ask for the compartment of a thread before they make a socket. Wine 8.0 lacks these functions, 10.0 has them. */

/* NET_IF_COMPARTMENT_ID_* of <ifdef.h>, which mingw-w64 has only of late */
#define COMPARTMENT_UNSPECIFIED 0
#define COMPARTMENT_PRIMARY     1

NET_IF_COMPARTMENT_ID WINAPI GetCurrentThreadCompartmentId(void)
{
    if (overlay_has( index_GetCurrentThreadCompartmentId )) return wine_GetCurrentThreadCompartmentId();
    return COMPARTMENT_PRIMARY;
}

/* Returns a Windows error code. Programs of containers give 0 to go back to the compartment of before. */
NETIO_STATUS WINAPI SetCurrentThreadCompartmentId( NET_IF_COMPARTMENT_ID id )
{
    if (overlay_has( index_SetCurrentThreadCompartmentId )) return wine_SetCurrentThreadCompartmentId( id );
    return id == COMPARTMENT_UNSPECIFIED || id == COMPARTMENT_PRIMARY ? NO_ERROR : ERROR_NOT_FOUND;
}
