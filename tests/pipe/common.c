/*
 * What the tests of the pipe share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "pipe_test.h"
#include "wine/test.h"

#define PIPE_NAME L"\\\\.\\pipe\\wine-portres"
#define TIMEOUT   10000

HANDLE connect_pipe(void)
{
    DWORD mode = PIPE_READMODE_MESSAGE, start = GetTickCount();
    HANDLE pipe;

    while ((pipe = CreateFileW( PIPE_NAME, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL ))
           == INVALID_HANDLE_VALUE)
    {
        if (GetLastError() != ERROR_PIPE_BUSY || GetTickCount() - start > TIMEOUT) break;
        WaitNamedPipeW( PIPE_NAME, 100 );
    }
    ok( pipe != INVALID_HANDLE_VALUE, "could not connect: error %lu\n", GetLastError() );
    SetNamedPipeHandleState( pipe, &mode, NULL, NULL );
    return pipe;
}

DWORD transfer( HANDLE pipe, void *data, DWORD size, BOOL write )
{
    OVERLAPPED overlapped = { 0 };
    DWORD ret = ~0u;
    BOOL done;

    overlapped.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
    done = write ? WriteFile( pipe, data, size, NULL, &overlapped ) : ReadFile( pipe, data, size, NULL, &overlapped );
    if (done || GetLastError() == ERROR_IO_PENDING)
    {
        if (!done && WaitForSingleObject( overlapped.hEvent, TIMEOUT )) CancelIo( pipe );
        if (!GetOverlappedResult( pipe, &overlapped, &ret, TRUE )) ret = ~0u;
    }
    CloseHandle( overlapped.hEvent );
    return ret;
}

void set_header( union generic_request *req, uint32_t code, uint32_t size )
{
    memset( req, 0, sizeof(*req) );
    req->__header.req = code;
    req->__header.size = size;
    req->__header.version = PROTOCOL_VERSION;
}

BOOL open_channel( struct test_channel *channel )
{
    union generic_request req;
    union generic_reply reply = { 0 };
    HANDLE section;

    memset( channel, 0, sizeof(*channel) );
    channel->pipe = connect_pipe();
    channel->event = CreateEventW( NULL, FALSE, FALSE, NULL );
    set_header( &req, REQ_open_channel, sizeof(req.open_channel_request) );
    req.open_channel_request.event = (ULONG_PTR)channel->event;
    req.open_channel_request.size = sizeof(struct channel);
    transfer( channel->pipe, &req, req.__header.size, TRUE );
    transfer( channel->pipe, &reply, sizeof(reply), FALSE );
    ok( reply.__header.size == sizeof(reply.open_channel_reply) && !reply.__header.status, "got %u bytes, status %#x\n",
        reply.__header.size, reply.__header.status );
    section = (HANDLE)(ULONG_PTR)reply.open_channel_reply.section;
    channel->doorbell = (HANDLE)(ULONG_PTR)reply.open_channel_reply.doorbell;
    channel->memory = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(struct channel) );
    ok( channel->memory != NULL, "error %lu\n", GetLastError() );
    CloseHandle( section );
    return channel->memory != NULL;
}

void close_channel( struct test_channel *channel )
{
    CloseHandle( channel->pipe );
    UnmapViewOfFile( channel->memory );
    CloseHandle( channel->doorbell );
    CloseHandle( channel->event );
}

BOOL change_state( struct test_channel *channel, enum channel_state from, enum channel_state to )
{
    return InterlockedCompareExchange( (LONG *)&channel->memory->state, to, from ) == (LONG)from;
}

void begin_request( struct test_channel *channel, const union generic_request *req )
{
    memcpy( &channel->memory->req, req, sizeof(*req) );
    InterlockedExchange( (LONG *)&channel->memory->state, CHANNEL_REQUEST );
    SetEvent( channel->doorbell );
}

BOOL wait_state( struct test_channel *channel, enum channel_state state )
{
    DWORD start = GetTickCount();

    while (channel->memory->state != (int32_t)state && GetTickCount() - start < TIMEOUT) WaitForSingleObject( channel->event, 10 );
    ok( channel->memory->state == (int32_t)state, "the state is %d, not %d\n", channel->memory->state, state );
    return channel->memory->state == (int32_t)state;
}

BOOL channel_call( struct test_channel *channel, const union generic_request *req, union generic_reply *reply )
{
    begin_request( channel, req );
    if (!wait_state( channel, CHANNEL_REPLY )) return FALSE;
    memcpy( reply, &channel->memory->reply, sizeof(*reply) );
    return change_state( channel, CHANNEL_REPLY, CHANNEL_IDLE );
}
