/*
 * Guards made of Wine's sockets, for want of the native helper
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_LOCAL_H
#define PORTRES_GUARD_LOCAL_H

#include "status.h"

/* Guard one port on both address families. What they keep out is less than portguard does: see guard_coverage().
 * STATUS_SHARING_VIOLATION: the port is in use. STATUS_ACCESS_DENIED: the host keeps it from this user.
 * STATUS_INSUFFICIENT_RESOURCES: no more sockets. */
extern NTSTATUS local_guard( int protocol, unsigned int port );
extern void local_release( int protocol, unsigned int port );

/* whether the port has such a guard */
extern int local_guarded( int protocol, unsigned int port );

#endif /* PORTRES_GUARD_LOCAL_H */
