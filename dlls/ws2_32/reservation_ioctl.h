/*
 * WSAIoctl: the arguments of the control codes of port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_RESERVATION_IOCTL_H
#define PORTRES_RESERVATION_IOCTL_H

/* Both hosts have this file, and one "ws2_32_private.h" each, which is to be included first. */

#ifndef SIO_ACQUIRE_PORT_RESERVATION
# define SIO_ACQUIRE_PORT_RESERVATION   _WSAIOW( IOC_VENDOR, 100 )
# define SIO_RELEASE_PORT_RESERVATION   _WSAIOW( IOC_VENDOR, 101 )
# define SIO_ASSOCIATE_PORT_RESERVATION _WSAIOW( IOC_VENDOR, 102 )
#endif
#ifndef SIO_CPU_AFFINITY
# define SIO_CPU_AFFINITY               _WSAIOW( IOC_VENDOR, 21 )
#endif

/* bytes that the input and the output have at least; without an output its size has to be 0 */
struct reservation_ioctl
{
    DWORD code;
    DWORD in_size;
    DWORD out_size;
};

/* NULL for all other codes */
extern const struct reservation_ioctl *find_reservation_ioctl( DWORD code );

/* Set the number of bytes to 0 where it can be written. Returns where to store it later, NULL for nowhere. */
extern DWORD *clear_ret_size( DWORD *ret_size, const WSAOVERLAPPED *overlapped );

/* What is wrong with sizes and pointers: WSAEINVAL, WSAEFAULT or 0 */
extern int check_reservation_params( const struct reservation_ioctl *ioctl, const void *in, DWORD in_size, void *out, DWORD out_size,
                                     DWORD *ret_size, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine );

/* Can the end of an operation be reported as the program asks? Asked before anything is done. Returns Winsock's error code or 0. */
extern int check_reservation_completion( SOCKET s, WSAOVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine );

/* the APC of an operation with a routine, which is its context */
extern void WINAPI reservation_apc( void *context, IO_STATUS_BLOCK *io, ULONG reserved );

#endif /* PORTRES_RESERVATION_IOCTL_H */
