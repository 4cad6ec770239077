/*
 * What netsh leaves to the one of Wine
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_NETSH_WINE_NETSH_H
#define PORTRES_NETSH_WINE_NETSH_H

#include <wchar.h>

/* Let Wine's netsh do it; tail is its command line behind its name, and quiet says that nothing is to read. Returns its exit code. */
extern int run_wine_netsh( const wchar_t *tail, int quiet );

#endif /* PORTRES_NETSH_WINE_NETSH_H */
