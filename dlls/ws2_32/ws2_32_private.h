/*
 * What the replaced functions of ws2_32 share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_WS2_32_PRIVATE_H
#define PORTRES_WS2_32_PRIVATE_H

#include "afd.h"
#include "error.h"
#include "status.h"

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>

#include "winsock_timeout.h"
#include "wine_ws2_32.h"

/* has WSAStartup() been called more often than WSACleanup()? */
extern int is_winsock_started(void);

/* family and protocol of a TCP or UDP socket, and errors, as of afd_get_protocol() */
extern NTSTATUS get_protocol( SOCKET s, int *family, int *protocol );
extern BOOL is_bound( SOCKET s );  /* a yes is kept in mind as sock_bound() says */

/* Give a socket that is associated with a reservation, and not bound, a port of it, as every function does that needs a bound
 * socket. Returns 0, also where nothing had to be done, or Winsock's error code. */
extern int bind_implicitly( SOCKET s );

/* what this process knows of a socket by itself */
enum sock_state
{
    SOCK_UNKNOWN,
    SOCK_MADE,  /* it was made here, and this process has not told the server to bind it */
    SOCK_TOLD,  /* it was made here, and the server was told to bind it */
};

extern enum sock_state sock_get_state( SOCKET s );
/* The server is about to be told that it has to bind the socket. Returns whether that was made here. */
extern BOOL sock_tell( SOCKET s );
/* It is bound, by whomever. */
extern void sock_bound( SOCKET s );
/* Sockets were closed, nobody knows which. */
extern void sock_forget_all(void);

/* Does the socket share its port by processor (SIO_CPU_AFFINITY)? */
extern BOOL shares_port( SOCKET s );

/* The control codes of reservations, and SIO_CPU_AFFINITY. Returns Winsock's error code, WSA_IO_PENDING among them, or 0. */
extern int ioctl_port_reservation( SOCKET s, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
                                   DWORD *ret_size, WSAOVERLAPPED *overlapped,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine );

#endif /* PORTRES_WS2_32_PRIVATE_H */
