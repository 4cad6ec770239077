/*
 * The kernel's TCP sockets, by port
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_TCP_H
#define PORTRES_PORTGUARD_TCP_H

/* Forget what the kernel said; the next question asks it again. */
extern void tcp_table_forget(void);

/* Whether closed connections that wait out their time (TIME_WAIT) are all that the kernel has on the port. It answers
 * no when it can't tell. Costs one dump of all TCP sockets after tcp_table_forget(), and a memory read from then on. */
extern int tcp_table_only_time_wait( unsigned int port );

/* Whether the other end of a TCP connection over the loopback interface belongs to the user who runs this program. It answers
 * no when it can't tell. */
extern int tcp_peer_is_own_user( int fd );

#endif /* PORTRES_PORTGUARD_TCP_H */
