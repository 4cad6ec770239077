/*
 * Socket options that Wine lacks
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "ws2_32_private.h"
#include "ecn.h"

/* A socket that shares its port lets others in when the program says so to it alone; SO_REUSEADDR would let in everybody. */
static BOOL lets_in_everybody( SOCKET s, int level, int name, const char *value, int len )
{
    if (level != SOL_SOCKET || name != SO_REUSEADDR) return FALSE;
    if (len < (int)sizeof(int) || !value || IsBadReadPtr( value, sizeof(int) ) || !*(const int *)value) return FALSE;
    return shares_port( s );
}

int WINAPI setsockopt( SOCKET s, int level, int name, const char *value, int len )
{
    if (ecn_is_option( level, name )) return ecn_set_option( s, level, name, value, len );
    if (lets_in_everybody( s, level, name, value, len ))
    {
        SetLastError( WSAEINVAL );
        return SOCKET_ERROR;
    }
    return wine_setsockopt( s, level, name, value, len );
}

int WINAPI getsockopt( SOCKET s, int level, int name, char *value, int *len )
{
    if (ecn_is_option( level, name )) return ecn_get_option( s, level, name, value, len );
    return wine_getsockopt( s, level, name, value, len );
}
