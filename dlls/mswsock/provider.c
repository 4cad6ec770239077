/*
 * The base provider of the service provider interface
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* The provider and ws2_32 of Wine are one, so each function of the table is one of ws2_32, that of this project where it has
 * one; what differs is where the error goes. */

#include "mswsock_private.h"
#include "wine_mswsock.h"

static LPWPUMODIFYIFSHANDLE upcall_modify_handle;

/* Nothing is kept here, but by the thread of apc.c, which keeps the DLL as well. */
void overlay_unload(void)
{
}

/* hand the last error on; returns ret */
static int result( int ret, int *error )
{
    if (ret && error) *error = WSAGetLastError();
    return ret;
}

static BOOL bool_result( BOOL ret, int *error )
{
    if (!ret && error) *error = WSAGetLastError();
    return ret;
}

/* A provider shows its caller each new handle; the caller may know it by another one. */
static SOCKET socket_result( SOCKET s, DWORD catalog_id, int *error )
{
    int upcall_error = 0;
    SOCKET shown;

    if (s == INVALID_SOCKET)
    {
        if (error) *error = WSAGetLastError();
        return s;
    }
    if (!upcall_modify_handle) return s;
    shown = upcall_modify_handle( catalog_id, s, &upcall_error );
    if (shown == INVALID_SOCKET)
    {
        closesocket( s );
        if (error) *error = upcall_error;
    }
    return shown;
}

static DWORD catalog_id( SOCKET s )
{
    WSAPROTOCOL_INFOW info;
    int len = sizeof(info);

    return getsockopt( s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &len ) ? 0 : info.dwCatalogEntryId;
}

static SOCKET WSPAPI provider_accept( SOCKET s, struct sockaddr *addr, int *len, LPCONDITIONPROC condition, DWORD_PTR context,
                                      int *error )
{
    SOCKET accepted = WSAAccept( s, addr, len, condition, context );

    return socket_result( accepted, accepted == INVALID_SOCKET ? 0 : catalog_id( s ), error );
}

static int WSPAPI provider_address_to_string( struct sockaddr *addr, DWORD len, WSAPROTOCOL_INFOW *info, WCHAR *string,
                                              DWORD *string_len, int *error )
{
    return result( WSAAddressToStringW( addr, len, info, string, string_len ), error );
}

static int WSPAPI provider_async_select( SOCKET s, HWND window, unsigned int message, __LONG32 events, int *error )
{
    return result( WSAAsyncSelect( s, window, message, events ), error );
}

static int WSPAPI provider_bind( SOCKET s, const struct sockaddr *addr, int len, int *error )
{
    return result( bind( s, addr, len ), error );
}

static int WSPAPI provider_cancel_blocking_call( int *error )
{
    return result( WSACancelBlockingCall(), error );
}

static int WSPAPI provider_cleanup( int *error )
{
    return result( WSACleanup(), error );
}

static int WSPAPI provider_close_socket( SOCKET s, int *error )
{
    return result( closesocket( s ), error );
}

static int WSPAPI provider_connect( SOCKET s, const struct sockaddr *addr, int len, WSABUF *caller, WSABUF *callee, QOS *sqos,
                                    QOS *gqos, int *error )
{
    return result( WSAConnect( s, addr, len, caller, callee, sqos, gqos ), error );
}

static int WSPAPI provider_duplicate_socket( SOCKET s, DWORD process, WSAPROTOCOL_INFOW *info, int *error )
{
    return result( WSADuplicateSocketW( s, process, info ), error );
}

static int WSPAPI provider_enum_network_events( SOCKET s, WSAEVENT event, WSANETWORKEVENTS *events, int *error )
{
    return result( WSAEnumNetworkEvents( s, event, events ), error );
}

static int WSPAPI provider_event_select( SOCKET s, WSAEVENT event, __LONG32 events, int *error )
{
    return result( WSAEventSelect( s, event, events ), error );
}

static WINBOOL WSPAPI provider_get_overlapped_result( SOCKET s, WSAOVERLAPPED *overlapped, DWORD *size, WINBOOL wait,
                                                      DWORD *flags, int *error )
{
    return bool_result( WSAGetOverlappedResult( s, overlapped, size, wait, flags ), error );
}

static int WSPAPI provider_get_peer_name( SOCKET s, struct sockaddr *addr, int *len, int *error )
{
    return result( getpeername( s, addr, len ), error );
}

static int WSPAPI provider_get_sock_name( SOCKET s, struct sockaddr *addr, int *len, int *error )
{
    return result( getsockname( s, addr, len ), error );
}

static int WSPAPI provider_get_sock_opt( SOCKET s, int level, int option, char *value, int *len, int *error )
{
    return result( getsockopt( s, level, option, value, len ), error );
}

static WINBOOL WSPAPI provider_get_qos_by_name( SOCKET s, WSABUF *name, QOS *qos, int *error )
{
    WSASetLastError( WSAEOPNOTSUPP );  /* Wine's fails without an error */
    return bool_result( WSAGetQOSByName( s, name, qos ), error );
}

static int WSPAPI provider_ioctl( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *size,
                                  WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, WSATHREADID *thread,
                                  int *error )
{
    struct io_call call = { .op = IO_IOCTL, .s = s, .code = code, .in = in, .in_size = in_size, .out = out, .out_size = out_size,
                            .size = size, .overlapped = overlapped, .routine = routine };
    int ignored;

    return io_do_call( &call, thread, error ? error : &ignored );
}

static SOCKET WSPAPI provider_join_leaf( SOCKET s, const struct sockaddr *addr, int len, WSABUF *caller, WSABUF *callee,
                                         QOS *sqos, QOS *gqos, DWORD flags, int *error )
{
    SOCKET leaf = WSAJoinLeaf( s, addr, len, caller, callee, sqos, gqos, flags );

    if (leaf == s) return s;  /* the leaf of a root that is none of its own */
    return socket_result( leaf, leaf == INVALID_SOCKET ? 0 : catalog_id( s ), error );
}

static int WSPAPI provider_listen( SOCKET s, int backlog, int *error )
{
    return result( listen( s, backlog ), error );
}

static int WSPAPI provider_recv( SOCKET s, WSABUF *buffers, DWORD count, DWORD *size, DWORD *flags, WSAOVERLAPPED *overlapped,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, WSATHREADID *thread, int *error )
{
    struct io_call call = { .op = IO_RECV, .s = s, .buffers = buffers, .count = count, .size = size, .recv_flags = flags,
                            .overlapped = overlapped, .routine = routine };
    int ignored;

    return io_do_call( &call, thread, error ? error : &ignored );
}

static int WSPAPI provider_recv_disconnect( SOCKET s, WSABUF *data, int *error )
{
    return result( WSARecvDisconnect( s, data ), error );
}

static int WSPAPI provider_recv_from( SOCKET s, WSABUF *buffers, DWORD count, DWORD *size, DWORD *flags, struct sockaddr *from,
                                      int *from_len, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                                      WSATHREADID *thread, int *error )
{
    struct io_call call = { .op = IO_RECV_FROM, .s = s, .buffers = buffers, .count = count, .size = size, .recv_flags = flags,
                            .from = from, .from_len = from_len, .overlapped = overlapped, .routine = routine };
    int ignored;

    return io_do_call( &call, thread, error ? error : &ignored );
}

static int WSPAPI provider_select( int count, fd_set *read, fd_set *write, fd_set *except, winsock_timeout timeout, int *error )
{
    int ret = select( count, read, write, except, timeout );

    if (ret == SOCKET_ERROR && error) *error = WSAGetLastError();
    return ret;
}

static int WSPAPI provider_send( SOCKET s, WSABUF *buffers, DWORD count, DWORD *size, DWORD flags, WSAOVERLAPPED *overlapped,
                                 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, WSATHREADID *thread, int *error )
{
    struct io_call call = { .op = IO_SEND, .s = s, .buffers = buffers, .count = count, .size = size, .send_flags = flags,
                            .overlapped = overlapped, .routine = routine };
    int ignored;

    return io_do_call( &call, thread, error ? error : &ignored );
}

static int WSPAPI provider_send_disconnect( SOCKET s, WSABUF *data, int *error )
{
    return result( WSASendDisconnect( s, data ), error );
}

static int WSPAPI provider_send_to( SOCKET s, WSABUF *buffers, DWORD count, DWORD *size, DWORD flags, const struct sockaddr *to,
                                    int to_len, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                                    WSATHREADID *thread, int *error )
{
    struct io_call call = { .op = IO_SEND_TO, .s = s, .buffers = buffers, .count = count, .size = size, .send_flags = flags,
                            .to = to, .to_len = to_len, .overlapped = overlapped, .routine = routine };
    int ignored;

    return io_do_call( &call, thread, error ? error : &ignored );
}

static int WSPAPI provider_set_sock_opt( SOCKET s, int level, int option, const char *value, int len, int *error )
{
    return result( setsockopt( s, level, option, value, len ), error );
}

static int WSPAPI provider_shutdown( SOCKET s, int how, int *error )
{
    return result( shutdown( s, how ), error );
}

static SOCKET WSPAPI provider_socket( int family, int type, int protocol, WSAPROTOCOL_INFOW *info, GROUP group, DWORD flags,
                                      int *error )
{
    SOCKET s = WSASocketW( family, type, protocol, info, group, flags );

    return socket_result( s, s == INVALID_SOCKET ? 0 : catalog_id( s ), error );
}

static int WSPAPI provider_string_to_address( WCHAR *string, int family, WSAPROTOCOL_INFOW *info, struct sockaddr *addr,
                                              int *len, int *error )
{
    return result( WSAStringToAddressW( string, family, info, addr, len ), error );
}

static const WSPPROC_TABLE provider =
{
    provider_accept,
    provider_address_to_string,
    provider_async_select,
    provider_bind,
    provider_cancel_blocking_call,
    provider_cleanup,
    provider_close_socket,
    provider_connect,
    provider_duplicate_socket,
    provider_enum_network_events,
    provider_event_select,
    provider_get_overlapped_result,
    provider_get_peer_name,
    provider_get_sock_name,
    provider_get_sock_opt,
    provider_get_qos_by_name,
    provider_ioctl,
    provider_join_leaf,
    provider_listen,
    provider_recv,
    provider_recv_disconnect,
    provider_recv_from,
    provider_select,
    provider_send,
    provider_send_disconnect,
    provider_send_to,
    provider_set_sock_opt,
    provider_shutdown,
    provider_socket,
    provider_string_to_address,
};

/* Microsoft's reference: the highest version that both know is taken; each call needs a WSPCleanup(); the upcalls of the last call
 * count. Of the upcalls a provider with real handles needs two. */
int WSPAPI WSPStartup( WORD version, WSPDATA *data, WSAPROTOCOL_INFOW *info, WSPUPCALLTABLE upcalls, WSPPROC_TABLE *table )
{
    WSADATA wsa_data;
    int error;

    (void)info;  /* there is one provider for all protocols */
    if (LOBYTE( version ) < 2) return WSAVERNOTSUPPORTED;
    if (!data || IsBadWritePtr( data, sizeof(*data) ) || !table || IsBadWritePtr( table, sizeof(*table) )) return WSAEFAULT;
    if ((error = WSAStartup( MAKEWORD( 2, 2 ), &wsa_data ))) return error;

    upcall_modify_handle = upcalls.lpWPUModifyIFSHandle;
    upcall_queue_apc = upcalls.lpWPUQueueApc;
    memset( data, 0, sizeof(*data) );
    data->wVersion = version < MAKEWORD( 2, 2 ) && HIBYTE( version ) < 2 ? version : MAKEWORD( 2, 2 );
    data->wHighVersion = MAKEWORD( 2, 2 );
    lstrcpyW( data->szDescription, L"wine-portres" );
    *table = provider;
    return 0;
}
