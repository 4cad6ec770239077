/*
 * WSAConnectByList, which no Wine has had so far
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "ws2_32_private.h"
#include "afd.h"

/* what the socket is, and whether it can do it */
static int check_socket( SOCKET s, int *len )
{
    int family, protocol;
    NTSTATUS status;

    if (!is_winsock_started()) return WSANOTINITIALISED;
    status = get_protocol( s, &family, &protocol );
    if (status == STATUS_OBJECT_TYPE_MISMATCH) return WSAENOTSOCK;
    if (status || protocol != IPPROTO_TCP) return WSAEINVAL;
    if (is_bound( s )) return WSAEINVAL;
    *len = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return 0;
}

/* Is there room for an address of the socket? NULL means that the program does not want to know it. */
static BOOL check_address_buffer( const struct sockaddr *addr, DWORD *size, int len )
{
    if (!addr) return TRUE;
    return !IsBadWritePtr( size, sizeof(*size) ) && *size >= (DWORD)len && !IsBadWritePtr( (void *)addr, len );
}

static BOOL check_list( const SOCKET_ADDRESS_LIST *list )
{
    SIZE_T size;

    if (IsBadReadPtr( list, FIELD_OFFSET( SOCKET_ADDRESS_LIST, Address ) ) || list->iAddressCount <= 0) return FALSE;
    size = list->iAddressCount * sizeof(list->Address[0]);
    return size / sizeof(list->Address[0]) == (UINT)list->iAddressCount && !IsBadReadPtr( list->Address, size );
}

static int bind_to_any( SOCKET s, int len )
{
    struct sockaddr_in6 any = { 0 };
    int error;

    if ((error = bind_implicitly( s ))) return error;
    if (is_bound( s )) return 0;
    any.sin6_family = len == sizeof(any) ? AF_INET6 : AF_INET;
    return wine_bind( s, (struct sockaddr *)&any, len ) ? (int)GetLastError() : 0;
}

/* Connect to one address, until the tick count "end" is reached. WSAETIMEDOUT with *late set: it was reached. */
static int connect_one( SOCKET s, LPFN_CONNECTEX connect_ex, const SOCKET_ADDRESS *to, HANDLE event, const ULONG64 *end, BOOL *late )
{
    WSAOVERLAPPED overlapped = { 0 };
    DWORD size, flags, wait = INFINITE;
    ULONG64 now;

    overlapped.hEvent = (HANDLE)((ULONG_PTR)event | 1);  /* nothing for a completion port of the program's */
    if (!connect_ex( s, to->lpSockaddr, to->iSockaddrLength, NULL, 0, NULL, &overlapped ))
    {
        if (GetLastError() != WSA_IO_PENDING) return GetLastError();
        if (end)
        {
            now = GetTickCount64();
            wait = now < *end ? min( *end - now, INFINITE - 1 ) : 0;
        }
        if (WaitForSingleObject( event, wait ) == WAIT_TIMEOUT)
        {
            CancelIoEx( (HANDLE)s, &overlapped );
            WaitForSingleObject( event, INFINITE );
            if (overlapped.Internal) *late = TRUE;
        }
    }
    if (*late) return WSAETIMEDOUT;
    return wine_WSAGetOverlappedResult( s, &overlapped, &size, FALSE, &flags ) ? 0 : GetLastError();
}

/* an IPv4 address for a dual-stack socket */
static int is_mapped( const SOCKET_ADDRESS *addr )
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr->lpSockaddr;

    if (IsBadReadPtr( in6, sizeof(*in6) ) || addr->iSockaddrLength < (int)sizeof(*in6)) return FALSE;
    return in6->sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED( &in6->sin6_addr );
}

static int connect_by_list( SOCKET s, const SOCKET_ADDRESS_LIST *list, int len, const struct timeval *timeout, int *index )
{
    static const GUID guid = WSAID_CONNECTEX;
    LPFN_CONNECTEX connect_ex;
    ULONG64 end = 0;
    BOOL late = FALSE;
    HANDLE event;
    DWORD size;
    int i, pass, error;

    if (timeout) end = GetTickCount64() + timeout->tv_sec * 1000ull + timeout->tv_usec / 1000;
    if (wine_WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, (void *)&guid, sizeof(guid), &connect_ex, sizeof(connect_ex), &size,
                       NULL, NULL )) return GetLastError();
    if (!(event = CreateEventW( NULL, TRUE, FALSE, NULL ))) return WSAENOBUFS;
    if ((error = bind_to_any( s, len ))) goto done;
    /* A socket of Linux that once tried an IPv4-mapped address gets no answer from an IPv6 one any more, so these are the last. */
    for (pass = 0; pass < 2; pass++)
    {
        for (i = 0; i < list->iAddressCount; i++)
        {
            if (is_mapped( &list->Address[i] ) != pass) continue;
            error = connect_one( s, connect_ex, &list->Address[i], event, timeout ? &end : NULL, &late );
            /* the first connect after one that failed only tells Linux's socket that it did */
            if (error == WSAECONNABORTED)
                error = connect_one( s, connect_ex, &list->Address[i], event, timeout ? &end : NULL, &late );
            if (error && !late) continue;
            *index = i;
            goto done;
        }
    }
done:
    CloseHandle( event );
    return error;
}

/* Microsoft's reference: the socket is neither bound nor connected; an IPv6 socket without IPV6_V6ONLY reaches IPv4 addresses that are
 * written as IPv4-mapped ones; each address is tried (here IPv6 before IPv4, else in the order of the list); the timeout is one for the whole call, and the
 * error is that of the last attempt. As with ConnectEx(), which this is made of, a socket whose attempts all failed stays bound. */
BOOL WINAPI WSAConnectByList( SOCKET s, SOCKET_ADDRESS_LIST *list, DWORD *local_len, struct sockaddr *local, DWORD *remote_len,
                              struct sockaddr *remote, winsock_timeout timeout, WSAOVERLAPPED *reserved )
{
    int error, len, index = 0;

    if (!(error = check_socket( s, &len )))
    {
        if (reserved || !list || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))) error = WSAEINVAL;
        else if (!check_list( list )) error = WSAEINVAL;
        else if (!check_address_buffer( local, local_len, len ) || !check_address_buffer( remote, remote_len, len ))
            error = WSAEFAULT;
        else error = connect_by_list( s, list, len, timeout, &index );
    }
    if (!error && local)
    {
        int size = len;

        if (wine_getsockname( s, local, &size )) error = GetLastError();
        else *local_len = size;
    }
    if (!error && remote)
    {
        memcpy( remote, list->Address[index].lpSockaddr, len );
        *remote_len = len;
    }
    SetLastError( error );
    return !error;
}
