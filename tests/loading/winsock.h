/*
 * Winsock, for programs that are not linked to it
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_WINSOCK_H
#define PORTRES_TESTS_WINSOCK_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include "wine/test.h"

/* INET_PORT_RESERVATION_INSTANCE. Its members are anonymous in <mstcpip.h>, which C99 has no word for. */
struct instance
{
    INET_PORT_RANGE Reservation;
    ULONG64         Token;
};

#define WINSOCK_FUNCTIONS \
    FUNCTION( WSAStartup ) FUNCTION( WSACleanup ) FUNCTION( WSAGetLastError ) FUNCTION( WSAIoctl ) FUNCTION( socket ) \
    FUNCTION( closesocket ) FUNCTION( bind ) FUNCTION( sendto )

struct winsock
{
    HMODULE module;
#define FUNCTION( name ) __typeof__(&(name)) p##name;
    WINSOCK_FUNCTIONS
#undef FUNCTION
};

static inline BOOL load_winsock( struct winsock *winsock )
{
    winsock->module = LoadLibraryW( L"ws2_32.dll" );
    ok( winsock->module != NULL, "no ws2_32, error %lu\n", GetLastError() );
    if (!winsock->module) return FALSE;
#define FUNCTION( name ) winsock->p##name = (void *)GetProcAddress( winsock->module, #name );
    WINSOCK_FUNCTIONS
#undef FUNCTION
    return TRUE;
}

/* 0 or a Winsock error */
static inline int acquire( const struct winsock *winsock, SOCKET s, struct instance *inst )
{
    INET_PORT_RANGE range = { 0, 1 };
    DWORD size;

    if (!winsock->pWSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), inst, sizeof(*inst), &size, NULL, NULL ))
        return 0;
    return winsock->pWSAGetLastError();
}

static inline int associate( const struct winsock *winsock, SOCKET s, ULONG64 token )
{
    DWORD size;

    if (!winsock->pWSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(token), NULL, 0, &size, NULL, NULL )) return 0;
    return winsock->pWSAGetLastError();
}

static inline int bind_any( const struct winsock *winsock, SOCKET s )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };

    return winsock->pbind( s, (struct sockaddr *)&addr, sizeof(addr) ) ? winsock->pWSAGetLastError() : 0;
}

#endif /* PORTRES_TESTS_WINSOCK_H */
