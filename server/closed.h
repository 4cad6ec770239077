/*
 * Finding out which sockets are closed
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_CLOSED_H
#define PORTRES_SERVER_CLOSED_H

#include "sock.h"

/* The server holds no handle of a client's socket, and nothing that keeps one with a port open: a socket that its program closes is closed
 * at once, and with it the port, the listener, the connection. So the server has to look which ones still live. Those that acquired
 * something and have no port are watched all the same when they have been open for a moment: what lives with them ends as they do, for the
 * rest of the host, too. A program that asks is told the truth without that: the server looks before it says no. */

/* Must every socket be watched (sock_watch()), since this host does not tell which ones live? For tests. */
extern int closed_needs_watch(void);
/* Watch the socket, or no longer, as it has to be by now. On failure nothing has changed. */
extern NTSTATUS closed_update_watch( struct sock *sock, const struct sock_handle *handle );
/* Something has come to live with the socket, or was refused: what did before may have ended meanwhile. Many are closed soon after, so it is
 * watched only when it has been open for a moment. */
extern void closed_watch_soon( struct sock *sock );
/* The last of what lived with the socket has ended. */
extern void closed_end_watch( struct sock *sock );
/* Is what lives with the socket still there? Looks if that is not known. May wait. */
extern void closed_look_at( struct sock *sock );

/* Called when the guard has started. */
extern void closed_init(void);

/* Look for those of count sockets that are closed, and call sock_closed() for each. May wait. Returns how many there were. */
extern unsigned int closed_look( const sock_id *ids, unsigned int count );

/* For the main loop: look at all sockets now and then, in tasks. */
extern void closed_run(void);
/* ms after which closed_run() has to be called again; to be asked when the tasks had their turn */
extern unsigned int closed_timeout(void);

#endif /* PORTRES_SERVER_CLOSED_H */
