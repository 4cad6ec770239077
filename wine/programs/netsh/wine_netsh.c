/*
 * What netsh leaves to the one of Wine: it is linked in
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wine_netsh.h"

#include <stdio.h>

#include <windows.h>

/* in netsh.c, where it is the whole program; so far it tells what it was called with, and nothing else */
extern int __cdecl other_netsh( int argc, WCHAR *argv[] );

int run_wine_netsh( const WCHAR *tail, int quiet )
{
    WCHAR *argv[] = { (WCHAR *)L"netsh", (WCHAR *)tail, NULL };

    fflush( stdout );  /* it writes by itself */
    return other_netsh( 2, argv );
}
