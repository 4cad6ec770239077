/*
 * The type of a timeout in Winsock's functions
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_WINSOCK_TIMEOUT_H
#define PORTRES_WINSOCK_TIMEOUT_H

#include <winsock2.h>

/* mingw-w64 10 (Debian 12) has "const PTIMEVAL", a pointer to what could be changed, where mingw-w64 12 (Debian 13) has
 * "const TIMEVAL *" as Windows; a function of ours must be declared as its headers do. */
typedef __typeof__( __builtin_choose_expr(
    __builtin_types_compatible_p( __typeof__(&select), int (WSAAPI *)( int, fd_set *, fd_set *, fd_set *, struct timeval * ) ),
    (struct timeval *)0, (const struct timeval *)0 ) ) winsock_timeout;

#endif /* PORTRES_WINSOCK_TIMEOUT_H */
