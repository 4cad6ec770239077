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

/* The server holds no handle of a client's socket, and nothing else that would keep it open: a socket that its program closes is closed at once. So
 * it has to look which ones still live. */

/* Must every socket be watched (sock_watch()), since this host does not tell which ones live? */
extern int closed_needs_watch(void);

/* Called when the guard has started. */
extern void closed_init(void);

/* Look for those of count sockets that are closed, and call sock_closed() for each. ids is sorted here. May wait. Returns how many there were. */
extern unsigned int closed_look( sock_id *ids, unsigned int count );

/* For the main loop: look at all sockets now and then. Returns the ms after which it has to be called again. */
extern unsigned int closed_run(void);

#endif /* PORTRES_SERVER_CLOSED_H */
