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
#include "log.h"
#include "path.h"
#include "process.h"
#include "security.h"

#include <string.h>
#include <wchar.h>

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
# define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

/* how Wine marks a process that uses the console of the Unix shell */
#define WINE_CONSOLE_OF_SHELL ((PVOID)(LONG_PTR)-4)

#define REPLY_TIMEOUT 10000  /* ms; a block of all ports takes less than one second */
#define CLAIM_TIMEOUT 2000   /* ms; nobody else should be there, and a new helper is quickly made */
#define CLAIM_TRIES   3      /* that it says nothing, or that there is no socket for it, may pass */
#define LINGER_TIME   600    /* seconds that the guards outlive a server that was killed, while its prefix lives */
#define FILE_NAME     L"guard"  /* where the next server finds the helper */

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
    WCHAR path[MAX_PATH], command[] = L"" PORTGUARD_FILE;
    STARTUPINFOW startup = { 0 };
    PROCESS_INFORMATION info = { 0 };
    PVOID *console = &RtlGetCurrentPeb()->ProcessParameters->Reserved2[0];
    PVOID saved = *console;
    BOOL ret;

    if (!path_beside_program( path, L"" PORTGUARD_FILE )) return FALSE;
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

/* Send a request, and wait for the reply unless reply is NULL. */
static BOOL exchange( struct portguard_request *req, struct portguard_reply *reply )
{
    static UINT32 serial;
    int ret, len;

    req->serial = ++serial;
    if (!reply) req->flags |= PORTGUARD_NO_REPLY;
    for (len = 0; len < (int)sizeof(*req); len += ret)
        if ((ret = winsock.send( helper, (const char *)req + len, sizeof(*req) - len, 0 )) <= 0) return FALSE;
    if (!reply) return TRUE;
    for (len = 0; len < (int)sizeof(*reply); len += ret)
        if ((ret = winsock.recv( helper, (char *)reply + len, sizeof(*reply) - len, 0 )) <= 0) return FALSE;
    return reply->serial == req->serial;
}

BOOL helper_call( struct portguard_request *req, struct portguard_reply *reply )
{
    if (!helper_running()) return FALSE;
    if (exchange( req, reply )) return TRUE;
    helper_stop();
    log_message( "portguard does not answer" );
    return FALSE;
}

/* what the file holds */
struct contact
{
    UINT32 port;
    UINT32 cookie[2];
};

/* what came of the helper of the server before */
enum claim
{
    CLAIM_DONE,
    CLAIM_NONE,    /* there is none */
    CLAIM_FAILED,  /* there may be one, and it would keep everybody off its ports, us included */
};

static enum claim read_contact( struct contact *contact )
{
    WCHAR path[MAX_PATH];
    HANDLE file;
    DWORD size;
    BOOL ret;

    if (!path_beside_program( path, FILE_NAME )) return CLAIM_FAILED;
    file = CreateFileW( path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL );
    if (file == INVALID_HANDLE_VALUE) return GetLastError() == ERROR_FILE_NOT_FOUND ? CLAIM_NONE : CLAIM_FAILED;
    ret = ReadFile( file, contact, sizeof(*contact), &size, NULL ) && size == sizeof(*contact);
    CloseHandle( file );
    return ret && contact->port && contact->port < 65536 ? CLAIM_DONE : CLAIM_FAILED;
}

static BOOL write_contact( const struct contact *contact )
{
    WCHAR path[MAX_PATH];
    HANDLE file;
    DWORD size;
    BOOL ret;

    if (!path_beside_program( path, FILE_NAME )) return FALSE;
    file = CreateFileW( path, GENERIC_WRITE, 0, user_only(), CREATE_ALWAYS, 0, NULL );
    if (file == INVALID_HANDLE_VALUE) return FALSE;
    ret = WriteFile( file, contact, sizeof(*contact), &size, NULL ) && size == sizeof(*contact);
    CloseHandle( file );
    if (!ret) DeleteFileW( path );
    return ret;
}

static void delete_contact(void)
{
    WCHAR path[MAX_PATH];

    if (path_beside_program( path, FILE_NAME )) DeleteFileW( path );
}

static void set_timeout( DWORD timeout )
{
    winsock.setsockopt( helper, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout, sizeof(timeout) );
}

/* Make the helper outlive this server. Without that it works as well. */
static void set_linger(void)
{
    struct portguard_request req = { 0 };
    struct portguard_reply reply;
    struct contact contact;
    uint64_t random;

    if (random_token( &random )) return;
    req.op = PORTGUARD_LINGER;
    req.protocol = contact.cookie[0] = (UINT32)random;
    req.first = contact.cookie[1] = random >> 32;
    req.count = LINGER_TIME;
    if (!helper_call( &req, &reply ) || reply.status) return;
    contact.port = reply.port;
    if (write_contact( &contact )) return;
    /* nobody would find it, and it would keep the next server off the ports, too */
    log_message( "can't write the file 'guard'; guards will end with the server" );
    req.flags = 0;
    req.count = 0;
    helper_call( &req, &reply );
}

/* Take over the helper of the server before. It goes on where the file says, with the same cookie, so that the next server finds it
 * whenever this one is killed. */
static enum claim claim_helper(void)
{
    struct portguard_request req = { 0 };
    struct portguard_reply reply;
    struct sockaddr_in addr = { 0 };
    struct contact contact;
    enum claim ret;
    int on = 1;

    if ((ret = read_contact( &contact ))) return ret;
    addr.sin_family = AF_INET;
    addr.sin_port = swap_port( contact.port );
    addr.sin_addr.s_addr = 0x0100007f;
    if ((helper = create_socket()) == INVALID_SOCKET) return CLAIM_FAILED;
    ret = CLAIM_FAILED;
    if (winsock.connect( helper, (struct sockaddr *)&addr, sizeof(addr) ))
    {
        if (winsock.WSAGetLastError() == WSAECONNREFUSED) ret = CLAIM_NONE;
    }
    else
    {
        winsock.setsockopt( helper, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on) );
        set_timeout( CLAIM_TIMEOUT );
        req.op = PORTGUARD_CLAIM;
        req.protocol = contact.cookie[0];
        req.first = contact.cookie[1];
        if (exchange( &req, &reply )) ret = !reply.status && reply.port == PORTGUARD_VERSION ? CLAIM_DONE : CLAIM_NONE;
    }
    if (ret != CLAIM_DONE) helper_stop();
    return ret;
}

static BOOL start_helper(void)
{
    struct portguard_request req = { 0 };
    struct portguard_reply reply;
    SOCKET pair[2];
    BOOL ret;

    if (!connect_pair( pair ))
    {
        log_message( "can't connect to portguard: no sockets" );
        return FALSE;
    }
    helper = pair[0];
    set_timeout( REPLY_TIMEOUT );
    ret = start_process( pair[1] );
    winsock.closesocket( pair[1] );
    if (!ret)
    {
        helper_stop();
        log_message( "can't start portguard beside portserver.exe; native programs can bind to reserved TCP ports. Install "
                     "again to get it back." );
        return FALSE;
    }
    req.op = PORTGUARD_HELLO;
    if (!helper_call( &req, &reply )) return FALSE;
    if (reply.port == PORTGUARD_VERSION) return TRUE;
    helper_stop();
    log_message( "portguard is of another version (%u, not %u); install again", (unsigned int)reply.port, PORTGUARD_VERSION );
    return FALSE;
}

BOOL helper_start(void)
{
    enum claim claim = CLAIM_FAILED;
    int tries;

    if (winsock_init()) return FALSE;
    for (tries = 0; tries < CLAIM_TRIES && claim == CLAIM_FAILED; tries++) claim = claim_helper();
    if (claim == CLAIM_DONE)
    {
        set_timeout( REPLY_TIMEOUT );
        return TRUE;
    }
    if (claim == CLAIM_FAILED && tries == CLAIM_TRIES)
        log_message( "can't take over the portguard of the server before; what it guards can't be bound until it ends" );
    if (!start_helper()) return FALSE;
    set_linger();
    return helper_running();
}

void helper_quit(void)
{
    struct portguard_request req = { 0 };

    if (!helper_running()) return;
    req.op = PORTGUARD_QUIT;
    helper_call( &req, NULL );
    delete_contact();
    helper_stop();
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
    log_message( "portguard has ended" );
    return FALSE;
}
