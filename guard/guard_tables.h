/*
 * Guards: what the kernel knows of ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_TABLES_H
#define PORTRES_GUARD_TABLES_H

#include "status.h"

/* The kernel's own tables do not tell of every socket: of one that is bound, and neither listens nor is connected, since Linux 6.8 only, and
 * in containers without sock_diag(7) never. So they narrow a search; a bind decides. */

/* Forget what the kernel said; the next question asks it again. */
extern void tables_forget(void);

/* What the kernel has on a TCP port. After tables_forget() it is asked for the first port alone, for the second one for all TCP sockets, and from
 * then on it is a memory read. */
enum tables_state
{
    TABLES_NONE,         /* nothing that it tells of, or it does not tell */
    TABLES_TIME_WAIT,    /* closed connections that wait out their time, and nothing else */
    TABLES_CONNECTIONS,  /* connections, of which some are not closed, and nothing else */
    TABLES_OTHERS,       /* sockets that listen, are bound, or try to connect */
};
extern enum tables_state tables_state( unsigned int port );

#define TABLES_MAP_SIZE 8192  /* bytes */

/* Set a bit for each port (port & 7 of byte port / 8) that the kernel tells a socket of, guards included; a TCP port with nothing but
 * TIME_WAIT has none. Always asks the kernel. STATUS_NOT_SUPPORTED: it does not tell. */
extern NTSTATUS tables_busy_ports( int protocol, unsigned char *map );

/* Whether the other end of a TCP connection over the loopback interface belongs to the user who runs this program. It answers
 * no when it can't tell. */
extern int tables_peer_is_own_user( int fd );

#endif /* PORTRES_GUARD_TABLES_H */
