/*
 * Connection to portguard, the native helper
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_GUARD_HELPER_H
#define PORTRES_GUARD_HELPER_H

#include <windows.h>

#include "portguard.h"

/* Take over the helper of a server that was killed, or start the one that stands beside this program. FALSE, and a line in the log that says why, when that can't be done. */
extern BOOL helper_start(void);
/* End it. */
extern void helper_quit(void);

extern BOOL helper_running(void);

/* Look whether a helper that was running still lives. */
extern BOOL helper_alive(void);

/* Send a request. With a reply pointer wait for the reply, without one the helper sends none. FALSE when the helper is gone,
 * or says nothing for 10 seconds; it must then be started anew, and guards nothing. */
extern BOOL helper_call( struct portguard_request *req, struct portguard_reply *reply );

#endif /* PORTRES_GUARD_HELPER_H */
