/*
 * Connection to portguard, the native helper
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wsock.h"
#include "guard_helper.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
# define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

/* how Wine marks a process that uses the console of the Unix shell */
#define WINE_CONSOLE_OF_SHELL ((PVOID)(LONG_PTR)-4)

#define REPLY_TIMEOUT 10000  /* ms; a block of all ports takes less than one second */

extern PEB * WINAPI RtlGetCurrentPeb(void);  /* of ntdll, in no header */

static SOCKET helper = INVALID_SOCKET;

static SOCKET create_socket(void)
{
    return winsock.WSASocketW( AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT );
}

/* Make two connected sockets; TCP is what a Windows socket and a native program have in common. */
static BOOL connect_pair( SOCKET pair[2] )
{
    struct sockaddr_in addr = { 0 }, peer;
    SOCKET listener = create_socket();
    int len = sizeof(addr), peer_len, on = 1;

    pair[0] = pair[1] = INVALID_SOCKET;
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = 0x0100007f;  /* 127.0.0.1, network order */
    if (listener == INVALID_SOCKET) return FALSE;
    if (winsock.bind( listener, (struct sockaddr *)&addr, sizeof(addr) ) || winsock.listen( listener, 1 ) ||
        winsock.getsockname( listener, (struct sockaddr *)&addr, &len ))
        goto failed;
    if ((pair[0] = create_socket()) == INVALID_SOCKET) goto failed;
    if (winsock.connect( pair[0], (struct sockaddr *)&addr, sizeof(addr) )) goto failed;
    len = sizeof(addr);
    if (winsock.getsockname( pair[0], (struct sockaddr *)&addr, &len )) goto failed;
    do
    {
        /* another user of this machine may have been quicker; that is not our helper */
        if (pair[1] != INVALID_SOCKET) winsock.closesocket( pair[1] );
        peer_len = sizeof(peer);
        pair[1] = winsock.accept( listener, (struct sockaddr *)&peer, &peer_len );
        if (pair[1] == INVALID_SOCKET) goto failed;
    } while (peer.sin_port != addr.sin_port || peer.sin_addr.s_addr != addr.sin_addr.s_addr);
    winsock.closesocket( listener );
    /* a request without a reply must not hold up the next one */
    winsock.setsockopt( pair[0], IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on) );
    winsock.setsockopt( pair[1], IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on) );
    return TRUE;

failed:
    if (pair[0] != INVALID_SOCKET) winsock.closesocket( pair[0] );
    winsock.closesocket( listener );
    return FALSE;
}

/* Wine's CreateProcess runs a file that is not a Windows program natively, with standard handles as descriptors. */
static BOOL start_process( SOCKET s )
{
    WCHAR path[MAX_PATH + sizeof(PORTGUARD_FILE)], command[] = L"" PORTGUARD_FILE, *name;
    STARTUPINFOW startup = { 0 };
    PROCESS_INFORMATION info = { 0 };
    DWORD len = GetModuleFileNameW( NULL, path, MAX_PATH );
    PVOID *console = &RtlGetCurrentPeb()->ProcessParameters->Reserved2[0];
    PVOID saved = *console;
    BOOL ret;

    if (!len || len >= MAX_PATH) return FALSE;
    name = wcsrchr( path, '\\' );
    wcscpy( name ? name + 1 : path, L"" PORTGUARD_FILE );
    startup.cb = sizeof(startup);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = (HANDLE)s;
    startup.hStdOutput = (HANDLE)s;
    startup.hStdError = GetStdHandle( STD_ERROR_HANDLE );
    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT );
    /* A service has no console. Wine would make one for the child, or leave it without, and in both cases not give it the
     * standard handles (8.0 and 10.0; 8.0 does give them to a detached one). So pretend that there is one: its handle comes
     * right after the four sizes and flags, and a native child has no use for it. */
    if (!saved) *console = WINE_CONSOLE_OF_SHELL;
    ret = CreateProcessW( path, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &info );
    *console = saved;
    if (!ret) return FALSE;
    /* a native program has no handles, but that may change */
    if (info.hThread) CloseHandle( info.hThread );
    if (info.hProcess) CloseHandle( info.hProcess );
    return TRUE;
}

static void helper_stop(void)
{
    winsock.closesocket( helper );  /* ends it, if it still lives */
    helper = INVALID_SOCKET;
}

BOOL helper_running(void)
{
    return helper != INVALID_SOCKET;
}

BOOL helper_start(void)
{
    struct portguard_request req = { 0 };
    struct portguard_reply reply;
    DWORD timeout = REPLY_TIMEOUT;
    SOCKET pair[2];
    BOOL ret;

    if (winsock_init() || !connect_pair( pair ))
    {
        fprintf( stderr, "portserver: can't connect to portguard: no working Winsock\n" );
        return FALSE;
    }
    helper = pair[0];
    winsock.setsockopt( helper, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout, sizeof(timeout) );
    ret = start_process( pair[1] );
    winsock.closesocket( pair[1] );
    if (!ret)
    {
        helper_stop();
        fprintf( stderr, "portserver: can't start " PORTGUARD_FILE " beside portserver.exe; native programs can bind to reserved "
                 "TCP ports. Install again to get it back.\n" );
        return FALSE;
    }
    req.op = PORTGUARD_HELLO;
    if (!helper_call( &req, &reply )) return FALSE;
    if (reply.port == PORTGUARD_VERSION) return TRUE;
    helper_stop();
    fprintf( stderr, "portserver: " PORTGUARD_FILE " is of another version (%u, not %u); install again\n",
             (unsigned int)reply.port, PORTGUARD_VERSION );
    return FALSE;
}

BOOL helper_call( struct portguard_request *req, struct portguard_reply *reply )
{
    static UINT32 serial;
    int ret, len;

    if (!helper_running()) return FALSE;
    req->serial = ++serial;
    if (!reply) req->flags |= PORTGUARD_NO_REPLY;
    for (len = 0; len < (int)sizeof(*req); len += ret)
        if ((ret = winsock.send( helper, (const char *)req + len, sizeof(*req) - len, 0 )) <= 0) goto lost;
    if (!reply) return TRUE;
    for (len = 0; len < (int)sizeof(*reply); len += ret)
        if ((ret = winsock.recv( helper, (char *)reply + len, sizeof(*reply) - len, 0 )) <= 0) goto lost;
    if (reply->serial == req->serial) return TRUE;

lost:
    helper_stop();
    fprintf( stderr, "portserver: " PORTGUARD_FILE " does not answer\n" );
    return FALSE;
}

BOOL helper_alive(void)
{
    struct timeval now = { 0, 0 };
    fd_set readfds;

    if (!helper_running()) return FALSE;
    FD_ZERO( &readfds );
    FD_SET( helper, &readfds );
    /* no reply is outstanding, so it can only be the end of the stream */
    if (winsock.select( 0, &readfds, NULL, NULL, &now ) != 1) return TRUE;
    helper_stop();
    fprintf( stderr, "portserver: " PORTGUARD_FILE " has ended\n" );
    return FALSE;
}
