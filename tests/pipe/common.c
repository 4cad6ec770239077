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
