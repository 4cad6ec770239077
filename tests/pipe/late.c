/*
 * Replies that come when the client is about to give up
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "a call that failed because the time was over ... leaves no block, no association": a server takes back what it could not tell, so a call
 * that failed must have read no reply, and one that read a reply must not fail. The server here is this test, which answers about 5 seconds
 * after the request. */

#include <winsock2.h>
#include <mstcpip.h>
#include <string.h>
#include <wchar.h>

#include "../server_process.h"
#include "pipe_test.h"
#include "portserver.h"

#define TIMEOUT 5000  /* of a client, for the whole call */
#define CALLS   41

struct call
{
    SOCKET       s;
    HANDLE       pipe, server, client;
    LONG         delay;   /* of the reply, ms after the request; -1: there is none */
    BOOL         bind;    /* the server binds the socket */
    int          client_error;
    DWORD        server_error;
};

static int (WSAAPI *wine_bind)( SOCKET s, const struct sockaddr *addr, int len );

/* what a call without a reservation would run through */
static BOOL find_wine_bind(void)
{
    WCHAR path[MAX_PATH];
    HMODULE module;

    GetSystemDirectoryW( path, MAX_PATH - 32 );
    wcscat( path, L"\\portres\\ws2_32.dll" );
    if (!(module = GetModuleHandleW( path ))) return FALSE;
    wine_bind = (void *)GetProcAddress( module, "bind" );
    return TRUE;
}

static HANDLE create_pipe(void)
{
    HANDLE pipe = CreateNamedPipeW( PORTSERVER_PIPE, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
                                    PIPE_UNLIMITED_INSTANCES, 0, sizeof(union generic_request), 0, NULL );

    ok( pipe != INVALID_HANDLE_VALUE, "no pipe, error %lu\n", GetLastError() );
    return pipe;
}

static void fill_reply( const union generic_request *req, union generic_reply *reply )
{
    memset( reply, 0, sizeof(*reply) );
    reply->__header.size = sizeof(reply->acquire_port_reservation_reply);
    reply->acquire_port_reservation_reply.token = 1;
    reply->acquire_port_reservation_reply.first = 1000;
    reply->acquire_port_reservation_reply.count = req->acquire_port_reservation_request.count;
}

static DWORD WINAPI server_thread( void *arg )
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    OVERLAPPED overlapped = { 0 };
    struct call *call = arg;
    union generic_request req;
    union generic_reply reply;
    DWORD size, start;

    overlapped.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
    if (!ConnectNamedPipe( call->pipe, &overlapped ) && GetLastError() == ERROR_IO_PENDING)
        GetOverlappedResult( call->pipe, &overlapped, &size, TRUE );
    size = transfer( call->pipe, &req, sizeof(req), FALSE );
    ok( size == req.__header.size, "got a request of %lu bytes\n", size );
    start = GetTickCount();
    /* to a port of no reservation, since those are guarded */
    if (call->bind) ok( !wine_bind( call->s, (struct sockaddr *)&addr, sizeof(addr) ), "bind failed, error %d\n", WSAGetLastError() );
    if (call->delay < 0) size = transfer( call->pipe, &req, sizeof(req), FALSE );  /* ends with the pipe */
    else
    {
        fill_reply( &req, &reply );
        while ((LONG)(GetTickCount() - start) < call->delay) Sleep( 1 );
        size = transfer( call->pipe, &reply, reply.__header.size, TRUE );
    }
    call->server_error = size == ~0u ? GetLastError() : 0;
    CloseHandle( overlapped.hEvent );
    return 0;
}

static DWORD WINAPI acquire_thread( void *arg )
{
    INET_PORT_RANGE range = { 0, 1 };
    struct call *call = arg;
    ULONG64 instance[2];
    DWORD size;

    if (WSAIoctl( call->s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), instance, sizeof(instance), &size, NULL, NULL ))
        call->client_error = WSAGetLastError();
    return 0;
}

static void wait_thread( HANDLE thread )
{
    ok( !WaitForSingleObject( thread, 20000 ), "a thread does not end\n" );
    CloseHandle( thread );
}

static void test_acquire(void)
{
    struct call calls[CALLS] = { { 0 } };
    unsigned int i, done = 0;

    for (i = 0; i < CALLS; i++)
    {
        calls[i].s = socket( AF_INET, SOCK_DGRAM, 0 );
        calls[i].pipe = create_pipe();
        calls[i].delay = TIMEOUT - 40 + 2 * (LONG)i;
        calls[i].server = CreateThread( NULL, 0, server_thread, &calls[i], 0, NULL );
    }
    for (i = 0; i < CALLS; i++)
    {
        /* one after the other, so that each meets the server's thread of the same number */
        calls[i].client = CreateThread( NULL, 0, acquire_thread, &calls[i], 0, NULL );
        Sleep( 20 );
    }
    for (i = 0; i < CALLS; i++)
    {
        wait_thread( calls[i].client );
        wait_thread( calls[i].server );
        closesocket( calls[i].s );
        CloseHandle( calls[i].pipe );
    }
    for (i = 0; i < CALLS; i++)
    {
        ok( !calls[i].client_error == !calls[i].server_error, "%ld ms: error %d for the client, %lu for the server\n", calls[i].delay,
            calls[i].client_error, calls[i].server_error );
        ok( !calls[i].client_error || calls[i].client_error == WSAENETDOWN, "%ld ms: error %d\n", calls[i].delay, calls[i].client_error );
        done += !calls[i].client_error;
    }
    trace( "%u of %u calls were done\n", done, CALLS );
}

/* what is bound can't be taken back, so the client has to look */
static void test_bind( SOCKET s, BOOL bound )
{
    struct call call = { .s = s, .delay = -1, .bind = bound };
    struct sockaddr_in addr = { .sin_family = AF_INET };
    int ret, error, len = sizeof(addr);

    call.pipe = create_pipe();
    call.server = CreateThread( NULL, 0, server_thread, &call, 0, NULL );
    WSASetLastError( 0xdead );
    ret = bind( s, (struct sockaddr *)&addr, sizeof(addr) );
    error = WSAGetLastError();
    CancelIo( call.pipe );
    wait_thread( call.server );
    CloseHandle( call.pipe );
    if (bound)
    {
        ok( !ret, "bind: error %d, but it was done\n", error );
        ret = getsockname( s, (struct sockaddr *)&addr, &len );
        ok( !ret && addr.sin_port, "the socket is not bound, error %d\n", WSAGetLastError() );
    }
    else
    {
        ok( ret && error == WSAENETDOWN, "bind: %d, error %d\n", ret, error );
        ret = getsockname( s, (struct sockaddr *)&addr, &len );
        ok( ret && WSAGetLastError() == WSAEINVAL, "the socket is bound to %u\n", ntohs( addr.sin_port ) );
    }
}

START_TEST(late)
{
    SOCKET owner, users[2], other;
    INET_PORT_RANGE range = { 0, 2 };
    struct { INET_PORT_RANGE range; ULONG64 token; } instance;
    unsigned int i;
    WSADATA data;
    DWORD size;
    int ret;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    owner = socket( AF_INET, SOCK_DGRAM, 0 );
    ret = WSAIoctl( owner, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL );
    ok( !ret, "acquire failed, error %d\n", WSAGetLastError() );
    for (i = 0; i < 2; i++)
    {
        users[i] = socket( AF_INET, SOCK_DGRAM, 0 );
        ret = WSAIoctl( users[i], SIO_ASSOCIATE_PORT_RESERVATION, &instance.token, sizeof(instance.token), NULL, 0, &size, NULL, NULL );
        ok( !ret, "associate failed, error %d\n", WSAGetLastError() );
    }
    if (!find_wine_bind() || !kill_server())
    {
        win_skip( "this system keeps reservations elsewhere\n" );
        return;
    }
    test_bind( users[0], TRUE );
    test_bind( users[1], FALSE );
    test_acquire();

    /* with the real server all goes on */
    other = socket( AF_INET, SOCK_DGRAM, 0 );
    ret = WSAIoctl( other, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &instance, sizeof(instance), &size, NULL, NULL );
    ok( !ret, "acquire failed, error %d\n", WSAGetLastError() );
    for (i = 0; i < 2; i++) closesocket( users[i] );
    closesocket( other );
    closesocket( owner );
}
