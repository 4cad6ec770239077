/*
 * What the tests of the pipe share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_PIPE_TEST_H
#define PORTRES_TESTS_PIPE_TEST_H

#include "channel.h"
#include "protocol.h"
#include "status.h"

#include <windows.h>

extern HANDLE connect_pipe(void);

/* Read or write one message. Returns the number of bytes, or ~0 with the last error set. */
extern DWORD transfer( HANDLE pipe, void *data, DWORD size, BOOL write );

/* a channel of a connection */
struct test_channel
{
    HANDLE          pipe;
    HANDLE          event;
    HANDLE          doorbell;
    struct channel *memory;
};

/* Connect and open one. FALSE: it could not be. */
extern BOOL open_channel( struct test_channel *channel );
extern void close_channel( struct test_channel *channel );
extern BOOL change_state( struct test_channel *channel, enum channel_state from, enum channel_state to );
/* Write a request, and ring. */
extern void begin_request( struct test_channel *channel, const union generic_request *req );
/* Wait for the state. FALSE: it does not come. */
extern BOOL wait_state( struct test_channel *channel, enum channel_state state );
/* Make the whole of a request. */
extern BOOL channel_call( struct test_channel *channel, const union generic_request *req, union generic_reply *reply );

extern void set_header( union generic_request *req, uint32_t code, uint32_t size );

#endif /* PORTRES_TESTS_PIPE_TEST_H */
