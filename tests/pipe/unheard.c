/*
 * Clients that give up before they have read the reply
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "a call that failed because the time was over, or because its program was ended in the middle of it, leaves no block, no association,
 * no guard behind" */

#include <winsock2.h>
#include <stdlib.h>
#include <string.h>

#include "pipe_test.h"
#include "wine/test.h"

static const uint32_t sizes[] = REQUEST_SIZES;
static union generic_request req;
static union generic_reply reply;
static uint32_t serial;

enum outcome
{
    HEARD,      /* the reply is read */
    CLOSED,     /* the pipe is closed once the reply is there */
    PEEKED,     /* the same, after a look at it, and a read that took nothing */
    AT_ONCE,    /* the pipe is closed before there can be a reply */
    LEFT,       /* by a channel: the client says that it has left, before or after there is a reply */
};

static BOOL use_channel;

static void begin( uint32_t code )
{
    set_header( &req, code, sizes[code] );
    req.__header.serial = ++serial;
}

/* A request that is carried out when its client goes ends a moment later, which is when its connection ends. */
static unsigned int count_clients(void)
{
    union generic_request info;
    union generic_reply answer = { 0 };
    HANDLE pipe = connect_pipe();

    set_header( &info, REQ_get_server_info, sizes[REQ_get_server_info] );
    transfer( pipe, &info, info.__header.size, TRUE );
    transfer( pipe, &answer, sizeof(answer), FALSE );
    CloseHandle( pipe );
    return answer.get_server_info_reply.clients;
}

static NTSTATUS send_through_channel( enum outcome outcome )
{
    unsigned int clients = count_clients();
    struct test_channel channel;
    DWORD start;

    memset( &reply, 0, sizeof(reply) );
    if (!open_channel( &channel )) return STATUS_UNSUCCESSFUL;
    if (outcome == HEARD) channel_call( &channel, &req, &reply );
    else begin_request( &channel, &req );
    if (outcome == CLOSED || outcome == PEEKED) wait_state( &channel, CHANNEL_REPLY );
    if (outcome == PEEKED)
    {
        memcpy( &reply, &channel.memory->reply, sizeof(reply) );
        ok( !reply.__header.status, "got status %#x\n", reply.__header.status );
    }
    if (outcome == LEFT)
    {
        if (serial % 2) Sleep( serial % 5 );
        InterlockedExchange( (LONG *)&channel.memory->state, CHANNEL_LEFT );
    }
    close_channel( &channel );
    for (start = GetTickCount(); count_clients() > clients && GetTickCount() - start < 5000; ) Sleep( 1 );
    return reply.__header.status;
}

/* Returns the status of the reply when it was heard. */
static NTSTATUS send_request( enum outcome outcome )
{
    DWORD size, available = 0, start = GetTickCount();
    HANDLE pipe;
    char none;

    if (use_channel) return send_through_channel( outcome );
    pipe = connect_pipe();
    size = transfer( pipe, &req, req.__header.size, TRUE );
    ok( size == req.__header.size, "wrote %lu bytes, error %lu\n", size, GetLastError() );
    memset( &reply, 0, sizeof(reply) );
    if (outcome == HEARD)
    {
        size = transfer( pipe, &reply, sizeof(reply), FALSE );
        ok( size == reply.__header.size, "got %lu bytes, error %lu\n", size, GetLastError() );
    }
    else if (outcome != AT_ONCE)
    {
        while (PeekNamedPipe( pipe, NULL, 0, NULL, &available, NULL ) && !available && GetTickCount() - start < 5000) Sleep( 1 );
        ok( available != 0, "no reply\n" );
        if (outcome == PEEKED)
        {
            ok( PeekNamedPipe( pipe, &reply, sizeof(reply), NULL, NULL, NULL ), "error %lu\n", GetLastError() );
            ok( !reply.__header.status, "got status %#x\n", reply.__header.status );
            size = transfer( pipe, &none, 0, FALSE );
            ok( size == ~0u && GetLastError() == ERROR_MORE_DATA, "got %lu bytes, error %lu\n", size, GetLastError() );
        }
    }
    CloseHandle( pipe );
    return reply.__header.status;
}

static NTSTATUS send_acquire( enum outcome outcome, SOCKET s, unsigned int first, unsigned int count )
{
    begin( REQ_acquire_port_reservation );
    req.acquire_port_reservation_request.handle = s;
    req.acquire_port_reservation_request.first = first;
    req.acquire_port_reservation_request.count = count;
    return send_request( outcome );
}

static NTSTATUS send_release( enum outcome outcome, uint64_t token )
{
    begin( REQ_release_port_reservation );
    req.release_port_reservation_request.token = token;
    return send_request( outcome );
}

static NTSTATUS send_associate( enum outcome outcome, SOCKET s, uint64_t token )
{
    begin( REQ_associate_port_reservation );
    req.associate_port_reservation_request.handle = s;
    req.associate_port_reservation_request.token = token;
    return send_request( outcome );
}

/* create, delete and lookup have the same fields */
static NTSTATUS send_persistent( enum outcome outcome, uint32_t code, unsigned int first, unsigned int count )
{
    begin( code );
    req.create_persistent_reservation_request.protocol = PROTOCOL_UDP;
    req.create_persistent_reservation_request.first = first;
    req.create_persistent_reservation_request.count = count;
    return send_request( outcome );
}

static void count_reservations( unsigned int *runtime, unsigned int *persistent )
{
    begin( REQ_get_server_info );
    send_request( HEARD );
    *runtime = reply.get_server_info_reply.runtime;
    *persistent = reply.get_server_info_reply.persistent;
}

static int bind_udp( SOCKET s, unsigned int port )
{
    struct sockaddr_in addr = { 0 };
    int len = sizeof(addr);

    addr.sin_family = AF_INET;
    addr.sin_port = htons( port );
    if (bind( s, (struct sockaddr *)&addr, sizeof(addr) )) return -WSAGetLastError();
    getsockname( s, (struct sockaddr *)&addr, &len );
    return ntohs( addr.sin_port );
}

static void test_outcome( enum outcome outcome )
{
    SOCKET s = socket( AF_INET, SOCK_DGRAM, 0 ), user = socket( AF_INET, SOCK_DGRAM, 0 );
    unsigned int runtime, persistent, runtime_after, persistent_after, first;
    uint64_t token;
    NTSTATUS status;
    int port;

    count_reservations( &runtime, &persistent );

    send_acquire( outcome, s, 0, 10 );
    if (outcome == PEEKED)
    {
        /* the block that was not heard of is anybody's */
        status = send_acquire( HEARD, s, reply.acquire_port_reservation_reply.first, 10 );
        ok( !status, "got status %#lx\n", (long)status );
    }
    else
    {
        status = send_acquire( HEARD, s, 0, 10 );
        ok( !status, "got status %#lx\n", (long)status );
    }
    token = reply.acquire_port_reservation_reply.token;
    first = reply.acquire_port_reservation_reply.first;

    send_associate( outcome, user, token );
    port = bind_udp( user, 0 );
    ok( port > 0 && (port < (int)first || port >= (int)first + 10), "got %d, the block begins at %u\n", port, first );

    send_release( outcome, token );
    status = send_acquire( HEARD, s, first, 1 );
    ok( status == STATUS_SHARING_VIOLATION, "got status %#lx\n", (long)status );
    status = send_release( HEARD, token );
    ok( !status, "got status %#lx\n", (long)status );
    status = send_acquire( HEARD, s, first, 10 );
    ok( !status, "got status %#lx\n", (long)status );
    status = send_release( HEARD, reply.acquire_port_reservation_reply.token );
    ok( !status, "got status %#lx\n", (long)status );

    send_persistent( outcome, REQ_create_persistent_reservation, first, 10 );
    status = send_persistent( HEARD, REQ_lookup_persistent_reservation, first, 10 );
    ok( status == STATUS_NOT_FOUND, "got status %#lx\n", (long)status );
    status = send_persistent( HEARD, REQ_create_persistent_reservation, first, 10 );
    ok( !status, "got status %#lx\n", (long)status );
    token = reply.create_persistent_reservation_reply.token;
    send_persistent( outcome, REQ_delete_persistent_reservation, first, 10 );
    status = send_persistent( HEARD, REQ_lookup_persistent_reservation, first, 10 );
    ok( !status && reply.lookup_persistent_reservation_reply.token == token, "got status %#lx\n", (long)status );
    status = send_persistent( HEARD, REQ_delete_persistent_reservation, first, 10 );
    ok( !status, "got status %#lx\n", (long)status );

    count_reservations( &runtime_after, &persistent_after );
    ok( runtime_after == runtime && persistent_after == persistent, "from %u, %u to %u, %u\n", runtime, persistent,
        runtime_after, persistent_after );
    closesocket( user );
    closesocket( s );
}

START_TEST(unheard)
{
    WSADATA data;
    unsigned int i;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    serial = GetTickCount();
    test_outcome( CLOSED );
    test_outcome( PEEKED );
    for (i = 0; i < 20; i++) test_outcome( AT_ONCE );
    use_channel = TRUE;
    test_outcome( CLOSED );
    test_outcome( PEEKED );
    for (i = 0; i < 20; i++) test_outcome( AT_ONCE );
    for (i = 0; i < 20; i++) test_outcome( LEFT );
}
