/*
 * WSAIoctl: the control codes of port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stddef.h>

#include "ecn.h"
#include "kept.h"
#include "portclient.h"
#include "reservation_ioctl.h"

static LONG startup_count;

int is_winsock_started(void)
{
    return startup_count > 0;
}

int WINAPI WSAStartup( WORD version, WSADATA *data )
{
    int ret = wine_WSAStartup( version, data );

    if (!ret) InterlockedIncrement( &startup_count );
    return ret;
}

int WINAPI WSACleanup(void)
{
    int ret = wine_WSACleanup();

    /* the last one closes all sockets that Wine knows, which are not closed by closesocket() then */
    if (!ret && !InterlockedDecrement( &startup_count )) sock_forget_all();
    return ret;
}

static kept_handle ioctl_event;

/* for ioctls on sockets that another thread may close, see afd_get_protocol() */
static HANDLE get_event(void)
{
    DWORD error = GetLastError();
    HANDLE event = kept_event( &ioctl_event );

    SetLastError( error );
    return event;
}

void overlay_unload(void)
{
    kept_close( &ioctl_event );
    portclient_unload();
}

NTSTATUS get_protocol( SOCKET s, int *family, int *protocol )
{
    HANDLE event = get_event();

    return event ? afd_get_protocol( (HANDLE)s, event, family, protocol ) : STATUS_INSUFFICIENT_RESOURCES;
}

BOOL is_bound( SOCKET s )
{
    HANDLE event = get_event();
    IO_STATUS_BLOCK io = { .Status = STATUS_PENDING };
    struct sockaddr_in6 addr;

    if (!event || afd_finish( NtDeviceIoControlFile( (HANDLE)s, event, NULL, NULL, &io, IOCTL_AFD_GETSOCKNAME, NULL, 0, &addr,
                                                     sizeof(addr) ), &io ))
        return FALSE;
    sock_bound( s );
    return TRUE;
}

/* 0: it is a socket that the ioctl works on */
static int check_socket( SOCKET s, const struct reservation_ioctl *ioctl )
{
    int family, protocol;
    NTSTATUS status = get_protocol( s, &family, &protocol );

    if (status) return wsa_error_from_status( status );
    return ioctl->code == SIO_CPU_AFFINITY && protocol != IPPROTO_UDP ? WSAEOPNOTSUPP : 0;
}

/* SPEC: in this order; whatever fails, nothing has changed. What the server does with a socket says as well what is wrong with that one,
 * so it is looked at here only where that would not be the first error. */
static int check_ioctl( SOCKET s, const struct reservation_ioctl *ioctl, void *in, DWORD in_size, void *out, DWORD out_size,
                        DWORD *ret_size, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    int error, sock_error;

    if (!is_winsock_started()) return WSANOTINITIALISED;
    error = check_reservation_params( ioctl, in, in_size, out, out_size, ret_size, overlapped, routine );
    if ((error || overlapped || ioctl->code == SIO_RELEASE_PORT_RESERVATION) && (sock_error = check_socket( s, ioctl ))) return sock_error;
    if (error) return error;
    return overlapped ? check_reservation_completion( s, overlapped, routine ) : 0;
}

static NTSTATUS acquire( SOCKET s, const INET_PORT_RANGE *range, INET_PORT_RESERVATION_INSTANCE *instance )
{
    union generic_request req = { .__header.req = REQ_acquire_port_reservation };
    union generic_reply reply;
    NTSTATUS status;

    req.acquire_port_reservation_request.handle = s;
    req.acquire_port_reservation_request.first = wine_ntohs( range->StartPort );
    req.acquire_port_reservation_request.count = range->NumberOfPorts;
    if (!(status = portclient_call( &req, &reply )))
    {
        portclient_map();  /* should the server be killed, its map has to stay as long as the reservation */
        instance->StartPort = wine_htons( reply.acquire_port_reservation_reply.first );
        instance->NumberOfPorts = reply.acquire_port_reservation_reply.count;
        instance->Token = reply.acquire_port_reservation_reply.token;
    }
    return status;
}

static NTSTATUS release( ULONG64 token )
{
    union generic_request req = { .__header.req = REQ_release_port_reservation };
    union generic_reply reply;

    req.release_port_reservation_request.token = token;
    return portclient_call( &req, &reply );
}

static NTSTATUS associate( SOCKET s, ULONG64 token )
{
    union generic_request req = { .__header.req = REQ_associate_port_reservation };
    union generic_reply reply;

    req.associate_port_reservation_request.handle = s;
    req.associate_port_reservation_request.token = token;
    req.associate_port_reservation_request.made = sock_tell( s );
    return portclient_call( &req, &reply );
}

/* The process has sockets that share their ports. */
static BOOL has_processors;

static NTSTATUS set_processor( SOCKET s, USHORT processor )
{
    union generic_request req = { .__header.req = REQ_set_socket_processor };
    union generic_reply reply;

    has_processors = TRUE;
    req.set_socket_processor_request.handle = s;
    req.set_socket_processor_request.processor = processor;
    req.set_socket_processor_request.made = sock_tell( s );
    return portclient_call( &req, &reply );
}

BOOL shares_port( SOCKET s )
{
    union generic_request req = { .__header.req = REQ_get_socket_processor };
    union generic_reply reply;

    if (!has_processors) return FALSE;
    req.get_socket_processor_request.handle = s;
    return !portclient_call( &req, &reply );
}

/* Report a finished operation through the socket itself, so that Wine sets the event, queues the routine or posts to the completion
 * port exactly as for an ioctl of its own, and leaves out what SetFileCompletionNotificationModes() turned off. An AFD
 * ioctl that is done at once does it: a poll of no time stores as many bytes as an acquire (the poll's parameters up to its first
 * socket: 16), and another one of Wine's takes a status and stores nothing. A handle of our own keeps the socket for an ioctl without an
 * event, should another thread close it (see afd_get_protocol()). */
static NTSTATUS complete( SOCKET s, DWORD size, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    static struct afd_poll_params output;  /* nobody reads it */
    struct afd_poll_params params = { 0 };
    NTSTATUS status = STATUS_SUCCESS;
    HANDLE handle = (HANDLE)s;
    HANDLE event = NULL;  /* with a routine the program may keep there what it likes */
    void *context = NULL;

    if (routine) context = (void *)routine;
    else
    {
        event = overlapped->hEvent;
        if (!((ULONG_PTR)event & 1)) context = overlapped;  /* the bit keeps the completion port out */
    }
    C_ASSERT( offsetof( struct afd_poll_params, sockets ) == sizeof(INET_PORT_RESERVATION_INSTANCE) );

    if (!event && !DuplicateHandle( GetCurrentProcess(), (HANDLE)s, GetCurrentProcess(), &handle, 0, FALSE, DUPLICATE_SAME_ACCESS ))
        return GetLastError() == ERROR_INVALID_HANDLE ? STATUS_INVALID_HANDLE : STATUS_INSUFFICIENT_RESOURCES;
    overlapped->Internal = STATUS_PENDING;
    overlapped->Offset = 0;  /* Wine keeps the flags for WSAGetOverlappedResult() there */
    if (size)
    {
        params.count = 1;
        params.sockets[0].socket = (ULONG_PTR)handle;
        params.sockets[0].flags = AFD_POLL_CLOSE;
        status = NtDeviceIoControlFile( handle, event, routine ? reservation_apc : NULL, context, (IO_STATUS_BLOCK *)overlapped,
                                        IOCTL_AFD_POLL, &params, sizeof(params), &output, sizeof(output) );
    }
    else
        status = NtDeviceIoControlFile( handle, event, routine ? reservation_apc : NULL, context, (IO_STATUS_BLOCK *)overlapped,
                                        IOCTL_AFD_WINE_COMPLETE_ASYNC, &status, sizeof(status), NULL, 0 );
    if (!event) CloseHandle( handle );
    /* what every socket supports: it was closed meanwhile, and the handle is another file's */
    return status == STATUS_NOT_SUPPORTED ? STATUS_OBJECT_TYPE_MISMATCH : status;
}

int ioctl_port_reservation( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *ret_size,
                            WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    const struct reservation_ioctl *ioctl = find_reservation_ioctl( code );
    INET_PORT_RESERVATION_INSTANCE instance, before;
    DWORD size = ioctl->out_size;
    NTSTATUS status;
    int error;

    ret_size = clear_ret_size( ret_size, overlapped );
    if ((error = check_ioctl( s, ioctl, in, in_size, out, out_size, ret_size, overlapped, routine ))) return error;

    memset( &instance, 0, sizeof(instance) );
    switch (code)
    {
    case SIO_ACQUIRE_PORT_RESERVATION:
        status = acquire( s, in, &instance );
        break;
    case SIO_RELEASE_PORT_RESERVATION:
        status = release( ((INET_PORT_RESERVATION_TOKEN *)in)->Token );
        break;
    case SIO_CPU_AFFINITY:
        status = set_processor( s, *(USHORT *)in );
        break;
    default:
        status = associate( s, ((INET_PORT_RESERVATION_TOKEN *)in)->Token );
        break;
    }
    if (status == STATUS_HOST_UNREACHABLE && (error = check_socket( s, ioctl ))) return error;
    if (status) return wsa_error_from_status( status );

    /* before anybody is told that it is there */
    if (size)
    {
        memcpy( &before, out, sizeof(before) );
        memcpy( out, &instance, sizeof(instance) );
    }
    if (ret_size) *ret_size = size;
    if (!overlapped) return 0;
    status = complete( s, size, overlapped, routine );
    if (NT_ERROR( status ))
    {
        if (ret_size) *ret_size = 0;
        if (size)
        {
            memcpy( out, &before, sizeof(before) );
            release( instance.Token );
        }
    }
    return wsa_error_from_status( status );
}

/* Wine has pointers to functions of its own; some of them have to be ours */
static void replace_extension_function( const GUID *guid, void **function )
{
    static const GUID sendmsg_guid = WSAID_WSASENDMSG, recvmsg_guid = WSAID_WSARECVMSG;

    if (IsEqualGUID( guid, &sendmsg_guid )) *function = (void *)WSASendMsg;
    else if (IsEqualGUID( guid, &recvmsg_guid )) *function = (void *)ecn_replace_recvmsg( (LPFN_WSARECVMSG)*function );
}

int WINAPI WSAIoctl( SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD ret_size,
                     LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    int ret;

    if (find_reservation_ioctl( code ))
    {
        ret = ioctl_port_reservation( s, code, in, in_size, out, out_size, ret_size, overlapped, routine );
        SetLastError( ret );
        return ret ? SOCKET_ERROR : 0;
    }
    ret = wine_WSAIoctl( s, code, in, in_size, out, out_size, ret_size, overlapped, routine );
    if (code == SIO_GET_EXTENSION_FUNCTION_POINTER && !ret && out_size >= sizeof(void *)) replace_extension_function( in, out );
    return ret;
}
