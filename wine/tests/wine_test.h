/*
 * Tests of port reservations among Wine's own
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef __WINE_PORTS_WINE_TEST_H
#define __WINE_PORTS_WINE_TEST_H

/* The tests are written for a wine/test.h of their own, which knows a little more than Wine's. What only runs as a child, and is in no
 * list of Wine's, the test "ports" runs. */

#include <string.h>
#include <winternl.h>  /* what Windows has in <winbase.h> */

/* what a Wine's headers may lack */
#ifndef AF_BTH
# define AF_BTH 32
#endif

#undef ok
#undef ok_
#define ok( cond, ... ) ok_( __FILE__, __LINE__, cond, __VA_ARGS__ )
#define ok_( file, line, cond, ... ) \
    ({ int ok__ = !!(cond); winetest_set_location( file, line ); winetest_ok( ok__, __VA_ARGS__ ); ok__; })

#define winetest_is_wine() (!strcmp( winetest_platform, "wine" ))

#define WINETEST_CHILD_PREFIX "ports "

/* the arguments of a test, or those of the child, the first of which is its name */
#define winetest_get_mainargs get_test_args
extern int get_test_args( char ***argv );

extern HANDLE winetest_start_child( BOOL inherit, DWORD *pid, const char *args, ... ) __WINE_PRINTF_ATTR(3,4);

#define winetest_wait_child( process, timeout ) winetest_wait_child_( __FILE__, __LINE__, process, timeout )
extern void winetest_wait_child_( const char *file, int line, HANDLE process, DWORD timeout );

#endif  /* __WINE_PORTS_WINE_TEST_H */
