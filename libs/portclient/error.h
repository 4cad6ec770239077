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

#ifndef PORTRES_PORTCLIENT_ERROR_H
#define PORTRES_PORTCLIENT_ERROR_H

#include "status.h"

/* All are total: any status but STATUS_SUCCESS is an error. */

/* Winsock's code, for a reply or a system call on a socket; WSA_IO_PENDING for STATUS_PENDING. */
extern int wsa_error_from_status( NTSTATUS status );
/* The same for the reply to bind_socket, which may hold what Wine's own bind said. */
extern int wsa_error_from_bind( NTSTATUS status, unsigned int wsa_error );
/* What the functions of iphlpapi return. */
extern ULONG win32_error_from_status( NTSTATUS status );

#endif /* PORTRES_PORTCLIENT_ERROR_H */
