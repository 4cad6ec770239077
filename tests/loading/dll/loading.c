/*
 * A DLL that uses Winsock while it is being loaded
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "loading.h"

__declspec(dllexport) struct loading_results loading_results;

static int acquire( SOCKET s, ULONG64 token[2] )
{
    INET_PORT_RANGE range = { 0, 1 };
    DWORD size;

    if (!WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), token, 2 * sizeof(*token), &size, NULL, NULL )) return 0;
    return WSAGetLastError();
}

static int associate( SOCKET s, ULONG64 token )
{
    DWORD size;

    if (!WSAIoctl( s, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(token), NULL, 0, &size, NULL, NULL )) return 0;
    return WSAGetLastError();
}

static int bind_any( SOCKET s )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };

    return bind( s, (struct sockaddr *)&addr, sizeof(addr) ) ? WSAGetLastError() : 0;
}

BOOL WINAPI DllMain( HINSTANCE instance, DWORD reason, void *reserved )
{
    ULONG64 token[2];
    DWORD start = GetTickCount();
    WSADATA data;
    SOCKET s, other;

    (void)instance;
    (void)reserved;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    WSAStartup( MAKEWORD( 2, 2 ), &data );
    s = socket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    other = socket( AF_INET, SOCK_DGRAM, IPPROTO_UDP );
    loading_results.acquire = acquire( s, token );
    loading_results.associate = associate( other, token[1] );
    loading_results.bind = bind_any( other );
    closesocket( other );
    closesocket( s );
    WSACleanup();
    loading_results.time = GetTickCount() - start;
    return TRUE;
}
