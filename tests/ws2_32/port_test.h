/*
 * What the tests of port reservations share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORT_TEST_H
#define PORTRES_PORT_TEST_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <mswsock.h>
#include <stdint.h>
#include "wine/test.h"
#ifndef PORTRES_WINE_TEST_H  /* Wine's */
# include "wine_test.h"
#endif

#ifndef SIO_CPU_AFFINITY
# define SIO_CPU_AFFINITY _WSAIOW( IOC_VENDOR, 21 )
#endif

/* INET_PORT_RESERVATION_INSTANCE. Its members are anonymous in <mstcpip.h>, which C99 has no word for. */
struct instance
{
    INET_PORT_RANGE Reservation;   /* StartPort in network order */
    ULONG64         Token;
};

/* the kinds of socket that reservations are about */
struct socket_kind
{
    const char *name;
    int family;
    int type;
    int protocol;
    int dual;       /* an IPv6 socket with IPV6_V6ONLY off */
};

enum { TCP4, TCP6, TCP_DUAL, UDP4, UDP6, UDP_DUAL, KIND_COUNT };
extern const struct socket_kind socket_kinds[KIND_COUNT];

/* How long what the last close of a socket gives back may take. */
#define GIVE_BACK_TIMEOUT 1000

/* Start Winsock and see if this system has port reservations; a test without them ends here. */
extern BOOL start_test(void);
extern BOOL have_ipv6(void);

extern SOCKET make_socket( int kind );

/* Each returns 0 or a Winsock error. Ports are in host order. */
extern int acquire( SOCKET s, unsigned int first, unsigned int count, struct instance *inst );
extern int release( SOCKET s, ULONG64 token );
extern int associate( SOCKET s, ULONG64 token );
extern int set_processor( SOCKET s, USHORT processor );   /* SIO_CPU_AFFINITY */
extern int bind_port( SOCKET s, unsigned int port );      /* on all addresses */
extern int bind_loopback( SOCKET s, unsigned int port );
extern int implicit_bind( SOCKET s );                     /* sends a byte (UDP), connects to a closed port (TCP) */

/* Acquire a block that nobody else uses by its number. */
extern int acquire_explicit( SOCKET s, unsigned int count, struct instance *inst );

/* The same for what a test can't do without: a block anywhere, and a socket associated with it. The failure is one of the line that
 * makes the call. */
#define must_acquire( s, count, inst )  must_acquire_( __FILE__, __LINE__, s, count, inst )
#define must_associate( s, token )      must_associate_( __FILE__, __LINE__, s, token )
#define associated_socket( kind, inst ) associated_socket_( __FILE__, __LINE__, kind, inst )
extern void must_acquire_( const char *file, int line, SOCKET s, unsigned int count, struct instance *inst );
extern void must_associate_( const char *file, int line, SOCKET s, ULONG64 token );
extern SOCKET associated_socket_( const char *file, int line, int kind, const struct instance *inst );

/* Find a run of ports that nobody uses or has reserved. Another program may take one at any time. */
extern unsigned int find_free_block( int kind, unsigned int count );

/* The same as acquire() and bind_port(), tried again for GIVE_BACK_TIMEOUT while the port is still in use. */
extern int acquire_soon( SOCKET s, unsigned int first, unsigned int count, struct instance *inst );
extern int bind_soon( SOCKET s, unsigned int port );

extern int make_addr( SOCKET s, BOOL loopback, unsigned int port, struct sockaddr_storage *addr );
extern unsigned int local_port( SOCKET s );               /* 0 when not bound */
extern int socket_kind_of( SOCKET s );

static inline unsigned int first_port( const struct instance *inst )
{
    return ntohs( inst->Reservation.StartPort );
}

static inline unsigned int last_port( const struct instance *inst )
{
    return first_port( inst ) + inst->Reservation.NumberOfPorts - 1;
}

static inline BOOL in_block( const struct instance *inst, unsigned int port )
{
    return port >= first_port( inst ) && port <= last_port( inst );
}

/* A second process that does as it is told. Its sockets are known by a slot number. */
#define PUPPET_SLOTS 8

struct puppet
{
    HANDLE process;
    DWORD  pid;
    HANDLE section, go, done;
    struct puppet_shared *shared;
};

extern BOOL puppet_start( struct puppet *puppet, BOOL inherit );
extern void puppet_stop( struct puppet *puppet );   /* tell it to end, the usual way */
extern void puppet_kill( struct puppet *puppet );   /* TerminateProcess */

/* Each returns what the same call gave in the other process: 0 or a Winsock error. */
extern int puppet_socket( struct puppet *puppet, int slot, int kind );
extern int puppet_adopt( struct puppet *puppet, int slot, SOCKET s, int kind );/* a handle it inherited */
extern int puppet_receive( struct puppet *puppet, int slot, SOCKET s );       /* WSADuplicateSocket */
extern int puppet_close( struct puppet *puppet, int slot );
extern int puppet_acquire( struct puppet *puppet, int slot, unsigned int first, unsigned int count, struct instance *inst );
extern int puppet_release( struct puppet *puppet, int slot, ULONG64 token );
extern int puppet_associate( struct puppet *puppet, int slot, ULONG64 token );
extern int puppet_bind( struct puppet *puppet, int slot, unsigned int port );
extern int puppet_set_reuse( struct puppet *puppet, int slot );              /* SO_REUSEADDR */
extern int puppet_set_processor( struct puppet *puppet, int slot, unsigned int processor );
extern unsigned int puppet_local_port( struct puppet *puppet, int slot );

#endif /* PORTRES_PORT_TEST_H */
