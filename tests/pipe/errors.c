/*
 * The maps from statuses to errors
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Whatever the server, or a helper of it, says: an error is an error, and one that the functions are known for. */

#include <winsock2.h>

#include "error.h"
#include "wine/test.h"

static BOOL is_known( int error )
{
    switch (error)
    {
    case WSA_IO_PENDING:
    case WSA_OPERATION_ABORTED:
    case WSAENOTSOCK:
    case WSAEOPNOTSUPP:
    case WSAEACCES:
    case WSAEADDRINUSE:
    case WSAEADDRNOTAVAIL:
    case WSAENETDOWN:
    case WSAEINVAL:
    case WSAENOBUFS:
        return TRUE;
    default:
        return FALSE;
    }
}

static void check_status( NTSTATUS status )
{
    int error = wsa_error_from_status( status ), bind_error = wsa_error_from_bind( status, 0 );
    ULONG win32_error = win32_error_from_status( status );

    ok( is_known( error ), "%#lx: got %d\n", (long)status, error );
    ok( bind_error == error, "%#lx: got %d, for a bind %d\n", (long)status, error, bind_error );
    ok( win32_error != NO_ERROR && win32_error != ERROR_MR_MID_NOT_FOUND, "%#lx: got %lu\n", (long)status, win32_error );
}

START_TEST(errors)
{
    static const struct { NTSTATUS status; int error; } tests[] =
    {
        { STATUS_INVALID_PARAMETER, WSAEINVAL },
        { STATUS_SHARING_VIOLATION, WSAEADDRINUSE },
        { STATUS_ACCESS_DENIED, WSAEACCES },
        { STATUS_INVALID_ADDRESS_COMPONENT, WSAEADDRNOTAVAIL },
        { STATUS_OBJECT_TYPE_MISMATCH, WSAENOTSOCK },
        { STATUS_NOT_SUPPORTED, WSAEOPNOTSUPP },
        { STATUS_HOST_UNREACHABLE, WSAENETDOWN },
        { STATUS_INSUFFICIENT_RESOURCES, WSAENOBUFS },
        { STATUS_NO_MEMORY, WSAENOBUFS },
        { STATUS_UNSUCCESSFUL, WSAENOBUFS },
        { STATUS_TOO_MANY_OPENED_FILES, WSAENOBUFS },
    };
    unsigned int i, severity;

    ok( !wsa_error_from_status( STATUS_SUCCESS ) && !win32_error_from_status( STATUS_SUCCESS ), "success is none\n" );
    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
    {
        int error = wsa_error_from_status( tests[i].status );

        ok( error == tests[i].error, "%#lx: got %d, expected %d\n", (long)tests[i].status, error, tests[i].error );
    }
    ok( wsa_error_from_bind( STATUS_UNSUCCESSFUL, WSAEFAULT ) == WSAEFAULT, "Wine's own error is lost\n" );
    ok( wsa_error_from_bind( STATUS_ACCESS_DENIED, WSAEFAULT ) == WSAEACCES, "the status does not count\n" );
    for (severity = 0; severity < 4; severity++)
        for (i = severity ? 0 : 1; i < 0x1000; i++) check_status( severity << 30 | i );
}
