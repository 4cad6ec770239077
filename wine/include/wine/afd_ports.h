/*
 * AFD ioctls of port reservations
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef __WINE_WINE_AFD_PORTS_H
#define __WINE_WINE_AFD_PORTS_H

/* The numbers are the same in every Wine, far above those that Wine itself has taken so far. ntdll passes them on unseen, so a wineserver
 * with reservations serves an ntdll that knows nothing of them. All structures have the same layout for 32 and for 64 bits. */

#define WINE_AFD_PORTS_IOC(x) CTL_CODE(FILE_DEVICE_NETWORK, x, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* on a TCP or UDP socket */
#define IOCTL_AFD_WINE_ACQUIRE_PORTS            WINE_AFD_PORTS_IOC(0x700)  /* afd_port_range; afd_port_instance */
#define IOCTL_AFD_WINE_RELEASE_PORTS            WINE_AFD_PORTS_IOC(0x701)  /* ULONGLONG token */
#define IOCTL_AFD_WINE_ASSOCIATE_PORTS          WINE_AFD_PORTS_IOC(0x702)  /* ULONGLONG token */
#define IOCTL_AFD_WINE_SET_CPU_AFFINITY         WINE_AFD_PORTS_IOC(0x703)  /* USHORT processor */
/* on any handle of \Device\Afd */
#define IOCTL_AFD_WINE_CREATE_PERSISTENT_PORTS  WINE_AFD_PORTS_IOC(0x710)  /* afd_port_block; ULONGLONG token */
#define IOCTL_AFD_WINE_DELETE_PERSISTENT_PORTS  WINE_AFD_PORTS_IOC(0x711)  /* afd_port_block */
#define IOCTL_AFD_WINE_LOOKUP_PERSISTENT_PORTS  WINE_AFD_PORTS_IOC(0x712)  /* afd_port_block; ULONGLONG token */
#define IOCTL_AFD_WINE_LIST_PORTS               WINE_AFD_PORTS_IOC(0x713)  /* afd_port_block, count ignored; afd_port_reservation[] */
#define IOCTL_AFD_WINE_GET_PORTS_INFO           WINE_AFD_PORTS_IOC(0x714)  /* afd_ports_info */
#define IOCTL_AFD_WINE_LIST_PORTS_IN_USE        WINE_AFD_PORTS_IOC(0x715)  /* afd_port_block; USHORT[], host order */
#define IOCTL_AFD_WINE_LIST_GUARDS              WINE_AFD_PORTS_IOC(0x716)  /* afd_port_block; afd_port_guard[] */
#define IOCTL_AFD_WINE_LIST_SOCKETS             WINE_AFD_PORTS_IOC(0x717)  /* UINT protocol; afd_port_socket[] */

#define AFD_PORTS_FIRST_IOC 0x700
#define AFD_PORTS_LAST_IOC  0x71f

/* INET_PORT_RANGE */
struct afd_port_range
{
    USHORT    first;    /* network order, 0 for any */
    USHORT    count;
};
C_ASSERT( sizeof(struct afd_port_range) == 4 );

/* INET_PORT_RESERVATION_INSTANCE */
struct afd_port_instance
{
    USHORT    first;    /* network order */
    USHORT    count;
    UINT      pad;
    ULONGLONG token;
};
C_ASSERT( sizeof(struct afd_port_instance) == 16 );

struct afd_port_block
{
    UINT      protocol; /* IPPROTO_TCP or IPPROTO_UDP */
    UINT      first;    /* host order */
    UINT      count;
};
C_ASSERT( sizeof(struct afd_port_block) == 12 );

/* the reservations from port first of the block on, as many as fit */
struct afd_port_reservation
{
    UINT      first;    /* host order */
    UINT      count;
    UINT      kind;     /* AFD_PORTS_* */
    UINT      owner;    /* id of the process that acquired it, 0 for a persistent one */
    UINT      in_use;   /* ports of it that a socket holds */
};
C_ASSERT( sizeof(struct afd_port_reservation) == 20 );

#define AFD_PORTS_RUNTIME    1
#define AFD_PORTS_PERSISTENT 2

/* a socket of the server that keeps the rest of the system off a port; those of the block, as many as fit */
struct afd_port_guard
{
    UINT      port;     /* host order */
    UINT      inode;    /* as the system's tables of sockets have it */
};
C_ASSERT( sizeof(struct afd_port_guard) == 8 );

/* a socket of a program, as many as fit; one that is open in several processes is listed for each of them */
struct afd_port_socket
{
    UINT      inode;    /* as the system's tables of sockets have it */
    UINT      owner;    /* id of the process */
};
C_ASSERT( sizeof(struct afd_port_socket) == 8 );

struct afd_ports_info
{
    UINT      version;      /* 1 */
    UINT      runtime;      /* number of runtime reservations */
    UINT      persistent;   /* number of persistent reservations */
    UINT      sockets;      /* sockets that have to do with one */
    UINT      guards;       /* sockets that keep the rest of the system off the ports */
    UINT      max_guards;
    UINT      missing;      /* ports that should be guarded, and are not */
    UINT      flags;        /* AFD_PORTS_* */
};
C_ASSERT( sizeof(struct afd_ports_info) == 32 );

#define AFD_PORTS_EXHAUSTED  0x1  /* the last guard that was not made was one too many */
#define AFD_PORTS_NO_JOURNAL 0x2  /* the journal can't be read or written: no persistent reservation can be created */

#endif  /* __WINE_WINE_AFD_PORTS_H */
