/*
 * Writing the port map
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_MAP_H
#define PORTRES_SERVER_MAP_H

#include "pool.h"
#include "sock.h"

/* Create the section that holds the map (portmap.h), or take over the one that clients of an earlier server keep alive. */
extern NTSTATUS map_init(void);

/* Show what the pool holds. What clients saw before, of this or an earlier server, they see until then, and what is set
 * before is not shown. */
extern void map_publish( const struct port_pool *pool );

/* kind is RESERVATION_* or 0 */
extern void map_set_ports( int protocol, unsigned int first, unsigned int count, unsigned int kind );

/* a socket became, or is no longer, associated and unbound */
extern void map_add_socket( sock_id id );
extern void map_remove_socket( sock_id id );

/* One more or less of those that others have than who made them. The socket itself is added before, and removed after. */
extern void map_count_foreign( int change );

/* one more or less of the sockets that share a port by processor */
extern void map_count_sharing( int change );

/* The server ends in order, and all reservations with it. Programs that go on must not come to ask about them: nobody may be there
 * any more who answers. */
extern void map_clear(void);

#endif /* PORTRES_SERVER_MAP_H */
