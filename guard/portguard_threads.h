/*
 * Work of portguard that several threads do at once
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_THREADS_H
#define PORTRES_PORTGUARD_THREADS_H

/* guards_runner of guard_sockets.h, with as many threads as there are processors for. Before some work has returned 0 all that comes before it is
 * begun, and it is done when this returns. Without threads, and for a while after some were late, the caller does all of it. */
extern void threads_run( int (*work)( unsigned int i ), unsigned int count );

#endif /* PORTRES_PORTGUARD_THREADS_H */
