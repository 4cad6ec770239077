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
#include <ws2spi.h>

/* does a protocol of Wine's say that it is of that provider? */
static BOOL find_provider( const GUID *provider )
{
    WSAPROTOCOL_INFOW *protocols = NULL;
    BOOL found = FALSE;
    DWORD size = 0;
    int i, count, error;

    wine_WSCEnumProtocols( NULL, NULL, &size, &error );
    if (!size || !(protocols = HeapAlloc( GetProcessHeap(), 0, size ))) return FALSE;
    count = wine_WSCEnumProtocols( NULL, protocols, &size, &error );
    for (i = 0; i < count && !found; i++) found = IsEqualGUID( &protocols[i].ProviderId, provider );
    HeapFree( GetProcessHeap(), 0, protocols );
    return found;
}

/* Wine's reports success and gives no path. Lengths are in characters, with the terminating null; the path is one to
 * expand environment variables in, as on Windows. */
int WSPAPI WSCGetProviderPath( GUID *provider, WCHAR *path, int *len, int *errcode )
{
    static const WCHAR base_provider[] = L"%SystemRoot%\\system32\\mswsock.dll";
    int error = 0;

    if (!provider || IsBadReadPtr( provider, sizeof(*provider) ) || !len || IsBadWritePtr( len, sizeof(*len) )) error = WSAEFAULT;
    else if (!find_provider( provider )) error = WSAEINVAL;
    else if (*len < (int)ARRAYSIZE( base_provider ))
    {
        *len = ARRAYSIZE( base_provider );
        error = WSAEFAULT;
    }
    else if (!path || IsBadWritePtr( path, sizeof(base_provider) )) error = WSAEFAULT;
    else
    {
        memcpy( path, base_provider, sizeof(base_provider) );
        *len = ARRAYSIZE( base_provider );
    }
    if (error && errcode && !IsBadWritePtr( errcode, sizeof(*errcode) )) *errcode = error;
    return error ? SOCKET_ERROR : 0;
}
