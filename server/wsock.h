/*
 * Wine's own Winsock, reached past the overlay
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_WSOCK_H
#define PORTRES_SERVER_WSOCK_H

/* Not called winsock.h: <windows.h> includes a system header of that name, and server/ may be in the search path. */

#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>

/* The functions of Winsock that the server uses. The server must not import ws2_32.dll, which in a prefix with the
 * overlay is the one that asks the server. For the same reason nothing may be used here that <winsock2.h> turns into an
 * imported call: htons(), ntohs(), FD_ISSET(). */
struct winsock
{
    int    (WSAAPI *WSAStartup)( WORD version, WSADATA *data );
    int    (WSAAPI *WSAGetLastError)(void);
    SOCKET (WSAAPI *socket)( int family, int type, int protocol );
    SOCKET (WSAAPI *WSASocketW)( int family, int type, int protocol, WSAPROTOCOL_INFOW *info, GROUP group, DWORD flags );
    int    (WSAAPI *bind)( SOCKET s, const struct sockaddr *addr, int len );
    int    (WSAAPI *listen)( SOCKET s, int backlog );
    SOCKET (WSAAPI *accept)( SOCKET s, struct sockaddr *addr, int *len );
    int    (WSAAPI *connect)( SOCKET s, const struct sockaddr *addr, int len );
    int    (WSAAPI *getsockname)( SOCKET s, struct sockaddr *addr, int *len );
    int    (WSAAPI *getsockopt)( SOCKET s, int level, int name, char *value, int *len );
    int    (WSAAPI *setsockopt)( SOCKET s, int level, int name, const char *value, int len );
    int    (WSAAPI *closesocket)( SOCKET s );
    int    (WSAAPI *select)( int count, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timeval *timeout );
    int    (WSAAPI *ioctlsocket)( SOCKET s, long cmd, u_long *value );
    int    (WSAAPI *WSAIoctl)( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *ret_size,
                               WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine );
};

extern struct winsock winsock;

/* Fill the table and start Winsock 2.2. Calls after the first return what the first did.
 * STATUS_NOT_FOUND: there is no Winsock, or not one with these functions. */
extern NTSTATUS winsock_init(void);

/* network order, which every machine that Wine runs on has to swap for */
static inline unsigned short swap_port( unsigned short port )
{
    return (unsigned short)(port << 8 | port >> 8);
}

#endif /* PORTRES_SERVER_WSOCK_H */
