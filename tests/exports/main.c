/*
 * Functions of a DLL that a program asks for at run time
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* For tests/tools/fit.sh: print what each function of a DLL returns that takes nothing, "none" for one that is not there, and "is NAME" where the
 * function is one of another DLL, as after a forward. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

typedef int (*function)(void);

static void print_one( HMODULE module, const char *name )
{
    const char *is = strchr( name, '=' );
    char first[256];
    FARPROC proc;

    snprintf( first, sizeof(first), "%.*s", (int)(is ? is - name : (int)strlen( name )), name );
    if (first[0] == '#') proc = GetProcAddress( module, (const char *)(ULONG_PTR)atoi( first + 1 ) );
    else proc = GetProcAddress( module, first );

    if (!proc) printf( "%s none\n", first );
    else if (!is) printf( "%s %d\n", first, ((function)(void *)proc)() );
    else printf( "%s is %s\n", first, proc == GetProcAddress( GetModuleHandleA( "kernel32" ), is + 1 ) ? is + 1 : "another" );
}

int main( int argc, char *argv[] )
{
    HMODULE module;
    int i;

    if (argc < 2) return 2;
    if (!(module = LoadLibraryA( argv[1] ))) return 1;
    for (i = 2; i < argc; i++) print_one( module, argv[i] );
    return 0;
}
