/*
 * What the tests of persistent reservations share
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_PERSISTENT_TEST_H
#define PORTRES_PERSISTENT_TEST_H

#include "port_test.h"
#include <iphlpapi.h>

/* the two families of functions; ports are in host order here */
struct protocol
{
    const char *name;
    int kind;           /* TCP4 or UDP4 */
    ULONG (WINAPI *pCreate)( USHORT start, USHORT count, ULONG64 *token );
    ULONG (WINAPI *pDelete)( USHORT start, USHORT count );
    ULONG (WINAPI *pLookup)( USHORT start, USHORT count, ULONG64 *token );
};

enum { TCP, UDP, PROTOCOL_COUNT };
extern struct protocol protocols[PROTOCOL_COUNT];

/* Start Winsock and find the functions; a test without them ends here. */
extern BOOL load_functions(void);
/* The same, for tests that create reservations: they also end when this process is no elevated administrator. */
extern BOOL start_persistent_test(void);

extern ULONG create_block( int protocol, unsigned int first, unsigned int count, ULONG64 *token );
extern ULONG delete_block( int protocol, unsigned int first, unsigned int count );
extern ULONG lookup_block( int protocol, unsigned int first, unsigned int count, ULONG64 *token );

/* Create a block of ports that nobody uses. Returns its first port, 0 (and a failure) when there is none. */
extern unsigned int create_somewhere( int protocol, unsigned int count, ULONG64 *token );

/* create_block(), tried again for GIVE_BACK_TIMEOUT while a port is in use */
extern ULONG create_soon( int protocol, unsigned int first, unsigned int count, ULONG64 *token );

/* Start this program as winetest_start_child() does, but with a token that is no administrator's. NULL (and a skip) when that
 * can't be done here. */
extern HANDLE start_restricted_child( const char *args );

#endif /* PORTRES_PERSISTENT_TEST_H */
