/*
 * Explicit congestion notification of received datagrams
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_ECN_H
#define PORTRES_ECN_H

#include "ws2_32_private.h"

/* Is the option IP_ECN, IPV6_ECN, or what Wine reports in their place, IP_RECVTOS and IPV6_RECVTCLASS? */
extern BOOL ecn_is_option( int level, int name );

/* setsockopt() and getsockopt() for these; results and last errors are those of Winsock. */
extern int ecn_set_option( SOCKET s, int level, int name, const char *value, int len );
extern int ecn_get_option( SOCKET s, int level, int name, char *value, int *len );

/* The function to give to a program that asks for WSARecvMsg, for the one of Wine. */
extern LPFN_WSARECVMSG ecn_replace_recvmsg( LPFN_WSARECVMSG wine_function );

#endif /* PORTRES_ECN_H */
