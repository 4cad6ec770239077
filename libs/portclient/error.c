/*
 * From the status of a reply to the errors of Windows
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "error.h"

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <winternl.h>

int wsa_error_from_status( NTSTATUS status )
{
    switch (status)
    {
    case STATUS_SUCCESS:                   return 0;
    case STATUS_PENDING:                   return WSA_IO_PENDING;
    case STATUS_OBJECT_TYPE_MISMATCH:
    case STATUS_INVALID_HANDLE:            return WSAENOTSOCK;
    case STATUS_NOT_SUPPORTED:             return WSAEOPNOTSUPP;
    case STATUS_ACCESS_DENIED:             return WSAEACCES;
    case STATUS_SHARING_VIOLATION:         return WSAEADDRINUSE;
    case STATUS_INVALID_ADDRESS_COMPONENT: return WSAEADDRNOTAVAIL;
    case STATUS_CANCELLED:                 return WSA_OPERATION_ABORTED;
    case STATUS_HOST_UNREACHABLE:
    case STATUS_REVISION_MISMATCH:         return WSAENETDOWN;
    case STATUS_INVALID_PARAMETER:
    case STATUS_NOT_FOUND:                 return WSAEINVAL;
    /* nothing is wrong with what the program asked for, but something ran out, or failed */
    default:                               return WSAENOBUFS;
    }
}

int wsa_error_from_bind( NTSTATUS status, unsigned int wsa_error )
{
    return status == STATUS_UNSUCCESSFUL && wsa_error ? (int)wsa_error : wsa_error_from_status( status );
}

ULONG win32_error_from_status( NTSTATUS status )
{
    ULONG error;

    switch (status)
    {
    case STATUS_SUCCESS:           return NO_ERROR;
    case STATUS_INVALID_PARAMETER: return ERROR_INVALID_PARAMETER;
    case STATUS_ACCESS_DENIED:     return ERROR_ACCESS_DENIED;
    case STATUS_SHARING_VIOLATION: return ERROR_SHARING_VIOLATION;
    case STATUS_NOT_FOUND:         return ERROR_NOT_FOUND;
    /* On Windows there is no server that could be missing. */
    case STATUS_REVISION_MISMATCH:
    case STATUS_HOST_UNREACHABLE:  return ERROR_SERVICE_NOT_ACTIVE;
    default:                       break;
    }
    error = RtlNtStatusToDosError( status );
    return error == NO_ERROR || error == ERROR_MR_MID_NOT_FOUND ? ERROR_GEN_FAILURE : error;
}
