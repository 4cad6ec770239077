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

#include "protocol.h"
#include "status.h"

#include <windows.h>

extern HANDLE connect_pipe(void);

/* Read or write one message. Returns the number of bytes, or ~0 with the last error set. */
extern DWORD transfer( HANDLE pipe, void *data, DWORD size, BOOL write );

extern void set_header( union generic_request *req, uint32_t code, uint32_t size );

#endif /* PORTRES_TESTS_PIPE_TEST_H */
