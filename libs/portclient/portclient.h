/*
 * Talking to portserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTCLIENT_H
#define PORTRES_PORTCLIENT_H

#include "status.h"
#include "protocol.h"
#include "portmap.h"

/* Send one request of protocol.h and wait for its reply. req->__header.req names the request; the rest of both headers is filled
 * here. The server is started when it does not run. Returns the status of the reply, which is wholly zero on failure but for
 * fields that protocol.def gives a meaning with that status.
 * STATUS_HOST_UNREACHABLE: no answer within 5 seconds. The server then learns that nobody has read its reply, and takes back what it did;
 * a bind it can't.
 * May be called from any thread, also from DllMain and while the process ends. */
extern NTSTATUS portclient_call( union generic_request *req, union generic_reply *reply );

/* The port map that the server publishes, or NULL while there has been no server. Costs a memory read, but for the first call. */
extern const struct port_map *portclient_map(void);

/* The DLL is being unloaded, and the process goes on: free and close everything. */
extern void portclient_unload(void);

#endif /* PORTRES_PORTCLIENT_H */
