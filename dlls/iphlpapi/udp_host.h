/*
 * The host's own table of UDP sockets
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_UDP_HOST_H
#define PORTRES_UDP_HOST_H

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>

struct udp_row
{
    unsigned char addr[16];  /* network order; IPv4: the first 4 */
    DWORD         scope;     /* as Wine's tables have it */
    USHORT        port;      /* host order */
    DWORD         pid;       /* 0: a native program, or not asked for */
    ULONG64       inode;     /* of the socket */
};

struct udp_rows
{
    unsigned int    count, room;
    struct udp_row *rows;
};

/* Does this Wine's own table list the whole host? Told by what it is made of, not by its version. */
extern BOOL udp_host_is_wines(void);

/* Add the sockets of a family, AF_INET or AF_INET6, in the order of the kernel. Returns a Windows error code. */
extern DWORD udp_host_list( ULONG family, struct udp_rows *rows );
extern void udp_host_free( struct udp_rows *rows );

/* Find the process of each row. One that is in several has any of them, as in Wine. */
extern void udp_host_find_owners( struct udp_rows *rows );

extern BOOL udp_host_has_ipv6(void);

/* The ports that the kernel chooses by itself, host order */
extern void udp_host_get_ephemeral( unsigned int *first, unsigned int *last );

/* The numbers of a MIB_UDPSTATS but the last one; of IPv4 also that, which Wine 8.0 takes from the same line. */
extern DWORD udp_host_get_numbers( ULONG family, DWORD numbers[5] );

#endif /* PORTRES_UDP_HOST_H */
