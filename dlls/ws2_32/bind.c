/*
 * The functions that give a socket its port
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
#include "portclient.h"

/* A socket that is neither associated nor asks for a reserved port must cost no more than a look into the port map. */

/* May the socket be associated with a reservation, and not bound? A yes may be wrong, the server knows. */
static BOOL may_be_associated( const struct port_map *map, SOCKET s )
{
    ULONG64 id;

    if (!map->associated) return FALSE;
    switch (sock_get_state( s ))
    {
    case SOCK_MADE:
        if (!map->foreign) return FALSE;
        break;
    case SOCK_TOLD:
        return TRUE;
    default:
        break;
    }
    if (!(id = afd_get_id( (HANDLE)s ))) return FALSE;
    return map->sockets[id % sizeof(map->sockets)] != 0;
}

/* Let the server bind the socket. STATUS_NOT_FOUND: this socket and this port are no business of its.
 * What is bound can't be taken back, so where there was no answer in time the socket itself tells whether it was done. */
static NTSTATUS bind_reserved( SOCKET s, const void *addr, int len, int *error )
{
    union generic_request req = { .__header.req = REQ_bind_socket };
    union generic_reply reply;
    NTSTATUS status;

    req.bind_socket_request.handle = s;
    req.bind_socket_request.addr_len = len;
    memcpy( req.bind_socket_request.addr, addr, len );
    status = portclient_call( &req, &reply );
    if (status && is_bound( s ))
    {
        /* One that was bound before is Wine's to refuse. */
        if (status != STATUS_HOST_UNREACHABLE) return STATUS_NOT_FOUND;
        status = STATUS_SUCCESS;
    }
    if (!status) sock_bound( s );
    *error = wsa_error_from_bind( status, reply.bind_socket_reply.wsa_error );
    return status;
}

/* length of a TCP or UDP socket's address of this family, 0 for another family */
static int sockaddr_len( int family )
{
    if (family == AF_INET) return sizeof(struct sockaddr_in);
    if (family == AF_INET6) return sizeof(struct sockaddr_in6);
    return 0;
}

/* Is it an address that a TCP or UDP socket may have? Of another one Wine says what is wrong with it. */
static BOOL is_address( const struct sockaddr *addr, int len )
{
    if (!addr || len < (int)sizeof(struct sockaddr_in) || IsBadReadPtr( addr, len )) return FALSE;
    return sockaddr_len( addr->sa_family ) && len >= sockaddr_len( addr->sa_family );
}

/* RESERVATION_* of the port for the protocol of the socket, or 0 */
static unsigned int reserved_kind( const struct port_map *map, SOCKET s, unsigned int port )
{
    int family, protocol;

    if (!map->ports[0][port] && !map->ports[1][port]) return 0;
    if (get_protocol( s, &family, &protocol )) return 0;
    return map->ports[protocol == IPPROTO_UDP][port];
}

/* the server's part of a bind; STATUS_NOT_FOUND: it has none, Wine does it all */
static NTSTATUS try_bind( SOCKET s, const struct sockaddr *addr, int len, int *error )
{
    const struct port_map *map = portclient_map();
    unsigned int port, kind;

    if (!map || (!map->reservations && !map->associated)) return STATUS_NOT_FOUND;
    if (!is_address( addr, len )) return STATUS_NOT_FOUND;

    port = wine_ntohs( ((const struct sockaddr_in *)addr)->sin_port );  /* in the same place for both families */
    if (!may_be_associated( map, s ))
    {
        kind = reserved_kind( map, s, port );
        if (kind != RESERVATION_RUNTIME && kind != RESERVATION_PERSISTENT) return STATUS_NOT_FOUND;
    }
    return bind_reserved( s, addr, sockaddr_len( addr->sa_family ), error );
}

/* Do sockets share the UDP port by processor? Of ports outside the reservations the server knows just those, and the ones whose reservation has
 * ended. */
static BOOL is_shared_port( SOCKET s, const struct sockaddr *addr, int len )
{
    union generic_request req = { .__header.req = REQ_get_ports_in_use };
    union generic_reply reply;
    int family, protocol;

    if (!portclient_map() || !is_address( addr, len )) return FALSE;
    if (get_protocol( s, &family, &protocol ) || protocol != IPPROTO_UDP) return FALSE;
    req.get_ports_in_use_request.protocol = PROTOCOL_UDP;
    req.get_ports_in_use_request.first = wine_ntohs( ((const struct sockaddr_in *)addr)->sin_port );
    req.get_ports_in_use_request.last = req.get_ports_in_use_request.first;
    return !portclient_call( &req, &reply ) && reply.get_ports_in_use_reply.count;
}

int WINAPI bind( SOCKET s, const struct sockaddr *addr, int len )
{
    int error;

    if (try_bind( s, addr, len, &error ) == STATUS_NOT_FOUND)
    {
        if (!wine_bind( s, addr, len ))
        {
            sock_bound( s );
            return 0;
        }
        error = GetLastError();
        /* what Wine says to a socket with SO_REUSEADDR */
        if (error == WSAEACCES && is_shared_port( s, addr, len )) error = WSAEADDRINUSE;
    }
    SetLastError( error );
    return error ? SOCKET_ERROR : 0;
}

int bind_implicitly( SOCKET s )
{
    const struct port_map *map = portclient_map();
    struct sockaddr_in6 any = { 0 };
    int family, protocol, error;

    if (!map || !may_be_associated( map, s )) return 0;
    if (get_protocol( s, &family, &protocol )) return 0;
    if (is_bound( s )) return 0;
    any.sin6_family = family;
    if (bind_reserved( s, &any, sockaddr_len( family ), &error ) == STATUS_NOT_FOUND) return 0;
    return error;
}

static BOOL bind_or_fail( SOCKET s )
{
    int error = bind_implicitly( s );

    if (error) SetLastError( error );
    return !error;
}

/* the same for a call that fails without a port when its address is of no use */
static BOOL bind_to_reach( SOCKET s, const struct sockaddr *addr, int len )
{
    const struct port_map *map = portclient_map();

    if (!map || !map->associated) return TRUE;
    return !is_address( addr, len ) || bind_or_fail( s );
}

int WINAPI connect( SOCKET s, const struct sockaddr *addr, int len )
{
    if (!bind_to_reach( s, addr, len )) return SOCKET_ERROR;
    return wine_connect( s, addr, len );
}

int WINAPI WSAConnect( SOCKET s, const struct sockaddr *addr, int len, LPWSABUF caller, LPWSABUF callee,
                       LPQOS sqos, LPQOS gqos )
{
    if (!bind_to_reach( s, addr, len )) return SOCKET_ERROR;
    return wine_WSAConnect( s, addr, len, caller, callee, sqos, gqos );
}

BOOL WINAPI WSAConnectByNameA( SOCKET s, LPSTR node, LPSTR service, LPDWORD local_len, LPSOCKADDR local,
                               LPDWORD remote_len, LPSOCKADDR remote, winsock_timeout timeout,
                               LPWSAOVERLAPPED reserved )
{
    if (!bind_or_fail( s )) return FALSE;
    return wine_WSAConnectByNameA( s, node, service, local_len, local, remote_len, remote, timeout, reserved );
}

BOOL WINAPI WSAConnectByNameW( SOCKET s, LPWSTR node, LPWSTR service, LPDWORD local_len, LPSOCKADDR local,
                               LPDWORD remote_len, LPSOCKADDR remote, winsock_timeout timeout,
                               LPWSAOVERLAPPED reserved )
{
    if (!bind_or_fail( s )) return FALSE;
    return wine_WSAConnectByNameW( s, node, service, local_len, local, remote_len, remote, timeout, reserved );
}

/* Wine gives a UDP socket its port before it looks for an address to send to, and for one that has none. */
static BOOL bind_to_send( SOCKET s )
{
    const struct port_map *map = portclient_map();
    int family, protocol;

    if (!map || !may_be_associated( map, s )) return TRUE;
    if (get_protocol( s, &family, &protocol ) || protocol != IPPROTO_UDP) return TRUE;
    return bind_or_fail( s );
}

int WINAPI send( SOCKET s, const char *buf, int len, int flags )
{
    if (!bind_to_send( s )) return SOCKET_ERROR;
    return wine_send( s, buf, len, flags );
}

int WINAPI WSASend( SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    if (!bind_to_send( s )) return SOCKET_ERROR;
    return wine_WSASend( s, buffers, count, sent, flags, overlapped, routine );
}

int WINAPI sendto( SOCKET s, const char *buf, int len, int flags, const struct sockaddr *to, int to_len )
{
    if (!bind_to_send( s )) return SOCKET_ERROR;
    return wine_sendto( s, buf, len, flags, to, to_len );
}

int WINAPI WSASendTo( SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, const struct sockaddr *to,
                      int to_len, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    if (!bind_to_send( s )) return SOCKET_ERROR;
    return wine_WSASendTo( s, buffers, count, sent, flags, to, to_len, overlapped, routine );
}

int WINAPI WSASendMsg( SOCKET s, LPWSAMSG msg, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    if (!bind_or_fail( s )) return SOCKET_ERROR;
    return wine_WSASendMsg( s, msg, flags, sent, overlapped, routine );
}

SOCKET WINAPI WSAJoinLeaf( SOCKET s, const struct sockaddr *addr, int len, LPWSABUF caller, LPWSABUF callee,
                           LPQOS sqos, LPQOS gqos, DWORD flags )
{
    if (!bind_or_fail( s )) return INVALID_SOCKET;
    return wine_WSAJoinLeaf( s, addr, len, caller, callee, sqos, gqos, flags );
}
