/*
 * The sockets that this process has made
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "ws2_32_private.h"

/* Whether a socket is associated only the server knows for certain, since a process may associate one that others have too; and to ask
 * what socket is behind a handle costs a request. But as long as each socket was associated by the process that made it, and by the
 * handle that it got then (port_map says so), what is made here, and was not associated here, is not associated at all.
 *
 * A handle that CloseHandle() closes, instead of closesocket(), and that another socket comes to have by DuplicateHandle() is mistaken
 * for the first one, until closesocket() or the next socket of that handle. */

static volatile BYTE states[65536];  /* by handle; handles are multiples of four */

static volatile BYTE *find_state( SOCKET s )
{
    return s / 4 < sizeof(states) ? &states[s / 4] : NULL;
}

static void set_state( SOCKET s, BYTE value )
{
    volatile BYTE *state = find_state( s );

    /* a page that nobody has written to takes no memory */
    if (state && *state != value) *state = value;
}

enum sock_state sock_get_state( SOCKET s )
{
    const volatile BYTE *state = find_state( s );

    return state ? *state : SOCK_UNKNOWN;
}

BOOL sock_tell( SOCKET s )
{
    if (sock_get_state( s ) == SOCK_UNKNOWN) return FALSE;
    set_state( s, SOCK_TOLD );
    return TRUE;
}

void sock_bound( SOCKET s )
{
    if (sock_get_state( s ) == SOCK_TOLD) set_state( s, SOCK_MADE );
}

void sock_forget_all(void)
{
    unsigned int i;

    for (i = 0; i < sizeof(states); i++) if (states[i]) states[i] = SOCK_UNKNOWN;
}

SOCKET WINAPI socket( int family, int type, int protocol )
{
    SOCKET ret = wine_socket( family, type, protocol );

    if (ret != INVALID_SOCKET) set_state( ret, SOCK_MADE );
    return ret;
}

/* with info it may be another process's */
SOCKET WINAPI WSASocketA( int family, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group, DWORD flags )
{
    SOCKET ret = wine_WSASocketA( family, type, protocol, info, group, flags );

    if (ret != INVALID_SOCKET) set_state( ret, info ? SOCK_UNKNOWN : SOCK_MADE );
    return ret;
}

SOCKET WINAPI WSASocketW( int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group, DWORD flags )
{
    SOCKET ret = wine_WSASocketW( family, type, protocol, info, group, flags );

    if (ret != INVALID_SOCKET) set_state( ret, info ? SOCK_UNKNOWN : SOCK_MADE );
    return ret;
}

int WINAPI closesocket( SOCKET s )
{
    set_state( s, SOCK_UNKNOWN );  /* before another thread may get the handle */
    return wine_closesocket( s );
}
