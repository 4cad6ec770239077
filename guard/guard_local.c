/*
 * Guards made of Wine's sockets, for want of the native helper
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wsock.h"
#include "guard_local.h"

#include <stdlib.h>
#include <string.h>

static SOCKET guards[2][65536];  /* 0: none; no handle is 0 */

static SOCKET *get_guard( int protocol, unsigned int port )
{
    return &guards[protocol == PROTOCOL_UDP][port];
}

/* Below it the host keeps ports from an ordinary user. An administrator may change it at any time. */
static unsigned int first_unprivileged_port(void)
{
    HANDLE file = CreateFileW( L"\\\\?\\unix\\proc\\sys\\net\\ipv4\\ip_unprivileged_port_start", GENERIC_READ,
                               FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL );
    unsigned int port = 1024;  /* of a kernel that can't be told */
    char text[32];
    DWORD size;

    if (file == INVALID_HANDLE_VALUE) return port;
    if (ReadFile( file, text, sizeof(text) - 1, &size, NULL ) && size)
    {
        text[size] = 0;
        port = atoi( text );
    }
    CloseHandle( file );
    return port;
}

static NTSTATUS bind_any( SOCKET s, int family, unsigned int port )
{
    struct sockaddr_in6 addr6 = { 0 };
    struct sockaddr_in addr = { 0 };
    int ret;

    if (family == AF_INET6)
    {
        addr6.sin6_family = AF_INET6;
        addr6.sin6_port = swap_port( port );
        ret = winsock.bind( s, (const struct sockaddr *)&addr6, sizeof(addr6) );
    }
    else
    {
        addr.sin_family = AF_INET;
        addr.sin_port = swap_port( port );
        ret = winsock.bind( s, (const struct sockaddr *)&addr, sizeof(addr) );
    }
    if (!ret) return STATUS_SUCCESS;
    /* With SO_EXCLUSIVEADDRUSE a port in use is also WSAEACCES (Winsock reference, "Using SO_REUSEADDR and
     * SO_EXCLUSIVEADDRUSE"); what the host keeps from an ordinary user is not in use. */
    switch (winsock.WSAGetLastError())
    {
    case WSAEACCES:     return port < first_unprivileged_port() ? STATUS_ACCESS_DENIED : STATUS_SHARING_VIOLATION;
    case WSAEADDRINUSE: return STATUS_SHARING_VIOLATION;
    default:            return STATUS_UNSUCCESSFUL;
    }
}

NTSTATUS local_guard( int protocol, unsigned int port )
{
    int family, on = 1, off = 0;
    NTSTATUS status;
    SOCKET s;

    if (winsock_init()) return STATUS_INSUFFICIENT_RESOURCES;
    for (family = AF_INET6;; family = AF_INET)
    {
        s = winsock.WSASocketW( family, protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, 0, NULL, 0,
                                WSA_FLAG_OVERLAPPED );
        if (s != INVALID_SOCKET) break;
        if (family == AF_INET || winsock.WSAGetLastError() != WSAEAFNOSUPPORT) return STATUS_INSUFFICIENT_RESOURCES;
    }
    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, 0 );
    if (family == AF_INET6) winsock.setsockopt( s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&off, sizeof(off) );
    if (protocol == PROTOCOL_TCP)
        winsock.setsockopt( s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on) );
    else
        winsock.setsockopt( s, SOL_SOCKET, SO_RCVBUF, (const char *)&off, sizeof(off) );  /* nobody reads what arrives */
    if ((status = bind_any( s, family, port )))
    {
        winsock.closesocket( s );
        return status;
    }
    *get_guard( protocol, port ) = s;
    return STATUS_SUCCESS;
}

void local_release( int protocol, unsigned int port )
{
    SOCKET *guard = get_guard( protocol, port );

    if (!*guard) return;
    winsock.closesocket( *guard );
    *guard = 0;
}

int local_guarded( int protocol, unsigned int port )
{
    return !!*get_guard( protocol, port );
}
