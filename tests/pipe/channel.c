/*
 * Channels: what a client may do to one
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <winsock2.h>
#include <stdlib.h>
#include <string.h>

#include "pipe_test.h"
#include "wine/test.h"

static const uint32_t sizes[] = REQUEST_SIZES;
static uint32_t server_pid;

/* "malformed" requests and whatever else a client does harm nobody but that one: the server is the one of before, and answers. */
static void check_server( struct test_channel *channel, const char *what )
{
    union generic_request req;
    union generic_reply reply = { 0 };

    set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
    ok( channel_call( channel, &req, &reply ), "%s: no answer\n", what );
    ok( !reply.__header.status && reply.__header.size == sizeof(reply.get_server_info_reply), "%s: got status %#x, %u bytes\n", what,
        reply.__header.status, reply.__header.size );
    if (!server_pid) server_pid = reply.get_server_info_reply.pid;
    ok( reply.get_server_info_reply.pid == server_pid, "%s: got server process %u, was %u\n", what, reply.get_server_info_reply.pid,
        server_pid );
}

static BOOL is_broken( struct test_channel *channel )
{
    DWORD start = GetTickCount();

    while (PeekNamedPipe( channel->pipe, NULL, 0, NULL, NULL, NULL ) && GetTickCount() - start < 5000) Sleep( 1 );
    return !PeekNamedPipe( channel->pipe, NULL, 0, NULL, NULL, NULL );
}

static void test_headers( struct test_channel *other )
{
    static const uint32_t values[] = { 0, 1, 15, 16, 17, 64, 4096, 0x7fffffff, 0x80000000, 0xffffffff };
    struct test_channel channel;
    union generic_request req;
    union generic_reply reply;
    unsigned int i;

    if (!open_channel( &channel )) return;
    check_server( &channel, "new" );
    for (i = 0; i < ARRAY_SIZE( values ); i++)
    {
        set_header( &req, REQ_get_server_info, values[i] );
        if (values[i] == sizes[REQ_get_server_info]) continue;
        ok( channel_call( &channel, &req, &reply ), "size %#x: no answer\n", values[i] );
        ok( reply.__header.status == (uint32_t)STATUS_INFO_LENGTH_MISMATCH, "size %#x: got status %#x\n", values[i], reply.__header.status );
    }
    for (i = 0; i < ARRAY_SIZE( values ); i++)
    {
        set_header( &req, values[i], sizeof(req) );
        ok( channel_call( &channel, &req, &reply ), "request %#x: no answer\n", values[i] );
        ok( reply.__header.status != 0, "request %#x is carried out\n", values[i] );
    }
    set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
    req.__header.version++;
    ok( channel_call( &channel, &req, &reply ), "version: no answer\n" );
    ok( reply.__header.status == (uint32_t)STATUS_REVISION_MISMATCH, "got status %#x\n", reply.__header.status );
    check_server( &channel, "headers" );
    check_server( other, "headers" );
    close_channel( &channel );
}

/* A state that is not the client's to set. */
static void test_states( struct test_channel *other )
{
    static const int32_t states[] = { CHANNEL_IDLE, CHANNEL_RUNNING, CHANNEL_REPLY, CHANNEL_LEFT, 5, 77, -1, 0x7fffffff };
    struct test_channel channel;
    union generic_request req;
    unsigned int i, j;

    for (i = 0; i < ARRAY_SIZE( states ); i++)
    {
        for (j = 0; j < 10; j++)
        {
            if (!open_channel( &channel )) return;
            if (j) check_server( &channel, "before" );
            if (j % 2)
            {
                /* while it is carried out, or a moment before or after */
                set_header( &req, REQ_get_reservations, sizes[REQ_get_reservations] );
                req.get_reservations_request.protocol = PROTOCOL_TCP;
                begin_request( &channel, &req );
                if (j > 5) Sleep( 0 );
            }
            InterlockedExchange( (LONG *)&channel.memory->state, states[i] );
            SetEvent( channel.doorbell );
            check_server( other, "state" );
            close_channel( &channel );
        }
    }
}

/* What is changed while the request is carried out counts for nothing: it was copied. */
static DWORD WINAPI scribble( void *arg )
{
    struct test_channel *channel = arg;
    unsigned int i = 0;

    while (channel->memory->state != CHANNEL_LEFT)
    {
        channel->memory->req.__header.size = i * 7919;
        channel->memory->req.__header.req = i++ % REQ_NB_REQUESTS;
    }
    return 0;
}

static void test_scribble( struct test_channel *other )
{
    struct test_channel channel;
    union generic_request req;
    unsigned int i;
    HANDLE thread;

    if (!open_channel( &channel )) return;
    thread = CreateThread( NULL, 0, scribble, &channel, 0, NULL );
    for (i = 0; i < 500; i++)
    {
        set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
        begin_request( &channel, &req );
        if (!wait_state( &channel, CHANNEL_REPLY )) break;
        change_state( &channel, CHANNEL_REPLY, CHANNEL_IDLE );
    }
    InterlockedExchange( (LONG *)&channel.memory->state, CHANNEL_LEFT );
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
    check_server( other, "scribble" );
    close_channel( &channel );
}

static void test_pipe_beside( struct test_channel *other )
{
    struct test_channel channel;
    union generic_request req;

    if (!open_channel( &channel )) return;
    check_server( &channel, "beside" );
    set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
    transfer( channel.pipe, &req, req.__header.size, TRUE );
    ok( is_broken( &channel ), "the connection goes on\n" );
    ok( channel.memory->state == CHANNEL_LEFT, "the state is %d\n", channel.memory->state );
    close_channel( &channel );
    check_server( other, "beside" );
}

static void test_open( struct test_channel *other )
{
    struct test_channel channel;
    union generic_request req;
    union generic_reply reply;
    HANDLE pipe = connect_pipe();

    set_header( &req, REQ_open_channel, sizes[REQ_open_channel] );
    req.open_channel_request.size = sizeof(struct channel) - 1;
    transfer( pipe, &req, req.__header.size, TRUE );
    transfer( pipe, &reply, sizeof(reply), FALSE );
    ok( reply.__header.status == (uint32_t)STATUS_INVALID_PARAMETER, "got status %#x\n", reply.__header.status );
    req.open_channel_request.size = sizeof(struct channel);
    req.open_channel_request.event = 0xdeadbec;
    transfer( pipe, &req, req.__header.size, TRUE );
    transfer( pipe, &reply, sizeof(reply), FALSE );
    ok( reply.__header.status != 0, "a handle of nothing is an event\n" );
    ok( !reply.open_channel_reply.section && !reply.open_channel_reply.doorbell, "there are handles\n" );
    CloseHandle( pipe );

    /* a second one */
    if (!open_channel( &channel )) return;
    req.open_channel_request.event = (ULONG_PTR)channel.event;
    ok( channel_call( &channel, &req, &reply ), "no answer\n" );
    ok( reply.__header.status == (uint32_t)STATUS_INVALID_PARAMETER, "got status %#x\n", reply.__header.status );
    check_server( &channel, "open" );
    close_channel( &channel );
    check_server( other, "open" );
}

/* One that rings all the time keeps nobody else waiting. */
static volatile LONG rings;

static DWORD WINAPI ring( void *arg )
{
    while (rings) SetEvent( arg );
    return 0;
}

static void test_ringing( struct test_channel *other )
{
    DWORD start, longest = 0;
    HANDLE thread, pipe;
    unsigned int i;

    rings = 1;
    thread = CreateThread( NULL, 0, ring, other->doorbell, 0, NULL );
    for (i = 0; i < 50; i++)
    {
        union generic_request req;
        union generic_reply reply = { 0 };

        start = GetTickCount();
        pipe = connect_pipe();
        set_header( &req, REQ_get_server_info, sizes[REQ_get_server_info] );
        transfer( pipe, &req, req.__header.size, TRUE );
        transfer( pipe, &reply, sizeof(reply), FALSE );
        ok( reply.get_server_info_reply.pid == server_pid, "got process %u\n", reply.get_server_info_reply.pid );
        CloseHandle( pipe );
        if (GetTickCount() - start > longest) longest = GetTickCount() - start;
    }
    ok( longest < 1000, "one took %lu ms\n", longest );
    rings = 0;
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
}

/* One that takes the rings of others delays them by a second at most. */
static DWORD WINAPI silence( void *arg )
{
    while (rings) ResetEvent( arg );
    return 0;
}

static void test_silence( struct test_channel *other )
{
    HANDLE thread;
    unsigned int i;

    rings = 1;
    thread = CreateThread( NULL, 0, silence, other->doorbell, 0, NULL );
    for (i = 0; i < 3; i++) check_server( other, "silence" );
    rings = 0;
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
}

START_TEST(channel)
{
    struct test_channel channel;
    WSADATA data;
    unsigned int i;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    if (!open_channel( &channel )) return;
    check_server( &channel, "first" );
    test_open( &channel );
    test_headers( &channel );
    test_states( &channel );
    test_scribble( &channel );
    test_pipe_beside( &channel );
    test_ringing( &channel );
    test_silence( &channel );
    for (i = 0; i < 1000; i++) check_server( &channel, "many" );
    close_channel( &channel );
}
