/*
 * Where programs find the base provider
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "ws2_32_private.h"

/* does a protocol say that it is of that provider? */
static BOOL find_provider( const GUID *provider )
{
    WSAPROTOCOL_INFOW *protocols;
    BOOL found = FALSE;
    DWORD size = 0;
    int i, count, error;

    WSCEnumProtocols( NULL, NULL, &size, &error );
    if (!size || !(protocols = malloc( size ))) return FALSE;
    count = WSCEnumProtocols( NULL, protocols, &size, &error );
    for (i = 0; i < count && !found; i++) found = IsEqualGUID( &protocols[i].ProviderId, provider );
    free( protocols );
    return found;
}

/* Lengths are in characters, with the terminating null; the path is one to expand environment variables in, as on Windows. */
int get_provider_path( GUID *provider, WCHAR *path, int *len, int *errcode )
{
    static const WCHAR base_provider[] = L"%SystemRoot%\\system32\\mswsock.dll";
    int error = 0;

    if (!find_provider( provider )) error = WSAEINVAL;
    else if (*len < (int)ARRAY_SIZE(base_provider) || !path) error = WSAEFAULT;
    else memcpy( path, base_provider, sizeof(base_provider) );

    if (error != WSAEINVAL) *len = ARRAY_SIZE(base_provider);
    if (error && errcode) *errcode = error;
    return error ? SOCKET_ERROR : 0;
}
