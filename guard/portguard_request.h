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

enum requests_result
{
    REQUESTS_GO_ON,
    REQUESTS_QUIT,      /* the server wants an end */
    REQUESTS_NONSENSE,  /* what follows is no request */
    REQUESTS_GONE,      /* a reply could not be sent */
};

/* Handle the whole messages at the start of what was read, however hostile. send gets each reply, and returns 0 when the server is
 * gone. *used is the number of bytes that were handled; the rest is the start of a message that fits into PORTGUARD_MAX_REQUEST bytes. */
extern enum requests_result requests_handle( const char *data, size_t len, int (*send)( const void *data, size_t size ), size_t *used );

#endif /* PORTRES_PORTGUARD_REQUEST_H */
