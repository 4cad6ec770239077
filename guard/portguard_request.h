/*
 * Requests of the server to portguard
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PORTGUARD_REQUEST_H
#define PORTRES_PORTGUARD_REQUEST_H

#include <stddef.h>

#include "portguard.h"

/* refuse: this process can't keep anything (PORTGUARD_HELLO says so). limit, lingers: what the replies say. */
extern void requests_init( int refuse, unsigned int limit, int lingers );

/* Sends a reply. Returns 0 when the server is gone. */
typedef int (*requests_sender)( const void *data, size_t size );

enum requests_result
{
    REQUESTS_GO_ON,
    REQUESTS_QUIT,      /* the server wants an end */
    REQUESTS_NONSENSE,  /* what follows is no request */
    REQUESTS_GONE,      /* a reply could not be sent */
};

/* Large blocks are guarded bit by bit. While there is one to go on with, requests_go_on() is to be called between other requests. It returns 0
 * when the server is gone. */
extern int requests_pending(void);
extern int requests_go_on( requests_sender send );
/* The server that asked for them is gone, or another one has come. */
extern void requests_abandon(void);

/* Handle the whole messages at the start of what was read, however hostile. *used is the number of bytes that were
 * handled; the rest is the start of a message that fits into PORTGUARD_MAX_REQUEST bytes. */
extern enum requests_result requests_handle( const char *data, size_t len, requests_sender send, size_t *used );

#endif /* PORTRES_PORTGUARD_REQUEST_H */
